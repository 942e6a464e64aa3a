// Hashes of parts of files that outlive the process, so that a file which is still the same need not be read for them.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "base/content_hash.h"

namespace belay {

struct FilePart {
  uint64_t offset = 0, bytes = 0;
  ContentHash hash = {};
};

// One open file as it was when it was looked at.
class KnownFile {
 public:
  virtual ~KnownFile() = default;
  // Gives the part its hash. False: it is not known.
  virtual bool Find(FilePart* part) const = 0;
  // What is to be kept is hashed between these two calls. A file that changed meanwhile is not kept.
  virtual void BeforeHashing() = 0;
  virtual void Keep(const std::vector<FilePart>& parts) = 0;
  // Its hashes turned out to be wrong.
  virtual void Forget() = 0;
};

class FileHashes {
 public:
  virtual ~FileHashes() = default;
  // nullptr: nothing about the file is known or would be kept. `fd` is used as long as the result hashes and keeps.
  virtual std::shared_ptr<KnownFile> Look(int fd) = 0;
};

}  // namespace belay
