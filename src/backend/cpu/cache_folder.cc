#include "backend/cpu/cache_folder.h"

#include <dirent.h>
#include <fcntl.h>
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
#include <utility>

#include "base/log.h"

namespace belay {
namespace {

constexpr int64_t kHour = 3600;
constexpr std::string_view kUnfinished = "new-";

// An absolute path from the environment, or empty.
std::string FolderOf(const char* variable) {
  const char* value = secure_getenv(variable);
  return value && value[0] == '/' ? value : "";
}

struct Place {
  std::string dir, problem;
};

// Where code is kept, or why not.
Place PlaceOf(const CodeCacheOptions& options) {
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

std::string BootId() {
  char text[36] = {};
  const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  const bool known = fd >= 0 && ReadAll(fd, text, sizeof text);
  if (fd >= 0) close(fd);
  return known ? std::string(text, sizeof text) : fmt::format("process {} {}", getpid(), time(nullptr));
}

}  // namespace

void LogOnce(const std::string& text) {
  static auto* const mutex = new std::mutex;
  static auto* const said = new std::set<std::string>;
  std::lock_guard<std::mutex> lock(*mutex);
  if (said->insert(text).second) BELAY_LOG(Warning, "{}", text);
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

bool ReadAll(int fd, void* memory, size_t bytes) {
  auto* to = static_cast<char*>(memory);
  while (bytes != 0) {
    const ssize_t n = read(fd, to, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    bytes -= static_cast<size_t>(n);
  }
  return true;
}

bool WriteAll(int fd, const void* memory, size_t bytes) {
  const auto* from = static_cast<const char*>(memory);
  while (bytes != 0) {
    const ssize_t n = write(fd, from, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    from += n;
    bytes -= static_cast<size_t>(n);
  }
  return true;
}

int OpenCacheFolder(const CodeCacheOptions& options, std::string* dir) {
  Place place = PlaceOf(options);
  if (!place.problem.empty()) return -1;
  int folder = OpenFolder(place.dir, &place.problem);
  if (folder < 0 && errno == ENOENT) {
    MakeFolders(place.dir);
    folder = OpenFolder(place.dir, &place.problem);
  }
  if (folder < 0) LogOnce(fmt::format("kernels are not kept in {}: {}", place.dir, place.problem));
  *dir = std::move(place.dir);
  return folder;
}

int InspectCacheFolder(const CodeCacheOptions& options, std::string* dir, std::string* problem) {
  Place place = PlaceOf(options);
  *dir = place.dir;
  *problem = place.problem;
  if (!problem->empty()) return -1;
  const int folder = OpenFolder(*dir, problem);
  if (folder < 0 && errno == ENOENT) problem->clear();
  return folder;
}

std::string HexName(const std::array<uint8_t, 32>& key, std::string_view suffix) {
  std::string name;
  for (uint8_t byte : key) name += fmt::format("{:02x}", byte);
  return name.append(suffix);
}

void MarkUsed(int fd, time_t last, int64_t seconds) {
  if (time(nullptr) - last > seconds) futimens(fd, nullptr);
}

ContentHash MarkOf(std::string_view what, const struct stat& s) {
  static const auto* const boot = new std::string(BootId());
  return HashText(fmt::format("{}{} {} {} {} {}.{} {}.{}", what, *boot, s.st_dev, s.st_ino, s.st_size,
                              s.st_mtim.tv_sec, s.st_mtim.tv_nsec, s.st_ctim.tv_sec, s.st_ctim.tv_nsec));
}

bool HasLain(const struct stat& s, int64_t seconds) { return time(nullptr) - s.st_ctim.tv_sec >= seconds; }

std::vector<StoredFile> ListFiles(int folder, std::string_view suffix, bool clean) {
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
    if (!unfinished && !name.ends_with(suffix)) continue;
    if (fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!unfinished) files.push_back({entry->d_name, status.st_size, status.st_mtime});
    else if (clean && time(nullptr) - status.st_mtime > kHour) unlinkat(folder, entry->d_name, 0);
  }
  closedir(entries);
  return files;
}

namespace {

// Returns the bytes that are left. A little more than needed goes, so that the next call has nothing to do.
int64_t DropOldest(int folder, std::string_view suffix, int64_t most_bytes) {
  std::vector<StoredFile> files = ListFiles(folder, suffix, true);
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

}  // namespace

void MakeRoom(const std::string& dir, int folder, std::string_view suffix, int64_t written, int64_t most_bytes) {
  static auto* const mutex = new std::mutex;
  static auto* const rooms = new std::map<std::string, int64_t>;  // bytes until the next listing
  std::lock_guard<std::mutex> lock(*mutex);
  int64_t& room = (*rooms)[dir + "/*" + std::string(suffix)];
  room -= written;
  if (room >= 0) return;
  const int64_t total = DropOldest(folder, suffix, most_bytes);
  room = std::min(most_bytes - total, most_bytes / 16);
}

NewFile::NewFile(int folder) : folder_(folder) {
  static std::atomic<uint64_t> count{0};
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  name_ = fmt::format("{}{}-{}-{}", kUnfinished, getpid(), now.tv_nsec, count++);
  fd_ = openat(folder, name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
}

NewFile::~NewFile() {
  const int error = errno;
  if (fd_ >= 0) close(fd_);
  if (fd_ >= 0) unlinkat(folder_, name_.c_str(), 0);
  errno = error;
}

bool NewFile::Finish(const std::string& name) {
  const bool closed = close(std::exchange(fd_, -1)) == 0;
  if (closed && renameat(folder_, name_.c_str(), folder_, name.c_str()) == 0) return true;
  const int error = errno;
  unlinkat(folder_, name_.c_str(), 0);
  errno = error;
  return false;
}

}  // namespace belay
