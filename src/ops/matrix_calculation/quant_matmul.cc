// Products of quantised matrices, and of floats with quantised weights.
#include "ops/quant.h"

namespace belay {
namespace {

Tensor Turned(const Tensor& x, bool transposed) { return transposed ? SwapLast(x) : x; }

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
  Tensor bias = b.Has("bias") ? b.Raw("bias") : Tensor();
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

// y + x1 @ x2 * scale of the column * scale of the row; what y holds becomes the sum.
void QuantMatMulAddBody(Body& b) {
  const int64_t group = b.Int("group_size");
  const bool blocks = b.Raw("x2_scale").dtype() == DType::kF8E8M0;
  const int64_t along_k = group & 0xffff;  // groups along m and n stand above
  if (group != 0 && (!blocks || along_k != kBlock || (group >> 16 & 0xffff) > 1 || group >> 32 > 1)) {
    FailNotSupported("group_size {} (only 0, and {} along k beside scales of f8e8m0)", group, kBlock);
  }
  Tensor x1 = Cast(Turned(b.Raw("x1"), b.Bool("transpose_x1")), DType::kF32);
  Tensor x2 = Cast(Turned(b.Raw("x2"), b.Bool("transpose_x2")), DType::kF32);
  Tensor s1 = b.Has("x1_scale") ? b.Raw("x1_scale") : Tensor(), s2 = b.Raw("x2_scale");
  if (blocks) {
    if (!s1) Fail("input x1_scale is required beside scales of f8e8m0");
    Tensor turned = SwapLast(x2);
    x2 = SwapLast(turned * SpreadBlocks(s2, turned, !b.Bool("transpose_x2")));
    x1 = x1 * SpreadBlocks(s1, x1, b.Bool("transpose_x1"));
    return b.OutRaw("y", b.Raw("y") + MatMul(x1, x2, DType::kF32));
  }
  for (const Tensor& scale : {s1, s2}) {
    if (scale && scale.rank() > 1) FailNotSupported("a scale of shape {} (only one number, or one per row or column)",
                                                    ToString(scale.shape()));
  }
  Tensor product = MatMul(x1, x2, DType::kF32) * s2;
  if (s1) product = product * Unsqueeze(s1, {s1.rank()});
  b.OutRaw("y", b.Raw("y") + product);
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
