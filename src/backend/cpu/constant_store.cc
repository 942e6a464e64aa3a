#include "backend/constant_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>

#include "backend/cpu/build_id.h"
#include "backend/cpu/cache_folder.h"
#include "backend/cpu/target.h"
#include "base/allocate.h"
#include "base/log.h"

namespace belay {
namespace {

constexpr size_t kHeaderBytes = 4096;
constexpr int64_t kDay = 24 * 3600;
constexpr size_t kMostSeenBytes = size_t{1} << 20;
constexpr char kSeenName[] = "constants.seen";

// The first bytes of a file; the constant begins with the next page.
struct ConstantHeader {
  char magic[8] = {'B', 'E', 'L', 'A', 'Y', 'C', 'S', 'T'};
  uint32_t version = 1;
  uint32_t reserved = 0;
  uint64_t bytes = 0;
  ContentHash key = {};
  ContentHash checksum = {};  // of the constant
};
static_assert(sizeof(ConstantHeader) == 88);

size_t FileBytes(int64_t bytes) { return kHeaderBytes + static_cast<size_t>(bytes) + kReadBehind; }

// Files whose constants were found whole, each by a mark that holds its key.
class Seen {
 public:
  explicit Seen(int folder) : folder_(folder) {
    const int fd = openat(folder, kSeenName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    std::string problem;
    struct stat status;
    const bool good = fd >= 0 && IsOurs(fd, &problem) && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    std::vector<ContentHash> all(good ? std::min<size_t>(status.st_size, kMostSeenBytes) / sizeof(ContentHash) : 0);
    if (ReadAll(fd, all.data(), all.size() * sizeof(ContentHash))) known_.insert(all.begin(), all.end());
    if (fd >= 0) close(fd);
    if (known_.size() * sizeof(ContentHash) > kMostSeenBytes / 2) unlinkat(folder, kSeenName, 0);
  }

  bool Has(const ContentHash& mark) const { return known_.count(mark) != 0; }
  // Of a file as it was before it was checked. Its time must differ from that of any later change.
  void Add(const ContentHash& mark, const struct stat& s) const {
    if (!HasLain(s)) return;
    constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    const int fd = openat(folder_, kSeenName, kFlags, S_IRUSR | S_IWUSR);
    if (fd < 0) return;
    (void)WriteAll(fd, mark.data(), mark.size());
    close(fd);
  }

 private:
  const int folder_;
  std::set<ContentHash> known_;
};

class FolderStore final : public ConstantStore {
 public:
  FolderStore(int folder, std::string dir, bool force, int64_t most_bytes)
      : folder_(folder), dir_(std::move(dir)), force_(force), most_bytes_(most_bytes), seen_(folder) {}
  ~FolderStore() override {
    BELAY_LOG(Info, "{} large constants found, {} kept", found_.load(), kept_.load());
    close(folder_);
  }

  std::shared_ptr<const void> Find(const ContentHash& key, int64_t bytes) override {
    if (force_) return nullptr;
    const ContentHash own = OwnKey(key);
    const std::string name = HexName(own, kConstantSuffix);
    const int fd = openat(folder_, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) return nullptr;
    std::string problem = fd < 0 ? std::strerror(errno) : "";
    std::shared_ptr<const void> found = fd < 0 ? nullptr : Open(fd, own, bytes, &problem);
    if (fd >= 0) close(fd);
    if (found) ++found_;
    else LogOnce(fmt::format("a constant in {} is not used: {}", dir_, problem));
    return found;
  }

  std::shared_ptr<const void> Keep(const ContentHash& key, const void* data, int64_t bytes) override {
    std::shared_ptr<const void> kept = Write(OwnKey(key), data, static_cast<size_t>(bytes));
    if (!kept) {
      LogOnce(fmt::format("constants cannot be kept in {}: {}", dir_, std::strerror(errno)));
      return nullptr;
    }
    ++kept_;
    MakeRoom(dir_, folder_, kConstantSuffix, static_cast<int64_t>(FileBytes(bytes)), most_bytes_);
    return kept;
  }

 private:
  static ContentHash OwnKey(const ContentHash& key) {
    return HashText(fmt::format("{}{}\n{}", TextOf(key), HostTargetRow().name, EngineBuildId()));
  }

  // The constant in an open file, mapped.
  static std::shared_ptr<const void> Map(int fd, int64_t bytes) {
    const size_t size = FileBytes(bytes);
    void* at = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) return nullptr;
    // All pages in one call, as runs will want them; older systems refuse.
    if (madvise(at, size, MADV_POPULATE_READ) != 0 && errno != EINVAL) return munmap(at, size), nullptr;
    std::shared_ptr<const void> whole(at, [size](const void* p) { munmap(const_cast<void*>(p), size); });
    return {whole, static_cast<const char*>(at) + kHeaderBytes};
  }

  std::shared_ptr<const void> Open(int fd, const ContentHash& key, int64_t bytes, std::string* problem) {
    if (!IsOurs(fd, problem)) return nullptr;
    *problem = "it is damaged or of another version";
    struct stat status;
    ConstantHeader header, expected;
    expected.bytes = static_cast<uint64_t>(bytes);
    expected.key = key;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
    if (status.st_size != static_cast<off_t>(FileBytes(bytes)) || !ReadAll(fd, &header, sizeof header)) return nullptr;
    expected.checksum = header.checksum;
    if (std::memcmp(&header, &expected, sizeof header) != 0) return nullptr;
    std::shared_ptr<const void> constant = Map(fd, bytes);
    if (!constant) return nullptr;
    const ContentHash mark = MarkOf(TextOf(key), status);
    if (!seen_.Has(mark)) {
      if (HashContents(constant.get(), static_cast<size_t>(bytes)) != header.checksum) return nullptr;
      seen_.Add(mark, status);
    }
    MarkUsed(fd, status.st_mtime, kDay);
    return constant;
  }

  std::shared_ptr<const void> Write(const ContentHash& key, const void* data, size_t bytes) {
    if (!HasRoom(bytes)) return errno = ENOSPC, nullptr;
    NewFile file(folder_);
    if (file.fd() < 0) return nullptr;
    std::string page(kHeaderBytes, '\0');
    ConstantHeader header;
    header.bytes = bytes;
    header.key = key;
    header.checksum = HashContents(data, bytes);
    std::memcpy(page.data(), &header, sizeof header);
    constexpr char behind[kReadBehind] = {};
    const bool whole = WriteAll(file.fd(), page.data(), page.size()) && WriteAll(file.fd(), data, bytes) &&
                       WriteAll(file.fd(), behind, sizeof behind);
    std::shared_ptr<const void> constant = whole ? Map(file.fd(), static_cast<int64_t>(bytes)) : nullptr;
    return constant && file.Finish(HexName(key, kConstantSuffix)) ? constant : nullptr;
  }

  // A cache leaves the last twentieth of a disk to others.
  bool HasRoom(size_t bytes) const {
    struct statvfs disk;
    if (fstatvfs(folder_, &disk) != 0) return true;
    return disk.f_bavail >= disk.f_blocks / 20 + FileBytes(static_cast<int64_t>(bytes)) / disk.f_frsize;
  }

  const int folder_;
  const std::string dir_;
  const bool force_;
  const int64_t most_bytes_;
  const Seen seen_;
  std::atomic<int64_t> found_{0}, kept_{0};
};

}  // namespace

std::unique_ptr<ConstantStore> OpenConstantStore(const CodeCacheOptions& options, int64_t bytes, int64_t most_bytes) {
  if (bytes > most_bytes / 2 || EngineBuildId().empty()) return nullptr;
  std::string dir;
  const int folder = OpenCacheFolder(options, &dir);
  if (folder < 0) return nullptr;
  return std::make_unique<FolderStore>(folder, std::move(dir), options.mode == CodeCacheMode::kForce, most_bytes);
}

}  // namespace belay
