// Quantisation whose scales come from the data, one per row.
#include "ops/quant.h"

namespace belay {
namespace {

DType QuantisedType(const Body& b) {
  const DType dtype = b.Type("dst_type");
  if (dtype != DType::kI8 && dtype != DType::kI4)
    FailNotSupported("dst_type {} (only i8 and i4)", DTypeName(dtype));
  const std::string mode = HiddenStr(b, "quant_mode", "pertoken");
  if (mode != "pertoken") FailNotSupported("quant_mode '{}' (only pertoken)", mode);
  return dtype;
}

// x times the smooth scales: one per column, or in groups of rows, which end at group_index.
Tensor Smoothed(const Body& b, const Tensor& x) {
  if (!b.Has("smooth_scales")) return x;
  Tensor scales = b.In("smooth_scales");
  if (!b.Has("group_index")) return x * scales;
  Dim rows(1);
  for (int d = 0; d + 1 < x.rank(); ++d) rows = rows * x.dim(d);
  Tensor ends = b.Raw("group_index");
  Tensor row = x.builder().Iota(ends.dtype(), {rows, Dim(1)}, 0);
  Tensor group = Sum(Cast(LessEqual(Unsqueeze(ends, {0}), row), DType::kI32), {1}, false);
  Tensor last = x.builder().FromDim(DType::kI32, scales.dim(0) - Dim(1));
  return x * Reshape(GatherAxis(scales, Min(group, last), 0, false), x.shape());
}

}  // namespace

// scale = max |x| / 127, y = round(x / scale); 7 for i4
BELAY_OP(DynamicQuant) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    RowQuantised q = QuantisedRows(Smoothed(b, b.In("x")), QuantisedType(b));
    b.OutRaw("y", q.values);
    b.OutRaw("scale", q.scale);
  });
}

// scale = (max - min) / 255, offset = 127 - max / scale, y = round(x / scale + offset); 15 and 7
// for i4
BELAY_OP(DynamicQuantV2) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    const DType dtype = QuantisedType(b);
    Tensor x = Smoothed(b, b.In("x"));
    if (HiddenBool(b, "is_symmetrical", false)) {
      RowQuantised q = QuantisedRows(x, dtype);
      b.OutRaw("y", q.values);
      b.OutRaw("scale", q.scale);
      return b.OutRaw("offset", ZeroLike(q.scale));
    }
    const std::vector<int> row = {x.rank() - 1};
    Tensor high = MaxOver(x, row), low = Reduce(ReduceKind::kMin, x, row, true);
    Tensor scale = (high - low) / (HighestOf(dtype) - LowestOf(dtype));
    Tensor offset = HighestOf(dtype) - high / scale;
    b.OutRaw("y", Quantised(x / scale + offset, dtype));
    b.OutRaw("scale", Squeeze(scale, row));
    b.OutRaw("offset", Squeeze(offset, row));
  });
}

}  // namespace belay
