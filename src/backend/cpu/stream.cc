#include "backend/cpu/stream.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>

#include "backend/stream.h"
#include "base/futex.h"
#include "base/thread.h"

namespace belay {
namespace {

constexpr int64_t kPollNs = 50 * 1000;             // the worker's nap after recent work
constexpr int64_t kPollForNs = 4 * 1000 * 1000;    // how long work counts as recent
constexpr int64_t kYieldedNapNs = 1000 * 1000;     // while a caller works on the queue; it wakes us if it leaves any
constexpr int kSpinRounds = 1000;                  // 10 to 45 us: a pause takes 40 to 140 cycles
constexpr int64_t kExitWaitNs = 2000 * 1000 * 1000LL;

enum WorkerState : uint32_t { kAwake, kNapping, kAsleep };

thread_local CpuStream* worker_of = nullptr;

}  // namespace

// Producers link tasks into inbox_ (newest first); whoever holds busy_ turns them into ready_ (oldest first)
// and runs them. pushed_ grows before a task is linked, completed_ after its Done, so completed_ >= pushed_
// (as read after a Push) means that this Push's task has ended.
class CpuStream final : public Stream, public std::enable_shared_from_this<CpuStream> {
 public:
  explicit CpuStream(StopFlag stopped)
      : stopped_(stopped != nullptr ? std::move(stopped) : std::make_shared<std::atomic<bool>>(false)) {}
  ~CpuStream() override = default;

  Status Push(Task* task) override;
  Status Synchronize(int64_t timeout_ms) override;
  Status TakeFailure() override;
  bool Idle() const override { return completed_.load() >= pushed_.load(); }
  void Drop() override;
  bool Dropping() const override {
    return completed_.load() < drop_below_.load() || stopped_->load(std::memory_order_relaxed);
  }
  void StopOnFailure() override { stop_on_failure_.store(true); }
  uint64_t Point() const override { return pushed_.load(); }
  bool Passed(uint64_t point) const override { return completed_.load() >= point; }
  Status WaitPassed(uint64_t point, int64_t timeout_ms) override;
  void Help(const std::atomic<uint32_t>& until) override;

  void Shutdown();
  void ResetInChild();
  bool RunsKernel() const { return runs_kernel_.load(); }

 private:
  static void* WorkerMain(void* arg);
  void WorkerLoop();
  Status StartWorker();
  void Kick();
  void Nap(WorkerState state, int64_t ns);
  Task* Peek();
  void Execute(Task* task);
  void Fail(Status status);
  // Runs tasks until `point` is passed, the queue is empty, or (for a caller) a task needs the worker.
  bool Drain(uint64_t point, bool as_worker);
  bool TryTake() { return busy_.load() == 0 && busy_.exchange(1) == 0; }
  bool WaitCompleted(uint64_t point, int64_t deadline_ns);

  std::atomic<Task*> inbox_{nullptr};
  std::atomic<uint64_t> pushed_{0};
  std::atomic<uint32_t> worker_state_{kAwake};
  std::atomic<bool> started_{false};
  std::atomic<bool> refuses_{false};
  const StopFlag stopped_;
  alignas(64) std::atomic<uint64_t> completed_{0};
  std::atomic<uint32_t> waiters_{0};
  std::atomic<uint32_t> busy_{0};
  std::atomic<uint64_t> drop_below_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> stop_on_failure_{false};
  std::atomic<bool> runs_kernel_{false};
  std::atomic<bool> failed_{false};
  Task* ready_ = nullptr;  // under busy_
  std::mutex mutex_;       // first_failure_, thread_
  Status first_failure_;
  pthread_t thread_{};
};

namespace {

struct StreamList {
  std::mutex mutex;
  std::vector<std::weak_ptr<CpuStream>> streams;

  std::vector<std::shared_ptr<CpuStream>> Live() {
    std::vector<std::shared_ptr<CpuStream>> live;
    std::lock_guard lock(mutex);
    for (auto& weak : streams) {
      if (auto stream = weak.lock()) live.push_back(std::move(stream));
    }
    return live;
  }
};

StreamList& List();

// At exit queued work is dropped, and kernels that run get a bounded time to end before destructors pull
// their constants away. Workers stay alive: a client's static destructors may still use streams.
void DropAtExit() {
  auto live = List().Live();
  for (auto& stream : live) stream->Drop();
  int64_t deadline = MonotonicNs() + kExitWaitNs;
  for (auto& stream : live) {
    while (stream->RunsKernel() && MonotonicNs() < deadline) {
      timespec nap{0, 100000};
      nanosleep(&nap, nullptr);
    }
  }
}

StreamList& List() {
  static StreamList* list = [] {
    auto* made = new StreamList;  // never destroyed: workers may outlive static destructors
    pthread_atfork([] { List().mutex.lock(); }, [] { List().mutex.unlock(); },
                   [] {
                     StreamList& list = List();
                     for (auto& weak : list.streams) {
                       if (auto stream = weak.lock()) stream->ResetInChild();
                     }
                     list.mutex.unlock();
                   });
    atexit(DropAtExit);
    return made;
  }();
  return *list;
}

Status RunGuarded(Task* task) {
  try {
    return task->Run();
  } catch (const std::bad_alloc&) {
    return OutOfMemory("a task of the stream ran out of host memory");
  } catch (const std::exception& e) {
    return Internal("a task of the stream threw: {}", e.what());
  }
}

}  // namespace

Status CpuStream::Push(Task* task) {
  if (refuses_.load(std::memory_order_relaxed)) return FailedPrecondition("the stream was destroyed");
  if (stopped_->load(std::memory_order_relaxed)) {
    return FailedPrecondition("the stream takes no work: a stream of its context failed in stop-on-failure mode");
  }
  if (!started_.load(std::memory_order_acquire)) BELAY_RETURN_IF_ERROR(StartWorker());
  pushed_.fetch_add(1);
  Task* head = inbox_.load(std::memory_order_relaxed);
  do {
    task->next = head;
  } while (!inbox_.compare_exchange_weak(head, task));
  if (worker_state_.load() == kAsleep) Kick();
  return OkStatus();
}

Status CpuStream::StartWorker() {
  std::lock_guard lock(mutex_);
  if (started_.load()) return OkStatus();
  auto* self = new std::shared_ptr<CpuStream>(shared_from_this());
  Result<pthread_t> thread = StartThread("belay-stream", WorkerMain, self);
  if (!thread.ok()) {
    delete self;
    return std::move(thread).status();
  }
  thread_ = *thread;
  started_.store(true, std::memory_order_release);
  return OkStatus();
}

void CpuStream::Kick() {
  if (worker_state_.exchange(kAwake) != kAwake) FutexWake(&worker_state_);
}

void* CpuStream::WorkerMain(void* arg) {
  auto* self = static_cast<std::shared_ptr<CpuStream>*>(arg);
  std::shared_ptr<CpuStream> stream = std::move(*self);
  delete self;
  worker_of = stream.get();
  stream->WorkerLoop();
  return nullptr;
}

void CpuStream::WorkerLoop() {
  int64_t recent = MonotonicNs();
  uint64_t seen = 0;
  while (!stop_.load()) {
    bool taken_by_caller = false;
    if (TryTake()) {
      Drain(UINT64_MAX, /*as_worker=*/true);
      busy_.store(0);
    } else {
      taken_by_caller = true;
    }
    uint64_t pushed = pushed_.load();
    int64_t now = MonotonicNs();
    if (pushed != seen) recent = now;
    seen = pushed;
    if (taken_by_caller) {
      Nap(kNapping, kYieldedNapNs);
    } else if (now - recent < kPollForNs) {
      Nap(kNapping, kPollNs);
    } else {
      Nap(kAsleep, -1);
    }
  }
}

// The state is set before the queue is looked at again. Push links, and a caller that leaves work lets go of
// busy_, before they read the state: one of the two sees the other.
void CpuStream::Nap(WorkerState state, int64_t ns) {
  worker_state_.store(state);
  bool work = !Idle() && (state == kAsleep || busy_.load() == 0);
  if (!work && !stop_.load()) FutexWait(&worker_state_, state, ns);
  worker_state_.store(kAwake);
}

Task* CpuStream::Peek() {
  if (ready_ != nullptr) return ready_;
  Task* newest = inbox_.exchange(nullptr);
  while (newest != nullptr) {
    Task* older = newest->next;
    newest->next = ready_;
    ready_ = newest;
    newest = older;
  }
  return ready_;
}

void CpuStream::Fail(Status status) {
  std::lock_guard lock(mutex_);
  if (!failed_.load()) {
    first_failure_ = std::move(status);
    failed_.store(true);
  }
  if (stop_on_failure_.load()) stopped_->store(true);
}

void CpuStream::Execute(Task* task) {
  if (Dropping()) {
    Fail(Aborted("the stream dropped its queued work"));
  } else {
    runs_kernel_.store(task->may_run_on_caller);
    Status status = RunGuarded(task);
    runs_kernel_.store(false);
    if (!status.ok()) Fail(std::move(status));
  }
  task->Done();
  completed_.fetch_add(1);
  if (waiters_.load() != 0) FutexWake(&completed_);
}

bool CpuStream::Drain(uint64_t point, bool as_worker) {
  while (completed_.load(std::memory_order_relaxed) < point) {
    Task* task = Peek();
    if (task == nullptr) return true;
    if (!as_worker && !task->may_run_on_caller) return false;
    ready_ = task->next;
    Execute(task);
  }
  return true;
}

bool CpuStream::WaitCompleted(uint64_t point, int64_t deadline_ns) {
  for (int i = 0; i < kSpinRounds; ++i) {
    if (completed_.load() >= point) return true;
    CpuRelax();
  }
  waiters_.fetch_add(1);
  uint64_t completed;
  bool in_time = true;
  while ((completed = completed_.load()) < point && in_time) {
    int64_t left = deadline_ns < 0 ? -1 : deadline_ns - MonotonicNs();
    in_time = deadline_ns < 0 || left > 0;
    if (in_time) FutexWait(&completed_, static_cast<uint32_t>(completed), left);
  }
  waiters_.fetch_sub(1);
  return completed_.load() >= point;
}

Status CpuStream::WaitPassed(uint64_t point, int64_t timeout_ms) {
  if (Passed(point)) return OkStatus();
  if (worker_of == this) {
    return FailedPrecondition("a callback on a stream waits for its own stream, which cannot end before it");
  }
  if (timeout_ms >= 0) {
    int64_t deadline = MonotonicNs() + timeout_ms * 1000000;
    if (WaitCompleted(point, deadline)) return OkStatus();
    return Timeout("the stream did not finish within {} ms", timeout_ms);
  }
  while (!Passed(point)) {
    if (TryTake()) {
      bool needs_worker = !Drain(point, /*as_worker=*/false);
      busy_.store(0);
      if (!Idle()) Kick();
      if (!needs_worker) continue;  // passed, or a Push is between counting and linking
    }
    WaitCompleted(point, -1);
  }
  return OkStatus();
}

Status CpuStream::Synchronize(int64_t timeout_ms) {
  BELAY_RETURN_IF_ERROR(WaitPassed(pushed_.load(), timeout_ms));
  return TakeFailure();
}

Status CpuStream::TakeFailure() {
  if (!failed_.load()) return OkStatus();
  std::lock_guard lock(mutex_);
  failed_.store(false);
  return std::exchange(first_failure_, OkStatus());
}

void CpuStream::Help(const std::atomic<uint32_t>& until) {
  if (worker_of == this || !TryTake()) return;
  for (Task* task; until.load() == 0 && (task = Peek()) != nullptr && task->may_run_on_caller;) {
    ready_ = task->next;
    Execute(task);
  }
  busy_.store(0);
  if (!Idle()) Kick();
}

void CpuStream::Drop() {
  uint64_t below = pushed_.load();
  uint64_t before = drop_below_.load();
  while (before < below && !drop_below_.compare_exchange_weak(before, below)) {
  }
}

void CpuStream::Shutdown() {
  refuses_.store(true);
  drop_below_.store(UINT64_MAX);
  if (worker_of == this) {  // released by a task of its own: the worker ends after it
    pthread_detach(pthread_self());
    stop_.store(true);
    return;
  }
  bool started;
  {
    std::lock_guard lock(mutex_);
    started = started_.exchange(false);
  }
  if (!started) return;
  stop_.store(true);
  Kick();
  pthread_join(thread_, nullptr);
  while (!TryTake()) CpuRelax();
  Drain(UINT64_MAX, /*as_worker=*/true);
  busy_.store(0);
}

// The child has only the thread that forked: queued work stays the parent's, and the next Push starts a worker.
void CpuStream::ResetInChild() {
  inbox_ = nullptr;
  ready_ = nullptr;
  completed_.store(pushed_.load());
  worker_state_ = kAwake;
  waiters_ = 0;
  busy_ = 0;
  started_ = false;
  runs_kernel_ = false;
  failed_ = false;
  new (&mutex_) std::mutex;
  new (&first_failure_) Status;
}

std::shared_ptr<Stream> MakeStream(StopFlag stop_flag) {
  auto stream = std::make_shared<CpuStream>(std::move(stop_flag));
  StreamList& list = List();
  {
    std::lock_guard lock(list.mutex);
    std::erase_if(list.streams, [](auto& weak) { return weak.expired(); });
    list.streams.push_back(stream);
  }
  Stream* raw = stream.get();
  return std::shared_ptr<Stream>(raw, [stream](Stream*) { stream->Shutdown(); });
}

std::vector<StreamPoint> PointsOfBusyStreams() {
  std::vector<StreamPoint> points;
  StreamList& list = List();
  std::lock_guard lock(list.mutex);
  for (auto& weak : list.streams) {
    auto stream = weak.lock();
    if (stream != nullptr && !stream->Idle()) points.push_back({stream, stream->Point()});
  }
  return points;
}

bool Passed(const std::vector<StreamPoint>& points) {
  return std::all_of(points.begin(), points.end(),
                     [](const StreamPoint& p) { return p.stream->Passed(p.point); });
}

}  // namespace belay
