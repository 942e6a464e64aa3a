// Compiled without contraction (CMakeLists.txt): every processor makes the same bytes.
#include "backend/cpu/winograd_filter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "backend/cpu/tiny_weights.h"

#define BELAY_INLINE inline __attribute__((always_inline))

namespace belay::winograd {
namespace {

using Transform = std::array<std::array<double, kFilter>, kIn>;

// Rows of G: 1, a, a^2 by the product of the differences to the other points; infinity takes the last coefficient.
Transform FilterTransform() {
  constexpr double points[] = {0, kP, -kP, kQ, -kQ};
  Transform g{};
  for (int i = 0; i + 1 < kIn; ++i) {
    double differences = 1;
    for (int j = 0; j + 1 < kIn; ++j) differences *= i == j ? 1 : points[i] - points[j];
    for (int k = 0; k < kFilter; ++k) g[i][k] = std::pow(points[i], k) / differences;
  }
  g[kIn - 1] = {0, 0, 1};
  return g;
}

constexpr int kOutputs = 8;        // transformed together
constexpr int64_t kChannels = 4;   // written together: each product's lines are far from the next one's

// Of one channel and neighbouring outputs: G w G' of each, at to[product * step].
BELAY_INLINE void TransformOutputs(const Transform& g, const float (&w)[kFilter][kFilter][kOutputs], int64_t step,
                                   float* to) {
  double half[kIn][kFilter][kOutputs];
  for (int i = 0; i < kIn; ++i) {
    for (int x = 0; x < kFilter; ++x) {
      for (int o = 0; o < kOutputs; ++o) {
        double sum = 0;
        for (int y = 0; y < kFilter; ++y) sum += g[i][y] * static_cast<double>(w[y][x][o]);
        half[i][x][o] = sum;
      }
    }
  }
  for (int i = 0; i < kIn; ++i) {
    for (int j = 0; j < kIn; ++j) {
      float* u = to + (i * kIn + j) * step;
      for (int o = 0; o < kOutputs; ++o) {
        double sum = 0;
        for (int x = 0; x < kFilter; ++x) sum += half[i][x][o] * g[j][x];
        u[o] = static_cast<float>(sum);
      }
    }
  }
}

// One panel, whose first output is `first`.
BELAY_INLINE void PackPanel(const FilterLayout& l, const Transform& g, const float* src, int64_t first, float* lines,
                            float* panel) {
  const int64_t padded = (l.nr + kOutputs - 1) / kOutputs * kOutputs;
  for (int64_t c0 = 0; c0 < l.channels; c0 += kChannels) {
    const int64_t count = std::min(kChannels, l.channels - c0);
    for (int64_t c = 0; c < count; ++c) {
      for (int64_t o = 0; o < l.nr; o += kOutputs) {
        const int64_t valid = std::clamp<int64_t>(l.outputs - first - o, 0, kOutputs);
        const float* from = src + l.offset + (c0 + c) * l.c_stride + (first + o) * l.o_stride;
        float w[kFilter][kFilter][kOutputs] = {};
        for (int y = 0; y < kFilter; ++y) {
          for (int x = 0; x < kFilter; ++x) {
            const float* at = from + y * l.y_stride + x * l.x_stride;
            if (l.o_stride == 1 && valid == kOutputs) std::memcpy(w[y][x], at, sizeof w[y][x]);
            else for (int64_t k = 0; k < valid; ++k) w[y][x][k] = at[k * l.o_stride];
          }
        }
        TransformOutputs(g, w, kChannels * padded, lines + c * padded + o);
      }
    }
    for (int64_t product = 0; product < kProducts; ++product) {
      for (int64_t c = 0; c < count; ++c) {
        const float* line = lines + (product * kChannels + c) * padded;
        std::copy_n(line, l.nr, panel + (product * l.channels + c0 + c) * l.nr);
      }
    }
  }
}

BELAY_INLINE void PackPanels(const FilterLayout& l, const float* src, float* dst) {
  const Transform g = FilterTransform();
  std::vector<float> lines(static_cast<size_t>(kProducts * kChannels * ((l.nr + kOutputs - 1) / kOutputs * kOutputs)));
  for (int64_t first = 0; first < l.outputs; first += l.nr) {
    float* panel = dst + first * kProducts * l.channels;
    PackPanel(l, g, src, first, lines.data(), panel);
    LiftTinyWeights(panel, kProducts * l.channels * l.nr);
  }
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) void Pack512(const FilterLayout& l, const float* src, float* dst) {
  PackPanels(l, src, dst);
}
__attribute__((target("avx2"))) void Pack256(const FilterLayout& l, const float* src, float* dst) {
  PackPanels(l, src, dst);
}
#endif

}  // namespace

void PackFilter(const FilterLayout& l, const float* src, float* dst) {
#if defined(__x86_64__)
  static const bool has512 = __builtin_cpu_supports("avx512f"), has256 = __builtin_cpu_supports("avx2");
  if (has512) return Pack512(l, src, dst);
  if (has256) return Pack256(l, src, dst);
#endif
  PackPanels(l, src, dst);
}

}  // namespace belay::winograd
