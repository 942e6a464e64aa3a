// Convolutions whose taps are moved by data: sampled columns times the filter.
#include "ops/window.h"

namespace belay {
namespace {

struct Setup {
  int spatial = 0;
  std::vector<int64_t> kernel, strides, dilations, pads;
  int64_t taps = 1, groups = 1, offset_groups = 1;
  Shape out;  // spatial extents of the result
};

Setup ReadSetup(Body& b, const Tensor& x, const Tensor& w) {
  Setup s;
  s.spatial = x.rank() - 2;
  if (s.spatial < 1 || w.rank() != x.rank()) Fail("X has rank {} and W {}", x.rank(), w.rank());
  const auto n = static_cast<size_t>(s.spatial);
  s.strides = PerDim(b, "strides", n, 1);
  s.dilations = PerDim(b, "dilations", n, 1);
  s.pads = PerDim(b, "pads", 2 * n, 0);
  s.groups = b.Int("group");
  s.offset_groups = b.Int("offset_group");
  if (s.groups < 1 || s.offset_groups < 1) Fail("group is {} and offset_group {}", s.groups, s.offset_groups);
  for (size_t d = 0; d < n; ++d) {
    const Dim extent = w.dim(static_cast<int>(d) + 2), in = x.dim(static_cast<int>(d) + 2);
    if (!extent.IsConst()) FailNotSupported("filters of dynamic size");
    if (s.strides[d] < 1 || s.dilations[d] < 1) Fail("stride {}, dilation {}", s.strides[d], s.dilations[d]);
    s.kernel.push_back(extent.value());
    s.taps *= extent.value();
    const int64_t reach = (extent.value() - 1) * s.dilations[d] + 1;
    s.out.push_back(FloorDiv(in + Dim(s.pads[d] + s.pads[n + d] - reach), s.strides[d]) + Dim(1));
  }
  return s;
}

Shape Joined(Shape a, const Shape& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Where the taps lie along one dim before they are moved: [taps, out...].
Tensor TapPositions(Builder& b, const Setup& s, int d) {
  int64_t inner = 1;
  for (size_t k = d + 1; k < s.kernel.size(); ++k) inner *= s.kernel[k];
  std::vector<int64_t> inside;
  for (int64_t t = 0; t < s.taps; ++t) inside.push_back(t / inner % s.kernel[d] * s.dilations[d] - s.pads[d]);
  Shape line(s.spatial + 1, Dim(1)), column = line;
  line[d + 1] = s.out[d];
  column[0] = s.taps;
  return b.Iota(DType::kI64, line, d + 1) * static_cast<double>(s.strides[d]) +
         Reshape(b.Ints(DType::kI64, inside), column);
}

// Linear interpolation of x [N, G, C, D...] at positions [N, G, 1, taps, out...] per dim; zero outside.
Tensor Sampled(const Tensor& x, const std::vector<Tensor>& positions, const Shape& shape) {
  Builder& b = x.builder();
  const int spatial = static_cast<int>(positions.size());
  std::vector<int> axes = {0, 1, 2};
  for (int d = 0; d < spatial; ++d) axes.push_back(-1 - d);
  Tensor sum;
  for (int corner = 0; corner < 1 << spatial; ++corner) {
    std::vector<Tensor> at;
    Tensor weight, inside;
    for (int d = 0; d < spatial; ++d) {
      Tensor low = Floor(positions[d]), part = positions[d] - low;
      const bool upper = corner >> d & 1;
      Tensor place = upper ? low + 1.0 : low, share = upper ? part : 1.0 - part;
      Tensor last = Cast(b.FromDim(DType::kI64, x.dim(3 + d) - Dim(1)), place.dtype());
      Tensor fits = And(GreaterEqual(place, 0.0), LessEqual(place, last));
      at.push_back(Cast(Max(Min(place, last), 0.0), DType::kI64));
      weight = weight ? weight * share : share;
      inside = inside ? And(inside, fits) : fits;
    }
    Tensor value = Gather(x, at, axes, shape);
    value = Select(inside, value * weight, ZeroLike(value));
    sum = sum ? sum + value : value;
  }
  return sum;
}

void DeformConvBody(Body& b) {
  Tensor x = b.In("X"), w = b.In("W");
  const Setup s = ReadSetup(b, x, w);
  const Dim batch = x.dim(0), per_offset = FloorDiv(x.dim(1), s.offset_groups), filters = w.dim(0);
  const Shape taps_out = Joined({Dim(s.taps)}, s.out), sampled = Joined({batch, s.offset_groups, per_offset}, taps_out);
  Tensor offset = Reshape(b.In("offset"), Joined({batch, s.offset_groups, s.taps, s.spatial}, s.out));
  std::vector<Tensor> positions;
  for (int d = 0; d < s.spatial; ++d) {
    Tensor moved = Squeeze(Slice(offset, 3, d, 1), {3});
    positions.push_back(Unsqueeze(moved + Cast(TapPositions(b.builder(), s, d), moved.dtype()), {2}));
  }
  Shape grouped = {batch, s.offset_groups, per_offset};
  grouped.insert(grouped.end(), x.shape().begin() + 2, x.shape().end());
  Tensor columns = Sampled(Reshape(x, grouped), positions, sampled);
  if (b.Has("mask")) columns = columns * Reshape(b.In("mask"), Joined({batch, s.offset_groups, Dim(1)}, taps_out));
  const Dim places = NumElements(s.out), sums = w.dim(1) * Dim(s.taps), per_group = FloorDiv(filters, s.groups);
  Tensor y = MatMul(Reshape(w, {Dim(1), Dim(s.groups), per_group, sums}),
                    Reshape(columns, {batch, Dim(s.groups), sums, places}), AccumulatorOf(x.dtype()));
  y = Reshape(y, Joined({batch, filters}, s.out));
  if (b.Has("B")) y = y + AlongAxis(b.In("B"), 1, y.rank());
  b.Out("Y", y);
}

}  // namespace

BELAY_OP(OnnxDeformConv) {
  op.FromOnnx("DeformConv", 19).Dtypes("X", kFloats).Computes(DeformConvBody);
}

}  // namespace belay
