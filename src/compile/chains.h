// Which steps of a plan a thread runs a few rows at a time.
#pragma once
#include <span>
#include <vector>

#include "backend/backend.h"
#include "plan/plan.h"

namespace belay {

// Consecutive convolutions of known extents that hand on, to nobody else, more than a core's own cache holds. `specs`:
// by kernel. cache_bytes: of that cache; 0: this machine's.
std::vector<Chain> FindChains(const Plan& plan, std::span<const KernelSpec> specs, int64_t cache_bytes);

}  // namespace belay
