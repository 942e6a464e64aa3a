// Reading by several index tensors, by strides, and where a mask allows it.
#include "ops/support.h"

namespace belay {
namespace {

// One index tensor per marked dim of x; the others are taken whole. As NumPy has it: the indices'
// dims stand where the marked ones stood, or first when these are not neighbours.
Tensor ByTensors(const Tensor& x, const std::vector<Tensor>& indices, std::vector<int64_t> mask) {
  mask.resize(static_cast<size_t>(x.rank()), 0);
  std::vector<Shape> shapes;
  for (const Tensor& t : indices) shapes.push_back(t.shape());
  const Shape spread = BroadcastShapes(x.builder(), shapes);
  const int added = static_cast<int>(spread.size());
  int first = -1, last = -1;
  for (int d = 0; d < x.rank(); ++d) {
    if (!mask[d]) continue;
    if (first < 0) first = d;
    last = d;
  }
  const bool neighbours = last - first + 1 == static_cast<int>(indices.size());
  const int place = neighbours ? first : 0;
  Shape shape;
  std::vector<int> axes(x.rank(), 0);
  int next = 0;
  for (int d = 0; d < x.rank(); ++d) {
    if (mask[d]) {
      axes[d] = -(++next);
      continue;
    }
    if (static_cast<int>(shape.size()) == place)
      shape.insert(shape.end(), spread.begin(), spread.end());
    axes[d] = static_cast<int>(shape.size());
    shape.push_back(x.dim(d));
  }
  if (static_cast<int>(shape.size()) == place)
    shape.insert(shape.end(), spread.begin(), spread.end());
  std::vector<Tensor> coordinates;
  Shape wide(shape.size(), Dim(1));
  for (int d = 0; d < x.rank(); ++d) {
    if (!mask[d]) continue;
    Tensor at = BroadcastTo(indices[coordinates.size()], spread);
    at = Select(Less(at, 0.0), at + x.builder().FromDim(at.dtype(), x.dim(d)), at);
    for (int k = 0; k < added; ++k) wide[place + k] = spread[k];
    coordinates.push_back(Reshape(at, wide));
  }
  return Gather(x, coordinates, axes, shape);
}

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
  b.OutRaw("y", ByTensors(x, indices, mask));
}

// Element (i, j, ..) is x's flat element offset + i * stride[0] + j * stride[1] + ..
void AsStridedBody(Body& b) {
  Tensor x = b.Raw("x"), flat = Reshape(x, {NumElements(x.shape())});
  const std::vector<Dim> size = b.Dims("size"), stride = b.Dims("stride"),
                         offset = b.Dims("storage_offset");
  if (size.size() != stride.size() || offset.size() > 1) {
    Fail("size and stride have {} and {} elements, storage_offset {}", size.size(), stride.size(),
         offset.size());
  }
  Builder& builder = b.builder();
  const Shape shape(size.begin(), size.end());
  Tensor at = BroadcastTo(builder.FromDim(DType::kI64, offset.empty() ? Dim(0) : offset[0]), shape);
  for (size_t d = 0; d < shape.size(); ++d) {
    at = at + builder.Iota(DType::kI64, shape, static_cast<int>(d)) *
                  builder.FromDim(DType::kI64, stride[d]);
  }
  b.OutRaw("y", Gather(flat, {at}, {-1}, shape));
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
