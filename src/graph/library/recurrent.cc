// Recurrent cells over time: LSTM, GRU and plain RNN. The products with the inputs are made before, as one
// matrix product over all time steps; what remains here is h * R and the gates.
#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/library.h"
#include "graph/library/lanes.h"

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

  T Clipped(T x) const { return std::clamp(x, -clip, clip); }
  T operator()(T x) const {
    x = Clipped(x);
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

template <typename T>
void Apply(const Activation<T>& f, T* x, int64_t n) {
  if constexpr (std::is_same_v<T, float>) {
    if (f.code == kSigmoid || f.code == kTanh) {
      if (std::isfinite(f.clip)) std::transform(x, x + n, x, [&](T v) { return f.Clipped(v); });
      return f.code == kSigmoid ? SigmoidInPlace(x, n) : TanhInPlace(x, n);
    }
  }
  std::transform(x, x + n, x, f);
}

// One sequence's: gates hold x * W + b before a step and the gates' values after it; h and c are updated. A GRU
// leaves its recurrent part of the new gate in c.
template <typename T>
struct State {
  T *gates, *h, *c, *gated;  // gated: scratch of a GRU
};

template <typename T>
struct Cell {
  Sizes s;
  const T* r;         // [hidden, gates * hidden]
  const T* rb;        // [hidden]: GRU's bias of the recurrent part of the new gate, or nullptr
  const T* peephole;  // [3 * hidden] in order i, o, f, or nullptr
  Activation<T> f, g, hh;
  int64_t reset_after;    // GRU: linear_before_reset
  int64_t input_forget;   // LSTM

  // One step of each of these sequences.
  void Step(const std::vector<State<T>>& states) const {
    if (s.gates == 3) return Gru(states);
    AddRecurrent(states, &State<T>::h, &State<T>::gates, 0, s.gates * s.hidden);
    for (const State<T>& z : states) s.gates == 4 ? Lstm(z) : Plain(z);
  }
  // to [columns] += from * R, restricted to these columns of R.
  void AddRecurrent(const std::vector<State<T>>& states, T* State<T>::*from, T* State<T>::*to, int64_t first,
                    int64_t columns) const {
    std::vector<const T*> rows;
    std::vector<T*> sums;
    for (const State<T>& z : states) rows.push_back(z.*from), sums.push_back(z.*to);
    AddRowProducts(RowProducts<T>{rows.data(), sums.data(), static_cast<int64_t>(rows.size()), s.hidden, columns,
                                  r + first, s.gates * s.hidden});
  }
  void Plain(const State<T>& z) const {
    Apply(f, z.gates, s.hidden);
    std::copy_n(z.gates, s.hidden, z.h);
  }
  void Lstm(const State<T>& z) const {
    const int64_t n = s.hidden;
    T *i = z.gates, *o = i + n, *forget = o + n, *fresh = forget + n;
    for (int64_t k = 0; k < n && peephole; ++k) {
      i[k] += peephole[k] * z.c[k];
      forget[k] += peephole[2 * n + k] * z.c[k];
    }
    Apply(f, i, n);
    Apply(f, forget, n);
    Apply(g, fresh, n);
    if (input_forget) std::transform(i, i + n, forget, [](T v) { return 1 - v; });
    for (int64_t k = 0; k < n; ++k) z.c[k] = forget[k] * z.c[k] + i[k] * fresh[k];
    for (int64_t k = 0; k < n && peephole; ++k) o[k] += peephole[n + k] * z.c[k];
    Apply(f, o, n);
    std::copy_n(z.c, n, z.h);
    Apply(hh, z.h, n);
    for (int64_t k = 0; k < n; ++k) z.h[k] *= o[k];
  }
  void Gru(const std::vector<State<T>>& states) const {
    const int64_t n = s.hidden;
    AddRecurrent(states, &State<T>::h, &State<T>::gates, 0, 2 * n);
    for (const State<T>& z : states) {
      Apply(f, z.gates, 2 * n);
      const T* reset = z.gates + n;
      for (int64_t k = 0; k < n; ++k) z.gated[k] = reset_after ? z.h[k] : z.h[k] * reset[k];
      std::fill_n(z.c, n, T(0));
    }
    AddRecurrent(states, &State<T>::gated, &State<T>::c, 2 * n, n);
    for (const State<T>& z : states) {
      const T *update = z.gates, *reset = update + n;
      T* next = z.gates + 2 * n;
      for (int64_t k = 0; k < n; ++k) {
        if (rb) z.c[k] += rb[k];
        next[k] += (reset_after ? reset[k] : T(1)) * z.c[k];
      }
      Apply(g, next, n);
      for (int64_t k = 0; k < n; ++k) z.h[k] = (1 - update[k]) * next[k] + update[k] * z.h[k];
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
Cell<T> CellOf(const LibraryCall& call, const Sizes& s, int64_t d) {
  const int64_t n = s.hidden;
  return {s,
          call.inputs[1].as<T>() + d * s.gates * n * n,
          s.gates == 3 ? call.inputs[6].as<T>() + d * n : nullptr,
          call.Attr("peepholes") ? call.inputs[5].as<T>() + d * 3 * n : nullptr,
          ActivationOf<T>(call, d, 0), ActivationOf<T>(call, d, 1), ActivationOf<T>(call, d, 2),
          call.Attr("reset_after"), call.Attr("input_forget")};
}

// All steps of direction d. Sequences that have ended take no part.
template <typename T>
void RunDirection(LibraryCall& call, const Sizes& s, int64_t d) {
  const Cell<T> cell = CellOf<T>(call, s, d);
  const int64_t n = s.hidden, width = s.gates * n, states = d * s.batch * n;
  const bool reverse = (call.Attr("reverse") >> d) & 1, keeps_all = call.outputs.size() > 3;
  const int64_t* lengths = call.inputs[4].as<int64_t>();
  T *h = call.outputs[1].as<T>() + states, *c = call.outputs[2].as<T>() + states;
  std::copy_n(call.inputs[2].as<T>() + states, s.batch * n, h);
  std::copy_n(call.inputs[3].as<T>() + states, s.batch * n, c);
  std::vector<T> gates(s.batch * width), gated(s.batch * n);
  std::vector<State<T>> running;
  std::vector<int64_t> places;  // of the running sequences' steps in the outputs
  for (int64_t i = 0; i < s.steps; ++i) {
    running.clear(), places.clear();
    for (int64_t b = 0; b < s.batch; ++b) {
      const int64_t length = std::min(lengths[b], s.steps), t = reverse ? length - 1 - i : i;
      if (i >= length) continue;
      running.push_back({gates.data() + b * width, h + b * n, c + b * n, gated.data() + b * n});
      places.push_back((t * s.directions + d) * s.batch + b);
      std::copy_n(call.inputs[0].as<T>() + ((d * s.steps + t) * s.batch + b) * width, width, running.back().gates);
    }
    if (running.empty()) break;
    cell.Step(running);
    for (size_t k = 0; k < running.size(); ++k) {
      std::copy_n(running[k].h, n, call.outputs[0].as<T>() + places[k] * n);
      if (!keeps_all) continue;
      std::copy_n(running[k].c, n, call.outputs[3].as<T>() + places[k] * n);
      std::copy_n(running[k].gates, width, call.outputs[4].as<T>() + places[k] * width);
    }
  }
}

template <typename T>
Status Recurrent(LibraryCall& call) {
  const std::vector<int64_t>& dims = call.inputs[0].dims;
  const Sizes s = {dims[0], dims[1], dims[2], call.inputs[2].dims[2], call.Attr("gates")};
  for (size_t k = 0; k < call.outputs.size(); ++k) {
    if (k != 1 && k != 2) std::fill_n(call.outputs[k].as<T>(), call.outputs[k].NumElements(), T(0));
  }
  for (int64_t d = 0; d < s.directions; ++d) RunDirection<T>(call, s, d);
  return OkStatus();
}

}  // namespace

// Inputs: xw [D, T, B, G*H] (x * W + biases), r [D, H, G*H], h0 [D, B, H], c0 [D, B, H], lengths i64 [B],
// peepholes [D, 3*H], rb [D, H], then the clip of all activations' inputs and alpha and beta of each, three per
// direction. Outputs: y [T, D, B, H], y_h [D, B, H], y_c [D, B, H]; and, when asked for, of every step what
// a step leaves in a State: c [T, D, B, H], gates [T, D, B, G*H]. Steps behind a sequence's end are 0.
Status LibraryRecurrent(LibraryCall& call) {
  return call.inputs[0].dtype == DType::kF64 ? Recurrent<double>(call) : Recurrent<float>(call);
}

}  // namespace belay
