#include "execute/trace.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace belay {
namespace {

using nlohmann::ordered_json;

ordered_json ArgsOf(const StepRecord& r) {
  ordered_json args = ordered_json::object();
  if (r.step < 0) return args;
  args["step"] = r.step;
  if (!r.about.empty()) args["kernel"] = r.about;
  args["nodes"] = r.nodes;
  if (!r.note.empty()) args["note"] = r.note;
  args["bytes"] = r.bytes;
  const double ns = static_cast<double>(r.end_ns - r.start_ns);
  if (r.flops > 0) args["flops"] = r.flops;
  if (r.flops > 0 && ns > 0) args["GFLOP/s"] = r.flops / ns;
  return args;
}

}  // namespace

std::string TraceJson(const std::vector<StepRecord>& records) {
  const int pid = static_cast<int>(getpid());
  ordered_json events = ordered_json::array();
  events.push_back({{"ph", "M"}, {"name", "process_name"}, {"pid", pid}, {"args", {{"name", "Belay"}}}});
  std::set<int> threads;
  int64_t origin = INT64_MAX;
  for (const StepRecord& r : records) {
    threads.insert(r.thread);
    origin = std::min(origin, r.start_ns);
  }
  for (int thread : threads) {
    const std::string name = fmt::format("stream thread {}", thread);
    events.push_back(
        {{"ph", "M"}, {"name", "thread_name"}, {"pid", pid}, {"tid", thread}, {"args", {{"name", name}}}});
  }
  for (const StepRecord& r : records) {
    events.push_back({{"ph", "X"},
                      {"name", r.name.empty() ? "step" : r.name},
                      {"cat", r.step < 0 ? "run" : "step"},
                      {"ts", static_cast<double>(r.start_ns - origin) * 1e-3},
                      {"dur", static_cast<double>(r.end_ns - r.start_ns) * 1e-3},
                      {"pid", pid},
                      {"tid", r.thread},
                      {"args", ArgsOf(r)}});
  }
  const ordered_json trace{{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}};
  return trace.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace belay
