// What the device says about itself, versions, logging, and process-wide switches.
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <map>
#include <vector>

#include "api/acl/common.h"
#include "api/marks.h"
#include "backend/device.h"
#include "base/log.h"
#include "base/thread_pool.h"

using belay::acl::NeedContext;
using belay::acl::CheckDevice;
using belay::acl::Refuse;

namespace {

constexpr char kSocName[] = "Ascend910B1";  // an A2 name: clients choose code paths by it
constexpr char kVersion[] = "8.5.0";        // the CANN release whose interface this is

int64_t CacheSize() {
  long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
  long l3 = sysconf(_SC_LEVEL3_CACHE_SIZE);
  return std::max({l2, l3, 0L});
}

struct Params {
  std::mutex mutex;
  int64_t process[3] = {0, 0, 0};
  std::map<void*, std::map<int, int64_t>> by_context;
};

Params& TheParams() {
  static auto* params = new Params;
  return *params;
}

aclError CheckOpt(const char* call, aclSysParamOpt opt) {
  if (opt >= ACL_OPT_DETERMINISTIC && opt <= ACL_OPT_STRONG_CONSISTENCY) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_INVALID_PARAM, fmt::format("opt is {}", static_cast<int>(opt)));
}

}  // namespace

extern "C" {

const char* aclrtGetSocName() { return kSocName; }

aclError aclrtGetVersion(int32_t* majorVersion, int32_t* minorVersion, int32_t* patchVersion) try {
  BELAY_ACL_NOT_NULL(majorVersion);
  BELAY_ACL_NOT_NULL(minorVersion);
  BELAY_ACL_NOT_NULL(patchVersion);
  sscanf(kVersion, "%d.%d.%d", majorVersion, minorVersion, patchVersion);
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclsysGetCANNVersion(aclCANNPackageName name, aclCANNPackageVersion* version) try {
  BELAY_ACL_NOT_NULL(version);
  if (name < ACL_PKG_NAME_CANN || name > ACL_PKG_NAME_DRIVER) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("name is {}", static_cast<int>(name)));
  }
  *version = {};
  snprintf(version->version, sizeof version->version, "%s", kVersion);
  snprintf(version->majorVersion, sizeof version->majorVersion, "8");
  snprintf(version->minorVersion, sizeof version->minorVersion, "5");
  snprintf(version->releaseVersion, sizeof version->releaseVersion, "0");
  return ACL_SUCCESS;
}
BELAY_ACL_END

void aclAppLog(aclLogLevel logLevel, const char* func, const char* file, uint32_t line, const char* fmt, ...) try {
  if (logLevel < ACL_DEBUG || logLevel > ACL_ERROR || fmt == nullptr) return;
  auto level = static_cast<belay::LogLevel>(logLevel);
  if (!belay::LogEnabled(level)) return;
  char text[1024];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  belay::LogLine(level, fmt::format("[{}:{}] {}: {}", file != nullptr ? file : "", line,
                                    func != nullptr ? func : "", text));
} catch (const std::bad_alloc&) {
}

aclError aclGetCannAttributeList(const aclCannAttr** cannAttrList, size_t* num) try {
  static const aclCannAttr kAttributes[] = {ACL_CANN_ATTR_INF_NAN, ACL_CANN_ATTR_BF16, ACL_CANN_ATTR_JIT_COMPILE};
  BELAY_ACL_NOT_NULL(cannAttrList);
  BELAY_ACL_NOT_NULL(num);
  *cannAttrList = kAttributes;
  *num = 3;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclGetCannAttribute(aclCannAttr cannAttr, int32_t* value) try {
  BELAY_ACL_NOT_NULL(value);
  if (cannAttr < ACL_CANN_ATTR_INF_NAN || cannAttr > ACL_CANN_ATTR_JIT_COMPILE) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("cannAttr is {}", static_cast<int>(cannAttr)));
  }
  *value = 1;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclGetDeviceCapability(uint32_t deviceId, aclDeviceInfo deviceInfo, int64_t* value) try {
  BELAY_ACL_NOT_NULL(value);
  BELAY_ACL_TRY(CheckDevice(__func__, deviceId));
  switch (deviceInfo) {
    case ACL_DEVICE_INFO_AI_CORE_NUM:
    case ACL_DEVICE_INFO_VECTOR_CORE_NUM: *value = belay::ThreadCount(); return ACL_SUCCESS;
    case ACL_DEVICE_INFO_L2_SIZE: *value = CacheSize(); return ACL_SUCCESS;
    case ACL_DEVICE_INFO_UNDEFINED: break;
  }
  return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("deviceInfo is {}", static_cast<int>(deviceInfo)));
}
BELAY_ACL_END

aclError aclrtGetDeviceInfo(uint32_t deviceId, aclrtDevAttr attr, int64_t* value) try {
  BELAY_ACL_NOT_NULL(value);
  BELAY_ACL_TRY(CheckDevice(__func__, deviceId));
  switch (attr) {
    case ACL_DEV_ATTR_AICPU_CORE_NUM:
    case ACL_DEV_ATTR_AICORE_CORE_NUM:
    case ACL_DEV_ATTR_CUBE_CORE_NUM:
    case ACL_DEV_ATTR_VECTOR_CORE_NUM: *value = belay::ThreadCount(); return ACL_SUCCESS;
    case ACL_DEV_ATTR_L2_CACHE_SIZE: *value = CacheSize(); return ACL_SUCCESS;
    case ACL_DEV_ATTR_TOTAL_GLOBAL_MEM_SIZE:
      *value = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
      return ACL_SUCCESS;
    case ACL_DEV_ATTR_PHY_CHIP_ID: *value = *belay::PhysicalDevice(static_cast<int>(deviceId)); return ACL_SUCCESS;
    case ACL_DEV_ATTR_CUST_OP_PRIVILEGE:
    case ACL_DEV_ATTR_IS_VIRTUAL: *value = 0; return ACL_SUCCESS;
    default: break;
  }
  return Refuse(__func__, ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                fmt::format("attribute {} has no meaning on this device", static_cast<int>(attr)));
}
BELAY_ACL_END

aclError aclrtGetDeviceUtilizationRate(int32_t deviceId, aclrtUtilizationInfo* utilizationInfo) try {
  BELAY_ACL_NOT_NULL(utilizationInfo);
  BELAY_ACL_TRY(CheckDevice(__func__, deviceId));
  *utilizationInfo = {-1, -1, -1, -1, nullptr};  // -1: not known
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtDeviceGetBareTgid(int32_t* pid) try {
  BELAY_ACL_NOT_NULL(pid);
  *pid = getpid();
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtSetSysParamOpt(aclSysParamOpt opt, int64_t value) try {
  BELAY_ACL_TRY(CheckOpt(__func__, opt));
  std::lock_guard lock(TheParams().mutex);
  TheParams().process[opt] = value;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtGetSysParamOpt(aclSysParamOpt opt, int64_t* value) try {
  BELAY_ACL_NOT_NULL(value);
  BELAY_ACL_TRY(CheckOpt(__func__, opt));
  std::lock_guard lock(TheParams().mutex);
  *value = TheParams().process[opt];
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtCtxSetSysParamOpt(aclSysParamOpt opt, int64_t value) try {
  BELAY_ACL_TRY(CheckOpt(__func__, opt));
  void* context = nullptr;
  BELAY_ACL_TRY(aclrtGetCurrentContext(&context));
  std::lock_guard lock(TheParams().mutex);
  TheParams().by_context[context][opt] = value;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtCtxGetSysParamOpt(aclSysParamOpt opt, int64_t* value) try {
  BELAY_ACL_NOT_NULL(value);
  BELAY_ACL_TRY(CheckOpt(__func__, opt));
  void* context = nullptr;
  BELAY_ACL_TRY(aclrtGetCurrentContext(&context));
  std::lock_guard lock(TheParams().mutex);
  auto& values = TheParams().by_context[context];
  auto found = values.find(opt);
  if (found == values.end()) {
    return Refuse(__func__, ACL_ERROR_RT_SYSPARAMOPT_NOT_SET, "the option was not set in this context");
  }
  *value = found->second;
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtSetDeviceSatMode(aclrtFloatOverflowMode mode) try {
  if (mode != ACL_RT_OVERFLOW_MODE_SATURATION && mode != ACL_RT_OVERFLOW_MODE_INFNAN) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("mode is {}", static_cast<int>(mode)));
  }
  int32_t device = 0;
  BELAY_ACL_TRY(aclrtGetDevice(&device));
  if (mode == ACL_RT_OVERFLOW_MODE_SATURATION) {
    return Refuse(__func__, ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "saturating arithmetic is not supported",
                  "use ACL_RT_OVERFLOW_MODE_INFNAN");
  }
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtGetDeviceSatMode(aclrtFloatOverflowMode* mode) try {
  BELAY_ACL_NOT_NULL(mode);
  BELAY_ACL_TRY(NeedContext(__func__));
  *mode = ACL_RT_OVERFLOW_MODE_INFNAN;
  return ACL_SUCCESS;
}
BELAY_ACL_END

// No limit is imposed on a kernel's time: the value is checked by the caller only.
BELAY_NO_EFFECT aclError aclrtSetOpExecuteTimeOut(uint32_t) try { return NeedContext(__func__); }
BELAY_ACL_END

aclError aclrtSetOpExecuteTimeOutV2(uint64_t timeout, uint64_t* actualTimeout) try {
  BELAY_ACL_NOT_NULL(actualTimeout);
  BELAY_ACL_TRY(NeedContext(__func__));
  *actualTimeout = timeout;
  return ACL_SUCCESS;
}
BELAY_ACL_END

}  // extern "C"
