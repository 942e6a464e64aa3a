#include "execute/run.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "backend/memory.h"
#include "base/thread_pool.h"
#include "execute/profile.h"

namespace belay {
namespace {

struct KernelLaunch {
  KernelFn fn;
  const KernelCall* call;
};

void RunChunks(void* arg, int64_t begin, int64_t end) {
  auto* launch = static_cast<KernelLaunch*>(arg);
  launch->fn(launch->call, begin, end);
}

Status ErrorOf(const Step& step, const RunError& error) {
  if (error.set == 2) return InvalidArgument("node '{}': {}", step.name, error.text);
  return InvalidArgument("node '{}' read or wrote outside its tensor: index {} is not in [0, {})", step.name,
                         error.index, error.limit);
}

Status LaunchKernel(const CompiledKernel& kernel, const PreparedStep& prepared, KernelCall* call) {
  if (prepared.chunks <= 0) return OkStatus();
  call->params = prepared.params.data();
  call->closure = kernel.closure;
  if (prepared.parallel) {
    KernelLaunch launch{kernel.fn, call};
    ParallelFor(prepared.chunks, RunChunks, &launch);
  } else {
    kernel.fn(call, 0, prepared.chunks);
  }
  return OkStatus();
}

}  // namespace

WorkspacePool::~WorkspacePool() {
  for (const Block& block : free_) std::free(block.data);
}

void* WorkspacePool::Acquire(size_t bytes, size_t* capacity) {
  Block block{nullptr, 0};
  while (lock_.test_and_set(std::memory_order_acquire)) {
  }
  if (!free_.empty()) {
    block = free_.back();
    free_.pop_back();
  }
  lock_.clear(std::memory_order_release);
  if (!block.data || block.capacity < bytes) {
    std::free(block.data);
    block.capacity = (bytes + 4095) / 4096 * 4096 + 64;
    block.data = std::aligned_alloc(64, block.capacity);
  }
  *capacity = block.capacity;
  return block.data;
}

void WorkspacePool::Release(void* data, size_t capacity) {
  while (lock_.test_and_set(std::memory_order_acquire)) {
  }
  free_.push_back({data, capacity});
  lock_.clear(std::memory_order_release);
}

Status RunPrepared(const Plan& plan, const Prepared& prepared, void* const* inputs, void* const* outputs,
                   std::byte* arena, std::vector<void*>* pointers, RunValues* values) {
  auto address = [&](int s) -> void* {
    const Slot& slot = plan.slots[s];
    switch (slot.kind) {
      case SlotKind::kInput: return inputs[slot.index];
      case SlotKind::kOutput: return outputs[slot.index];
      case SlotKind::kConstant: return const_cast<void*>(plan.constants[slot.index].data());
      case SlotKind::kTemp: return arena + prepared.slot_offset[s];
    }
    return nullptr;
  };
  RunValues own;
  if (!values) values = &own;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    const StepTimer timer(plan, static_cast<int>(i), prepared.symbols);
    if (step.kind == StepKind::kCopy) {
      const size_t bytes = static_cast<size_t>(prepared.slot_bytes[step.outputs[0]]);
      void* const to = address(step.outputs[0]);
      const void* const from = address(step.inputs[0]);
      if (bytes && to != from) std::memmove(to, from, bytes);
      continue;
    }
    pointers->clear();
    for (int s : step.inputs) pointers->push_back(address(s));
    for (int s : step.outputs) pointers->push_back(address(s));
    RunError error;
    KernelCall call{pointers->data(), nullptr, &error, nullptr, nullptr, nullptr, values};
    BELAY_RETURN_IF_ERROR(LaunchKernel(plan.kernels[step.kernel], prepared.steps[i], &call));
    if (error.set.load(std::memory_order_relaxed)) return ErrorOf(step, error);
  }
  return OkStatus();
}

namespace {

// Memory of one stepwise run. Plain memory where nobody outside sees it: blocks of AllocateMemory are registered,
// and freeing them changes the registry under everybody else's cached answers.
class Block {
 public:
  Block() = default;
  Block(Block&& other) noexcept { *this = std::move(other); }
  Block& operator=(Block&& other) noexcept {
    if (this != &other) {
      Reset();
      data_ = std::exchange(other.data_, nullptr);
      registered_ = other.registered_;
    }
    return *this;
  }
  ~Block() { Reset(); }

  static Result<Block> Make(int64_t bytes, bool registered) {
    const size_t size = static_cast<size_t>(std::max<int64_t>(bytes, 1));
    Block block;
    block.registered_ = registered;
    if (registered) {
      BELAY_TRY(block.data_, AllocateMemory(MemoryKind::kDevice, size));
    } else {
      block.data_ = std::aligned_alloc(64, (size + 32 + 63) / 64 * 64);
      if (!block.data_) return OutOfMemory("no memory for {} bytes of scratch", size);
    }
    return block;
  }
  static Block Registered(void* data) {
    Block block;
    block.data_ = data;
    block.registered_ = true;
    return block;
  }
  void* get() const { return data_; }
  bool registered() const { return registered_; }
  void* Release() { return std::exchange(data_, nullptr); }
  void Reset() {
    if (data_ && registered_) FreeUnshared(data_);
    if (data_ && !registered_) std::free(data_);
    data_ = nullptr;
  }

 private:
  void* data_ = nullptr;
  bool registered_ = false;
};

using Extents = std::vector<std::vector<int64_t>>;

// Slots get their memory when their writer runs, temps lose it after the last reader.
class StepwiseRun {
 public:
  // given: the callers' output buffers, where not null. registers: of the others, as the caller will FreeMemory.
  StepwiseRun(const Plan& plan, std::vector<int64_t>* symbols, void* const* inputs, void* const* given,
              bool registers, std::vector<char> bound, RunValues* values)
      : plan_(plan), symbols_(*symbols), bound_(std::move(bound)), inputs_(inputs), given_(given),
        registers_(registers), values_(values),
        memory_(plan.slots.size()), outputs_(plan.outputs.size()) {
    if (symbols_.size() < plan.symbols.size()) symbols_.resize(plan.symbols.size(), 0);
    bound_.resize(symbols_.size(), 0);
  }

  Status Run() {
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      const Step& step = plan_.steps[i];
      {
        const StepTimer timer(plan_, static_cast<int>(i), symbols_);
        BELAY_RETURN_IF_ERROR(RunStep(step));
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

  void* Address(int s) {
    const Slot& slot = plan_.slots[s];
    if (slot.kind == SlotKind::kInput) return inputs_[slot.index];
    if (slot.kind == SlotKind::kConstant) return const_cast<void*>(plan_.constants[slot.index].data());
    void* given = Given(s);
    return given ? given : Place(s).get();
  }

  Status Provide(int s) {
    if (Address(s)) return OkStatus();
    BELAY_TRY(Place(s), Block::Make(Bytes(s), MustRegister(s)));
    return OkStatus();
  }

  // A result that came in memory of its own.
  Status Adopt(int s, Block block) {
    if (!Address(s) && (block.registered() || !MustRegister(s))) {
      Place(s) = std::move(block);
      return OkStatus();
    }
    return CopyIn(s, block.get());
  }

  Status CopyIn(int s, const void* data) {
    BELAY_RETURN_IF_ERROR(Provide(s));
    const int64_t bytes = Bytes(s);
    if (bytes > 0) std::memmove(Address(s), data, static_cast<size_t>(bytes));
    return OkStatus();
  }

  Status RunStep(const Step& step) {
    switch (step.kind) {
      case StepKind::kKernel: return RunKernel(step);
      case StepKind::kCopy: return CopyIn(step.outputs[0], Address(step.inputs[0]));
      case StepKind::kIf: return RunIf(step);
      case StepKind::kWhile: return RunWhile(step);
    }
    return OkStatus();
  }

  Status RunKernel(const Step& step) {
    const CompiledKernel& kernel = plan_.kernels[step.kernel];
    const bool allocates = !step.binds.empty();
    std::vector<void*> buffers;
    for (int s : step.inputs) buffers.push_back(Address(s));
    for (int s : step.outputs) {
      if (!allocates) BELAY_RETURN_IF_ERROR(Provide(s));
      buffers.push_back(allocates ? nullptr : Address(s));
    }
    std::vector<int64_t> bound(step.binds.size() + 1, 0);
    std::vector<void*> allocated(step.outputs.size(), nullptr);
    RunError error;
    KernelCall call{buffers.data(), nullptr, &error, nullptr, bound.data(), allocated.data(), values_};
    PreparedStep prepared = PrepareStep(plan_, step, symbols_);
    BELAY_RETURN_IF_ERROR(LaunchKernel(kernel, prepared, &call));
    std::vector<Block> results;
    for (void* data : allocated) results.push_back(Block::Registered(data));
    if (error.set.load()) return ErrorOf(step, error);
    for (size_t i = 0; i < step.binds.size(); ++i) symbols_[step.binds[i]] = bound[i];
    BELAY_RETURN_IF_ERROR(CheckGuards(step));
    for (size_t i = 0; allocates && i < results.size(); ++i) {
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

  Status RunBranch(const Plan& branch, const std::vector<void*>& inputs, std::vector<Block>* outputs,
                   Extents* dims) {
    std::vector<int64_t> symbols = symbols_;
    symbols.resize(std::max(symbols.size(), branch.symbols.size()), 0);
    if (branch.runs_stepwise) {
      StepwiseRun run(branch, &symbols, inputs.data(), nullptr, /*registers=*/false, bound_, values_);
      BELAY_RETURN_IF_ERROR(run.Run());
      *dims = run.OutputDims();
      *outputs = run.TakeOutputs();
      return OkStatus();
    }
    std::shared_ptr<const Prepared> prepared = Prepare(branch, symbols);
    outputs->clear();
    std::vector<void*> targets, pointers;
    for (const TensorType& type : branch.outputs) {
      BELAY_TRY(Block block, Block::Make(EvaluateBytes(type, prepared->symbols), false));
      targets.push_back(block.get());
      outputs->push_back(std::move(block));
    }
    BELAY_TRY(Block arena, Block::Make(prepared->arena_bytes, false));
    *dims = prepared->output_dims;
    return RunPrepared(branch, *prepared, inputs.data(), targets.data(), static_cast<std::byte*>(arena.get()),
                       &pointers, values_);
  }

  Status RunIf(const Step& step) {
    const bool taken = *static_cast<const uint8_t*>(Address(step.inputs[0])) != 0;
    std::vector<void*> inputs;
    for (size_t i = 1; i < step.inputs.size(); ++i) inputs.push_back(Address(step.inputs[i]));
    std::vector<Block> outputs;
    Extents dims;
    BELAY_RETURN_IF_ERROR(RunBranch(*step.branches[taken ? 0 : 1], inputs, &outputs, &dims));
    BELAY_RETURN_IF_ERROR(BindResults(step, dims));
    for (size_t k = 0; k < step.outputs.size(); ++k) {
      BELAY_RETURN_IF_ERROR(Adopt(step.outputs[k], std::move(outputs[k])));
    }
    return OkStatus();
  }

  Status RunWhile(const Step& step) {
    std::vector<void*> carried;
    std::vector<Block> owned(step.inputs.size());  // what carried points to, after the first round
    Extents dims;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      carried.push_back(Address(step.inputs[i]));
      dims.push_back(EvaluateShape(step.initial[i], symbols_));
    }
    for (bool first = true;; first = false) {
      BELAY_RETURN_IF_ERROR(BindResults(step, dims, Moment::kRound));  // the branches' own shapes depend on these
      std::vector<Block> verdict, next;
      Extents ignored;
      BELAY_RETURN_IF_ERROR(RunBranch(*step.branches[0], carried, &verdict, &ignored));
      if (*static_cast<const uint8_t*>(verdict[0].get()) == 0) {
        if (!first || !step.needs_turn) break;
        return NotSupported("node '{}': the loop takes no turn, and a result of it would have another rank then",
                            step.name);
      }
      BELAY_RETURN_IF_ERROR(RunBranch(*step.branches[1], carried, &next, &dims));
      for (size_t i = 0; i < carried.size(); ++i) {
        owned[i] = std::move(next[i]);
        carried[i] = owned[i].get();
      }
    }
    BELAY_RETURN_IF_ERROR(BindResults(step, dims));
    for (size_t k = 0; k < step.outputs.size(); ++k) {
      BELAY_RETURN_IF_ERROR(owned[k].get() ? Adopt(step.outputs[k], std::move(owned[k]))
                                           : CopyIn(step.outputs[k], carried[k]));
    }
    return OkStatus();
  }

  const Plan& plan_;
  std::vector<int64_t>& symbols_;
  std::vector<char> bound_;  // by symbol: decided by this run or the one around it
  void* const* inputs_;
  void* const* given_;
  const bool registers_;
  RunValues* const values_;
  std::vector<Block> memory_;   // kTemp, by slot
  std::vector<Block> outputs_;  // kOutput, by position
};

}  // namespace

Status RunStepwise(const Plan& plan, std::vector<int64_t>* symbols, void* const* inputs, void** outputs,
                   OutputExtents* extents) {
  RunValues values;
  StepwiseRun run(plan, symbols, inputs, outputs, /*registers=*/true, {}, &values);
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
