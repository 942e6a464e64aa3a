#include "api/acl/common.h"

#include <unistd.h>

#include "backend/device.h"
#include "base/error_report.h"

namespace belay::acl {
namespace {

// The names of the numbers that this library gives.
const char* ErrorName(aclError code) {
  switch (code) {
#define BELAY_NAME(name) \
  case name:             \
    return #name;
    BELAY_NAME(ACL_ERROR_INVALID_PARAM)
    BELAY_NAME(ACL_ERROR_REPEAT_INITIALIZE)
    BELAY_NAME(ACL_ERROR_INVALID_FILE)
    BELAY_NAME(ACL_ERROR_PARSE_FILE)
    BELAY_NAME(ACL_ERROR_INVALID_DUMP_CONFIG)
    BELAY_NAME(ACL_ERROR_INVALID_PROFILING_CONFIG)
    BELAY_NAME(ACL_ERROR_REPEAT_FINALIZE)
    BELAY_NAME(ACL_ERROR_RT_PARAM_INVALID)
    BELAY_NAME(ACL_ERROR_RT_INVALID_DEVICEID)
    BELAY_NAME(ACL_ERROR_RT_CONTEXT_NULL)
    BELAY_NAME(ACL_ERROR_RT_STREAM_CONTEXT)
    BELAY_NAME(ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID)
    BELAY_NAME(ACL_ERROR_RT_EVENT_TIMESTAMP_REVERSAL)
    BELAY_NAME(ACL_ERROR_RT_STREAM_SUBSCRIBE)
    BELAY_NAME(ACL_ERROR_RT_THREAD_SUBSCRIBE)
    BELAY_NAME(ACL_ERROR_RT_STREAM_NO_CB_REG)
    BELAY_NAME(ACL_ERROR_RT_WAIT_TIMEOUT)
    BELAY_NAME(ACL_ERROR_RT_SYSPARAMOPT_NOT_SET)
    BELAY_NAME(ACL_ERROR_RT_STREAM_ABORT)
    BELAY_NAME(ACL_ERROR_RT_TASK_ABORT_STOP)
    BELAY_NAME(ACL_ERROR_INVALID_MAX_OPQUEUE_NUM_CONFIG)
    BELAY_NAME(ACL_ERROR_BAD_ALLOC)
    BELAY_NAME(ACL_ERROR_API_NOT_SUPPORT)
    BELAY_NAME(ACL_ERROR_FEATURE_UNSUPPORTED)
    BELAY_NAME(ACL_ERROR_RT_FEATURE_NOT_SUPPORT)
    BELAY_NAME(ACL_ERROR_RT_MEMORY_ALLOCATION)
    BELAY_NAME(ACL_ERROR_RT_INTERNAL_ERROR)
    BELAY_NAME(ACL_ERROR_RT_EVENT_NOT_COMPLETE)
    BELAY_NAME(ACL_ERROR_RT_CONTEXT_RELEASE_ERROR)
    BELAY_NAME(ACL_ERROR_RT_REPORT_TIMEOUT)
    BELAY_NAME(ACL_ERROR_RT_AICORE_EXCEPTION)
    BELAY_NAME(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT)
    BELAY_NAME(ACL_ERROR_RT_EVENT_SYNC_TIMEOUT)
#undef BELAY_NAME
    default: return "";
  }
}

}  // namespace

aclError Refuse(const char* call, aclError code, const std::string& why, const std::string& todo) {
  std::string what = fmt::format("{} returned {} {} on thread {}", call, code, ErrorName(code), gettid());
  ReportError({std::to_string(code), fmt::format("{} failed", call), what, why, todo});
  return code;
}

aclError RefuseNull(const char* call, const char* argument) {
  return Refuse(call, ACL_ERROR_INVALID_PARAM, fmt::format("{} is null", argument),
                fmt::format("pass a valid pointer as {}", argument));
}

aclError RefuseUnbuilt(const char* call, aclError code) {
  return Refuse(call, code, fmt::format("{} is not supported: it is declared but not built yet", call));
}

aclError RefuseBadAlloc(const char* call) noexcept {
  try {
    return Refuse(call, ACL_ERROR_BAD_ALLOC, "there is not enough host memory");
  } catch (...) {
    return ACL_ERROR_BAD_ALLOC;
  }
}

aclError Translate(const char* call, const Status& status, const CodeMap& map) {
  switch (status.code()) {
    case Code::kOk: return ACL_SUCCESS;
    case Code::kInvalidArgument: return Refuse(call, map.invalid_argument, status.message());
    case Code::kNotFound:
      return Refuse(call, map.not_found, status.message(),
                    map.not_found == ACL_ERROR_RT_CONTEXT_NULL
                        ? "call aclrtSetDevice or aclrtSetCurrentContext on this thread first"
                        : "");
    case Code::kFailedPrecondition: return Refuse(call, map.failed_precondition, status.message());
    case Code::kTimeout: return Refuse(call, map.timeout, status.message());
    case Code::kNotSupported: return Refuse(call, ACL_ERROR_RT_FEATURE_NOT_SUPPORT, status.message());
    case Code::kOutOfMemory: return Refuse(call, ACL_ERROR_RT_MEMORY_ALLOCATION, status.message());
    case Code::kAborted: return Refuse(call, ACL_ERROR_RT_STREAM_ABORT, status.message());
    case Code::kAlreadyExists:
    case Code::kInternal: break;
  }
  return Refuse(call, ACL_ERROR_RT_INTERNAL_ERROR, status.message());
}

aclError& LastError() {
  thread_local aclError last = ACL_SUCCESS;
  return last;
}

aclError TranslateAsync(const char* call, const Status& status) {
  if (status.ok()) return ACL_SUCCESS;
  CodeMap map;
  map.invalid_argument = map.not_found = map.failed_precondition = ACL_ERROR_RT_AICORE_EXCEPTION;
  map.timeout = ACL_ERROR_RT_WAIT_TIMEOUT;
  aclError code = status.code() == Code::kInternal
                      ? Refuse(call, ACL_ERROR_RT_AICORE_EXCEPTION, status.message())
                      : Translate(call, status, map);
  LastError() = code;
  return code;
}

aclError NeedContext(const char* call) { return Translate(call, CurrentContext().status()); }

aclError GetStream(const char* call, aclrtStream handle, std::shared_ptr<Stream>* stream) {
  Result<std::shared_ptr<Stream>> found = StreamOfCurrentContext(handle);
  if (!found.ok()) return Translate(call, found.status());
  *stream = *std::move(found);
  return ACL_SUCCESS;
}

aclError CheckTimeout(const char* call, int32_t timeout) {
  if (timeout > 0 || timeout == -1) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_RT_PARAM_INVALID, fmt::format("timeout is {} ms", timeout),
                "pass a positive number of milliseconds, or -1 to wait for ever");
}

aclError Launch(const char* call, Stream& stream, Task* task) {
  Status pushed = stream.Push(task);
  if (pushed.ok()) return ACL_SUCCESS;
  task->Done();
  CodeMap map;
  map.failed_precondition = ACL_ERROR_RT_TASK_ABORT_STOP;
  return Translate(call, pushed, map);
}

}  // namespace belay::acl
