// Forms of indexed reads and updates that several operators share. Negative indices count from the end.
#pragma once
#include "ops/support.h"

namespace belay {

Tensor WrapNegative(const Tensor& index, const Dim& extent);

// One index tensor for each marked dim of x; the others are taken whole. As NumPy has it: the indices' dims stand
// where the marked ones stood, or first when these are not neighbours.
struct IndexSpace {
  std::vector<Tensor> at;  // in `shape`
  std::vector<int> axes;   // by dim of x, as Gather and Scatter take them
  Shape shape;             // of what is read or put there
};
IndexSpace SpaceOf(const Tensor& x, const std::vector<Tensor>& indices, std::vector<int64_t> mask);
// Where a view has its elements: (i, j, ..) lies at offset + i * strides[0] + j * strides[1] + ..
Tensor StridedPlaces(Builder& b, const std::vector<Dim>& sizes, const std::vector<Dim>& strides, const Dim& offset);

// "none" and "update", "add", "mul", "max", "min".
ReduceKind ReductionOf(const std::string& name);
// data[.., index[..], ..] (reduce)= updates, index along one axis.
Tensor ScatterAlong(const Tensor& data, const Tensor& indices, const Tensor& updates, int64_t axis_given,
                    ReduceKind kind);
// indices [lead..., k] address the first k dims of data; updates [lead..., rest of data].
Tensor ScatterNdInto(const Tensor& data, const Tensor& indices, const Tensor& updates, ReduceKind kind);
// Any indices address dim `axis` of data: updates are data with that dim replaced by the indices' dims.
Tensor ScatterRows(const Tensor& data, const Tensor& indices, const Tensor& updates, int64_t axis, ReduceKind kind);
// A cache [batch, ..., time, ...]: updates of some steps go to place indices[b] along `axis` of entry b, or, with
// indices [n, 2], of entry indices[i][0] at place indices[i][1].
Tensor ScatterAt(const Tensor& cache, const Tensor& indices, const Tensor& updates, int64_t axis);

}  // namespace belay
