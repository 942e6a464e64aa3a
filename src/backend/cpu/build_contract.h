// Kernels of contractions and convolutions: fragments with one kContract or kConv, views and a cast on its
// operands before it, kMap nodes of its shape after it.
#pragma once
#include "backend/cpu/build_jit.h"

namespace belay {

// False for fragments that these generators do not take: another one has to.
bool CanBuildContract(const KernelSpec& spec);
Status BuildContract(const KernelSpec& spec, const TargetRow& row, llvm::Module& module,
                     const std::string& symbol, KernelDraft* draft);

}  // namespace belay
