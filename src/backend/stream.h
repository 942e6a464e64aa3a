// Streams: in-order queues of tasks, each with its own worker. Device-independent contract; the CPU's
// implementation is backend/cpu/stream.cc.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/status.h"

namespace belay {

// A unit of queued work, owned by whoever pushed it. Intrusive, so that a steady-state launch allocates nothing.
struct Task {
  // Runs on the stream's worker, or on a thread in Synchronize when may_run_on_caller. A failure
  // stays on the stream: the first one is what Synchronize returns.
  virtual Status Run() = 0;
  // Called exactly once, after Run or when the task is dropped; the task may delete itself here.
  virtual void Done() = 0;
  // Kernels and copies only: host functions and waits stay with the worker.
  bool may_run_on_caller = false;
  Task* next = nullptr;

 protected:
  ~Task() = default;
};

class Stream {
 public:
  virtual ~Stream() = default;
  // Never runs the task on the calling thread, never blocks on earlier work. On failure the task stays the
  // caller's: neither Run nor Done is called.
  virtual Status Push(Task* task) = 0;
  // Waits for everything pushed before; takes the queue over from an idle worker. timeout_ms < 0: for ever.
  // Returns and clears the first failure of a task.
  virtual Status Synchronize(int64_t timeout_ms = -1) = 0;
  // The part of Synchronize that does not wait: returns and clears the first failure.
  virtual Status TakeFailure() = 0;
  // True when nothing is queued or running. Never blocks.
  virtual bool Idle() const = 0;
  // Drops what is queued and not yet running: Done without Run, and kAborted stays on the stream.
  virtual void Drop() = 0;
  // Asked by a task that waits: true when it should give up because the stream drops its queue.
  virtual bool Dropping() const = 0;
  // After a failure nothing further runs and Push refuses, here and on the streams that share the flag.
  virtual void StopOnFailure() = 0;
  // A point in the queue: everything pushed before it was taken has ended once Passed is true.
  virtual uint64_t Point() const = 0;
  virtual bool Passed(uint64_t point) const = 0;
  // Waits as Synchronize does, up to `point`, and leaves failures on the stream. kTimeout after timeout_ms.
  virtual Status WaitPassed(uint64_t point, int64_t timeout_ms = -1) = 0;
  // Runs queued tasks here, as Synchronize would, until *until is not 0 or the rest needs the worker.
  virtual void Help(const std::atomic<uint32_t>& until) = 0;
};

// Streams that stop together: set by the first failure of one in stop-on-failure mode.
using StopFlag = std::shared_ptr<std::atomic<bool>>;

// A new queue of the CPU. Releasing the last reference drops what is queued and waits for what runs.
std::shared_ptr<Stream> MakeStream(StopFlag stop_flag = nullptr);

// nullptr when `handle` (an aclrtStream value) is not a live stream; nullptr handle means the current
// context's default stream, creating device 0's context as CANN does when a device was set on this thread.
std::shared_ptr<Stream> FindStream(void* handle);

}  // namespace belay
