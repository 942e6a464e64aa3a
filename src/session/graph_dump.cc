#include "session/graph_dump.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/error_report.h"
#include "session/option_values.h"
#include "session/plan_model.h"

namespace belay {
namespace {

constexpr int kAllWithSubgraphs = 1, kLastOnly = 3, kFirstOnly = 4;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// A digit from 1 to `most`; `otherwise`, with a warning, for anything else.
int DigitOf(const char* name, int most, int otherwise) {
  const std::string value = Environment(name);
  if (value.empty()) return otherwise;
  if (value.size() == 1 && value[0] >= '1' && value[0] <= '0' + most) return value[0] - '0';
  const std::string instead = otherwise ? fmt::format("{} is used", otherwise) : "no graph is dumped";
  ReportWarning(fmt::format("{} is '{}', but takes 1 to {}: {}", name, value, most, instead));
  return otherwise;
}

std::string DeviceOf(const OptionMap& options) {
  for (const char* key : {"ge.session_device_id", "ge.exec.deviceId"}) {
    const std::string device = OptionOf(options, key);
    if (!device.empty() && device != "-1") return device;
  }
  return "0";
}

std::filesystem::path FolderOf(const OptionMap& options) {
  for (const char* name : {"DUMP_GRAPH_PATH", "ASCEND_WORK_PATH"}) {
    const std::string folder = Environment(name);
    if (!folder.empty()) {
      return std::filesystem::path(folder) / fmt::format("pid_{}_deviceid_{}", getpid(), DeviceOf(options));
    }
  }
  return ".";
}

int64_t LimitOf(const OptionMap& options, const char* key) {
  Result<int64_t> limit = ParseBytes(OptionOf(options, key));
  return limit.ok() ? *limit : 0;
}

std::string FileName(std::string text) {
  for (char& c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') c = '_';
  }
  return text.substr(0, 100);
}

const char* NameOf(DumpStage stage) {
  static const char* const kNames[] = {"PreRunBegin", "PreRunAfterInferShape", "Build"};
  return kNames[static_cast<int>(stage)];
}

// Numbers the files of a process in the order they were made.
std::atomic<int> next_number{0};

}  // namespace

std::shared_ptr<GraphDump> GraphDump::Make(uint32_t graph_id, const OptionMap& options) {
  const int content = Environment("DUMP_GE_GRAPH") == "0" ? 0 : DigitOf("DUMP_GE_GRAPH", 3, 0);
  if (content == 0) return nullptr;
  std::shared_ptr<GraphDump> dump(new GraphDump);
  dump->detail_ = static_cast<ModelDetail>(content - 1);
  dump->level_ = DigitOf("DUMP_GRAPH_LEVEL", 4, 2);
  dump->graph_id_ = graph_id;
  dump->folder_ = FolderOf(options);
  dump->max_files_ = LimitOf(options, "ge.maxDumpFileNum");
  dump->max_bytes_ = LimitOf(options, "ge.maxDumpFileSize");
  dump->max_nodes_ = LimitOf(options, "ge.maxDumpOpNum");
  std::error_code error;
  std::filesystem::create_directories(dump->folder_, error);
  if (error) dump->GiveUp(fmt::format("'{}' cannot be made: {}", dump->folder_.string(), error.message()));
  return dump;
}

void GraphDump::GiveUp(const std::string& why) {
  if (ended_.exchange(true)) return;
  ReportWarning(fmt::format("graph {} is dumped no further: {}", graph_id_, why));
}

bool GraphDump::Wants(DumpStage stage) const {
  if (level_ == kLastOnly) return stage == DumpStage::kBuild;
  return level_ != kFirstOnly || stage == DumpStage::kBegin;
}

void GraphDump::Write(DumpStage stage, const ModelGraph& model) {
  if (!Wants(stage)) return;
  WriteOne(NameOf(stage), model);
  if (level_ == kAllWithSubgraphs) WriteSubgraphs(NameOf(stage), model);
}

void GraphDump::WriteSubgraphs(const std::string& stage, const ModelGraph& model) {
  for (const ModelNode& node : model.nodes) {
    for (const auto& [name, graphs] : node.subgraphs) {
      for (const auto& sub : graphs) {
        WriteOne(stage + "_sub_graph_" + FileName(node.name + "_" + name), *sub);
        WriteSubgraphs(stage, *sub);
      }
    }
  }
}

void GraphDump::WritePlan(const std::string& name, const Plan& plan) {
  if (Wants(DumpStage::kBuild)) Write(DumpStage::kBuild, *ModelOfPlan(name, plan));
}

void GraphDump::WriteOne(const std::string& stage, const ModelGraph& model) {
  if (ended_) return;
  if (max_nodes_ > 0 && model.nodes.size() > static_cast<size_t>(max_nodes_)) {
    return GiveUp(fmt::format("it has {} nodes, but ge.maxDumpOpNum is {}", model.nodes.size(), max_nodes_));
  }
  const std::string tail = fmt::format("{:08}_graph_{}_{}", next_number++, graph_id_, stage);
  WriteFile("ge_proto_" + tail + ".txt", GeModelText(model, detail_));
  WriteFile("ge_onnx_" + tail + ".pbtxt", OnnxModelText(model, detail_));
}

void GraphDump::WriteJson(const std::string& json) {
  if (!Wants(DumpStage::kBuild)) return;
  WriteFile(fmt::format("ge_belay_{:08}_graph_{}_Build.json", next_number++, graph_id_), json);
}

void GraphDump::WriteFile(const std::string& file, const std::string& text) {
  if (ended_) return;
  if (max_bytes_ > 0 && text.size() > static_cast<size_t>(max_bytes_)) {
    ReportWarning(fmt::format("{} is left out: it has {} bytes, but ge.maxDumpFileSize is {}", file, text.size(),
                              max_bytes_));
    return;
  }
  if (max_files_ > 0 && files_ >= max_files_) {
    return GiveUp(fmt::format("ge.maxDumpFileNum allows {} files", max_files_));
  }
  ++files_;
  const std::filesystem::path path = folder_ / file;
  errno = 0;
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) GiveUp(fmt::format("'{}' cannot be written: {}", path.string(), std::strerror(errno)));
}

}  // namespace belay
