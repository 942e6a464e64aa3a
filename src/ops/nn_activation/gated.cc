// Gated activations: one half of x steers the other.
#include "ops/support.h"

namespace belay {
namespace {

struct Halves {
  Tensor first, second;
};

Halves Split(const Tensor& x, int64_t dim) {
  const int axis = NormalizeAxis(dim, x.rank(), "dim");
  if (!x.builder().Assume(Equal(Mod(x.dim(axis), 2), 0), true)) {
    Fail("dim {} of x has {} elements, which is odd", axis, x.dim(axis).ToString());
  }
  const Dim half = FloorDiv(x.dim(axis), 2);
  return {Slice(x, axis, 0, half), Slice(x, axis, half, half)};
}

}  // namespace

// swish(a) * b
BELAY_OP(SwiGlu) {
  op.FromOnnx("SwiGLU", 28, [](OnnxNode& n) {
    ModelEdge swish = n.Emit("Swish", {n.Input(0)}, {{"scale", n.Float("alpha", 1)}});
    n.Output(0, n.Emit("Mul", {swish, n.Input(1)}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Halves h = Split(b.In("x"), b.Int("dim"));
    b.Out("y", h.first * Sigmoid(h.first) * h.second);
  });
}

// a * sigmoid(b)
BELAY_OP(GLU) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Halves h = Split(b.In("x"), b.Int("dim"));
    b.Out("y", h.first * Sigmoid(h.second));
  });
}

}  // namespace belay
