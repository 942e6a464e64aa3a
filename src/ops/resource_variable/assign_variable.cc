// Variables behind a handle: the handle is the memory itself.
#include "ops/support.h"

namespace belay {

BELAY_OP(ReadVariableOp) {
  op.Computes([](Body& b) { b.OutRaw("y", b.Raw("x")); });
}
BELAY_OP(AssignVariableOp) {
  op.Writes({"resource"}).Computes([](Body& b) { b.Write("resource", b.Raw("value")); });
}
BELAY_OP(AssignAddVariableOp) {
  op.Writes({"resource"}).Computes([](Body& b) { b.Write("resource", b.In("resource") + b.In("value")); });
}
BELAY_OP(AssignSubVariableOp) {
  op.Writes({"resource"}).Computes([](Body& b) { b.Write("resource", b.In("resource") - b.In("value")); });
}

}  // namespace belay
