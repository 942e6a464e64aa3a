#include "backend/device.h"

#include <gtest/gtest.h>

#include <thread>

namespace belay {
namespace {

TEST(Device, AThreadStartsWithoutContext) {
  std::thread([] {
    EXPECT_EQ(CurrentContext().status().code(), Code::kNotFound);
    EXPECT_EQ(CurrentDevice().status().code(), Code::kNotFound);
    EXPECT_EQ(CreateStream().status().code(), Code::kNotFound);
    EXPECT_EQ(FindStream(nullptr), nullptr);
  }).join();
}

TEST(Device, SetAndResetCount) {
  EXPECT_EQ(SetDevice(DeviceCount()).code(), Code::kInvalidArgument);
  EXPECT_EQ(SetDevice(-1).code(), Code::kInvalidArgument);
  EXPECT_EQ(ResetDevice(0, false).code(), Code::kFailedPrecondition);
  ASSERT_TRUE(SetDevice(0).ok());
  ASSERT_TRUE(SetDevice(0).ok());
  EXPECT_TRUE(DefaultContextActive(0));
  EXPECT_EQ(*CurrentDevice(), 0);
  void* shared = *CurrentContext();
  std::thread([shared] {
    ASSERT_TRUE(SetDevice(0).ok());
    EXPECT_EQ(*CurrentContext(), shared);
    ASSERT_TRUE(ResetDevice(0, false).ok());
  }).join();
  ASSERT_TRUE(ResetDevice(0, false).ok());
  EXPECT_NE(FindStream(nullptr), nullptr);
  ASSERT_TRUE(ResetDevice(0, false).ok());
  EXPECT_EQ(CurrentContext().status().code(), Code::kNotFound);
  EXPECT_EQ(FindStream(nullptr), nullptr);
  EXPECT_FALSE(DefaultContextActive(0));
  EXPECT_EQ(ResetDevice(0, true).code(), Code::kFailedPrecondition);
}

TEST(Device, StreamHandlesAreChecked) {
  ASSERT_TRUE(SetDevice(0).ok());
  void* handle = *CreateStream();
  auto stream = FindStream(handle);
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(FindStream(handle), stream);
  EXPECT_NE(FindStream(nullptr), stream);
  EXPECT_EQ(FindStream(&handle), nullptr);
  stream.reset();
  ASSERT_TRUE(DestroyStream(handle, false).ok());
  EXPECT_EQ(FindStream(handle), nullptr);
  EXPECT_EQ(DestroyStream(handle, false).code(), Code::kInvalidArgument);
  EXPECT_EQ(DestroyStream(*DefaultStream(), false).code(), Code::kInvalidArgument);
  void* second = *CreateStream();
  EXPECT_NE(second, handle);
  EXPECT_EQ(FindStream(handle), nullptr);
  ASSERT_TRUE(ResetDevice(0, false).ok());
  EXPECT_EQ(FindStream(second), nullptr);
}

TEST(Device, ExplicitContextsOwnTheirStreams) {
  ASSERT_TRUE(SetDevice(0).ok());
  void* shared = *CurrentContext();
  void* in_shared = *CreateStream();
  void* own = *CreateContext(0);
  EXPECT_EQ(*CurrentContext(), own);
  void* in_own = *CreateStream();
  EXPECT_EQ(StreamOfCurrentContext(in_shared).status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(StreamOfCurrentContext(in_own).ok());
  EXPECT_TRUE(StreamOfCurrentContext(nullptr).ok());
  ASSERT_TRUE(SetCurrentContext(shared).ok());
  EXPECT_EQ(StreamOfCurrentContext(in_own).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(DestroyContext(shared).code(), Code::kInvalidArgument);
  ASSERT_TRUE(DestroyContext(own).ok());
  EXPECT_EQ(FindStream(in_own), nullptr);
  EXPECT_EQ(SetCurrentContext(own).code(), Code::kInvalidArgument);
  EXPECT_EQ(*CurrentContext(), shared);
  ASSERT_TRUE(ResetDevice(0, true).ok());
}

TEST(Device, ImplicitDevice) {
  SetImplicitDevice(0);
  std::thread([] {
    EXPECT_TRUE(CurrentContext().ok());
    EXPECT_TRUE(CreateStream().ok());
  }).join();
  SetImplicitDevice(-1);
  EXPECT_TRUE(ResetDevice(0, true).ok());
}

}  // namespace
}  // namespace belay
