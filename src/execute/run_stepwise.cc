// Plans whose extents or branches are decided while they run.
#include <algorithm>
#include <cstring>
#include <map>
#include <optional>

#include "execute/profile.h"
#include "execute/run.h"

namespace belay {
namespace {

using Extents = std::vector<std::vector<int64_t>>;

// A step as it was last prepared, and for which symbols.
struct KeptStep {
  std::vector<int64_t> symbols;
  std::optional<PreparedStep> prepared;
};

// What a run and the branches inside it share: above all, what one turn of a loop leaves to the next.
struct StepwiseState {
  BlockPool* pool;
  RunValues values;
  std::map<const Plan*, std::shared_ptr<const Prepared>> prepared;  // of branches that do not run stepwise
  std::map<const Plan*, std::vector<KeptStep>> steps;               // of the plans that do
  std::vector<void*> pointers;                                      // of the kernel that runs
};

// Slots get their memory when their writer runs, temps lose it after the last reader. A value that is another's is a
// share of its block.
class StepwiseRun {
 public:
  // given: the callers' output buffers, where not null. registers: of the others, as the caller will FreeMemory.
  StepwiseRun(const Plan& plan, std::vector<int64_t>* symbols, std::vector<Block> inputs, void* const* given,
              bool registers, std::vector<char> bound, StepwiseState* state)
      : plan_(plan), symbols_(*symbols), bound_(std::move(bound)), inputs_(std::move(inputs)), given_(given),
        registers_(registers), state_(*state), kept_(state->steps[&plan]), memory_(plan.slots.size()),
        outputs_(plan.outputs.size()) {
    kept_.resize(plan.steps.size());
    if (symbols_.size() < plan.symbols.size()) symbols_.resize(plan.symbols.size(), 0);
    bound_.resize(symbols_.size(), 0);
  }

  Status Run() {
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      const Step& step = plan_.steps[i];
      {
        const StepTimer timer(plan_, static_cast<int>(i), symbols_);
        BELAY_RETURN_IF_ERROR(RunStep(step, &kept_[i]));
      }
      for (int s : step.inputs) {
        if (plan_.slots[s].kind == SlotKind::kTemp && plan_.slots[s].last_step == static_cast<int>(i)) {
          memory_[s].Reset();
        }
      }
    }
    return OkStatus();
  }

  Extents OutputDims() const {
    Extents dims;
    for (const TensorType& type : plan_.outputs) dims.push_back(EvaluateShape(type.shape, symbols_));
    return dims;
  }
  // Empty where the caller gave a buffer.
  std::vector<Block> TakeOutputs() { return std::move(outputs_); }

 private:
  void* Given(int s) const {
    const Slot& slot = plan_.slots[s];
    return slot.kind == SlotKind::kOutput && given_ ? given_[slot.index] : nullptr;
  }
  Block& Place(int s) {
    const Slot& slot = plan_.slots[s];
    return slot.kind == SlotKind::kOutput ? outputs_[slot.index] : memory_[s];
  }
  bool MustRegister(int s) const { return registers_ && plan_.slots[s].kind == SlotKind::kOutput; }
  int64_t Bytes(int s) const { return EvaluateBytes(plan_.slots[s].type, symbols_); }

  // A share of what the slot holds.
  Block Value(int s) {
    const Slot& slot = plan_.slots[s];
    if (slot.kind == SlotKind::kInput) return inputs_[slot.index];
    if (slot.kind == SlotKind::kConstant) {
      return Block::View(const_cast<void*>(plan_.constants[slot.index].data()), /*lasting=*/true);
    }
    void* given = Given(s);
    return given ? Block::View(given, /*lasting=*/false) : Place(s);
  }
  void* Address(int s) { return Value(s).get(); }

  Status Provide(int s) {
    if (Address(s)) return OkStatus();
    BELAY_TRY(Place(s), MustRegister(s) ? Block::NewRegistered(Bytes(s), state_.pool)
                                        : Block::New(Bytes(s), state_.pool));
    return OkStatus();
  }

  // The slot's value is what the block holds.
  Status Adopt(int s, Block block) {
    if (!Address(s) && (MustRegister(s) ? block.CanRelease() : block.CanRelease() || block.CanShare())) {
      Place(s) = std::move(block);
      return OkStatus();
    }
    BELAY_RETURN_IF_ERROR(Provide(s));
    const int64_t bytes = Bytes(s);
    if (bytes > 0 && Address(s) != block.get()) std::memmove(Address(s), block.get(), static_cast<size_t>(bytes));
    return OkStatus();
  }

  Status RunStep(const Step& step, KeptStep* kept) {
    switch (step.kind) {
      case StepKind::kKernel: return RunKernel(step, kept);
      case StepKind::kCopy: return Adopt(step.outputs[0], Value(step.inputs[0]));
      case StepKind::kIf: return RunIf(step);
      case StepKind::kWhile: return RunWhile(step);
    }
    return OkStatus();
  }

  const PreparedStep& PreparedFor(const Step& step, KeptStep* kept) const {
    if (!kept->prepared || kept->symbols != symbols_) *kept = {symbols_, PrepareStep(plan_, step, symbols_)};
    return *kept->prepared;
  }

  Status RunKernel(const Step& step, KeptStep* kept) {
    if (!step.binds.empty()) return RunBinding(step, kept);
    for (int s : step.outputs) BELAY_RETURN_IF_ERROR(Provide(s));
    state_.pointers.clear();
    for (int s : step.inputs) state_.pointers.push_back(Address(s));
    for (int s : step.outputs) state_.pointers.push_back(Address(s));
    KernelCall call{state_.pointers.data(), nullptr, nullptr, nullptr, nullptr, nullptr, &state_.values};
    return LaunchKernel(plan_, step, PreparedFor(step, kept), &call);
  }

  // A call that decides extents allocates its results.
  Status RunBinding(const Step& step, KeptStep* kept) {
    std::vector<void*> buffers, allocated(step.outputs.size(), nullptr);
    for (int s : step.inputs) buffers.push_back(Address(s));
    buffers.resize(buffers.size() + step.outputs.size(), nullptr);
    std::vector<int64_t> bound(step.binds.size(), 0);
    KernelCall call{buffers.data(), nullptr, nullptr, nullptr, bound.data(), allocated.data(), &state_.values};
    const Status launched = LaunchKernel(plan_, step, PreparedFor(step, kept), &call);
    std::vector<Block> results;
    for (void* data : allocated) results.push_back(Block::Registered(data, state_.pool));
    BELAY_RETURN_IF_ERROR(launched);
    for (size_t i = 0; i < step.binds.size(); ++i) symbols_[step.binds[i]] = bound[i];
    BELAY_RETURN_IF_ERROR(CheckGuards(step));
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i].get()) return Internal("node '{}' returned no memory for output {}", step.name, i);
      BELAY_RETURN_IF_ERROR(Adopt(step.outputs[i], std::move(results[i])));
    }
    return OkStatus();
  }

  // What a loop carries has other extents in every round: its branches' guards hold in all of them, the others' when
  // it has ended.
  enum class Moment : uint8_t { kRound, kEnd };

  static bool IsDue(const Guard& g, const Step& step, Moment moment) {
    const auto inside = [&](int scope) {
      return std::find(step.scopes.begin(), step.scopes.end(), scope) != step.scopes.end();
    };
    return moment == Moment::kRound ? std::any_of(g.scopes.begin(), g.scopes.end(), inside)
                                    : !std::all_of(g.scopes.begin(), g.scopes.end(), inside);
  }

  // The compiler took decisions about extents that only now are known.
  Status CheckGuards(const Step& step, Moment moment = Moment::kEnd) {
    for (int id : step.binds) bound_[id] = 1;
    for (const Guard& g : plan_.guards) {
      std::vector<int> ids;
      g.condition.CollectSymbols(&ids);
      const bool known = std::all_of(ids.begin(), ids.end(), [&](int id) {
        return plan_.symbols[id].input >= 0 || bound_[id];
      });
      const bool ours = std::any_of(ids.begin(), ids.end(), [&](int id) {
        return std::find(step.binds.begin(), step.binds.end(), id) != step.binds.end();
      });
      if (known && ours && IsDue(g, step, moment) && (g.condition.Evaluate(symbols_) != 0) != g.expected) {
        return NotSupported("node '{}': its data give extents that the graph was not compiled for ({} is {})",
                            step.name, g.condition.ToString(), g.condition.Evaluate(symbols_));
      }
    }
    return OkStatus();
  }

  // The symbols a branch binds beyond ours: its results' extents, in order.
  Status BindResults(const Step& step, const Extents& dims, Moment moment = Moment::kEnd) {
    for (size_t k = 0; k < step.outputs.size(); ++k) {
      const Shape& shape = plan_.slots[step.outputs[k]].type.shape;
      if (shape.size() != dims[k].size()) {
        return InvalidArgument("node '{}': output {} has rank {}, but {} was expected", step.name, k,
                               dims[k].size(), shape.size());
      }
      for (size_t d = 0; d < shape.size(); ++d) {
        for (int id : step.binds) {
          if (shape[d] == Dim::Symbol(id)) symbols_[id] = dims[k][d];
        }
        if (shape[d].Evaluate(symbols_) != dims[k][d]) {
          return InvalidArgument("node '{}': output {} has extent {} in dim {}, but {} was expected", step.name,
                                 k, dims[k][d], d, shape[d].Evaluate(symbols_));
        }
      }
    }
    return CheckGuards(step, moment);
  }

  Status RunBranch(const Plan& branch, const std::vector<Block>& inputs, std::vector<Block>* outputs, Extents* dims) {
    std::vector<int64_t> symbols = symbols_;
    symbols.resize(std::max(symbols.size(), branch.symbols.size()), 0);
    if (branch.runs_stepwise) {
      StepwiseRun run(branch, &symbols, inputs, nullptr, /*registers=*/false, bound_, &state_);
      BELAY_RETURN_IF_ERROR(run.Run());
      *dims = run.OutputDims();
      *outputs = run.TakeOutputs();
      return OkStatus();
    }
    std::shared_ptr<const Prepared>& prepared = state_.prepared[&branch];
    symbols.resize(branch.symbols.size());
    if (!prepared || prepared->symbols != symbols) prepared = Prepare(branch, std::move(symbols));
    outputs->clear();
    std::vector<void*> sources, targets;
    for (const Block& input : inputs) sources.push_back(input.get());
    for (size_t k = 0; k < branch.outputs.size(); ++k) {
      // A value that only passes through stays where it is: its copy finds both in one place.
      const int passed = branch.outputs_in_inputs[k];
      if (passed >= 0 && inputs[passed].CanShare()) {
        outputs->push_back(inputs[passed]);
      } else {
        outputs->emplace_back();
        BELAY_TRY(outputs->back(), Block::New(OutputBytes(branch, k, prepared->symbols), state_.pool));
      }
      targets.push_back(outputs->back().get());
    }
    BELAY_TRY(Block arena, Block::New(prepared->arena_bytes, state_.pool));
    *dims = prepared->output_dims;
    return RunPrepared(branch, *prepared, sources.data(), targets.data(), static_cast<std::byte*>(arena.get()),
                       &state_.pointers, &state_.values);
  }

  Status RunIf(const Step& step) {
    const bool taken = *static_cast<const uint8_t*>(Address(step.inputs[0])) != 0;
    std::vector<Block> inputs, outputs;
    for (size_t i = 1; i < step.inputs.size(); ++i) inputs.push_back(Value(step.inputs[i]));
    Extents dims;
    BELAY_RETURN_IF_ERROR(RunBranch(*step.branches[taken ? 0 : 1], inputs, &outputs, &dims));
    BELAY_RETURN_IF_ERROR(BindResults(step, dims));
    return AdoptAll(step, std::move(outputs));
  }

  Status RunWhile(const Step& step) {
    std::vector<Block> carried, next, verdict;
    Extents dims;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      carried.push_back(Value(step.inputs[i]));
      dims.push_back(EvaluateShape(step.initial[i], symbols_));
    }
    for (bool first = true;; first = false) {
      BELAY_RETURN_IF_ERROR(BindResults(step, dims, Moment::kRound));  // the branches' own shapes depend on these
      Extents ignored;
      BELAY_RETURN_IF_ERROR(RunBranch(*step.branches[0], carried, &verdict, &ignored));
      if (*static_cast<const uint8_t*>(verdict[0].get()) == 0) {
        if (!first || !step.needs_turn) break;
        return NotSupported("node '{}': the loop takes no turn, and a result of it would have another rank then",
                            step.name);
      }
      BELAY_RETURN_IF_ERROR(RunBranch(*step.branches[1], carried, &next, &dims));
      std::swap(carried, next);
    }
    BELAY_RETURN_IF_ERROR(BindResults(step, dims));
    return AdoptAll(step, std::move(carried));
  }

  Status AdoptAll(const Step& step, std::vector<Block> values) {
    for (size_t k = 0; k < step.outputs.size(); ++k) {
      BELAY_RETURN_IF_ERROR(Adopt(step.outputs[k], std::move(values[k])));
    }
    return OkStatus();
  }

  const Plan& plan_;
  std::vector<int64_t>& symbols_;
  std::vector<char> bound_;  // by symbol: decided by this run or the one around it
  const std::vector<Block> inputs_;
  void* const* given_;
  const bool registers_;
  StepwiseState& state_;
  std::vector<KeptStep>& kept_;  // by step
  std::vector<Block> memory_;   // kTemp, by slot
  std::vector<Block> outputs_;  // kOutput, by position
};

}  // namespace

Status RunStepwise(const Plan& plan, std::vector<int64_t>* symbols, void* const* inputs, void** outputs,
                   OutputExtents* extents, BlockPool* pool) {
  StepwiseState state{pool, {}, {}, {}, {}};
  std::vector<Block> views;
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    views.push_back(Block::View(inputs[i], /*lasting=*/!(plan.input_uses[i] & kInputWritten)));
  }
  StepwiseRun run(plan, symbols, std::move(views), outputs, /*registers=*/true, {}, &state);
  BELAY_RETURN_IF_ERROR(run.Run());
  extents->dims = run.OutputDims();
  for (size_t k = 0; k < plan.outputs.size(); ++k) extents->bytes.push_back(OutputBytes(plan, k, *symbols));
  std::vector<Block> made = run.TakeOutputs();
  for (size_t k = 0; k < made.size(); ++k) {
    if (!outputs[k]) outputs[k] = made[k].Release();
  }
  return OkStatus();
}

}  // namespace belay
