// The run of a chain (plan/chain.h).
#pragma once
#include <span>

#include "execute/prepare.h"

namespace belay {

// Runs a chain's steps. `buffers`: by stage, inputs then output; what stages hand on is not written there. The error of
// the first step that failed.
Status RunChain(const Plan& plan, const Chain& chain, const Prepared& prepared, std::span<void* const* const> buffers);

}  // namespace belay
