// What every acl call shares: refusing with a message, and turning a Status into acl's number.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <unordered_map>

#include "acl/acl.h"
#include "backend/stream.h"
#include "base/status.h"

namespace belay::acl {

// Reports the failure of `call` on this thread and returns `code`.
aclError Refuse(const char* call, aclError code, const std::string& why, const std::string& todo = "");
aclError RefuseNull(const char* call, const char* argument);
aclError RefuseUnbuilt(const char* call, aclError code = ACL_ERROR_API_NOT_SUPPORT);
aclError RefuseBadAlloc(const char* call) noexcept;

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

// Every exported function is `extern "C" aclError f(...) try { ... } BELAY_ACL_END`: no exception leaves.
#define BELAY_ACL_END \
  catch (const std::bad_alloc&) { return ::belay::acl::RefuseBadAlloc(__func__); }

#define BELAY_ACL_NOT_NULL(argument)                                                    \
  do {                                                                                  \
    if ((argument) == nullptr) return ::belay::acl::RefuseNull(__func__, #argument);    \
  } while (false)

#define BELAY_ACL_TRY(expr)                                \
  do {                                                     \
    aclError belay_acl_error = (expr);                     \
    if (belay_acl_error != ACL_SUCCESS) return belay_acl_error; \
  } while (false)
