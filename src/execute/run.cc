#include "execute/run.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "base/thread_pool.h"
#include "execute/profile.h"
#include "execute/run_chain.h"

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

}  // namespace

Status ErrorOf(const Step& step, const RunError& error) {
  if (error.set == 2) return InvalidArgument("node '{}': {}", step.name, error.text);
  return InvalidArgument("node '{}' read or wrote outside its tensor: index {} is not in [0, {})", step.name,
                         error.index, error.limit);
}

Status LaunchKernel(const Plan& plan, const Step& step, const PreparedStep& prepared, KernelCall* call) {
  if (prepared.chunks <= 0) return OkStatus();
  const CompiledKernel& kernel = plan.kernels[step.kernel];
  RunError error;
  call->error = &error;
  call->params = prepared.params.data();
  call->closure = kernel.closure;
  if (prepared.parallel) {
    KernelLaunch launch{kernel.fn, call};
    ParallelFor(prepared.chunks, RunChunks, &launch);
  } else {
    kernel.fn(call, 0, prepared.chunks);
  }
  if (error.set.load(std::memory_order_relaxed)) return ErrorOf(step, error);
  return OkStatus();
}

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
    // One that has grown may grow again. What lies behind `bytes` is touched only then, and is no memory before.
    const size_t roomy = std::max(bytes, block.capacity + block.capacity / 2);
    for (size_t wanted : {roomy, bytes}) {
      block.capacity = (wanted + 4095) / 4096 * 4096 + 64;
      block.data = std::aligned_alloc(64, block.capacity);
      if (block.data) break;
    }
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

namespace {

template <typename Address>
Status RunChainAt(const Plan& plan, const Chain& chain, const Prepared& prepared, const Address& address,
                  std::vector<void*>* pointers) {
  pointers->clear();
  std::array<size_t, kMostStages> starts;
  for (size_t s = 0; s < chain.stages.size(); ++s) {
    const Step& step = plan.steps[static_cast<size_t>(chain.first_step) + s];
    starts[s] = pointers->size();
    for (int slot : step.inputs) pointers->push_back(address(slot));
    for (int slot : step.outputs) pointers->push_back(address(slot));
  }
  std::array<void* const*, kMostStages> buffers;
  for (size_t s = 0; s < chain.stages.size(); ++s) buffers[s] = pointers->data() + starts[s];
  return RunChain(plan, chain, prepared, std::span(buffers).first(chain.stages.size()));
}

}  // namespace

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
  auto chain = plan.chains.begin();
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    if (chain != plan.chains.end() && chain->first_step == static_cast<int>(i)) {
      const Chain& here = *chain++;
      if (!profiling) {  // which is about single steps
        BELAY_RETURN_IF_ERROR(RunChainAt(plan, here, prepared, address, pointers));
        i = static_cast<size_t>(here.end_step()) - 1;
        continue;
      }
    }
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
    KernelCall call{pointers->data(), nullptr, nullptr, nullptr, nullptr, nullptr, values};
    BELAY_RETURN_IF_ERROR(LaunchKernel(plan, step, prepared.steps[i], &call));
  }
  return OkStatus();
}

}  // namespace belay
