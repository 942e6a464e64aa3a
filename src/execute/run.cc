#include "execute/run.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "backend/memory.h"
#include "base/thread_pool.h"

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
                   std::byte* arena, std::vector<void*>* pointers) {
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
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    if (step.kind == StepKind::kCopy) {
      const size_t bytes = static_cast<size_t>(prepared.slot_bytes[step.outputs[0]]);
      if (bytes) std::memmove(address(step.outputs[0]), address(step.inputs[0]), bytes);
      continue;
    }
    pointers->clear();
    for (int s : step.inputs) pointers->push_back(address(s));
    for (int s : step.outputs) pointers->push_back(address(s));
    RunError error;
    KernelCall call{pointers->data(), nullptr, &error, nullptr};
    BELAY_RETURN_IF_ERROR(LaunchKernel(plan.kernels[step.kernel], prepared.steps[i], &call));
    if (error.set.load(std::memory_order_relaxed)) return ErrorOf(step, error);
  }
  return OkStatus();
}

namespace {

// The memory of one stepwise run: slots get theirs when their writer runs, temps lose it after the last reader.
class StepwiseRun {
 public:
  StepwiseRun(const Plan& plan, std::vector<int64_t>* symbols, void* const* inputs, void** outputs,
              std::vector<char> bound)
      : plan_(plan), symbols_(*symbols), bound_(std::move(bound)), inputs_(inputs), outputs_(outputs),
        memory_(plan.slots.size(), nullptr), dims_(plan.slots.size()) {
    if (symbols_.size() < plan.symbols.size()) symbols_.resize(plan.symbols.size(), 0);
    bound_.resize(symbols_.size(), 0);
  }
  ~StepwiseRun() {
    for (size_t s = 0; s < memory_.size(); ++s) Drop(static_cast<int>(s));
  }

  Status Run() {
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      const Step& step = plan_.steps[i];
      Status status = RunStep(step);
      if (!status.ok()) return status;
      for (int s : step.inputs) {
        if (plan_.slots[s].last_step == static_cast<int>(i)) Drop(s);
      }
    }
    return OkStatus();
  }

  std::vector<int64_t> OutputDims(int k) const {
    for (size_t s = 0; s < plan_.slots.size(); ++s) {
      if (plan_.slots[s].kind == SlotKind::kOutput && plan_.slots[s].index == k) {
        return EvaluateShape(plan_.outputs[k].shape, symbols_);
      }
    }
    return {};
  }

 private:
  void Drop(int s) {
    if (plan_.slots[s].kind != SlotKind::kTemp || !memory_[s]) return;
    (void)FreeMemory(memory_[s]);
    memory_[s] = nullptr;
  }

  void* Address(int s) {
    const Slot& slot = plan_.slots[s];
    if (slot.kind == SlotKind::kInput) return inputs_[slot.index];
    if (slot.kind == SlotKind::kConstant) return const_cast<void*>(plan_.constants[slot.index].data());
    return slot.kind == SlotKind::kOutput ? outputs_[slot.index] : memory_[s];
  }

  Status Provide(int s) {
    const Slot& slot = plan_.slots[s];
    void*& place = slot.kind == SlotKind::kOutput ? outputs_[slot.index] : memory_[s];
    if (place) return OkStatus();
    const int64_t bytes = EvaluateBytes(slot.type, symbols_);
    BELAY_TRY(place, AllocateMemory(MemoryKind::kDevice, static_cast<size_t>(bytes > 0 ? bytes : 1)));
    return OkStatus();
  }

  // A result that came in memory of its own.
  Status Adopt(int s, void* data) {
    const Slot& slot = plan_.slots[s];
    void*& place = slot.kind == SlotKind::kOutput ? outputs_[slot.index] : memory_[s];
    if (!place) {
      place = data;
      return OkStatus();
    }
    std::memcpy(place, data, static_cast<size_t>(EvaluateBytes(slot.type, symbols_)));
    return FreeMemory(data);
  }

  Status RunStep(const Step& step) {
    switch (step.kind) {
      case StepKind::kKernel: return RunKernel(step);
      case StepKind::kCopy: {
        BELAY_RETURN_IF_ERROR(Provide(step.outputs[0]));
        const int64_t bytes = EvaluateBytes(plan_.slots[step.inputs[0]].type, symbols_);
        if (bytes > 0) std::memmove(Address(step.outputs[0]), Address(step.inputs[0]), static_cast<size_t>(bytes));
        return OkStatus();
      }
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
    KernelCall call{buffers.data(), nullptr, &error, nullptr, bound.data(), allocated.data()};
    PreparedStep prepared = PrepareStep(plan_, step, symbols_);
    BELAY_RETURN_IF_ERROR(LaunchKernel(kernel, prepared, &call));
    for (size_t i = 0; i < step.binds.size(); ++i) symbols_[step.binds[i]] = bound[i];
    if (!error.set.load()) {
      Status held = CheckGuards(step);
      if (!held.ok()) {
        for (void* p : allocated) {
          if (p) (void)FreeMemory(p);
        }
        return held;
      }
    }
    if (error.set.load()) {
      for (void* p : allocated) {
        if (p) (void)FreeMemory(p);
      }
      return ErrorOf(step, error);
    }
    for (size_t i = 0; allocates && i < allocated.size(); ++i) {
      if (allocated[i]) {
        BELAY_RETURN_IF_ERROR(Adopt(step.outputs[i], allocated[i]));
      } else {
        return Internal("node '{}' returned no memory for output {}", step.name, i);
      }
    }
    return OkStatus();
  }

  // The compiler took decisions about extents that only now are known.
  Status CheckGuards(const Step& step) {
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
      if (known && ours && (g.condition.Evaluate(symbols_) != 0) != g.expected) {
        return NotSupported("node '{}': its data give extents that the graph was not compiled for ({} is {})",
                            step.name, g.condition.ToString(), g.condition.Evaluate(symbols_));
      }
    }
    return OkStatus();
  }

  // The symbols a branch binds beyond ours: its results' extents, in order.
  Status BindResults(const Step& step, const std::vector<std::vector<int64_t>>& dims) {
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
    return CheckGuards(step);
  }

  Status RunBranch(const Plan& branch, const std::vector<void*>& inputs, std::vector<void*>* outputs,
                   std::vector<std::vector<int64_t>>* dims) {
    std::vector<int64_t> symbols = symbols_;
    symbols.resize(std::max(symbols.size(), branch.symbols.size()), 0);
    outputs->assign(branch.outputs.size(), nullptr);
    if (branch.runs_stepwise) return RunStepwise(branch, &symbols, inputs.data(), outputs->data(), dims, bound_);
    std::shared_ptr<const Prepared> prepared = Prepare(branch, symbols);
    for (size_t k = 0; k < outputs->size(); ++k) {
      const int64_t bytes = EvaluateBytes(branch.outputs[k], prepared->symbols);
      BELAY_TRY((*outputs)[k], AllocateMemory(MemoryKind::kDevice, static_cast<size_t>(bytes > 0 ? bytes : 1)));
    }
    size_t capacity = 0;
    WorkspacePool pool;
    void* arena = pool.Acquire(static_cast<size_t>(prepared->arena_bytes), &capacity);
    std::vector<void*> pointers;
    Status status = arena ? RunPrepared(branch, *prepared, inputs.data(), outputs->data(),
                                        static_cast<std::byte*>(arena), &pointers)
                          : OutOfMemory("no memory for {} bytes of scratch", prepared->arena_bytes);
    pool.Release(arena, capacity);
    *dims = prepared->output_dims;
    return status;
  }

  Status RunIf(const Step& step) {
    bool taken = *static_cast<const uint8_t*>(Address(step.inputs[0])) != 0;
    std::vector<void*> inputs, outputs;
    for (size_t i = 1; i < step.inputs.size(); ++i) inputs.push_back(Address(step.inputs[i]));
    std::vector<std::vector<int64_t>> dims;
    BELAY_RETURN_IF_ERROR(RunBranch(*step.branches[taken ? 0 : 1], inputs, &outputs, &dims));
    BELAY_RETURN_IF_ERROR(BindResults(step, dims));
    for (size_t k = 0; k < step.outputs.size(); ++k) BELAY_RETURN_IF_ERROR(Adopt(step.outputs[k], outputs[k]));
    return OkStatus();
  }

  Status RunWhile(const Step& step) {
    std::vector<void*> carried;
    std::vector<char> owned(step.inputs.size(), 0);
    for (int s : step.inputs) carried.push_back(Address(s));
    std::vector<std::vector<int64_t>> dims;
    for (int s : step.inputs) dims.push_back(EvaluateShape(plan_.slots[s].type.shape, symbols_));
    for (;;) {
      BELAY_RETURN_IF_ERROR(BindResults(step, dims));  // the branches' own shapes depend on these
      std::vector<void*> verdict, next;
      std::vector<std::vector<int64_t>> ignored;
      BELAY_RETURN_IF_ERROR(RunBranch(*step.branches[0], carried, &verdict, &ignored));
      const bool more = *static_cast<const uint8_t*>(verdict[0]) != 0;
      for (void* p : verdict) (void)FreeMemory(p);
      if (!more) break;
      BELAY_RETURN_IF_ERROR(RunBranch(*step.branches[1], carried, &next, &dims));
      for (size_t i = 0; i < carried.size(); ++i) {
        if (owned[i]) (void)FreeMemory(carried[i]);
        carried[i] = next[i];
        owned[i] = 1;
      }
    }
    BELAY_RETURN_IF_ERROR(BindResults(step, dims));
    for (size_t k = 0; k < step.outputs.size(); ++k) {
      if (owned[k]) {
        BELAY_RETURN_IF_ERROR(Adopt(step.outputs[k], carried[k]));
        continue;
      }
      BELAY_RETURN_IF_ERROR(Provide(step.outputs[k]));
      const int64_t bytes = EvaluateBytes(plan_.slots[step.outputs[k]].type, symbols_);
      if (bytes > 0) std::memcpy(Address(step.outputs[k]), carried[k], static_cast<size_t>(bytes));
    }
    return OkStatus();
  }

  const Plan& plan_;
  std::vector<int64_t>& symbols_;
  std::vector<char> bound_;  // by symbol: decided by this run or the one around it
  void* const* inputs_;
  void** outputs_;
  std::vector<void*> memory_;
  std::vector<std::vector<int64_t>> dims_;
};

}  // namespace

Status RunStepwise(const Plan& plan, std::vector<int64_t>* symbols, void* const* inputs, void** outputs,
                   std::vector<std::vector<int64_t>>* out_dims, const std::vector<char>& bound) {
  StepwiseRun run(plan, symbols, inputs, outputs, bound);
  BELAY_RETURN_IF_ERROR(run.Run());
  out_dims->clear();
  for (size_t k = 0; k < plan.outputs.size(); ++k) out_dims->push_back(run.OutputDims(static_cast<int>(k)));
  return OkStatus();
}

}  // namespace belay
