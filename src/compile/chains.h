// Which steps of a plan a thread runs a few rows at a time.
#pragma once
#include <span>
#include <vector>

#include "backend/backend.h"
#include "plan/plan.h"

namespace belay {

// Steps of known extents that hand on, to the next step alone, more than a core's own cache had better hold:
// convolutions with small filters, and attention's products with the softmax between them. `specs`: by kernel.
// cache_bytes: of that cache; 0: this machine's.
// Before kernels are compiled: tells those that may run in chains how much they may hand on at a time.
void PlanHandovers(const Plan& plan, std::span<KernelSpec> specs, int64_t cache_bytes);
// Afterwards, from the order of their chunks.
std::vector<Chain> FindChains(const Plan& plan, std::span<const KernelSpec> specs, int64_t cache_bytes);

}  // namespace belay
