// What a session owns: options, graphs by id, and the state of each.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backend/stream.h"
#include "base/status.h"
#include "execute/tensor_view.h"

namespace belay {

class LoadedGraph;
class ModelGraph;

using OptionMap = std::map<std::string, std::string>;
// Reads the user's graph as it is at the time of the call.
using ModelSource = std::function<Result<std::shared_ptr<ModelGraph>>()>;

// Messages of the state machine end with "\nDo: ..." where one call mends it.
class Session {
 public:
  explicit Session(uint64_t id, OptionMap options) : id_(id), options_(std::move(options)) {}

  uint64_t id() const { return id_; }
  // A repeated id is ignored.
  Status AddGraph(uint32_t graph_id, std::string name, ModelSource source, OptionMap options);
  bool HasGraph(uint32_t graph_id);
  Status CompileGraph(uint32_t graph_id);
  Status LoadGraph(uint32_t graph_id, const OptionMap& options, const std::shared_ptr<Stream>& stream);
  // Enqueues one run on `stream`; see LoadedGraph::Execute.
  Status Execute(uint32_t graph_id, const std::shared_ptr<Stream>& stream, const std::vector<TensorView>& inputs,
                 std::vector<TensorView>& outputs);
  // Compiles and loads at the first call, runs, waits. Inputs may lie anywhere; outputs come back in memory
  // of AllocateMemory that the caller frees.
  Status Run(uint32_t graph_id, const std::vector<TensorView>& inputs, std::vector<TensorView>* outputs);
  // Runs in flight finish first; their memory lives until then.
  Status RemoveGraph(uint32_t graph_id);

  struct GraphEntry;

 private:
  Result<std::shared_ptr<GraphEntry>> Find(uint32_t graph_id);

  const uint64_t id_;
  const OptionMap options_;
  std::mutex mutex_;  // guards graphs_
  std::map<uint32_t, std::shared_ptr<GraphEntry>> graphs_;
  std::mutex compile_mutex_;  // one graph of a session compiles at a time
};

}  // namespace belay
