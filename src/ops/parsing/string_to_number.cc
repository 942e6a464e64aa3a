#include "ops/text.h"

namespace belay {

BELAY_OP(StringToNumber) {
  op.Dtypes("x", kTexts).Computes([](Body& b) {
    const DType dtype = b.Type("out_type");
    if (!IsFloat(dtype) && !IsInt(dtype)) FailNotSupported("out_type {}", DTypeName(dtype));
    b.OutRaw("y", TextToNumber(b.Raw("x"), dtype));
  });
}

}  // namespace belay
