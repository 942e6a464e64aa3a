// Views as strides: what a chain of view nodes over a dense buffer looks like to a kernel.
#pragma once
#include <optional>
#include <vector>

#include "graph/graph.h"

namespace belay {

// Element (i_0, i_1, ...) of the view lies at base[offset + sum i_k * strides[k]]; base is dense row-major.
struct StridedView {
  const Node* base = nullptr;
  Dim offset;
  std::vector<Dim> strides;  // 0 where the view repeats
};

std::vector<Dim> DenseStrides(const Shape& shape);
// Follows kReshape, kTranspose, kBroadcast and kSlice down to the first other node (or to `stop`, if that
// comes first). Empty when a reshape on the way cannot be expressed with strides.
std::optional<StridedView> ViewOf(const Node* node, const Node* stop = nullptr);

// So many elements side by side end at a line of the cache if they begin at one.
bool FillLines(DType dtype, const Dim& elements);

}  // namespace belay
