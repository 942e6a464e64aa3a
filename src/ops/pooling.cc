#include "ops/pooling.h"

namespace belay {

PoolSetup SetupPool(const Body& b, const Tensor& input, bool channels_first, bool attrs_first,
                    const std::vector<int64_t>& dilations, const std::string& padding,
                    const std::vector<int64_t>& explicit_pads) {
  PoolSetup s;
  s.channels_first = channels_first;
  s.x = ToChannelsLast(input, s.channels_first);
  const int spatial = s.x.rank() - 2;
  s.window.kernel = SpatialEntries(b.Ints("ksize"), attrs_first, spatial, "ksize");
  s.window.strides = SpatialEntries(b.Ints("strides"), attrs_first, spatial, "strides");
  s.window.dilations = dilations.empty()
                           ? std::vector<int64_t>(spatial, 1)
                           : SpatialEntries(dilations, attrs_first, spatial, "dilations");
  if (padding == "SAME") {
    s.pads = SamePads(s.x, s.window.kernel, s.window.strides, s.window.dilations, true);
  } else if (padding == "VALID") {
    s.pads = ExplicitPads({}, spatial, "pads");
  } else if (padding == "CALCULATED") {
    s.pads = PadsOf(b, s.x, s.window.kernel, s.window.strides, s.window.dilations, explicit_pads);
  } else {
    Fail("the padding mode is '{}', but must be SAME, VALID or CALCULATED", padding);
  }
  s.window.pads_lo = s.pads.lo;
  return s;
}

PoolSetup SetupPool(const Body& b, const Tensor& input, const std::string& format,
                    const std::vector<int64_t>& dilations, const std::string& padding,
                    const std::vector<int64_t>& explicit_pads) {
  const bool first = ChannelsFirst(format, input.rank());
  return SetupPool(b, input, first, first, dilations, padding, explicit_pads);
}

namespace {

Tensor CeilDivInts(const Tensor& x, int64_t d) {
  return d == 1 ? x : FloorDiv(x + static_cast<double>(d - 1), static_cast<double>(d));
}

// How many cells the windows along one spatial dim cover: [out] i64. With pads counted, the cells
// between the pads' ends count; windows may still reach past them in ceil mode.
Tensor CellsAlong(const PoolSetup& s, int d, const Dim& out, bool count_pads) {
  Builder& b = s.x.builder();
  const Dim n = s.x.dim(d + 1);
  const Dim first = count_pads ? s.pads.lo[d] * Dim(-1) : Dim(0);
  const Dim last = count_pads ? n + s.pads.hi[d] : n;
  const int64_t dilation = s.window.dilations[d], reach = (s.window.kernel[d] - 1) * dilation + 1;
  Tensor start = b.Iota(DType::kI64, {out}, 0) * static_cast<double>(s.window.strides[d]) -
                 b.FromDim(DType::kI64, s.pads.lo[d]);
  Tensor skipped = CeilDivInts(Max(b.FromDim(DType::kI64, first) - start, 0.0), dilation);
  Tensor end = Min(b.FromDim(DType::kI64, last) - start, static_cast<double>(reach));
  return Max(CeilDivInts(end, dilation) - skipped, 1.0);
}

bool NoPads(const Pads& pads) {
  for (size_t d = 0; d < pads.lo.size(); ++d) {
    if (!pads.lo[d].IsConst(0) || !pads.hi[d].IsConst(0)) return false;
  }
  return true;
}

}  // namespace

Tensor AveragePool(const PoolSetup& s, bool ceil_mode, bool count_pads, int64_t divisor) {
  Tensor sum = Pool(ReduceKind::kSum, s.x, s.window, s.pads.hi, ceil_mode);
  if (divisor != 0) return divisor == 1 ? sum : sum / static_cast<double>(divisor);
  double area = 1;
  for (int64_t k : s.window.kernel) area *= static_cast<double>(k);
  if (!ceil_mode && (count_pads || NoPads(s.pads))) return sum * (1.0 / area);
  Tensor count;
  for (int d = 0; d + 2 < s.x.rank(); ++d) {
    Tensor cells = AlongAxis(CellsAlong(s, d, sum.dim(d + 1), count_pads), d + 1, s.x.rank());
    count = count ? count * cells : cells;
  }
  return sum / Cast(count, sum.dtype());
}

Tensor AdaptiveAverage(const Tensor& x, const std::vector<int64_t>& out) {
  if (out.size() != 2) Fail("output_size has {} entries, but needs 2", out.size());
  Tensor y = x;
  for (int d = 0; d < 2; ++d) {
    const int axis = x.rank() - 2 + d;
    const Dim n = x.dim(axis);
    std::vector<Tensor> parts;
    for (int64_t i = 0; i < out[d]; ++i) {
      const Dim first = FloorDiv(n * Dim(i), out[d]), end = CeilDiv(n * Dim(i + 1), out[d]);
      parts.push_back(Mean(Slice(y, axis, first, end - first), {axis}));
    }
    y = Concat(parts, axis);
  }
  return y;
}

std::vector<int> SpatialAxes(const std::string& format, int rank) {
  return ChannelsFirst(format, rank) ? AxisRange(2, rank) : AxisRange(1, rank - 1);
}

}  // namespace belay
