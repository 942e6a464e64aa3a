// Gradients of activations: dy * f'(x), from x or from y = f(x).
#include <cmath>

#include "ops/gradient.h"
#include "ops/nonlinear_fuc/selu.h"

namespace belay {
namespace {

// A formula of what comes from above and of x (or y), the inputs in either order.
using GradientFormula = Tensor (*)(const Tensor& dy, const Tensor& x);

void FromTwo(OpRecord& op, const std::vector<DType>& dtypes, int dy, GradientFormula formula) {
  op.Dtypes(InputName(op, dy), dtypes).Computes([dy, formula](Body& b) {
    b.Out(OutputName(b, 0), formula(b.In(InputName(b, dy)), b.In(InputName(b, 1 - dy))));
  });
}

Tensor Where(const Tensor& condition, const Tensor& g) { return Select(condition, g, ZeroLike(g)); }
Tensor Within(const Tensor& x, double low, double high) {
  return And(Greater(x, low), Less(x, high));
}

// x where the activation is scale * (x, or alpha * (e^(input_scale * x) - 1) below 0), or from the
// result.
Tensor EluGradient(const Tensor& dy, const Tensor& x, double alpha, double scale,
                   double input_scale, bool is_result) {
  Tensor below = is_result ? (x + alpha * scale) * input_scale
                           : Exp(Min(x, 0.0) * input_scale) * (alpha * scale * input_scale);
  return Select(Greater(x, 0.0), dy * scale, dy * below);
}

Tensor MishGradient(const Tensor& dy, const Tensor& x) {
  Tensor t = Tanh(Softplus(x));
  return dy * (t + x * (1.0 - t * t) * Sigmoid(x));
}

Tensor SoftsignGradient(const Tensor& dy, const Tensor& x) { return dy / Square(1.0 + Abs(x)); }

// 0, then rising from -3, then dy.
Tensor HardSwishGradient(const Tensor& dy, const Tensor& x) {
  Tensor inner = Select(LessEqual(x, 3.0), dy * (x * (1 / 3.0) + 0.5), dy);
  return Where(GreaterEqual(x, -3.0), inner);
}

}  // namespace

#define BELAY_ACTIVATION_GRADIENT_OP(Name, dtypes, position, formula)                \
  BELAY_OP(Name) {                                                                \
    FromTwo(op, dtypes, position,                                                 \
            [](const Tensor& dy, const Tensor& x) -> Tensor { return formula; }); \
  }

BELAY_ACTIVATION_GRADIENT_OP(ReluGrad, kNumbers, 0, Where(Greater(x, 0.0), dy))
BELAY_ACTIVATION_GRADIENT_OP(Relu6Grad, kNumbers, 0, Where(Within(x, 0, 6), dy))
BELAY_ACTIVATION_GRADIENT_OP(SoftplusGrad, kFloats, 0, dy* Sigmoid(x))
BELAY_ACTIVATION_GRADIENT_OP(SoftsignGrad, kFloats, 0, SoftsignGradient(dy, x))
BELAY_ACTIVATION_GRADIENT_OP(LogSigmoidGrad, kFloats, 0, dy* Sigmoid(-x))
BELAY_ACTIVATION_GRADIENT_OP(HardSwishGrad, kFloats, 0, HardSwishGradient(dy, x))
BELAY_ACTIVATION_GRADIENT_OP(MishGrad, kFloats, 0, MishGradient(dy, x))
BELAY_ACTIVATION_GRADIENT_OP(FastGeluGrad, kFloats, 0, Gradient(FastGelu(x), dy, x))
BELAY_ACTIVATION_GRADIENT_OP(GeluGrad, kFloats, 0, Gradient(GeluTanh(x), dy, x))
BELAY_ACTIVATION_GRADIENT_OP(SiluGrad, kFloats, 0, Gradient(x* Sigmoid(x), dy, x))
BELAY_ACTIVATION_GRADIENT_OP(EluGrad, kFloats, 0, EluGradient(dy, x, 1, 1, 1, true))
BELAY_ACTIVATION_GRADIENT_OP(SeluGrad, kFloats, 0, EluGradient(dy, x, kSeluAlpha, kSeluScale, 1, true))
// These two take y first.
BELAY_ACTIVATION_GRADIENT_OP(SigmoidGrad, kFloats, 1, dy* x*(1.0 - x))
BELAY_ACTIVATION_GRADIENT_OP(TanhGrad, kFloats, 1, dy*((1.0 - x) * (1.0 + x)))

BELAY_OP(GeluGradV2) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    const std::string approximate = b.Str("approximate");
    if (approximate != "none" && approximate != "tanh") {
      Fail("approximate is '{}', but must be none or tanh", approximate);
    }
    b.Out("z", Gradient(approximate == "tanh" ? GeluTanh(x) : GeluErf(x), b.In("dy"), x));
  });
}

BELAY_OP(SwishGrad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("grad_x", Gradient(x * Sigmoid(x * b.Float("scale")), b.In("grad"), x));
  });
}

BELAY_OP(LeakyReluGrad) {
  op.Dtypes("gradients", kFloats).Computes([](Body& b) {
    Tensor dy = b.In("gradients");
    b.Out("backprops", Select(Greater(b.In("features"), 0.0), dy, dy * b.Float("negative_slope")));
  });
}

BELAY_OP(EluGradV2) {
  op.Dtypes("grads", kFloats).Computes([](Body& b) {
    b.Out("y", EluGradient(b.In("grads"), b.In("activations"), b.Float("alpha"), b.Float("scale"),
                           b.Float("input_scale"), b.Bool("is_result")));
  });
}

BELAY_OP(HardSigmoidGrad) {
  op.Dtypes("grads", kFloats).Computes([](Body& b) {
    const double alpha = b.Float("alpha");
    Tensor linear = b.In("input_x") * alpha + b.Float("beta");
    b.Out("y", Where(Within(linear, 0, 1), b.In("grads") * alpha));
  });
}

BELAY_OP(HardtanhGrad) {
  op.Dtypes("result", kFloats).Computes([](Body& b) {
    b.Out("y", Where(Within(b.In("result"), b.Float("min_val"), b.Float("max_val")), b.In("grad")));
  });
}

BELAY_OP(ThresholdGradV2D) {
  op.Dtypes("gradients", kNumbers).Computes([](Body& b) {
    b.Out("backprops", Where(Greater(b.In("features"), b.Float("threshold")), b.In("gradients")));
  });
}

BELAY_OP(HardShrinkGrad) {
  op.Dtypes("gradients", kFloats).Computes([](Body& b) {
    b.Out("backprops", Where(Greater(Abs(b.In("features")), b.Float("lambd")), b.In("gradients")));
  });
}
BELAY_OP(SoftShrinkGrad) {
  op.Dtypes("input_grad", kFloats).Computes([](Body& b) {
    Tensor inside = LessEqual(Abs(b.In("input_x")), b.Float("lambd"));
    b.Out("output_y", Where(Not(inside), b.In("input_grad")));
  });
}

// The slope's gradient adds up over everything that it served.
BELAY_OP(PReluGrad) {
  op.Dtypes("grads", kFloats).Computes([](Body& b) {
    Tensor dy = b.In("grads"), x = b.In("features"), weights = b.In("weights");
    const bool one = b.builder().Assume(Equal(NumElements(weights.shape()), 1), false);
    Tensor slope = one             ? Reshape(weights, Shape(x.rank(), Dim(1)))
                   : x.rank() >= 2 ? AlongAxis(weights, 1, x.rank())
                                   : weights;
    Tensor below = Less(x, 0.0);
    b.Out("dx", Select(below, dy * slope, dy));
    b.Out("da", Reshape(SumTo(Where(below, dy * x), slope.shape()), weights.shape()));
  });
}

}  // namespace belay
