#include "ops/quant.h"

#include <cctype>

namespace belay {
namespace {

constexpr int64_t kBlock = 32;  // numbers along k that share a power of two

// A scale [.., rows, k / 64, 2] of powers of two, or with the first two exchanged where the operand is, spread over the
// operand [.., rows, k].
Tensor SpreadBlocks(const Tensor& scale, const Tensor& operand, bool exchanged) {
  const Dim pairs = CeilDiv(operand.dim(-1), Dim(2 * kBlock));
  const int along_k = exchanged ? scale.rank() - 3 : scale.rank() - 2;
  Builder& builder = scale.builder();
  if (scale.rank() != operand.rank() + 1 || !builder.Assume(Equal(scale.dim(-1), 2), true) ||
      !builder.Assume(Equal(scale.dim(along_k), pairs), true)) {
    Fail("a scale of powers of two has shape {}, but {} pairs of blocks of {} along k are wanted",
         ToString(scale.shape()), pairs.ToString(), kBlock);
  }
  std::vector<int> order(static_cast<size_t>(scale.rank()));
  for (int d = 0; d < scale.rank(); ++d) order[static_cast<size_t>(d)] = d;
  if (exchanged) std::swap(order[order.size() - 3], order[order.size() - 2]);
  Tensor known = Slice(Slice(Cast(scale, DType::kF32), scale.rank() - 1, 0, Dim(2)), along_k, 0, pairs);
  Tensor turned = Transpose(known, order);
  Shape spread = turned.shape(), flat(turned.shape().begin(), turned.shape().end() - 2);
  spread.push_back(Dim(kBlock));
  flat.push_back(pairs * Dim(2 * kBlock));
  Tensor all = Reshape(BroadcastTo(Unsqueeze(turned, {turned.rank()}), spread), flat);
  return Slice(all, all.rank() - 1, 0, operand.dim(-1));
}

// x1 @ x2 with a power of two for every block along k.
Tensor BlockMatMul(const ScaledMatrix& x1, const ScaledMatrix& x2) {
  if (!x1.scale) Fail("input x1_scale is required beside scales of f8e8m0");
  Tensor lhs = Cast(Turned(x1.x, x1.transposed), DType::kF32);
  Tensor rhs = SwapLast(Cast(Turned(x2.x, x2.transposed), DType::kF32));
  rhs = rhs * SpreadBlocks(x2.scale, rhs, !x2.transposed);
  lhs = lhs * SpreadBlocks(x1.scale, lhs, x1.transposed);
  return MatMul(lhs, SwapLast(rhs), DType::kF32);
}

Tensor WholeOrFloatMatMul(const Tensor& x1, const Tensor& x2) {
  if (IsInt(x1.dtype())) return Cast(MatMul(x1, x2, DType::kI32), DType::kF32);
  return MatMul(Cast(x1, DType::kF32), Cast(x2, DType::kF32), DType::kF32);
}

// `along`: the dim of [rows, columns] that the scale has one number for, 0 or 1.
Tensor AlongProduct(const Tensor& scale, int along) {
  if (scale.rank() == 2 && scale.builder().Assume(Equal(scale.dim(1 - along), 1), true)) return scale;
  if (scale.rank() > 1) {
    FailNotSupported("a scale of shape {} (only one number, or one per row or column)", ToString(scale.shape()));
  }
  return along == 0 ? Unsqueeze(scale, {scale.rank()}) : scale;
}

}  // namespace

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

Tensor Turned(const Tensor& x, bool transposed) { return transposed ? SwapLast(x) : x; }

Tensor ScaledMatMul(const ScaledMatrix& x1, const ScaledMatrix& x2, int64_t group_size) {
  const bool blocks = x2.scale.dtype() == DType::kF8E8M0;
  if (x1.scale && blocks != (x1.scale.dtype() == DType::kF8E8M0)) {
    Fail("x1_scale is {} and x2_scale {}, but both or neither must be f8e8m0", DTypeName(x1.scale.dtype()),
         DTypeName(x2.scale.dtype()));
  }
  const int64_t along_k = group_size & 0xffff;  // groups along m and n stand above
  const bool along_others = (group_size >> 16 & 0xffff) > 1 || group_size >> 32 > 1;
  if (group_size != 0 && (!blocks || along_k != kBlock || along_others)) {
    FailNotSupported("group_size {} (only 0, and {} along k beside scales of f8e8m0)", group_size, kBlock);
  }
  if (blocks) return BlockMatMul(x1, x2);
  Tensor y = WholeOrFloatMatMul(Turned(x1.x, x1.transposed), Turned(x2.x, x2.transposed)) * AlongProduct(x2.scale, 1);
  return x1.scale ? y * AlongProduct(x1.scale, 0) : y;
}

}  // namespace belay
