// One run of a plan on given memory: what a stream's worker executes.
#pragma once
#include <memory>
#include <vector>

#include "execute/blocks.h"
#include "execute/prepare.h"
#include "graph/run_values.h"

namespace belay {

// Scratch memory of runs, shared by the runs of one loaded graph: as many blocks as run at the same time.
class WorkspacePool {
 public:
  ~WorkspacePool();
  // At least `bytes`; goes back with Release. Null on exhaustion.
  void* Acquire(size_t bytes, size_t* capacity);
  void Release(void* block, size_t capacity);

 private:
  struct Block {
    void* data;
    size_t capacity;
  };
  std::vector<Block> free_;
  std::atomic_flag lock_ = ATOMIC_FLAG_INIT;
};

// What a kernel stored as its error, about its step.
Status ErrorOf(const Step& step, const RunError& error);
// Runs a kKernel step on the call's buffers. An index outside its tensor and a failed library call are errors.
Status LaunchKernel(const Plan& plan, const Step& step, const PreparedStep& prepared, KernelCall* call);

// Runs every step now, on this thread and the pool's. inputs/outputs: the callers' buffers by position.
// `pointers` is reused between runs. values: of the run around, if there is one.
Status RunPrepared(const Plan& plan, const Prepared& prepared, void* const* inputs, void* const* outputs,
                   std::byte* arena, std::vector<void*>* pointers, RunValues* values = nullptr);

// By output.
struct OutputExtents {
  std::vector<std::vector<int64_t>> dims;
  std::vector<int64_t> bytes;
};

// For plans that decide extents while they run. Outputs whose pointer is null are allocated (AllocateMemory)
// and stored. All else lies in the pool's blocks.
Status RunStepwise(const Plan& plan, std::vector<int64_t>* symbols, void* const* inputs, void** outputs,
                   OutputExtents* extents, BlockPool* pool);

}  // namespace belay
