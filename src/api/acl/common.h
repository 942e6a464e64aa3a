// What the calls of libascendcl.so share: turning a Status into acl's number, streams, handles.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "acl/acl.h"
#include "api/acl/refuse.h"
#include "backend/stream.h"
#include "base/status.h"

namespace belay::acl {

// What a status code means for one call; the defaults are those of the runtime.
struct CodeMap {
  aclError invalid_argument = ACL_ERROR_RT_PARAM_INVALID;
  aclError not_found = ACL_ERROR_RT_CONTEXT_NULL;
  aclError failed_precondition = ACL_ERROR_RT_STREAM_CONTEXT;
  aclError timeout = ACL_ERROR_RT_STREAM_SYNC_TIMEOUT;
};
aclError Translate(const char* call, const Status& status, const CodeMap& map = {});
// The failure of a task, found when its stream was waited for; becomes the thread's last error.
aclError TranslateAsync(const char* call, const Status& status);
// The last asynchronous error of this thread.
aclError& LastError();

// kOk, or the refusal of a call that needs a context on this thread.
aclError NeedContext(const char* call);
// The same for a call about a device, which may not exist.
aclError CheckDevice(const char* call, int64_t device);
// The stream behind a handle (nullptr: default stream) for use under the current context.
aclError GetStream(const char* call, aclrtStream handle, std::shared_ptr<Stream>* stream);
// Timeouts of acl: milliseconds, -1 for ever; 0 and below -1 are refused.
aclError CheckTimeout(const char* call, int32_t timeout);
// Hands `task` to the stream, or destroys it through Done.
aclError Launch(const char* call, Stream& stream, Task* task);

// Objects behind opaque handles that are never reused.
template <typename T>
class HandleTable {
 public:
  explicit HandleTable(uint64_t tag) : tag_(tag << 48) {}
  void* Add(std::shared_ptr<T> object) {
    std::lock_guard lock(mutex_);
    uint64_t handle = tag_ | next_++ << 4;
    objects_.emplace(handle, std::move(object));
    return reinterpret_cast<void*>(handle);
  }
  std::shared_ptr<T> Find(void* handle) {
    std::lock_guard lock(mutex_);
    auto found = objects_.find(reinterpret_cast<uint64_t>(handle));
    return found == objects_.end() ? nullptr : found->second;
  }
  std::shared_ptr<T> Take(void* handle) {
    std::lock_guard lock(mutex_);
    auto found = objects_.find(reinterpret_cast<uint64_t>(handle));
    if (found == objects_.end()) return nullptr;
    std::shared_ptr<T> object = std::move(found->second);
    objects_.erase(found);
    return object;
  }

 private:
  const uint64_t tag_;
  std::mutex mutex_;
  uint64_t next_ = 1;
  std::unordered_map<uint64_t, std::shared_ptr<T>> objects_;
};

}  // namespace belay::acl

#define BELAY_ACL_TRY(expr)                                \
  do {                                                     \
    aclError belay_acl_error = (expr);                     \
    if (belay_acl_error != ACL_SUCCESS) return belay_acl_error; \
  } while (false)
