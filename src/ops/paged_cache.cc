#include "ops/paged_cache.h"

#include "ops/indexing.h"

namespace belay {
namespace {

struct SlotWrites {
  Tensor rows, slots;  // [T, W], [T]
};

// A row without a slot repeats what the first row with one writes; if there is none, what slot 0
// holds.
SlotWrites WithoutHoles(const Tensor& memory, const Tensor& rows, const Tensor& slots) {
  Builder& b = rows.builder();
  Tensor has = GreaterEqual(slots, 0.0);
  Tensor first = Reduce(ReduceKind::kArgMax, Cast(has, DType::kI32), {0}, true);
  Tensor any = Reduce(ReduceKind::kOr, has, {0}, true);
  Tensor slot = Select(any, GatherAxis(slots, first, 0, false), b.ScalarInt(slots.dtype(), 0));
  Tensor row =
      Select(Unsqueeze(any, {1}), GatherAxis(rows, first, 0, false), Slice(memory, 0, 0, 1));
  return {Select(Unsqueeze(has, {1}), rows, row), Select(has, slots, slot)};
}

Tensor Flat(const Tensor& x) { return Reshape(x, {NumElements(x.shape())}); }

void CheckCache(const Tensor& cache, const Tensor& rows) {
  if (cache.rank() != 4)
    Fail("a cache has shape {}, but must have rank 4", ToString(cache.shape()));
  if (cache.dtype() != rows.dtype()) {
    Fail("the cache is {}, but its new rows are {}", DTypeName(cache.dtype()),
         DTypeName(rows.dtype()));
  }
}

}  // namespace

Tensor WrittenAt(const Tensor& cache, const Tensor& rows, const Tensor& index) {
  CheckCache(cache, rows);
  Tensor at = Reshape(index, {rows.dim(0), Dim(1), rows.dim(2), Dim(1)});
  return Scatter(ReduceKind::kNone, cache, rows, {at}, {0, 1, -1, 3});
}

Tensor WrittenFrom(const Tensor& cache, const Tensor& rows, const Tensor& first) {
  CheckCache(cache, rows);
  return ScatterAt(cache, first, rows, 1);
}

Tensor WrittenToSlots(const Tensor& cache, const Tensor& rows, const Tensor& slots) {
  CheckCache(cache, rows);
  const Dim width = cache.dim(2) * cache.dim(3);
  Tensor memory = Reshape(cache, {cache.dim(0) * cache.dim(1), width});
  SlotWrites w = WithoutHoles(memory, Reshape(rows, {rows.dim(0), width}), Flat(slots));
  Tensor y = Scatter(ReduceKind::kNone, memory, w.rows, {Unsqueeze(w.slots, {1})}, {-1, 1});
  return Reshape(y, cache.shape());
}

Tensor WrittenToFractals(const Tensor& cache, const Tensor& rows, const Tensor& slots) {
  CheckCache(cache, rows);
  const Dim size = cache.dim(2), x = cache.dim(3), parts = cache.dim(1);
  // What slot 0 holds, as a row.
  Tensor first = Reshape(Slice(Slice(cache, 0, 0, 1), 2, 0, 1), {Dim(1), parts * x});
  SlotWrites w = WithoutHoles(first, rows, Flat(slots));
  Tensor updates = Reshape(w.rows, {rows.dim(0), parts, x});
  Tensor extent = slots.builder().FromDim(w.slots.dtype(), size);
  Tensor at = Unsqueeze(w.slots, {1, 2});
  return Scatter(ReduceKind::kNone, cache, updates, {FloorDiv(at, extent), Mod(at, extent)},
                 {-1, 1, -2, 2});
}

Tensor RmsNormed(const Tensor& x, const Tensor& gamma, double epsilon) {
  return x * Rsqrt(Mean(Square(x), {x.rank() - 1}) + epsilon) * gamma;
}

Tensor TurnedPairs(const Tensor& x, const Tensor& cos, const Tensor& sin) {
  const int last = x.rank() - 1;
  const Dim half = FloorDiv(x.dim(last), 2);
  Tensor first = Slice(x, last, 0, half, 2), second = Slice(x, last, 1, half, 2);
  return Concat({first, second}, last) * cos + Concat({-second, first}, last) * sin;
}

}  // namespace belay
