#ifndef EXTERNAL_GE_GE_ALLOCATOR_H_
#define EXTERNAL_GE_GE_ALLOCATOR_H_

#include "ge/ge_allocator.h"  // IWYU pragma: export

#endif  // EXTERNAL_GE_GE_ALLOCATOR_H_
