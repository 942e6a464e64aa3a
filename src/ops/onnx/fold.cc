// Blocks and pooled values put back into the images they came from.
#include "ops/window.h"

namespace belay {
namespace {

// Where each of the blocks' elements lies along one padded spatial dim, broadcasting to the updates
// [N, C, block..., blocks...].
Tensor BlockPositions(Builder& b, int rank, int block_axis, const Dim& block, int64_t dilation, int count_axis,
                      const Dim& count, int64_t stride) {
  Shape inside(rank, Dim(1)), first = inside;
  inside[block_axis] = block;
  first[count_axis] = count;
  return b.Iota(DType::kI64, inside, block_axis) * static_cast<double>(dilation) +
         b.Iota(DType::kI64, first, count_axis) * static_cast<double>(stride);
}

void Col2ImBody(Body& b) {
  Builder& builder = b.builder();
  Tensor x = b.In("input");
  if (x.rank() != 3) Fail("input has rank {}, but needs 3", x.rank());
  const std::vector<Dim> image = b.Dims("image_shape");
  const std::vector<int64_t> block = CheckReach(b.ConstInts("block_shape"), "block_shape");
  const size_t spatial = image.size();
  if (block.size() != spatial || spatial == 0) {
    Fail("image_shape has {} entries and block_shape {}", spatial, block.size());
  }
  const std::vector<int64_t> pads = PerDim(b, "pads", 2 * spatial, 0), strides = PerDim(b, "strides", spatial, 1);
  const std::vector<int64_t> dilations = PerDim(b, "dilations", spatial, 1);
  Dim cells(1);
  std::vector<Dim> counts;
  for (size_t d = 0; d < spatial; ++d) {
    if (block[d] < 1 || strides[d] < 1 || dilations[d] < 1) {
      Fail("block {}, stride {} and dilation {} must be positive", block[d], strides[d], dilations[d]);
    }
    const Dim room = image[d] + Dim(pads[d] + pads[spatial + d] - (block[d] - 1) * dilations[d] - 1);
    counts.push_back(FloorDiv(room, strides[d]) + Dim(1));
    cells = cells * Dim(block[d]);
  }
  const Dim channels = FloorDiv(x.dim(1), cells);
  const int rank = 2 + 2 * static_cast<int>(spatial);
  Shape split = {x.dim(0), channels}, canvas = split;
  split.insert(split.end(), block.begin(), block.end());
  split.insert(split.end(), counts.begin(), counts.end());
  std::vector<Tensor> at;
  std::vector<int> axes = {0, 1};
  std::vector<Dim> crop_lo(2, Dim(0)), crop_hi = crop_lo;
  for (size_t d = 0; d < spatial; ++d) {
    const int block_axis = 2 + static_cast<int>(d), count_axis = block_axis + static_cast<int>(spatial);
    at.push_back(BlockPositions(builder, rank, block_axis, block[d], dilations[d], count_axis, counts[d], strides[d]));
    axes.push_back(-static_cast<int>(at.size()));
    canvas.push_back(image[d] + Dim(pads[d] + pads[spatial + d]));
    crop_lo.push_back(-pads[d]);
    crop_hi.push_back(-pads[spatial + d]);
  }
  Tensor zero = builder.ScalarInt(DType::kI32, 0);
  Tensor sum = Scatter(ReduceKind::kSum, builder.Full(canvas, Cast(zero, x.dtype())), Reshape(x, split), at, axes);
  b.Out("output", Pad(sum, crop_lo, crop_hi, Cast(zero, x.dtype())));
}

// The extents that X's pooling saw.
Shape UnpooledShape(Body& b, const Tensor& x) {
  const std::vector<int64_t> kernel = CheckReach(b.Ints("kernel_shape"), "kernel_shape");
  if (static_cast<int>(kernel.size()) != x.rank() - 2 || kernel.empty()) {
    Fail("kernel_shape has {} entries, but X has rank {}", kernel.size(), x.rank());
  }
  const std::vector<int64_t> pads = PerDim(b, "pads", 2 * kernel.size(), 0);
  const std::vector<int64_t> strides = PerDim(b, "strides", kernel.size(), 1);
  Shape shape = {x.dim(0), x.dim(1)};
  for (size_t d = 0; d < kernel.size(); ++d) {
    shape.push_back((x.dim(static_cast<int>(d) + 2) - Dim(1)) * Dim(strides[d]) +
                    Dim(kernel[d] - pads[d] - pads[kernel.size() + d]));
  }
  return shape;
}

void MaxUnpoolBody(Body& b) {
  Tensor x = b.Raw("X");
  const Shape shape = UnpooledShape(b, x);
  Tensor zero = Cast(b.builder().ScalarInt(DType::kI32, 0), x.dtype());
  const Dim count = NumElements(x.shape());
  Tensor flat = Scatter(ReduceKind::kNone, b.builder().Full({NumElements(shape)}, zero), Reshape(x, {count}),
                        {Reshape(b.Raw("I"), {count})}, {-1});
  Tensor y = Reshape(flat, shape);
  if (!b.Has("output_shape")) return b.OutRaw("output", y);
  // I counts in the inferred extents; what the wanted ones have more lies behind them.
  const std::vector<Dim> wanted = b.Dims("output_shape");
  if (wanted.size() != shape.size()) Fail("output_shape has {} entries, but needs {}", wanted.size(), shape.size());
  std::vector<Dim> lo(shape.size(), Dim(0)), hi;
  for (size_t d = 0; d < shape.size(); ++d) hi.push_back(wanted[d] - shape[d]);
  b.OutRaw("output", Pad(y, lo, hi, zero));
}

}  // namespace

// The sum of all blocks [N, C * block, blocks] at their places in images [N, C, image...].
BELAY_OP(OnnxCol2Im) {
  op.FromOnnx("Col2Im", 18).Dtypes("input", kNumbers).Computes(Col2ImBody);
}

// X's values at the flat places I, zero elsewhere.
BELAY_OP(OnnxMaxUnpool) {
  op.FromOnnx("MaxUnpool", 9).Dtypes("X", kFloats).Dtypes("I", kIndices).Computes(MaxUnpoolBody);
}

}  // namespace belay
