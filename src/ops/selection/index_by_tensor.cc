// Reading by several index tensors, by strides, and where a mask allows it.
#include "ops/indexing.h"

namespace belay {
namespace {

void IndexBody(Body& b) {
  Tensor x = b.Raw("x");
  const std::vector<Tensor> indices = b.RawIns("indices");
  std::vector<int64_t> mask = b.Ints("indices_mask");
  if (mask.empty()) mask.assign(indices.size(), 1);
  int64_t marked = 0;
  for (int64_t m : mask) marked += m != 0;
  if (static_cast<int>(mask.size()) > x.rank() || marked != static_cast<int64_t>(indices.size()) ||
      marked == 0) {
    Fail("indices_mask marks {} of {} dims, but there are {} index tensors and x has rank {}",
         marked, mask.size(), indices.size(), x.rank());
  }
  const IndexSpace space = SpaceOf(x, indices, mask);
  b.OutRaw("y", Gather(x, space.at, space.axes, space.shape));
}

void AsStridedBody(Body& b) {
  Tensor x = b.Raw("x"), flat = Reshape(x, {NumElements(x.shape())});
  const std::vector<Dim> size = b.Dims("size"), stride = b.Dims("stride"),
                         offset = b.Dims("storage_offset");
  if (size.size() != stride.size() || offset.size() > 1) {
    Fail("size and stride have {} and {} elements, storage_offset {}", size.size(), stride.size(),
         offset.size());
  }
  const Tensor at = StridedPlaces(b.builder(), size, stride, offset.empty() ? Dim(0) : offset[0]);
  b.OutRaw("y", Gather(flat, {at}, {-1}, at.shape()));
}

}  // namespace

BELAY_OP(IndexByTensor) { op.Dtypes("indices", kIndices).Computes(IndexBody); }

BELAY_OP(AsStrided) { op.Computes(AsStridedBody); }

BELAY_OP(MaskedFill) {
  op.Dtypes("mask", kBools).Computes([](Body& b) {
    Tensor x = b.Raw("x");
    Tensor value = Cast(b.Raw("value"), x.dtype());
    if (b.builder().Assume(Equal(NumElements(value.shape()), 1), true)) value = Reshape(value, {});
    b.OutRaw("y", Select(b.Raw("mask"), value, x));
  });
}

}  // namespace belay
