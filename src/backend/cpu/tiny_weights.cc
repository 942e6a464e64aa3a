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
// Twice the bits drops the sign; zero wraps to the largest.
bool IsTiny(float x) { return 2 * std::bit_cast<uint32_t>(x) - 1 < 2u * kLeast - 1; }

bool HasTiny(const float* weights, int64_t count) {
  int32_t tiny = 0;
  for (int64_t i = 0; i < count; ++i) tiny |= static_cast<int32_t>(IsTiny(weights[i]));
  return tiny != 0;
}

int32_t Largest(const float* weights, int64_t count) {
  int32_t largest = 0;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, Magnitude(weights[i]));
  return largest;
}

}  // namespace

void LiftTinyWeights(float* weights, int64_t count) {
  if (!HasTiny(weights, count) || Largest(weights, count) < kLarge) return;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t sign = std::bit_cast<int32_t>(weights[i]) & kSign;
    if (IsTiny(weights[i])) weights[i] = std::bit_cast<float>(sign | kLeast);
  }
}

}  // namespace belay
