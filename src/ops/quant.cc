#include "ops/quant.h"

#include <cctype>

namespace belay {

Tensor Saturated(const Tensor& x, DType dtype) {
  return Cast(Clamp(x, LowestOf(dtype), HighestOf(dtype)), dtype);
}

Tensor Rounded(const Tensor& x, std::string mode) {
  for (char& c : mode) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (mode == "round") return Round(x);
  if (mode == "floor") return Floor(x);
  if (mode == "ceil") return Ceil(x);
  if (mode == "trunc") return Map(ScalarOp::kTrunc, x);
  Fail("round_mode is '{}', but must be round, floor, ceil or trunc", mode);
}

Tensor Quantised(const Tensor& x, DType dtype) { return Saturated(Round(x), dtype); }

RowQuantised QuantisedRows(const Tensor& x, DType dtype) {
  const std::vector<int> row = {x.rank() - 1};
  if (x.rank() == 0) Fail("a scalar has no rows to quantise");
  Tensor scale = MaxOver(Abs(x), row) / HighestOf(dtype);
  return {Quantised(x / scale, dtype), Squeeze(scale, row)};
}

QuantParameters UnpackedParameters(const Tensor& t) {
  if (t.dtype() != DType::kU64 && t.dtype() != DType::kI64) return {Cast(t, DType::kF32), Tensor()};
  Builder& b = t.builder();
  Tensor bits = Cast(t, DType::kU64);
  Tensor high = Map(ScalarOp::kShr, bits, b.ScalarInt(DType::kU64, 37));
  Tensor n = Cast(And(high, b.ScalarInt(DType::kU64, 0x1ff)), DType::kI32);
  Tensor offset = Select(GreaterEqual(n, 256.0), n - 512.0, n);
  return {Bitcast(Cast(bits, DType::kU32), DType::kF32), Cast(offset, DType::kF32)};
}

}  // namespace belay
