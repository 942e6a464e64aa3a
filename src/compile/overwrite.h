// Which steps of a plan write their result over an operand.
#pragma once
#include <span>

#include "backend/backend.h"
#include "plan/plan.h"

namespace belay {

// Where a step is the last to read a value of its result's type and may write over it (see CanOverwrite), both have one
// slot: its lines are in the cache already, and memory is spared. Steps of chains stay as they are, and so do results
// whose rows end within a line. `specs`: by kernel.
void OverwriteOperands(Plan* plan, std::span<const KernelSpec> specs);

}  // namespace belay
