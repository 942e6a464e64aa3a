// Gradients of convolutions and pools, channels-last.
#include "ops/gradient_rules.h"
#include "ops/transposed_conv.h"

namespace belay {
namespace {

std::vector<Dim> Reach(const Window& w) {
  std::vector<Dim> reach;
  for (size_t d = 0; d < w.kernel.size(); ++d) reach.push_back((w.kernel[d] - 1) * w.dilations[d]);
  return reach;
}

// By the input: the transposed convolution of what comes from above.
Tensor ConvInputGradient(const GradientStep& s) {
  const Window& w = *s.node->window;
  TransposedConvolution t{w.kernel, w.strides, w.dilations, w.pads_lo, {}, w.groups};
  const std::vector<Dim> reach = Reach(w);
  for (size_t d = 0; d < w.kernel.size(); ++d) {
    const int axis = static_cast<int>(d) + 1;
    const Dim full = (s.g.dim(axis) - Dim(1)) * Dim(w.strides[d]) + reach[d] + Dim(1);
    t.crop_hi.push_back(full - w.pads_lo[d] - s.x[0].dim(axis));
  }
  return TransposedConv(s.g, SwapLast(s.x[1]), t, s.g.dtype());
}

// x at every place of the window: [N * out..., kernel..., C].
Tensor Patches(const GradientStep& s) {
  const Window& w = *s.node->window;
  const Tensor& x = s.x[0];
  const int spatial = x.rank() - 2;
  const std::vector<Dim> reach = Reach(w);
  std::vector<Dim> lo(x.rank(), Dim(0)), hi = lo;
  Dim rows = x.dim(0);
  for (int d = 0; d < spatial; ++d) {
    const Dim last = (s.g.dim(d + 1) - Dim(1)) * Dim(w.strides[d]) + reach[d];
    lo[d + 1] = w.pads_lo[d];
    hi[d + 1] = Max(last + Dim(1) - w.pads_lo[d] - x.dim(d + 1), 0);
    rows = rows * s.g.dim(d + 1);
  }
  Tensor padded = Pad(x, lo, hi, s.b.Scalar(x.dtype(), 0));
  Shape sizes(s.g.shape().begin(), s.g.shape().end() - 1);
  sizes.push_back(x.dim(-1));
  std::vector<Dim> starts(x.rank(), Dim(0)), steps(x.rank(), Dim(1));
  for (int d = 0; d < spatial; ++d) steps[d + 1] = w.strides[d];
  std::vector<Tensor> parts;
  std::vector<int64_t> at(spatial, 0);
  for (;;) {
    for (int d = 0; d < spatial; ++d) starts[d + 1] = at[d] * w.dilations[d];
    parts.push_back(Reshape(SliceAll(padded, starts, sizes, steps), {rows, Dim(1), x.dim(-1)}));
    int d = spatial - 1;
    while (d >= 0 && ++at[d] == w.kernel[d]) at[d--] = 0;
    if (d < 0) break;
  }
  return Concat(parts, 1);
}

// By the filter [kernel..., C/groups, O]: sums over all places of patch times what comes from
// above.
Tensor ConvFilterGradient(const GradientStep& s) {
  const int64_t groups = s.node->window->groups;
  Tensor patches = Patches(s);  // [rows, K, C]
  const Dim rows = patches.dim(0), k = patches.dim(1);
  const Dim c = FloorDiv(patches.dim(2), groups), o = FloorDiv(s.g.dim(-1), groups);
  Tensor lhs = Transpose(Reshape(patches, {rows, k, Dim(groups), c}), {2, 1, 3, 0});
  Tensor rhs = Transpose(Reshape(s.g, {rows, Dim(groups), o}), {1, 0, 2});
  Tensor dw = MatMul(Reshape(lhs, {Dim(groups), k * c, rows}), rhs, s.g.dtype());
  dw = Transpose(Reshape(dw, {Dim(groups), k, c, o}), {1, 2, 0, 3});
  return Reshape(dw, s.x[1].shape());
}

// Every place that a window covers gets its share.
Tensor SumPoolGradient(const GradientStep& s) {
  Window w = *s.node->window;
  const int spatial = s.g.rank() - 2;
  const std::vector<Dim> reach = Reach(w);
  std::vector<Dim> lo(s.g.rank(), Dim(0)), hi = lo;
  std::vector<int64_t> interior(s.g.rank(), 0);
  for (int d = 0; d < spatial; ++d) {
    lo[d + 1] = reach[d] - w.pads_lo[d];
    hi[d + 1] = s.x[0].dim(d + 1) + w.pads_lo[d] - Spread(s.g.dim(d + 1), w.strides[d]);
    interior[d + 1] = w.strides[d] - 1;
  }
  w.strides.assign(spatial, 1);
  w.pads_lo.assign(spatial, Dim(0));
  Tensor spread = Pad(s.g, lo, hi, s.Zero(), interior);
  return Pool(ReduceKind::kSum, spread, w, std::vector<Dim>(spatial, Dim(0)), false);
}

// The first of the largest gets it all.
Tensor MaxPoolGradient(const GradientStep& s) {
  Node* argmax = s.b.graph().Add(Op::kPool, {s.x[0].node()}, {DType::kI64, s.g.shape()});
  argmax->reduce = ReduceKind::kArgMax;
  argmax->window = s.node->window;
  const Tensor& x = s.x[0];
  Dim cells(1), windows(1);
  for (int d = 1; d + 1 < x.rank(); ++d) {
    cells = cells * x.dim(d);
    windows = windows * s.g.dim(d);
  }
  const Shape flat = {x.dim(0), windows, x.dim(-1)};
  Tensor zeros = BroadcastTo(s.Zero(), {x.dim(0), cells, x.dim(-1)});
  Tensor at = Reshape(s.b.Wrap(argmax), flat);
  return Reshape(Scatter(ReduceKind::kSum, zeros, Reshape(s.g, flat), {at}, {0, -1, 2}), x.shape());
}

}  // namespace

void ConvRule(GradientStep& s) {
  if (s.wanted[0]) s.dx[0] = ConvInputGradient(s);
  if (s.wanted[1]) s.dx[1] = ConvFilterGradient(s);
}

void PoolRule(GradientStep& s) {
  if (s.node->reduce == ReduceKind::kSum) {
    s.dx[0] = SumPoolGradient(s);
  } else if (s.node->reduce == ReduceKind::kMax) {
    s.dx[0] = MaxPoolGradient(s);
  } else {
    FailNotSupported("a gradient through pooling by {}", ReduceKindName(s.node->reduce));
  }
}

}  // namespace belay
