#include "ops/support.h"

namespace belay {

BELAY_OP(MatrixDeterminant) {
  op.FromOnnx("Det", 11).Dtypes("x", {DType::kF32, DType::kF64}).Computes([](Body& b) {
    Tensor x = b.Raw("x");
    if (x.rank() < 2) Fail("x has rank {}, but needs 2 or more", x.rank());
    if (!b.builder().Assume(Equal(x.dim(-1), x.dim(-2)), true)) {
      Fail("the matrices of {} are not square", ToString(x.shape()));
    }
    const Shape shape(x.shape().begin(), x.shape().end() - 2);
    b.OutRaw("y", Call("determinant", {x}, {{x.dtype(), shape}}, {})[0]);
  });
}

}  // namespace belay
