// Ranges of integers.
#pragma once
#include <cstdint>

namespace belay {

// How many of from, from + step, ... lie before `to`, or (closed) not behind it; step is not 0.
inline uint64_t StepsBetween(int64_t from, int64_t to, int64_t step, bool closed) {
  const int64_t low = step > 0 ? from : to, high = step > 0 ? to : from;
  if (high < low) return 0;
  const uint64_t room = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : -static_cast<uint64_t>(step);
  const uint64_t whole = room / stride;
  return whole + (closed ? whole != UINT64_MAX : room % stride != 0);
}

}  // namespace belay
