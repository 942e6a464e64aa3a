#include "peak.h"

#include <algorithm>
#include <chrono>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace belay::tool {
namespace {

constexpr int kRounds = 40000;
constexpr int kChains = 12;  // enough independent sums to hide the latency

#if defined(__x86_64__)
__attribute__((target("avx512f"))) float SumAvx512() {
  __m512 sums[kChains], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(1e-3f);
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(static_cast<float>(i));  // no two chains are the same
  for (int i = 0; i < kRounds; ++i) {
#pragma GCC unroll 12
    for (auto& s : sums) s = _mm512_fmadd_ps(s, x, y);
  }
  __m512 all = sums[0];
#pragma GCC unroll 12
  for (int i = 1; i < kChains; ++i) all = _mm512_add_ps(all, sums[i]);
  return _mm512_cvtss_f32(all);
}

__attribute__((target("avx2,fma"))) float SumAvx2() {
  __m256 sums[kChains], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(1e-3f);
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) sums[i] = _mm256_set1_ps(static_cast<float>(i));
  for (int i = 0; i < kRounds; ++i) {
#pragma GCC unroll 12
    for (auto& s : sums) s = _mm256_fmadd_ps(s, x, y);
  }
  __m256 all = sums[0];
#pragma GCC unroll 12
  for (int i = 1; i < kChains; ++i) all = _mm256_add_ps(all, sums[i]);
  return _mm256_cvtss_f32(all);
}
#endif

double Best(float (*sum)(), int lanes) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (int i = 0; i < 20; ++i) {
    const auto start = Clock::now();
    volatile float keep = sum();
    (void)keep;
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::max(best, 2.0 * lanes * kChains * kRounds / seconds * 1e-9);
  }
  return best;
}

}  // namespace

double MeasurePeakGflops() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return Best(SumAvx512, 16);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Best(SumAvx2, 8);
#endif
  return 0;
}

}  // namespace belay::tool
