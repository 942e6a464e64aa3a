// Gradients of normalisations, from the statistics that the forward operators return, and of
// softmax.
#include "ops/support.h"

namespace belay {
namespace {

// Of y = xhat * gamma + beta, where xhat = (x - mean) * rstd over `axes`; rstd keeps its dims. A
// mean that was not subtracted (RMS norm) does not pull at x.
Tensor InputGradient(const Tensor& g, const Tensor& xhat, const Tensor& rstd,
                     const std::vector<int>& axes, bool centred) {
  Tensor pull = xhat * Mean(g * xhat, axes);
  if (centred) pull = pull + Mean(g, axes);
  return rstd * (g - pull);
}

// The dims that gamma covers: the last ones.
std::vector<int> LastDims(const Tensor& x, const Tensor& gamma) {
  if (gamma.rank() > x.rank()) {
    Fail("gamma has rank {}, but x has rank {}", gamma.rank(), x.rank());
  }
  return AxisRange(x.rank() - gamma.rank(), x.rank());
}

void LayerNormGradient(Body& b, const Tensor& rstd) {
  Tensor dy = b.In("dy"), x = b.In("x"), gamma = b.In("gamma");
  Tensor xhat = (x - b.In("mean")) * rstd;
  b.Out("pd_x", InputGradient(dy * gamma, xhat, rstd, LastDims(x, gamma), true));
  b.Out("pd_gamma", SumTo(dy * xhat, gamma.shape()));
  b.Out("pd_beta", SumTo(dy, gamma.shape()));
}

// [N, C, rest...] as [N, groups, C / groups, rest].
Tensor Grouped(const Tensor& x, int64_t groups) {
  Dim rest(1);
  for (int d = 2; d < x.rank(); ++d) rest = rest * x.dim(d);
  return Reshape(x, {x.dim(0), Dim(groups), FloorDiv(x.dim(1), groups), rest});
}

void GroupNormGradient(Body& b) {
  const bool first = b.Str("data_format") != "NHWC";
  auto read = [&](const char* name) {
    Tensor t = b.In(name);
    return first ? t : MoveAxis(t, t.rank() - 1, 1);
  };
  Tensor x = read("x"), dy = read("dy"), gamma = b.In("gamma");
  const int64_t groups = b.Int("num_groups");
  if (x.rank() < 2) Fail("x has rank {}, but needs channels", x.rank());
  if (groups < 1 || !b.builder().Assume(Equal(Mod(x.dim(1), groups), 0), true)) {
    Fail("{} channels cannot be divided into {} groups", x.dim(1).ToString(), groups);
  }
  const Shape stats = {x.dim(0), Dim(groups), Dim(1), Dim(1)};
  const Shape per_channel = {Dim(1), Dim(groups), FloorDiv(x.dim(1), groups), Dim(1)};
  Tensor rstd = Reshape(b.In("rstd"), stats), g = Grouped(dy, groups);
  Tensor xhat = (Grouped(x, groups) - Reshape(b.In("mean"), stats)) * rstd;
  Tensor dx = InputGradient(g * Reshape(gamma, per_channel), xhat, rstd, {2, 3}, true);
  dx = Reshape(dx, x.shape());
  b.Out("dx", first ? dx : MoveAxis(dx, 1, x.rank() - 1));
  b.Out("dgamma", Reshape(Sum(g * xhat, {0, 3}), gamma.shape()));
  b.Out("dbeta", Reshape(Sum(g, {0, 3}), gamma.shape()));
}

}  // namespace

// GE's operator has no epsilon of its own; this one keeps a variance of 0 from dividing by 0.
BELAY_OP(LayerNormGrad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    LayerNormGradient(b, Rsqrt(b.In("variance") + 1e-12));
  });
}
BELAY_OP(LayerNormGradV3) {
  op.Dtypes("x", kFloats).Computes([](Body& b) { LayerNormGradient(b, b.In("rstd")); });
}

BELAY_OP(RmsNormGrad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor dy = b.In("dy"), x = b.In("x"), gamma = b.In("gamma"), rstd = b.In("rstd");
    Tensor xhat = x * rstd;
    b.Out("dx", InputGradient(dy * gamma, xhat, rstd, LastDims(x, gamma), false));
    b.OutRaw("dgamma", SumTo(dy * xhat, gamma.shape()));
  });
}

BELAY_OP(GroupNormGrad) { op.Dtypes("x", kFloats).Computes(GroupNormGradient); }

BELAY_OP(SoftmaxGrad) {
  op.Dtypes("softmax", kFloats).Computes([](Body& b) {
    Tensor y = b.In("softmax"), dy = b.In("grad_softmax");
    const std::vector<int> axes = NormalizeAxes(b.Ints("axes"), y.rank(), "axes");
    b.Out("grad_x", y * (dy - Sum(dy * y, axes)));
  });
}

// x is what the forward operator returned.
BELAY_OP(LogSoftmaxGrad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor y = b.In("x"), dy = b.In("grad");
    const std::vector<int> axes = NormalizeAxes(b.Ints("axis"), y.rank(), "axis");
    b.Out("y", dy - Exp(y) * Sum(dy, axes));
  });
}

}  // namespace belay
