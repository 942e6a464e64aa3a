// A call's tensors as the executor sees them.
#pragma once
#include <cstdint>
#include <vector>

#include "base/dtype.h"
#include "base/rank.h"
#include "base/status.h"

namespace belay {

// Where outputs without an address come from, when not from AllocateMemory.
class OutputAllocator {
 public:
  virtual ~OutputAllocator() = default;
  // *block: what Free takes back.
  virtual Result<void*> Allocate(size_t bytes, void** block) = 0;
  virtual void Free(void* block) = 0;
};

struct TensorView {
  void* data = nullptr;  // outputs: nullptr asks the engine to allocate
  size_t bytes = 0;      // capacity of `data`
  DType dtype = DType::kUndefined;
  bool on_host = false;
  void* block = nullptr;  // of the OutputAllocator that gave `data`
  int rank = 0;
  int64_t dims[kMaxRank] = {};
};

}  // namespace belay
