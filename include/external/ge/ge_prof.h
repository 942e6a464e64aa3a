#ifndef EXTERNAL_GE_GE_PROF_H_
#define EXTERNAL_GE_GE_PROF_H_

#include "ge/ge_prof.h"  // IWYU pragma: export

#endif  // EXTERNAL_GE_GE_PROF_H_
