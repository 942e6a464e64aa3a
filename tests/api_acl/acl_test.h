// What the tests of acl share: a device per test, and a gate that holds a stream.
#pragma once
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "acl/acl.h"

class AclTest : public testing::Test {
 protected:
  void SetUp() override {
    aclGetRecentErrMsg();
    ASSERT_EQ(aclrtSetDevice(0), ACL_SUCCESS);
    ASSERT_EQ(aclrtCreateStream(&stream_), ACL_SUCCESS);
  }
  void TearDown() override {
    EXPECT_EQ(aclrtDestroyStream(stream_), ACL_SUCCESS);
    EXPECT_EQ(aclrtResetDevice(0), ACL_SUCCESS);
  }
  aclrtStream stream_ = nullptr;
};

inline std::string RecentMessage() {
  const char* text = aclGetRecentErrMsg();
  return text != nullptr ? text : "";
}

// Holds the streams it was launched on until opened.
class Gate {
 public:
  ~Gate() { Open(); }
  void Hold(aclrtStream stream) { ASSERT_EQ(aclrtLaunchHostFunc(stream, &Gate::Wait, this), ACL_SUCCESS); }
  void Open() { open_ = true; }

 private:
  static void Wait(void* self) {
    while (!static_cast<Gate*>(self)->open_) std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  std::atomic<bool> open_{false};
};
