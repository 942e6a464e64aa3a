// The user's memory: constants and scratch of static graphs, outputs from a stream's allocator.
#include "backend/memory.h"
#include "execute/loaded_graph.h"
#include "session/graph_entry.h"
#include "session/option_values.h"

namespace belay {
namespace {

constexpr size_t kAlign = 64;

Status CheckMemory(const Session::GraphEntry& entry, const char* what, const void* memory, size_t size,
                   size_t need) {
  if (!memory) return InvalidArgument("{}: the {} memory is null", entry.Title(), what);
  if (size < need) {
    return InvalidArgument("{} needs {} bytes of {} memory, but {} were given", entry.Title(), need, what, size);
  }
  if (reinterpret_cast<uintptr_t>(memory) % kAlign != 0) {
    return InvalidArgument("{}: the {} memory at {} is not aligned to {} bytes", entry.Title(), what, memory, kAlign);
  }
  MemoryBlock block;
  const bool known = FindMemory(memory, &block) && block.kind == MemoryKind::kDevice;
  const auto* end = known ? static_cast<const char*>(block.base) + block.size : nullptr;
  if (!known || static_cast<size_t>(end - static_cast<const char*>(memory)) < need) {
    return InvalidArgument("{}: the {} memory at {} is not {} bytes of live device memory (aclrtMalloc)",
                           entry.Title(), what, memory, need);
  }
  return OkStatus();
}

Status NeedCompiled(const Session::GraphEntry& entry, const char* what) {
  if (entry.state == GraphState::kAdded) {
    return FailedPrecondition("{} takes no {} memory yet: it is not compiled\nDo: call CompileGraph first",
                              entry.Title(), what);
  }
  if (entry.state == GraphState::kBuilt) {
    return FailedPrecondition("{} takes no {} memory: it was built by RunGraph\nDo: use CompileGraph and LoadGraph",
                              entry.Title(), what);
  }
  return OkStatus();
}

Status NeedStatic(const Session::GraphEntry& entry, const char* what) {
  if (entry.loaded->IsStatic()) return OkStatus();
  return FailedPrecondition("{} takes no {} memory: its sizes are known only when it runs\nDo: leave the call out "
                            "when CompiledGraphSummary::IsStatic() is false", entry.Title(), what);
}

// What the user promised; every output may lie in an input's memory.
Result<std::vector<std::pair<uint32_t, uint32_t>>> SharedMemory(const Session::GraphEntry& entry) {
  std::vector<std::pair<uint32_t, uint32_t>> shared;
  const std::string option = OptionOf(entry.options, "ge.exec.outputReuseInputMemIndexes");
  if (option.empty()) return shared;
  BELAY_TRY(const auto pairs, ParsePairs(option));
  for (const auto& [input, output] : pairs) {
    if (static_cast<size_t>(input) >= entry.loaded->input_count() ||
        static_cast<size_t>(output) >= entry.loaded->output_count()) {
      return InvalidArgument("ge.exec.outputReuseInputMemIndexes names input {} and output {}, but {} has {} and {}",
                             input, output, entry.Title(), entry.loaded->input_count(), entry.loaded->output_count());
    }
    shared.emplace_back(input, output);
  }
  return shared;
}

Result<GraphFacts> FactsOf(const Session::GraphEntry& entry) {
  BELAY_RETURN_IF_ERROR(NeedPlans(entry));
  GraphFacts facts;
  facts.name = entry.name;
  facts.stream_texts = StreamTexts(*entry.loaded);
  facts.refreshable = OptionOf(entry.options, "ge.featureBaseRefreshable") == "1";
  facts.is_static = entry.loaded->IsStatic();
  if (!facts.is_static) return facts;
  facts.const_bytes = entry.loaded->ConstantBytes();
  facts.feature_bytes = entry.loaded->WorkspaceBytes();
  BELAY_TRY(facts.shared_io, SharedMemory(entry));
  for (const TensorType& type : entry.loaded->static_plan().outputs) {
    facts.output_dims.push_back(EvaluateShape(type.shape, {}));
    facts.output_dtypes.push_back(type.dtype);
  }
  return facts;
}

}  // namespace

Result<GraphFacts> Session::Facts(uint32_t graph_id) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::lock_guard<std::mutex> lock(entry->mutex);
  return FactsOf(*entry);
}

Result<std::shared_ptr<void>> Session::Summary(
    uint32_t graph_id, const std::function<std::shared_ptr<void>(const GraphFacts&)>& make) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::lock_guard<std::mutex> lock(entry->mutex);
  if (!entry->summary) {
    BELAY_TRY(const GraphFacts facts, FactsOf(*entry));
    entry->summary = make(facts);
  }
  return entry->summary;
}

Status Session::SetConstMemory(uint32_t graph_id, void* memory, size_t size) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::lock_guard<std::mutex> lock(entry->mutex);
  BELAY_RETURN_IF_ERROR(NeedCompiled(*entry, "constant"));
  BELAY_RETURN_IF_ERROR(NeedStatic(*entry, "constant"));
  if (OptionOf(entry->options, "ge.constLifecycle") == "session") {
    return FailedPrecondition("{} takes no constant memory: ge.constLifecycle is session\nDo: set it to graph",
                              entry->Title());
  }
  if (entry->state == GraphState::kLoaded) {
    return FailedPrecondition("{} is loaded: its constants stay where they are\nDo: set their memory before LoadGraph",
                              entry->Title());
  }
  if (entry->const_memory) return FailedPrecondition("{} has its constant memory already", entry->Title());
  BELAY_RETURN_IF_ERROR(CheckMemory(*entry, "constant", memory, size, entry->loaded->ConstantBytes()));
  entry->const_memory = memory;
  return OkStatus();
}

Status Session::SetFeatureMemory(uint32_t graph_id, void* memory, size_t size) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::lock_guard<std::mutex> lock(entry->mutex);
  BELAY_RETURN_IF_ERROR(NeedCompiled(*entry, "feature"));
  BELAY_RETURN_IF_ERROR(NeedStatic(*entry, "feature"));
  if (entry->state == GraphState::kLoaded && OptionOf(entry->options, "ge.featureBaseRefreshable") != "1") {
    return FailedPrecondition("{} is loaded, and its feature memory is not refreshable\nDo: set the memory before "
                              "LoadGraph, or add the graph with ge.featureBaseRefreshable=1", entry->Title());
  }
  if (entry->has_fixed_memory) {
    return FailedPrecondition("{} has its fixed feature memory set: the two do not go together", entry->Title());
  }
  BELAY_RETURN_IF_ERROR(CheckMemory(*entry, "feature", memory, size, entry->loaded->WorkspaceBytes()));
  entry->loaded->UseWorkspace(memory);
  entry->has_feature_memory = true;
  return OkStatus();
}

// No graph of ours has a fixed part, so any memory is large enough and none is used.
Status Session::SetFixedMemory(uint32_t graph_id) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::lock_guard<std::mutex> lock(entry->mutex);
  BELAY_RETURN_IF_ERROR(NeedCompiled(*entry, "fixed feature"));
  if (entry->state == GraphState::kLoaded) {
    return FailedPrecondition("{} is loaded\nDo: set fixed feature memory before LoadGraph", entry->Title());
  }
  if (entry->has_feature_memory) {
    return FailedPrecondition("{} has its feature memory set: the two do not go together", entry->Title());
  }
  entry->has_fixed_memory = true;
  return OkStatus();
}

void Session::SetAllocator(const void* stream, std::shared_ptr<OutputAllocator> allocator) {
  std::lock_guard<std::mutex> lock(allocator_mutex_);
  if (allocator) {
    allocators_[stream] = std::move(allocator);
  } else {
    allocators_.erase(stream);
  }
}

std::shared_ptr<OutputAllocator> Session::AllocatorOf(const void* stream) {
  std::lock_guard<std::mutex> lock(allocator_mutex_);
  auto it = allocators_.find(stream);
  return it == allocators_.end() ? nullptr : it->second;
}

}  // namespace belay
