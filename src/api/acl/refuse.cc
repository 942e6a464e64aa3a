#include "api/acl/refuse.h"

#include <fmt/format.h>
#include <unistd.h>

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

}  // namespace belay::acl
