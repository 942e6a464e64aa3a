// Recurrent cells over time: LSTM, GRU and plain RNN. The products with the inputs are made before, as one
// matrix product over all time steps; what remains here is h * R and the gates.
#include <algorithm>
#include <cmath>

#include "graph/library/dispatch.h"

namespace belay {
namespace {

float Activate(int64_t code, float x) {
  switch (code) {
    case 0: return 1 / (1 + std::exp(-x));
    case 1: return std::tanh(x);
    case 2: return std::max(x, 0.0f);
    case 3: return std::clamp(0.2f * x + 0.5f, 0.0f, 1.0f);  // HardSigmoid
    case 4: return std::log1p(std::exp(x));                  // Softplus
    case 5: return x / (1 + std::abs(x));                    // Softsign
    default: return x;                                       // Affine without coefficients
  }
}

struct Sizes {
  int64_t directions, steps, batch, hidden, gates;
};

// out [gates * hidden] += h * R^T restricted to gate rows [first, end); R [gates * hidden, hidden].
void AddRecurrent(const float* h, const float* r, int64_t hidden, int64_t first, int64_t end, float* out) {
  for (int64_t g = first; g < end; ++g) {
    const float* row = r + g * hidden;
    float sum = 0;
    for (int64_t k = 0; k < hidden; ++k) sum += h[k] * row[k];
    out[g] += sum;
  }
}

struct Cell {
  Sizes s;
  const float* r;         // [gates * hidden, hidden]
  const float* rb;        // [hidden]: GRU's bias of the recurrent part of the new gate, or nullptr
  const float* peephole;  // [3 * hidden] in order i, o, f, or nullptr
  int64_t f, g, hh;       // activation codes
  int64_t reset_after;    // GRU: linear_before_reset
  int64_t input_forget;   // LSTM

  // One step of one sequence: gates hold x * W + b on entry; h (and c) are updated.
  void Step(float* gates, float* h, float* c) const {
    const int64_t n = s.hidden;
    if (s.gates == 1) {
      AddRecurrent(h, r, n, 0, n, gates);
      for (int64_t k = 0; k < n; ++k) h[k] = Activate(f, gates[k]);
    } else if (s.gates == 4) {
      Lstm(gates, h, c);
    } else {
      Gru(gates, h);
    }
  }
  void Lstm(float* gates, float* h, float* c) const {  // i, o, f, c
    const int64_t n = s.hidden;
    AddRecurrent(h, r, n, 0, 4 * n, gates);
    for (int64_t k = 0; k < n; ++k) {
      const float pi = peephole ? peephole[k] * c[k] : 0, pf = peephole ? peephole[2 * n + k] * c[k] : 0;
      const float i = Activate(f, gates[k] + pi);
      const float forget = input_forget ? 1 - i : Activate(f, gates[2 * n + k] + pf);
      c[k] = forget * c[k] + i * Activate(g, gates[3 * n + k]);
      const float po = peephole ? peephole[n + k] * c[k] : 0;
      h[k] = Activate(f, gates[n + k] + po) * Activate(hh, c[k]);
    }
  }
  void Gru(float* gates, float* h) const {  // z, r, h
    const int64_t n = s.hidden;
    std::vector<float> reset(n), fresh(3 * n, 0.0f);
    AddRecurrent(h, r, n, 0, 2 * n, gates);
    for (int64_t k = 0; k < n; ++k) reset[k] = Activate(f, gates[n + k]);
    if (reset_after) {
      AddRecurrent(h, r, n, 2 * n, 3 * n, fresh.data());
      for (int64_t k = 0; k < n; ++k) gates[2 * n + k] += reset[k] * (fresh[2 * n + k] + (rb ? rb[k] : 0));
    } else {
      std::vector<float> gated(n);
      for (int64_t k = 0; k < n; ++k) gated[k] = reset[k] * h[k];
      AddRecurrent(gated.data(), r, n, 2 * n, 3 * n, fresh.data());
      for (int64_t k = 0; k < n; ++k) gates[2 * n + k] += fresh[2 * n + k] + (rb ? rb[k] : 0);
    }
    for (int64_t k = 0; k < n; ++k) {
      const float z = Activate(f, gates[k]);
      h[k] = (1 - z) * Activate(g, gates[2 * n + k]) + z * h[k];
    }
  }
};

}  // namespace

// Inputs: xw [D, T, B, G*H] (x * W + biases), r [D, G*H, H], h0 [D, B, H], c0 [D, B, H], lengths i64 [B],
// peepholes [D, 3*H], rb [D, H]. Outputs: y [T, D, B, H], y_h [D, B, H], y_c [D, B, H].
Status LibraryRecurrent(LibraryCall& call) {
  const std::vector<int64_t>& dims = call.inputs[0].dims;
  const Sizes s = {dims[0], dims[1], dims[2], call.inputs[2].dims[2], call.Attr("gates")};
  const int64_t n = s.hidden, width = s.gates * n;
  const int64_t* lengths = call.inputs[4].as<int64_t>();
  float *y = call.outputs[0].as<float>(), *y_h = call.outputs[1].as<float>(), *y_c = call.outputs[2].as<float>();
  std::fill(y, y + call.outputs[0].NumElements(), 0.0f);
  std::vector<float> gates(width), h(n), c(n);
  for (int64_t d = 0; d < s.directions; ++d) {
    const bool reverse = (call.Attr("reverse") >> d) & 1;
    const Cell cell = {s,
                       call.inputs[1].as<float>() + d * width * n,
                       s.gates == 3 ? call.inputs[6].as<float>() + d * n : nullptr,
                       call.Attr("peepholes") ? call.inputs[5].as<float>() + d * 3 * n : nullptr,
                       call.Attr(d ? "f1" : "f0"), call.Attr(d ? "g1" : "g0"), call.Attr(d ? "h1" : "h0"),
                       call.Attr("reset_after"), call.Attr("input_forget")};
    for (int64_t b = 0; b < s.batch; ++b) {
      const int64_t state = (d * s.batch + b) * n;
      std::copy_n(call.inputs[2].as<float>() + state, n, h.begin());
      std::copy_n(call.inputs[3].as<float>() + state, n, c.begin());
      const int64_t length = std::clamp<int64_t>(lengths[b], 0, s.steps);
      for (int64_t i = 0; i < length; ++i) {
        const int64_t t = reverse ? length - 1 - i : i;
        std::copy_n(call.inputs[0].as<float>() + ((d * s.steps + t) * s.batch + b) * width, width, gates.begin());
        cell.Step(gates.data(), h.data(), c.data());
        std::copy_n(h.begin(), n, y + ((t * s.directions + d) * s.batch + b) * n);
      }
      std::copy_n(h.begin(), n, y_h + state);
      std::copy_n(c.begin(), n, y_c + state);
    }
  }
  return OkStatus();
}

}  // namespace belay
