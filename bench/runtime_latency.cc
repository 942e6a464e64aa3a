// What the runtime itself costs: launches, waits, parallel loops, address checks. Prints median, p10, p90 in ns.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <vector>

#include "backend/memory.h"
#include "backend/stream.h"
#include "base/futex.h"
#include "base/thread_pool.h"

namespace {

struct EmptyTask final : belay::Task {
  belay::Status Run() override { return belay::OkStatus(); }
  void Done() override {}
};

void Measure(const char* name, int rounds, const std::function<void()>& prepare, const std::function<void()>& run) {
  std::vector<int64_t> times;
  for (int i = 0; i < rounds; ++i) {
    prepare();
    int64_t start = belay::MonotonicNs();
    run();
    times.push_back(belay::MonotonicNs() - start);
  }
  std::sort(times.begin(), times.end());
  size_t n = times.size();
  printf("%-28s %8ld %8ld %8ld\n", name, times[n / 2], times[n / 10], times[n * 9 / 10]);
}

}  // namespace

int main() {
  auto stream = belay::MakeStream();
  EmptyTask task;
  auto nothing = [] {};
  auto push = [&] { (void)stream->Push(&task); };
  auto finish = [&] { (void)stream->Synchronize(); };
  auto idle = [&] {
    finish();
    timespec nap{0, 10000000};
    nanosleep(&nap, nullptr);
  };
  printf("%-28s %8s %8s %8s\n", "ns", "median", "p10", "p90");
  Measure("clock alone", 20000, nothing, nothing);
  task.may_run_on_caller = true;
  Measure("push", 20000, finish, push);
  finish();
  Measure("synchronize a kernel", 20000, push, finish);
  Measure("push after 10 ms idle", 200, idle, push);
  finish();
  task.may_run_on_caller = false;
  Measure("push + sync a host function", 2000, nothing, [&] { push(), finish(); });
  for (int threads : {2, 4}) {
    belay::SetThreadCount(threads);
    auto loop = [&] { belay::ParallelFor(threads * 4, [](void*, int64_t, int64_t) {}, nullptr); };
    Measure(threads == 2 ? "empty loop, 2 threads" : "empty loop, 4 threads", 20000, nothing, loop);
  }
  void* block = *belay::AllocateMemory(belay::MemoryKind::kDevice, 4096);
  belay::MemoryBlock found;
  Measure("find an address", 20000, nothing, [&] { belay::FindMemory(block, &found); });
  (void)belay::FreeMemory(block);
}
