// The gated delta rule (Yang et al., 2024), token by token: a state that decays, forgets what a key held and
// learns its new value.
#include <algorithm>
#include <cmath>

#include "graph/library.h"

namespace belay {
namespace {

struct Sizes {
  int64_t tokens, key_heads, value_heads, key, value, states;
};

struct Inputs {
  const float *q, *k, *v, *beta, *decay, *key_decay;  // decay, key_decay: logarithms; nullptr: none
};

// s [value, key]; one head of one token.
void Update(float* s, const Sizes& z, const Inputs& in, int64_t token, int64_t head, float* out) {
  const int64_t key_head = head * z.key_heads / z.value_heads, at = token * z.value_heads + head;
  const float* q = in.q + (token * z.key_heads + key_head) * z.key;
  const float* k = in.k + (token * z.key_heads + key_head) * z.key;
  const float* v = in.v + at * z.value;
  const float decay = in.decay ? std::exp(in.decay[at]) : 1;
  const float* key_decay = in.key_decay ? in.key_decay + at * z.key : nullptr;
  for (int64_t i = 0; i < z.value; ++i) {
    float* row = s + i * z.key;
    double held = 0, read = 0;
    for (int64_t j = 0; j < z.key; ++j) {
      row[j] *= key_decay ? decay * std::exp(key_decay[j]) : decay;
      held += static_cast<double>(row[j]) * k[j];
    }
    const float learned = in.beta[at] * (v[i] - static_cast<float>(held));
    for (int64_t j = 0; j < z.key; ++j) {
      row[j] += learned * k[j];
      read += static_cast<double>(row[j]) * q[j];
    }
    out[at * z.value + i] = static_cast<float>(read);
  }
}

const float* OptionalFloats(const LibraryBuffer& x) { return x.NumElements() ? x.as<float>() : nullptr; }

}  // namespace

// q, k [T, Nk, Dk], v [T, Nv, Dv], beta [T, Nv], state [states, Nv, Dv, Dk], lengths i64 [B], indices i64 [T],
// g [T, Nv] or [0], gk [T, Nv, Dk] or [0], accepted i64 [B] or [0]. Outputs: out [T, Nv, Dv], the states. A
// sequence begins with the state that its token number `accepted` (else the first) names, and leaves one for
// each of its tokens where that token's index says.
Status LibraryDeltaRule(LibraryCall& call) {
  const auto& in = call.inputs;
  const Sizes z = {in[0].dims[0], in[0].dims[1], in[2].dims[1], in[0].dims[2], in[2].dims[2], in[4].dims[0]};
  const Inputs x = {in[0].as<float>(), in[1].as<float>(), in[2].as<float>(), in[3].as<float>(),
                    OptionalFloats(in[7]), OptionalFloats(in[8])};
  const int64_t *lengths = in[5].as<int64_t>(), *indices = in[6].as<int64_t>();
  const int64_t* accepted = in[9].NumElements() ? in[9].as<int64_t>() : nullptr;
  float *out = call.outputs[0].as<float>(), *states = call.outputs[1].as<float>();
  std::fill(out, out + call.outputs[0].NumElements(), 0.0f);
  std::copy_n(in[4].as<float>(), in[4].NumElements(), states);
  const int64_t width = z.value_heads * z.value * z.key;
  std::vector<float> state(width);
  auto place = [&](int64_t token, float** at) {
    if (token < 0 || token >= z.tokens || indices[token] < 0 || indices[token] >= z.states) return false;
    *at = states + indices[token] * width;
    return true;
  };
  int64_t token = 0;
  for (int64_t b = 0; b < in[5].NumElements(); ++b) {
    float* at = nullptr;
    if (lengths[b] < 1) continue;
    if (!place(token + (accepted ? std::max<int64_t>(accepted[b] - 1, 0) : 0), &at)) {
      return InvalidArgument("sequence {} begins at a state that does not exist", b);
    }
    std::copy_n(at, width, state.begin());
    for (const int64_t end = token + lengths[b]; token < end; ++token) {
      if (!place(token, &at)) return InvalidArgument("token {} has no state among the {}", token, z.states);
      for (int64_t head = 0; head < z.value_heads; ++head) {
        Update(state.data() + head * z.value * z.key, z, x, token, head, out);
      }
      std::copy_n(state.begin(), width, at);
    }
  }
  return OkStatus();
}

}  // namespace belay
