// The thread of a session's asynchronous calls.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/status.h"

namespace belay {

class AsyncWorker : public std::enable_shared_from_this<AsyncWorker> {
 public:
  static std::shared_ptr<AsyncWorker> Start();
  // Refuses after Finish.
  Status Push(std::function<void()> work);
  // Calls what is queued and ends the thread; from the thread itself, without waiting.
  void Finish();

 private:
  void Loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool finished_ = false;
  std::thread thread_;
};

}  // namespace belay
