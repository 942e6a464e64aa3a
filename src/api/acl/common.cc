#include "api/acl/common.h"

#include "backend/device.h"

namespace belay::acl {

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

aclError CheckDevice(const char* call, int64_t device) {
  if (device >= 0 && device < DeviceCount()) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_RT_INVALID_DEVICEID,
                fmt::format("device {} does not exist: there are {}", device, DeviceCount()));
}

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
