// One run of a plan on given memory: what a stream's worker executes.
#pragma once
#include <memory>
#include <vector>

#include "execute/prepare.h"

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

// Runs every step now, on this thread and the pool's. inputs/outputs: the callers' buffers by position.
// `pointers` is reused between runs.
Status RunPrepared(const Plan& plan, const Prepared& prepared, void* const* inputs, void* const* outputs,
                   std::byte* arena, std::vector<void*>* pointers);

// For plans that decide extents while they run. Outputs whose pointer is null are allocated (AllocateMemory)
// and stored; out_dims receives every output's extents. bound, by symbol: what the run around has decided.
Status RunStepwise(const Plan& plan, std::vector<int64_t>* symbols, void* const* inputs, void** outputs,
                   std::vector<std::vector<int64_t>>* out_dims, const std::vector<char>& bound = {});

}  // namespace belay
