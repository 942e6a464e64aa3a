#include <pthread.h>

#include "acl_test.h"

namespace {

using AclCallback = AclTest;

uint64_t ThisThread() { return static_cast<uint64_t>(pthread_self()); }

// A client's thread that serves reports until told to stop.
class Server {
 public:
  Server() : thread_([this] { Serve(); }) {
    while (id_ == 0) std::this_thread::yield();
  }
  ~Server() {
    stop_ = true;
    thread_.join();
  }
  uint64_t id() const { return id_; }

 private:
  void Serve() {
    id_ = ThisThread();
    while (!stop_) {
      if (aclrtProcessReport(5) == ACL_ERROR_RT_THREAD_SUBSCRIBE) std::this_thread::yield();
    }
  }
  std::atomic<uint64_t> id_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct Seen {
  std::atomic<int> count{0};
  std::atomic<uint64_t> thread{0};
  std::atomic<bool> hold{false};
  static void Mark(void* self) {
    auto* seen = static_cast<Seen*>(self);
    while (seen->hold) std::this_thread::sleep_for(std::chrono::microseconds(50));
    seen->thread = ThisThread();
    ++seen->count;
  }
};

TEST_F(AclCallback, HostFunctionsHoldTheStream) {
  Seen seen;
  EXPECT_EQ(aclrtLaunchHostFunc(stream_, nullptr, nullptr), ACL_ERROR_INVALID_PARAM);
  ASSERT_EQ(aclrtLaunchHostFunc(stream_, Seen::Mark, &seen), ACL_SUCCESS);
  ASSERT_EQ(aclrtLaunchHostFunc(nullptr, Seen::Mark, &seen), ACL_SUCCESS);
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(aclrtSynchronizeStream(nullptr), ACL_SUCCESS);
  EXPECT_EQ(seen.count, 2);
  EXPECT_NE(seen.thread, ThisThread());
}

TEST_F(AclCallback, Misuse) {
  Seen seen;
  EXPECT_EQ(aclrtLaunchCallback(nullptr, nullptr, ACL_CALLBACK_BLOCK, stream_), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtLaunchCallback(Seen::Mark, &seen, static_cast<aclrtCallbackBlockType>(3), stream_),
            ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtLaunchCallback(Seen::Mark, &seen, ACL_CALLBACK_BLOCK, stream_), ACL_ERROR_RT_STREAM_NO_CB_REG);
  EXPECT_EQ(aclrtProcessReport(0), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtProcessReport(5), ACL_ERROR_RT_THREAD_SUBSCRIBE);
  EXPECT_EQ(aclrtUnSubscribeReport(ThisThread(), stream_), ACL_ERROR_RT_THREAD_SUBSCRIBE);
  ASSERT_EQ(aclrtSubscribeReport(ThisThread(), stream_), ACL_SUCCESS);
  EXPECT_EQ(aclrtSubscribeReport(ThisThread(), stream_), ACL_ERROR_RT_STREAM_SUBSCRIBE);
  EXPECT_EQ(aclrtProcessReport(3), ACL_ERROR_RT_REPORT_TIMEOUT);
  EXPECT_EQ(aclrtUnSubscribeReport(ThisThread(), nullptr), ACL_ERROR_RT_STREAM_SUBSCRIBE);
  EXPECT_EQ(aclrtUnSubscribeReport(ThisThread(), stream_), ACL_SUCCESS);
}

TEST_F(AclCallback, BlockingCallbacksRunOnTheSubscribedThread) {
  Server server;
  Seen seen;
  ASSERT_EQ(aclrtSubscribeReport(server.id(), stream_), ACL_SUCCESS);
  seen.hold = true;
  ASSERT_EQ(aclrtLaunchCallback(Seen::Mark, &seen, ACL_CALLBACK_BLOCK, stream_), ACL_SUCCESS);
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(stream_, 3), ACL_ERROR_RT_STREAM_SYNC_TIMEOUT);
  seen.hold = false;
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(seen.count, 1);
  EXPECT_EQ(seen.thread, server.id());
  EXPECT_EQ(aclrtUnSubscribeReport(server.id(), stream_), ACL_SUCCESS);
}

TEST_F(AclCallback, OthersDoNotHoldTheStream) {
  Server server;
  Seen seen;
  ASSERT_EQ(aclrtSubscribeReport(server.id(), stream_), ACL_SUCCESS);
  seen.hold = true;
  ASSERT_EQ(aclrtLaunchCallback(Seen::Mark, &seen, ACL_CALLBACK_NO_BLOCK, stream_), ACL_SUCCESS);
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(seen.count, 0);
  seen.hold = false;
  while (seen.count == 0) std::this_thread::yield();
  EXPECT_EQ(aclrtUnSubscribeReport(server.id(), stream_), ACL_SUCCESS);
}

TEST_F(AclCallback, ACallbackThatIsNoLongerServedFails) {
  Gate gate;
  Seen seen;
  ASSERT_EQ(aclrtSubscribeReport(ThisThread(), stream_), ACL_SUCCESS);
  gate.Hold(stream_);
  ASSERT_EQ(aclrtLaunchCallback(Seen::Mark, &seen, ACL_CALLBACK_BLOCK, stream_), ACL_SUCCESS);
  ASSERT_EQ(aclrtUnSubscribeReport(ThisThread(), stream_), ACL_SUCCESS);
  gate.Open();
  EXPECT_NE(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(seen.count, 0);
}

}  // namespace
