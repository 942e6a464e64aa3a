// Streams: in-order queues of tasks, each with its own worker. Device-independent contract; the CPU's
// implementation is backend/cpu/stream.cc.
#pragma once
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
  // Never runs the task on the calling thread, never blocks on earlier work.
  virtual Status Push(Task* task) = 0;
  // Waits for everything pushed before; takes the queue over from an idle worker. timeout_ms < 0: for ever.
  // Returns and clears the first failure of a task.
  virtual Status Synchronize(int64_t timeout_ms = -1) = 0;
  // True when nothing is queued or running. Never blocks.
  virtual bool Idle() const = 0;
};

// nullptr when `handle` (an aclrtStream value) is not a live stream; nullptr handle means the current
// context's default stream, creating device 0's context as CANN does when a device was set on this thread.
std::shared_ptr<Stream> FindStream(void* handle);

}  // namespace belay
