// Whether and where what was made outlives the process.
#pragma once
#include <cstdint>
#include <string>

namespace belay {

// Whether generated code is kept on disk and found there by later compilations of any process.
enum class CodeCacheMode : uint8_t { kEnable, kForce, kDisable };  // kForce compiles anew, overwrites
struct CodeCacheOptions {
  CodeCacheMode mode = CodeCacheMode::kEnable;
  std::string dir;  // empty: where BELAY_CACHE says, else in the user's cache folder
};

}  // namespace belay
