#ifndef EXTERNAL_GE_COMMON_GE_API_TYPES_H_
#define EXTERNAL_GE_COMMON_GE_API_TYPES_H_

#include "ge/ge_api_types.h"  // IWYU pragma: export

#endif  // EXTERNAL_GE_COMMON_GE_API_TYPES_H_
