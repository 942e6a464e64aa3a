#include "backend/cpu/build_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <llvm/Support/BLAKE3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace belay {
namespace {

constexpr int64_t kMostFileBytes = int64_t{64} << 20;
constexpr int64_t kHour = 3600;
constexpr std::string_view kSuffix = ".code", kUnfinished = "new-";

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

std::string FileName(const CodeKey& key) {
  std::string name;
  for (uint8_t byte : key) name += fmt::format("{:02x}", byte);
  return name.append(kSuffix);
}

struct Counters {
  std::atomic<int64_t> found{0}, missed{0}, rejected{0}, kept{0};
};
Counters counters;

void LogOnce(const std::string& text) {
  static auto* const mutex = new std::mutex;
  static auto* const said = new std::set<std::string>;
  std::lock_guard<std::mutex> lock(*mutex);
  if (said->insert(text).second) BELAY_LOG(Warning, "{}", text);
}

// An absolute path from the environment, or empty.
std::string FolderOf(const char* variable) {
  const char* value = secure_getenv(variable);
  return value && value[0] == '/' ? value : "";
}

// Where code is kept, or why not.
CodeCacheState PlaceOf(const CodeCacheOptions& options) {
  const char* own = secure_getenv("BELAY_CACHE");
  if (own && std::string_view(own) == "off") return {"", "BELAY_CACHE is off"};
  if (options.mode == CodeCacheMode::kDisable) return {"", "the options disable it"};
  if (!options.dir.empty()) return {options.dir, ""};
  if (own && *own) return {std::string(own) + "/kernels", ""};
  const std::string cache = FolderOf("XDG_CACHE_HOME"), home = FolderOf("HOME");
  if (!cache.empty()) return {cache + "/belay/kernels", ""};
  struct stat status;
  if (home.empty() || stat(home.c_str(), &status) != 0) return {"", "there is no XDG_CACHE_HOME and no HOME"};
  return {home + "/.cache/belay/kernels", ""};
}

// Whether nobody but this user can have written it; else why not.
bool IsOurs(int fd, std::string* problem) {
  struct stat status;
  if (fstat(fd, &status) != 0) *problem = std::strerror(errno);
  else if (status.st_uid != geteuid()) *problem = "it belongs to another user";
  else if (status.st_mode & (S_IWGRP | S_IWOTH)) *problem = "others may write to it";
  else return true;
  return false;
}

int OpenFolder(const std::string& dir, std::string* problem) {
  const int fd = open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) *problem = std::strerror(errno);
  else if (IsOurs(fd, problem)) return fd;
  else close(fd), errno = EPERM;
  return -1;
}

// mkdir -p, for this user alone.
void MakeFolders(const std::string& dir) {
  for (size_t at = dir.find('/', 1); at != std::string::npos; at = dir.find('/', at + 1)) {
    mkdir(dir.substr(0, at).c_str(), S_IRWXU);
  }
  mkdir(dir.c_str(), S_IRWXU);
}

bool ReadAll(int fd, char* to, size_t bytes) {
  while (bytes != 0) {
    const ssize_t n = read(fd, to, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    bytes -= static_cast<size_t>(n);
  }
  return true;
}

bool WriteAll(int fd, const char* from, size_t bytes) {
  while (bytes != 0) {
    const ssize_t n = write(fd, from, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    from += n;
    bytes -= static_cast<size_t>(n);
  }
  return true;
}

// The object in an open file, if it is whole, ours and the one wanted.
bool ReadObject(int fd, const CodeKey& key, std::string* object, std::string* problem) {
  struct stat status;
  if (!IsOurs(fd, problem)) return false;
  *problem = "it is damaged or of another version";
  const int64_t least = sizeof(Header);
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if (status.st_size < least || status.st_size > kMostFileBytes) return false;
  Header header;
  if (!ReadAll(fd, reinterpret_cast<char*>(&header), sizeof header)) return false;
  object->resize(static_cast<size_t>(status.st_size - least));
  if (!ReadAll(fd, object->data(), object->size())) return false;
  const Header expected = HeaderOf(key, *object);
  if (std::memcmp(&header, &expected, sizeof header) != 0) return false;
  if (time(nullptr) - status.st_mtime > kHour) futimens(fd, nullptr);  // used lately
  return true;
}

struct StoredFile {
  std::string name;
  int64_t bytes;
  time_t used;
};

// The objects in a folder; unfinished ones of processes that died go.
std::vector<StoredFile> ListFiles(int folder, bool clean) {
  std::vector<StoredFile> files;
  const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = fd < 0 ? nullptr : fdopendir(fd);
  if (!entries) {
    if (fd >= 0) close(fd);
    return files;
  }
  while (const dirent* entry = readdir(entries)) {
    const std::string_view name = entry->d_name;
    const bool unfinished = name.starts_with(kUnfinished);
    struct stat status;
    if (!unfinished && !name.ends_with(kSuffix)) continue;
    if (fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!unfinished) files.push_back({entry->d_name, status.st_size, status.st_mtime});
    else if (clean && time(nullptr) - status.st_mtime > kHour) unlinkat(folder, entry->d_name, 0);
  }
  closedir(entries);
  return files;
}

// Returns the bytes that are left. A little more than needed goes, so that the next call has nothing to do.
int64_t DropOldest(int folder, int64_t most_bytes) {
  std::vector<StoredFile> files = ListFiles(folder, true);
  int64_t total = 0;
  for (const StoredFile& file : files) total += file.bytes;
  if (total <= most_bytes) return total;
  std::sort(files.begin(), files.end(),
            [](const StoredFile& x, const StoredFile& y) { return x.used < y.used; });
  for (const StoredFile& file : files) {
    if (total <= most_bytes - most_bytes / 8) break;
    if (unlinkat(folder, file.name.c_str(), 0) == 0) total -= file.bytes;
  }
  return total;
}

// Folders are listed at this process's first write and then whenever it has written much: others write, too.
void MakeRoom(const std::string& dir, int folder, int64_t written, int64_t most_bytes) {
  static auto* const mutex = new std::mutex;
  static auto* const rooms = new std::map<std::string, int64_t>;  // bytes until the next listing
  std::lock_guard<std::mutex> lock(*mutex);
  int64_t& room = (*rooms)[dir];
  room -= written;
  if (room >= 0) return;
  const int64_t total = DropOldest(folder, most_bytes);
  room = std::min(most_bytes - total, most_bytes / 16);
}

// Under a name of its own first: readers see whole files only.
bool WriteObject(int folder, const CodeKey& key, const std::string& object) {
  static std::atomic<uint64_t> count{0};
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const std::string name =
      fmt::format("{}{}-{}-{}", kUnfinished, getpid(), now.tv_nsec, count++);
  const int fd = openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return false;
  const Header header = HeaderOf(key, object);
  const bool whole = WriteAll(fd, reinterpret_cast<const char*>(&header), sizeof header) &&
                     WriteAll(fd, object.data(), object.size());
  const bool closed = close(fd) == 0;
  if (whole && closed && renameat(folder, name.c_str(), folder, FileName(key).c_str()) == 0) return true;
  const int error = errno;
  unlinkat(folder, name.c_str(), 0);
  errno = error;
  return false;
}

}  // namespace

std::unique_ptr<CodeStore> CodeStore::Open(const CodeCacheOptions& options, int64_t most_bytes) {
  CodeCacheState place = PlaceOf(options);
  if (!place.problem.empty()) return nullptr;
  int folder = OpenFolder(place.dir, &place.problem);
  if (folder < 0 && errno == ENOENT) {
    MakeFolders(place.dir);
    folder = OpenFolder(place.dir, &place.problem);
  }
  if (folder < 0) {
    LogOnce(fmt::format("kernels are not kept in {}: {}", place.dir, place.problem));
    return nullptr;
  }
  std::unique_ptr<CodeStore> store(new CodeStore);
  store->dir_ = place.dir;
  store->folder_ = folder;
  store->force_ = options.mode == CodeCacheMode::kForce;
  store->most_bytes_ = most_bytes;
  return store;
}

CodeStore::~CodeStore() { close(folder_); }

bool CodeStore::Find(const CodeKey& key, std::string* object) const {
  if (force_) return false;
  const std::string name = FileName(key);
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
  MakeRoom(dir_, folder_, static_cast<int64_t>(sizeof(Header) + object.size()), most_bytes_);
}

CodeCacheCounts CountCodeCache() {
  return {counters.found, counters.missed, counters.rejected, counters.kept};
}

CodeCacheState InspectCodeCache(const CodeCacheOptions& options) {
  CodeCacheState state = PlaceOf(options);
  if (!state.problem.empty()) return state;
  const int folder = OpenFolder(state.dir, &state.problem);
  if (folder < 0) {
    if (errno == ENOENT) state.problem.clear();
    return state;
  }
  for (const StoredFile& file : ListFiles(folder, false)) {
    ++state.files;
    state.bytes += file.bytes;
  }
  close(folder);
  return state;
}

}  // namespace belay
