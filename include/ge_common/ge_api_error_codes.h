#ifndef GE_COMMON_GE_API_ERROR_CODES_H_
#define GE_COMMON_GE_API_ERROR_CODES_H_

#include "ge/ge_api_error_codes.h"  // IWYU pragma: export

#endif  // GE_COMMON_GE_API_ERROR_CODES_H_
