// Complex tensors and their parts.
#include "ops/complex.h"

namespace belay {
namespace {

void OutPart(Body& b, const Tensor& part, DType wanted) {
  if (!IsFloat(wanted)) FailNotSupported("Tout {} (only floats)", DTypeName(wanted));
  b.OutAs("output", part, wanted);
}

}  // namespace

BELAY_OP(Complex) {
  op.Dtypes("real", {DType::kF32, DType::kF16}).Computes([](Body& b) {
    Tensor real = b.Raw("real"), imag = b.Raw("imag");
    const Shape shape = BroadcastShapes(b.builder(), {real.shape(), imag.shape()});
    Tensor y = ComplexOf(BroadcastTo(real, shape), BroadcastTo(imag, shape));
    const DType wanted = b.HasAttr("Tout") ? b.Type("Tout") : y.dtype();
    if (wanted != y.dtype()) {
      FailNotSupported("Tout {} of parts that are {}", DTypeName(wanted), DTypeName(real.dtype()));
    }
    b.OutRaw("out", y);
  });
}

// A real tensor is its own real part.
BELAY_OP(Real) {
  op.Computes([](Body& b) {
    Tensor x = b.Raw("input");
    OutPart(b, IsFloat(x.dtype()) ? x : PartsOf(x).real, b.Type("Tout"));
  });
}
BELAY_OP(Imag) {
  op.Computes([](Body& b) { OutPart(b, PartsOf(b.Raw("input")).imag, b.Type("Tout")); });
}

}  // namespace belay
