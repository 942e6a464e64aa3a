// Operators that give a variable a new value.
#include "ops/support.h"

namespace belay {

BELAY_OP(Assign) {
  op.Computes([](Body& b) { b.OutRaw("ref", b.Raw("value")); });
}
BELAY_OP(AssignAdd) {
  op.Dtypes("ref", kNumbers).Computes([](Body& b) { b.Out("ref", b.In("ref") + b.In("value")); });
}
BELAY_OP(AssignSub) {
  op.Dtypes("var", kNumbers).Computes([](Body& b) { b.Out("var", b.In("var") - b.In("value")); });
}

}  // namespace belay
