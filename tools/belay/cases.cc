// belay cases: every DIR/KIND/CASE/model.onnx on its test data, each case in a process of its own.
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>

#include "commands.h"
#include "pb.h"
#include "runner.h"

namespace belay::tool {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct CasesFlags {
  std::string dir, out, only = "*";
  double timeout_s = 60;
  int jobs = 0;
  bool dynamic = false;
};

struct Case {
  std::string label;  // KIND/CASE
  fs::path in, out;
  bool dynamic = false;  // extents that the model leaves open stay open
};

std::vector<Case> FindCases(const CasesFlags& flags) {
  std::vector<Case> cases;
  std::error_code error;
  for (const auto& kind : fs::directory_iterator(flags.dir, error)) {
    if (!kind.is_directory()) continue;
    for (const auto& entry : fs::directory_iterator(kind.path(), error)) {
      if (!fs::exists(entry.path() / "model.onnx")) continue;
      const std::string name = entry.path().filename(),
                        label = kind.path().filename().string() + "/" + name;
      const char* glob = flags.only.c_str();
      if (fnmatch(glob, name.c_str(), 0) != 0 && fnmatch(glob, label.c_str(), 0) != 0) continue;
      cases.push_back({label, entry.path(), fs::path(flags.out) / label, flags.dynamic});
    }
  }
  std::sort(cases.begin(), cases.end(),
            [](const Case& a, const Case& b) { return a.label < b.label; });
  return cases;
}

std::vector<fs::path> DataSets(const fs::path& dir) {
  std::vector<fs::path> sets;
  for (int n = 0;; ++n) {
    fs::path set = dir / fmt::format("test_data_set_{}", n);
    if (!fs::is_directory(set)) return sets;
    sets.push_back(std::move(set));
  }
}

// What one data set feeds. An initializer is fed where a file stands for it and says something else.
struct CaseInputs {
  std::vector<Array> arrays;
  std::map<std::string, std::vector<int64_t>> shapes;
  std::set<std::string> fed_initializers;
};

Result<CaseInputs> LoadInputs(const std::string& model, const ModelInfo& info, const fs::path& set) {
  CaseInputs inputs;
  for (size_t m = 0; m < info.inputs.size(); ++m) {
    const ModelInput& in = info.inputs[m];
    const fs::path file = set / fmt::format("input_{}.pb", m);
    if (!fs::exists(file)) {
      if (in.is_initializer) continue;
      return NotFound("{} is missing", file.string());
    }
    if (in.kind == ValueKind::kOther) return NotSupported("input '{}' is no tensor, sequence or optional", in.name);
    BELAY_TRY(Array array, ReadValuePb(file, in.kind));
    if (in.kind != ValueKind::kTensor) {
      inputs.arrays.push_back(std::move(array));
      continue;
    }
    if (in.is_initializer) {
      Result<Array> value = ReadInitializer(model, in.name);
      if (value.ok() && value->data == array.data && value->dims == array.dims) continue;
      inputs.fed_initializers.insert(in.name);
    }
    if (array.dtype != in.dtype) {
      return InvalidArgument("input '{}' is {}, but the model takes {}", in.name,
                             DTypeName(array.dtype), DTypeName(in.dtype));
    }
    inputs.shapes[in.name] = array.dims;
    inputs.arrays.push_back(std::move(array));
  }
  return inputs;
}

Result<std::unique_ptr<Runner>> MakeRunner(const std::string& model, const ModelInfo& info,
                                           const CaseInputs& inputs, bool dynamic) {
  RunnerOptions options;
  if (!dynamic) options.shapes = inputs.shapes;
  if (inputs.fed_initializers.empty())
    return Runner::Make(model, false, info.outputs.size(), options);
  BELAY_TRY(std::string bytes, WithoutInitializers(model, inputs.fed_initializers));
  return Runner::Make(bytes, true, info.outputs.size(), options);
}

Status RunCase(const Case& c) {
  const std::string model = c.in / "model.onnx";
  BELAY_TRY(ModelInfo info, ReadModelInfo(model));
  for (const ModelOutput& out : info.outputs) {
    if (out.kind == ValueKind::kOther) return NotSupported("output '{}' is no tensor, sequence or optional", out.name);
  }
  BELAY_RETURN_IF_ERROR(InitializeEngine(0));
  std::unique_ptr<Runner> runner;
  CaseInputs last;
  for (const fs::path& set : DataSets(c.in)) {
    BELAY_TRY(CaseInputs inputs, LoadInputs(model, info, set));
    if (!runner || (!c.dynamic && inputs.shapes != last.shapes) ||
        inputs.fed_initializers != last.fed_initializers) {
      BELAY_TRY(runner, MakeRunner(model, info, inputs, c.dynamic));
    }
    BELAY_RETURN_IF_ERROR(runner->SetInputs(inputs.arrays));
    BELAY_RETURN_IF_ERROR(runner->Launch());
    BELAY_RETURN_IF_ERROR(runner->Synchronize());
    BELAY_TRY(std::vector<Array> outputs, runner->Outputs());
    const fs::path out = c.out / set.filename();
    fs::create_directories(out);
    for (size_t k = 0; k < outputs.size(); ++k) {
      BELAY_RETURN_IF_ERROR(
          WriteValuePb(out / fmt::format("output_{}.pb", k), info.outputs[k], outputs[k]));
    }
    last = std::move(inputs);
  }
  return OkStatus();
}

// Removes what an earlier call left, and nothing else.
void CleanOutput(const Case& c) {
  std::error_code error;
  fs::remove(c.out / "error.txt", error);
  fs::remove(c.out / "stderr.txt", error);
  for (const fs::path& set : DataSets(c.out)) {
    for (int k = 0; fs::remove(set / fmt::format("output_{}.pb", k), error); ++k) {
    }
    fs::remove(set, error);
  }
}

[[noreturn]] void ChildMain(const Case& c) {
  const rlimit no_core = {0, 0};
  (void)setrlimit(RLIMIT_CORE, &no_core);
  const int log =
      open((c.out / "stderr.txt").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (log >= 0) {
    dup2(log, STDERR_FILENO);
    dup2(log, STDOUT_FILENO);
  }
  int code = 0;
  try {
    Status status = RunCase(c);
    if (!status.ok()) {
      CleanOutput(c);
      std::string text = "refused: " + status.message() + "\n";
      code = WriteFile(c.out / "error.txt", text).ok() ? 1 : 2;
    }
  } catch (const std::exception& e) {
    code = WriteFile(c.out / "error.txt", std::string("refused: ") + e.what() + "\n").ok() ? 1 : 2;
  }
  std::fflush(nullptr);
  _exit(code);
}

struct Totals {
  int ran = 0, refused = 0, crashed = 0, timed_out = 0;
};

struct Child {
  const Case* c = nullptr;
  Clock::time_point deadline;
  bool killed = false;
};

void WriteError(const Case& c, const std::string& text) {
  std::error_code error;
  fs::create_directories(c.out, error);
  Status status = WriteFile(c.out / "error.txt", text + "\n");
  if (!status.ok()) std::fprintf(stderr, "belay: %s\n", status.ToString().c_str());
}

void Finish(const Child& child, int status, Totals* totals) {
  std::error_code error;
  const fs::path log = child.c->out / "stderr.txt";
  if (fs::exists(log, error) && fs::file_size(log, error) == 0) fs::remove(log, error);
  if (!child.killed && WIFEXITED(status) && WEXITSTATUS(status) < 2) {
    ++(WEXITSTATUS(status) == 0 ? totals->ran : totals->refused);
    return;
  }
  std::string text;
  if (child.killed) {
    text = "timed out";
    ++totals->timed_out;
  } else {
    text = WIFSIGNALED(status) ? fmt::format("crashed: signal {}", WTERMSIG(status))
                               : fmt::format("crashed: exit status {}", WEXITSTATUS(status));
    ++totals->crashed;
  }
  WriteError(*child.c, text);
  std::printf("%s: %s\n", child.c->label.c_str(), text.c_str());
}

class Supervisor {
 public:
  explicit Supervisor(const CasesFlags& flags) : flags_(flags) {}

  void Start(const Case& c) {
    CleanOutput(c);
    std::error_code error;
    fs::create_directories(c.out, error);
    std::fflush(nullptr);
    const pid_t pid = fork();
    if (pid == 0) ChildMain(c);
    if (pid < 0) {
      WriteError(c, fmt::format("refused: no process could be started: {}", std::strerror(errno)));
      ++totals_.refused;
      return;
    }
    const auto limit = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(flags_.timeout_s));
    children_[pid] = {&c, Clock::now() + limit, false};
  }

  // Returns when fewer than `most` are running.
  void WaitBelow(size_t most) {
    while (children_.size() >= most && !children_.empty()) {
      if (!Reap()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  const Totals& totals() const { return totals_; }

 private:
  bool Reap() {
    bool any = false;
    for (auto it = children_.begin(); it != children_.end();) {
      int status = 0;
      const pid_t done = waitpid(it->first, &status, WNOHANG);
      if (done == 0) {
        if (!it->second.killed && Clock::now() > it->second.deadline) {
          kill(it->first, SIGKILL);
          it->second.killed = true;
        }
        ++it;
        continue;
      }
      Finish(it->second, status, &totals_);
      it = children_.erase(it);
      any = true;
    }
    return any;
  }

  const CasesFlags& flags_;
  Totals totals_;
  std::map<pid_t, Child> children_;
};

int RunCases(const CasesFlags& flags) {
  const std::vector<Case> cases = FindCases(flags);
  if (cases.empty()) {
    std::fprintf(stderr, "belay: %s holds no case %s\n", flags.dir.c_str(), flags.only.c_str());
    return 1;
  }
  const size_t jobs = flags.jobs > 0 ? static_cast<size_t>(flags.jobs)
                                     : std::max(1u, std::thread::hardware_concurrency());
  if (jobs > 1) setenv("BELAY_THREADS", "1", 0);
  Supervisor supervisor(flags);
  for (const Case& c : cases) {
    supervisor.WaitBelow(jobs);
    supervisor.Start(c);
  }
  supervisor.WaitBelow(1);
  const Totals& t = supervisor.totals();
  std::printf("%zu cases: %d ran, %d refused, %d crashed, %d timed out\n", cases.size(), t.ran,
              t.refused, t.crashed, t.timed_out);
  return 0;
}

}  // namespace

void AddCases(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("cases", "run ONNX conformance cases");
  auto flags = std::make_shared<CasesFlags>();
  command->add_option("dir", flags->dir, "holds KIND/CASE/model.onnx")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_option("out", flags->out, "gets KIND/CASE/test_data_set_N/output_M.pb or error.txt")
      ->required();
  command->add_option("--only", flags->only, "a glob over CASE or KIND/CASE");
  command->add_option("--timeout", flags->timeout_s, "seconds for each case")
      ->check(CLI::PositiveNumber);
  command->add_option("--jobs", flags->jobs, "cases at once; all cores where not given")
      ->check(CLI::PositiveNumber);
  command->add_flag("--dynamic", flags->dynamic, "keep open extents open");
  command->callback([=] { *exit_code = RunCases(*flags); });
}

}  // namespace belay::tool
