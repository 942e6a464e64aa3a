// Devices and contexts.
#include "backend/device.h"

#include "api/acl/common.h"
#include "api/marks.h"

using belay::acl::CheckDevice;
using belay::acl::CodeMap;
using belay::acl::NeedContext;
using belay::acl::Refuse;
using belay::acl::Translate;

namespace {

CodeMap DeviceCodes() {
  CodeMap map;
  map.invalid_argument = ACL_ERROR_RT_INVALID_DEVICEID;
  map.failed_precondition = ACL_ERROR_RT_CONTEXT_RELEASE_ERROR;
  return map;
}

aclError SynchronizeDevice(const char* call, int64_t timeout_ms) {
  belay::Result<int> device = belay::CurrentDevice();
  if (!device.ok()) return Translate(call, device.status());
  aclError first = ACL_SUCCESS;
  for (auto& stream : belay::StreamsOfDevice(*device)) {
    belay::Status waited = stream->WaitPassed(stream->Point(), timeout_ms);
    if (!waited.ok()) {
      CodeMap map;
      map.failed_precondition = ACL_ERROR_RT_PARAM_INVALID;
      return Translate(call, waited, map);
    }
    aclError failed = belay::acl::TranslateAsync(call, stream->TakeFailure());
    if (first == ACL_SUCCESS) first = failed;
  }
  return first;
}

}  // namespace

extern "C" {

aclError aclrtSetDevice(int32_t deviceId) try {
  return Translate(__func__, belay::SetDevice(deviceId), DeviceCodes());
}
BELAY_ACL_END

aclError aclrtResetDevice(int32_t deviceId) try {
  return Translate(__func__, belay::ResetDevice(deviceId, /*force=*/false), DeviceCodes());
}
BELAY_ACL_END

aclError aclrtResetDeviceForce(int32_t deviceId) try {
  return Translate(__func__, belay::ResetDevice(deviceId, /*force=*/true), DeviceCodes());
}
BELAY_ACL_END

aclError aclrtGetDevice(int32_t* deviceId) try {
  BELAY_ACL_NOT_NULL(deviceId);
  belay::Result<int> device = belay::CurrentDevice();
  if (!device.ok()) return Translate(__func__, device.status());
  *deviceId = *device;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtGetDeviceCount(uint32_t* count) try {
  BELAY_ACL_NOT_NULL(count);
  *count = static_cast<uint32_t>(belay::DeviceCount());
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtGetRunMode(aclrtRunMode* runMode) try {
  BELAY_ACL_NOT_NULL(runMode);
  *runMode = ACL_HOST;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtSynchronizeDevice() try { return SynchronizeDevice(__func__, -1); }
BELAY_ACL_END

aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout) try {
  BELAY_ACL_TRY(belay::acl::CheckTimeout(__func__, timeout));
  return SynchronizeDevice(__func__, timeout);
}
BELAY_ACL_END

aclError aclrtCreateContext(aclrtContext* context, int32_t deviceId) try {
  BELAY_ACL_NOT_NULL(context);
  belay::Result<void*> made = belay::CreateContext(deviceId);
  if (!made.ok()) return Translate(__func__, made.status(), DeviceCodes());
  *context = *made;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtDestroyContext(aclrtContext context) try {
  BELAY_ACL_NOT_NULL(context);
  return Translate(__func__, belay::DestroyContext(context));
}
BELAY_ACL_END

aclError aclrtSetCurrentContext(aclrtContext context) try {
  BELAY_ACL_NOT_NULL(context);
  return Translate(__func__, belay::SetCurrentContext(context));
}
BELAY_ACL_END

aclError aclrtGetCurrentContext(aclrtContext* context) try {
  BELAY_ACL_NOT_NULL(context);
  belay::Result<void*> current = belay::CurrentContext();
  if (!current.ok()) return Translate(__func__, current.status());
  *context = *current;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtGetPrimaryCtxState(int32_t deviceId, uint32_t* flags, int32_t* active) try {
  BELAY_ACL_NOT_NULL(active);
  if (flags != nullptr) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, "flags is reserved and not null", "pass NULL as flags");
  }
  BELAY_ACL_TRY(CheckDevice(__func__, deviceId));
  *active = belay::DefaultContextActive(deviceId) ? 1 : 0;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtQueryDeviceStatus(int32_t deviceId, aclrtDeviceStatus* deviceStatus) try {
  BELAY_ACL_NOT_NULL(deviceStatus);
  BELAY_ACL_TRY(CheckDevice(__func__, deviceId));
  *deviceStatus = ACL_RT_DEVICE_STATUS_NORMAL;
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtSetTsDevice(aclrtTsId tsId) try {
  if (tsId != ACL_TS_ID_AICORE && tsId != ACL_TS_ID_AIVECTOR) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("tsId is {}", static_cast<int>(tsId)));
  }
  return NeedContext(__func__);
}
BELAY_ACL_END

aclError aclrtDeviceCanAccessPeer(int32_t* canAccessPeer, int32_t deviceId, int32_t peerDeviceId) try {
  BELAY_ACL_NOT_NULL(canAccessPeer);
  if (deviceId == peerDeviceId) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("both devices are {}", deviceId));
  }
  BELAY_ACL_TRY(CheckDevice(__func__, deviceId));
  BELAY_ACL_TRY(CheckDevice(__func__, peerDeviceId));
  *canAccessPeer = 1;  // all devices are this process's memory
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtDeviceEnablePeerAccess(int32_t peerDeviceId, uint32_t flags) try {
  if (flags != 0) {
    return Refuse(__func__, ACL_ERROR_FEATURE_UNSUPPORTED, fmt::format("flags is {}", flags), "pass 0");
  }
  BELAY_ACL_TRY(CheckDevice(__func__, peerDeviceId));
  int32_t current = 0;
  BELAY_ACL_TRY(aclrtGetDevice(&current));
  if (current == peerDeviceId) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("device {} is the current one", current));
  }
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtDeviceDisablePeerAccess(int32_t peerDeviceId) try {
  return aclrtDeviceEnablePeerAccess(peerDeviceId, 0);  // the same checks
}
BELAY_ACL_END

aclError aclrtGetLogicDevIdByUserDevId(const int32_t userDevid, int32_t* const logicDevId) try {
  BELAY_ACL_NOT_NULL(logicDevId);
  BELAY_ACL_TRY(CheckDevice(__func__, userDevid));
  *logicDevId = userDevid;
  return ACL_SUCCESS;
}
BELAY_ACL_END

}  // extern "C"
