// Host functions in stream order: run by the stream's worker, or by a client's thread that serves reports.
#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <map>

#include "api/acl/common.h"
#include "backend/device.h"
#include "base/futex.h"

namespace belay::acl {
namespace {

struct HostTask final : Task {
  HostTask(aclrtHostFunc fn, void* args) : fn(fn), args(args) {}
  Status Run() override {
    fn(args);
    return OkStatus();
  }
  void Done() override { delete this; }
  aclrtHostFunc fn;
  void* args;
};

// One callback on its way to the serving thread.
struct Report {
  aclrtCallback fn;
  void* user_data;
  bool done = false;  // under Reports::mutex
};

// Subscriptions and what is due, by thread.
struct Reports {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<void*, uint64_t> thread_of_stream;
  std::map<uint64_t, int> streams_of_thread;
  std::map<uint64_t, std::deque<std::shared_ptr<Report>>> due;

  void DropThread(uint64_t thread) {
    for (auto& report : due[thread]) report->done = true;
    due.erase(thread);
    streams_of_thread.erase(thread);
  }
};

Reports& TheReports() {
  static auto* reports = new Reports;
  return *reports;
}

struct CallbackTask final : Task {
  Status Run() override {
    Reports& reports = TheReports();
    auto report = std::make_shared<Report>(Report{fn, user_data});
    std::unique_lock lock(reports.mutex);
    auto subscribed = reports.thread_of_stream.find(handle);
    if (subscribed == reports.thread_of_stream.end()) {
      return FailedPrecondition("a callback was due, but its stream is no longer subscribed");
    }
    reports.due[subscribed->second].push_back(report);
    reports.changed.notify_all();
    if (!blocks) return OkStatus();
    constexpr auto kSlice = std::chrono::milliseconds(10);
    while (!report->done) {
      if (stream->Dropping()) return Aborted("the stream dropped a callback that was not served");
      reports.changed.wait_for(lock, kSlice);
    }
    return OkStatus();
  }
  void Done() override { delete this; }

  aclrtCallback fn = nullptr;
  void* user_data = nullptr;
  void* handle = nullptr;
  Stream* stream = nullptr;
  bool blocks = false;
};

aclError ResolveHandle(const char* call, aclrtStream handle, void** resolved) {
  std::shared_ptr<Stream> stream;
  BELAY_ACL_TRY(GetStream(call, handle, &stream));
  *resolved = handle;
  if (handle != nullptr) return ACL_SUCCESS;
  Result<void*> standard = DefaultStream();
  if (!standard.ok()) return Translate(call, standard.status());
  *resolved = *standard;
  return ACL_SUCCESS;
}

}  // namespace
}  // namespace belay::acl

using namespace belay::acl;  // NOLINT: the exported functions below are C

extern "C" {

aclError aclrtLaunchHostFunc(aclrtStream stream, aclrtHostFunc fn, void* args) try {
  BELAY_ACL_NOT_NULL(fn);
  std::shared_ptr<belay::Stream> found;
  BELAY_ACL_TRY(GetStream(__func__, stream, &found));
  return Launch(__func__, *found, new HostTask(fn, args));
}
BELAY_ACL_END

aclError aclrtSubscribeReport(uint64_t threadId, aclrtStream stream) try {
  void* handle = nullptr;
  BELAY_ACL_TRY(ResolveHandle(__func__, stream, &handle));
  Reports& reports = TheReports();
  std::lock_guard lock(reports.mutex);
  if (!reports.thread_of_stream.emplace(handle, threadId).second) {
    return Refuse(__func__, ACL_ERROR_RT_STREAM_SUBSCRIBE, "the stream is subscribed already",
                  "subscribe each stream once");
  }
  ++reports.streams_of_thread[threadId];
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtUnSubscribeReport(uint64_t threadId, aclrtStream stream) try {
  void* handle = nullptr;
  BELAY_ACL_TRY(ResolveHandle(__func__, stream, &handle));
  Reports& reports = TheReports();
  std::lock_guard lock(reports.mutex);
  if (reports.streams_of_thread.count(threadId) == 0) {
    return Refuse(__func__, ACL_ERROR_RT_THREAD_SUBSCRIBE, fmt::format("thread {} serves no stream", threadId));
  }
  auto found = reports.thread_of_stream.find(handle);
  if (found == reports.thread_of_stream.end() || found->second != threadId) {
    return Refuse(__func__, ACL_ERROR_RT_STREAM_SUBSCRIBE,
                  fmt::format("the stream is not subscribed to thread {}", threadId));
  }
  reports.thread_of_stream.erase(found);
  if (--reports.streams_of_thread[threadId] == 0) reports.DropThread(threadId);
  reports.changed.notify_all();
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtLaunchCallback(aclrtCallback fn, void* userData, aclrtCallbackBlockType blockType,
                             aclrtStream stream) try {
  BELAY_ACL_NOT_NULL(fn);
  if (blockType != ACL_CALLBACK_NO_BLOCK && blockType != ACL_CALLBACK_BLOCK) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("blockType is {}", static_cast<int>(blockType)));
  }
  std::shared_ptr<belay::Stream> found;
  void* handle = nullptr;
  BELAY_ACL_TRY(GetStream(__func__, stream, &found));
  BELAY_ACL_TRY(ResolveHandle(__func__, stream, &handle));
  {
    std::lock_guard lock(TheReports().mutex);
    if (TheReports().thread_of_stream.count(handle) == 0) {
      return Refuse(__func__, ACL_ERROR_RT_STREAM_NO_CB_REG, "no thread serves the stream's callbacks",
                    "call aclrtSubscribeReport first, or use aclrtLaunchHostFunc");
    }
  }
  auto* task = new CallbackTask;
  task->fn = fn;
  task->user_data = userData;
  task->handle = handle;
  task->stream = found.get();
  task->blocks = blockType == ACL_CALLBACK_BLOCK;
  return Launch(__func__, *found, task);
}
BELAY_ACL_END

aclError aclrtProcessReport(int32_t timeout) try {
  BELAY_ACL_TRY(CheckTimeout(__func__, timeout));
  Reports& reports = TheReports();
  auto self = static_cast<uint64_t>(pthread_self());
  std::unique_lock lock(reports.mutex);
  auto subscribed = [&] { return reports.streams_of_thread.count(self) != 0; };
  if (!subscribed()) {
    return Refuse(__func__, ACL_ERROR_RT_THREAD_SUBSCRIBE, "this thread is not subscribed to any stream",
                  "call aclrtSubscribeReport with this thread's id first");
  }
  auto ready = [&] { return !subscribed() || !reports.due[self].empty(); };
  if (timeout < 0) {
    reports.changed.wait(lock, ready);
  } else if (!reports.changed.wait_for(lock, std::chrono::milliseconds(timeout), ready)) {
    return ACL_ERROR_RT_REPORT_TIMEOUT;  // an answer of every serving loop, not worth a message
  }
  if (!subscribed()) return ACL_ERROR_RT_REPORT_TIMEOUT;
  while (subscribed() && !reports.due[self].empty()) {
    std::shared_ptr<Report> report = reports.due[self].front();
    reports.due[self].pop_front();
    lock.unlock();
    report->fn(report->user_data);
    lock.lock();
    report->done = true;
    reports.changed.notify_all();
  }
  return ACL_SUCCESS;
}
BELAY_ACL_END

}  // extern "C"
