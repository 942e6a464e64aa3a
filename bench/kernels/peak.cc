#include "peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/half.h"

namespace belay {

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double Fastest(const std::function<void()>& f, double seconds) {
  f();
  double best = 1e9;
  for (double end = Now() + seconds; Now() < end;) {
    const double start = Now();
    f();
    best = std::min(best, Now() - start);
  }
  return best;
}

namespace {

using Line [[gnu::vector_size(64)]] = uint64_t;
constexpr size_t kLines = (size_t{192} << 20) / sizeof(Line);

// Seconds of one pass, which fetches lines so far ahead.
double ReadSeconds(size_t ahead) {
  static const std::vector<Line> memory(kLines + 1024, Line{1});
  const double start = Now();
  Line sums[4] = {};
  for (size_t i = 0; i < kLines; i += 4) {
    for (size_t k = 0; k < 4; ++k) {
      if (ahead > 0) __builtin_prefetch(&memory[i + k + ahead]);
      sums[k] += memory[i + k];
    }
  }
  const Line sum = sums[0] + sums[1] + sums[2] + sums[3];
  asm volatile("" ::"r"(sum[0] + sum[7]));
  return Now() - start;
}

}  // namespace

double ReadGBs() {
  double least = 1e9;
  for (size_t ahead : {0, 8, 16, 32, 64, 128, 256}) least = std::min(least, ReadSeconds(ahead));
  return static_cast<double>(kLines * sizeof(Line)) * 1e-9 / least;
}

double CopySeconds(int64_t bytes) {
  const std::vector<Line> src(static_cast<size_t>(bytes) / sizeof(Line) + 1, Line{1});
  std::vector<Line> dst(src.size());
  return Fastest(
      [&] {
        std::memcpy(dst.data(), src.data(), static_cast<size_t>(bytes));
        asm volatile("" ::"r"(dst.data()) : "memory");
      },
      0.01);
}

#if defined(__x86_64__)
namespace {

constexpr int kLoops = 20000;
constexpr double kSeconds = 0.005;
// 12 chains hide the latency of two instructions a cycle.
#define ONE(ins, r, i) ins " %%" r "15, %%" r "14, %%" r #i "\n\t"
#define CHAINS(ins, r)                                                                                      \
  ONE(ins, r, 0) ONE(ins, r, 1) ONE(ins, r, 2) ONE(ins, r, 3) ONE(ins, r, 4) ONE(ins, r, 5) ONE(ins, r, 6)  \
  ONE(ins, r, 7) ONE(ins, r, 8) ONE(ins, r, 9) ONE(ins, r, 10) ONE(ins, r, 11)
#define RUN(ins, r)                                                                                          \
  [] {                                                                                                       \
    asm volatile("vzeroall"); /* what lies there may be denormal, and slow */                                \
    for (int i = 0; i < kLoops; ++i) {                                                                       \
      asm volatile(CHAINS(ins, r)::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
                   "xmm9", "xmm10", "xmm11", "xmm14", "xmm15");                                              \
    }                                                                                                        \
  }

// Four tiles of sums, which is all that products of two by two tiles have.
#define TILES(ins)                                                                               \
  [] {                                                                                           \
    for (int i = 0; i < kLoops / 10; ++i) {                                                      \
      asm volatile(ins " %tmm7, %tmm6, %tmm0\n\t" ins " %tmm7, %tmm6, %tmm1\n\t" ins             \
                       " %tmm7, %tmm6, %tmm2\n\t" ins " %tmm7, %tmm6, %tmm3");                   \
    }                                                                                            \
  }

struct alignas(64) TileConfig {
  uint8_t palette = 1, start = 0, zeros[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// Of numbers as operands have them: with zeros the clock stays a quarter higher.
double TilePeak(bool bf16) {
  const TileConfig config;
  asm volatile("ldtilecfg %0" ::"m"(config));
  alignas(64) uint16_t numbers[16 * 32];
  for (int i = 0; i < 16 * 32; ++i) numbers[i] = FloatToBFloat(0.01f * static_cast<float>(i % 97) - 0.3f);
  asm volatile("tileloadd (%0,%1,1), %%tmm6\n\ttileloadd (%0,%1,1), %%tmm7" ::"r"(numbers), "r"(int64_t{64})
               : "memory");
  const double seconds = bf16 ? Fastest(TILES("tdpbf16ps"), kSeconds) : Fastest(TILES("tdpbusd"), kSeconds);
  asm volatile("tilerelease");
  return 2.0 * 16 * 16 * (bf16 ? 32 : 64) * 4 * (kLoops / 10) / seconds * 1e-9;
}

}  // namespace

double PeakGops(const TargetRow& row, DType element) {
  if (!HostRuns(*FindTargetRow("avx2"))) return 0;
  if (row.amx && element != DType::kF32) return TilePeak(element == DType::kBF16);
  const bool wide = row.vector_bytes == 64, narrow = row.vector_bytes == 16;
  const bool dot = (element == DType::kBF16 && row.bf16_dot) || (element == DType::kI8 && row.int8_dot);
  double seconds = 0, products = dot ? (element == DType::kBF16 ? 2 : 4) : 1;
  if (!dot) {
    seconds = wide     ? Fastest(RUN("vfmadd231ps", "zmm"), kSeconds)
              : narrow ? Fastest(RUN("vfmadd231ps", "xmm"), kSeconds)
                       : Fastest(RUN("vfmadd231ps", "ymm"), kSeconds);
  } else if (element == DType::kBF16) {
    seconds = Fastest(RUN("vdpbf16ps", "zmm"), kSeconds);
  } else {
    seconds = wide ? Fastest(RUN("vpdpbusd", "zmm"), kSeconds) : Fastest(RUN("%{vex%} vpdpbusd", "ymm"), kSeconds);
  }
  return 2 * products * row.vector_bytes / 4 * 12 * kLoops / seconds * 1e-9;
}
#else
double PeakGops(const TargetRow&, DType) { return 0; }
#endif

}  // namespace belay
