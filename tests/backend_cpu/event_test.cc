#include "backend/event.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace belay {
namespace {

struct StepTask final : Task {
  StepTask(std::atomic<bool>* gate, int* value) : gate(gate), value(value) {}
  Status Run() override {
    while (!*gate) std::this_thread::yield();
    if (value != nullptr) ++*value;
    return OkStatus();
  }
  void Done() override { delete this; }
  std::atomic<bool>* gate;
  int* value;
};

std::atomic<bool> open_gate{true};

TEST(Event, OrdersTwoStreams) {
  auto a = MakeStream();
  auto b = MakeStream();
  int value = 0;  // plain: the event alone orders the two streams
  for (int i = 0; i < 100; ++i) {
    Event forth(EventKind::kRerecord), back(EventKind::kOneShot);
    ASSERT_TRUE(a->Push(new StepTask(&open_gate, &value)).ok());
    ASSERT_TRUE(forth.Record(a).ok());
    ASSERT_TRUE(forth.WaitOn(b, 0).ok());
    ASSERT_TRUE(b->Push(new StepTask(&open_gate, &value)).ok());
    ASSERT_TRUE(back.Record(b).ok());
    ASSERT_TRUE(back.WaitOn(a, 0).ok());
  }
  ASSERT_TRUE(a->Synchronize().ok());
  EXPECT_EQ(value, 200);
}

TEST(Event, NotReadyWhileTheStreamIsHeld) {
  auto stream = MakeStream();
  Event event(EventKind::kRerecord);
  EXPECT_TRUE(event.Ready());
  EXPECT_TRUE(event.Synchronize(-1).ok());
  EXPECT_EQ(event.TimestampNs().status().code(), Code::kNotFound);
  std::atomic<bool> gate{false};
  ASSERT_TRUE(stream->Push(new StepTask(&gate, nullptr)).ok());
  ASSERT_TRUE(event.Record(stream).ok());
  EXPECT_FALSE(event.Ready());
  EXPECT_EQ(event.Synchronize(3).code(), Code::kTimeout);
  EXPECT_EQ(event.TimestampNs().status().code(), Code::kFailedPrecondition);
  gate = true;
  EXPECT_TRUE(event.Synchronize(-1).ok());
  EXPECT_TRUE(event.Ready());
  EXPECT_GT(*event.TimestampNs(), 0);
}

TEST(Event, AWaitBindsToTheRecordBeforeIt) {
  auto a = MakeStream();
  auto b = MakeStream();
  Event event(EventKind::kRerecord);
  std::atomic<bool> gate{false};
  ASSERT_TRUE(event.Record(a).ok());
  ASSERT_TRUE(a->Synchronize().ok());
  ASSERT_TRUE(event.WaitOn(b, 0).ok());
  ASSERT_TRUE(a->Push(new StepTask(&gate, nullptr)).ok());
  ASSERT_TRUE(event.Record(a).ok());
  EXPECT_TRUE(b->Synchronize().ok());  // not held by the second record
  EXPECT_FALSE(event.Ready());
  gate = true;
  EXPECT_TRUE(a->Synchronize().ok());
}

TEST(Event, OneShotWaitsForARecordThatComesLater) {
  auto a = MakeStream();
  auto b = MakeStream();
  Event event(EventKind::kOneShot);
  int value = 0;
  ASSERT_TRUE(event.WaitOn(b, 0).ok());
  ASSERT_TRUE(b->Push(new StepTask(&open_gate, &value)).ok());
  EXPECT_EQ(b->Synchronize(3).code(), Code::kTimeout);
  ASSERT_TRUE(event.Record(a).ok());
  ASSERT_TRUE(b->Synchronize().ok());
  EXPECT_EQ(value, 1);
  event.Reset();
  EXPECT_TRUE(event.Ready());
  ASSERT_TRUE(event.WaitOn(b, 0).ok());
  EXPECT_EQ(b->Synchronize(3).code(), Code::kTimeout);
  ASSERT_TRUE(event.Record(a).ok());
  ASSERT_TRUE(b->Synchronize().ok());
}

TEST(Event, AnUnrecordedWaitEndsWithItsEvent) {
  auto stream = MakeStream();
  {
    Event event(EventKind::kOneShot);
    ASSERT_TRUE(event.WaitOn(stream, 0).ok());
  }
  EXPECT_TRUE(stream->Synchronize().ok());
}

TEST(Event, AnExpiredWaitIsAFailureOfTheStream) {
  auto stream = MakeStream();
  Event event(EventKind::kOneShot);
  ASSERT_TRUE(event.WaitOn(stream, 5).ok());
  EXPECT_EQ(stream->Synchronize().code(), Code::kTimeout);
}

TEST(Event, DropEndsAWait) {
  auto stream = MakeStream();
  Event event(EventKind::kOneShot);
  ASSERT_TRUE(event.WaitOn(stream, 0).ok());
  stream->Drop();
  EXPECT_EQ(stream->Synchronize().code(), Code::kAborted);
}

TEST(Event, DestroyedWhilePending) {
  auto a = MakeStream();
  auto b = MakeStream();
  std::atomic<bool> gate{false};
  int value = 0;
  {
    Event event(EventKind::kRerecord);
    ASSERT_TRUE(a->Push(new StepTask(&gate, &value)).ok());
    ASSERT_TRUE(event.Record(a).ok());
    ASSERT_TRUE(event.WaitOn(b, 0).ok());
  }
  ASSERT_TRUE(b->Push(new StepTask(&open_gate, &value)).ok());
  EXPECT_FALSE(b->Idle());
  gate = true;
  ASSERT_TRUE(b->Synchronize().ok());
  EXPECT_EQ(value, 2);
}

}  // namespace
}  // namespace belay
