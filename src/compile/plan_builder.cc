// A fused graph becomes a plan: every value gets a slot, every kFused node a kernel, in an order that keeps
// the graph's.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <set>

#include "backend/constant_store.h"
#include "base/allocate.h"
#include "base/log.h"
#include "base/rank.h"
#include "base/thread_pool.h"
#include "compile/chains.h"
#include "compile/overwrite.h"
#include "compile/pipeline.h"
#include "compile/place_parts.h"
#include "plan/constants.h"

namespace belay {
namespace {

// Of one contraction or convolution; 0 for all else.
Dim FlopsOf(const Node& node) {
  if (!IsProduct(&node)) return 0;
  const Shape& w = node.inputs[1]->shape();
  Dim flops = Dim(2) * NumElements(node.shape());
  if (node.op == Op::kContract) return flops * w[w.size() - 2];
  for (size_t d = 0; d + 1 < w.size(); ++d) flops = flops * w[d];
  return flops;
}

// The scopes of graphs under control flow, nested ones included.
void CollectScopes(const Node& node, std::vector<int>* scopes) {
  for (const auto& sub : node.subgraphs) {
    if (node.op == Op::kIf || node.op == Op::kWhile) scopes->push_back(sub->scope);
    for (const auto& inner : sub->nodes()) CollectScopes(*inner, scopes);
  }
}

class PlanBuilder {
 public:
  PlanBuilder(const Graph& graph, const CompileOptions& options)
      : graph_(graph), options_(options), plain_sums_(options.plain_sums || IsDisabled(options, "winograd")),
        plan_(std::make_shared<Plan>()), slot_of_(graph.size(), -1) {}

  Result<std::shared_ptr<const Plan>> Run() {
    plan_->symbols = graph_.symbols;
    plan_->guards = graph_.guards;
    plan_->output_names = graph_.output_names;
    plan_->variables = graph_.variables;
    for (size_t i = 0; i < graph_.inputs.size(); ++i) {
      Node* input = graph_.inputs[i];
      plan_->inputs.push_back(input->type);
      plan_->input_names.push_back(input->name);
      slot_of_[input->id] = NewSlot(SlotKind::kInput, static_cast<int>(i), input->type);
    }
    for (const Node* output : graph_.outputs) {
      if (output->rank() <= kMaxRank) continue;
      return NotSupported("node '{}' gives the graph an output of {} dimensions; callers' tensors have at most {}",
                          output->name, output->rank(), kMaxRank);
    }
    const std::vector<Node*> order = TopologicalOrder(graph_);
    ReserveOutputs();
    if (!IsDisabled(options_, "place-parts")) parts_ = PlaceParts(graph_);
    for (Node* node : order) BELAY_RETURN_IF_ERROR(AddNode(node));
    const std::vector<int> sources = SaveOverwritten();
    for (size_t k = 0; k < graph_.outputs.size(); ++k) AddOutput(static_cast<int>(k));
    for (size_t k = 0; k < graph_.stores.size(); ++k) AddStore(graph_.stores[k], sources[k]);
    const bool chains = !plan_->runs_stepwise && !IsDisabled(options_, "chains");
    if (chains) PlanHandovers(*plan_, specs_, options_.cache_bytes);
    BELAY_RETURN_IF_ERROR(CompileKernels());
    DropUnreadConstants();
    if (chains) plan_->chains = FindChains(*plan_, specs_, options_.cache_bytes);
    NoteChains();
    if (!plan_->runs_stepwise && !IsDisabled(options_, "overwrite")) OverwriteOperands(plan_.get(), specs_);
    FindLifetimes();
    FindWaits();
    FindInputUses();
    return std::shared_ptr<const Plan>(plan_);
  }

 private:
  int NewSlot(SlotKind kind, int index, TensorType type) {
    plan_->slots.push_back({kind, index, std::move(type), 0, 0});
    return static_cast<int>(plan_->slots.size()) - 1;
  }

  // The first output that is a kernel's result is written by that kernel directly.
  void ReserveOutputs() {
    for (size_t k = 0; k < graph_.outputs.size(); ++k) {
      plan_->outputs.push_back(graph_.outputs[k]->type);
      plan_->output_slots.push_back(NewSlot(SlotKind::kOutput, static_cast<int>(k), graph_.outputs[k]->type));
      Node* source = ThroughReshapes(graph_.outputs[k]);
      if (source->op == Op::kFused && !source->home) direct_.emplace(source, plan_->output_slots.back());
    }
  }

  int ConstantSlot(const LiteralPtr& literal, const TensorType& type) {
    // Late ones wait: most are packed, and never needed as they are.
    plan_->constants.push_back({literal->late ? literal : ShareLiteral(literal), "", nullptr, literal->ByteSize()});
    return NewSlot(SlotKind::kConstant, static_cast<int>(plan_->constants.size()) - 1, type);
  }

  const Part* PartOf(const Node* node) const {
    const auto at = parts_.by_writer.find(node);
    return at == parts_.by_writer.end() ? nullptr : &at->second;
  }

  int WholeSlot(const Node* whole) {
    int& slot = slot_of_[whole->id];
    if (slot < 0) slot = NewSlot(SlotKind::kTemp, 0, whole->type);
    return slot;
  }

  int ResultSlot(Node* node, const TensorType& type) {
    if (node->home) return slot_of_[node->home->id];
    if (const Part* part = PartOf(node)) return WholeSlot(part->whole);
    auto it = direct_.find(node);
    if (it != direct_.end()) return it->second;
    return NewSlot(SlotKind::kTemp, 0, type);
  }

  static void Describe(const Node& node, const Graph& fragment, Step* step) {
    step->note = node.note;
    step->body = PrintGraph(fragment);
    for (const Node* n : TopologicalOrder(fragment)) {
      step->flops = step->flops + FlopsOf(*n);
      // Constants and their spreading are shared under the first user's name.
      if (n->op == Op::kInput || n->op == Op::kConst || n->op == Op::kBroadcast || n->name.empty()) continue;
      if (std::find(step->nodes.begin(), step->nodes.end(), n->name) == step->nodes.end()) {
        step->nodes.push_back(n->name);
      }
    }
  }

  void AddKernel(Node* node, std::shared_ptr<const Graph> fragment, const std::vector<TensorType>& types) {
    Step step;
    KernelSpec spec;
    step.binds = node->binds;
    const Part* part = PartOf(node);
    if (part != nullptr) spec.place = part->place;
    Fill(*node, node->inputs, std::move(fragment), &step, &spec);
    if (part != nullptr) step.note += fmt::format("; it lies in '{}'", part->whole->name);
    for (const TensorType& type : types) step.outputs.push_back(ResultSlot(node, type));
    for (size_t i = 0; node->home && i < step.inputs.size(); ++i) {
      if (step.inputs[i] == step.outputs[0]) spec.overwritten_input = static_cast<int>(i);
    }
    slot_of_[node->id] = step.outputs[0];
    if (!step.binds.empty()) plan_->runs_stepwise = true;
    call_slots_[node] = step.outputs;
    Add(std::move(step), std::move(spec));
  }

  // What a step that computes `fragment` of `inputs` has whatever it writes to.
  void Fill(const Node& node, const std::vector<Node*>& inputs, std::shared_ptr<const Graph> fragment, Step* step,
            KernelSpec* spec) {
    for (size_t k = 0; k < inputs.size(); ++k) {
      if (const Part* part = PartOf(inputs[k])) fragment = ReadPart(*fragment, static_cast<int>(k), part->place);
      step->inputs.push_back(slot_of_[inputs[k]->id]);
      spec->constant_inputs.push_back(plan_->slots[step->inputs.back()].kind == SlotKind::kConstant);
    }
    step->name = spec->name = node.name;
    Describe(node, *fragment, step);
    if (spec->place) step->part = fragment->outputs[0]->type;
    spec->fragment = std::move(fragment);
    spec->plain_sums = plain_sums_;
  }

  void Add(Step step, KernelSpec spec) {
    step.kernel = static_cast<int>(specs_.size());
    specs_.push_back(std::move(spec));
    plan_->steps.push_back(std::move(step));
  }

  void AddCopied(Node* whole, const std::vector<CopiedOperand>& copied) {
    for (const CopiedOperand& operand : copied) {
      Step step;
      KernelSpec spec;
      spec.place = operand.place;
      std::vector<int> read;
      std::shared_ptr<const Graph> fragment = FragmentOf(operand.node, &read);
      std::vector<Node*> inputs;
      for (int k : read) inputs.push_back(whole->inputs[static_cast<size_t>(k)]);
      Fill(*whole, inputs, std::move(fragment), &step, &spec);
      step.outputs = {WholeSlot(whole)};
      Add(std::move(step), std::move(spec));
    }
    Step& last = LastWriter(WholeSlot(whole));
    if (std::find(last.nodes.begin(), last.nodes.end(), whole->name) == last.nodes.end()) {
      last.nodes.push_back(whole->name);
    }
  }

  Step& LastWriter(int slot) {
    const auto writes = [&](const Step& step) {
      return std::find(step.outputs.begin(), step.outputs.end(), slot) != step.outputs.end();
    };
    return *std::find_if(plan_->steps.rbegin(), plan_->steps.rend(), writes);
  }

  Status AddNode(Node* node) {
    switch (node->op) {
      case Op::kInput: return OkStatus();
      case Op::kConst: slot_of_[node->id] = ConstantSlot(node->literal, node->type); return OkStatus();
      case Op::kReshape: slot_of_[node->id] = slot_of_[node->inputs[0]->id]; return OkStatus();
      case Op::kGetOutput:
        slot_of_[node->id] = call_slots_.at(node->inputs[0])[node->index];
        return OkStatus();
      case Op::kFused: AddFused(node); return OkStatus();
      case Op::kCall: AddKernel(node, CallFragment(*node), node->call_types); return OkStatus();
      case Op::kIf:
      case Op::kWhile: return AddControlFlow(node);
      default: return Internal("node '{}' was left out of every kernel", node->name);
    }
  }

  void AddFused(Node* node) {
    const auto whole = parts_.copied.find(node);
    if (whole == parts_.copied.end()) return AddKernel(node, node->subgraphs[0], {node->type});
    AddCopied(node, whole->second);
  }

  static std::shared_ptr<const Graph> CallFragment(const Node& node) {
    auto fragment = std::make_shared<Graph>();
    std::vector<Node*> in;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      in.push_back(fragment->AddInput(static_cast<int>(i), node.inputs[i]->type));
    }
    fragment->outputs = {CopyNode(*fragment, node, in)};
    return fragment;
  }

  Status AddControlFlow(Node* node) {
    Step step;
    step.kind = node->op == Op::kIf ? StepKind::kIf : StepKind::kWhile;
    step.name = node->name;
    step.binds = node->binds;
    for (Node* in : node->inputs) step.inputs.push_back(slot_of_[in->id]);
    if (step.kind == StepKind::kWhile) {
      CollectScopes(*node, &step.scopes);
      step.needs_turn = AttrOf(node->attrs, kNeedsTurn, 0) != 0;
      for (Node* in : node->inputs) step.initial.push_back(in->shape());
    }
    for (const auto& sub : node->subgraphs) {
      sub->symbols = graph_.symbols;
      for (const Guard& g : graph_.guards) {
        if (g.DependsOnRun(graph_.symbols)) sub->guards.push_back(g);
      }
      BELAY_TRY(std::shared_ptr<const Plan> branch, belay::CompileGraph(*sub, options_));
      step.branches.push_back(branch);
    }
    for (const TensorType& type : node->call_types) step.outputs.push_back(NewSlot(SlotKind::kTemp, 0, type));
    slot_of_[node->id] = step.outputs.empty() ? -1 : step.outputs[0];
    call_slots_[node] = step.outputs;
    plan_->steps.push_back(std::move(step));
    plan_->runs_stepwise = true;
    return OkStatus();
  }

  void AddCopy(int from, int to, const std::string& name) {
    Step step;
    step.kind = StepKind::kCopy;
    step.name = name;
    step.inputs = {from};
    step.outputs = {to};
    plan_->steps.push_back(std::move(step));
  }

  bool IsStoredTo(const Node* input) const {
    return std::any_of(graph_.stores.begin(), graph_.stores.end(),
                       [&](const Store& s) { return graph_.inputs[s.input] == input; });
  }

  // Outputs that no kernel writes directly are copied.
  void AddOutput(int k) {
    Node* source = ThroughReshapes(graph_.outputs[k]);
    const int slot = slot_of_[source->id];
    const bool in_input = plan_->slots[slot].kind == SlotKind::kInput && (source->home || !IsStoredTo(source));
    plan_->outputs_in_inputs.push_back(in_input ? plan_->slots[slot].index : -1);
    if (slot != plan_->output_slots[k]) AddCopy(slot, plan_->output_slots[k], source->name);
  }

  // By store: the slot its value is copied from. A value in an input's memory that is stored to as well moves
  // aside first.
  std::vector<int> SaveOverwritten() {
    std::vector<char> copied_to(graph_.inputs.size(), 0);
    for (const Store& s : graph_.stores) {
      copied_to[s.input] = slot_of_[s.value->id] != slot_of_[graph_.inputs[s.input]->id];
    }
    std::vector<int> sources;
    for (const Store& s : graph_.stores) {
      int slot = slot_of_[s.value->id];
      const Slot from = plan_->slots[slot];
      if (from.kind == SlotKind::kInput && from.index != s.input && copied_to[from.index]) {
        const int aside = NewSlot(SlotKind::kTemp, 0, from.type);
        AddCopy(slot, aside, s.value->name);
        slot = aside;
      }
      sources.push_back(slot);
    }
    return sources;
  }

  void AddStore(const Store& store, int source) {
    const int target = slot_of_[graph_.inputs[store.input]->id];
    if (source != target) AddCopy(source, target, store.value->name);
  }

  Status CompileKernels() {
    Backend& backend = options_.backend ? *options_.backend : CpuBackend();
    Result<std::vector<CompiledKernel>> kernels = backend.Compile(specs_, options_.code_cache);
    if (!kernels.ok()) return std::move(kernels).status();
    plan_->kernels = *std::move(kernels);
    PackConstants();
    return OkStatus();
  }

  struct PackJob {
    int slot;                   // of the constant as it is
    const PackRequest* request;  // nullptr: as it is
    std::vector<int*> readers;  // places of steps' inputs
    std::shared_ptr<const void> packed;
  };

  // What kernels read in their own layouts; equal wishes share one copy. Then late constants that are read plainly.
  std::vector<PackJob> PackJobs() {
    std::vector<PackJob> jobs;
    std::map<std::pair<const void*, std::string>, size_t> known;
    std::set<const int*> packed;
    for (Step& step : plan_->steps) {
      if (step.kernel < 0) continue;
      for (const PackRequest& pack : plan_->kernels[step.kernel].packs) {
        int* reader = &step.inputs[pack.input];
        const void* data = plan_->constants[plan_->slots[*reader].index].literal->Identity();
        const size_t job = known.emplace(std::pair(data, pack.layout), jobs.size()).first->second;
        if (job == jobs.size()) jobs.push_back({*reader, &pack, {}, nullptr});
        jobs[job].readers.push_back(reader);
        packed.insert(reader);
      }
    }
    std::set<int> plain;
    for (const Step& step : plan_->steps) {
      for (const int& slot : step.inputs) {
        if (plan_->slots[slot].kind != SlotKind::kConstant || packed.count(&slot)) continue;
        const LiteralPtr& literal = plan_->constants[plan_->slots[slot].index].literal;
        if (literal->late && plain.insert(slot).second) jobs.push_back({slot, nullptr, {}, nullptr});
      }
    }
    return jobs;
  }

  // As it is.
  int64_t BytesOf(const PackJob& job) const { return plan_->constants[plan_->slots[job.slot].index].bytes; }

  // Small ones are packed faster than they are found.
  std::unique_ptr<ConstantStore> StoreFor(const std::vector<PackJob>& jobs) const {
    constexpr int64_t kFew = int64_t{16} << 20;
    int64_t bytes = 0;
    for (const PackJob& job : jobs) {
      const int64_t own = job.request ? job.request->bytes : BytesOf(job);
      if (own >= kLateBytes) bytes += own;
    }
    return bytes < kFew ? nullptr : OpenConstantStore(options_.code_cache, bytes);
  }

  void Pack(ConstantStore* store, PassingBlocks* passing, PackJob* job) {
    LiteralPtr& literal = plan_->constants[plan_->slots[job->slot].index].literal;
    if (!job->request) {
      literal = ShareLiteral(literal, store);
    } else {
      const PassingBlocks::Scope scope(passing);
      job->packed = SharePacked(*literal, job->request->layout, job->request->bytes, job->request->pack, store);
    }
  }

  // On all cores, the largest first.
  void PackConstants() {
    std::vector<PackJob> jobs = PackJobs();
    const std::unique_ptr<ConstantStore> store = StoreFor(jobs);
    const std::shared_ptr<PassingBlocks> passing = PassingBlocks::Make();
    std::vector<size_t> order(jobs.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return BytesOf(jobs[a]) > BytesOf(jobs[b]); });
    std::atomic<size_t> next{0};
    std::mutex mutex;
    std::exception_ptr failure;
    auto pack = [&](int64_t begin, int64_t end) noexcept {
      for (; begin < end; ++begin) {
        try {
          Pack(store.get(), passing.get(), &jobs[order[next++]]);
        } catch (...) {
          std::lock_guard<std::mutex> lock(mutex);
          failure = std::current_exception();
        }
      }
    };
    auto call = [](void* arg, int64_t begin, int64_t end) { (*static_cast<decltype(pack)*>(arg))(begin, end); };
    ParallelFor(static_cast<int64_t>(jobs.size()), call, &pack);
    if (failure) std::rethrow_exception(failure);
    for (PackJob& job : jobs) {
      if (!job.request) continue;
      plan_->constants.push_back({nullptr, job.request->layout, std::move(job.packed), job.request->bytes});
      const TensorType type = plan_->slots[job.slot].type;
      const int slot = NewSlot(SlotKind::kConstant, static_cast<int>(plan_->constants.size()) - 1, type);
      for (int* reader : job.readers) *reader = slot;
    }
  }

  // What was packed for every step that reads it is not kept as it was.
  void DropUnreadConstants() {
    std::vector<char> read(plan_->constants.size(), 0);
    for (const Step& step : plan_->steps) {
      for (int s : step.inputs) {
        if (plan_->slots[s].kind == SlotKind::kConstant) read[plan_->slots[s].index] = 1;
      }
    }
    for (size_t i = 0; i < read.size(); ++i) {
      if (!read[i]) plan_->constants[i].literal.reset();
    }
  }

  void NoteChains() {
    for (const Chain& chain : plan_->chains) {
      for (int i = chain.first_step; i + 1 < chain.end_step(); ++i) {
        plan_->steps[static_cast<size_t>(i)].note += "; runs by rows with the next step, except in a profile";
      }
    }
  }

  // A chain's steps run at the same time.
  void FindLifetimes() {
    std::vector<int> begin(plan_->steps.size()), end(plan_->steps.size());
    std::iota(begin.begin(), begin.end(), 0);
    std::iota(end.begin(), end.end(), 0);
    for (const Chain& chain : plan_->chains) {
      std::fill(begin.begin() + chain.first_step, begin.begin() + chain.end_step(), chain.first_step);
      std::fill(end.begin() + chain.first_step, end.begin() + chain.end_step(), chain.end_step() - 1);
    }
    std::vector<char> written(plan_->slots.size(), 0);
    for (size_t i = 0; i < plan_->steps.size(); ++i) {
      for (int s : plan_->steps[i].outputs) {
        if (!written[s]) plan_->slots[s].first_step = begin[i];
        written[s] = 1;
        plan_->slots[s].last_step = std::max(plan_->slots[s].last_step, end[i]);
      }
      for (int s : plan_->steps[i].inputs) {
        plan_->slots[s].last_step = std::max(plan_->slots[s].last_step, end[i]);
      }
    }
  }

  void FindWaits() {
    for (const TensorType& type : plan_->outputs) {
      bool waits = false;
      for (const Dim& d : type.shape) {
        std::vector<int> ids;
        d.CollectSymbols(&ids);
        for (int id : ids) waits = waits || graph_.symbols[id].input < 0;
      }
      plan_->output_waits.push_back(waits);
    }
  }

  void FindInputUses() {
    plan_->input_uses.assign(plan_->inputs.size(), 0);
    auto mark = [&](const std::vector<int>& slots, InputUse use) {
      for (int s : slots) {
        if (plan_->slots[s].kind == SlotKind::kInput) plan_->input_uses[plan_->slots[s].index] |= use;
      }
    };
    for (const Step& step : plan_->steps) {
      mark(step.inputs, kInputRead);
      mark(step.outputs, kInputWritten);
    }
  }

  const Graph& graph_;
  const CompileOptions& options_;
  const bool plain_sums_;
  std::shared_ptr<Plan> plan_;
  Parts parts_;
  std::vector<int> slot_of_;
  std::map<const Node*, int> direct_;
  std::map<const Node*, std::vector<int>> call_slots_;
  std::vector<KernelSpec> specs_;
};

}  // namespace

Result<std::shared_ptr<const Plan>> BuildPlan(const Graph& fused, const CompileOptions& options) {
  return PlanBuilder(fused, options).Run();
}

}  // namespace belay
