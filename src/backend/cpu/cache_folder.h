// The folder of what outlives the process, for this user alone: files appear whole, under names that are hashes, and
// those used longest ago go. Processes and threads may use one folder at once.
#pragma once
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "base/content_hash.h"

namespace belay {

inline constexpr std::string_view kConstantSuffix = ".constant";

// Opens it, and makes it where it is missing. -1: nothing is kept, as the options, the environment or the owner and
// mode of the folder say (logged once).
int OpenCacheFolder(const CodeCacheOptions& options, std::string* dir);
// Makes and logs nothing. -1 without a problem: there is none yet.
int InspectCacheFolder(const CodeCacheOptions& options, std::string* dir, std::string* problem);

void LogOnce(const std::string& text);
// Whether nobody but this user can have written it; else why not.
bool IsOurs(int fd, std::string* problem);
bool ReadAll(int fd, void* to, size_t bytes);
bool WriteAll(int fd, const void* from, size_t bytes);
std::string HexName(const std::array<uint8_t, 32>& key, std::string_view suffix);
// That a file which bears the time `last` is used, where it does not say so for the last `seconds`.
void MarkUsed(int fd, time_t last, int64_t seconds = 3600);

// Of what was found out about a file, and what the system says of it. A change of the file moves its ctime, which no
// program can set; what the system lost with the power shows in the boot's ID.
ContentHash MarkOf(std::string_view what, const struct stat& s);
// Whether the file's time differs from that of any change from now on, and its last change is so many seconds ago.
bool HasLain(const struct stat& s, int64_t seconds = 2);

struct StoredFile {
  std::string name;
  int64_t bytes;
  time_t used;
};
// Those of one kind in a folder. clean: unfinished ones of processes that died go.
std::vector<StoredFile> ListFiles(int folder, std::string_view suffix, bool clean);
// After `written` bytes: files used longest ago go when there are more than most_bytes. A folder is listed at this
// process's first write and then whenever it has written much: others write, too.
void MakeRoom(const std::string& dir, int folder, std::string_view suffix, int64_t written, int64_t most_bytes);

// Written under a name of its own first: readers see whole files only.
class NewFile {
 public:
  explicit NewFile(int folder);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  int fd() const { return fd_; }  // -1: see errno
  bool Finish(const std::string& name);

 private:
  const int folder_;
  std::string name_;
  int fd_ = -1;
};

}  // namespace belay
