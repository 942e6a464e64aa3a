// Linear attention: a matrix per head that each token decays, adds to and reads.
#include <algorithm>
#include <vector>

#include "graph/library.h"

namespace belay {
namespace {

struct Head {
  int64_t keys, values;  // the state's extents
  float* state;

  void Decay(const float* factor) const {
    for (int64_t i = 0; i < keys; ++i) {
      for (int64_t j = 0; j < values; ++j) state[i * values + j] *= factor[i];
    }
  }
  // y = x' state
  void Read(const float* x, float* y) const {
    std::fill_n(y, values, 0.0f);
    for (int64_t i = 0; i < keys; ++i) {
      for (int64_t j = 0; j < values; ++j) y[j] += x[i] * state[i * values + j];
    }
  }
  void AddOuter(const float* k, const float* v) const {
    for (int64_t i = 0; i < keys; ++i) {
      for (int64_t j = 0; j < values; ++j) state[i * values + j] += k[i] * v[j];
    }
  }
};

}  // namespace

// Inputs: q [B, T, Nq, D], k [B, T, N, D], v [B, T, N, Dv], decay factors [B, T, N, D], beta [B, T, N, 1],
// state [B, N, D, Dv]. Outputs: y [B, T, Nq, Dv], the last state. delta: what the state already gives for k
// is subtracted from v, and the rest counts beta times.
Status LibraryLinearAttention(LibraryCall& call) {
  const std::vector<int64_t>& k_dims = call.inputs[1].dims;
  const int64_t batch = k_dims[0], steps = k_dims[1], heads = k_dims[2], size = k_dims[3];
  const int64_t q_heads = call.inputs[0].dims[2], values = call.inputs[2].dims[3], share = q_heads / heads;
  const bool delta = call.Attr("delta") != 0;
  const float *q = call.inputs[0].as<float>(), *k = call.inputs[1].as<float>(), *v = call.inputs[2].as<float>();
  const float *decay = call.inputs[3].as<float>(), *beta = call.inputs[4].as<float>();
  float *y = call.outputs[0].as<float>(), *state = call.outputs[1].as<float>();
  std::copy_n(call.inputs[5].as<float>(), call.inputs[5].NumElements(), state);
  std::vector<float> added(values);
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t h = 0; h < heads; ++h) {
      const Head head = {size, values, state + (b * heads + h) * size * values};
      for (int64_t t = 0; t < steps; ++t) {
        const int64_t row = (b * steps + t) * heads + h;
        const float *key = k + row * size, *value = v + row * values;
        head.Decay(decay + row * size);
        std::copy_n(value, values, added.begin());
        if (delta) {
          head.Read(key, added.data());
          for (int64_t j = 0; j < values; ++j) added[j] = beta[row] * (value[j] - added[j]);
        }
        head.AddOuter(key, added.data());
        for (int64_t g = 0; g < share; ++g) {
          const int64_t query = (b * steps + t) * q_heads + h * share + g;
          head.Read(q + query * size, y + query * values);
        }
      }
    }
  }
  return OkStatus();
}

}  // namespace belay
