// DUMP_GE_GRAPH, DUMP_GRAPH_LEVEL and DUMP_GRAPH_PATH: graphs as files while they are compiled (docs/inspection.md).
#pragma once
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "graph/model_text.h"
#include "plan/plan.h"
#include "session/options.h"

namespace belay {

enum class DumpStage : uint8_t {
  kBegin,     // the user's graph
  kInferred,  // after the graph's options and inference
  kBuild,     // what runs
};

// What goes wrong with a dump leaves a warning and ends it; compiling goes on. Calls come from any thread.
class GraphDump {
 public:
  // From the environment as it is now; null where it asks for no dumps. options: of the graph.
  static std::shared_ptr<GraphDump> Make(uint32_t graph_id, const OptionMap& options);

  // GE's and ONNX's form, if the level asks for the stage.
  void Write(DumpStage stage, const ModelGraph& model);
  void WritePlan(const std::string& name, const Plan& plan);
  // The whole as JSON, for `belay view`.
  void WriteJson(const std::string& json);

 private:
  GraphDump() = default;
  bool Wants(DumpStage stage) const;
  void WriteOne(const std::string& stage, const ModelGraph& model);
  void WriteSubgraphs(const std::string& stage, const ModelGraph& model);
  void WriteFile(const std::string& file, const std::string& text);
  void GiveUp(const std::string& why);

  ModelDetail detail_ = ModelDetail::kFull;
  int level_ = 2;
  uint32_t graph_id_ = 0;
  std::filesystem::path folder_;
  int64_t max_files_ = 0, max_bytes_ = 0, max_nodes_ = 0;  // 0: no limit
  std::atomic<int64_t> files_{0};
  std::atomic<bool> ended_{false};
};

}  // namespace belay
