#include "base/usage.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace belay {
namespace {

struct OptionUse {
  Reality reality = Reality::kFull;
  std::string note;
  uint64_t count = 0;
};

const char* ReportFile() {
  const char* file = std::getenv("BELAY_REPORT");
  return file && *file ? file : nullptr;
}

struct Usage {
  const std::string file = ReportFile();
  std::mutex mutex;
  std::vector<UsageLibrary> libraries;
  std::set<const void*> own_bases;                 // where our libraries are loaded
  std::map<const void*, bool> own_callers;         // by return address
  std::map<const void*, uint64_t> calls;           // by function
  std::map<std::pair<std::string, std::string>, OptionUse> options;
  std::map<std::string, uint64_t> errors;
  const pid_t process = getpid();
};

const void* BaseOf(const void* address) {
  Dl_info info;
  return dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

const char* RealityName(Reality reality) {
  static const char* const kNames[] = {"full", "no effect", "refused", "unknown"};
  return kNames[static_cast<int>(reality)];
}

Reality RealityOf(const Usage& usage, const void* function) {
  const auto* at = static_cast<const char*>(function);
  for (const UsageLibrary& l : usage.libraries) {
    if (at >= l.refuses_begin && at < l.refuses_end) return Reality::kRefused;
    if (at >= l.no_effect_begin && at < l.no_effect_end) return Reality::kNoEffect;
  }
  return Reality::kFull;
}

// Empty for functions without a public name.
std::string PublicName(const void* function) {
  Dl_info info;
  if (dladdr(function, &info) == 0 || !info.dli_sname || info.dli_saddr != function) return "";
  int status = 0;
  char* plain = abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status);
  std::string name = status == 0 ? plain : info.dli_sname;
  std::free(plain);
  return name;
}

std::string OneLine(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return text;
}

void WriteReport();

Usage& TheUsage() {
  static Usage* const usage = [] {
    static Usage* const made = new Usage;  // never destroyed: it is written at the end of the process
    std::atexit(WriteReport);
    pthread_atfork([] { made->mutex.lock(); }, [] { made->mutex.unlock(); }, [] { made->mutex.unlock(); });
    return made;
  }();
  return *usage;
}

void WriteReport() {
  Usage& usage = TheUsage();
  std::lock_guard<std::mutex> lock(usage.mutex);
  std::string file = usage.file;
  if (getpid() != usage.process) file += "." + std::to_string(getpid());  // a forked child that ends by itself
  std::ofstream out(file);
  out << "kind\treality\tcount\tname\tremark\n";
  std::map<std::string, std::pair<Reality, uint64_t>> calls;
  for (const auto& [function, count] : usage.calls) {
    const std::string name = PublicName(function);
    if (name.empty()) continue;
    auto& row = calls[name];
    row.first = RealityOf(usage, function);
    row.second += count;
  }
  for (const auto& [name, row] : calls) {
    out << "call\t" << RealityName(row.first) << '\t' << row.second << '\t' << name << "\t\n";
  }
  for (const auto& [option, use] : usage.options) {
    out << "option\t" << RealityName(use.reality) << '\t' << use.count << '\t' << OneLine(option.first) << '='
        << OneLine(option.second) << '\t' << OneLine(use.note) << '\n';
  }
  for (const auto& [sentence, count] : usage.errors) {
    out << "error\t\t" << count << '\t' << OneLine(sentence) << "\t\n";
  }
}

}  // namespace

bool CountingUsage() {
  static const bool counting = ReportFile() != nullptr;
  return counting;
}

void AddUsageLibrary(const UsageLibrary& library) {
  Usage& usage = TheUsage();
  std::lock_guard<std::mutex> lock(usage.mutex);
  usage.libraries.push_back(library);
  usage.own_bases.insert(BaseOf(library.code));
}

void CountCall(const void* function, const void* caller) {
  Usage& usage = TheUsage();
  std::lock_guard<std::mutex> lock(usage.mutex);
  auto [known, is_new] = usage.own_callers.emplace(caller, false);
  if (is_new) known->second = usage.own_bases.count(BaseOf(caller)) != 0;
  if (!known->second) ++usage.calls[function];
}

void CountOption(const std::string& key, const std::string& value, Reality reality, const std::string& note) {
  if (!CountingUsage()) return;
  Usage& usage = TheUsage();
  std::lock_guard<std::mutex> lock(usage.mutex);
  OptionUse& use = usage.options[{key, value}];
  use.reality = reality;
  use.note = note;
  ++use.count;
}

void CountError(const std::string& sentence) {
  if (!CountingUsage()) return;
  Usage& usage = TheUsage();
  std::lock_guard<std::mutex> lock(usage.mutex);
  ++usage.errors[sentence];
}

}  // namespace belay
