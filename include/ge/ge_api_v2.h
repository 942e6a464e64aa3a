#ifndef GE_GE_API_V2_H_
#define GE_GE_API_V2_H_

#include "ge/ge_api.h"  // IWYU pragma: export

#endif  // GE_GE_API_V2_H_
