// Evenly spaced numbers. The second half counts back from the stop, which is met exactly.
#include "ops/support.h"

namespace belay {

BELAY_OP(LinSpace) {
  op.Dtypes("start", kNumbers).Dtypes("num", kIndices).Computes([](Body& b) {
    // Front ends write whole numbers as integers; the result is of floats all the same.
    Tensor start = b.In("start");
    if (!IsFloat(start.dtype())) start = Cast(start, DType::kF32);
    Tensor stop = Cast(b.In("stop"), start.dtype());
    const std::vector<Dim> num = b.Dims("num");
    if (num.size() != 1) Fail("num has {} elements, but must have one", num.size());
    if (num[0].IsConst() && num[0].value() < 1) Fail("num is {}", num[0].value());
    Builder& builder = b.builder();
    const Shape one(1, Dim(1));
    start = Reshape(start, one), stop = Reshape(stop, one);
    Tensor step = (stop - start) / builder.FromDim(start.dtype(), Max(num[0] - Dim(1), 1));
    Tensor at = builder.Iota(DType::kI64, {num[0]}, 0);
    Tensor back = builder.FromDim(DType::kI64, num[0] - Dim(1)) - at;
    b.Out("output", Select(LessEqual(at, back), start + step * Cast(at, start.dtype()),
                           stop - step * Cast(back, start.dtype())));
  });
}

}  // namespace belay
