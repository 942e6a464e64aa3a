#include "backend/file_hashes.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "backend/cpu/cache_folder.h"
#include "base/log.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

namespace belay {
namespace {

constexpr std::string_view kSuffix = ".hashes";
constexpr size_t kMostParts = size_t{1} << 16;
constexpr size_t kSmallestFile = 4096;  // what the smallest file takes on disk

// The first bytes of a file; the parts follow, and zeros to the end of the page.
struct HashesHeader {
  char magic[8] = {'B', 'E', 'L', 'A', 'Y', 'H', 'S', 'H'};
  uint32_t version = 1;
  uint32_t reserved = 0;
  uint64_t parts = 0;
  ContentHash key = {};
  ContentHash checksum = {};  // of key and parts
};
static_assert(sizeof(HashesHeader) == 88 && sizeof(FilePart) == 48);

std::string_view BytesOf(const std::vector<FilePart>& parts) {
  return {reinterpret_cast<const char*>(parts.data()), parts.size() * sizeof(FilePart)};
}

HashesHeader HeaderOf(const ContentHash& key, const std::vector<FilePart>& parts) {
  HashesHeader header;
  header.parts = parts.size();
  header.key = key;
  header.checksum = HashText(std::string(TextOf(key)).append(BytesOf(parts)));
  return header;
}

bool ReadParts(int fd, const ContentHash& key, std::vector<FilePart>* parts) {
  std::string problem;
  HashesHeader header;
  if (!IsOurs(fd, &problem) || !ReadAll(fd, &header, sizeof header) || header.parts > kMostParts) return false;
  parts->resize(header.parts);
  if (!ReadAll(fd, parts->data(), BytesOf(*parts).size())) return false;
  const HashesHeader expected = HeaderOf(key, *parts);
  return std::memcmp(&header, &expected, sizeof header) == 0;
}

// Local ones whose files get another ctime by every change: also by writes through a mapping, once those before are on
// disk. Memory never goes there, and a server's files may change without this system's knowledge.
bool TellsEveryChange(int fd) {
  struct statfs system;
  if (fstatfs(fd, &system) != 0) return false;
  switch (static_cast<uint32_t>(system.f_type)) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case OVERLAYFS_SUPER_MAGIC: return true;
    default: return false;
  }
}

class FolderHashes final : public FileHashes, public std::enable_shared_from_this<FolderHashes> {
 public:
  FolderHashes(const CodeCacheOptions& options, int64_t settled_seconds, int64_t most_bytes)
      : options_(options), settled_seconds_(settled_seconds), most_bytes_(most_bytes) {}
  ~FolderHashes() override {
    if (folder_ >= 0) close(folder_);
  }

  std::shared_ptr<KnownFile> Look(int fd) override;

  std::map<std::pair<uint64_t, uint64_t>, ContentHash> Read(const ContentHash& key) const {
    if (options_.mode == CodeCacheMode::kForce) return {};
    const int fd = openat(folder_, HexName(key, kSuffix).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    std::map<std::pair<uint64_t, uint64_t>, ContentHash> known;
    std::vector<FilePart> parts;
    struct stat status;
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && ReadParts(fd, key, &parts)) {
      for (const FilePart& part : parts) known[{part.offset, part.bytes}] = part.hash;
      MarkUsed(fd, status.st_mtime);
    } else if (fd >= 0) {
      LogOnce(fmt::format("hashes in {} are not used: they are damaged or not safely ours", dir_));
    }
    if (fd >= 0) close(fd);
    return known;
  }

  void Write(const ContentHash& key, const std::vector<FilePart>& parts) {
    const HashesHeader header = HeaderOf(key, parts);
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    bytes += BytesOf(parts);
    bytes.resize((bytes.size() + kSmallestFile - 1) / kSmallestFile * kSmallestFile);
    NewFile file(folder_);
    if (file.fd() >= 0 && WriteAll(file.fd(), bytes.data(), bytes.size()) && file.Finish(HexName(key, kSuffix))) {
      MakeRoom(dir_, folder_, kSuffix, static_cast<int64_t>(bytes.size()), most_bytes_);
    } else {
      LogOnce(fmt::format("hashes cannot be kept in {}: {}", dir_, std::strerror(errno)));
    }
  }

  void Remove(const ContentHash& key) const { unlinkat(folder_, HexName(key, kSuffix).c_str(), 0); }

 private:
  const CodeCacheOptions options_;
  const int64_t settled_seconds_, most_bytes_;
  std::once_flag opened_;
  std::string dir_;
  int folder_ = -1;
};

class FolderFile final : public KnownFile {
 public:
  FolderFile(std::shared_ptr<FolderHashes> folder, int fd, const ContentHash& mark)
      : folder_(std::move(folder)), fd_(fd), mark_(mark), known_(folder_->Read(mark)) {}

  bool Find(FilePart* part) const override {
    const auto at = known_.find({part->offset, part->bytes});
    if (at == known_.end()) return false;
    part->hash = at->second;
    return true;
  }

  // Pages that are on disk cannot be written through a mapping before the system has noticed.
  void BeforeHashing() override { settled_ = fdatasync(fd_) == 0 && IsSame(); }

  void Keep(const std::vector<FilePart>& parts) override {
    if (!settled_ || !IsSame()) return;
    for (const FilePart& part : parts) known_[{part.offset, part.bytes}] = part.hash;
    if (known_.size() > kMostParts) return;
    std::vector<FilePart> all;
    for (const auto& [range, hash] : known_) all.push_back({range.first, range.second, hash});
    folder_->Write(mark_, all);
  }

  void Forget() override { folder_->Remove(mark_); }

 private:
  bool IsSame() const {
    struct stat status;
    return fstat(fd_, &status) == 0 && MarkOf("", status) == mark_;
  }

  const std::shared_ptr<FolderHashes> folder_;
  const int fd_;
  const ContentHash mark_;
  std::map<std::pair<uint64_t, uint64_t>, ContentHash> known_;
  bool settled_ = false;
};

std::shared_ptr<KnownFile> FolderHashes::Look(int fd) {
  std::call_once(opened_, [&] { folder_ = OpenCacheFolder(options_, &dir_); });
  struct stat status;
  if (folder_ < 0 || !TellsEveryChange(fd)) return nullptr;
  if (fstat(fd, &status) != 0 || !HasLain(status, settled_seconds_)) return nullptr;
  return std::make_shared<FolderFile>(shared_from_this(), fd, MarkOf("", status));
}

struct Process {
  std::mutex mutex;
  CodeCacheOptions cache;
};
Process& TheProcess() {
  static Process* const process = new Process;
  return *process;
}

}  // namespace

void SetProcessCache(const CodeCacheOptions& options) {
  std::lock_guard<std::mutex> lock(TheProcess().mutex);
  TheProcess().cache = options;
}

CodeCacheOptions ProcessCache() {
  std::lock_guard<std::mutex> lock(TheProcess().mutex);
  return TheProcess().cache;
}

std::shared_ptr<FileHashes> FileHashesIn(const CodeCacheOptions& options, int64_t settled_seconds,
                                         int64_t most_bytes) {
  return std::make_shared<FolderHashes>(options, settled_seconds, most_bytes);
}

}  // namespace belay
