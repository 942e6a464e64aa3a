// libhccl.so: settings of collectives. Collectives themselves are not built yet.
#include <fmt/format.h>

#include <atomic>

#include "api/acl/refuse.h"
#include "api/marks.h"
#include "hccl/hccl.h"

using belay::acl::Refuse;

namespace {

// Every result of Belay is deterministic, so the value has nothing to switch.
std::atomic<int32_t> deterministic{0};

HcclResult CheckConfig(const char* call, HcclConfig config) {
  if (config == HCCL_DETERMINISTIC) return HCCL_SUCCESS;
  (void)Refuse(call, HCCL_E_PARA, fmt::format("there is no setting {}", static_cast<int>(config)),
               "the only one is HCCL_DETERMINISTIC");
  return HCCL_E_PARA;
}

}  // namespace

extern "C" {

BELAY_NO_EFFECT HcclResult HcclSetConfig(HcclConfig config, HcclConfigValue configValue) try {
  const HcclResult known = CheckConfig(__func__, config);
  if (known == HCCL_SUCCESS) deterministic = configValue.value;
  return known;
} catch (const std::bad_alloc&) {
  return HCCL_E_MEMORY;
}

HcclResult HcclGetConfig(HcclConfig config, HcclConfigValue* configValue) try {
  if (configValue == nullptr) {
    (void)belay::acl::RefuseNull(__func__, "configValue");
    return HCCL_E_PTR;
  }
  const HcclResult known = CheckConfig(__func__, config);
  if (known == HCCL_SUCCESS) configValue->value = deterministic;
  return known;
} catch (const std::bad_alloc&) {
  return HCCL_E_MEMORY;
}

}  // extern "C"
