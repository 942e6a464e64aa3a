// Collectives between devices.
#ifndef BELAY_INCLUDE_HCCL_HCCL_H_
#define BELAY_INCLUDE_HCCL_HCCL_H_

#include "hccl/hccl_types.h"

#ifdef __cplusplus
extern "C" {
#endif

HcclResult HcclSetConfig(HcclConfig config, HcclConfigValue configValue);
HcclResult HcclGetConfig(HcclConfig config, HcclConfigValue *configValue);

#ifdef __cplusplus
}
#endif

#endif  // BELAY_INCLUDE_HCCL_HCCL_H_
