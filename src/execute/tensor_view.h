// A call's tensors as the executor sees them.
#pragma once
#include <cstdint>
#include <vector>

#include "base/dtype.h"

namespace belay {

constexpr int kMaxRank = 25;  // gert::Shape's

struct TensorView {
  void* data = nullptr;  // outputs: nullptr asks the engine to allocate
  size_t bytes = 0;      // capacity of `data`
  DType dtype = DType::kUndefined;
  bool on_host = false;
  int rank = 0;
  int64_t dims[kMaxRank] = {};
};

}  // namespace belay
