// Where large constants outlive the process.
#pragma once
#include <memory>

#include "backend/backend.h"
#include "plan/constants.h"

namespace belay {

inline constexpr int64_t kMostConstantBytes = int64_t{4} << 30;

// In the folder of the kernels, for constants of `bytes` bytes together. nullptr: they are not kept, since there is no
// folder or they would fill half of most_bytes, which is what all models together may take.
std::unique_ptr<ConstantStore> OpenConstantStore(const CodeCacheOptions& options, int64_t bytes,
                                                 int64_t most_bytes = kMostConstantBytes);

}  // namespace belay
