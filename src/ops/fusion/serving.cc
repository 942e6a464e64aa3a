// Small fusions of serving: norms and gates that quantise what they return, and quantisation
// parameters.
#include "ops/paged_cache.h"
#include "ops/quant.h"

namespace belay {
namespace {

struct AddedNorm {
  Tensor sum, normed;
};

// x1 + x2, and its RMS norm over the dims of gamma.
AddedNorm AddRmsNormOf(const Body& b) {
  Tensor x = b.In("x1") + b.In("x2"), gamma = b.In("gamma");
  const int axis = x.rank() - gamma.rank();
  if (axis < 0) Fail("gamma has rank {}, but x1 has rank {}", gamma.rank(), x.rank());
  Tensor rstd = Rsqrt(Mean(Square(x), AxisRange(axis, x.rank())) + b.Float("epsilon"));
  return {x, x * rstd * gamma};
}

// x / scale + zero point, or x * scale + zero point.
Tensor AffineQuantised(const Body& b, const Tensor& x, const char* scale, const char* zero,
                       bool divides) {
  Tensor s = b.In(scale), y = divides ? x / s : x * s;
  if (b.Has(zero)) y = y + Cast(b.In(zero), y.dtype());
  return Quantised(y, DType::kI8);
}

// The bits of f32 scales below offsets of nine bits from bit 37 and a mark at bit 46.
Tensor PackedParameters(const Tensor& scale, const Tensor& offset) {
  Builder& b = scale.builder();
  auto wide = [&](int64_t v) { return b.ScalarInt(DType::kU64, v); };
  Tensor bits = Or(Cast(Bitcast(scale, DType::kU32), DType::kU64), wide(int64_t{1} << 46));
  if (!offset) return Cast(bits, DType::kI64);
  Tensor whole = Cast(Clamp(Round(offset), -256, 255), DType::kI64);
  Tensor nine = And(Cast(whole, DType::kU64), wide(0x1ff));
  return Cast(Or(bits, Map(ScalarOp::kShl, nine, wide(37))), DType::kI64);
}

void DequantSwigluQuantBody(Body& b) {
  if (b.Str("quant_mode") != "dynamic")
    FailNotSupported("quant_mode '{}' (only dynamic)", b.Str("quant_mode"));
  for (const char* name : {"quant_offset", "group_index"}) {
    if (b.Has(name)) FailNotSupported("the input {}", name);
  }
  if (b.Int("swiglu_mode") != 0) FailNotSupported("swiglu_mode {} (only 0)", b.Int("swiglu_mode"));
  if (b.Type("dst_type") != DType::kI8)
    FailNotSupported("dst_type {} (only i8)", DTypeName(b.Type("dst_type")));
  Tensor x = b.Raw("x"), bias = b.Optional("bias");
  if (bias && bias.dtype() == DType::kI32) x = x + bias;
  Tensor y = Cast(x, DType::kF32);
  if (b.Has("weight_scale")) y = y * b.In("weight_scale");
  if (b.Has("activation_scale")) {
    Shape shape(x.shape().begin(), x.shape().end() - 1);
    shape.push_back(1);
    y = y * Reshape(b.In("activation_scale"), shape);
  }
  if (bias && bias.dtype() != DType::kI32) y = y + b.In("bias");
  const int last = y.rank() - 1;
  const Dim half = FloorDiv(y.dim(last), 2);
  Tensor left = Slice(y, last, 0, half), right = Slice(y, last, half, half);
  if (!b.Bool("activate_left")) std::swap(left, right);
  y = left * Sigmoid(left) * right;
  if (b.Has("quant_scale")) y = y * b.In("quant_scale");
  RowQuantised q = QuantisedRows(y, DType::kI8);
  b.OutRaw("y", q.values);
  b.OutRaw("scale", q.scale);
}

}  // namespace

BELAY_OP(AddRmsNormCast) {
  op.Dtypes("x1", kFloats).Computes([](Body& b) {
    AddedNorm n = AddRmsNormOf(b);
    b.OutRaw("y1", n.normed);
    b.Out("y2", n.normed);
    b.Out("x", n.sum);
    const std::vector<int> axes = AxisRange(n.sum.rank() - b.Raw("gamma").rank(), n.sum.rank());
    b.OutRaw("rstd", Rsqrt(Mean(Square(n.sum), axes) + b.Float("epsilon")));
  });
}

BELAY_OP(AddRmsNormQuant) {
  op.Dtypes("x1", kFloats).Computes([](Body& b) {
    if (b.Int("axis") != -1) FailNotSupported("axis {} (only -1)", b.Int("axis"));
    AddedNorm n = AddRmsNormOf(b);
    const bool divides = b.Bool("div_mode");
    b.OutRaw("y1", AffineQuantised(b, n.normed, "scales1", "zero_points1", divides));
    Tensor none = Full(b.builder(), {Dim(0)}, DType::kI8, 0);
    b.OutRaw("y2", b.Has("scales2")
                       ? AffineQuantised(b, n.normed, "scales2", "zero_points2", divides)
                       : none);
    b.Out("x", n.sum);
  });
}

// Each smooth scale asks for one quantised form; without any there is one.
BELAY_OP(AddRmsNormDynamicQuant) {
  op.Dtypes("x1", kFloats).Computes([](Body& b) {
    AddedNorm n = AddRmsNormOf(b);
    if (b.Has("beta")) n.normed = n.normed + b.In("beta");
    b.Out("x_out", n.sum);
    Tensor first = b.Has("smooth_scale1") ? n.normed * b.In("smooth_scale1") : n.normed;
    RowQuantised q = QuantisedRows(first, DType::kI8);
    b.OutRaw("y1", q.values);
    b.OutRaw("scale1", q.scale);
    if (b.Has("smooth_scale2")) {
      q = QuantisedRows(n.normed * b.In("smooth_scale2"), DType::kI8);
    } else {
      q = {Full(b.builder(), {Dim(0)}, DType::kI8, 0), Full(b.builder(), {Dim(0)}, DType::kF32, 0)};
    }
    b.OutRaw("y2", q.values);
    b.OutRaw("scale2", q.scale);
  });
}

BELAY_OP(TransQuantParamV2) {
  op.Dtypes("scale", {DType::kF32}).Computes([](Body& b) {
    b.OutRaw("y", PackedParameters(b.Raw("scale"), b.Optional("offset")));
  });
}

// (x + whole bias) * weight scale * activation scale + other bias
BELAY_OP(DequantBias) {
  op.Dtypes("x", {DType::kI32}).Computes([](Body& b) {
    Tensor x = b.Raw("x"), bias = b.Optional("bias");
    if (bias && bias.dtype() == DType::kI32) x = x + bias;
    Tensor y = Cast(x, DType::kF32) * b.In("weight_scale");
    if (b.Has("activate_scale")) y = y * Unsqueeze(b.In("activate_scale"), {1});
    if (bias && bias.dtype() != DType::kI32) y = y + b.In("bias");
    const DType dtype = b.Type("output_dtype");
    if (!IsFloat(dtype)) Fail("output_dtype is {}, but must be a float", DTypeName(dtype));
    b.OutAs("y", y, dtype);
  });
}

// swish of one half times the other, of numbers that may be whole sums; quantised by rows.
BELAY_OP(DequantSwigluQuant) {
  op.Dtypes("x", {DType::kI32, DType::kF16, DType::kBF16, DType::kF32})
      .Computes(DequantSwigluQuantBody);
}

BELAY_OP(InterleaveRope) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    b.Out("y", TurnedPairs(b.In("x"), b.In("cos"), b.In("sin")));
  });
}

}  // namespace belay
