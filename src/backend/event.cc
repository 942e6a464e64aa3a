#include "backend/event.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/futex.h"

namespace belay {

struct EventMark {
  std::atomic<uint32_t> reached{0};
  std::atomic<uint32_t> waiters{0};
  std::atomic<int64_t> time_ns{0};
  std::atomic<bool> recorded{false};
  std::weak_ptr<Stream> stream;  // where it was recorded; under the event's lock

  void Reach() {
    reached.store(1);
    if (waiters.load() != 0) FutexWake(&reached);
  }

  // Waits in slices, so that `give_up` is asked now and then. False when it said yes or time is over.
  template <typename GiveUp>
  bool Wait(int64_t deadline_ns, GiveUp give_up) {
    constexpr int64_t kSliceNs = 10 * 1000 * 1000;
    waiters.fetch_add(1);
    while (reached.load() == 0 && !give_up()) {
      int64_t left = deadline_ns < 0 ? kSliceNs : deadline_ns - MonotonicNs();
      if (left <= 0) break;
      FutexWait(&reached, 0, std::min(left, kSliceNs));
    }
    waiters.fetch_sub(1);
    return reached.load() != 0;
  }
};

namespace {

struct RecordTask final : Task {
  explicit RecordTask(std::shared_ptr<EventMark> mark) : mark(std::move(mark)) { may_run_on_caller = true; }
  Status Run() override {
    mark->time_ns.store(MonotonicNs());
    return OkStatus();
  }
  void Done() override {
    mark->Reach();
    delete this;
  }
  std::shared_ptr<EventMark> mark;
};

struct WaitTask final : Task {
  WaitTask(std::shared_ptr<EventMark> mark, Stream* stream, int64_t timeout_ms)
      : mark(std::move(mark)), stream(stream), timeout_ms(timeout_ms) {}
  Status Run() override {
    int64_t deadline = timeout_ms > 0 ? MonotonicNs() + timeout_ms * 1000000 : -1;
    if (mark->Wait(deadline, [this] { return stream->Dropping(); })) return OkStatus();
    if (stream->Dropping()) return Aborted("the stream dropped a wait for an event");
    return Timeout("an event was not reached within {} ms", timeout_ms);
  }
  void Done() override { delete this; }
  std::shared_ptr<EventMark> mark;
  Stream* stream;
  int64_t timeout_ms;
};

}  // namespace

Event::Event(EventKind kind) : kind_(kind), mark_(std::make_shared<EventMark>()) {}

Event::~Event() {
  if (!mark_->recorded.load()) mark_->Reach();
}

std::shared_ptr<EventMark> Event::Mark() const {
  std::lock_guard lock(mutex_);
  return mark_;
}

Status Event::Record(const std::shared_ptr<Stream>& stream) {
  std::lock_guard lock(mutex_);
  bool reuse = !mark_->recorded.load();
  std::shared_ptr<EventMark> mark = reuse ? mark_ : std::make_shared<EventMark>();
  mark->stream = stream;
  mark->recorded.store(true);
  auto* task = new RecordTask(mark);
  Status pushed = stream->Push(task);
  if (!pushed.ok()) {
    delete task;
    mark->recorded.store(!reuse);
    return pushed;
  }
  mark_ = std::move(mark);
  return OkStatus();
}

Status Event::WaitOn(const std::shared_ptr<Stream>& stream, int64_t timeout_ms) {
  std::shared_ptr<EventMark> mark = Mark();
  if (mark->reached.load() != 0) return OkStatus();
  if (kind_ == EventKind::kRerecord && !mark->recorded.load()) return OkStatus();
  auto* task = new WaitTask(std::move(mark), stream.get(), timeout_ms);
  Status pushed = stream->Push(task);
  if (!pushed.ok()) delete task;
  return pushed;
}

void Event::Reset() {
  std::lock_guard lock(mutex_);
  if (mark_->recorded.load()) mark_ = std::make_shared<EventMark>();
}

bool Event::Ready() const {
  std::shared_ptr<EventMark> mark = Mark();
  return !mark->recorded.load() || mark->reached.load() != 0;
}

Status Event::Synchronize(int64_t timeout_ms) const {
  std::shared_ptr<EventMark> mark;
  std::shared_ptr<Stream> stream;
  {
    std::lock_guard lock(mutex_);
    mark = mark_;
    stream = mark->stream.lock();
  }
  if (!mark->recorded.load() || mark->reached.load() != 0) return OkStatus();
  if (timeout_ms < 0 && stream != nullptr) stream->Help(mark->reached);
  stream.reset();
  int64_t deadline = timeout_ms < 0 ? -1 : MonotonicNs() + timeout_ms * 1000000;
  if (mark->Wait(deadline, [] { return false; })) return OkStatus();
  return Timeout("the event was not reached within {} ms", timeout_ms);
}

Result<int64_t> Event::TimestampNs() const {
  std::shared_ptr<EventMark> mark = Mark();
  if (!mark->recorded.load()) return NotFound("the event was never recorded");
  if (mark->reached.load() == 0) return FailedPrecondition("the event was recorded but is not reached yet");
  return mark->time_ns.load();
}

}  // namespace belay
