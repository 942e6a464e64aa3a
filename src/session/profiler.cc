#include "session/profiler.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error_report.h"
#include "execute/profile.h"
#include "execute/trace.h"

namespace belay {
namespace {

namespace fs = std::filesystem;

struct Profiler {
  std::mutex mutex;
  ProfilerUser user = ProfilerUser::kNobody;
  fs::path folder;
  bool runs = false;
  int traces = 0;  // of this process
};

Profiler& TheProfiler() {
  static auto* const profiler = new Profiler;  // outlives static destructors of clients
  return *profiler;
}

Status NotOpen() { return FailedPrecondition("no profile is prepared\nDo: call the Init function first"); }

Status WriteTrace(const Profiler& profiler) {
  size_t lost = 0;
  const std::vector<StepRecord> records = TakeProfile(&lost);
  const fs::path folder = profiler.folder / fmt::format("PROF_{:06}_{}", profiler.traces, getpid());
  std::error_code error;
  fs::create_directories(folder, error);
  std::ofstream out(folder / "trace.json");
  out << TraceJson(records);
  out.close();
  if (!out) return InvalidArgument("the profile cannot be written to '{}'", (folder / "trace.json").string());
  if (lost) ReportWarning(fmt::format("{} events of a profile came when it was full and are left out", lost));
  return OkStatus();
}

Status Stop(Profiler* profiler) {
  profiler->runs = false;
  ++profiler->traces;
  return WriteTrace(*profiler);
}

}  // namespace

ProfilerUser UserOfProfiler() {
  Profiler& p = TheProfiler();
  std::lock_guard<std::mutex> lock(p.mutex);
  return p.user;
}

Status OpenProfiler(ProfilerUser user, const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return InvalidArgument("'{}' is no folder that profiles could be written to", folder);
  }
  if (access(folder.c_str(), W_OK) != 0) {
    return InvalidArgument("profiles cannot be written to the folder '{}'", folder);
  }
  Profiler& p = TheProfiler();
  std::lock_guard<std::mutex> lock(p.mutex);
  if (p.user != ProfilerUser::kNobody) {
    return FailedPrecondition("a profile is prepared already, by {}",
                              p.user == ProfilerUser::kOptions ? "ge.exec.profilingMode" : "a call");
  }
  p.user = user;
  p.folder = fs::absolute(folder, error);
  return OkStatus();
}

Status StartProfiler() {
  Profiler& p = TheProfiler();
  std::lock_guard<std::mutex> lock(p.mutex);
  if (p.user == ProfilerUser::kNobody) return NotOpen();
  if (p.runs) return FailedPrecondition("the profile runs already\nDo: stop it first");
  p.runs = true;
  StartProfile();
  return OkStatus();
}

Status StopProfiler() {
  Profiler& p = TheProfiler();
  std::lock_guard<std::mutex> lock(p.mutex);
  if (p.user == ProfilerUser::kNobody) return NotOpen();
  if (!p.runs) return FailedPrecondition("no profile runs\nDo: start one first");
  return Stop(&p);
}

Status CloseProfiler() {
  Profiler& p = TheProfiler();
  std::lock_guard<std::mutex> lock(p.mutex);
  if (std::exchange(p.user, ProfilerUser::kNobody) == ProfilerUser::kNobody) return NotOpen();
  return p.runs ? Stop(&p) : OkStatus();
}

Result<std::string> ProfilerFolder(const OptionMap& options) {
  if (OptionOf(options, "ge.exec.profilingMode") != "1") return std::string();
  const std::string text = OptionOf(options, "ge.exec.profilingOptions");
  if (text.empty()) return std::string(".");
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const bool good = json.is_object() && (!json.contains("output") || json["output"].is_string());
  if (!good) {
    return InvalidArgument("option 'ge.exec.profilingOptions' is '{}'\nDo: choose JSON like {{\"output\": \"folder\"}}",
                           text);
  }
  return json.value("output", std::string("."));
}

}  // namespace belay
