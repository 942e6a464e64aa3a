// belay bench: latency, call overhead, load time and memory of a model; or turns with other programs over a pipe.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "commands.h"
#include "model_flags.h"
#include "trace.h"

namespace belay::tool {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kTracedRuns = 10;

struct BenchFlags : ModelFlags {
  double seconds = 3;
  int warmup = 5, callers = 1;
  bool json = false, turns = false;
  std::string trace;
};

struct Samples {
  std::vector<double> total_s, call_s;  // until synchronised; of the call alone
};

double At(std::vector<double> v, double quantile) {
  std::sort(v.begin(), v.end());
  return v[static_cast<size_t>(quantile * static_cast<double>(v.size() - 1) + 0.5)];
}

// A field of /proc/self/status, in MiB.
double ProcessMiB(const char* field) {
  std::ifstream in("/proc/self/status");
  std::string line;
  while (std::getline(in, line)) {
    if (line.compare(0, std::string(field).size(), field) == 0) {
      return std::strtod(line.c_str() + std::string(field).size() + 1, nullptr) / 1024;
    }
  }
  return 0;
}

Status RunOnce(Runner* runner, Samples* samples) {
  const auto start = Clock::now();
  BELAY_RETURN_IF_ERROR(runner->Launch());
  const auto returned = Clock::now();
  BELAY_RETURN_IF_ERROR(runner->Synchronize());
  const auto end = Clock::now();
  if (samples) {
    samples->total_s.push_back(std::chrono::duration<double>(end - start).count());
    samples->call_s.push_back(std::chrono::duration<double>(returned - start).count());
  }
  return OkStatus();
}

Status SaveOutputs(Runner* runner, const std::string& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) return InvalidArgument("{}: {}", dir, error.message());
  BELAY_TRY(std::vector<Array> outputs, runner->Outputs());
  for (size_t k = 0; k < outputs.size(); ++k) {
    BELAY_RETURN_IF_ERROR(WriteNpy(fmt::format("{}/output_{}.npy", dir, k), outputs[k]));
  }
  return OkStatus();
}

// Files in the model's order; the next run is the first with them.
Status SetInputs(const PreparedModel& model, const std::string& files) {
  std::vector<Array> arrays;
  std::istringstream names(files);
  for (const ModelInput& in : model.info.inputs) {
    std::string file;
    if (in.is_initializer) continue;
    if (!(names >> file)) return InvalidArgument("no file for input {}", in.name);
    BELAY_TRY(Array array, ReadNpy(file, in.dtype));
    arrays.push_back(std::move(array));
  }
  return model.runner->SetInputs(arrays);
}

// Answers `run N` with the seconds that N runs took, `save DIR` with `saved` and `inputs FILE.npy...` with `set`, until
// the input ends.
Status TakeTurns(const PreparedModel& model) {
  std::cout << fmt::format("ready {:.6f}", model.load_s) << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.compare(0, 4, "run ") == 0) {
      const long count = std::strtol(line.c_str() + 4, nullptr, 10);
      const auto start = Clock::now();
      for (long i = 0; i < count; ++i) BELAY_RETURN_IF_ERROR(RunOnce(model.runner.get(), nullptr));
      std::cout << fmt::format("{:.9f}",
                               std::chrono::duration<double>(Clock::now() - start).count())
                << std::endl;
    } else if (line.compare(0, 5, "save ") == 0) {
      BELAY_RETURN_IF_ERROR(SaveOutputs(model.runner.get(), line.substr(5)));
      std::cout << "saved" << std::endl;
    } else if (line.compare(0, 7, "inputs ") == 0) {
      BELAY_RETURN_IF_ERROR(SetInputs(model, line.substr(7)));
      std::cout << "set" << std::endl;
    } else if (!line.empty()) {
      std::cout << "unknown: " << line << std::endl;
    }
  }
  return OkStatus();
}

void Report(const BenchFlags& flags, const PreparedModel& model, const Samples& samples,
            double first_s, double runs_per_s) {
  const RunnerTimes& times = model.runner->times();
  nlohmann::ordered_json j;
  j["model"] = flags.model;
  j["threads"] = flags.threads;
  j["precision"] = flags.precision;
  j["callers"] = flags.callers;
  j["runs"] = samples.total_s.size();
  j["runs_per_s"] = runs_per_s;
  j["median_ms"] = At(samples.total_s, 0.5) * 1e3;
  j["p10_ms"] = At(samples.total_s, 0.1) * 1e3;
  j["p90_ms"] = At(samples.total_s, 0.9) * 1e3;
  j["call_us"] = At(samples.call_s, 0.5) * 1e6;
  j["first_ms"] = first_s * 1e3;
  j["parse_s"] = times.parse_s;
  j["compile_s"] = times.compile_s;
  j["load_s"] = times.load_s;
  j["resident_mib"] = ProcessMiB("VmRSS");
  j["peak_mib"] = ProcessMiB("VmHWM");
  if (flags.json) {
    std::cout << j.dump() << std::endl;
    return;
  }
  for (const auto& [key, value] : j.items()) {
    std::cout << fmt::format("{:<14}", key)
              << (value.is_number_float() ? fmt::format("{:.4g}", value.get<double>())
                  : value.is_string()     ? value.get<std::string>()
                  : key == "threads" && flags.threads == 0 ? std::string("all cores")
                                                           : value.dump())
              << std::endl;
  }
}

// Runs for the wanted time, at least ten times.
Status Measure(const BenchFlags& flags, Runner* runner, Samples* samples) {
  for (int i = 1; i < flags.warmup; ++i) BELAY_RETURN_IF_ERROR(RunOnce(runner, nullptr));
  const auto start = Clock::now();
  while (samples->total_s.size() < 10 || Clock::now() - start < std::chrono::duration<double>(flags.seconds)) {
    BELAY_RETURN_IF_ERROR(RunOnce(runner, samples));
  }
  return OkStatus();
}

// Each caller has a session, a stream and a thread of its own; the first is this thread. Their samples together.
Status MeasureCallers(const BenchFlags& flags, Runner* first, Samples* samples, double* runs_per_s) {
  std::vector<PreparedModel> others;
  for (int i = 1; i < flags.callers; ++i) {
    BELAY_TRY(PreparedModel model, Prepare(flags, false));
    BELAY_RETURN_IF_ERROR(RunOnce(model.runner.get(), nullptr));
    others.push_back(std::move(model));
  }
  std::vector<Samples> theirs(others.size());
  std::vector<Status> ends(others.size());
  std::vector<std::thread> threads;
  const auto start = Clock::now();
  for (size_t i = 0; i < others.size(); ++i) {
    threads.emplace_back([&, i] {
      ends[i] = EnterThread();
      if (ends[i].ok()) ends[i] = Measure(flags, others[i].runner.get(), &theirs[i]);
    });
  }
  Status end = Measure(flags, first, samples);
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  for (Status& status : ends) BELAY_RETURN_IF_ERROR(std::move(status));
  BELAY_RETURN_IF_ERROR(std::move(end));
  for (const Samples& s : theirs) {
    samples->total_s.insert(samples->total_s.end(), s.total_s.begin(), s.total_s.end());
    samples->call_s.insert(samples->call_s.end(), s.call_s.begin(), s.call_s.end());
  }
  *runs_per_s = static_cast<double>(samples->total_s.size()) / seconds;
  return OkStatus();
}

Status Bench(const BenchFlags& flags) {
  BELAY_TRY(PreparedModel model, Prepare(flags, !flags.turns && !flags.json));
  if (flags.turns) return TakeTurns(model);
  Samples first, samples;
  double runs_per_s = 0;
  BELAY_RETURN_IF_ERROR(RunOnce(model.runner.get(), &first));
  BELAY_RETURN_IF_ERROR(MeasureCallers(flags, model.runner.get(), &samples, &runs_per_s));
  Report(flags, model, samples, first.total_s[0], runs_per_s);
  if (!flags.trace.empty()) BELAY_RETURN_IF_ERROR(WriteTrace(kTracedRuns, flags.trace, model.runner.get()));
  model.runner.reset();
  FinalizeEngine();
  return OkStatus();
}

}  // namespace

void AddBench(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("bench", "measure a model");
  auto flags = std::make_shared<BenchFlags>();
  flags->Add(command);
  command->add_option("--seconds", flags->seconds, "how long to measure; at least 10 runs")
      ->capture_default_str();
  command->add_option("--warmup", flags->warmup, "runs before measuring")->capture_default_str();
  command->add_option("--callers", flags->callers, "sessions that run at the same time, each from a thread of its own")
      ->capture_default_str()->check(CLI::Range(1, 1024));
  command->add_flag("--json", flags->json, "one line of JSON");
  command->add_option("--trace", flags->trace,
                      "write what ten more runs did, for browsers' trace viewers");
  command->add_flag("--turns", flags->turns, "answer `run N`, `save DIR` and `inputs FILE.npy...` on stdin");
  command->callback([=] {
    Status status = Bench(*flags);
    if (!status.ok()) *exit_code = Fail(status);
  });
}

}  // namespace belay::tool
