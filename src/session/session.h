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
#include "session/options.h"
#include "session/variables.h"

namespace belay {

class LoadedGraph;
class ModelGraph;
class AsyncWorker;

// Reads the user's graph as it is at the time of the call.
using ModelSource = std::function<Result<std::shared_ptr<ModelGraph>>()>;
// What a source reads, for Origins, and what is held as long as a session has the graph.
struct GraphOrigin {
  std::shared_ptr<void> graph, claim;
};

// What is known of a compiled graph; sizes and outputs of static ones only.
struct GraphFacts {
  std::string name;
  std::vector<std::string> stream_texts;  // by variant compiled so far: what runs on which stream
  bool is_static = false;
  size_t const_bytes = 0, feature_bytes = 0;
  bool refreshable = false;  // ge.featureBaseRefreshable
  std::vector<std::vector<int64_t>> output_dims;
  std::vector<DType> output_dtypes;
  std::vector<std::pair<uint32_t, uint32_t>> shared_io;  // input and output in one memory
};

// What Run tells of a graph beside its results. Names of outputs: those behind the graph's own, which its Summary nodes
// read; or all of them, where a graph only reads variables.
struct Notices {
  std::vector<std::string> summaries, saves;
};

// What a caller says of an input before any run; an undefined dtype is not checked.
struct InputDesc {
  DType dtype = DType::kUndefined;
  std::vector<int64_t> dims;
};

// Messages of the state machine end with "\nDo: ..." where one call mends it.
class Session {
 public:
  struct GraphEntry;

  // options: checked, those of the engine included.
  explicit Session(uint64_t id, OptionMap options) : id_(id), options_(std::move(options)) {}

  ~Session();

  uint64_t id() const { return id_; }
  // A repeated id is ignored.
  Status AddGraph(uint32_t graph_id, std::string name, ModelSource source, const OptionMap& options,
                  GraphOrigin origin = {});
  // Refuses a repeated id.
  Status AddNewGraph(uint32_t graph_id, std::string name, ModelSource source, const OptionMap& options,
                     GraphOrigin origin = {});
  // By graph id; null for static graphs that are compiled, when nobody else holds what they were made from.
  std::map<uint32_t, std::shared_ptr<void>> Origins();
  bool HasGraph(uint32_t graph_id);
  Status CompileGraph(uint32_t graph_id);
  Status LoadGraph(uint32_t graph_id, const OptionMap& options, const std::shared_ptr<Stream>& stream);
  // Enqueues one run on `stream`; see LoadedGraph::Execute.
  Status Execute(uint32_t graph_id, const std::shared_ptr<Stream>& stream, const std::vector<TensorView>& inputs,
                 std::vector<TensorView>& outputs, OutputAllocator* allocator = nullptr);
  // The same for graphs in any state: compiles and loads what is not yet.
  Status ExecuteAny(uint32_t graph_id, const std::shared_ptr<Stream>& stream,
                    const std::vector<TensorView>& inputs, std::vector<TensorView>& outputs,
                    OutputAllocator* allocator);
  Result<size_t> OutputCount(uint32_t graph_id);  // compiles what is only added
  // Compiles and loads for Run. inputs: none, or one per input, whose extents are compiled for.
  Status Build(uint32_t graph_id, const std::vector<InputDesc>& inputs);
  // Compiles and loads at the first call, runs, waits. Inputs may lie anywhere; outputs come back in memory
  // of AllocateMemory that the caller frees, those of the notices among them.
  Status Run(uint32_t graph_id, const std::vector<TensorView>& inputs, std::vector<TensorView>* outputs,
             Notices* notices);
  // The same for a graph found before, which RemoveGraph leaves to its holders.
  Status RunEntry(GraphEntry& entry, const std::vector<TensorView>& inputs, std::vector<TensorView>* outputs,
                  Notices* notices);
  Result<std::shared_ptr<GraphEntry>> Find(uint32_t graph_id);
  // One Run of a session at a time, without waiting: check owns_lock().
  std::unique_lock<std::mutex> TryTurn() { return std::unique_lock<std::mutex>(turn_mutex_, std::try_to_lock); }
  // Calls `work` on the session's own thread, in order. All of it is called, also when the session ends.
  Status RunLater(std::function<void()> work);

  Result<GraphFacts> Facts(uint32_t graph_id);
  // Inputs, outputs, memory and steps of every variant.
  Result<std::string> DebugJson(uint32_t graph_id);
  // What `make` made of the facts when it was first asked about this compiled graph.
  Result<std::shared_ptr<void>> Summary(uint32_t graph_id,
                                        const std::function<std::shared_ptr<void>(const GraphFacts&)>& make);
  VariableStore& variables() { return variables_; }
  // Memory of the user's for a static graph; see GraphFacts for the sizes.
  Status SetConstMemory(uint32_t graph_id, void* memory, size_t size);
  Status SetFeatureMemory(uint32_t graph_id, void* memory, size_t size);
  Status SetFixedMemory(uint32_t graph_id);
  // By stream handle; null removes.
  void SetAllocator(const void* stream, std::shared_ptr<OutputAllocator> allocator);
  std::shared_ptr<OutputAllocator> AllocatorOf(const void* stream);

  // Runs in flight finish first; their memory lives until then.
  Status RemoveGraph(uint32_t graph_id);

 private:
  // False when the id is taken.
  Result<bool> Emplace(uint32_t graph_id, std::string name, ModelSource source, const OptionMap& options,
                       GraphOrigin origin);
  // These need the entry's lock.
  Status CompileEntry(GraphEntry& entry, bool with_notices = false);
  void LetGoOfSource(GraphEntry& entry);
  Status BuildEntry(GraphEntry& entry, bool with_notices);
  Status LoadEntry(GraphEntry& entry, const OptionMap& options);

  const uint64_t id_;
  const OptionMap options_;
  std::mutex mutex_;  // guards graphs_
  std::map<uint32_t, std::shared_ptr<GraphEntry>> graphs_;
  VariableStore variables_;
  std::mutex turn_mutex_;
  std::mutex allocator_mutex_;
  std::map<const void*, std::shared_ptr<OutputAllocator>> allocators_;
  std::once_flag worker_once_;
  std::shared_ptr<AsyncWorker> worker_;
  std::mutex compile_mutex_;  // taken after an entry's; one graph of a session compiles at a time
};

}  // namespace belay
