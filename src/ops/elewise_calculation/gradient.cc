// Gradients of functions of one or two tensors.
#include "ops/support.h"

namespace belay {
namespace {

// From y (which some operators take x to be) and what comes from above.
void FromTwo(OpRecord& op, Tensor (*formula)(const Tensor& y, const Tensor& dy)) {
  op.Dtypes(InputName(op, 0), kFloats).Computes([formula](Body& b) {
    b.Out(OutputName(b, 0), formula(b.In(InputName(b, 0)), b.In(InputName(b, 1))));
  });
}

// The larger (or smaller) of x1 and x2 gets it all; of equal ones the first.
void Chosen(Body& b, bool larger) {
  Tensor dy = b.In("grads"), x1 = b.In("x1"), x2 = b.In("x2");
  Tensor first = larger ? GreaterEqual(x1, x2) : LessEqual(x1, x2);
  Tensor zero = ZeroLike(dy);
  b.Out("y1", SumTo(Select(first, dy, zero), x1.shape()));
  b.Out("y2", SumTo(Select(first, zero, dy), x2.shape()));
}

}  // namespace

#define BELAY_GRADIENT_OP(Name, formula)                                              \
  BELAY_OP(Name) {                                                                    \
    FromTwo(op, [](const Tensor& y, const Tensor& dy) -> Tensor { return formula; }); \
  }

// Of x.
BELAY_GRADIENT_OP(AbsGrad, dy* Sign(y))
BELAY_GRADIENT_OP(AcosGrad, -dy* Rsqrt((1.0 - y) * (1.0 + y)))
BELAY_GRADIENT_OP(AsinGrad, dy* Rsqrt((1.0 - y) * (1.0 + y)))
BELAY_GRADIENT_OP(AtanGrad, dy / (y * y + 1.0))
// Of the function's result.
BELAY_GRADIENT_OP(AcoshGrad, dy / Map(ScalarOp::kSinh, y))
BELAY_GRADIENT_OP(AsinhGrad, dy / Map(ScalarOp::kCosh, y))
BELAY_GRADIENT_OP(InvGrad, -dy* y* y)
BELAY_GRADIENT_OP(ReciprocalGrad, -dy* y* y)
BELAY_GRADIENT_OP(RsqrtGrad, dy* y* y* y * -0.5)
BELAY_GRADIENT_OP(SqrtGrad, dy * 0.5 / y)

BELAY_OP(MaximumGrad) {
  op.Dtypes("grads", kNumbers).Computes([](Body& b) { Chosen(b, true); });
}
BELAY_OP(MinimumGrad) {
  op.Dtypes("grads", kNumbers).Computes([](Body& b) { Chosen(b, false); });
}

}  // namespace belay
