#include "ops/convolution.h"

namespace belay {
namespace {

std::vector<int64_t> KernelOf(const Tensor& core_filter) {
  std::vector<int64_t> kernel;
  for (int d = 0; d + 2 < core_filter.rank(); ++d) kernel.push_back(core_filter.dim(d).value());
  return kernel;
}

// Windows take non-negative pads; a negative one crops x first.
Tensor CropNegative(const Tensor& x, Pads* pads) {
  std::vector<Dim> lo(x.rank(), Dim(0)), hi = lo;
  bool crops = false;
  for (size_t d = 0; d < pads->lo.size(); ++d) {
    for (auto [from, to] :
         {std::pair{&pads->lo[d], &lo[d + 1]}, std::pair{&pads->hi[d], &hi[d + 1]}}) {
      if (!from->IsConst() || from->value() >= 0) continue;
      *to = *from;
      *from = 0;
      crops = true;
    }
  }
  return crops ? Pad(x, lo, hi, x.builder().Scalar(x.dtype(), 0)) : x;
}

}  // namespace

Tensor CoreFilter(const Tensor& filter, bool channels_first) {
  if (!channels_first) return filter;
  std::vector<int> perm = AxisRange(2, filter.rank());
  perm.push_back(1);
  perm.push_back(0);
  return Transpose(filter, perm);
}

Tensor DepthwiseFilter(const Tensor& filter, bool channels_first) {
  if (filter.rank() != 4) Fail("filter has rank {}, but needs 4", filter.rank());
  Tensor f = channels_first ? Transpose(filter, {2, 3, 1, 0}) : filter;
  if (channels_first && f.dim(2).IsConst(1)) return f;
  return Reshape(f, {f.dim(0), f.dim(1), Dim(1), f.dim(2) * f.dim(3)});
}

Tensor Convolved(const Body& b, const Tensor& input, const Tensor& any_filter, int64_t groups,
                 bool channels_first) {
  const Tensor filter = Fixed(any_filter);
  const int spatial = input.rank() - 2;
  Window window;
  window.kernel = KernelOf(filter);
  window.strides = SpatialEntries(b.Ints("strides"), channels_first, spatial, "strides");
  window.dilations = SpatialEntries(b.Ints("dilations"), channels_first, spatial, "dilations");
  window.groups = groups;
  if (static_cast<int>(window.kernel.size()) != spatial) {
    Fail("x has rank {}, but filter has rank {}", input.rank(), filter.rank());
  }
  Pads pads = PadsOf(b, input, window.kernel, window.strides, window.dilations, b.Ints("pads"));
  Tensor x = CropNegative(input, &pads);
  window.pads_lo = pads.lo;
  return Conv(x, filter, window, pads.hi, AccumulatorOf(x.dtype()));
}

}  // namespace belay
