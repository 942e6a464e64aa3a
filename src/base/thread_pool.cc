#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>

#include "base/futex.h"
#include "base/log.h"
#include "base/thread.h"

namespace belay {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kSpinRounds = 2000;  // some 20 us: longer than the gap between two steps of a plan

// Whole cores that a quota and its period allow; 0 when there is no limit.
int CoresOf(const std::string& quota, double period) {
  double amount = atof(quota.c_str());  // "max" and "-1" mean no limit
  return amount > 0 && period > 0 ? std::max(1, static_cast<int>(amount / period)) : 0;
}

// This process's own group below a cgroup mount, "/" in most containers.
std::string OwnCgroup() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("0::", 0) == 0) return line.substr(3);
  }
  return "/";
}

int QuotaCores() {
  std::string quota;
  double period = 0;
  for (const std::string& group : {OwnCgroup(), std::string("/")}) {
    std::ifstream file("/sys/fs/cgroup" + group + "/cpu.max");
    if (file >> quota >> period && CoresOf(quota, period) > 0) return CoresOf(quota, period);
  }
  std::ifstream quota_us("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream period_us("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  return quota_us >> quota && period_us >> period ? CoresOf(quota, period) : 0;
}

int DefaultThreads() {
  if (const char* text = getenv("BELAY_THREADS")) {
    char* end = nullptr;
    long threads = strtol(text, &end, 10);
    if (end != text && *end == 0 && threads >= 1) return static_cast<int>(std::min<long>(threads, kMaxThreads));
    BELAY_LOG(Warning, "BELAY_THREADS={} is not a positive number, ignored", text);
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  int quota = QuotaCores();
  if (quota > 0) cores = std::min(cores, quota);
  return std::clamp(cores, 1, kMaxThreads);
}

struct Job {
  void (*fn)(void*, int64_t, int64_t) = nullptr;
  void* arg = nullptr;
  int64_t chunks = 0;
  int64_t grain = 1;
  int threads = 1;
};

// Of a region's chunks: those that one thread takes first, so that what it wrote in the last region lies in its own
// caches, and the others when theirs are done.
struct alignas(64) Share {
  std::atomic<int64_t> next{0};
  int64_t end = 0;
};

// One region at a time has the helpers; a second caller meanwhile runs its chunks alone.
// state_: epoch << 32 | limit << 16 | open << 15 | helpers inside. Helpers enter by compare-exchange, so none
// enters a region that has closed, and the job's fields are stable while anyone is inside.
class Pool {
 public:
  std::atomic<int> threads{0};  // 0: not decided yet

  int Threads() {
    int n = threads.load(std::memory_order_relaxed);
    if (n != 0) return n;
    int expected = 0;
    threads.compare_exchange_strong(expected, DefaultThreads());
    return threads.load();
  }

  void Run(const Job& job, int helpers);

  void ResetInChild() {
    started_ = 0;
    sleepers_ = 0;
    helpers_named_ = 0;
    region_ = 0;
    state_ = 0;
    caller_sleeps_ = 0;
  }

 private:
  static constexpr uint64_t kOpen = 1u << 15;
  static constexpr uint64_t kInside = kOpen - 1;

  static void* HelperMain(void* self) {
    static_cast<Pool*>(self)->HelperLoop();
    return nullptr;
  }
  static bool CanEnter(uint64_t s) { return (s & kOpen) != 0 && (s & kInside) < ((s >> 16) & 0xffff); }
  void HelperLoop();
  bool TryEnter();
  void Leave();
  void Sleep();
  void StartHelpers(int count);
  void WaitUntilEmpty();
  void Work(int thread) {
    for (int k = 0; k < job_.threads; ++k) {
      Share& share = shares_[(thread + k) % job_.threads];
      while (share.next.load(std::memory_order_relaxed) < share.end) {
        int64_t begin = share.next.fetch_add(job_.grain, std::memory_order_relaxed);
        if (begin < share.end) job_.fn(job_.arg, begin, std::min(begin + job_.grain, share.end));
      }
    }
  }

  std::atomic<uint32_t> region_{0};
  Job job_;
  Share shares_[kMaxThreads];
  alignas(64) std::atomic<uint64_t> state_{0};
  alignas(64) std::atomic<uint32_t> wake_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<int> helpers_named_{0};
  std::atomic<uint32_t> caller_sleeps_{0};
  uint64_t epoch_ = 0;  // under region_
  int started_ = 0;     // under region_
};

Pool& ThePool() {
  static Pool& pool = [&]() -> Pool& {
    static Pool* made = new Pool;  // never destroyed: helpers may outlive static destructors
    pthread_atfork(nullptr, nullptr, [] { ThePool().ResetInChild(); });
    return *made;
  }();
  return pool;
}

thread_local bool inside_region = false;

bool Pool::TryEnter() {
  uint64_t s = state_.load(std::memory_order_acquire);
  while (CanEnter(s)) {
    if (state_.compare_exchange_weak(s, s + 1, std::memory_order_acq_rel)) return true;
  }
  return false;
}

void Pool::Leave() {
  uint64_t s = state_.fetch_sub(1) - 1;
  if ((s & (kOpen | kInside)) == 0 && caller_sleeps_.load() != 0) FutexWake(&state_);
}

void Pool::Sleep() {
  uint32_t seen = wake_.load();
  sleepers_.fetch_add(1);
  if (!CanEnter(state_.load())) FutexWait(&wake_, seen);
  sleepers_.fetch_sub(1);
}

void Pool::HelperLoop() {
  inside_region = true;
  const int name = ++helpers_named_;
  for (;;) {
    bool entered = false;
    for (int i = 0; i < kSpinRounds && !(entered = TryEnter()); ++i) CpuRelax();
    if (entered) {
      Work(name);
      Leave();
    } else {
      Sleep();
    }
  }
}

void Pool::StartHelpers(int count) {
  while (started_ < count) {
    Result<pthread_t> thread = StartThread("belay-pool", HelperMain, this);
    if (!thread.ok()) return;  // fewer helpers, same answer
    pthread_detach(*thread);
    ++started_;
  }
}

void Pool::WaitUntilEmpty() {
  state_.fetch_and(~kOpen);
  for (int i = 0; i < kSpinRounds; ++i) {
    if ((state_.load() & kInside) == 0) return;
    CpuRelax();
  }
  caller_sleeps_.store(1);
  for (uint64_t s; ((s = state_.load()) & kInside) != 0;) FutexWait(&state_, static_cast<uint32_t>(s));
  caller_sleeps_.store(0);
}

void Pool::Run(const Job& job, int helpers) {
  inside_region = true;
  if (helpers <= 0 || region_.exchange(1, std::memory_order_acquire) != 0) {
    job.fn(job.arg, 0, job.chunks);
    inside_region = false;
    return;
  }
  StartHelpers(helpers);
  job_ = job;
  for (int64_t t = 0; t < job.threads; ++t) {
    shares_[t].next.store(job.chunks * t / job.threads, std::memory_order_relaxed);
    shares_[t].end = job.chunks * (t + 1) / job.threads;
  }
  ++epoch_;
  uint64_t limit = static_cast<uint64_t>(std::min(helpers, kMaxThreads));
  state_.store(epoch_ << 32 | limit << 16 | kOpen);
  wake_.fetch_add(1);
  if (sleepers_.load() > 0) FutexWake(&wake_, helpers);
  Work(0);
  WaitUntilEmpty();
  region_.store(0, std::memory_order_release);
  inside_region = false;
}

}  // namespace

int ThreadCount() { return ThePool().Threads(); }

void SetThreadCount(int threads) { ThePool().threads.store(std::clamp(threads, 1, kMaxThreads)); }

void ParallelFor(int64_t chunks, void (*fn)(void* arg, int64_t begin, int64_t end), void* arg,
                 int max_threads) {
  if (chunks <= 0) return;
  int threads = chunks == 1 || inside_region ? 1 : ThreadCount();
  if (max_threads > 0) threads = std::min(threads, max_threads);
  threads = static_cast<int>(std::min<int64_t>(threads, chunks));
  if (threads <= 1) return fn(arg, 0, chunks);
  Job job{fn, arg, chunks, std::max<int64_t>(1, chunks / (int64_t{threads} * 16)), threads};
  ThePool().Run(job, threads - 1);
}

}  // namespace belay
