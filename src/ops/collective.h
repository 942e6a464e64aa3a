// What collectives share: a process is the only rank of its group, and more are refused by name.
#pragma once
#include "ops/support.h"

namespace belay {

// Refuses a process that its launcher calls one of several.
void CheckAlone();
// Refuses an attribute that counts ranks and says more than one.
void CheckRankCount(const Body& b, const char* attr);
// The attribute must name a reduction.
void CheckReduction(const Body& b, const char* attr);

}  // namespace belay
