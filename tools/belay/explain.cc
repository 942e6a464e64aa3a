// belay explain: what a model became: its steps in order, with time, work and the reason why each ends where it does.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "measure.h"
#include "model_flags.h"
#include "peak.h"
#include "plan/constants.h"

namespace belay::tool {
namespace {

struct ExplainFlags : ModelFlags {
  int runs = 20;
  bool by_time = false, memory = false, json = false;
};

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

std::string RateText(const StepRow& row, double peak) {
  if (row.record.flops <= 0 || row.median_s <= 0) return fmt::format("{:>8} {:>5}", "", "");
  const double gflops = row.record.flops / row.median_s * 1e-9;
  return fmt::format("{:>8.1f} {:>5}", gflops, peak > 0 ? fmt::format("{:.0f}%", 100 * gflops / peak) : "");
}

void Print(const std::vector<StepRow>& rows, double peak) {
  double total = 0, flops = 0;
  for (const StepRow& row : rows) {
    if (row.record.depth == 0) total += row.median_s;
    flops += row.record.flops;
  }
  std::printf("%5s %10s %6s %8s %5s %9s %7s  %s\n", "step", "us", "share", "GFLOP/s", "peak", "KiB", "GB/s",
              "kernel; nodes; why it ends here");
  for (const StepRow& row : rows) {
    const StepRecord& r = row.record;
    const double rate = row.median_s > 0 ? static_cast<double>(r.bytes) / row.median_s * 1e-9 : 0;
    std::printf("%5s %10.1f %5.1f%% %s %9.1f %7.1f  %s\n",
                fmt::format("{}{}", std::string(static_cast<size_t>(r.depth), '.'), r.step).c_str(), row.median_s * 1e6,
                100 * row.median_s / total, RateText(row, peak).c_str(), static_cast<double>(r.bytes) / 1024, rate,
                fmt::format("[{}] {}; {}", r.about.empty() ? "copy or call" : r.about,
                            r.nodes.empty() ? r.name : Joined(r.nodes), r.note).c_str());
  }
  std::printf("total %10.1f us, %.3f GFLOP", total * 1e6, flops * 1e-9);
  if (total > 0 && flops > 0) std::printf(", %.1f GFLOP/s", flops / total * 1e-9);
  if (peak > 0) std::printf("; one core's measured f32 peak is %.1f GFLOP/s", peak);
  std::printf("\n");
}

void PrintJson(const std::vector<StepRow>& rows, double peak) {
  nlohmann::ordered_json all;
  all["peak_gflops_of_one_core"] = peak;
  for (const StepRow& row : rows) {
    const StepRecord& r = row.record;
    all["steps"].push_back({{"step", r.step}, {"depth", r.depth}, {"us", row.median_s * 1e6}, {"flops", r.flops},
                            {"bytes", r.bytes}, {"kernel", r.about}, {"name", r.name}, {"nodes", r.nodes},
                            {"note", r.note}});
  }
  std::printf("%s\n", all.dump().c_str());
}

double ResidentMiB() {
  std::ifstream in("/proc/self/statm");
  double size = 0, resident = 0;
  in >> size >> resident;
  return resident * 4096 / (1 << 20);
}

void PrintMemory(double before) {
  const ConstantUse use = CountConstants();
  const double mib = 1 << 20, now = ResidentMiB();
  const double plain = static_cast<double>(use.plain_bytes) / mib, packed = static_cast<double>(use.packed_bytes) / mib;
  std::printf("memory, MiB\n");
  std::printf("%10.1f  resident; %.1f before the model was read\n", now, before);
  std::printf("%10.1f  %zu constants as the model has them\n", plain, use.plain);
  std::printf("%10.1f  %zu constants in the order of their kernels\n", packed, use.packed);
  std::printf("%10.1f  of these two in files of the cache, shared with all processes that map them\n",
              static_cast<double>(use.mapped_bytes) / mib);
  std::printf("%10.1f  everything else: the graph, generated code, buffers of runs, the allocator's slack\n",
              now - before - plain - packed);
}

Status Explain(const ExplainFlags& flags) {
  const double before = ResidentMiB();
  BELAY_TRY(PreparedModel model, Prepare(flags, !flags.json));
  BELAY_TRY(Measured measured, MeasureSteps(flags.runs, model.runner.get()));
  std::vector<StepRow>& rows = measured.rows;
  if (flags.memory) {
    PrintMemory(before);
  } else {
    if (flags.by_time) {
      std::stable_sort(rows.begin(), rows.end(),
                       [](const StepRow& a, const StepRow& b) { return a.median_s > b.median_s; });
    }
    const double peak = MeasurePeakGflops();
    flags.json ? PrintJson(rows, peak) : Print(rows, peak);
  }
  model.runner.reset();
  FinalizeEngine();
  return OkStatus();
}

}  // namespace

void AddExplain(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("explain", "the steps a model became, their times and reasons");
  auto flags = std::make_shared<ExplainFlags>();
  flags->Add(command);
  command->add_option("--runs", flags->runs, "runs to take the median of")->capture_default_str()->check(
      CLI::PositiveNumber);
  command->add_flag("--by-time", flags->by_time, "the slowest step first");
  command->add_flag("--memory", flags->memory, "where the memory goes, instead of the steps");
  command->add_flag("--json", flags->json, "one line of JSON");
  command->callback([=] {
    Status status = Explain(*flags);
    if (!status.ok()) *exit_code = Fail(status);
  });
}

}  // namespace belay::tool
