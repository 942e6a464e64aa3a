// libprofapi.so: where programs put their own events into a profile. Profiles are not built yet: the clock and the
// identifiers of names work, reports are refused.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "api/acl/unbuilt.h"
#include "api/marks.h"

extern "C" {

#define BELAY_UNBUILT(name) BELAY_UNBUILT_CODE(ACL_ERROR_PROFILING_FAILURE, name)

BELAY_UNBUILT(MsprofReportApi)
BELAY_UNBUILT(MsprofReportCompactInfo)
BELAY_UNBUILT(MsprofReportAdditionalInfo)

// The callback would be told that a profile starts or ends; none ever does.
BELAY_NO_EFFECT int32_t MsprofRegisterCallback() { return 0; }

uint64_t MsprofSysCycleTime() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

// The same number for the same name.
uint64_t MsprofGetHashId(const char* name, size_t length) try {
  if (name == nullptr) return 0;
  static auto* const mutex = new std::mutex;
  static auto* const ids = new std::map<std::string, uint64_t>;
  std::lock_guard lock(*mutex);
  return ids->emplace(std::string(name, length), ids->size() + 1).first->second;
} catch (const std::bad_alloc&) {
  return 0;
}

}  // extern "C"
