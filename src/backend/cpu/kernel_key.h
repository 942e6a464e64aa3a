// A text that is equal for fragments that compile to the same kernel. Symbols count by the order in
// which they appear: fragments that differ in names only share code.
#pragma once
#include <vector>

#include "backend/backend.h"

namespace belay {

// symbols: receives the fragment's symbols in that order.
std::string KernelKey(const KernelSpec& spec, std::vector<int>* symbols);

}  // namespace belay
