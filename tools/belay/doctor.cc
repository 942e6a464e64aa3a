// belay doctor: what Belay found on this machine, one line per finding.
#include <dlfcn.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <protozero/pbf_writer.hpp>

#include "backend/cpu/build_cache.h"
#include "backend/cpu/target.h"
#include "base/thread_pool.h"
#include "commands.h"
#include "graph/op_record.h"
#include "runner.h"

extern char** environ;

namespace belay::tool {
namespace {

void Say(const char* level, const std::string& text) {
  std::printf("%-5s %s\n", level, text.c_str());
}

// The value behind "KEY   :" in a file of /proc.
std::string ProcField(const char* file, const char* key) {
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    if (line.compare(0, std::strlen(key), key) != 0) continue;
    const size_t colon = line.find(':');
    const size_t start = line.find_first_not_of(" \t", colon + 1);
    return colon == std::string::npos || start == std::string::npos ? "" : line.substr(start);
  }
  return "";
}

void SayCpu() {
  const std::string model = ProcField("/proc/cpuinfo", "model name");
  Say("ok", "cpu: " + (model.empty() ? "unnamed" : model));
  const TargetRow& row = HostTargetRow();
  std::string rows;
  for (const TargetRow& r : TargetRows()) {
    if (HostRuns(r)) rows += (rows.empty() ? "" : ", ") + std::string(r.name);
  }
  Say("ok", fmt::format("kernels: generated for {} ({}-byte registers{}{}); this machine runs {}",
                        row.name, row.vector_bytes, row.bf16_dot ? ", bf16 dot products" : "",
                        row.amx ? ", AMX" : "", rows));
  const char* forced = std::getenv("BELAY_CPU");
  if (forced && std::strcmp(forced, row.name) != 0) {
    Say("note", fmt::format("BELAY_CPU={} is not followed: unknown, or this machine cannot run it",
                            forced));
  }
}

void SayCores() {
  cpu_set_t set;
  const int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
  std::string quota = "no quota";
  std::ifstream in("/sys/fs/cgroup/cpu.max");
  std::string text;
  if (std::getline(in, text) && text.compare(0, 3, "max") != 0) quota = "quota " + text;
  Say("ok", fmt::format("threads: {} compute threads; {} cores online, {} allowed, {}",
                        ThreadCount(), sysconf(_SC_NPROCESSORS_ONLN), allowed, quota));
}

void SayMemory() {
  Say("ok", fmt::format("memory: {} available of {}", ProcField("/proc/meminfo", "MemAvailable"),
                        ProcField("/proc/meminfo", "MemTotal")));
}

void SayEnvironment() {
  for (char** e = environ; *e; ++e) {
    const std::string entry = *e;
    if (entry.compare(0, 6, "BELAY_") == 0 || entry.compare(0, 7, "ASCEND_") == 0)
      Say("ok", "environment: " + entry);
  }
}

void SayLibraries() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&FindOpRecord), &info) && info.dli_fname) {
    Say("ok", std::string("engine: ") + info.dli_fname);
  }
  int computing = 0;
  for (const OpRecord* record : AllOpRecords()) computing += record->computes ? 1 : 0;
  Say("ok", fmt::format("operators: {} declared, {} computing", AllPrototypes().size(), computing));
}

void SayCache() {
  const CodeCacheState state = InspectCodeCache({});
  const std::string where = state.dir.empty() ? "" : " in " + state.dir;
  if (!state.problem.empty()) {
    return Say("note", fmt::format("cache: kernels are not kept{}: {}", where, state.problem));
  }
  constexpr double kMib = 1 << 20;
  Say("ok", fmt::format("cache: {} kernels{}, {:.1f} MiB", state.files, where,
                        static_cast<double>(state.bytes) / kMib));
  if (state.constants == 0) return;
  Say("ok", fmt::format("cache: {} constants{}, {:.1f} MiB", state.constants, where,
                        static_cast<double>(state.constant_bytes) / kMib));
}

// z = x + y on f32[4].
std::string AddModel() {
  using protozero::pbf_writer;
  const auto value = [](const char* name) {
    std::string dim, shape, tensor, type, info;
    pbf_writer(dim).add_int64(1, 4);
    pbf_writer(shape).add_message(1, dim);
    pbf_writer tensor_writer(tensor);
    tensor_writer.add_int32(1, 1);
    tensor_writer.add_message(2, shape);
    pbf_writer(type).add_message(1, tensor);
    pbf_writer info_writer(info);
    info_writer.add_string(1, name);
    info_writer.add_message(2, type);
    return info;
  };
  std::string node, graph, opset, model;
  pbf_writer n(node);
  n.add_string(1, "x");
  n.add_string(1, "y");
  n.add_string(2, "z");
  n.add_string(4, "Add");
  pbf_writer g(graph);
  g.add_message(1, node);
  g.add_message(11, value("x"));
  g.add_message(11, value("y"));
  g.add_message(12, value("z"));
  pbf_writer(opset).add_int64(2, 13);
  pbf_writer m(model);
  m.add_int64(1, 8);
  m.add_message(7, graph);
  m.add_message(8, opset);
  return model;
}

Status SelfTest() {
  BELAY_RETURN_IF_ERROR(InitializeEngine(0));
  BELAY_TRY(std::unique_ptr<Runner> runner, Runner::Make(AddModel(), true, 1, {}));
  const Array x = Random(DType::kF32, {4}, 1), y = Random(DType::kF32, {4}, 2);
  BELAY_RETURN_IF_ERROR(runner->SetInputs({x, y}));
  BELAY_RETURN_IF_ERROR(runner->Launch());
  BELAY_RETURN_IF_ERROR(runner->Synchronize());
  BELAY_TRY(std::vector<Array> outputs, runner->Outputs());
  float a[4], b[4], z[4];
  if (outputs.size() != 1 || outputs[0].data.size() != sizeof z)
    return Internal("the sum has a wrong shape");
  std::memcpy(a, x.data.data(), sizeof a);
  std::memcpy(b, y.data.data(), sizeof b);
  std::memcpy(z, outputs[0].data.data(), sizeof z);
  for (int i = 0; i < 4; ++i) {
    if (z[i] != a[i] + b[i])
      return Internal("element {} of the sum is {}, not {}", i, z[i], a[i] + b[i]);
  }
  runner.reset();
  FinalizeEngine();
  return OkStatus();
}

int Doctor() {
  SayCpu();
  SayCores();
  SayMemory();
  SayEnvironment();
  SayLibraries();
  SayCache();
  std::fflush(stdout);
  Status status = SelfTest();
  Say(status.ok() ? "ok" : "fail",
      "self-test: " + (status.ok() ? std::string("an addition compiled and ran on a stream")
                                   : status.ToString()));
  return status.ok() ? 0 : 1;
}

}  // namespace

void AddDoctor(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("doctor", "say what was found on this machine");
  command->callback([=] { *exit_code = Doctor(); });
}

}  // namespace belay::tool
