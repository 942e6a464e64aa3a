#include "backend/cpu/tiny_weights.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace belay {
namespace {

constexpr int32_t kSign = std::numeric_limits<int32_t>::min();

constexpr int32_t PowerOfTwo(int exponent) { return (127 + exponent) << 23; }
constexpr int32_t kLeast = PowerOfTwo(-100), kLarge = PowerOfTwo(-60);

// Bits of magnitudes are ordered as these are.
int32_t Magnitude(float x) { return std::bit_cast<int32_t>(x) & ~kSign; }
bool IsTiny(float x) { return Magnitude(x) > 0 && Magnitude(x) < kLeast; }

}  // namespace

void LiftTinyWeights(float* weights, int64_t count) {
  int32_t tiny = 0, largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    tiny |= static_cast<int32_t>(IsTiny(weights[i]));
    largest = std::max(largest, Magnitude(weights[i]));
  }
  if (tiny == 0 || largest < kLarge) return;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t sign = std::bit_cast<int32_t>(weights[i]) & kSign;
    if (IsTiny(weights[i])) weights[i] = std::bit_cast<float>(sign | kLeast);
  }
}

}  // namespace belay
