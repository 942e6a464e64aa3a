// Where hashes of files outlive the process.
#pragma once
#include <memory>

#include "backend/cache_options.h"
#include "base/file_hashes.h"

namespace belay {

// Only what has lain for so long is known: no write that had begun before is still under way, and the system has
// written the file to its disk, which costs no wait then.
inline constexpr int64_t kSettledSeconds = 60;
inline constexpr int64_t kMostHashBytes = int64_t{16} << 20;

// In the folder of the kernels, which is opened when a file is looked at. Where there is none, nothing is known.
std::shared_ptr<FileHashes> FileHashesIn(const CodeCacheOptions& options,
                                         int64_t settled_seconds = kSettledSeconds,
                                         int64_t most_bytes = kMostHashBytes);

// What GEInitialize says about the cache, for parsers, which belong to no session.
void SetProcessCache(const CodeCacheOptions& options);
CodeCacheOptions ProcessCache();

}  // namespace belay
