// Norms of order p.
#include <cmath>

#include "ops/support.h"

namespace belay {
namespace {

Tensor Norm(const Tensor& x, double p, const std::vector<int>& axes, bool keep, double epsilon) {
  Tensor norm;
  if (std::isinf(p)) {
    norm = Reduce(p > 0 ? ReduceKind::kMax : ReduceKind::kMin, Abs(x), axes, keep);
  } else if (p == 1) {
    norm = Sum(Abs(x), axes, keep);
  } else if (p == 2) {
    norm = Sqrt(Sum(Square(x), axes, keep));
  } else {
    norm = Pow(Sum(Pow(Abs(x), p), axes, keep), 1 / p);
  }
  return epsilon > 0 ? Max(norm, epsilon) : norm;
}

}  // namespace

BELAY_OP(LpNormV2) {
  op.FromOnnx("LpNormalization", 1, [](OnnxNode& n) {  // 0 / 0 is 0
    ModelEdge norm = n.Emit("LpNormV2", {n.Input(0)},
                            {{"p", static_cast<double>(n.Int("p", 2))},
                             {"axes", std::vector<int64_t>{n.Int("axis", -1)}},
                             {"keepdim", true},
                             {"epsilon", 0.0}});
    n.Output(0, n.Emit("DivNoNan", {n.Input(0), norm}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("y", Norm(x, b.Float("p"), NormalizeAxes(b.Ints("axes"), x.rank(), "axes", true),
                    b.Bool("keepdim"), b.Float("epsilon")));
  });
}

BELAY_OP(LpNorm) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("y", Norm(x, static_cast<double>(b.Int("p")), NormalizeAxes(b.Ints("axes"), x.rank(), "axes", true),
                    b.Bool("keepdim"), b.Float("epsilon")));
  });
}

// x / sqrt(max(sum of squares, eps))
BELAY_OP(L2Normalize) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    const std::vector<int> axes = NormalizeAxes(b.Ints("axis"), x.rank(), "axis", true);
    b.Out("y", x * Rsqrt(Max(Sum(Square(x), axes), b.Float("eps"))));
  });
}

}  // namespace belay
