#include "execute/loaded_graph.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "backend/memory.h"
#include "base/allocate.h"
#include "base/dump.h"
#include "base/log.h"
#include "execute/profile.h"
#include "execute/staging.h"

namespace belay {
namespace {

constexpr size_t kMaxVariants = 128;
constexpr size_t kMaxPrepared = 16;  // extents remembered per variant

std::string DimsText(const int64_t* dims, size_t rank) {
  std::string text = "[";
  for (size_t i = 0; i < rank; ++i) text += fmt::format("{}{}", i ? "," : "", dims[i]);
  return text + "]";
}

}  // namespace

// One run in a stream's queue; pooled by its graph.
class RunTask final : public Task {
 public:
  RunTask() { may_run_on_caller = true; }

  Status Run() override {
    const RunTimer timer(graph_->name_);
    staging_.CopyIn();
    Status status = stepwise_waits_ ? RunSteps() : RunOnce();
    blocks_.Trim();
    if (status.ok()) staging_.CopyOut();
    if (!status.ok()) status = std::move(status).Context("running graph '" + graph_->name_ + "'");
    if (!result_) return status;
    *result_ = std::move(status);  // the waiting call tells it
    return OkStatus();
  }

  void Done() override {
    staging_.Clear();
    for (void* copy : host_copies_) std::free(copy);
    host_copies_.clear();
    plan_.reset();
    prepared_.reset();
    workspace_ = nullptr;
    result_ = nullptr;
    bound_extents_ = nullptr;
    std::shared_ptr<LoadedGraph> graph = std::move(graph_);
    graph->Recycle(this);  // may be deleted with the last reference, below
  }

  std::shared_ptr<LoadedGraph> graph_;
  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<const Prepared> prepared_;
  std::vector<void*> inputs_, outputs_, pointers_;
  Staging staging_;
  std::vector<void*> host_copies_;  // of inputs in host memory
  void* workspace_ = nullptr;  // the user's; else one is taken when the run starts
  BlockPool blocks_;           // of stepwise runs, which take no other scratch
  // Set while the caller waits for the run.
  bool stepwise_waits_ = false;
  Status* result_ = nullptr;
  OutputExtents* bound_extents_ = nullptr;
  std::vector<void*>* bound_outputs_ = nullptr;
  RunTask* next_free_ = nullptr;

 private:
  Status RunSteps() {
    std::vector<int64_t> symbols = prepared_->symbols;
    Status status = RunStepwise(*plan_, &symbols, inputs_.data(), outputs_.data(), bound_extents_, &blocks_);
    *bound_outputs_ = outputs_;
    return status;
  }

  Status RunOnce() {
    Status status;
    if (plan_->runs_stepwise) {
      std::vector<int64_t> symbols = prepared_->symbols;
      OutputExtents extents;
      status = RunStepwise(*plan_, &symbols, inputs_.data(), outputs_.data(), &extents, &blocks_);
    } else if (workspace_) {
      std::lock_guard<std::mutex> turn(graph_->user_workspace_mutex_);
      status = RunPrepared(*plan_, *prepared_, inputs_.data(), outputs_.data(),
                           static_cast<std::byte*>(workspace_), &pointers_);
    } else {
      size_t capacity = 0;
      const size_t need = static_cast<size_t>(prepared_->arena_bytes);
      void* arena = graph_->workspaces_.Acquire(need, &capacity);
      if (!arena) return OutOfMemory("no memory for {} bytes of scratch", need);
      status = RunPrepared(*plan_, *prepared_, inputs_.data(), outputs_.data(),
                           static_cast<std::byte*>(arena), &pointers_);
      graph_->workspaces_.Release(arena, capacity);
    }
    return status;
  }
};

LoadedGraph::LoadedGraph(std::string name, std::vector<InputSignature> inputs, size_t output_count,
                         std::shared_ptr<const Plan> plan, VariantCompiler compiler,
                         std::vector<std::shared_ptr<Variable>> variables)
    : name_(std::move(name)), inputs_(std::move(inputs)), output_count_(output_count),
      compiler_(std::move(compiler)), variables_(std::move(variables)) {
  if (!plan) return;
  bool open = plan->runs_stepwise || !plan->fixed_inputs.empty() || !plan->symbols.empty();
  for (const InputSignature& input : inputs_) {
    for (int64_t d : input.dims) open = open || d < 0;
  }
  if (!open) {
    static_plan_ = plan;
    compiler_ = nullptr;
  }
  variants_.push_back({std::move(plan), {}});
}

bool LoadedGraph::IsStatic() const { return static_plan_ != nullptr; }

std::vector<LoadedGraph::VariantView> LoadedGraph::Variants() {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<VariantView> views;
  for (const Variant& v : variants_) {
    VariantView view{v.plan, v.prepared.empty() ? nullptr : v.prepared.front()};
    if (!view.prepared && v.plan == static_plan_) view.prepared = Prepare(*v.plan, {});
    views.push_back(std::move(view));
  }
  return views;
}

namespace {

size_t RoundedBytes(const Constant& c) {
  const int64_t bytes = c.packed ? c.bytes : c.literal->ByteSize();
  return (static_cast<size_t>(bytes) + 63) / 64 * 64;
}

// Those that a step reads; the others were packed or folded.
std::vector<bool> UsedConstants(const Plan& plan) {
  std::vector<bool> used(plan.constants.size(), false);
  for (const Step& step : plan.steps) {
    for (int s : step.inputs) {
      if (plan.slots[s].kind == SlotKind::kConstant) used[plan.slots[s].index] = true;
    }
  }
  return used;
}

}  // namespace

size_t LoadedGraph::ConstantBytes() const {
  const std::vector<bool> used = UsedConstants(*static_plan_);
  size_t total = kReadBehind;
  for (size_t i = 0; i < used.size(); ++i) {
    if (used[i]) total += RoundedBytes(static_plan_->constants[i]);
  }
  return total;
}

size_t LoadedGraph::WorkspaceBytes() const {
  return static_cast<size_t>(Prepare(*static_plan_, {})->arena_bytes) + kReadBehind;
}

void LoadedGraph::UseConstants(void* memory) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto moved = std::make_shared<Plan>(*static_plan_);
  const std::vector<bool> used = UsedConstants(*moved);
  auto* at = static_cast<std::byte*>(memory);
  for (size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    Constant& c = moved->constants[i];
    const size_t rounded = RoundedBytes(c);
    c.bytes = c.packed ? c.bytes : c.literal->ByteSize();
    if (c.bytes) std::memcpy(at, c.data(), static_cast<size_t>(c.bytes));
    c.packed = std::shared_ptr<const void>(std::shared_ptr<const void>(), at);  // the user's
    c.literal = nullptr;
    at += rounded;
  }
  static_plan_ = moved;
  variants_.clear();
  variants_.push_back({std::move(moved), {}});
  last_ = {};
  checked_.clear();
}

void LoadedGraph::UseWorkspace(void* memory) {
  std::lock_guard<std::mutex> lock(mutex_);
  workspace_ = memory;
}

namespace {

std::vector<TensorView> ViewsOf(const std::vector<std::vector<int64_t>>& dims) {
  std::vector<TensorView> views(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    views[i].rank = static_cast<int>(dims[i].size());
    std::copy(dims[i].begin(), dims[i].end(), views[i].dims);
  }
  return views;
}

}  // namespace

Status LoadedGraph::CompileFor(const std::vector<std::vector<int64_t>>& input_dims) {
  std::lock_guard<std::mutex> lock(mutex_);
  const std::vector<TensorView> views = ViewsOf(input_dims);
  BELAY_RETURN_IF_ERROR(CheckShapes(views));
  std::vector<int64_t> symbols;
  for (const Variant& v : variants_) {
    if (!v.plan->ReadsContents() && Matches(*v.plan, views, &symbols)) return OkStatus();
  }
  std::vector<int> needs;
  BELAY_TRY(std::shared_ptr<const Plan> plan, compiler_(input_dims, {}, {}, &needs));
  if (plan) Keep(std::move(plan));
  return OkStatus();
}

// The one chosen longest ago makes room; runs in flight hold their plans themselves.
LoadedGraph::Variant* LoadedGraph::Keep(std::shared_ptr<const Plan> plan) {
  if (variants_.size() >= kMaxVariants) {
    auto oldest = std::min_element(variants_.begin(), variants_.end(),
                                   [](const Variant& a, const Variant& b) { return a.chosen < b.chosen; });
    BELAY_LOG(Info, "graph '{}': {} compiled variants are the most, the one used longest ago goes", name_,
              kMaxVariants);
    variants_.erase(oldest);
  }
  variants_.push_back({std::move(plan), {}, ++choices_});
  return &variants_.back();
}

Status LoadedGraph::UseGears(Gears gears) {
  std::vector<std::vector<int64_t>> declared;
  for (const InputSignature& input : inputs_) declared.push_back(input.dims);
  for (const std::vector<int64_t>& row : gears.rows) {
    BELAY_RETURN_IF_ERROR(CompileFor(GearDims(gears, declared, row)));
  }
  std::lock_guard<std::mutex> lock(mutex_);
  gears_ = std::move(gears);
  return OkStatus();
}

void LoadedGraph::AllowHostInputs(const std::vector<int>& indexes) {
  std::lock_guard<std::mutex> lock(mutex_);
  host_inputs_.assign(inputs_.size(), false);
  for (int i : indexes) host_inputs_[static_cast<size_t>(i)] = true;
}

// To be asked only of inputs that may lie there.
bool LoadedGraph::IsHostInput(size_t i, const TensorView& t) const {
  if (t.on_host && !static_plan_) return true;
  if (i >= host_inputs_.size() || !host_inputs_[i]) return false;
  MemoryBlock block;
  return t.on_host || !FindMemory(t.data, &block) || block.kind != MemoryKind::kDevice;
}

LoadedGraph::~LoadedGraph() {
  while (free_tasks_) delete std::exchange(free_tasks_, free_tasks_->next_free_);
}

RunTask* LoadedGraph::TakeTask() {
  {
    std::lock_guard<std::mutex> lock(pool_mutex_);
    if (free_tasks_) return std::exchange(free_tasks_, free_tasks_->next_free_);
  }
  return new RunTask();
}

void LoadedGraph::Recycle(RunTask* task) {
  std::lock_guard<std::mutex> lock(pool_mutex_);
  task->next_free_ = free_tasks_;
  free_tasks_ = task;
}

Status LoadedGraph::CheckInputs(const std::vector<TensorView>& inputs) const {
  if (inputs.size() != inputs_.size()) {
    return InvalidArgument("{} inputs were given, but the graph has {}", inputs.size(), inputs_.size());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].dtype == inputs_[i].dtype) continue;
    return InvalidArgument("input {} '{}' is {}, but the graph wants {}", i, inputs_[i].name,
                           DTypeName(inputs[i].dtype), DTypeName(inputs_[i].dtype));
  }
  return CheckShapes(inputs);
}

Status LoadedGraph::CheckShapes(const std::vector<TensorView>& inputs) const {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const InputSignature& want = inputs_[i];
    const TensorView& have = inputs[i];
    if (want.dims == std::vector<int64_t>{-2}) continue;
    bool fits = have.rank == static_cast<int>(want.dims.size());
    for (int d = 0; fits && d < have.rank; ++d) {
      fits = want.dims[d] < 0 ? have.dims[d] >= 0 : have.dims[d] == want.dims[d];
    }
    if (!fits) {
      return InvalidArgument("input {} '{}' has shape {}, but the graph wants {}", i, want.name,
                             DimsText(have.dims, have.rank), DimsText(want.dims.data(), want.dims.size()));
    }
  }
  return CheckGears(gears_, inputs, [this](int i) { return inputs_[static_cast<size_t>(i)].name; });
}

namespace {

// -1 when there is no such element.
int64_t IntegerAt(const TensorView& t, int element) {
  int64_t count = 1;
  for (int d = 0; d < t.rank; ++d) count *= t.dims[d];
  if (!t.data || element >= count) return -1;
  const size_t bytes = static_cast<size_t>(ByteSize(t.dtype, 1));
  const auto* at = static_cast<const std::byte*>(t.data) + bytes * static_cast<size_t>(element);
  return LiteralToInts(*Literal::Copy(t.dtype, {1}, at))[0];
}

}  // namespace

bool LoadedGraph::Matches(const Plan& plan, const std::vector<TensorView>& inputs,
                          std::vector<int64_t>* symbols) const {
  symbols->assign(plan.symbols.size(), 0);
  for (size_t id = 0; id < plan.symbols.size(); ++id) {
    const SymbolInfo& s = plan.symbols[id];
    if (s.input < 0) continue;
    const TensorView& t = inputs[s.input];
    if (s.element >= 0) {
      (*symbols)[id] = IntegerAt(t, s.element);
      if ((*symbols)[id] < 0) return false;
      continue;
    }
    if (s.dim >= t.rank) return false;
    (*symbols)[id] = s.dim == SymbolInfo::kBytes ? static_cast<int64_t>(t.bytes) : t.dims[s.dim];
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Shape& shape = plan.inputs[i].shape;
    if (static_cast<int>(shape.size()) != inputs[i].rank) return false;
    for (size_t d = 0; d < shape.size(); ++d) {
      if (shape[d].Evaluate(*symbols) != inputs[i].dims[d]) return false;
    }
  }
  for (const Guard& g : plan.guards) {
    // What a run decides is checked by the run.
    if (!g.DependsOnRun(plan.symbols) && !g.Holds(*symbols)) return false;
  }
  for (auto& [index, literal] : plan.fixed_inputs) {
    const size_t bytes = static_cast<size_t>(literal->ByteSize());
    if (bytes && std::memcmp(inputs[index].data, literal->data(), bytes) != 0) return false;
  }
  return true;
}

bool LoadedGraph::ReadsDeviceContents(const Plan& plan, const std::vector<TensorView>& inputs) const {
  auto on_device = [&](int i) { return !IsHostInput(static_cast<size_t>(i), inputs[static_cast<size_t>(i)]); };
  return std::any_of(plan.fixed_inputs.begin(), plan.fixed_inputs.end(),
                     [&](const auto& fixed) { return on_device(fixed.first); }) ||
         std::any_of(plan.symbols.begin(), plan.symbols.end(),
                     [&](const SymbolInfo& s) { return s.element >= 0 && on_device(s.input); });
}

Result<LoadedGraph::Variant*> LoadedGraph::CompileVariant(Stream& stream,
                                                          const std::vector<TensorView>& inputs) {
  std::vector<std::vector<int64_t>> dims;
  for (const TensorView& t : inputs) dims.emplace_back(t.dims, t.dims + t.rank);
  std::set<int> readable;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (IsHostInput(i, inputs[i])) readable.insert(static_cast<int>(i));
  }
  std::map<int, LiteralPtr> contents;
  for (;;) {
    std::vector<int> needs;
    BELAY_TRY(std::shared_ptr<const Plan> plan, compiler_(dims, contents, readable, &needs));
    if (plan) {
      BELAY_LOG(Info, "graph '{}': compiled a variant beside {}", name_, variants_.size());
      return Keep(std::move(plan));
    }
    // Contents in device memory are known once everything queued before this call has run.
    if (!std::all_of(needs.begin(), needs.end(), [&](int i) { return readable.count(i) != 0; })) {
      BELAY_RETURN_IF_ERROR(stream.WaitPassed(stream.Point()));
    }
    for (int i : needs) {
      if (contents.emplace(i, Literal::Copy(inputs[i].dtype, dims[i], inputs[i].data)).second) continue;
      // Symbols did not tell enough: the values themselves must.
      if (!readable.erase(i)) return Internal("graph '{}' asks for the same contents again", name_);
    }
  }
}

bool LoadedGraph::SameAsLast(const std::vector<TensorView>& inputs) const {
  if (!last_.plan || last_.plan->ReadsContents()) return false;
  size_t at = 0;
  for (const TensorView& t : inputs) {
    if (at >= last_dims_.size() || last_dims_[at++] != t.rank) return false;
    if (IsRunValue(t.dtype) && last_dims_[at++] != static_cast<int64_t>(t.bytes)) return false;
    for (int d = 0; d < t.rank; ++d) {
      if (last_dims_[at++] != t.dims[d]) return false;
    }
  }
  return true;
}

void LoadedGraph::Remember(const std::vector<TensorView>& inputs, const Selected& selected) {
  last_ = selected;
  last_dims_.clear();
  for (const TensorView& t : inputs) {
    last_dims_.push_back(t.rank);
    if (IsRunValue(t.dtype)) last_dims_.push_back(static_cast<int64_t>(t.bytes));
    last_dims_.insert(last_dims_.end(), t.dims, t.dims + t.rank);
  }
}

Result<LoadedGraph::Selected> LoadedGraph::Select(Stream& stream, const std::vector<TensorView>& inputs) {
  if (SameAsLast(inputs)) return last_;
  std::vector<int64_t> symbols;
  Variant* variant = nullptr;
  bool waited = false;
  for (Variant& v : variants_) {
    if (!waited && ReadsDeviceContents(*v.plan, inputs)) {
      BELAY_RETURN_IF_ERROR(stream.WaitPassed(stream.Point()));
      waited = true;
    }
    if (Matches(*v.plan, inputs, &symbols)) {
      variant = &v;
      break;
    }
  }
  if (!variant) {
    BELAY_TRY(variant, CompileVariant(stream, inputs));
    if (!Matches(*variant->plan, inputs, &symbols)) {
      return Internal("the variant of graph '{}' does not fit the call it was made for", name_);
    }
  }
  variant->chosen = ++choices_;
  auto& cache = variant->prepared;
  auto it = std::find_if(cache.begin(), cache.end(), [&](const auto& p) { return p->symbols == symbols; });
  std::shared_ptr<const Prepared> prepared = it != cache.end() ? *it : Prepare(*variant->plan, symbols);
  if (it != cache.end()) {
    cache.erase(it);
  } else if (Dumping()) {
    DumpText(name_.empty() ? "graph" : name_, "memory", PrintMemoryMap(*variant->plan, *prepared));
  }
  cache.insert(cache.begin(), prepared);
  if (cache.size() > kMaxPrepared) cache.pop_back();
  Selected selected{variant->plan, prepared};
  Remember(inputs, selected);
  return selected;
}

Status LoadedGraph::CheckAddress(const void* address, size_t need, const std::string& what) const {
  if (need == 0) return OkStatus();
  MemoryBlock block;
  if (!address) return InvalidArgument("{} has no address, but needs {} bytes", what, need);
  if (!FindMemory(address, &block) || block.kind != MemoryKind::kDevice) {
    return InvalidArgument("{} lies at {}, which is host memory; device memory (aclrtMalloc) is required", what,
                           address);
  }
  const size_t left = block.size - static_cast<size_t>(static_cast<const char*>(address) -
                                                       static_cast<const char*>(block.base));
  if (left < need) {
    return InvalidArgument("{} needs {} bytes, but its device memory ends after {}", what, need, left);
  }
  return OkStatus();
}

bool LoadedGraph::AddressesKnown(const std::vector<TensorView>& inputs,
                                 const std::vector<TensorView>& outputs) const {
  if (MemoryGeneration() != checked_generation_ || checked_.size() != inputs.size() + outputs.size() ||
      !SameAsLast(inputs)) {
    return false;
  }
  size_t n = 0;
  for (const auto* list : {&inputs, &outputs}) {
    for (const TensorView& t : *list) {
      if (checked_[n++] != std::pair<const void*, size_t>(t.data, t.bytes) || t.on_host) return false;
    }
  }
  return true;
}

Status LoadedGraph::CheckInputAddresses(const std::vector<TensorView>& inputs) const {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string what = fmt::format("input {} '{}'", i, inputs_[i].name);
    const TensorView& t = inputs[i];
    int64_t count = 1;
    for (int d = 0; d < t.rank; ++d) count *= t.dims[d];
    const size_t need = IsRunValue(t.dtype) ? t.bytes  // as many as the caller says
                                             : static_cast<size_t>(ByteSize(t.dtype, count));
    if (t.bytes < need) return InvalidArgument("{} needs {} bytes, but its size is {}", what, need, t.bytes);
    if (IsHostInput(i, t)) {
      if (need && !t.data) return InvalidArgument("{} has no address, but needs {} bytes", what, need);
      continue;
    }
    if (t.on_host) {
      return InvalidArgument("{} is placed in host memory; device memory is required, or its index in "
                             "ge.exec.hostInputIndexes", what);
    }
    BELAY_RETURN_IF_ERROR(CheckAddress(t.data, need, what));
  }
  return OkStatus();
}

Status LoadedGraph::CheckOutputAddresses(const Selected& selected,
                                         const std::vector<TensorView>& outputs) const {
  for (size_t k = 0; k < outputs.size(); ++k) {
    const TensorView& t = outputs[k];
    if (!t.data || selected.plan->output_waits[k]) continue;
    const std::string what = fmt::format("output {}", k);
    const size_t need = static_cast<size_t>(OutputBytes(*selected.plan, k, selected.prepared->symbols));
    if (t.on_host) return InvalidArgument("{} is placed in host memory; device memory is required", what);
    if (t.bytes < need) return InvalidArgument("{} needs {} bytes, but its size is {}", what, need, t.bytes);
    BELAY_RETURN_IF_ERROR(CheckAddress(t.data, need, what));
  }
  return OkStatus();
}

Result<LoadedGraph::Selected> LoadedGraph::CheckAndSelect(Stream& stream,
                                                          const std::vector<TensorView>& inputs,
                                                          const std::vector<TensorView>& outputs) {
  if (inputs.size() == inputs_.size() && AddressesKnown(inputs, outputs)) {
    bool same_types = true;
    for (size_t i = 0; i < inputs.size(); ++i) same_types = same_types && inputs[i].dtype == inputs_[i].dtype;
    if (same_types) return last_;
  }
  checked_.clear();
  BELAY_RETURN_IF_ERROR(CheckInputs(inputs));
  const uint64_t generation = MemoryGeneration();
  BELAY_RETURN_IF_ERROR(CheckInputAddresses(inputs));
  BELAY_TRY(Selected selected, Select(stream, inputs));
  BELAY_RETURN_IF_ERROR(CheckOutputAddresses(selected, outputs));
  checked_generation_ = generation;
  for (const auto* list : {&inputs, &outputs}) {
    for (const TensorView& t : *list) checked_.emplace_back(t.data, t.bytes);
  }
  return selected;
}

Status LoadedGraph::CheckVariables(const Plan& plan) const {
  for (size_t i = 0; i < variables_.size(); ++i) {
    if (!(plan.input_uses[inputs_.size() + i] & kInputRead) || variables_[i]->has_value) continue;
    return FailedPrecondition("variable '{}' has no value yet\nDo: run a graph that assigns it first, or give it an "
                              "initial value in its attribute 'value'", variables_[i]->name);
  }
  return OkStatus();
}

namespace {

void FillResult(const Plan& plan, const std::vector<int64_t>& dims, size_t k, TensorView* t) {
  t->dtype = plan.outputs[k].dtype;
  t->rank = static_cast<int>(dims.size());
  std::copy(dims.begin(), dims.end(), t->dims);
}

// Gives back what was allocated for outputs when the call fails half-way.
class OutputGuard {
 public:
  explicit OutputGuard(OutputAllocator* allocator) : allocator_(allocator) {}
  ~OutputGuard() {
    for (TensorView* t : allocated_) {
      if (t->block) {
        allocator_->Free(t->block);
      } else {
        (void)FreeMemory(t->data);
      }
      t->data = t->block = nullptr;
    }
  }
  Status Allocate(TensorView* t, size_t bytes) {
    const size_t size = bytes ? bytes : 1;
    BELAY_TRY(void* data, allocator_ ? allocator_->Allocate(size, &t->block)
                                     : AllocateMemory(MemoryKind::kDevice, size));
    Adopt(t, data, bytes);
    return OkStatus();
  }
  void Adopt(TensorView* t, void* data, size_t bytes) {
    t->data = data;
    t->bytes = bytes;
    t->on_host = false;
    allocated_.push_back(t);
  }
  void Commit() { allocated_.clear(); }

 private:
  OutputAllocator* const allocator_;
  std::vector<TensorView*> allocated_;
};

}  // namespace

bool LoadedGraph::IsListForScalar(size_t i, const TensorView& t) const {
  return inputs_[i].dims.empty() && t.rank == 1 && t.dims[0] == 1;
}

// Clients hand over scalars, sizes above all, as lists of one.
std::vector<TensorView> LoadedGraph::WithScalars(std::vector<TensorView> inputs) const {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (IsListForScalar(i, inputs[i])) inputs[i].rank = 0;
  }
  return inputs;
}

Status LoadedGraph::Execute(const std::shared_ptr<Stream>& stream, const std::vector<TensorView>& inputs,
                            std::vector<TensorView>& outputs, OutputAllocator* allocator) {
  for (size_t i = 0; i < inputs.size() && inputs.size() == inputs_.size(); ++i) {
    if (IsListForScalar(i, inputs[i])) return Execute(stream, WithScalars(inputs), outputs, allocator);
  }
  if (outputs.size() != output_count_) {
    return InvalidArgument("{} outputs were given, but the graph has {}", outputs.size(), output_count_);
  }
  Selected selected;
  void* workspace = nullptr;
  std::vector<size_t> host_inputs;  // empty in a steady call: no allocation
  {
    std::lock_guard<std::mutex> lock(mutex_);
    BELAY_TRY(selected, CheckAndSelect(*stream, inputs, outputs));
    workspace = workspace_;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (IsHostInput(i, inputs[i])) host_inputs.push_back(i);
    }
  }
  const Plan& plan = *selected.plan;
  BELAY_RETURN_IF_ERROR(CheckVariables(plan));
  const bool waits = std::find(plan.output_waits.begin(), plan.output_waits.end(), true) !=
                     plan.output_waits.end();
  OutputGuard guard(allocator);
  for (size_t k = 0; k < outputs.size() && !waits; ++k) {
    if (!outputs[k].data) {
      const int64_t bytes = OutputBytes(plan, k, selected.prepared->symbols);
      BELAY_RETURN_IF_ERROR(guard.Allocate(&outputs[k], static_cast<size_t>(bytes)));
    }
    FillResult(plan, selected.prepared->output_dims[k], k, &outputs[k]);
  }

  RunTask* task = TakeTask();
  task->graph_ = shared_from_this();
  task->plan_ = selected.plan;
  task->prepared_ = selected.prepared;
  task->stepwise_waits_ = waits;
  task->workspace_ = workspace;
  task->inputs_.clear();
  for (const TensorView& t : inputs) task->inputs_.push_back(t.data);
  for (size_t i : host_inputs) {
    void* copy = std::aligned_alloc(64, (inputs[i].bytes + 127) / 64 * 64);
    if (inputs[i].bytes) std::memcpy(copy, inputs[i].data, inputs[i].bytes);
    task->host_copies_.push_back(copy);
    task->inputs_[i] = copy;
  }
  for (const auto& variable : variables_) task->inputs_.push_back(variable->data);
  task->outputs_.clear();
  for (const TensorView& t : outputs) task->outputs_.push_back(waits ? nullptr : t.data);
  Status staged = task->staging_.Add(plan, *selected.prepared, inputs, outputs, &task->inputs_, &task->outputs_);
  if (!staged.ok()) {
    task->Done();
    return staged;
  }

  Status result(Code::kAborted, std::string());  // told in words when it happens: every call comes by here
  OutputExtents bound;
  std::vector<void*> bound_outputs;
  if (waits) {
    task->result_ = &result;
    task->bound_extents_ = &bound;
    task->bound_outputs_ = &bound_outputs;
  }
  Status pushed = stream->Push(task);
  if (!pushed.ok()) {
    task->Done();
    return pushed;
  }
  guard.Commit();
  for (size_t i = 0; i < variables_.size(); ++i) {
    if (plan.input_uses[inputs.size() + i] & kInputWritten) variables_[i]->has_value = true;
  }
  if (!waits) return OkStatus();

  BELAY_RETURN_IF_ERROR(stream->WaitPassed(stream->Point()));
  if (result.code() == Code::kAborted) return Aborted("the stream dropped the run of graph '{}'", name_);
  BELAY_RETURN_IF_ERROR(std::move(result));
  return Deliver(plan, bound, bound_outputs, outputs, allocator);
}

Status LoadedGraph::Deliver(const Plan& plan, const OutputExtents& extents,
                            const std::vector<void*>& results, std::vector<TensorView>& outputs,
                            OutputAllocator* allocator) const {
  Status delivered;
  OutputGuard guard(allocator);
  for (size_t k = 0; k < outputs.size(); ++k) {
    FillResult(plan, extents.dims[k], k, &outputs[k]);
    const auto bytes = static_cast<size_t>(extents.bytes[k]);
    if (!outputs[k].data && !allocator) {
      guard.Adopt(&outputs[k], results[k], bytes);
      continue;
    }
    const std::string what = fmt::format("output {}", k);
    Status fits = !outputs[k].data ? guard.Allocate(&outputs[k], bytes)
                  : outputs[k].bytes < bytes
                      ? InvalidArgument("{} needs {} bytes, but its size is {}", what, bytes, outputs[k].bytes)
                      : CheckAddress(outputs[k].data, bytes, what);
    if (fits.ok() && bytes) std::memcpy(outputs[k].data, results[k], bytes);
    FreeUnshared(results[k]);
    if (delivered.ok()) delivered = std::move(fits);
  }
  if (delivered.ok()) guard.Commit();
  return delivered;
}

}  // namespace belay
