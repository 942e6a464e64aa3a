#include "ops/transposed_conv.h"

#include <algorithm>

namespace belay {
namespace {

bool WindowsTile(const TransposedConvolution& t) {
  if (t.groups != 1) return false;
  for (size_t d = 0; d < t.kernel.size(); ++d) {
    if (t.kernel[d] != t.strides[d] || (t.dilations[d] != 1 && t.kernel[d] != 1) ||
        !t.crop_lo[d].IsConst(0) || !t.crop_hi[d].IsConst(0)) {
      return false;
    }
  }
  return true;
}

// x [N, in..., Cx] @ [Cx, kernel... * Cy] -> [N, in0, k0, in1, k1, ..., Cy]
Tensor TiledProduct(const Tensor& x, const Tensor& filter, const TransposedConvolution& t,
                    DType acc) {
  const int spatial = x.rank() - 2;
  const Dim cy = filter.dim(-1);
  Dim area(1), cells = x.dim(0);
  for (int64_t k : t.kernel) area = area * Dim(k);
  for (int d = 0; d < spatial; ++d) cells = cells * x.dim(d + 1);
  Tensor w = Reshape(MoveAxis(filter, spatial, 0), {x.dim(-1), area * cy});
  Tensor y = MatMul(Reshape(x, {cells, x.dim(-1)}), w, acc);
  Shape split(x.shape().begin(), x.shape().end() - 1), merged{x.dim(0)};
  std::vector<int> perm{0};
  for (int d = 0; d < spatial; ++d) {
    split.push_back(t.kernel[d]);
    perm.push_back(1 + d);
    perm.push_back(1 + spatial + d);
    merged.push_back(x.dim(d + 1) * Dim(t.kernel[d]));
  }
  split.push_back(cy);
  perm.push_back(1 + 2 * spatial);
  merged.push_back(cy);
  return Reshape(Transpose(Reshape(y, split), perm), merged);
}

Tensor SpreadConv(const Tensor& x, const Tensor& filter, const TransposedConvolution& t,
                  DType acc) {
  const int spatial = x.rank() - 2;
  const Dim cx = x.dim(-1), cy = filter.dim(-1);
  Tensor w = filter;
  for (int d = 0; d < spatial; ++d) w = Flip(w, d);
  if (t.groups != 1) {  // [spatial..., g, Cx/g, Cy/g] -> [spatial..., Cx/g, g * Cy/g]
    Shape split(w.shape().begin(), w.shape().end() - 2);
    Shape merged = split;
    const Dim per_group = FloorDiv(filter.dim(-2), t.groups);
    split.insert(split.end(), {Dim(t.groups), per_group, cy});
    merged.insert(merged.end(), {per_group, cy * Dim(t.groups)});
    std::vector<int> perm = AxisRange(0, spatial + 3);
    std::swap(perm[spatial], perm[spatial + 1]);
    w = Reshape(Transpose(Reshape(w, split), perm), merged);
  }
  std::vector<Dim> lo(x.rank(), Dim(0)), hi = lo;
  std::vector<int64_t> interior(x.rank(), 0);
  for (int d = 0; d < spatial; ++d) {
    const Dim reach((t.kernel[d] - 1) * t.dilations[d]);
    lo[d + 1] = reach - t.crop_lo[d];
    hi[d + 1] = reach - t.crop_hi[d];
    interior[d + 1] = t.strides[d] - 1;
  }
  Window window;
  window.kernel = t.kernel;
  window.strides.assign(spatial, 1);
  window.dilations = t.dilations;
  window.pads_lo.assign(spatial, Dim(0));
  window.groups = t.groups;
  Tensor spread = Pad(x, lo, hi, x.builder().Scalar(x.dtype(), 0), interior);
  return Conv(spread, w, window, std::vector<Dim>(spatial, Dim(0)), acc);
}

}  // namespace

Tensor TransposedConv(const Tensor& x, const Tensor& filter, const TransposedConvolution& t,
                      DType acc) {
  return WindowsTile(t) ? TiledProduct(x, filter, t, acc) : SpreadConv(x, filter, t, acc);
}

}  // namespace belay
