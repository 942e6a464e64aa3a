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

// y [N, n..., blocks... * Cy] -> [N, n0 * block0, n1 * block1, ..., Cy]
Tensor Interleaved(const Tensor& y, const std::vector<int64_t>& blocks, const Dim& cy) {
  const int spatial = y.rank() - 2;
  Shape split(y.shape().begin(), y.shape().end() - 1), merged{y.dim(0)};
  std::vector<int> perm{0};
  for (int d = 0; d < spatial; ++d) {
    split.push_back(blocks[d]);
    perm.push_back(1 + d);
    perm.push_back(1 + spatial + d);
    merged.push_back(y.dim(d + 1) * Dim(blocks[d]));
  }
  split.push_back(cy);
  perm.push_back(1 + 2 * spatial);
  merged.push_back(cy);
  return Reshape(Transpose(Reshape(y, split), perm), merged);
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
  Shape shape(x.shape().begin(), x.shape().end() - 1);
  shape.push_back(area * cy);
  return Interleaved(Reshape(MatMul(Reshape(x, {cells, x.dim(-1)}), w, acc), shape), t.kernel, cy);
}

// Whether all phases have the same number of taps. Zeros in place of others would make NaN of infinities.
bool HasPhases(const TransposedConvolution& t) {
  bool strided = false;
  for (size_t d = 0; d < t.kernel.size(); ++d) {
    if (t.kernel[d] % t.strides[d] != 0 || (t.dilations[d] != 1 && t.kernel[d] != 1)) return false;
    strided |= t.strides[d] > 1;
  }
  return strided && t.groups == 1;
}

// [k..., Cx, Cy] -> [T..., Cx, stride... * Cy], tap t of phase r being cell t * stride + r; the last taps come first.
Tensor PhaseFilter(const Tensor& filter, const std::vector<int64_t>& taps, const std::vector<int64_t>& strides) {
  const int spatial = filter.rank() - 2;
  Shape split, merged;
  std::vector<int> perm, phases;
  for (int d = 0; d < spatial; ++d) {
    split.insert(split.end(), {Dim(taps[d]), Dim(strides[d])});
    merged.push_back(taps[d]);
    perm.push_back(2 * d);
    phases.push_back(2 * d + 1);
  }
  Dim width = filter.dim(-1);
  for (int64_t stride : strides) width = width * Dim(stride);
  split.insert(split.end(), {filter.dim(-2), filter.dim(-1)});
  merged.insert(merged.end(), {filter.dim(-2), width});
  perm.push_back(2 * spatial);
  perm.insert(perm.end(), phases.begin(), phases.end());
  perm.push_back(2 * spatial + 1);
  Tensor w = Reshape(filter, split);
  for (int d = 0; d < spatial; ++d) w = Flip(w, 2 * d);
  return Reshape(Transpose(w, perm), merged);
}

// Results whose places differ by multiples of the strides come of the same taps: a convolution with a set of outputs
// for each such phase meets no zeros between the elements of x.
Tensor PhaseConv(const Tensor& x, const Tensor& filter, const TransposedConvolution& t, DType acc) {
  const int spatial = x.rank() - 2;
  Window window{{}, std::vector<int64_t>(spatial, 1), std::vector<int64_t>(spatial, 1), {}};
  std::vector<Dim> lo(x.rank(), Dim(0)), hi = lo;
  for (int d = 0; d < spatial; ++d) {
    const int64_t taps = t.kernel[d] / t.strides[d];
    window.kernel.push_back(taps);
    window.pads_lo.push_back(taps - 1);
    lo[d + 1] = t.crop_lo[d] * Dim(-1);
    hi[d + 1] = t.crop_hi[d] * Dim(-1);
  }
  Tensor y = Conv(x, PhaseFilter(filter, window.kernel, t.strides), window, window.pads_lo, acc);
  return Pad(Interleaved(y, t.strides, filter.dim(-1)), lo, hi, y.builder().Scalar(y.dtype(), 0));
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
  if (WindowsTile(t)) return TiledProduct(x, filter, t, acc);
  return HasPhases(t) ? PhaseConv(x, filter, t, acc) : SpreadConv(x, filter, t, acc);
}

}  // namespace belay
