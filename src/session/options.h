// Option maps of GEInitialize, Session, AddGraph and LoadGraph: what each key takes and how real it is.
#pragma once
#include <cstddef>
#include <map>
#include <string>

#include "backend/cache_options.h"
#include "base/status.h"

namespace belay {

using OptionMap = std::map<std::string, std::string>;

// One key of data/options.tsv; works, ignored and refused hold patterns of values (docs/options.md).
struct OptionRow {
  const char* key;
  const char* works;
  const char* ignored;
  const char* refused;
  const char* note;
};
extern const OptionRow kOptionTable[];  // sorted by key
extern const size_t kOptionCount;

// Refuses a value that the key does not take, one that is not built, and keys that exclude each other. Keys outside
// the table leave a warning (GEGetWarningMsgV2).
Status CheckOptions(const OptionMap& options);

// Values of `over` come first; one that excludes a key of `base` takes that key's place.
OptionMap MergeOptions(const OptionMap& base, const OptionMap& over);

// The value of a key, or "".
std::string OptionOf(const OptionMap& options, const char* key);
CodeCacheOptions CodeCacheOf(const OptionMap& options);

}  // namespace belay
