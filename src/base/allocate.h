// Memory for tensors that are about to be written.
#pragma once
#include <cstddef>

namespace belay {

// At least `bytes`, aligned to 64, of any contents; for std::free. Throws std::bad_alloc.
void* AllocateForWriting(size_t bytes);

}  // namespace belay
