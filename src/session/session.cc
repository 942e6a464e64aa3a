#include "session/session.h"

#include <malloc.h>

#include <cstring>

#include "backend/memory.h"
#include "compile/variables.h"
#include "base/error_report.h"
#include "execute/loaded_graph.h"
#include "session/async_worker.h"
#include "session/graph_compile.h"
#include "session/graph_entry.h"
#include "session/option_values.h"

namespace belay {

namespace {

constexpr size_t kMuch = size_t{16} << 20;  // bytes of constants

Status WrongState(const Session::GraphEntry& entry, const char* cannot, const char* is, const char* todo) {
  return FailedPrecondition("{} cannot {}: it is {}\nDo: {}", entry.Title(), cannot, is, todo);
}

// ge.runFlag=0: a graph is compiled only.
Status NeedRunFlag(const Session::GraphEntry& entry) {
  if (OptionOf(entry.options, "ge.runFlag") != "0") return OkStatus();
  return FailedPrecondition("{} cannot run: its option ge.runFlag is 0\nDo: leave the option out", entry.Title());
}

}  // namespace

Result<std::shared_ptr<Session::GraphEntry>> Session::Find(uint32_t graph_id) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto it = graphs_.find(graph_id);
  if (it != graphs_.end()) return it->second;
  std::string known;
  for (auto& [id, entry] : graphs_) known += fmt::format("{}{}", known.empty() ? "" : ", ", id);
  return NotFound("session {} has no graph {} (it has {})\nDo: call AddGraph({}, graph) first", id_, graph_id,
                  known.empty() ? "none" : known, graph_id);
}

Result<bool> Session::Emplace(uint32_t graph_id, std::string name, ModelSource source, const OptionMap& options,
                              GraphOrigin origin) {
  BELAY_RETURN_IF_ERROR(CheckOptions(options));
  auto entry = std::make_shared<GraphEntry>();
  entry->id = graph_id;
  entry->name = std::move(name);
  entry->source = std::move(source);
  entry->origin = std::move(origin);
  entry->options = MergeOptions(options_, options);
  std::lock_guard<std::mutex> lock(mutex_);
  return graphs_.emplace(graph_id, entry).second;
}

Status Session::AddGraph(uint32_t graph_id, std::string name, ModelSource source, const OptionMap& options,
                         GraphOrigin origin) {
  BELAY_TRY(const bool added, Emplace(graph_id, std::move(name), std::move(source), options, std::move(origin)));
  if (!added) ReportWarning(fmt::format("session {} has graph {} already; AddGraph is ignored", id_, graph_id));
  return OkStatus();
}

Status Session::AddNewGraph(uint32_t graph_id, std::string name, ModelSource source, const OptionMap& options,
                            GraphOrigin origin) {
  BELAY_TRY(const bool added, Emplace(graph_id, std::move(name), std::move(source), options, std::move(origin)));
  if (added) return OkStatus();
  return AlreadyExists("session {} has graph {} already\nDo: remove it first, or use another id", id_, graph_id);
}

std::map<uint32_t, std::shared_ptr<void>> Session::Origins() {
  std::lock_guard<std::mutex> lock(mutex_);
  std::map<uint32_t, std::shared_ptr<void>> origins;
  for (const auto& [id, entry] : graphs_) {
    origins[id] = entry->origin.graph ? entry->origin.graph : entry->released.lock();
  }
  return origins;
}

bool Session::HasGraph(uint32_t graph_id) {
  std::lock_guard<std::mutex> lock(mutex_);
  return graphs_.count(graph_id) != 0;
}

Session::~Session() {
  if (worker_) worker_->Finish();
}

Status Session::RunLater(std::function<void()> work) {
  std::call_once(worker_once_, [this] { worker_ = AsyncWorker::Start(); });
  return worker_->Push(std::move(work));
}

namespace {

// What the Summary nodes read becomes one more output each.
Result<Notices> AddNotices(ModelGraph* model) {
  Notices notices;
  for (const ModelEdge& output : model->outputs) {
    const ModelNode& node = model->nodes[output.node];
    const bool reads = node.type == "ReadVariableOp" && node.inputs[0].node >= 0;
    BELAY_TRY(const auto variable, DeclaredVariable(reads ? model->nodes[node.inputs[0].node] : node));
    if (variable) notices.saves.push_back(variable->name);
  }
  if (notices.saves.size() != model->outputs.size()) notices.saves.clear();
  for (const ModelNode& node : model->nodes) {
    if (node.type != "Summary" || node.inputs.empty() || node.inputs[0].node < 0) continue;
    notices.summaries.push_back(node.name);
    model->outputs.push_back(node.inputs[0]);
    if (!model->output_names.empty()) model->output_names.push_back(node.name);
  }
  return notices;
}

}  // namespace

Status Session::CompileEntry(GraphEntry& entry, bool with_notices) {
  std::lock_guard<std::mutex> one_at_a_time(compile_mutex_);
  BELAY_TRY(std::shared_ptr<ModelGraph> model, entry.source().Context("reading " + entry.Title()));
  if (with_notices) {
    model = std::make_shared<ModelGraph>(*model);
    BELAY_TRY(entry.notices, AddNotices(model.get()));
  }
  const std::shared_ptr<GraphDump> dump = GraphDump::Make(entry.id, entry.options);
  BELAY_TRY(CompiledModel compiled, CompileModel(entry.name, *model, entry.options, entry.Title(), dump, &variables_)
                                        .Context("compiling " + entry.Title()));
  entry.loaded = std::move(compiled.graph);
  entry.model = std::move(compiled.model);
  if (dump) dump->WriteJson(GraphJson(entry));
  model = nullptr;
  if (entry.loaded->IsStatic()) LetGoOfSource(entry);
  return OkStatus();
}

// A static graph is never compiled again: its weights lie in the plan, and not a second time in what it was made from.
void Session::LetGoOfSource(GraphEntry& entry) {
  entry.source = nullptr;
  std::shared_ptr<void> graph;  // freed without the lock
  {
    std::lock_guard<std::mutex> lock(mutex_);
    graph = std::exchange(entry.origin.graph, nullptr);
    entry.released = graph;
  }
  graph = nullptr;
  // What compiling used lies in many gaps, which the heap keeps otherwise; looking for them takes long in a large heap.
  if (entry.loaded->ConstantBytes() >= kMuch) malloc_trim(0);
}

Status Session::BuildEntry(GraphEntry& entry, bool with_notices) {
  BELAY_RETURN_IF_ERROR(CompileEntry(entry, with_notices));
  entry.state = GraphState::kBuilt;
  return OkStatus();
}

Status Session::LoadEntry(GraphEntry& entry, const OptionMap& options) {
  BELAY_TRY(const std::vector<int> on_host, ParseIndexes(OptionOf(options, "ge.exec.hostInputIndexes")));
  for (int i : on_host) {
    if (static_cast<size_t>(i) < entry.loaded->input_count()) continue;
    return InvalidArgument("ge.exec.hostInputIndexes names input {}, but {} has {}", i, entry.Title(),
                           entry.loaded->input_count());
  }
  if (!on_host.empty()) entry.loaded->AllowHostInputs(on_host);
  if (entry.state == GraphState::kCompiled && entry.const_memory) entry.loaded->UseConstants(entry.const_memory);
  entry.state = GraphState::kLoaded;
  return OkStatus();
}

Status Session::CompileGraph(uint32_t graph_id) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::lock_guard<std::mutex> lock(entry->mutex);
  if (entry->state == GraphState::kBuilt) {
    return WrongState(*entry, "be compiled", "built by RunGraph", "use another graph id for CompileGraph");
  }
  if (entry->state != GraphState::kAdded) return OkStatus();
  BELAY_RETURN_IF_ERROR(CompileEntry(*entry));
  entry->state = GraphState::kCompiled;
  return OkStatus();
}

namespace {

Status CheckDescs(const Session::GraphEntry& entry, const std::vector<InputDesc>& inputs) {
  const std::vector<InputSignature>& declared = entry.loaded->inputs();
  if (inputs.size() != declared.size()) {
    return InvalidArgument("{} inputs were given, but the graph has {}", inputs.size(), declared.size());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].dtype == declared[i].dtype || inputs[i].dtype == DType::kUndefined) continue;
    return InvalidArgument("input {} '{}' is {}, but the graph wants {}", i, declared[i].name,
                           DTypeName(inputs[i].dtype), DTypeName(declared[i].dtype));
  }
  return OkStatus();
}

}  // namespace

Status Session::Build(uint32_t graph_id, const std::vector<InputDesc>& inputs) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::lock_guard<std::mutex> lock(entry->mutex);
  if (entry->state == GraphState::kBuilt) return OkStatus();
  if (entry->state != GraphState::kAdded) {
    return WrongState(*entry, "be built", "compiled by CompileGraph", "load it, or use another graph id");
  }
  BELAY_RETURN_IF_ERROR(BuildEntry(*entry, true));
  if (inputs.empty()) return OkStatus();
  std::vector<std::vector<int64_t>> dims;
  for (const InputDesc& input : inputs) dims.push_back(input.dims);
  Status fits = CheckDescs(*entry, inputs);
  if (fits.ok()) fits = entry->loaded->CompileFor(dims);
  if (fits.ok()) return OkStatus();
  entry->loaded = nullptr;
  entry->state = GraphState::kAdded;
  return std::move(fits).Context(entry->Title());
}

Status Session::LoadGraph(uint32_t graph_id, const OptionMap& options, const std::shared_ptr<Stream>&) {
  BELAY_RETURN_IF_ERROR(CheckOptions(options));
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::lock_guard<std::mutex> lock(entry->mutex);
  switch (entry->state) {
    case GraphState::kAdded:
      return WrongState(*entry, "be loaded", "added but not compiled", "call CompileGraph once before loading");
    case GraphState::kBuilt:
      return WrongState(*entry, "be loaded", "built by RunGraph", "use another graph id for CompileGraph");
    default: break;
  }
  const OptionMap merged = MergeOptions(entry->options, options);
  if (OptionOf(merged, "ge.runFlag") == "0") return OkStatus();
  return LoadEntry(*entry, merged);
}

Status Session::Execute(uint32_t graph_id, const std::shared_ptr<Stream>& stream,
                        const std::vector<TensorView>& inputs, std::vector<TensorView>& outputs,
                        OutputAllocator* allocator) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::shared_ptr<LoadedGraph> graph;
  {
    std::lock_guard<std::mutex> lock(entry->mutex);
    switch (entry->state) {
      case GraphState::kAdded:
        return WrongState(*entry, "run", "added but neither compiled nor loaded",
                          "call CompileGraph and GeSessionLoadGraph once before executing");
      case GraphState::kCompiled:
        BELAY_RETURN_IF_ERROR(NeedRunFlag(*entry));
        return WrongState(*entry, "run", "compiled but not loaded",
                          "call GeSessionLoadGraph once before executing");
      case GraphState::kBuilt:
        return WrongState(*entry, "run on a stream", "built by RunGraph",
                          "use another graph id for CompileGraph and LoadGraph");
      case GraphState::kLoaded: graph = entry->loaded; break;
    }
  }
  Status status = graph->Execute(stream, inputs, outputs, allocator);
  return status.ok() ? std::move(status) : std::move(status).Context(entry->Title());
}

Status Session::ExecuteAny(uint32_t graph_id, const std::shared_ptr<Stream>& stream,
                           const std::vector<TensorView>& inputs, std::vector<TensorView>& outputs,
                           OutputAllocator* allocator) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::shared_ptr<LoadedGraph> graph;
  {
    std::lock_guard<std::mutex> lock(entry->mutex);
    BELAY_RETURN_IF_ERROR(NeedRunFlag(*entry));
    if (entry->state == GraphState::kAdded) BELAY_RETURN_IF_ERROR(BuildEntry(*entry, false));
    if (!entry->notices.summaries.empty()) {
      return FailedPrecondition("{} was built by RunGraph to show its Summary nodes\nDo: use another graph id for "
                                "RunGraphWithStreamAsync", entry->Title());
    }
    if (entry->state == GraphState::kCompiled) BELAY_RETURN_IF_ERROR(LoadEntry(*entry, entry->options));
    graph = entry->loaded;
  }
  Status status = graph->Execute(stream, inputs, outputs, allocator);
  return status.ok() ? std::move(status) : std::move(status).Context(entry->Title());
}

Result<size_t> Session::OutputCount(uint32_t graph_id) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::lock_guard<std::mutex> lock(entry->mutex);
  if (entry->state == GraphState::kAdded) BELAY_RETURN_IF_ERROR(BuildEntry(*entry, false));
  return entry->loaded->output_count();
}

Status Session::RemoveGraph(uint32_t graph_id) {
  BELAY_RETURN_IF_ERROR(Find(graph_id).status());
  std::lock_guard<std::mutex> lock(mutex_);
  graphs_.erase(graph_id);
  return OkStatus();
}

namespace {

// A call's inputs in device memory.
class DeviceCopies {
 public:
  ~DeviceCopies() {
    for (void* p : blocks_) (void)FreeMemory(p);
  }
  // What lies in device memory stays where it is: the graph may write it.
  Status Add(const TensorView& t) {
    MemoryBlock block;
    TensorView copy = t;
    if (t.data && FindMemory(t.data, &block) && block.kind == MemoryKind::kDevice) {
      copy.on_host = false;
      views.push_back(copy);
      return OkStatus();
    }
    BELAY_TRY(copy.data, AllocateMemory(MemoryKind::kDevice, t.bytes ? t.bytes : 1));
    blocks_.push_back(copy.data);
    copy.on_host = false;
    if (t.bytes) std::memcpy(copy.data, t.data, t.bytes);
    views.push_back(copy);
    return OkStatus();
  }
  std::vector<TensorView> views;

 private:
  std::vector<void*> blocks_;
};

}  // namespace

Status Session::Run(uint32_t graph_id, const std::vector<TensorView>& inputs,
                    std::vector<TensorView>* outputs, Notices* notices) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  return RunEntry(*entry, inputs, outputs, notices);
}

Status Session::RunEntry(GraphEntry& entry, const std::vector<TensorView>& inputs, std::vector<TensorView>* outputs,
                         Notices* notices) {
  std::lock_guard<std::mutex> lock(entry.mutex);
  BELAY_RETURN_IF_ERROR(NeedRunFlag(entry));
  if (entry.state == GraphState::kCompiled || entry.state == GraphState::kLoaded) {
    return WrongState(entry, "be run by RunGraph", "compiled by CompileGraph",
                      "execute it with GeSessionExecuteGraphWithStreamAsync, or use another graph id");
  }
  if (entry.state == GraphState::kAdded) BELAY_RETURN_IF_ERROR(BuildEntry(entry, true));
  *notices = entry.notices;
  if (!entry.run_stream) entry.run_stream = MakeStream();
  DeviceCopies copies;
  for (const TensorView& t : inputs) BELAY_RETURN_IF_ERROR(copies.Add(t));
  outputs->assign(entry.loaded->output_count(), TensorView{});
  Status status = entry.loaded->Execute(entry.run_stream, copies.views, *outputs);
  Status finished = entry.run_stream->Synchronize();
  if (status.ok()) status = std::move(finished);
  if (status.ok()) return OkStatus();
  for (TensorView& t : *outputs) {
    if (t.data) (void)FreeMemory(t.data);
    t.data = nullptr;
  }
  return std::move(status).Context(entry.Title());
}

}  // namespace belay
