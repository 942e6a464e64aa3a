// Embeddings: sums of looked-up rows, and gradients of look-ups.
#include <limits>

#include "ops/support.h"

namespace belay {
namespace {

Tensor Flat(const Tensor& x) { return Reshape(x, {NumElements(x.shape())}); }

// How often each of `rows` indices occurs among the flat ones.
Tensor Occurrences(const Tensor& indices, const Dim& rows, DType dtype) {
  Builder& b = indices.builder();
  Tensor ones = Full(b, indices.shape(), dtype, 1);
  return Scatter(ReduceKind::kSum, Full(b, {rows}, dtype, 0), ones, {indices}, {-1});
}

// Looked-up rows and the bag that each belongs to.
struct Bags {
  Tensor indices, bag;  // [n]
  Dim count;            // of bags
};

Bags ReadBags(const Body& b) {
  Tensor indices = b.Raw("indices");
  Builder& builder = indices.builder();
  const DType dtype = indices.dtype();
  Bags r;
  r.indices = Flat(indices);
  if (indices.rank() == 2) {  // each row is one bag
    if (b.Has("offsets")) Fail("indices of rank 2 come without offsets");
    r.count = indices.dim(0);
    r.bag = Flat(builder.Iota(dtype, indices.shape(), 0));
    return r;
  }
  if (indices.rank() != 1 || !b.Has("offsets")) Fail("indices need rank 2, or rank 1 and offsets");
  Tensor offsets = Cast(Flat(b.Raw("offsets")), dtype);
  r.count = offsets.dim(0);
  if (b.Bool("include_last_offset")) {
    r.count = r.count - Dim(1);
    offsets = Slice(offsets, 0, 0, r.count);
  }
  Tensor at = builder.Iota(dtype, {r.indices.dim(0), Dim(1)}, 0);
  Tensor begun = Cast(LessEqual(Unsqueeze(offsets, {0}), at), dtype);
  r.bag = Sum(begun, {1}, false) - builder.ScalarInt(dtype, 1);
  return r;
}

Tensor ToBags(ReduceKind kind, const Bags& bags, const Tensor& rows, double start) {
  Shape shape = rows.shape();
  shape[0] = bags.count;
  Tensor zeros = Full(rows.builder(), shape, rows.dtype(), start);
  return Scatter(kind, zeros, rows, {Unsqueeze(bags.bag, {1})}, {-1, 1});
}

// The first place among the indices that gave each bag its maximum.
Tensor PlacesOfMaxima(const Bags& bags, const Tensor& rows, const Tensor& counts,
                      const Tensor& maxima) {
  Builder& b = rows.builder();
  Tensor place = BroadcastTo(b.Iota(DType::kI64, {rows.dim(0), Dim(1)}, 0), rows.shape());
  Tensor none = b.ScalarInt(DType::kI64, std::numeric_limits<int64_t>::max());
  Tensor hit = And(counts, Equal(rows, GatherAxis(maxima, bags.bag, 0, false)));
  Tensor first = ToBags(ReduceKind::kMin, bags, Select(hit, place, none), 9e18);
  return Select(Less(first, 9e18), first, ZeroLike(first));
}

void EmbeddingBagBody(Body& b) {
  const std::string mode = b.Str("mode");
  if (mode != "sum" && mode != "mean" && mode != "max") {
    Fail("mode is '{}', but must be sum, mean or max", mode);
  }
  const Bags bags = ReadBags(b);
  const DType index_dtype = bags.indices.dtype();
  const int64_t padding = b.Int("padding_idx");
  Tensor rows = GatherAxis(b.In("weight"), bags.indices, 0);
  Tensor counts = Unsqueeze(padding < 0 ? Equal(bags.indices, bags.indices)
                                        : NotEqual(bags.indices, static_cast<double>(padding)),
                            {1});
  Tensor size = ToBags(ReduceKind::kSum, bags, Cast(counts, index_dtype), 0);
  b.OutRaw("offset2bag", bags.bag);
  b.OutRaw("bag_size", Squeeze(size, {1}));
  if (mode == "max") {
    Tensor seen =
        Select(counts, rows, Full(b.builder(), rows.shape(), rows.dtype(), LowestOf(rows.dtype())));
    Tensor y = ToBags(ReduceKind::kMax, bags, seen, LowestOf(rows.dtype()));
    b.OutRaw("max_indices", Cast(PlacesOfMaxima(bags, seen, counts, y), index_dtype));
    return b.Out("y", Select(Greater(size, 0.0), y, ZeroLike(y)));
  }
  if (b.Has("per_sample_weights")) {
    if (mode != "sum") Fail("per_sample_weights need the mode sum");
    rows = rows * Reshape(b.In("per_sample_weights"), {rows.dim(0), Dim(1)});
  }
  Tensor y = ToBags(ReduceKind::kSum, bags, Select(counts, rows, ZeroLike(rows)), 0);
  if (mode == "mean") y = y / Cast(Max(size, 1.0), y.dtype());
  b.Out("y", y);
  b.OutRaw("max_indices", ZeroLike(Squeeze(size, {1})));
}

}  // namespace

// Sums, means or maxima of rows of weight, one per bag. Empty bags give 0.
BELAY_OP(EmbeddingBag) {
  op.Dtypes("weight", kFloats).Dtypes("indices", kIndices).Computes(EmbeddingBagBody);
}

// Row i adds up the gradients of all places that looked up row i; those of padding_idx do not
// count.
BELAY_OP(EmbeddingDenseGrad) {
  op.Dtypes("grad", kFloats).Dtypes("indices", kIndices).Computes([](Body& b) {
    Tensor grad = b.In("grad"), indices = Flat(b.Raw("indices"));
    const int64_t rows = b.Int("num_weights"), padding = b.Int("padding_idx");
    if (grad.rank() < 1 || rows < 0)
      Fail("num_weights is {} and grad has rank {}", rows, grad.rank());
    const Dim width = grad.dim(-1);
    Tensor g = Reshape(grad, {indices.dim(0), width});
    if (padding >= 0) {
      Tensor counts = NotEqual(indices, static_cast<double>(padding));
      g = Select(Unsqueeze(counts, {1}), g, ZeroLike(g));
    }
    if (b.Bool("scale_grad_by_freq")) {
      Tensor often = Occurrences(indices, rows, g.dtype());
      g = g / Unsqueeze(GatherAxis(often, indices, 0, false), {1});
    }
    Tensor zeros = Full(b.builder(), {Dim(rows), width}, g.dtype(), 0);
    b.Out("y", Scatter(ReduceKind::kSum, zeros, g, {Unsqueeze(indices, {1})}, {-1, 1}));
  });
}

}  // namespace belay
