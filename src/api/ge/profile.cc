// ge/ge_prof.h: what runs did between two calls, as a trace (docs/inspection.md).
#include "ge/ge_prof.h"

#include <cstring>
#include <mutex>
#include <set>

#include "api/ge/guard.h"
#include "api/ge/state.h"
#include "backend/device.h"
#include "session/profiler.h"

namespace api = belay::api;

namespace ge {

// Steps are recorded whatever it asks for: there is one kind of device, and no counters.
struct aclgrphProfConfig {};

namespace {

constexpr uint64_t kKnownTypes = kProfTaskTime | kProfAiCoreMetrics | kProfAicpu | kProfL2cache | kProfHccl |
                                 kProfTrainingTrace | kProfFwkScheduleL0 | kProfTaskTimeL0 | kProfTaskTimeL2 |
                                 kProfFwkScheduleL1;

std::mutex mutex;
std::set<const aclgrphProfConfig*>& Configs() {
  static auto* const configs = new std::set<const aclgrphProfConfig*>;
  return *configs;
}

belay::Status CheckConfig(const aclgrphProfConfig* config) {
  std::lock_guard<std::mutex> lock(mutex);
  if (Configs().count(config) != 0) return belay::OkStatus();
  return belay::InvalidArgument("the configuration is none that aclgrphProfCreateConfig made and that still lives");
}

belay::Status CheckWishes(const uint32_t* devices, uint32_t count, uint32_t metrics, uint64_t types) {
  const auto known = static_cast<uint32_t>(belay::DeviceCount());
  if (devices == nullptr || count == 0 || count > known) {
    return belay::InvalidArgument("{} devices are listed, but there are 1 to {}", devices == nullptr ? 0 : count,
                                  known);
  }
  const std::set<uint32_t> distinct(devices, devices + count);
  if (distinct.size() != count) return belay::InvalidArgument("a device is listed twice");
  if (*distinct.rbegin() >= known) {
    return belay::InvalidArgument("device {} is listed, but there are {}", *distinct.rbegin(), known);
  }
  if (metrics > kAicorePipelineExecuteUtilization) {
    return belay::InvalidArgument("metrics {} are not known", metrics);
  }
  if (types == 0 || (types & ~kKnownTypes) != 0) {
    return belay::InvalidArgument("data_type_config is {:#x}, but takes a combination of the bits {:#x}", types,
                                  kKnownTypes);
  }
  return belay::OkStatus();
}

// Calls that need aclgrphProfInit.
template <typename Fn>
Status AfterInit(const char* call, Fn fn) {
  if (belay::UserOfProfiler() == belay::ProfilerUser::kCalls) return api::Guarded(call, fn);
  (void)api::Report(belay::FailedPrecondition("no profile is prepared\nDo: call aclgrphProfInit first"), call);
  return GE_PROF_NOT_INIT;
}

}  // namespace

Status aclgrphProfInit(const char* profiler_path, uint32_t length) {
  const char* const call = "aclgrphProfInit";
  const belay::ProfilerUser user = belay::UserOfProfiler();
  const Status status = api::Guarded(call, [&]() -> belay::Status {
    BELAY_RETURN_IF_ERROR(api::NeedInitialized());
    if (profiler_path == nullptr || length == 0 || std::char_traits<char>::length(profiler_path) != length) {
      return belay::InvalidArgument("the path is null or empty, or its length is not {}", length);
    }
    return belay::OpenProfiler(belay::ProfilerUser::kCalls, profiler_path);
  });
  if (status == SUCCESS || user == belay::ProfilerUser::kNobody) return status;
  return user == belay::ProfilerUser::kOptions ? GE_PROF_MODE_CONFLICT : GE_PROF_MULTI_INIT;
}

Status aclgrphProfFinalize() {
  return AfterInit("aclgrphProfFinalize", [] { return belay::CloseProfiler(); });
}

aclgrphProfConfig* aclgrphProfCreateConfig(uint32_t* deviceid_list, uint32_t device_nums,
                                           ProfilingAicoreMetrics aicore_metrics, ProfAicoreEvents*,
                                           uint64_t data_type_config) {
  aclgrphProfConfig* config = nullptr;
  uint32_t metrics = 0;  // callers may pass what the enumeration does not hold
  static_assert(sizeof metrics == sizeof aicore_metrics);
  std::memcpy(&metrics, &aicore_metrics, sizeof metrics);
  (void)api::Guarded("aclgrphProfCreateConfig", [&]() -> belay::Status {
    BELAY_RETURN_IF_ERROR(CheckWishes(deviceid_list, device_nums, metrics, data_type_config));
    std::lock_guard<std::mutex> lock(mutex);
    config = new aclgrphProfConfig;
    Configs().insert(config);
    return belay::OkStatus();
  });
  return config;
}

Status aclgrphProfDestroyConfig(aclgrphProfConfig* profiler_config) {
  return api::Guarded("aclgrphProfDestroyConfig", [&]() -> belay::Status {
    BELAY_RETURN_IF_ERROR(CheckConfig(profiler_config));
    std::lock_guard<std::mutex> lock(mutex);
    if (Configs().erase(profiler_config) != 0) delete profiler_config;
    return belay::OkStatus();
  });
}

Status aclgrphProfStart(aclgrphProfConfig* profiler_config) {
  return AfterInit("aclgrphProfStart", [&]() -> belay::Status {
    BELAY_RETURN_IF_ERROR(CheckConfig(profiler_config));
    return belay::StartProfiler();
  });
}

Status aclgrphProfStop(aclgrphProfConfig* profiler_config) {
  return AfterInit("aclgrphProfStop", [&]() -> belay::Status {
    BELAY_RETURN_IF_ERROR(CheckConfig(profiler_config));
    return belay::StopProfiler();
  });
}

}  // namespace ge
