#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <thread>
#include <mutex>
#include <vector>

namespace belay {
namespace {

struct Coverage {
  std::vector<std::atomic<int>> hits;
  explicit Coverage(int64_t chunks) : hits(chunks) {}
  static void Run(void* arg, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ++static_cast<Coverage*>(arg)->hits[i];
  }
  void ExpectOnce() const {
    for (auto& hit : hits) EXPECT_EQ(hit, 1);
  }
};

TEST(ThreadPool, CoversEveryChunkOnce) {
  for (int threads : {1, 2, 4}) {
    SetThreadCount(threads);
    EXPECT_EQ(ThreadCount(), threads);
    for (int64_t chunks : {0, 1, 2, 3, 7, 64, 1000, 100000}) {
      Coverage coverage(chunks);
      ParallelFor(chunks, Coverage::Run, &coverage);
      coverage.ExpectOnce();
    }
  }
}

struct Threads {
  std::mutex mutex;
  std::set<std::thread::id> seen;
  static void Run(void* arg, int64_t, int64_t) {
    auto* self = static_cast<Threads*>(arg);
    std::lock_guard lock(self->mutex);
    self->seen.insert(std::this_thread::get_id());
  }
};

TEST(ThreadPool, MaxThreadsIsKept) {
  SetThreadCount(4);
  for (int i = 0; i < 200; ++i) {
    Threads threads;
    ParallelFor(50, Threads::Run, &threads, 2);
    EXPECT_LE(threads.seen.size(), 2u);
    Threads alone;
    ParallelFor(50, Threads::Run, &alone, 1);
    EXPECT_EQ(alone.seen, std::set<std::thread::id>{std::this_thread::get_id()});
  }
}

TEST(ThreadPool, NestedCallsRunInline) {
  SetThreadCount(4);
  Coverage inner(64 * 64);
  ParallelFor(
      64,
      [](void* arg, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          std::pair<Coverage*, int64_t> row{static_cast<Coverage*>(arg), i};
          Threads threads;
          ParallelFor(64, Threads::Run, &threads);
          EXPECT_EQ(threads.seen.size(), 1u);
          ParallelFor(
              64,
              [](void* arg, int64_t begin, int64_t end) {
                auto& [coverage, i] = *static_cast<std::pair<Coverage*, int64_t>*>(arg);
                Coverage::Run(coverage, i * 64 + begin, i * 64 + end);
              },
              &row);
        }
      },
      &inner);
  inner.ExpectOnce();
}

TEST(ThreadPool, ConcurrentCallers) {
  SetThreadCount(3);
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t) {
    callers.emplace_back([t] {
      for (int i = 0; i < 200; ++i) {
        Coverage coverage(1 + (i * 7 + t) % 40);
        ParallelFor(coverage.hits.size(), Coverage::Run, &coverage);
        coverage.ExpectOnce();
      }
    });
  }
  for (auto& caller : callers) caller.join();
}

TEST(ThreadPool, PlainWritesAreVisibleToTheCaller) {
  SetThreadCount(4);
  std::vector<int> data(10000);
  for (int round = 1; round <= 50; ++round) {
    ParallelFor(
        10000,
        [](void* arg, int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) ++(*static_cast<std::vector<int>*>(arg))[i];
        },
        &data);
    for (int value : data) ASSERT_EQ(value, round);
  }
}

TEST(ThreadPool, WorksInAForkedChild) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer allows no new threads in a child of a threaded process";
#endif
  SetThreadCount(3);
  Coverage before(100);
  ParallelFor(100, Coverage::Run, &before);
  before.ExpectOnce();
  pid_t pid = fork();
  if (pid == 0) {
    alarm(20);
    Coverage coverage(1000);
    ParallelFor(1000, Coverage::Run, &coverage);
    int sum = 0;
    for (auto& hit : coverage.hits) sum += hit;
    exit(sum == 1000 ? 5 : 6);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 5);
}

}  // namespace
}  // namespace belay
