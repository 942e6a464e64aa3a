// kCall fragments: a library function of src/graph/library behind the kernel interface.
#pragma once
#include "backend/backend.h"

namespace belay {

Result<CompiledKernel> BuildLibraryCall(const KernelSpec& spec);

}  // namespace belay
