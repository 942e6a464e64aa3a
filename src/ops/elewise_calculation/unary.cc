// Operators with one tensor in and one formula: y = f(x).
#include <cmath>

#include "graph/narrow.h"
#include "ops/support.h"
#include "ops/text.h"

namespace belay {
namespace {

void Unary(OpRecord& op, const std::vector<DType>& dtypes, const char* onnx,
           Tensor (*formula)(const Tensor&)) {
  op.Dtypes(InputName(op, 0), dtypes).Computes([formula](Body& b) {
    b.Out(OutputName(b, 0), formula(b.In(InputName(b, 0))));
  });
  if (onnx) op.FromOnnx(onnx);
}

void Predicate(OpRecord& op, const char* onnx, Tensor (*formula)(const Tensor&)) {
  op.Dtypes(InputName(op, 0), kNumbers).Computes([formula](Body& b) {
    b.OutRaw(OutputName(b, 0), formula(b.In(InputName(b, 0))));
  });
  if (onnx) op.FromOnnx(onnx);
}

Tensor AbsAny(const Tensor& x) { return IsUnsignedInt(x.dtype()) ? x : Abs(x); }
Tensor Recip(const Tensor& x) { return IsFloat(x.dtype()) ? Map(ScalarOp::kRecip, x) : 1.0 / x; }

bool IsNumber(DType d) { return IsFloat(d) || IsInt(d) || d == DType::kBool || IsNarrow(d); }

NarrowRounding RoundingOf(const Body& b) {
  NarrowRounding rounding;
  rounding.saturate = HiddenInt(b, "saturate", 1) != 0;
  const std::string mode = HiddenStr(b, "round_mode", "up");
  if (mode == "down") rounding.e8m0 = E8M0Rounding::kDown;
  if (mode == "nearest") rounding.e8m0 = E8M0Rounding::kNearest;
  if (mode != "up" && mode != "down" && mode != "nearest") {
    Fail("round_mode is '{}', but must be up, down or nearest", mode);
  }
  return rounding;
}

Tensor CastNumber(const Body& b, const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  if (dtype == DType::kString) return NumberToText(x);
  if (x.dtype() == DType::kString) return TextToNumber(x, dtype);
  if (!IsNumber(x.dtype()) || !IsNumber(dtype)) {
    FailNotSupported("casts from {} to {}", DTypeName(x.dtype()), DTypeName(dtype));
  }
  return IsNarrow(dtype) ? CastNarrow(x, dtype, RoundingOf(b)) : Cast(x, dtype);
}

// What ONNX says about casts to narrow types and GE does not.
AttrMap OnnxRounding(OnnxNode& n) {
  return {{"saturate", n.Int("saturate", 1)}, {"round_mode", n.Str("round_mode", "up")}};
}

// The complement without 1 - erf(x), which has no digits left where erf is near 1: for x from 1/2 on, exp(-x^2) times
// exp(x^2) erfc(x), of which (1 + x) times it is a polynomial of (x - 5/2) / (x + 5/2), fitted to 2e-9 up to x = 10.3;
// beyond that f32 has only 0. x^2 is the exact square of x's first 12 bits and a rest.
Tensor Erfc(const Tensor& x) {
  if (x.dtype() != DType::kF32) return 1.0 - Erf(x);
  static constexpr double kFit[] = {0.737822273, -0.247046746, 0.0763444601, 0.0162983771, -0.0315249096,
                                    0.0143834829, -0.000836450465, -0.0017467667, 0.000304435089, 0.000220149302};
  const Tensor a = Min(Abs(x), 10.5);
  const Tensor high = Bitcast(And(Bitcast(a, DType::kI32), x.builder().ScalarInt(DType::kI32, -4096)), DType::kF32);
  const Tensor rest = (high - a) * (a + high), u = (a - 2.5) / (a + 2.5);
  const auto times_plus = [&](const Tensor& t, double c) {
    return Map(ScalarOp::kFma, {t, u, BroadcastTo(x.builder().Scalar(x.dtype(), c), x.shape())});
  };
  Tensor fit = times_plus(BroadcastTo(x.builder().Scalar(x.dtype(), kFit[9]), x.shape()), kFit[8]);
  for (int k = 7; k >= 0; --k) fit = times_plus(fit, kFit[k]);
  Tensor of_rest = rest * (1 / 120.0) + 1 / 24.0;
  for (double factor : {1 / 6.0, 0.5, 1.0}) of_rest = of_rest * rest + factor;
  const Tensor slow = fit / (1.0 + a);
  const Tensor tail = Exp(-(high * high)) * Map(ScalarOp::kFma, {of_rest * rest, slow, slow});
  return Select(Less(x, 0.5), 1.0 - Erf(x), tail);
}

Tensor FloatOnly(ScalarOp op, const Tensor& x) { return IsFloat(x.dtype()) ? Map(op, x) : x; }

}  // namespace

#define BELAY_UNARY_OP(Name, dtypes, onnx, formula)                            \
  BELAY_OP(Name) {                                                             \
    Unary(op, dtypes, onnx, [](const Tensor& x) -> Tensor { return formula; }); \
  }

BELAY_UNARY_OP(Abs, kNumbers, "Abs", AbsAny(x))
BELAY_UNARY_OP(Neg, kNumbers, "Neg", -x)
BELAY_UNARY_OP(Sign, kNumbers, "Sign", Sign(x))
BELAY_UNARY_OP(Square, kNumbers, nullptr, Square(x))
BELAY_UNARY_OP(Sqrt, kFloats, "Sqrt", Sqrt(x))
BELAY_UNARY_OP(Rsqrt, kFloats, nullptr, Rsqrt(x))
BELAY_UNARY_OP(Reciprocal, kNumbers, "Reciprocal", Recip(x))
BELAY_UNARY_OP(Inv, kNumbers, nullptr, Recip(x))
BELAY_UNARY_OP(Ceil, kNumbers, "Ceil", FloatOnly(ScalarOp::kCeil, x))
BELAY_UNARY_OP(Floor, kNumbers, "Floor", FloatOnly(ScalarOp::kFloor, x))
BELAY_UNARY_OP(Trunc, kNumbers, nullptr, FloatOnly(ScalarOp::kTrunc, x))
BELAY_UNARY_OP(Rint, kFloats, "Round", Round(x))
BELAY_UNARY_OP(Expm1, kFloats, nullptr, Map(ScalarOp::kExpm1, x))
BELAY_UNARY_OP(Log1p, kFloats, nullptr, Map(ScalarOp::kLog1p, x))
BELAY_UNARY_OP(Sin, kFloats, "Sin", Map(ScalarOp::kSin, x))
BELAY_UNARY_OP(Cos, kFloats, "Cos", Map(ScalarOp::kCos, x))
BELAY_UNARY_OP(Tan, kFloats, "Tan", Map(ScalarOp::kTan, x))
BELAY_UNARY_OP(Asin, kFloats, "Asin", Map(ScalarOp::kAsin, x))
BELAY_UNARY_OP(Acos, kFloats, "Acos", Map(ScalarOp::kAcos, x))
BELAY_UNARY_OP(Atan, kFloats, "Atan", Map(ScalarOp::kAtan, x))
BELAY_UNARY_OP(Sinh, kFloats, "Sinh", Map(ScalarOp::kSinh, x))
BELAY_UNARY_OP(Cosh, kFloats, "Cosh", Map(ScalarOp::kCosh, x))
BELAY_UNARY_OP(Asinh, kFloats, "Asinh", Map(ScalarOp::kAsinh, x))
BELAY_UNARY_OP(Acosh, kFloats, "Acosh", Map(ScalarOp::kAcosh, x))
BELAY_UNARY_OP(Atanh, kFloats, "Atanh", Map(ScalarOp::kAtanh, x))
BELAY_UNARY_OP(Erf, kFloats, "Erf", Erf(x))
BELAY_UNARY_OP(Erfc, kFloats, nullptr, Erfc(x))
BELAY_UNARY_OP(Invert, kIntegers, "BitwiseNot", Not(x))

BELAY_OP(IsNan) {
  Predicate(op, "IsNaN", [](const Tensor& x) { return Map(ScalarOp::kIsNan, x); });
}
BELAY_OP(IsInf) {
  Predicate(op, nullptr, [](const Tensor& x) { return Map(ScalarOp::kIsInf, x); });
  op.FromOnnx("IsInf", 1, [](OnnxNode& n) {
    const bool negative = n.Int("detect_negative", 1), positive = n.Int("detect_positive", 1);
    ModelEdge inf = n.Emit("IsInf", {n.Input(0)});
    if (negative && positive) return n.Output(0, inf);
    DType dtype = n.InputDType(0);
    ModelEdge zero = n.ConstScalar(dtype == DType::kUndefined ? DType::kF32 : dtype, 0);
    if (!negative && !positive) return n.Output(0, n.Emit("Less", {zero, zero}));
    ModelEdge sign = n.Emit(positive ? "Greater" : "Less", {n.Input(0), zero});
    n.Output(0, n.Emit("LogicalAnd", {inf, sign}));
  });
}
BELAY_OP(IsFinite) {
  Predicate(op, nullptr, [](const Tensor& x) {
    return Not(Or(Map(ScalarOp::kIsNan, x), Map(ScalarOp::kIsInf, x)));
  });
}
BELAY_OP(LogicalNot) {
  op.Dtypes("x", kBools).FromOnnx("Not").Computes([](Body& b) { b.OutRaw("y", Not(b.Raw("x"))); });
}

// y = base ^ (scale * x + shift); base -1 stands for e.
BELAY_OP(Exp) {
  op.Dtypes("x", kFloats).FromOnnx("Exp").Computes([](Body& b) {
    Tensor x = b.In("x");
    const double base = b.Float("base"), scale = b.Float("scale"), shift = b.Float("shift");
    if (base != -1 && base <= 0) Fail("base is {}, but must be -1 or positive", base);
    if (scale != 1) x = x * scale;
    if (shift != 0) x = x + shift;
    if (base != -1) x = x * std::log(base);
    b.Out("y", Exp(x));
  });
}

// y = log(scale * x + shift) to the base; -1 stands for e.
BELAY_OP(Log) {
  op.Dtypes("x", kFloats).FromOnnx("Log").Computes([](Body& b) {
    Tensor x = b.In("x");
    const double base = b.Float("base"), scale = b.Float("scale"), shift = b.Float("shift");
    if (base != -1 && base <= 0) Fail("base is {}, but must be -1 or positive", base);
    if (scale != 1) x = x * scale;
    if (shift != 0) x = x + shift;
    Tensor y = Log(x);
    b.Out("y", base == -1 ? y : y / std::log(base));
  });
}

// y = (shift + scale * x) ^ power.
BELAY_OP(Power) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    if (b.Float("scale") != 1) x = x * b.Float("scale");
    if (b.Float("shift") != 0) x = x + b.Float("shift");
    b.Out("y", b.Float("power") == 1 ? x : Pow(x, b.Float("power")));
  });
}

// Half to even at `decimals` digits.
BELAY_OP(Round) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("x");
    const double unit = std::pow(10.0, static_cast<double>(b.Int("decimals")));
    b.Out("y", unit == 1 ? Round(x) : Round(x * unit) / unit);
  });
}

BELAY_OP(Cast) {
  op.FromOnnx("Cast", 1, [](OnnxNode& n) {
    DType dtype = OnnxDType(n.Int("to", 0));
    if (n.opset() < 6) dtype = OnnxDTypeNamed(n.Str("to", ""));
    AttrMap attrs = OnnxRounding(n);
    attrs["dst_type"] = GeType(dtype);
    n.Output(0, n.Emit("Cast", {n.Input(0)}, attrs));
  });
  op.Computes([](Body& b) {
    const int64_t number = b.Int("dst_type");
    const DType dtype = static_cast<DType>(number);
    const bool known = BitWidth(dtype) > 0 || dtype == DType::kString;
    if (number < 0 || number > 66 || !known) Fail("dst_type is {}", number);
    b.OutRaw("y", CastNumber(b, b.Raw("x"), dtype));
  });
}

BELAY_OP(CastLike) {
  op.FromOnnx("CastLike", 1, [](OnnxNode& n) {
    n.Output(0, n.Emit("CastLike", {n.Input(0), n.Input(1)}, OnnxRounding(n)));
  });
  op.Computes([](Body& b) {
    b.OutRaw("y", CastNumber(b, b.Raw("x"), b.Raw("target").dtype()));
  });
}

BELAY_OP(Adds) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) { b.Out("y", b.In("x") + b.Float("value")); });
}
BELAY_OP(Muls) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("x");
    if (IsFloat(x.dtype())) return b.Out("y", x * b.Float("value"));
    b.Out("y", Cast(Cast(x, DType::kF64) * b.Float("value"), x.dtype()));
  });
}
BELAY_OP(OnesLike) {
  op.Dtypes("x", kAnyDtype).Computes([](Body& b) {
    Tensor x = b.Raw("x");
    b.OutRaw("y", Full(b.builder(), x.shape(), x.dtype(), 1));
  });
}
BELAY_OP(ZerosLike) {
  op.Dtypes("x", kAnyDtype).Computes([](Body& b) { b.OutRaw("y", ZeroLike(b.Raw("x"))); });
}
BELAY_OP(TensorMove) {
  op.Computes([](Body& b) { b.OutRaw("y", b.Raw("x")); });
}

}  // namespace belay
