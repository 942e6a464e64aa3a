// What `--trace FILE` leaves.
#pragma once
#include <string>

#include "runner.h"

namespace belay::tool {

// Runs and writes a trace of the runs, see execute/trace.h.
Status WriteTrace(int runs, const std::string& file, Runner* runner);

}  // namespace belay::tool
