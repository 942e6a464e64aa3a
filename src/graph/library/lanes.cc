// Compiled without contraction (CMakeLists.txt): a fused product and sum would give other bytes where there is one.
#include "graph/library/lanes.h"

#include <cstring>

#include "base/polynomials.h"

#define BELAY_INLINE inline __attribute__((always_inline))

namespace belay {
namespace {

template <typename T, int kLanes>
struct Vector {
  typedef T Type __attribute__((vector_size(kLanes * sizeof(T))));
};
template <typename T>
struct Vector<T, 1> {
  typedef T Type;
};

template <typename V, typename T>
BELAY_INLINE V Load(const T* p) {
  V v;
  std::memcpy(&v, p, sizeof(V));
  return v;
}
template <typename V, typename T>
BELAY_INLINE void Store(V v, T* p) {
  std::memcpy(p, &v, sizeof(V));
}

// task.Run<bytes of a vector>(), compiled for the processor's widest.
#if defined(__x86_64__)
template <typename Task>
__attribute__((target("avx512f"))) void Run512(const Task& task) {
  task.template Run<64>();
}
template <typename Task>
__attribute__((target("avx2"))) void Run256(const Task& task) {
  task.template Run<32>();
}
template <typename Task>
void RunWidest(const Task& task) {
  static const bool has512 = __builtin_cpu_supports("avx512f"), has256 = __builtin_cpu_supports("avx2");
  if (has512) return Run512(task);
  if (has256) return Run256(task);
  task.template Run<16>();
}
#else
template <typename Task>
void RunWidest(const Task& task) {
  task.template Run<16>();
}
#endif

// The sums stay in registers while k runs.
template <typename T, int kLanes, int kRows, int kVectors>
BELAY_INLINE void AddTile(const RowProducts<T>& p, int64_t row, int64_t column) {
  using V = typename Vector<T, kLanes>::Type;
  V sums[kRows][kVectors] = {};
  const T* x[kRows];
  for (int r = 0; r < kRows; ++r) x[r] = p.x[row + r];
  const T* w = p.w + column;
  for (int64_t k = 0; k < p.inner; ++k, w += p.stride) {
    V panel[kVectors];
    for (int v = 0; v < kVectors; ++v) panel[v] = Load<V>(w + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVectors; ++v) sums[r][v] += x[r][k] * panel[v];
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      T* out = p.out[row + r] + column + v * kLanes;
      Store(Load<V>(out) + sums[r][v], out);
    }
  }
}

template <typename T, int kLanes, int kRows, int kVectors>
BELAY_INLINE void AddRows(const RowProducts<T>& p, int64_t row) {
  int64_t c = 0;
  for (; c + kVectors * kLanes <= p.columns; c += kVectors * kLanes) AddTile<T, kLanes, kRows, kVectors>(p, row, c);
  for (; c + kLanes <= p.columns; c += kLanes) AddTile<T, kLanes, kRows, 1>(p, row, c);
  for (; c < p.columns; ++c) AddTile<T, 1, kRows, 1>(p, row, c);
}

template <typename T>
struct ProductsTask {
  const RowProducts<T>& p;
  template <int kBytes>
  BELAY_INLINE void Run() const {
    constexpr int kLanes = kBytes / sizeof(T);
    int64_t row = 0;
    for (; row + 4 <= p.rows; row += 4) AddRows<T, kLanes, 4, kBytes == 64 ? 4 : 2>(p, row);
    for (; row < p.rows; ++row) AddRows<T, kLanes, 1, 8>(p, row);
  }
};

template <int kLanes>
struct F32 {
  using V = typename Vector<float, kLanes>::Type;
  using I = typename Vector<int32_t, kLanes>::Type;

  static BELAY_INLINE V K(double v) { return V{} + static_cast<float>(v); }
  static BELAY_INLINE V Abs(V x) { return (V)((I)x & 0x7fffffff); }
  template <int kTerms>
  static BELAY_INLINE V Poly(V x, const double (&c)[kTerms]) {
    V p = K(c[0]);
    for (int i = 1; i < kTerms; ++i) p = p * x + K(c[i]);
    return p;
  }
  static BELAY_INLINE V PowerOfTwo(I n) { return (V)((n + 127) << 23); }
  static BELAY_INLINE V Exp(V x) {  // NaN stays
    x = x < K(kExpLow) ? K(kExpLow) : x;
    x = x > K(kExpHigh) ? K(kExpHigh) : x;
    const V magic = K(0x1.8p23), t = x * K(kLog2E) + magic, n = t - magic;
    const I bits = (I)t - (I)magic, half = bits >> 1;
    V r = x - n * K(kLn2High);
    r -= n * K(kLn2Low);
    const V p = r * r * Poly(r, kExpTail) + r + K(1);
    return p * PowerOfTwo(half) * PowerOfTwo(bits - half);
  }
  static BELAY_INLINE V Sigmoid(V x) {
    const V t = Exp(-Abs(x));
    return (x < K(0) ? t : K(1)) / (t + K(1));
  }
  static BELAY_INLINE V Tanh(V x) {
    const V a = Abs(x), x2 = x * x;
    const V small = x2 * x * Poly(x2, kTanhTail) + x;
    const V big = K(1) - K(2) / (Exp(a + a) + K(1));
    const V y = a < K(kTanhSmall) ? small : big;
    return (V)((I)y | ((I)x & static_cast<int32_t>(0x80000000)));  // the sign of 0, too
  }
};

template <bool kTanh>
struct ActivationTask {
  float* x;
  int64_t n;
  template <int kBytes>
  BELAY_INLINE void Run() const {
    constexpr int kLanes = kBytes / sizeof(float);
    using F = F32<kLanes>;
    using V = typename F::V;
    auto apply = [](float* p) __attribute__((always_inline)) {
      const V v = Load<V>(p);
      Store(kTanh ? F::Tanh(v) : F::Sigmoid(v), p);
    };
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) apply(x + i);
    if (i == n) return;
    float last[kLanes] = {};
    std::memcpy(last, x + i, (n - i) * sizeof(float));
    apply(last);
    std::memcpy(x + i, last, (n - i) * sizeof(float));
  }
};

}  // namespace

void AddRowProducts(const RowProducts<float>& p) { RunWidest(ProductsTask<float>{p}); }
void AddRowProducts(const RowProducts<double>& p) { RunWidest(ProductsTask<double>{p}); }
void SigmoidInPlace(float* x, int64_t n) { RunWidest(ActivationTask<false>{x, n}); }
void TanhInPlace(float* x, int64_t n) { RunWidest(ActivationTask<true>{x, n}); }

}  // namespace belay
