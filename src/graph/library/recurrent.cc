// Recurrent cells over time: LSTM, GRU and plain RNN. The products with the inputs are made before, as one
// matrix product over all time steps; what remains here is h * R and the gates.
#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/library.h"

namespace belay {
namespace {

// ONNX's activation functions, in the order of their codes.
enum ActivationCode : int64_t {
  kSigmoid, kTanh, kRelu, kHardSigmoid, kSoftplus, kSoftsign, kAffine, kLeakyRelu, kThresholdedRelu, kScaledTanh, kElu
};

template <typename T>
struct Activation {
  int64_t code = kSigmoid;
  T alpha = 0, beta = 0;
  T clip = std::numeric_limits<T>::infinity();

  T operator()(T x) const {
    x = std::clamp(x, -clip, clip);
    switch (code) {
      case kSigmoid: return 1 / (1 + std::exp(-x));
      case kTanh: return std::tanh(x);
      case kRelu: return std::max(x, T(0));
      case kHardSigmoid: return std::clamp(alpha * x + beta, T(0), T(1));
      case kSoftplus: return std::max(x, T(0)) + std::log1p(std::exp(-std::abs(x)));
      case kSoftsign: return x / (1 + std::abs(x));
      case kAffine: return alpha * x + beta;
      case kLeakyRelu: return x < 0 ? alpha * x : x;
      case kThresholdedRelu: return x > alpha ? x : T(0);
      case kScaledTanh: return alpha * std::tanh(beta * x);
      default: return x < 0 ? alpha * std::expm1(x) : x;
    }
  }
};

struct Sizes {
  int64_t directions, steps, batch, hidden, gates;
};

// out [gates * hidden] += h * R^T restricted to gate rows [first, end); R [gates * hidden, hidden].
template <typename T>
void AddRecurrent(const T* h, const T* r, int64_t hidden, int64_t first, int64_t end, T* out) {
  for (int64_t g = first; g < end; ++g) {
    const T* row = r + g * hidden;
    T sum = 0;
    for (int64_t k = 0; k < hidden; ++k) sum += h[k] * row[k];
    out[g] += sum;
  }
}

template <typename T>
struct Cell {
  Sizes s;
  const T* r;         // [gates * hidden, hidden]
  const T* rb;        // [hidden]: GRU's bias of the recurrent part of the new gate, or nullptr
  const T* peephole;  // [3 * hidden] in order i, o, f, or nullptr
  Activation<T> f, g, hh;
  int64_t reset_after;    // GRU: linear_before_reset
  int64_t input_forget;   // LSTM

  // One step of one sequence: gates hold x * W + b on entry and the gates' values on return; h and c are
  // updated. A GRU leaves its recurrent part of the new gate in c.
  void Step(T* gates, T* h, T* c) const {
    const int64_t n = s.hidden;
    if (s.gates == 1) {
      AddRecurrent(h, r, n, 0, n, gates);
      for (int64_t k = 0; k < n; ++k) h[k] = gates[k] = f(gates[k]);
    } else if (s.gates == 4) {
      Lstm(gates, h, c);
    } else {
      Gru(gates, h, c);
    }
  }
  void Lstm(T* gates, T* h, T* c) const {  // i, o, f, c
    const int64_t n = s.hidden;
    AddRecurrent(h, r, n, 0, 4 * n, gates);
    for (int64_t k = 0; k < n; ++k) {
      const T pi = peephole ? peephole[k] * c[k] : 0, pf = peephole ? peephole[2 * n + k] * c[k] : 0;
      const T i = f(gates[k] + pi);
      const T forget = input_forget ? 1 - i : f(gates[2 * n + k] + pf);
      const T fresh = g(gates[3 * n + k]);
      c[k] = forget * c[k] + i * fresh;
      const T po = peephole ? peephole[n + k] * c[k] : 0;
      const T o = f(gates[n + k] + po);
      h[k] = o * hh(c[k]);
      gates[k] = i, gates[n + k] = o, gates[2 * n + k] = forget, gates[3 * n + k] = fresh;
    }
  }
  void Gru(T* gates, T* h, T* recurrent) const {  // z, r, h
    const int64_t n = s.hidden;
    std::vector<T> reset(n), fresh(3 * n, T(0));
    AddRecurrent(h, r, n, 0, 2 * n, gates);
    for (int64_t k = 0; k < n; ++k) reset[k] = f(gates[n + k]);
    std::vector<T> gated(h, h + n);
    for (int64_t k = 0; k < n && !reset_after; ++k) gated[k] *= reset[k];
    AddRecurrent(gated.data(), r, n, 2 * n, 3 * n, fresh.data());
    for (int64_t k = 0; k < n; ++k) {
      recurrent[k] = fresh[2 * n + k] + (rb ? rb[k] : 0);
      gates[2 * n + k] += (reset_after ? reset[k] : T(1)) * recurrent[k];
    }
    for (int64_t k = 0; k < n; ++k) {
      const T z = f(gates[k]), next = g(gates[2 * n + k]);
      h[k] = (1 - z) * next + z * h[k];
      gates[k] = z, gates[n + k] = reset[k], gates[2 * n + k] = next;
    }
  }
};

// The k-th function of direction d; its coefficients stand behind the clip in input 7.
template <typename T>
Activation<T> ActivationOf(const LibraryCall& call, int64_t d, int64_t k) {
  static constexpr const char* kNames[2][3] = {{"f0", "g0", "h0"}, {"f1", "g1", "h1"}};
  const T* numbers = call.inputs[7].as<T>();
  const T* own = numbers + 1 + 2 * (3 * d + k);
  return {call.Attr(kNames[d][k]), own[0], own[1], numbers[0]};
}

template <typename T>
Status Recurrent(LibraryCall& call) {
  const std::vector<int64_t>& dims = call.inputs[0].dims;
  const Sizes s = {dims[0], dims[1], dims[2], call.inputs[2].dims[2], call.Attr("gates")};
  const int64_t n = s.hidden, width = s.gates * n;
  const int64_t* lengths = call.inputs[4].as<int64_t>();
  T *y = call.outputs[0].as<T>(), *y_h = call.outputs[1].as<T>(), *y_c = call.outputs[2].as<T>();
  std::fill(y, y + call.outputs[0].NumElements(), T(0));
  T *all_c = nullptr, *all_gates = nullptr;
  if (call.outputs.size() > 3) {
    all_c = call.outputs[3].as<T>(), all_gates = call.outputs[4].as<T>();
    std::fill(all_c, all_c + call.outputs[3].NumElements(), T(0));
    std::fill(all_gates, all_gates + call.outputs[4].NumElements(), T(0));
  }
  std::vector<T> gates(width), h(n), c(n);
  for (int64_t d = 0; d < s.directions; ++d) {
    const bool reverse = (call.Attr("reverse") >> d) & 1;
    const Cell<T> cell = {s,
                          call.inputs[1].as<T>() + d * width * n,
                          s.gates == 3 ? call.inputs[6].as<T>() + d * n : nullptr,
                          call.Attr("peepholes") ? call.inputs[5].as<T>() + d * 3 * n : nullptr,
                          ActivationOf<T>(call, d, 0), ActivationOf<T>(call, d, 1), ActivationOf<T>(call, d, 2),
                          call.Attr("reset_after"), call.Attr("input_forget")};
    for (int64_t b = 0; b < s.batch; ++b) {
      const int64_t state = (d * s.batch + b) * n;
      std::copy_n(call.inputs[2].as<T>() + state, n, h.begin());
      std::copy_n(call.inputs[3].as<T>() + state, n, c.begin());
      const int64_t length = std::clamp<int64_t>(lengths[b], 0, s.steps);
      for (int64_t i = 0; i < length; ++i) {
        const int64_t t = reverse ? length - 1 - i : i;
        std::copy_n(call.inputs[0].as<T>() + ((d * s.steps + t) * s.batch + b) * width, width, gates.begin());
        cell.Step(gates.data(), h.data(), c.data());
        const int64_t at = (t * s.directions + d) * s.batch + b;
        std::copy_n(h.begin(), n, y + at * n);
        if (!all_c) continue;
        std::copy_n(c.begin(), n, all_c + at * n);
        std::copy_n(gates.begin(), width, all_gates + at * width);
      }
      std::copy_n(h.begin(), n, y_h + state);
      std::copy_n(c.begin(), n, y_c + state);
    }
  }
  return OkStatus();
}

}  // namespace

// Inputs: xw [D, T, B, G*H] (x * W + biases), r [D, G*H, H], h0 [D, B, H], c0 [D, B, H], lengths i64 [B],
// peepholes [D, 3*H], rb [D, H], then the clip of all activations' inputs and alpha and beta of each, three per
// direction. Outputs: y [T, D, B, H], y_h [D, B, H], y_c [D, B, H]; and, when asked for, of every step what
// Cell::Step leaves: c [T, D, B, H], gates [T, D, B, G*H]. Steps behind a sequence's end are 0.
Status LibraryRecurrent(LibraryCall& call) {
  return call.inputs[0].dtype == DType::kF64 ? Recurrent<double>(call) : Recurrent<float>(call);
}

}  // namespace belay
