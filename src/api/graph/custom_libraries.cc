#include "api/graph/custom_libraries.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

#include "base/log.h"

namespace belay {
namespace {

namespace fs = std::filesystem;

struct State {
  std::mutex mutex;
  std::map<std::string, std::string> libraries;  // by real path: why it is not open, or empty
};
State& TheState() {
  static State* const state = new State();
  return *state;
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    part.erase(0, part.find_first_not_of(" \t\r"));
    part.erase(part.find_last_not_of(" \t\r") + 1);
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<fs::path> VendorFolders() {
  std::vector<fs::path> folders;
  for (const std::string& path : Split(Environment("ASCEND_CUSTOM_OPP_PATH"), ':')) folders.emplace_back(path);
  const std::string opp = Environment("ASCEND_OPP_PATH");
  if (opp.empty()) return folders;
  const fs::path vendors = fs::path(opp) / "vendors";
  std::ifstream config(vendors / "config.ini");
  const std::string key = "load_priority=";
  for (std::string line; std::getline(config, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    for (const std::string& vendor : Split(line.substr(key.size()), ',')) folders.push_back(vendors / vendor);
  }
  return folders;
}

bool IsPrototypeLibrary(const std::string& name) {
  return name.find("op_proto") != std::string::npos || name.find("opsproto") != std::string::npos;
}

std::vector<fs::path> LibrariesIn(const fs::path& folder, bool prototypes) {
  utsname machine{};
  (void)uname(&machine);
  std::vector<fs::path> found;
  for (const fs::path& place : {folder / "lib" / "linux" / machine.machine, folder}) {
    std::vector<fs::path> here;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(place, error)) {
      const std::string name = entry.path().filename().string();
      const bool library = name.rfind("lib", 0) == 0 && entry.path().extension() == ".so";
      if (library && (!prototypes || IsPrototypeLibrary(name))) here.push_back(entry.path());
    }
    std::sort(here.begin(), here.end());
    found.insert(found.end(), here.begin(), here.end());
  }
  return found;
}

// Empty when the library is open now.
std::string Open(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return fmt::format("'{}' is no file", path);
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return fmt::format("'{}' belongs to another user ({}) and is not opened", path, info.st_uid);
  }
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr) return "";
  const char* error = dlerror();
  return fmt::format("'{}' cannot be opened: {}", path, error == nullptr ? "unknown reason" : error);
}

}  // namespace

void LoadCustomLibraries() {
  State& state = TheState();
  std::lock_guard<std::mutex> lock(state.mutex);
  for (const fs::path& vendor : VendorFolders()) {
    std::error_code error;
    if (!fs::is_directory(vendor, error)) {
      BELAY_LOG(Warning, "there is no folder '{}' with operators", vendor.string());
      continue;
    }
    for (bool prototypes : {true, false}) {
      const fs::path folder = prototypes ? vendor / "op_proto" : vendor / "op_impl" / "host";
      for (const fs::path& library : LibrariesIn(folder, prototypes)) {
        std::error_code broken;
        const fs::path real = fs::canonical(library, broken);
        const std::string path = broken ? library.string() : real.string();
        auto [it, fresh] = state.libraries.emplace(path, "");
        if (!fresh && it->second.empty()) continue;
        it->second = Open(path);
        if (!it->second.empty()) BELAY_LOG(Warning, "{}", it->second);
      }
    }
  }
}

std::vector<std::string> CustomLibraryFailures() {
  State& state = TheState();
  std::lock_guard<std::mutex> lock(state.mutex);
  std::vector<std::string> failures;
  for (const auto& [path, why] : state.libraries) {
    if (!why.empty()) failures.push_back(why);
  }
  return failures;
}

}  // namespace belay
