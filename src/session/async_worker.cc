#include "session/async_worker.h"

namespace belay {

std::shared_ptr<AsyncWorker> AsyncWorker::Start() {
  auto worker = std::make_shared<AsyncWorker>();
  worker->thread_ = std::thread([worker] { worker->Loop(); });
  return worker;
}

Status AsyncWorker::Push(std::function<void()> work) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (finished_) return FailedPrecondition("the session has ended");
  queue_.push_back(std::move(work));
  changed_.notify_one();
  return OkStatus();
}

void AsyncWorker::Loop() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return finished_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

void AsyncWorker::Finish() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    finished_ = true;
    changed_.notify_one();
  }
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

}  // namespace belay
