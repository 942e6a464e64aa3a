#ifndef GE_COMMON_GE_COMMON_API_TYPES_H_
#define GE_COMMON_GE_COMMON_API_TYPES_H_

#include "ge/ge_api_types.h"  // IWYU pragma: export

#endif  // GE_COMMON_GE_COMMON_API_TYPES_H_
