// Records of a profile as a trace that browsers' viewers open (Chrome's trace event format).
#pragma once
#include <string>
#include <vector>

#include "execute/profile.h"

namespace belay {

std::string TraceJson(const std::vector<StepRecord>& records);

}  // namespace belay
