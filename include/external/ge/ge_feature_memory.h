#ifndef EXTERNAL_GE_GE_FEATURE_MEMORY_H_
#define EXTERNAL_GE_GE_FEATURE_MEMORY_H_

#include "ge/ge_feature_memory.h"  // IWYU pragma: export

#endif  // EXTERNAL_GE_GE_FEATURE_MEMORY_H_
