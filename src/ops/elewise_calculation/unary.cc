// Operators with one tensor in and one formula: y = f(x).
#include <cmath>

#include "ops/support.h"

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

bool IsNumber(DType d) { return IsFloat(d) || IsInt(d) || d == DType::kBool; }

Tensor CastNumber(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  if (!IsNumber(x.dtype()) || !IsNumber(dtype)) {
    FailNotSupported("casts from {} to {}", DTypeName(x.dtype()), DTypeName(dtype));
  }
  return Cast(x, dtype);
}

DType UnsignedOf(int bits) {
  return bits == 8 ? DType::kU8 : bits == 16 ? DType::kU16 : bits == 32 ? DType::kU32 : DType::kU64;
}

// Each element as `ratio` narrower ones along a new last dim, the low bits first.
Tensor SplitBits(const Tensor& x, DType part, int ratio) {
  std::vector<Tensor> parts;
  for (int i = 0; i < ratio; ++i) {
    Tensor shift = x.builder().ScalarInt(x.dtype(), int64_t{i} * BitWidth(part));
    parts.push_back(Unsqueeze(Cast(Map(ScalarOp::kShr, x, shift), part), {x.rank()}));
  }
  return Concat(parts, x.rank());
}

// The reverse: the last dim, of extent `ratio`, becomes one wider element.
Tensor JoinBits(const Tensor& x, DType whole, int ratio) {
  const int last = x.rank() - 1;
  Tensor joined;
  for (int i = 0; i < ratio; ++i) {
    Tensor part = Cast(Squeeze(Slice(x, last, i, 1), {last}), whole);
    part = Map(ScalarOp::kShl, part, x.builder().ScalarInt(whole, int64_t{i} * BitWidth(x.dtype())));
    joined = joined ? Or(joined, part) : part;
  }
  return joined;
}

Tensor ReinterpretBits(const Tensor& x, DType dtype, bool keep_dim) {
  const int from = BitWidth(x.dtype()), to = BitWidth(dtype);
  if (!IsNumber(x.dtype()) || !IsNumber(dtype)) {
    FailNotSupported("the bits of {} as {}", DTypeName(x.dtype()), DTypeName(dtype));
  }
  Tensor bits = from == to ? x : Bitcast(x, UnsignedOf(from));
  if (from > to) {
    bits = SplitBits(bits, UnsignedOf(to), from / to);
    Shape shape = x.shape();
    if (keep_dim && x.rank() == 0) Fail("keep_dim needs a dim to keep");
    if (keep_dim) {
      shape.back() = shape.back() * Dim(from / to);
      bits = Reshape(bits, shape);
    }
  } else if (from < to) {
    const int ratio = to / from;
    if (x.rank() == 0) Fail("x has rank 0, but {} elements of {} make one of {}", ratio, DTypeName(x.dtype()),
                            DTypeName(dtype));
    if (keep_dim) {
      Shape shape = x.shape();
      shape.back() = FloorDiv(shape.back(), ratio);
      shape.push_back(ratio);
      bits = Reshape(bits, shape);
    } else if (!x.builder().Assume(Equal(x.dim(-1), ratio), true)) {
      Fail("the last extent is {}, but {} elements of {} make one of {}", x.dim(-1).ToString(), ratio,
           DTypeName(x.dtype()), DTypeName(dtype));
    }
    bits = JoinBits(bits, UnsignedOf(to), ratio);
  }
  return Bitcast(bits, dtype);
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
BELAY_UNARY_OP(Erfc, kFloats, nullptr, 1.0 - Erf(x))
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
    n.Output(0, n.Emit("Cast", {n.Input(0)}, {{"dst_type", GeType(dtype)}}));
  });
  op.Computes([](Body& b) {
    const int64_t number = b.Int("dst_type");
    const DType dtype = static_cast<DType>(number);
    if (number < 0 || number > 66 || BitWidth(dtype) == 0) Fail("dst_type is {}", number);
    b.OutRaw("y", CastNumber(b.Raw("x"), dtype));
  });
}

BELAY_OP(CastLike) {
  op.FromOnnx("CastLike").Computes([](Body& b) {
    b.OutRaw("y", CastNumber(b.Raw("x"), b.Raw("target").dtype()));
  });
}

// Between widths, neighbouring elements of the last dim are one.
BELAY_OP(Bitcast) {
  op.FromOnnx("BitCast", 26, [](OnnxNode& n) {
    n.Output(0, n.Emit("Bitcast", {n.Input(0)}, {{"type", OnnxDType(n.Int("to", 0))}}));
  });
  op.Computes([](Body& b) { b.OutRaw("y", ReinterpretBits(b.Raw("x"), b.Type("type"), b.Bool("keep_dim"))); });
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
