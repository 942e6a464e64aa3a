#include "ops/indexing.h"

#include <algorithm>

namespace belay {

Tensor WrapNegative(const Tensor& index, const Dim& extent) {
  return Select(Less(index, 0.0), index + index.builder().FromDim(index.dtype(), extent), index);
}

IndexSpace SpaceOf(const Tensor& x, const std::vector<Tensor>& indices, std::vector<int64_t> mask) {
  mask.resize(static_cast<size_t>(x.rank()), 0);
  std::vector<Shape> shapes;
  for (const Tensor& t : indices) shapes.push_back(t.shape());
  const Shape spread = BroadcastShapes(x.builder(), shapes);
  const auto marked = [](int64_t m) { return m != 0; };
  const int first = static_cast<int>(std::find_if(mask.begin(), mask.end(), marked) - mask.begin());
  const int last = static_cast<int>(std::find_if(mask.rbegin(), mask.rend(), marked).base() - mask.begin()) - 1;
  const bool neighbours = last - first + 1 == static_cast<int>(indices.size());
  const size_t place = neighbours ? static_cast<size_t>(first) : 0;
  IndexSpace s;
  int next = 0;
  for (int d = 0; d < x.rank(); ++d) {
    if (!mask[d]) s.shape.push_back(x.dim(d));
  }
  s.shape.insert(s.shape.begin() + static_cast<std::ptrdiff_t>(place), spread.begin(), spread.end());
  const int added = static_cast<int>(spread.size());
  for (int d = 0, whole = 0; d < x.rank(); ++d) {
    if (mask[d]) {
      s.axes.push_back(-(++next));
    } else {
      s.axes.push_back(whole < static_cast<int>(place) ? whole : whole + added);
      ++whole;
    }
  }
  Shape wide(s.shape.size(), Dim(1));
  std::copy(spread.begin(), spread.end(), wide.begin() + static_cast<std::ptrdiff_t>(place));
  for (int d = 0; d < x.rank(); ++d) {
    if (!mask[d]) continue;
    const Tensor at = WrapNegative(BroadcastTo(indices[s.at.size()], spread), x.dim(d));
    s.at.push_back(Reshape(at, wide));
  }
  return s;
}

Tensor StridedPlaces(Builder& b, const std::vector<Dim>& sizes, const std::vector<Dim>& strides, const Dim& offset) {
  Tensor at = BroadcastTo(b.FromDim(DType::kI64, offset), sizes);
  for (size_t d = 0; d < sizes.size(); ++d) {
    at = at + b.Iota(DType::kI64, sizes, static_cast<int>(d)) * b.FromDim(DType::kI64, strides[d]);
  }
  return at;
}

ReduceKind ReductionOf(const std::string& name) {
  if (name == "none" || name == "update") return ReduceKind::kNone;
  if (name == "add") return ReduceKind::kSum;
  if (name == "mul") return ReduceKind::kProd;
  if (name == "max") return ReduceKind::kMax;
  if (name == "min") return ReduceKind::kMin;
  Fail("reduction is '{}', but must be none, add, mul, max or min", name);
}

Tensor ScatterAlong(const Tensor& data, const Tensor& indices, const Tensor& updates, int64_t axis_given,
                    ReduceKind kind) {
  if (data.rank() != indices.rank() || data.rank() != updates.rank()) {
    Fail("data, indices and updates have ranks {}, {} and {}", data.rank(), indices.rank(), updates.rank());
  }
  const int axis = NormalizeAxis(axis_given, data.rank(), "axis");
  std::vector<int> axes;
  for (int d = 0; d < data.rank(); ++d) axes.push_back(d == axis ? -1 : d);
  return Scatter(kind, data, updates, {WrapNegative(indices, data.dim(axis))}, axes);
}

Tensor ScatterNdInto(const Tensor& data, const Tensor& indices, const Tensor& updates, ReduceKind kind) {
  const int lead = indices.rank() - 1;
  if (indices.rank() < 1 || !indices.dim(-1).IsConst()) {
    Fail("indices has shape {}, but its last extent must be known", ToString(indices.shape()));
  }
  const int depth = static_cast<int>(indices.dim(-1).value());
  if (depth > data.rank()) Fail("indices address {} dims, but the data has rank {}", depth, data.rank());
  if (updates.rank() != lead + data.rank() - depth) {
    Fail("updates has rank {}, but must have {}", updates.rank(), lead + data.rank() - depth);
  }
  Shape spread(indices.shape().begin(), indices.shape().end() - 1);
  spread.resize(updates.rank(), Dim(1));
  std::vector<Tensor> at;
  std::vector<int> axes;
  for (int d = 0; d < data.rank(); ++d) {
    if (d < depth) {
      Tensor index = WrapNegative(Squeeze(Slice(indices, lead, d, 1), {lead}), data.dim(d));
      at.push_back(Reshape(index, spread));
      axes.push_back(-static_cast<int>(at.size()));
    } else {
      axes.push_back(lead + d - depth);
    }
  }
  return Scatter(kind, data, updates, at, axes);
}

namespace {

// Extents that updates and data must have in common.
void CheckSame(const Tensor& data, int data_dim, const Tensor& updates, int updates_dim) {
  if (data.builder().Assume(Equal(data.dim(data_dim), updates.dim(updates_dim)), true)) return;
  Fail("updates has extent {} in dim {}, but what it updates {}", updates.dim(updates_dim).ToString(), updates_dim,
       data.dim(data_dim).ToString());
}

}  // namespace

Tensor ScatterRows(const Tensor& data, const Tensor& indices, const Tensor& updates, int64_t axis_given,
                   ReduceKind kind) {
  const int axis = NormalizeAxis(axis_given, data.rank(), "axis"), lead = indices.rank();
  if (updates.rank() != data.rank() - 1 + lead) {
    Fail("updates has rank {}, but must have {}", updates.rank(), data.rank() - 1 + lead);
  }
  for (int d = 0; d < lead; ++d) {
    if (data.builder().Assume(Equal(indices.dim(d), updates.dim(axis + d)), true)) continue;
    Fail("updates has extent {} in dim {}, but indices {}", updates.dim(axis + d).ToString(), axis + d,
         indices.dim(d).ToString());
  }
  Shape spread(updates.rank(), Dim(1));
  std::vector<int> axes;
  for (int d = 0; d < lead; ++d) spread[axis + d] = updates.dim(axis + d);
  for (int d = 0; d < data.rank(); ++d) {
    axes.push_back(d < axis ? d : d == axis ? -1 : d - 1 + lead);
    if (d != axis) CheckSame(data, d, updates, axes.back());
  }
  return Scatter(kind, data, updates, {Reshape(WrapNegative(indices, data.dim(axis)), spread)}, axes);
}

Tensor ScatterAt(const Tensor& cache, const Tensor& indices, const Tensor& updates, int64_t axis_given) {
  const int rank = cache.rank();
  if (updates.rank() != rank) Fail("updates has rank {}, but what it updates {}", updates.rank(), rank);
  const int axis = NormalizeAxis(axis_given, rank, "axis");
  if (axis == 0) Fail("axis is 0, but the first dim is the one that indices are given for");
  const bool names_entry = indices.rank() == 2;
  if (indices.rank() != 1 && !(names_entry && indices.builder().Assume(Equal(indices.dim(1), 2), true))) {
    Fail("indices has shape {}, but must have [batch] or [n,2]", ToString(indices.shape()));
  }
  Shape line(rank, Dim(1)), steps(rank, Dim(1));
  line[0] = indices.dim(0);
  steps[axis] = updates.dim(axis);
  Tensor place = names_entry ? Squeeze(Slice(indices, 1, 1, 1), {1}) : indices;
  Tensor at = Reshape(WrapNegative(place, cache.dim(axis)), line) + cache.builder().Iota(indices.dtype(), steps, axis);
  std::vector<Tensor> index = {at};
  std::vector<int> axes = AxisRange(0, rank);
  axes[axis] = -1;
  if (names_entry) {
    index.push_back(Reshape(WrapNegative(Squeeze(Slice(indices, 1, 0, 1), {1}), cache.dim(0)), line));
    axes[0] = -2;
  } else if (!cache.builder().Assume(Less(updates.dim(0), cache.dim(0) + Dim(1)), true)) {
    Fail("updates has {} entries, but what it updates {}", updates.dim(0).ToString(), cache.dim(0).ToString());
  }
  for (int d = 1; d < rank; ++d) {
    if (d != axis) CheckSame(cache, d, updates, d);
  }
  return Scatter(ReduceKind::kNone, cache, updates, index, axes);
}

}  // namespace belay
