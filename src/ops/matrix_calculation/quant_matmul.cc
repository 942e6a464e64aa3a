// Products of quantised matrices, and of floats with quantised weights.
#include "ops/quant.h"

namespace belay {
namespace {

// The result's dtype by GE's number; -1: as x.
DType ResultType(int64_t number, DType fallback) {
  if (number == -1) return fallback;
  const DType dtype = static_cast<DType>(number);
  switch (dtype) {
    case DType::kF64:
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kI8:
    case DType::kI32: return dtype;
    default: FailNotSupported("dtype {} (only f64, f32, f16, bf16, i8 and i32)", number);
  }
}

// i8 results are rounded and saturated, after `offset` is added.
void OutProduct(Body& b, Tensor y, DType dtype, const Tensor& offset) {
  if (dtype != DType::kI8) return b.OutAs("y", y, dtype);
  b.OutRaw("y", Quantised(offset ? y + offset : y, DType::kI8));
}

// (x1 @ x2 + whole bias) * scale * scale of the row + other bias
void QuantMatMulBody(Body& b) {
  Tensor x1 = Turned(b.Raw("x1"), b.Bool("transpose_x1"));
  Tensor y = MatMul(x1, Turned(b.Raw("x2"), b.Bool("transpose_x2")), DType::kI32);
  Tensor bias = b.Optional("bias");
  if (bias && bias.dtype() == DType::kI32) y = y + bias;
  const DType dtype = ResultType(b.Int("dtype"), DType::kF16);
  if (dtype == DType::kI32) return b.OutRaw("y", y);
  QuantParameters p = UnpackedParameters(b.Raw("scale"));
  Tensor out = Cast(y, DType::kF32) * p.scale;
  if (b.Has("pertoken_scale")) out = out * Unsqueeze(b.In("pertoken_scale"), {1});
  if (bias && bias.dtype() != DType::kI32) out = out + b.In("bias");
  OutProduct(b, out, dtype, b.Has("offset") ? b.In("offset") : p.offset);
}

// Eight signed 4-bit numbers of an i32, low bits first, along the last dim.
Tensor UnpackedNibbles(const Tensor& x) {
  Builder& b = x.builder();
  Tensor shifts = b.Iota(DType::kI32, {Dim(8)}, 0) * 4.0;
  Tensor bits = And(
      Map(ScalarOp::kShr, Cast(Unsqueeze(x, {x.rank()}), DType::kU32), Cast(shifts, DType::kU32)),
      15.0);
  Tensor n = Cast(bits, DType::kI32);
  Shape shape = x.shape();
  shape.back() = shape.back() * Dim(8);
  return Reshape(Cast(Select(GreaterEqual(n, 8.0), n - 16.0, n), DType::kI8), shape);
}

// A scale or offset of the weight [K, N]: one number, one per column, or [K / group, N].
Tensor AlongWeight(const Tensor& t, const Tensor& weight, bool transposed, int64_t group) {
  if (t.rank() < 2) return t;
  Tensor u = Turned(t, transposed);
  if (group == 0 || u.dim(-2).IsConst(1)) return u;
  Shape shape = u.shape();
  shape.insert(shape.end() - 1, Dim(group));
  Tensor spread = BroadcastTo(Unsqueeze(u, {u.rank() - 1}), shape);
  shape.erase(shape.end() - 2);
  shape[shape.size() - 2] = u.dim(-2) * Dim(group);
  // The last group may be shorter.
  return Slice(Reshape(spread, shape), u.rank() - 2, 0, weight.dim(-2));
}

void WeightQuantBody(Body& b) {
  const bool turned = b.Bool("transpose_weight");
  const int64_t group = b.Int("antiquant_group_size");
  if (group < 0) Fail("antiquant_group_size is {}, but must not be negative", group);
  Tensor x = Turned(b.In("x"), b.Bool("transpose_x")), raw = b.Raw("weight");
  Tensor whole = Turned(raw.dtype() == DType::kI32 ? UnpackedNibbles(raw) : raw, turned);
  auto along = [&](const Tensor& t) {
    return AlongWeight(Cast(t, x.dtype()), whole, turned, group);
  };
  Tensor w = Cast(whole, x.dtype());
  if (b.Has("antiquant_offset")) w = w + along(b.Raw("antiquant_offset"));
  w = w * along(UnpackedParameters(b.Raw("antiquant_scale")).scale);
  Tensor y = MatMul(x, w, x.dtype());
  if (b.Has("bias")) y = y + Cast(b.Raw("bias"), x.dtype());
  if (!b.Has("quant_scale")) {
    return OutProduct(b, y, ResultType(b.Int("dtype"), b.Raw("x").dtype()), Tensor());
  }
  QuantParameters q = UnpackedParameters(b.Raw("quant_scale"));
  Tensor offset = b.Has("quant_offset") ? b.In("quant_offset") : q.offset;
  OutProduct(b, Cast(y, DType::kF32) * q.scale, ResultType(b.Int("dtype"), DType::kI8), offset);
}

// y + x1 @ x2, scaled; what y holds becomes the sum.
void QuantMatMulAddBody(Body& b) {
  const ScaledMatrix x1 = {b.Raw("x1"), b.Optional("x1_scale"), b.Bool("transpose_x1")};
  const ScaledMatrix x2 = {b.Raw("x2"), b.Raw("x2_scale"), b.Bool("transpose_x2")};
  b.OutRaw("y", b.Raw("y") + ScaledMatMul(x1, x2, b.Int("group_size")));
}

const std::vector<DType>& Floats8() {
  static const std::vector<DType> dtypes = {DType::kF8E5M2, DType::kF8E4M3};
  return dtypes;
}

const std::vector<DType>& Quantised8Or4() {
  static const std::vector<DType> dtypes = {DType::kI8, DType::kI4};
  return dtypes;
}

}  // namespace

BELAY_OP(QuantBatchMatmulV3) {
  op.Dtypes("x1", Quantised8Or4()).Dtypes("x2", Quantised8Or4()).Computes(QuantMatMulBody);
}

BELAY_OP(QuantBatchMatmulInplaceAdd) {
  op.Dtypes("x1", Floats8()).Dtypes("x2", Floats8()).Dtypes("y", {DType::kF32}).Computes(QuantMatMulAddBody);
}

// weight: i8, i4, or i32 holding eight 4-bit numbers each.
BELAY_OP(WeightQuantBatchMatmulV2) {
  op.Dtypes("x", kFloats).Dtypes("weight", {DType::kI8, DType::kI4, DType::kI32}).Computes(WeightQuantBody);
}

}  // namespace belay
