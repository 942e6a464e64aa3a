// Operators with two tensors in that broadcast: y = f(x1, x2).
#include "ops/text.h"

namespace belay {
namespace {

using Formula = Tensor (*)(const Tensor&, const Tensor&);

// Operands whose dtypes differ take NumPy's result type.
void Promoted(Tensor* x1, Tensor* x2) {
  const DType dtype = Promote(x1->dtype(), x2->dtype());
  *x1 = Cast(*x1, dtype);
  *x2 = Cast(*x2, dtype);
}

void Binary(OpRecord& op, const std::vector<DType>& dtypes, Formula formula) {
  op.Dtypes(InputName(op, 0), dtypes).Dtypes(InputName(op, 1), dtypes).Computes([formula](Body& b) {
    Tensor x1 = b.In(InputName(b, 0)), x2 = b.In(InputName(b, 1));
    const DType raw1 = b.Raw(InputName(b, 0)).dtype(), raw2 = b.Raw(InputName(b, 1)).dtype();
    Promoted(&x1, &x2);
    b.OutAs(OutputName(b, 0), formula(x1, x2), Promote(raw1, raw2));
  });
}

void Comparison(OpRecord& op, const std::vector<DType>& dtypes, Formula formula) {
  op.Dtypes(InputName(op, 0), dtypes).Dtypes(InputName(op, 1), dtypes);
  op.Computes([formula](Body& b) {
    Tensor x1 = b.In(InputName(b, 0)), x2 = b.In(InputName(b, 1));
    Promoted(&x1, &x2);
    b.OutRaw(OutputName(b, 0), formula(x1, x2));
  });
}

// ONNX arithmetic: opset 7 brought NumPy's broadcasting.
void FromOnnxBinary(OpRecord& op, const char* onnx, const char* ge_op) {
  op.FromOnnx(onnx, 1, LegacyBroadcast(ge_op)).FromOnnx(onnx, 7);
}

Tensor DivideOrZero(const Tensor& x1, const Tensor& x2) {
  Tensor zero = ZeroLike(x2);
  return Select(Equal(x2, zero), ZeroLike(x1), x1 / x2);
}
Tensor MulOrZero(const Tensor& x1, const Tensor& x2) {
  return Select(Equal(x2, 0.0), ZeroLike(x1), x1 * x2);
}
Tensor FloorDivAny(const Tensor& x1, const Tensor& x2) { return FloorDiv(x1, x2); }
Tensor ShiftLeft(const Tensor& x, const Tensor& y) { return Map(ScalarOp::kShl, x, y); }
Tensor ShiftRight(const Tensor& x, const Tensor& y) { return Map(ScalarOp::kShr, x, y); }

}  // namespace

#define BELAY_BINARY_OP(Name, dtypes, formula)                                                \
  BELAY_OP(Name) {                                                                            \
    Binary(op, dtypes, [](const Tensor& x, const Tensor& y) -> Tensor { return formula; });   \
  }
#define BELAY_BINARY_ONNX_OP(Name, dtypes, onnx, formula)                                     \
  BELAY_OP(Name) {                                                                            \
    Binary(op, dtypes, [](const Tensor& x, const Tensor& y) -> Tensor { return formula; });   \
    FromOnnxBinary(op, onnx, #Name);                                                          \
  }
#define BELAY_COMPARE_OP(Name, dtypes, onnx, formula)                                         \
  BELAY_OP(Name) {                                                                            \
    Comparison(op, dtypes, [](const Tensor& x, const Tensor& y) -> Tensor { return formula; }); \
    FromOnnxBinary(op, onnx, #Name);                                                          \
  }

BELAY_BINARY_ONNX_OP(Add, kAnyDtype, "Add", x + y)
BELAY_BINARY_ONNX_OP(Sub, kNumbers, "Sub", x - y)
BELAY_BINARY_ONNX_OP(Mul, kAnyDtype, "Mul", x * y)
BELAY_BINARY_ONNX_OP(RealDiv, kNumbers, "Div", x / y)
BELAY_BINARY_OP(Div, kNumbers, x / y)
BELAY_BINARY_OP(FloorDiv, kNumbers, FloorDivAny(x, y))
BELAY_BINARY_OP(TruncateDiv, kNumbers, IsFloat(x.dtype()) ? Map(ScalarOp::kTrunc, x / y) : x / y)
BELAY_BINARY_OP(DivNoNan, kNumbers, DivideOrZero(x, y))
BELAY_BINARY_OP(MulNoNan, kNumbers, MulOrZero(x, y))
BELAY_BINARY_OP(FloorMod, kNumbers, Mod(x, y))
BELAY_BINARY_OP(TruncateMod, kNumbers, FMod(x, y))
BELAY_BINARY_OP(Maximum, kNumbers, Max(x, y))
BELAY_BINARY_OP(Minimum, kNumbers, Min(x, y))
BELAY_BINARY_OP(SquaredDifference, kNumbers, Square(x - y))
BELAY_BINARY_OP(Atan2, kFloats, Map(ScalarOp::kAtan2, x, y))
BELAY_BINARY_OP(Xlogy, kFloats, Select(Equal(x, 0.0), ZeroLike(x), x * Log(y)))
BELAY_BINARY_OP(Xdivy, kFloats, Select(Equal(x, 0.0), ZeroLike(x), x / y))
BELAY_BINARY_ONNX_OP(BitwiseAnd, kIntegers, "BitwiseAnd", And(x, y))
BELAY_BINARY_ONNX_OP(BitwiseOr, kIntegers, "BitwiseOr", Or(x, y))
BELAY_BINARY_ONNX_OP(BitwiseXor, kIntegers, "BitwiseXor", Xor(x, y))
BELAY_BINARY_OP(RightShift, kIntegers, ShiftRight(x, y))

BELAY_COMPARE_OP(Equal, kAnyOrTexts, "Equal", Equal(x, y))
BELAY_COMPARE_OP(NotEqual, kAnyOrTexts, "Xor", NotEqual(x, y))
BELAY_COMPARE_OP(Less, kAnyDtype, "Less", Less(x, y))
BELAY_COMPARE_OP(LessEqual, kAnyDtype, "LessOrEqual", LessEqual(x, y))
BELAY_COMPARE_OP(Greater, kAnyDtype, "Greater", Greater(x, y))
BELAY_COMPARE_OP(GreaterEqual, kAnyDtype, "GreaterOrEqual", GreaterEqual(x, y))
BELAY_COMPARE_OP(LogicalAnd, kAnyDtype, "And", And(x, y))
BELAY_COMPARE_OP(LogicalOr, kAnyDtype, "Or", Or(x, y))

BELAY_OP(LeftShift) {
  Binary(op, kIntegers, ShiftLeft);
  op.FromOnnx("BitShift", 11, [](OnnxNode& n) {
    const std::string direction = n.Str("direction", "");
    if (direction != "LEFT" && direction != "RIGHT") {
      n.Fail("attribute direction is '" + direction + "', but must be LEFT or RIGHT");
    }
    const char* ge_op = direction == "LEFT" ? "LeftShift" : "RightShift";
    n.Output(0, n.Emit(ge_op, {n.Input(0), n.Input(1)}));
  });
}

// GE's Mod takes the sign of the dividend, FloorMod that of the divisor.
BELAY_OP(Mod) {
  Binary(op, kNumbers, [](const Tensor& x, const Tensor& y) { return FMod(x, y); });
  op.FromOnnx("Mod", 10, [](OnnxNode& n) {
    n.Output(0, n.Emit(n.Int("fmod", 0) ? "Mod" : "FloorMod", {n.Input(0), n.Input(1)}));
  });
}

BELAY_OP(Pow) {
  op.Dtypes("x1", kNumbers).Dtypes("x2", kNumbers);
  op.FromOnnx("Pow", 1, LegacyBroadcast("Pow"));
  op.FromOnnx("Pow", 7, [](OnnxNode& n) {  // the result has the dtype of the base
    ModelEdge y = n.Emit("Pow", {n.Input(0), n.Input(1)});
    const DType base = n.InputDType(0);
    const bool same = base != DType::kUndefined && base == n.InputDType(1);
    n.Output(0, same ? y : n.Emit("CastLike", {y, n.Input(0)}));
  });
  op.Computes([](Body& b) {
    Tensor x1 = b.In("x1"), x2 = b.In("x2");
    const DType result = Promote(b.Raw("x1").dtype(), b.Raw("x2").dtype());
    Promoted(&x1, &x2);
    b.OutAs("y", Pow(x1, x2), result);
  });
}

BELAY_OP(ApproximateEqual) {
  op.Dtypes("x1", kNumbers).Dtypes("x2", kNumbers).Computes([](Body& b) {
    b.OutRaw("y", Less(Abs(b.In("x1") - b.In("x2")), b.Float("tolerance")));
  });
}

BELAY_OP(Axpy) {
  op.Dtypes("x1", kNumbers).Dtypes("x2", kNumbers).Computes([](Body& b) {
    b.Out("y", b.In("x1") + b.In("x2") * b.Float("alpha"));
  });
}

BELAY_OP(FusedMulAdd) {
  op.Dtypes("x1", kNumbers).Computes([](Body& b) {
    b.Out("y", b.In("x1") * b.In("x2") + b.In("x3"));
  });
}
BELAY_OP(Addcmul) {
  op.Dtypes("input_data", kNumbers).Computes([](Body& b) {
    b.Out("y", b.In("input_data") + b.In("value") * b.In("x1") * b.In("x2"));
  });
}
BELAY_OP(Addcdiv) {
  op.Dtypes("input_data", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("input_data");
    b.Out("y", x + Cast(b.In("value"), x.dtype()) * b.In("x1") / b.In("x2"));
  });
}
BELAY_OP(Lerp) {
  op.Dtypes("start", kFloats).Computes([](Body& b) {
    Tensor start = b.In("start");
    b.Out("y", start + b.In("weight") * (b.In("end") - start));
  });
}

BELAY_OP(AccumulateNV2) {
  op.FromOnnx("Sum", 1, FoldRule("Add")).FromOnnx("Max", 1, FoldRule("Maximum"));
  op.FromOnnx("Min", 1, FoldRule("Minimum")).FromOnnx("Mean", 1, [](OnnxNode& n) {
    ModelEdge sum = n.Input(0);
    for (int i = 1; i < n.input_count(); ++i) sum = n.Emit("Add", {sum, n.Input(i)});
    n.Output(0, n.Emit("Muls", {sum}, {{"value", 1.0 / n.input_count()}}));
  });
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    std::vector<Tensor> x = b.Ins("x");
    if (x.empty()) Fail("x has no instances");
    Tensor y = x[0];
    for (size_t i = 1; i < x.size(); ++i) y = y + x[i];
    b.Out("y", y);
  });
}

BELAY_OP(AddN) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    std::vector<Tensor> x = b.Ins("x");
    if (x.empty()) Fail("x has no instances");
    Tensor y = x[0];
    for (size_t i = 1; i < x.size(); ++i) y = y + x[i];
    b.Out("y", y);
  });
}

// bias [C] is added along the channels.
BELAY_OP(BiasAdd) {
  op.Dtypes("x", kNumbers).Dtypes("bias", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("x");
    const bool first = b.Str("data_format").substr(0, 2) == "NC";
    const int axis = first ? 1 : x.rank() - 1;
    if (axis < 0 || axis >= x.rank()) Fail("x has rank {}, but needs channels", x.rank());
    b.Out("y", x + AlongAxis(b.In("bias"), axis, x.rank()));
  });
}

BELAY_OP(ClipByValue) {
  op.FromOnnx("Clip", 1, [](OnnxNode& n) {  // limits as attributes
    ModelEdge y = n.Input(0);
    const DType dtype = n.InputDType(0) == DType::kUndefined ? DType::kF32 : n.InputDType(0);
    if (n.HasAttr("min")) y = n.Emit("Maximum", {y, n.ConstScalar(dtype, n.Float("min", 0))});
    if (n.HasAttr("max")) y = n.Emit("Minimum", {y, n.ConstScalar(dtype, n.Float("max", 0))});
    n.Output(0, n.HasAttr("min") || n.HasAttr("max") ? y : n.Emit("Identity", {y}));
  });
  op.FromOnnx("Clip", 11, [](OnnxNode& n) {
    const bool lo = n.HasInput(1), hi = n.HasInput(2);
    if (lo && hi) {
      return n.Output(0, n.Emit("ClipByValue", {n.Input(0), n.Input(1), n.Input(2)}));
    }
    if (lo) return n.Output(0, n.Emit("Maximum", {n.Input(0), n.Input(1)}));
    if (hi) return n.Output(0, n.Emit("Minimum", {n.Input(0), n.Input(2)}));
    n.Output(0, n.Emit("Identity", {n.Input(0)}));
  });
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("y", Min(Max(x, b.In("clip_value_min")), b.In("clip_value_max")));
  });
}
BELAY_OP(ClipByValueV2) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("y", Min(Max(x, b.In("clip_value_min")), b.In("clip_value_max")));
  });
}

}  // namespace belay
