// A text that is equal for fragments that compile to the same kernel.
#pragma once
#include "backend/backend.h"

namespace belay {

std::string KernelKey(const KernelSpec& spec);

}  // namespace belay
