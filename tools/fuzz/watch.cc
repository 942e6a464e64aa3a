#include "watch.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>

namespace belay::fuzz {
namespace {

constexpr double kCpuSeconds = 20, kLoopSeconds = 3, kSeconds = 200;

std::atomic<double> cpu_start, start;
std::atomic<bool> may_not_end;

double Now(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

long ResidentMegabytes() {
  long size = 0, resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (!file) return 0;
  const int read = std::fscanf(file, "%ld %ld", &size, &resident);
  std::fclose(file);
  return read == 2 ? resident * sysconf(_SC_PAGESIZE) >> 20 : 0;
}

void Watch(int megabytes) {
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (ResidentMegabytes() > megabytes) _exit(kTooLarge);
    const double busy = Now(CLOCK_PROCESS_CPUTIME_ID) - cpu_start, waited = Now(CLOCK_MONOTONIC) - start;
    if (busy <= (may_not_end ? kLoopSeconds : kCpuSeconds) && waited <= kSeconds) continue;
    if (may_not_end) _exit(kEndless);
    std::fprintf(stderr, "ERROR: no end within %.0f CPU-seconds or %.0f seconds\n", kCpuSeconds, kSeconds);
    abort();
  }
}

}  // namespace

void WatchThisProcess(int megabytes) {
  NextInput();
  std::thread(Watch, megabytes).detach();
}

void NextInput() {
  may_not_end = false;
  cpu_start = Now(CLOCK_PROCESS_CPUTIME_ID);
  start = Now(CLOCK_MONOTONIC);
}

void MayNotEnd() { may_not_end = true; }

}  // namespace belay::fuzz
