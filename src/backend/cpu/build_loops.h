// The generator of loop kernels: maps, views, gathers, reductions, pools, scans and scatters, and
// plain loops for contractions that no better generator takes.
#pragma once
#include "backend/cpu/build_jit.h"

namespace belay {

Status BuildLoops(const KernelSpec& spec, const TargetRow& row, llvm::Module& module,
                  const std::string& symbol, KernelDraft* draft);

}  // namespace belay
