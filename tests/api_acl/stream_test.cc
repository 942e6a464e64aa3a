#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <vector>

#include "acl_test.h"
#include "backend/stream.h"

namespace {

using AclStream = AclTest;

TEST_F(AclStream, CreateAndDestroy) {
  aclrtStream stream = nullptr;
  EXPECT_EQ(aclrtCreateStream(nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtCreateStreamWithConfig(nullptr, 0, 0), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtCreateStreamWithConfig(&stream, 8, 0), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtCreateStreamWithConfig(&stream, 0, 0x100), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtCreateStreamWithConfig(&stream, 0, ACL_STREAM_PERSISTENT), ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  ASSERT_EQ(aclrtCreateStreamWithConfig(&stream, 7, ACL_STREAM_FAST_LAUNCH | ACL_STREAM_FAST_SYNC), ACL_SUCCESS);
  EXPECT_EQ(aclrtDestroyStream(nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtDestroyStream(stream), ACL_SUCCESS);
  EXPECT_EQ(aclrtDestroyStream(stream), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtSynchronizeStream(stream), ACL_ERROR_RT_PARAM_INVALID);
  aclrtStreamConfigHandle* config = aclrtCreateStreamConfigHandle();
  uint32_t priority = 3;
  EXPECT_EQ(aclrtSetStreamConfigOpt(config, ACL_RT_STREAM_PRIORITY, &priority, 8), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtSetStreamConfigOpt(config, ACL_RT_STREAM_PRIORITY, &priority, 4), ACL_SUCCESS);
  EXPECT_EQ(config->priority, 3u);
  ASSERT_EQ(aclrtCreateStreamV2(&stream, config), ACL_SUCCESS);
  EXPECT_EQ(aclrtDestroyStreamConfigHandle(config), ACL_SUCCESS);
  EXPECT_EQ(aclrtDestroyStream(stream), ACL_SUCCESS);
}

TEST_F(AclStream, AnotherContextsStreamIsRefused) {
  aclrtContext own = nullptr, standard = nullptr;
  ASSERT_EQ(aclrtGetCurrentContext(&standard), ACL_SUCCESS);
  ASSERT_EQ(aclrtCreateContext(&own, 0), ACL_SUCCESS);
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_ERROR_RT_STREAM_CONTEXT);
  EXPECT_EQ(aclrtSynchronizeStream(nullptr), ACL_SUCCESS);
  ASSERT_EQ(aclrtDestroyContext(own), ACL_SUCCESS);
  ASSERT_EQ(aclrtSetCurrentContext(standard), ACL_SUCCESS);
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
}

TEST_F(AclStream, QueryAndTimeouts) {
  aclrtStreamStatus status = ACL_STREAM_STATUS_RESERVED;
  EXPECT_EQ(aclrtStreamQuery(stream_, nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtStreamQuery(stream_, &status), ACL_SUCCESS);
  EXPECT_EQ(status, ACL_STREAM_STATUS_COMPLETE);
  Gate gate;
  gate.Hold(stream_);
  EXPECT_EQ(aclrtStreamQuery(stream_, &status), ACL_SUCCESS);
  EXPECT_EQ(status, ACL_STREAM_STATUS_NOT_READY);
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(stream_, 0), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(stream_, -5), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(stream_, 3), ACL_ERROR_RT_STREAM_SYNC_TIMEOUT);
  EXPECT_EQ(aclrtSynchronizeStream(nullptr), ACL_SUCCESS);  // the default stream is another one
  gate.Open();
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(stream_, -1), ACL_SUCCESS);
  EXPECT_EQ(aclrtStreamQuery(stream_, &status), ACL_SUCCESS);
  EXPECT_EQ(status, ACL_STREAM_STATUS_COMPLETE);
}

TEST_F(AclStream, DestroyWaitsAndForceDrops) {
  static std::atomic<int> ran;
  auto count = [](void*) { ++ran; };
  for (bool force : {false, true}) {
    ran = 0;
    aclrtStream stream = nullptr;
    ASSERT_EQ(aclrtCreateStream(&stream), ACL_SUCCESS);
    Gate gate;
    gate.Hold(stream);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    for (int i = 0; i < 3; ++i) ASSERT_EQ(aclrtLaunchHostFunc(stream, count, nullptr), ACL_SUCCESS);
    std::thread opener([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
      gate.Open();
    });
    EXPECT_EQ(force ? aclrtDestroyStreamForce(stream) : aclrtDestroyStream(stream), ACL_SUCCESS);
    opener.join();
    if (force) {
      EXPECT_LE(ran, 3);
    } else {
      EXPECT_EQ(ran, 3);
    }
  }
}

TEST_F(AclStream, AbortIsSeenAtSynchronize) {
  Gate gate;
  gate.Hold(stream_);
  ASSERT_EQ(aclrtLaunchHostFunc(stream_, [](void*) {}, nullptr), ACL_SUCCESS);
  EXPECT_EQ(aclrtStreamAbort(nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtStreamAbort(stream_), ACL_SUCCESS);
  gate.Open();
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_ERROR_RT_STREAM_ABORT);
  EXPECT_EQ(aclrtPeekAtLastError(ACL_RT_THREAD_LEVEL), ACL_ERROR_RT_STREAM_ABORT);
  EXPECT_EQ(aclrtGetLastError(ACL_RT_THREAD_LEVEL), ACL_ERROR_RT_STREAM_ABORT);
  EXPECT_EQ(aclrtGetLastError(ACL_RT_THREAD_LEVEL), ACL_SUCCESS);
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(aclrtDeviceTaskAbort(0, 1000), ACL_SUCCESS);
  EXPECT_EQ(aclrtDeviceTaskAbort(50, 1000), ACL_ERROR_RT_INVALID_DEVICEID);
}

// What a kernel of a graph does when it finds its data wrong.
struct FailingTask final : belay::Task {
  belay::Status Run() override { return belay::InvalidArgument("node 'gather': index 7 is not in [0, 5)"); }
  void Done() override { delete this; }
};

TEST_F(AclStream, AnErrorOfATaskSurfacesOnceAtSynchronize) {
  ASSERT_TRUE(belay::FindStream(stream_)->Push(new FailingTask).ok());
  ASSERT_TRUE(belay::FindStream(stream_)->Push(new FailingTask).ok());
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(stream_, 10000), ACL_ERROR_RT_AICORE_EXCEPTION);
  EXPECT_NE(RecentMessage().find("node 'gather': index 7 is not in [0, 5)"), std::string::npos);
  EXPECT_EQ(aclrtGetLastError(ACL_RT_THREAD_LEVEL), ACL_ERROR_RT_AICORE_EXCEPTION);
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  ASSERT_TRUE(belay::FindStream(nullptr)->Push(new FailingTask).ok());
  EXPECT_EQ(aclrtSynchronizeDevice(), ACL_ERROR_RT_AICORE_EXCEPTION);
  EXPECT_EQ(aclrtSynchronizeDevice(), ACL_SUCCESS);
}

TEST_F(AclStream, StopOnFailureRefusesWorkInTheWholeContext) {
  ASSERT_EQ(aclrtSetStreamFailureMode(stream_, ACL_STOP_ON_FAILURE), ACL_SUCCESS);
  ASSERT_TRUE(belay::FindStream(stream_)->Push(new FailingTask).ok());
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_ERROR_RT_AICORE_EXCEPTION);
  auto nothing = [](void*) {};
  EXPECT_EQ(aclrtLaunchHostFunc(stream_, nothing, nullptr), ACL_ERROR_RT_TASK_ABORT_STOP);
  EXPECT_EQ(aclrtLaunchHostFunc(nullptr, nothing, nullptr), ACL_ERROR_RT_TASK_ABORT_STOP);
  aclrtContext own = nullptr, standard = nullptr;
  ASSERT_EQ(aclrtGetCurrentContext(&standard), ACL_SUCCESS);
  ASSERT_EQ(aclrtCreateContext(&own, 0), ACL_SUCCESS);
  EXPECT_EQ(aclrtLaunchHostFunc(nullptr, nothing, nullptr), ACL_SUCCESS);
  EXPECT_EQ(aclrtDestroyContext(own), ACL_SUCCESS);
  EXPECT_EQ(aclrtSetCurrentContext(standard), ACL_SUCCESS);
}

TEST_F(AclStream, FailureModeIsSetOnce) {
  EXPECT_EQ(aclrtSetStreamFailureMode(nullptr, 0), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtSetStreamFailureMode(stream_, 2), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtSetStreamFailureMode(stream_, ACL_STOP_ON_FAILURE), ACL_SUCCESS);
  EXPECT_EQ(aclrtSetStreamFailureMode(stream_, ACL_STOP_ON_FAILURE), ACL_ERROR_RT_PARAM_INVALID);
}

TEST_F(AclStream, OverflowSwitchAndId) {
  uint32_t flag = 9;
  EXPECT_EQ(aclrtGetStreamOverflowSwitch(stream_, &flag), ACL_SUCCESS);
  EXPECT_EQ(flag, 0u);
  EXPECT_EQ(aclrtSetStreamOverflowSwitch(stream_, 1), ACL_SUCCESS);
  EXPECT_EQ(aclrtGetStreamOverflowSwitch(stream_, &flag), ACL_SUCCESS);
  EXPECT_EQ(flag, 1u);
  EXPECT_EQ(aclrtSetStreamOverflowSwitch(stream_, 2), ACL_ERROR_RT_PARAM_INVALID);
  int32_t id = -1, standard = -1;
  EXPECT_EQ(aclrtStreamGetId(stream_, &id), ACL_SUCCESS);
  EXPECT_EQ(aclrtStreamGetId(nullptr, &standard), ACL_SUCCESS);
  EXPECT_NE(id, standard);
}

TEST_F(AclStream, SynchronizeInACallbackFailsInsteadOfHanging) {
  static aclError inside;
  static aclrtContext context;
  ASSERT_EQ(aclrtGetCurrentContext(&context), ACL_SUCCESS);
  auto callback = [](void* stream) {
    aclrtSetCurrentContext(context);
    inside = aclrtSynchronizeStream(stream);
  };
  ASSERT_EQ(aclrtLaunchHostFunc(stream_, callback, stream_), ACL_SUCCESS);
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(inside, ACL_ERROR_RT_PARAM_INVALID);
}

TEST_F(AclStream, EventsOrderTwoStreams) {
  aclrtStream other = nullptr;
  ASSERT_EQ(aclrtCreateStream(&other), ACL_SUCCESS);
  static int value;  // plain: the events alone order the accesses
  value = 0;
  aclrtEvent forth = nullptr, back = nullptr;
  ASSERT_EQ(aclrtCreateEventExWithFlag(&forth, ACL_EVENT_SYNC), ACL_SUCCESS);
  ASSERT_EQ(aclrtCreateEventExWithFlag(&back, ACL_EVENT_SYNC), ACL_SUCCESS);
  auto step = [](void* expected) {
    if (value == static_cast<int>(reinterpret_cast<intptr_t>(expected))) ++value;
  };
  for (intptr_t i = 0; i < 50; ++i) {
    ASSERT_EQ(aclrtLaunchHostFunc(stream_, step, reinterpret_cast<void*>(2 * i)), ACL_SUCCESS);
    ASSERT_EQ(aclrtRecordEvent(forth, stream_), ACL_SUCCESS);
    ASSERT_EQ(aclrtStreamWaitEvent(other, forth), ACL_SUCCESS);
    ASSERT_EQ(aclrtLaunchHostFunc(other, step, reinterpret_cast<void*>(2 * i + 1)), ACL_SUCCESS);
    ASSERT_EQ(aclrtRecordEvent(back, other), ACL_SUCCESS);
    ASSERT_EQ(aclrtStreamWaitEvent(stream_, back), ACL_SUCCESS);
  }
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(value, 100);
  EXPECT_EQ(aclrtDestroyEvent(forth), ACL_SUCCESS);
  EXPECT_EQ(aclrtDestroyEvent(back), ACL_SUCCESS);
  EXPECT_EQ(aclrtDestroyStream(other), ACL_SUCCESS);
}

TEST_F(AclStream, ManyThreadsManyStreams) {
  std::vector<std::thread> threads;
  static std::atomic<int> ran;
  ran = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      ASSERT_EQ(aclrtSetDevice(0), ACL_SUCCESS);
      aclrtStream own = nullptr;
      ASSERT_EQ(aclrtCreateStream(&own), ACL_SUCCESS);
      for (int i = 0; i < 100; ++i) {
        aclrtStream target = i % 2 == 0 ? own : stream_;
        ASSERT_EQ(aclrtLaunchHostFunc(target, [](void*) { ++ran; }, nullptr), ACL_SUCCESS);
        if (i % 20 != 0) continue;
        ASSERT_EQ(aclrtSynchronizeStream(target), ACL_SUCCESS);
      }
      ASSERT_EQ(aclrtDestroyStream(own), ACL_SUCCESS);
      ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
      ASSERT_EQ(aclrtResetDevice(0), ACL_SUCCESS);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ran, 400);
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

TEST(AclProcess, ExitWithLiveStreamsAndFinalizeInAStaticDestructor) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer allows no new threads in a child of a threaded process";
#endif
  int code = ExitCodeOf([] {
    struct Finalizer {
      aclrtStream stream = nullptr;
      ~Finalizer() {
        aclrtSynchronizeStream(stream);
        aclrtDestroyStream(stream);
        aclrtResetDevice(0);
        aclFinalize();
      }
    };
    static Finalizer finalizer;
    if (aclInit(nullptr) != ACL_SUCCESS || aclrtSetDevice(0) != ACL_SUCCESS) _exit(1);
    if (aclrtCreateStream(&finalizer.stream) != ACL_SUCCESS) _exit(2);
    aclrtStream held = nullptr;
    if (aclrtCreateStream(&held) != ACL_SUCCESS) _exit(3);
    auto nap = [](void*) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
    for (int i = 0; i < 50; ++i) {
      if (aclrtLaunchHostFunc(held, nap, nullptr) != ACL_SUCCESS) _exit(4);
      if (aclrtLaunchHostFunc(finalizer.stream, nap, nullptr) != ACL_SUCCESS) _exit(5);
    }
    exit(7);
  });
  EXPECT_EQ(code, 7);
}

TEST(AclProcess, ExitWhileAHostFunctionNeverReturns) {
  int code = ExitCodeOf([] {
    if (aclrtSetDevice(0) != ACL_SUCCESS) _exit(1);
    aclrtStream held = nullptr;
    if (aclrtCreateStream(&held) != ACL_SUCCESS) _exit(2);
    if (aclrtLaunchHostFunc(held, [](void*) { pause(); }, nullptr) != ACL_SUCCESS) _exit(3);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    exit(7);
  });
#ifndef __SANITIZE_THREAD__
  EXPECT_EQ(code, 7);
#else
  (void)code;
  GTEST_SKIP() << "ThreadSanitizer allows no new threads in a child of a threaded process";
#endif
}

}  // namespace
