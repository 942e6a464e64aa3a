#include "execute/run_chain.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/allocate.h"
#include "base/thread_pool.h"
#include "execute/run.h"

namespace belay {
namespace {

struct ChainRun {
  const Plan& plan;
  const Chain& chain;
  const Prepared& prepared;
  std::span<void* const* const> buffers;
  uint64_t number;  // of the run, over all
  std::array<RunError, kMostStages> errors;
  std::atomic<bool> out_of_memory{false};

  const Step& StepOf(size_t s) const { return plan.steps[static_cast<size_t>(chain.first_step) + s]; }
  const CompiledKernel& KernelOf(size_t s) const { return plan.kernels[StepOf(s).kernel]; }
};

// Between the memory of stages, so that a row and what is made of it do not lie a multiple of a page apart: the
// processor would take loads of the one for loads of what was just stored to the other.
constexpr size_t kApart = 1344;

// What a thread keeps of a stage's result: groups [begin, end), from the memory's front on.
struct Held {
  int64_t begin = 0, end = 0;
  std::byte* memory = nullptr;
};

// A thread's part in runs of chains.
class Worker {
 public:
  void Run(ChainRun& run, int64_t begin, int64_t end) {
    if (number_ != run.number && !Begin(run)) {
      run.out_of_memory = true;
      return;
    }
    for (int64_t group = begin; group < end; ++group) RunGroup(run, run.chain.stages.size() - 1, group);
  }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  bool Begin(const ChainRun& run) {
    const auto rounded = [](int64_t bytes) { return static_cast<size_t>((bytes + 63) / 64 * 64) + kApart; };
    const auto room = [&](const ChainStage& stage) {
      return rounded(stage.HeldBytes() + static_cast<int64_t>(kReadBehind));
    };
    const size_t count = run.chain.stages.size();
    size_t bytes = 0;
    for (size_t s = 0; s < count; ++s) bytes += room(run.chain.stages[s]) + rounded(run.KernelOf(s).kept.Bytes());
    if (bytes > capacity_) {
      capacity_ = 0;
      memory_.reset(std::aligned_alloc(64, bytes));
      if (!memory_) return false;
      capacity_ = bytes;
    }
    auto* at = static_cast<std::byte*>(memory_.get());
    for (size_t s = 0; s < count; ++s) {
      held_[s] = {0, 0, at};
      at += room(run.chain.stages[s]);
      const KeptMemory& kept = run.KernelOf(s).kept;
      kept_[s] = kept.keys > 0 ? at : nullptr;
      std::memset(at, 0, static_cast<size_t>(kept.KeyBytes()));
      at += rounded(kept.Bytes());
    }
    number_ = run.number;
    return true;
  }

  // Makes the stage's memory hold these groups.
  void Provide(ChainRun& run, size_t s, GroupRange groups) {
    const ChainStage& stage = run.chain.stages[s];
    Held& held = held_[s];
    if (groups.begin < held.begin || groups.begin > held.end) held.begin = held.end = groups.begin;
    if (groups.end - held.begin > stage.held_groups) {
      const int64_t origin = FirstPixel(stage, held.begin), kept = FirstPixel(stage, groups.begin);
      const int64_t bytes = (FirstPixel(stage, held.end) - kept) * stage.pixel_bytes;
      std::memmove(held.memory, held.memory + (kept - origin) * stage.pixel_bytes, static_cast<size_t>(bytes));
      held.begin = groups.begin;
    }
    for (; held.end < groups.end; ++held.end) RunGroup(run, s, held.end);
  }

  // Where pixel 0 of a stage's result would lie.
  void* Origin(const ChainRun& run, size_t s) const {
    const ChainStage& stage = run.chain.stages[s];
    const int64_t skipped = FirstPixel(stage, held_[s].begin) * stage.pixel_bytes;
    return reinterpret_cast<void*>(reinterpret_cast<intptr_t>(held_[s].memory) - skipped);
  }

  void RunGroup(ChainRun& run, size_t s, int64_t group) {
    const ChainStage& stage = run.chain.stages[s];
    const Step& step = run.StepOf(s);
    const CompiledKernel& kernel = run.KernelOf(s);
    const PreparedStep& prepared = run.prepared.steps[static_cast<size_t>(run.chain.first_step) + s];
    std::array<void*, kMostStageBuffers> pointers;
    std::copy_n(run.buffers[s], step.inputs.size() + 1, pointers.begin());
    if (s > 0) {
      Provide(run, s - 1, GroupsRead(run.chain.stages[s - 1], stage, group));
      pointers[static_cast<size_t>(stage.image_input)] = Origin(run, s - 1);
    }
    if (s + 1 < run.chain.stages.size()) pointers[step.inputs.size()] = Origin(run, s);
    KernelCall call{pointers.data(), prepared.params.data(), &run.errors[s], kernel.closure};
    call.kept = kept_[s];
    const int64_t begin = group * stage.order.chunks;
    kernel.fn(&call, begin, std::min(prepared.chunks, begin + stage.order.chunks));
  }

  uint64_t number_ = 0;
  std::array<Held, kMostStages> held_;
  std::array<void*, kMostStages> kept_;  // by stage: its kernel's
  std::unique_ptr<void, Free> memory_;
  size_t capacity_ = 0;
};

void RunGroups(void* arg, int64_t begin, int64_t end) {
  thread_local Worker worker;
  worker.Run(*static_cast<ChainRun*>(arg), begin, end);
}

}  // namespace

Status RunChain(const Plan& plan, const Chain& chain, const Prepared& prepared,
                std::span<void* const* const> buffers) {
  static std::atomic<uint64_t> runs{0};
  ChainRun run{plan, chain, prepared, buffers, ++runs, {}};
  ParallelFor(chain.stages.back().groups, RunGroups, &run);
  if (run.out_of_memory) {
    const Step& first = plan.steps[static_cast<size_t>(chain.first_step)];
    return OutOfMemory("node '{}': no memory for what it hands on", first.name);
  }
  for (size_t s = 0; s < chain.stages.size(); ++s) {
    const Step& step = plan.steps[static_cast<size_t>(chain.first_step) + s];
    if (run.errors[s].set.load(std::memory_order_relaxed)) return ErrorOf(step, run.errors[s]);
  }
  return OkStatus();
}

}  // namespace belay
