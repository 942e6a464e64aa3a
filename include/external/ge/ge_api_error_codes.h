#ifndef EXTERNAL_GE_GE_API_ERROR_CODES_H_
#define EXTERNAL_GE_GE_API_ERROR_CODES_H_

#include "ge/ge_api_error_codes.h"  // IWYU pragma: export

#endif  // EXTERNAL_GE_GE_API_ERROR_CODES_H_
