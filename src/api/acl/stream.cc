// Streams.
#include <map>

#include "api/acl/common.h"
#include "api/marks.h"
#include "backend/device.h"

using belay::acl::CodeMap;
using belay::acl::GetStream;
using belay::acl::Refuse;
using belay::acl::Translate;

namespace {

constexpr uint32_t kKnownFlags = 0x1F;

struct StreamExtras {
  bool failure_mode_set = false;
  uint32_t overflow_switch = 0;
};

struct ExtrasTable {
  std::mutex mutex;
  std::map<void*, StreamExtras> by_handle;
};

ExtrasTable& Extras() {
  static auto* table = new ExtrasTable;
  return *table;
}

aclError Create(const char* call, aclrtStream* stream) {
  belay::Result<void*> made = belay::CreateStream();
  if (!made.ok()) return Translate(call, made.status());
  *stream = *made;
  return ACL_SUCCESS;
}

aclError Destroy(const char* call, aclrtStream stream, bool drop) {
  std::shared_ptr<belay::Stream> found;
  BELAY_ACL_TRY(GetStream(call, stream, &found));
  {
    std::lock_guard lock(Extras().mutex);
    Extras().by_handle.erase(stream);
  }
  found.reset();
  CodeMap map;
  map.failed_precondition = ACL_ERROR_RT_PARAM_INVALID;
  return Translate(call, belay::DestroyStream(stream, drop), map);
}

aclError SynchronizeStream(const char* call, aclrtStream handle, int64_t timeout_ms) {
  std::shared_ptr<belay::Stream> stream;
  BELAY_ACL_TRY(GetStream(call, handle, &stream));
  belay::Status waited = stream->WaitPassed(stream->Point(), timeout_ms);
  if (!waited.ok()) {
    CodeMap map;
    map.failed_precondition = ACL_ERROR_RT_PARAM_INVALID;
    return Translate(call, waited, map);
  }
  return belay::acl::TranslateAsync(call, stream->TakeFailure());
}

aclError CheckPriority(const char* call, uint32_t priority, uint64_t flag) {
  if (priority > 7) {
    return Refuse(call, ACL_ERROR_INVALID_PARAM, fmt::format("priority is {}", priority), "pass 0 to 7");
  }
  if ((flag & ~uint64_t{kKnownFlags}) != 0) {
    return Refuse(call, ACL_ERROR_INVALID_PARAM, fmt::format("flag {:#x} has unknown bits", flag));
  }
  if ((flag & ACL_STREAM_PERSISTENT) != 0) {
    return Refuse(call, ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                  "ACL_STREAM_PERSISTENT is not supported: binding streams to models is not built yet");
  }
  return ACL_SUCCESS;
}

}  // namespace

extern "C" {

aclError aclrtCreateStream(aclrtStream* stream) try {
  BELAY_ACL_NOT_NULL(stream);
  return Create(__func__, stream);
}
BELAY_ACL_END

// FAST_LAUNCH and FAST_SYNC ask for what every stream does; priorities have no meaning on threads of equal rank.
aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t priority, uint32_t flag) try {
  BELAY_ACL_NOT_NULL(stream);
  BELAY_ACL_TRY(CheckPriority(__func__, priority, flag));
  return Create(__func__, stream);
}
BELAY_ACL_END

aclrtStreamConfigHandle* aclrtCreateStreamConfigHandle() {
  return new (std::nothrow) aclrtStreamConfigHandle{};
}

aclError aclrtDestroyStreamConfigHandle(aclrtStreamConfigHandle* handle) try {
  BELAY_ACL_NOT_NULL(handle);
  delete handle;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtSetStreamConfigOpt(aclrtStreamConfigHandle* handle, aclrtStreamConfigAttr attr,
                                 const void* attrValue, size_t valueSize) try {
  BELAY_ACL_NOT_NULL(handle);
  BELAY_ACL_NOT_NULL(attrValue);
  auto bad_size = [&](size_t want) {
    return Refuse("aclrtSetStreamConfigOpt", ACL_ERROR_INVALID_PARAM,
                  fmt::format("valueSize is {}, but the attribute has {} bytes", valueSize, want));
  };
  switch (attr) {
    case ACL_RT_STREAM_WORK_ADDR_PTR:
      if (valueSize != sizeof(void*)) return bad_size(sizeof(void*));
      handle->workptr = *static_cast<void* const*>(attrValue);
      return ACL_SUCCESS;
    case ACL_RT_STREAM_WORK_SIZE:
      if (valueSize != sizeof(size_t)) return bad_size(sizeof(size_t));
      handle->workSize = *static_cast<const size_t*>(attrValue);
      return ACL_SUCCESS;
    case ACL_RT_STREAM_FLAG:
      if (valueSize != sizeof(size_t)) return bad_size(sizeof(size_t));
      handle->flag = *static_cast<const size_t*>(attrValue);
      return ACL_SUCCESS;
    case ACL_RT_STREAM_PRIORITY:
      if (valueSize != sizeof(uint32_t)) return bad_size(sizeof(uint32_t));
      handle->priority = *static_cast<const uint32_t*>(attrValue);
      return ACL_SUCCESS;
  }
  return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("attr is {}", static_cast<int>(attr)));
}
BELAY_ACL_END

aclError aclrtCreateStreamV2(aclrtStream* stream, const aclrtStreamConfigHandle* handle) try {
  BELAY_ACL_NOT_NULL(stream);
  BELAY_ACL_NOT_NULL(handle);
  BELAY_ACL_TRY(CheckPriority(__func__, handle->priority, handle->flag));
  return Create(__func__, stream);
}
BELAY_ACL_END

aclError aclrtDestroyStream(aclrtStream stream) try {
  BELAY_ACL_NOT_NULL(stream);
  return Destroy(__func__, stream, /*drop=*/false);
}
BELAY_ACL_END

aclError aclrtDestroyStreamForce(aclrtStream stream) try {
  BELAY_ACL_NOT_NULL(stream);
  return Destroy(__func__, stream, /*drop=*/true);
}
BELAY_ACL_END

aclError aclrtSynchronizeStream(aclrtStream stream) try { return SynchronizeStream(__func__, stream, -1); }
BELAY_ACL_END

aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout) try {
  BELAY_ACL_TRY(belay::acl::CheckTimeout(__func__, timeout));
  return SynchronizeStream(__func__, stream, timeout);
}
BELAY_ACL_END

aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus* status) try {
  BELAY_ACL_NOT_NULL(status);
  std::shared_ptr<belay::Stream> found;
  BELAY_ACL_TRY(GetStream(__func__, stream, &found));
  *status = found->Idle() ? ACL_STREAM_STATUS_COMPLETE : ACL_STREAM_STATUS_NOT_READY;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtStreamAbort(aclrtStream stream) try {
  BELAY_ACL_NOT_NULL(stream);
  std::shared_ptr<belay::Stream> found;
  BELAY_ACL_TRY(GetStream(__func__, stream, &found));
  found->Drop();
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtDeviceTaskAbort(int32_t deviceId, uint32_t timeout) try {
  if (deviceId < 0 || deviceId >= belay::DeviceCount()) {
    return Refuse(__func__, ACL_ERROR_RT_INVALID_DEVICEID, fmt::format("device {} does not exist", deviceId));
  }
  auto streams = belay::StreamsOfDevice(deviceId);
  for (auto& stream : streams) stream->Drop();
  for (auto& stream : streams) {
    int64_t limit = timeout == 0 ? -1 : static_cast<int64_t>(timeout);
    BELAY_ACL_TRY(Translate(__func__, stream->WaitPassed(stream->Point(), limit)));
  }
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtSetStreamFailureMode(aclrtStream stream, uint64_t mode) try {
  BELAY_ACL_NOT_NULL(stream);
  if (mode > ACL_STOP_ON_FAILURE) {
    return Refuse(__func__, ACL_ERROR_RT_PARAM_INVALID, fmt::format("mode is {}", mode), "pass 0 or 1");
  }
  std::shared_ptr<belay::Stream> found;
  BELAY_ACL_TRY(GetStream(__func__, stream, &found));
  std::lock_guard lock(Extras().mutex);
  StreamExtras& extras = Extras().by_handle[stream];
  if (extras.failure_mode_set) {
    return Refuse(__func__, ACL_ERROR_RT_PARAM_INVALID, "the stream's failure mode was set before");
  }
  extras.failure_mode_set = true;
  if (mode == ACL_STOP_ON_FAILURE) found->StopOnFailure();
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtSetStreamOverflowSwitch(aclrtStream stream, uint32_t flag) try {
  if (flag > 1) {
    return Refuse(__func__, ACL_ERROR_RT_PARAM_INVALID, fmt::format("flag is {}", flag), "pass 0 or 1");
  }
  std::shared_ptr<belay::Stream> found;
  BELAY_ACL_TRY(GetStream(__func__, stream, &found));
  void* key = stream != nullptr ? stream : *belay::DefaultStream();
  std::lock_guard lock(Extras().mutex);
  Extras().by_handle[key].overflow_switch = flag;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtGetStreamOverflowSwitch(aclrtStream stream, uint32_t* flag) try {
  BELAY_ACL_NOT_NULL(flag);
  std::shared_ptr<belay::Stream> found;
  BELAY_ACL_TRY(GetStream(__func__, stream, &found));
  void* key = stream != nullptr ? stream : *belay::DefaultStream();
  std::lock_guard lock(Extras().mutex);
  *flag = Extras().by_handle[key].overflow_switch;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtSetStreamAttribute(aclrtStream stream, aclrtStreamAttr stmAttrType,
                                 aclrtStreamAttrValue* value) try {
  BELAY_ACL_NOT_NULL(value);
  switch (stmAttrType) {
    case ACL_STREAM_ATTR_FAILURE_MODE: return aclrtSetStreamFailureMode(stream, value->failureMode);
    case ACL_STREAM_ATTR_FLOAT_OVERFLOW_CHECK:
      return aclrtSetStreamOverflowSwitch(stream, value->overflowSwitch);
    case ACL_STREAM_ATTR_USER_CUSTOM_TAG:
    case ACL_STREAM_ATTR_CACHE_OP_IFNO: return belay::acl::RefuseUnbuilt(__func__, ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  }
  return Refuse(__func__, ACL_ERROR_RT_PARAM_INVALID, "stmAttrType is unknown");
}
BELAY_ACL_END

aclError aclrtStreamGetId(aclrtStream stream, int32_t* streamId) try {
  BELAY_ACL_NOT_NULL(streamId);
  std::shared_ptr<belay::Stream> found;
  BELAY_ACL_TRY(GetStream(__func__, stream, &found));
  void* handle = stream != nullptr ? stream : *belay::DefaultStream();
  *streamId = static_cast<int32_t>(reinterpret_cast<uint64_t>(handle) >> 4 & 0x7FFFFFFF);
  return ACL_SUCCESS;
}
BELAY_ACL_END

}  // extern "C"
