// Deformable convolutions (Dai et al., 2017; with a mask: Zhu et al., 2019): every tap of the
// window is moved by data and read by bilinear interpolation; what lies outside is 0.
#include "ops/convolution.h"
#include "ops/gradient.h"

namespace belay {
namespace {

struct Windows {
  std::vector<int64_t> kernel, strides, dilations, pads;  // of height and width; pads lo, hi each
  int64_t groups = 1;                                     // of channels that move together
};

// x [N, H, W, C] at all taps: [N, Ho*kh, Wo*kw, C]. offsets [N, Ho, Wo, 3*groups*kh*kw]: shifts
// along the width, along the height, and factors.
class Sampler {
 public:
  Sampler(const Tensor& x, const Tensor& offsets, const Windows& w)
      : b_(x.builder()), w_(w), groups_(w.groups), height_(x.dim(1)), width_(x.dim(2)) {
    const Dim per_group = FloorDiv(x.dim(3), groups_);
    if (!b_.Assume(Equal(Mod(x.dim(3), groups_), 0), true)) {
      Fail("{} channels cannot be divided into {} deformable groups", x.dim(3).ToString(),
           groups_.ToString());
    }
    const int64_t taps = w.kernel[0] * w.kernel[1];
    const Dim channels = groups_ * Dim(3 * taps);
    if (offsets.rank() != 4 || !b_.Assume(Equal(offsets.dim(3), channels), true)) {
      Fail(
          "offsets have shape {}, but need {} channels: two shifts and a factor for {} taps in {} "
          "groups",
          ToString(offsets.shape()), channels.ToString(), taps, groups_.ToString());
    }
    x_ = Transpose(Reshape(x, {x.dim(0), height_, width_, groups_, per_group}), {0, 3, 1, 2, 4});
    // [N, Ho, Wo, 3, G, kh, kw] -> [3, N, G, Ho, kh, Wo, kw]
    const Shape split = {offsets.dim(0), offsets.dim(1), offsets.dim(2), Dim(3),
                         groups_,        w.kernel[0],    w.kernel[1]};
    Tensor parts = Transpose(Reshape(offsets, split), {3, 0, 4, 1, 5, 2, 6});
    auto part = [&](int i) { return Squeeze(Slice(parts, 0, i, 1), {0}); };
    shape_ = part(0).shape();
    column_ = part(0) + Places(4, 5, 1);
    row_ = part(1) + Places(2, 3, 0);
    factor_ = part(2);
  }

  Tensor Run() {
    Tensor low_row = Floor(row_), low_column = Floor(column_), sum;
    for (double i : {0.0, 1.0}) {
      for (double j : {0.0, 1.0}) {
        Tensor tap = Tap(low_row + i, low_column + j);
        sum = sum ? sum + tap : tap;
      }
    }
    sum = sum * Unsqueeze(factor_, {6});
    Tensor y = Transpose(sum, {0, 2, 3, 4, 5, 1, 6});  // [N, Ho, kh, Wo, kw, G, C/G]
    return Reshape(y, {y.dim(0), y.dim(1) * y.dim(2), y.dim(3) * y.dim(4), y.dim(5) * y.dim(6)});
  }

 private:
  // Where the taps of dim d lie without a shift: over window and kernel axis.
  Tensor Places(int window_axis, int kernel_axis, int d) {
    auto at = [&](int axis) {
      Shape line(shape_.size(), Dim(1));
      line[axis] = shape_[axis];
      return Cast(b_.Iota(DType::kI64, line, axis), x_.dtype());
    };
    Tensor kernel = at(kernel_axis) * static_cast<double>(w_.dilations[d]);
    return at(window_axis) * static_cast<double>(w_.strides[d]) + kernel -
           static_cast<double>(w_.pads[2 * d]);
  }
  // The pixel at whole places, times its share.
  Tensor Tap(const Tensor& row, const Tensor& column) {
    Tensor share = (1.0 - Abs(row_ - row)) * (1.0 - Abs(column_ - column));
    Tensor last_row = Cast(b_.FromDim(DType::kI64, height_), row.dtype()) - 1.0;
    Tensor last_column = Cast(b_.FromDim(DType::kI64, width_), row.dtype()) - 1.0;
    Tensor inside = And(And(GreaterEqual(row, 0.0), LessEqual(row, last_row)),
                        And(GreaterEqual(column, 0.0), LessEqual(column, last_column)));
    auto index = [](const Tensor& t, const Tensor& last) {
      return Unsqueeze(Cast(Min(Max(t, 0.0), last), DType::kI64), {6});
    };
    Shape shape = shape_;
    shape.push_back(x_.dim(4));
    Tensor pixel =
        Gather(x_, {index(row, last_row), index(column, last_column)}, {0, 1, -1, -2, 6}, shape);
    Tensor zero = b_.Scalar(share.dtype(), 0);
    return pixel * Unsqueeze(Select(inside, share, zero), {6});
  }

  Builder& b_;
  Windows w_;
  Dim groups_, height_, width_;
  Tensor x_, row_, column_, factor_;
  Shape shape_;
};

Windows ReadWindows(const Body& b, bool channels_first, const std::vector<int64_t>& kernel) {
  if (!b.Bool("modulated")) FailNotSupported("modulated false");
  Windows w;
  w.kernel = kernel;
  w.strides = SpatialEntries(b.Ints("strides"), channels_first, 2, "strides");
  w.dilations = SpatialEntries(b.Ints("dilations"), channels_first, 2, "dilations");
  w.pads = CheckReach(b.Ints("pads"), "pads");
  w.groups = b.Int("deformable_groups");
  if (w.kernel.size() != 2 || w.pads.size() != 4 || w.groups < 1) {
    Fail("ksize has {} entries, pads {}, and there are {} deformable groups", w.kernel.size(),
         w.pads.size(), w.groups);
  }
  return w;
}

Tensor SampledOf(const Body& b, const Tensor& x, const Tensor& offsets, bool first) {
  if (x.rank() != 4) Fail("x has rank {}, but needs 4", x.rank());
  const std::vector<int64_t> ksize = b.Ints("ksize");
  const Windows w =
      ReadWindows(b, first, ksize.size() == 4 ? SpatialEntries(ksize, first, 2, "ksize") : ksize);
  return FromChannelsLast(
      Sampler(ToChannelsLast(x, first), ToChannelsLast(offsets, first), w).Run(), first);
}

bool FirstOf(const Body& b, const char* x) {
  return ChannelsFirst(b.Str("data_format"), b.Raw(x).rank());
}

}  // namespace

BELAY_OP(DeformableOffsets) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("y", SampledOf(b, x, Cast(b.In("offsets"), x.dtype()), FirstOf(b, "x")));
  });
}

BELAY_OP(DeformableOffsetsGrad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x"), offsets = Cast(b.In("offsets"), x.dtype());
    std::vector<Tensor> g =
        Gradients({{SampledOf(b, x, offsets, FirstOf(b, "x")), b.In("grad")}}, {x, offsets});
    b.Out("grad_x", g[0]);
    b.Out("grad_offsets", g[1]);
  });
}

// The taps lie apart: a convolution whose windows do not overlap sums them up.
BELAY_OP(DeformableConv2D) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    const bool first = FirstOf(b, "x");
    Tensor x = ToChannelsLast(b.In("x"), first), offsets = ToChannelsLast(b.In("offsets"), first);
    Tensor filter = CoreFilter(b.In("filter"), first);
    if (x.rank() != 4 || filter.rank() != 4)
      Fail("x and filter have ranks {} and {}, but need 4", x.rank(), filter.rank());
    if (!filter.dim(0).IsConst() || !filter.dim(1).IsConst())
      FailNotSupported("filters of dynamic size");
    const std::vector<int64_t> kernel = {filter.dim(0).value(), filter.dim(1).value()};
    Tensor taps = Sampler(x, Cast(offsets, x.dtype()), ReadWindows(b, first, kernel)).Run();
    Window window;
    window.kernel = window.strides = kernel;
    window.dilations = {1, 1};
    window.pads_lo = {Dim(0), Dim(0)};
    window.groups = b.Int("groups");
    Tensor y = Conv(taps, filter, window, {Dim(0), Dim(0)}, x.dtype());
    if (b.Has("bias")) y = y + Cast(b.In("bias"), y.dtype());
    b.Out("y", FromChannelsLast(y, first));
  });
}

}  // namespace belay
