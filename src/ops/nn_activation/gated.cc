// Gated activations: one half of x steers the other.
#include "ops/gradient.h"

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

Tensor SwiGlu(const Tensor& x, int64_t dim) {
  Halves h = Split(x, dim);
  return h.first * Sigmoid(h.first) * h.second;
}

Tensor Glu(const Tensor& x, int64_t dim) {
  Halves h = Split(x, dim);
  return h.first * Sigmoid(h.second);
}

struct GeGlu {
  Tensor y, gelu;
};

// One half by the GELU of the other; which one is activated is an attribute.
GeGlu GeGluOf(const Body& b, const Tensor& x) {
  const int64_t approximate = b.Int("approximate");
  if (approximate != 0 && approximate != 1) Fail("approximate is {}, but must be 0 or 1", approximate);
  Halves h = Split(x, b.Int("dim"));
  const bool left = b.Bool("activate_left");
  Tensor gate = left ? h.first : h.second;
  Tensor gelu = approximate ? GeluTanh(gate) : GeluErf(gate);
  return {(left ? h.second : h.first) * gelu, gelu};
}

}  // namespace

// swish(a) * b
BELAY_OP(SwiGlu) {
  op.FromOnnx("SwiGLU", 28, [](OnnxNode& n) {
    ModelEdge swish = n.Emit("Swish", {n.Input(0)}, {{"scale", n.Float("alpha", 1)}});
    n.Output(0, n.Emit("Mul", {swish, n.Input(1)}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    b.Out("y", SwiGlu(b.In("x"), b.Int("dim")));
  });
}

// a * sigmoid(b)
BELAY_OP(GLU) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    b.Out("y", Glu(b.In("x"), b.Int("dim")));
  });
}

// a * gelu(b)
BELAY_OP(GeGluV2) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    GeGlu g = GeGluOf(b, b.In("x"));
    b.Out("y", g.y);
    b.Out("gelu", g.gelu);
  });
}

BELAY_OP(SwiGluGrad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("x_grad", Gradient(SwiGlu(x, b.Int("dim")), b.In("y_grad"), x));
  });
}
BELAY_OP(GLUGrad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("x_grad", Gradient(Glu(x, b.Int("dim")), b.In("y_grad"), x));
  });
}
BELAY_OP(GeGluGradV2) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("dx", Gradient(GeGluOf(b, x).y, b.In("dy"), x));
  });
}

}  // namespace belay
