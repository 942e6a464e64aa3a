// Generated code that outlives the process: objects in a folder, by a hash of all that decides their
// bytes. Nothing that goes wrong here fails a compilation: what cannot be read is compiled, what
// cannot be written is not kept.
#pragma once
#include <array>
#include <memory>
#include <string>

#include "backend/backend.h"

namespace belay {

using CodeKey = std::array<uint8_t, 32>;

// A folder of objects. Processes and threads may use one folder at once.
class CodeStore {
 public:
  static constexpr int64_t kMostBytes = int64_t{512} << 20;

  // Makes the folder where it is missing. nullptr: code is not kept, as the options, the environment
  // or the owner and mode of the folder say (logged once).
  static std::unique_ptr<CodeStore> Open(const CodeCacheOptions& options,
                                         int64_t most_bytes = kMostBytes);
  ~CodeStore();
  CodeStore(const CodeStore&) = delete;
  CodeStore& operator=(const CodeStore&) = delete;

  // False: there is none, or one that is damaged or not safely ours.
  bool Find(const CodeKey& key, std::string* object) const;
  // Replaces what is there. Files used longest ago go when there are more than most_bytes.
  void Keep(const CodeKey& key, const std::string& object) const;

 private:
  CodeStore() = default;

  std::string dir_;
  int folder_ = -1;
  bool force_ = false;
  int64_t most_bytes_ = 0;
};

// Of this process.
struct CodeCacheCounts {
  int64_t found = 0, missed = 0;  // asked for
  int64_t rejected = 0;           // of those missed: a file was there
  int64_t kept = 0;
};
CodeCacheCounts CountCodeCache();

// What a folder holds, for people; makes nothing.
struct CodeCacheState {
  std::string dir;      // may be empty
  std::string problem;  // why it is not used, or empty
  int64_t files = 0, bytes = 0;
  int64_t constants = 0, constant_bytes = 0;  // see OpenConstantStore
};
CodeCacheState InspectCodeCache(const CodeCacheOptions& options);

}  // namespace belay
