#include "backend/stream.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

namespace belay {
namespace {

struct FnTask final : Task {
  explicit FnTask(std::function<Status()> fn, bool caller = true) : fn(std::move(fn)) {
    may_run_on_caller = caller;
  }
  Status Run() override { return fn(); }
  void Done() override { delete this; }
  std::function<Status()> fn;
};

void Push(Stream& stream, std::function<void()> fn, bool caller = true) {
  auto run = [fn] {
    fn();
    return OkStatus();
  };
  ASSERT_TRUE(stream.Push(new FnTask(run, caller)).ok());
}

// A gate that a task holds the stream with.
struct Gate {
  std::atomic<bool> open{false};
  void Wait() {
    while (!open) std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
};

TEST(Stream, RunsInOrder) {
  auto stream = MakeStream();
  std::vector<int> seen;
  for (int i = 0; i < 1000; ++i) Push(*stream, [&seen, i] { seen.push_back(i); }, i % 3 != 0);
  ASSERT_TRUE(stream->Synchronize().ok());
  ASSERT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[i], i);
  EXPECT_TRUE(stream->Idle());
}

TEST(Stream, PushDoesNotRunOnTheCallerAndDoesNotWait) {
  auto stream = MakeStream();
  Gate gate;
  std::atomic<bool> ran{false};
  std::thread::id runner;
  Push(*stream, [&] { gate.Wait(); }, false);
  Push(*stream, [&] { runner = std::this_thread::get_id(); ran = true; }, false);
  EXPECT_FALSE(ran);
  EXPECT_FALSE(stream->Idle());
  gate.open = true;
  ASSERT_TRUE(stream->Synchronize().ok());
  EXPECT_TRUE(ran);
  EXPECT_NE(runner, std::this_thread::get_id());
}

TEST(Stream, HostTasksNeverRunOnTheSynchronizingThread) {
  auto stream = MakeStream();
  for (int round = 0; round < 200; ++round) {
    std::thread::id host, after;
    Push(*stream, [] {});
    Push(*stream, [&] { host = std::this_thread::get_id(); }, false);
    Push(*stream, [&] { after = std::this_thread::get_id(); });
    ASSERT_TRUE(stream->Synchronize().ok());
    EXPECT_NE(host, std::this_thread::get_id());
    EXPECT_NE(after, std::thread::id());
  }
}

TEST(Stream, RunsWithoutAnyoneWaiting) {
  auto stream = MakeStream();
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> ran{false};
    Push(*stream, [&] { ran = true; });
    while (!ran) std::this_thread::yield();
    // Long enough for the worker to fall asleep in some rounds.
    if (round % 5 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(8));
    while (!stream->Idle()) std::this_thread::yield();
  }
}

TEST(Stream, FirstFailureStaysUntilSynchronize) {
  auto stream = MakeStream();
  int ran = 0;
  ASSERT_TRUE(stream->Push(new FnTask([] { return Internal("first"); })).ok());
  ASSERT_TRUE(stream->Push(new FnTask([] { return Internal("second"); })).ok());
  Push(*stream, [&] { ++ran; });
  Status status = stream->Synchronize();
  EXPECT_EQ(status.message(), "first");
  EXPECT_EQ(ran, 1);
  EXPECT_TRUE(stream->Synchronize().ok());
}

TEST(Stream, AThrowingTaskIsAFailure) {
  auto stream = MakeStream();
  ASSERT_TRUE(stream->Push(new FnTask([]() -> Status { throw std::bad_alloc(); })).ok());
  EXPECT_EQ(stream->Synchronize().code(), Code::kOutOfMemory);
  ASSERT_TRUE(stream->Push(new FnTask([]() -> Status { throw std::runtime_error("x"); })).ok());
  EXPECT_EQ(stream->Synchronize().code(), Code::kInternal);
}

TEST(Stream, TimeoutLeavesTheWorkQueued) {
  auto stream = MakeStream();
  Gate gate;
  bool ran = false;
  Push(*stream, [&] { gate.Wait(); }, false);
  Push(*stream, [&] { ran = true; });
  EXPECT_EQ(stream->Synchronize(5).code(), Code::kTimeout);
  gate.open = true;
  EXPECT_TRUE(stream->Synchronize(60000).ok());
  EXPECT_TRUE(ran);
}

TEST(Stream, DropSkipsWhatIsQueuedAndCallsDone) {
  struct CountedTask final : Task {
    std::atomic<int>*ran, *done;
    Status Run() override {
      ++*ran;
      return OkStatus();
    }
    void Done() override {
      ++*done;
      delete this;
    }
  };
  auto stream = MakeStream();
  Gate gate;
  std::atomic<int> ran{0}, done{0};
  std::atomic<bool> holds{false};
  Push(*stream, [&] { holds = true; gate.Wait(); }, false);
  while (!holds) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) {
    auto* task = new CountedTask;
    task->ran = &ran;
    task->done = &done;
    ASSERT_TRUE(stream->Push(task).ok());
  }
  stream->Drop();
  gate.open = true;
  EXPECT_EQ(stream->Synchronize().code(), Code::kAborted);
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(done, 10);
  bool again = false;
  Push(*stream, [&] { again = true; });
  EXPECT_TRUE(stream->Synchronize().ok());
  EXPECT_TRUE(again);
}

TEST(Stream, StopOnFailureRefusesNewWork) {
  auto stream = MakeStream();
  stream->StopOnFailure();
  std::atomic<int> ran{0};
  ASSERT_TRUE(stream->Push(new FnTask([] { return Internal("stop"); })).ok());
  EXPECT_EQ(stream->Synchronize().message(), "stop");
  auto* task = new FnTask([&] { ++ran; return OkStatus(); });
  EXPECT_EQ(stream->Push(task).code(), Code::kFailedPrecondition);
  delete task;
  EXPECT_EQ(ran, 0);
}

TEST(Stream, StoppingSpreadsToStreamsWithTheSameFlag) {
  auto flag = std::make_shared<std::atomic<bool>>(false);
  auto failing = MakeStream(flag);
  auto other = MakeStream(flag);
  auto stranger = MakeStream();
  ASSERT_TRUE(failing->Push(new FnTask([] { return Internal("passes"); })).ok());
  EXPECT_EQ(failing->Synchronize().message(), "passes");
  Push(*other, [] {});  // a failure in the default mode stops nobody
  failing->StopOnFailure();
  ASSERT_TRUE(failing->Push(new FnTask([] { return Internal("stop"); })).ok());
  EXPECT_EQ(failing->Synchronize().message(), "stop");
  auto* task = new FnTask([] { return OkStatus(); });
  EXPECT_EQ(other->Push(task).code(), Code::kFailedPrecondition);
  delete task;
  Push(*stranger, [] {});
  EXPECT_TRUE(stranger->Synchronize().ok());
}

TEST(Stream, SynchronizingFromItsOwnCallbackFails) {
  auto stream = MakeStream();
  Status inside;
  Push(*stream, [&] { inside = stream->Synchronize(); }, false);
  ASSERT_TRUE(stream->Synchronize().ok());
  EXPECT_EQ(inside.code(), Code::kFailedPrecondition);
}

TEST(Stream, ReleasingTheLastReferenceFromItsOwnTask) {
  std::atomic<bool> ran{false};
  auto* stream = new std::shared_ptr<Stream>(MakeStream());
  Push(**stream, [&, stream] { delete stream; ran = true; }, false);
  while (!ran) std::this_thread::yield();
}

TEST(Stream, DestroyedWithQueuedTasksDropsThem) {
  std::atomic<int> ran{0};
  Gate gate;
  std::thread opener;
  {
    auto stream = MakeStream();
    std::atomic<bool> holds{false};
    Push(*stream, [&] { holds = true; gate.Wait(); }, false);
    while (!holds) std::this_thread::yield();
    for (int i = 0; i < 5; ++i) Push(*stream, [&] { ++ran; });
    opener = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      gate.open = true;
    });
  }
  opener.join();
  EXPECT_EQ(ran, 0);
}

TEST(Stream, ManyProducersAndSynchronizers) {
  auto stream = MakeStream();
  std::atomic<int> count{0};
  int inside = 0;  // plain: tasks of one stream never overlap
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        Push(*stream, [&] { ++inside; ++count; }, (i + t) % 7 != 0);
        if (i % 10 == t) {
          EXPECT_TRUE(stream->Synchronize(t == 3 ? 60000 : -1).ok());
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(stream->Synchronize().ok());
  EXPECT_EQ(count, 1200);
  EXPECT_EQ(inside, 1200);
}

int ExitCodeOf(const std::function<void()>& child) {
  pid_t pid = fork();
  if (pid == 0) {
    alarm(20);
    child();
    _exit(99);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(StreamProcess, ExitWithWorkQueuedAndAHeldStream) {
  EXPECT_EQ(ExitCodeOf([] {
              static auto stream = MakeStream();
              static auto& other = *new std::shared_ptr<Stream>(MakeStream());  // as the runtime's list
              static std::atomic<bool> holds{false};
              Push(*other, [] { holds = true; pause(); }, false);
              for (int i = 0; i < 100; ++i) {
                Push(*stream, [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); });
              }
              while (!holds) std::this_thread::yield();
              exit(7);
            }),
            7);
}

TEST(StreamProcess, WorksInAForkedChild) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer allows no new threads in a child of a threaded process";
#endif
  static auto stream = MakeStream();
  Push(*stream, [] {});
  ASSERT_TRUE(stream->Synchronize().ok());
  EXPECT_EQ(ExitCodeOf([] {
              static std::atomic<int> ran{0};
              Push(*stream, [] { ++ran; }, false);
              auto fresh = MakeStream();
              Push(*fresh, [] { ++ran; }, false);
              bool ok = stream->Synchronize().ok() && fresh->Synchronize().ok();
              exit(ok && ran == 2 ? 5 : 6);
            }),
            5);
}

}  // namespace
}  // namespace belay
