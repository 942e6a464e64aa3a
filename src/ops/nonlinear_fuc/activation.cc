// Activations: y = f(x) with f of the neural-network kind.
#include <cmath>
#include <numbers>

#include "ops/nonlinear_fuc/selu.h"
#include "ops/support.h"

namespace belay {
namespace {

void Activation(OpRecord& op, const std::vector<DType>& dtypes, Tensor (*formula)(const Tensor&)) {
  op.Dtypes(InputName(op, 0), dtypes).Computes([formula](Body& b) {
    b.Out(OutputName(b, 0), formula(b.In(InputName(b, 0))));
  });
}

// scale * (x if x > 0 else alpha * (e^x - 1))
Tensor EluLike(const Tensor& x, double alpha, double scale, double input_scale = 1) {
  Tensor below = Map(ScalarOp::kExpm1, Min(x, 0.0) * input_scale) * alpha;
  return Select(Greater(x, 0.0), x, below) * scale;
}

}  // namespace

#define BELAY_ACTIVATION_OP(Name, dtypes, formula)                                \
  BELAY_OP(Name) {                                                                \
    Activation(op, dtypes, [](const Tensor& x) -> Tensor { return formula; });    \
  }
#define BELAY_ACTIVATION_ONNX_OP(Name, dtypes, onnx, formula)                     \
  BELAY_OP(Name) {                                                                \
    Activation(op, dtypes, [](const Tensor& x) -> Tensor { return formula; });    \
    op.FromOnnx(onnx);                                                            \
  }

BELAY_ACTIVATION_ONNX_OP(Relu, kNumbers, "Relu", Relu(x))
BELAY_ACTIVATION_OP(Relu6, kNumbers, Min(Relu(x), 6.0))
BELAY_ACTIVATION_ONNX_OP(Sigmoid, kFloats, "Sigmoid", Sigmoid(x))
BELAY_ACTIVATION_ONNX_OP(Tanh, kFloats, "Tanh", Tanh(x))
BELAY_ACTIVATION_ONNX_OP(Softplus, kFloats, "Softplus", Softplus(x))
BELAY_ACTIVATION_ONNX_OP(Softsign, kFloats, "Softsign", x / (1.0 + Abs(x)))
BELAY_ACTIVATION_ONNX_OP(HardSwish, kFloats, "HardSwish", x * (Clamp(x + 3.0, 0, 6) / 6.0))
BELAY_ACTIVATION_ONNX_OP(Mish, kFloats, "Mish", x * Tanh(Softplus(x)))
BELAY_ACTIVATION_OP(LogSigmoid, kFloats, -Softplus(-x))
BELAY_ACTIVATION_OP(Gelu, kFloats, GeluTanh(x))
BELAY_ACTIVATION_OP(FastGelu, kFloats, FastGelu(x))
BELAY_ACTIVATION_OP(FastGeluV2, kFloats, FastGelu(x))

BELAY_OP(GeluV2) {
  op.FromOnnx("Gelu", 20, [](OnnxNode& n) {
    n.Output(0, n.Emit("GeluV2", {n.Input(0)}, {{"approximate", n.Str("approximate", "none")}}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    const std::string approximate = b.Str("approximate");
    if (approximate != "none" && approximate != "tanh") {
      Fail("approximate is '{}', but must be none or tanh", approximate);
    }
    b.Out("y", approximate == "tanh" ? GeluTanh(b.In("x")) : GeluErf(b.In("x")));
  });
}

BELAY_OP(HardSigmoid) {
  op.FromOnnx("HardSigmoid", 1, [](OnnxNode& n) {
    n.Output(0, n.Emit("HardSigmoid", {n.Input(0)},
                       {{"alpha", n.Float("alpha", 0.2)}, {"beta", n.Float("beta", 0.5)}}));
  });
  op.Dtypes("input_x", kFloats).Computes([](Body& b) {
    Builder& make = b.builder();
    const Tensor x = b.In("input_x");
    const Tensor alpha = make.Scalar(x.dtype(), b.Float("alpha")), beta = make.Scalar(x.dtype(), b.Float("beta"));
    // Rounded once: near the zero of the line a rounded product has few digits left.
    const Tensor line = Map(ScalarOp::kFma, {x, BroadcastTo(alpha, x.shape()), BroadcastTo(beta, x.shape())});
    b.Out("output_y", Clamp(line, 0, 1));
  });
}

BELAY_OP(LeakyRelu) {
  op.FromOnnx("LeakyRelu", 1, [](OnnxNode& n) {
    n.Output(0, n.Emit("LeakyRelu", {n.Input(0)}, {{"negative_slope", n.Float("alpha", 0.01)}}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("y", Select(Less(x, 0.0), x * b.Float("negative_slope"), x));
  });
}

BELAY_OP(Elu) {
  op.FromOnnx("Elu").Dtypes("x", kFloats).Computes([](Body& b) {
    b.Out("y", EluLike(b.In("x"), b.Float("alpha"), b.Float("scale"), b.Float("input_scale")));
  });
}

BELAY_OP(Selu) {
  op.FromOnnx("Selu", 1, [](OnnxNode& n) {
    const double alpha = n.Float("alpha", kSeluAlpha), gamma = n.Float("gamma", kSeluScale);
    if (n.opset() >= 6 && !n.HasAttr("alpha") && !n.HasAttr("gamma")) {
      return n.Output(0, n.Emit("Selu", {n.Input(0)}));
    }
    ModelEdge elu = n.Emit("Elu", {n.Input(0)}, {{"alpha", alpha}});
    n.Output(0, n.Emit("Muls", {elu}, {{"value", gamma}}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    b.Out("y", EluLike(b.In("x"), kSeluAlpha, kSeluScale));
  });
}

// max(0, a3 * x) + min(0, a1 * (e^(x / a2) - 1))
BELAY_OP(Celu) {
  op.FromOnnx("Celu", 12, [](OnnxNode& n) {
    const double alpha = n.Float("alpha", 1);
    n.Output(0, n.Emit("Celu", {n.Input(0)},
                       {{"alpha1", alpha}, {"alpha2", alpha}, {"alpha3", 1.0}}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    Tensor below = Map(ScalarOp::kExpm1, Min(x, 0.0) / b.Float("alpha2")) * b.Float("alpha1");
    b.Out("y", Max(x * b.Float("alpha3"), 0.0) + Min(below, 0.0));
  });
}

BELAY_OP(Swish) {
  op.FromOnnx("Swish", 24, {{"alpha", "scale"}}).Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    const double scale = b.Float("scale");
    b.Out("y", x * Sigmoid(scale == 1 ? x : x * scale));
  });
}

BELAY_OP(ThresholdedRelu) {
  op.FromOnnx("ThresholdedRelu").Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("y", Select(Greater(x, b.Float("alpha")), x, ZeroLike(x)));
  });
}

BELAY_OP(Threshold) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("y", Cast(Greater(x, b.Float("threshold")), x.dtype()));
  });
}

BELAY_OP(ThresholdV2) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("x");
    // Front ends write plain numbers of whatever dtype for the other two.
    Tensor value = b.Has("value") ? Cast(b.In("value"), x.dtype()) : ZeroLike(x);
    b.Out("y", Select(Greater(x, Cast(b.In("threshold"), x.dtype())), x, value));
  });
}

BELAY_OP(Shrink) {
  op.FromOnnx("Shrink", 9).Dtypes("input_x", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("input_x");
    const DType dtype = x.dtype();
    if (!IsFloat(dtype)) x = Cast(x, DType::kF32);
    const double lambd = b.Float("lambd"), bias = b.Float("bias");
    Tensor zero = ZeroLike(x);
    Tensor y = Select(Less(x, -lambd), x + bias, Select(Greater(x, lambd), x - bias, zero));
    b.Out("output_y", IsFloat(dtype) ? y : Cast(y, dtype));
  });
}

BELAY_OP(HardShrink) {
  op.Dtypes("input_x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("input_x");
    b.Out("output_y", Select(Greater(Abs(x), b.Float("lambd")), x, ZeroLike(x)));
  });
}
BELAY_OP(SoftShrink) {
  op.Dtypes("input_x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("input_x");
    b.Out("output_y", Sign(x) * Max(Abs(x) - b.Float("lambd"), 0.0));
  });
}

// weight: one value, or one per channel (dim 1).
BELAY_OP(PRelu) {
  op.FromOnnx("PRelu", 1, [](OnnxNode& n) {
    if (n.opset() >= 7) {
      // ONNX's slope broadcasts from the right, GE's is per channel: spell it out.
      const DType dtype = n.InputDType(0) == DType::kUndefined ? DType::kF32 : n.InputDType(0);
      ModelEdge zero = n.ConstScalar(dtype, 0);
      ModelEdge below = n.Emit("Mul", {n.Input(0), n.Input(1)});
      ModelEdge negative = n.Emit("Less", {n.Input(0), zero});
      return n.Output(0, n.Emit("SelectV2", {negative, below, n.Input(0)}));
    }
    n.Output(0, n.Emit("PRelu", {n.Input(0), n.Input(1)}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x"), weight = b.In("weight");
    const Dim count = NumElements(weight.shape());
    if (count.IsConst(1)) {
      weight = Reshape(weight, Shape(x.rank(), Dim(1)));
    } else if (x.rank() >= 2) {
      weight = AlongAxis(weight, 1, x.rank());
    }
    b.Out("y", Select(Less(x, 0.0), x * weight, x));
  });
}

}  // namespace belay
