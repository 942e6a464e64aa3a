// Numbers and structures of the collective interface.
#ifndef BELAY_INCLUDE_HCCL_HCCL_TYPES_H_
#define BELAY_INCLUDE_HCCL_HCCL_TYPES_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    HCCL_SUCCESS = 0,
    HCCL_E_PARA = 1,
    HCCL_E_PTR = 2,
    HCCL_E_MEMORY = 3,
    HCCL_E_INTERNAL = 4,
    HCCL_E_NOT_SUPPORT = 5
} HcclResult;

typedef enum {
    HCCL_DETERMINISTIC = 0
} HcclConfig;

typedef struct {
    int32_t value;
} HcclConfigValue;

#ifdef __cplusplus
}
#endif

#endif  // BELAY_INCLUDE_HCCL_HCCL_TYPES_H_
