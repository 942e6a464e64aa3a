// Limits on cores: kept and given back; a stream's beat the process's, which beat the hardware's.
#include <map>
#include <optional>

#include "api/acl/common.h"
#include "api/marks.h"
#include "backend/device.h"
#include "base/thread_pool.h"

using namespace belay::acl;  // NOLINT: the exported functions below are C

namespace belay::acl {
namespace {

using Limits = std::map<int, uint32_t>;  // by aclrtDevResLimitType

struct LimitTables {
  std::mutex mutex;
  std::map<int32_t, Limits> by_device;
  std::map<void*, Limits> by_stream;
};

LimitTables& Tables() {
  static auto* tables = new LimitTables;
  return *tables;
}

thread_local void* stream_in_use = nullptr;

aclError CheckType(const char* call, aclrtDevResLimitType type) {
  if (type == ACL_RT_DEV_RES_CUBE_CORE || type == ACL_RT_DEV_RES_VECTOR_CORE) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_INVALID_PARAM, fmt::format("type is {}", static_cast<int>(type)));
}

aclError CheckValue(const char* call, uint32_t value) {
  uint32_t most = static_cast<uint32_t>(ThreadCount());
  if (value >= 1 && value <= most) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_RT_PARAM_INVALID, fmt::format("value is {}", value),
                fmt::format("pass 1 to {}", most));
}

aclError CheckStream(const char* call, aclrtStream* stream) {
  std::shared_ptr<Stream> found;
  BELAY_ACL_TRY(GetStream(call, *stream, &found));
  if (*stream == nullptr) *stream = *DefaultStream();
  return ACL_SUCCESS;
}

template <typename Key>
std::optional<uint32_t> Stored(const std::map<Key, Limits>& table, Key key, int type) {
  auto limits = table.find(key);
  if (limits == table.end()) return std::nullopt;
  auto value = limits->second.find(type);
  if (value == limits->second.end()) return std::nullopt;
  return value->second;
}

uint32_t OfDevice(int32_t device, int type) {
  return Stored(Tables().by_device, device, type).value_or(static_cast<uint32_t>(ThreadCount()));
}

}  // namespace
}  // namespace belay::acl

extern "C" {

aclError aclrtGetDeviceResLimit(int32_t deviceId, aclrtDevResLimitType type, uint32_t* value) try {
  BELAY_ACL_NOT_NULL(value);
  BELAY_ACL_TRY(CheckType(__func__, type));
  BELAY_ACL_TRY(CheckDevice(__func__, deviceId));
  std::lock_guard lock(Tables().mutex);
  *value = OfDevice(deviceId, type);
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtSetDeviceResLimit(int32_t deviceId, aclrtDevResLimitType type, uint32_t value) try {
  BELAY_ACL_TRY(CheckType(__func__, type));
  BELAY_ACL_TRY(CheckDevice(__func__, deviceId));
  BELAY_ACL_TRY(CheckValue(__func__, value));
  std::lock_guard lock(Tables().mutex);
  Tables().by_device[deviceId][type] = value;
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtResetDeviceResLimit(int32_t deviceId) try {
  BELAY_ACL_TRY(CheckDevice(__func__, deviceId));
  std::lock_guard lock(Tables().mutex);
  Tables().by_device.erase(deviceId);
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtGetStreamResLimit(aclrtStream stream, aclrtDevResLimitType type, uint32_t* value) try {
  BELAY_ACL_NOT_NULL(value);
  BELAY_ACL_TRY(CheckType(__func__, type));
  BELAY_ACL_TRY(CheckStream(__func__, &stream));
  int32_t device = 0;
  BELAY_ACL_TRY(aclrtGetDevice(&device));
  std::lock_guard lock(Tables().mutex);
  *value = Stored(Tables().by_stream, stream, type).value_or(OfDevice(device, type));
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtSetStreamResLimit(aclrtStream stream, aclrtDevResLimitType type, uint32_t value) try {
  BELAY_ACL_TRY(CheckType(__func__, type));
  BELAY_ACL_TRY(CheckStream(__func__, &stream));
  BELAY_ACL_TRY(CheckValue(__func__, value));
  std::lock_guard lock(Tables().mutex);
  Tables().by_stream[stream][type] = value;
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtResetStreamResLimit(aclrtStream stream) try {
  BELAY_ACL_TRY(CheckStream(__func__, &stream));
  std::lock_guard lock(Tables().mutex);
  Tables().by_stream.erase(stream);
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtUseStreamResInCurrentThread(aclrtStream stream) try {
  BELAY_ACL_TRY(CheckStream(__func__, &stream));
  stream_in_use = stream;
  return ACL_SUCCESS;
}
BELAY_ACL_END

BELAY_NO_EFFECT aclError aclrtUnuseStreamResInCurrentThread(aclrtStream stream) try {
  BELAY_ACL_TRY(CheckStream(__func__, &stream));
  if (stream_in_use == stream) stream_in_use = nullptr;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtGetResInCurrentThread(aclrtDevResLimitType type, uint32_t* value) try {
  BELAY_ACL_NOT_NULL(value);
  BELAY_ACL_TRY(CheckType(__func__, type));
  int32_t device = 0;
  BELAY_ACL_TRY(aclrtGetDevice(&device));
  std::lock_guard lock(Tables().mutex);
  *value = Stored(Tables().by_stream, stream_in_use, type).value_or(OfDevice(device, type));
  return ACL_SUCCESS;
}
BELAY_ACL_END

}  // extern "C"
