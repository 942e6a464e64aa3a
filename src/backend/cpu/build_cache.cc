#include "backend/cpu/build_cache.h"

#include <fcntl.h>
#include <llvm/Support/BLAKE3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "backend/cpu/cache_folder.h"
#include "base/log.h"

namespace belay {
namespace {

constexpr int64_t kMostFileBytes = int64_t{64} << 20;
constexpr std::string_view kSuffix = ".code";

// The first bytes of a file; the object follows.
struct Header {
  char magic[8] = {'B', 'E', 'L', 'A', 'Y', 'O', 'B', 'J'};
  uint32_t version = 1;
  uint32_t reserved = 0;
  uint64_t bytes = 0;
  CodeKey key = {};
  CodeKey checksum = {};  // of key and object
};
static_assert(sizeof(Header) == 88);

Header HeaderOf(const CodeKey& key, const std::string& object) {
  Header header;
  header.bytes = object.size();
  header.key = key;
  llvm::BLAKE3 hash;
  hash.update(key);
  hash.update(object);
  header.checksum = hash.final<sizeof(CodeKey)>();
  return header;
}

struct Counters {
  std::atomic<int64_t> found{0}, missed{0}, rejected{0}, kept{0};
};
Counters counters;

// The object in an open file, if it is whole, ours and the one wanted.
bool ReadObject(int fd, const CodeKey& key, std::string* object, std::string* problem) {
  struct stat status;
  if (!IsOurs(fd, problem)) return false;
  *problem = "it is damaged or of another version";
  const int64_t least = sizeof(Header);
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if (status.st_size < least || status.st_size > kMostFileBytes) return false;
  Header header;
  if (!ReadAll(fd, &header, sizeof header)) return false;
  object->resize(static_cast<size_t>(status.st_size - least));
  if (!ReadAll(fd, object->data(), object->size())) return false;
  const Header expected = HeaderOf(key, *object);
  if (std::memcmp(&header, &expected, sizeof header) != 0) return false;
  MarkUsed(fd, status.st_mtime);
  return true;
}

bool WriteObject(int folder, const CodeKey& key, const std::string& object) {
  NewFile file(folder);
  const Header header = HeaderOf(key, object);
  return file.fd() >= 0 && WriteAll(file.fd(), &header, sizeof header) &&
         WriteAll(file.fd(), object.data(), object.size()) && file.Finish(HexName(key, kSuffix));
}

}  // namespace

std::unique_ptr<CodeStore> CodeStore::Open(const CodeCacheOptions& options, int64_t most_bytes) {
  std::string dir;
  const int folder = OpenCacheFolder(options, &dir);
  if (folder < 0) return nullptr;
  std::unique_ptr<CodeStore> store(new CodeStore);
  store->dir_ = dir;
  store->folder_ = folder;
  store->force_ = options.mode == CodeCacheMode::kForce;
  store->most_bytes_ = most_bytes;
  return store;
}

CodeStore::~CodeStore() { close(folder_); }

bool CodeStore::Find(const CodeKey& key, std::string* object) const {
  if (force_) return false;
  const std::string name = HexName(key, kSuffix);
  const int fd = openat(folder_, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  std::string problem = fd < 0 ? std::strerror(errno) : "";
  const bool absent = fd < 0 && errno == ENOENT;
  const bool found = fd >= 0 && ReadObject(fd, key, object, &problem);
  if (fd >= 0) close(fd);
  if (found) return ++counters.found, true;
  ++counters.missed;
  if (absent) return false;
  ++counters.rejected;
  LogOnce(fmt::format("a kernel in {} is not used: {}", dir_, problem));
  return false;
}

void CodeStore::Keep(const CodeKey& key, const std::string& object) const {
  if (!WriteObject(folder_, key, object)) {
    return LogOnce(fmt::format("kernels cannot be kept in {}: {}", dir_, std::strerror(errno)));
  }
  ++counters.kept;
  MakeRoom(dir_, folder_, kSuffix, static_cast<int64_t>(sizeof(Header) + object.size()), most_bytes_);
}

CodeCacheCounts CountCodeCache() {
  return {counters.found, counters.missed, counters.rejected, counters.kept};
}

CodeCacheState InspectCodeCache(const CodeCacheOptions& options) {
  CodeCacheState state;
  const int folder = InspectCacheFolder(options, &state.dir, &state.problem);
  if (folder < 0) return state;
  for (const StoredFile& file : ListFiles(folder, kSuffix, false)) {
    ++state.files;
    state.bytes += file.bytes;
  }
  for (const StoredFile& file : ListFiles(folder, kConstantSuffix, false)) {
    ++state.constants;
    state.constant_bytes += file.bytes;
  }
  close(folder);
  return state;
}

}  // namespace belay
