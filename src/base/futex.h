// Waiting on a 32-bit word: the two futex calls, private to this process.
#pragma once
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>

namespace belay {

inline void* FutexWord(std::atomic<uint32_t>* word) { return word; }
// The low half of a 64-bit counter: enough to see that it moved.
inline void* FutexWord(std::atomic<uint64_t>* word) {
  constexpr bool kLittle = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
  return reinterpret_cast<uint32_t*>(word) + (kLittle ? 0 : 1);
}

// Returns when woken, when the word differs from `expected`, after `timeout_ns` (< 0: none), or for no reason.
template <typename Word>
void FutexWait(Word* word, uint32_t expected, int64_t timeout_ns = -1) {
  timespec limit{static_cast<time_t>(timeout_ns / 1000000000), static_cast<long>(timeout_ns % 1000000000)};
  syscall(SYS_futex, FutexWord(word), FUTEX_WAIT_PRIVATE, expected,
          timeout_ns < 0 ? nullptr : &limit, nullptr, 0);
}

template <typename Word>
void FutexWake(Word* word, int count = INT_MAX) {
  syscall(SYS_futex, FutexWord(word), FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

inline void CpuRelax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

inline int64_t MonotonicNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

}  // namespace belay
