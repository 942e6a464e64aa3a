// Memory for tensors that are about to be written.
#pragma once
#include <cstddef>

namespace belay {

// Kernels read whole vectors: so many bytes behind a tensor's last are memory, too.
inline constexpr size_t kReadBehind = 64;

// At least `bytes`, aligned to 64, of any contents; for std::free. Throws std::bad_alloc.
void* AllocateForWriting(size_t bytes);

}  // namespace belay
