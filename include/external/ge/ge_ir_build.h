#ifndef EXTERNAL_GE_GE_IR_BUILD_H_
#define EXTERNAL_GE_GE_IR_BUILD_H_

#include "ge/ge_ir_build.h"  // IWYU pragma: export

#endif  // EXTERNAL_GE_GE_IR_BUILD_H_
