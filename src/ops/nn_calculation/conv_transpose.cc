// Transposed convolutions in GE's layouts.
#include <algorithm>

#include "ops/transposed_conv.h"
#include "ops/window.h"

namespace belay {
namespace {

// [Cx, Cy/groups, spatial...] or [spatial..., Cy/groups, Cx] -> [spatial..., Cx, Cy/groups]
Tensor SwappedFilter(const Tensor& filter, bool channels_first) {
  if (!channels_first) return SwapLast(filter);
  std::vector<int> perm = AxisRange(2, filter.rank());
  perm.push_back(0);
  perm.push_back(1);
  return Transpose(filter, perm);
}

// Without pads the result has (in - 1) * stride + reach + output_padding elements along a dim.
Dim FullExtent(const Dim& in, int64_t stride, int64_t reach, int64_t output_padding) {
  return (in - Dim(1)) * Dim(stride) + Dim(reach + 1 + output_padding);
}

void CropsFor(const Body& b, const Tensor& x, const std::vector<Dim>& wanted,
              const std::vector<int64_t>& output_padding, TransposedConvolution* t) {
  const int spatial = x.rank() - 2;
  const std::string mode = HiddenStr(b, "auto_pad", "NOTSET");
  const bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  Pads pads = ExplicitPads(same || mode == "VALID" ? std::vector<int64_t>{} : b.Ints("pads"), spatial,
                           "pads");
  for (int d = 0; d < spatial; ++d) {
    const int64_t reach = (t->kernel[d] - 1) * t->dilations[d];
    const Dim full = FullExtent(x.dim(d + 1), t->strides[d], reach, output_padding[d]);
    if (same || (!wanted.empty() && HiddenInt(b, "pads_from_shape", 0))) {
      const Dim target = wanted.empty() ? x.dim(d + 1) * Dim(t->strides[d]) : wanted[d];
      const Dim total = Max(full - target, 0), half = FloorDiv(total, 2);
      // ONNX: SAME_UPPER alone has the odd one behind the end.
      pads.lo[d] = mode == "SAME_UPPER" ? half : total - half;
      pads.hi[d] = full - target - pads.lo[d];
    } else if (!wanted.empty()) {
      pads.hi[d] = full - pads.lo[d] - wanted[d];
    }
    t->crop_lo.push_back(pads.lo[d]);
    t->crop_hi.push_back(pads.hi[d] - Dim(output_padding[d]));
  }
}

void TransposedBody(Body& b, const std::vector<Dim>& input_size) {
  if (b.Int("offset_x") != 0) FailNotSupported("offset_x {} (only 0)", b.Int("offset_x"));
  if (b.Has("offset_w")) FailNotSupported("the input offset_w");
  const bool first = ChannelsFirst(b.Str("data_format"), b.Raw("x").rank());
  Tensor x = ToChannelsLast(b.Raw("x"), first);
  Tensor filter = Fixed(SwappedFilter(b.Raw("filter"), first));
  const int spatial = x.rank() - 2;
  if (filter.rank() != x.rank()) Fail("x has rank {}, but filter {}", x.rank(), filter.rank());
  TransposedConvolution t;
  for (int d = 0; d < spatial; ++d) {
    t.kernel.push_back(filter.dim(d).value());
  }
  t.strides = SpatialEntries(b.Ints("strides"), first, spatial, "strides");
  t.dilations = SpatialEntries(b.Ints("dilations"), first, spatial, "dilations");
  t.groups = b.Int("groups");
  if (t.groups < 1) Fail("groups is {}", t.groups);
  std::vector<int64_t> output_padding = CheckReach(b.Ints("output_padding"), "output_padding");
  if (static_cast<int>(output_padding.size()) == spatial + 2) {
    output_padding.erase(output_padding.begin() + (first ? 1 : spatial + 1));
    output_padding.erase(output_padding.begin());
  }
  if (static_cast<int>(output_padding.size()) != spatial) {
    Fail("output_padding has {} entries, but needs {}", output_padding.size(), spatial + 2);
  }
  std::vector<Dim> wanted;  // an input_size of zeros says: as the pads give
  if (static_cast<int>(input_size.size()) == spatial + 2) {
    wanted.assign(input_size.begin() + (first ? 2 : 1), input_size.begin() + (first ? 2 : 1) + spatial);
  } else if (static_cast<int>(input_size.size()) == spatial) {
    wanted = input_size;
  } else if (!input_size.empty()) {
    Fail("input_size has {} elements, but needs {}", input_size.size(), spatial + 2);
  }
  if (std::all_of(wanted.begin(), wanted.end(), [](const Dim& d) { return d.IsConst(0); })) wanted.clear();
  CropsFor(b, x, wanted, output_padding, &t);
  const DType acc = AccumulatorOf(x.dtype());
  Tensor y = TransposedConv(x, filter, t, acc);
  if (b.Has("bias")) y = y + Cast(b.In("bias"), y.dtype());
  b.Out("y", FromChannelsLast(y, first));
}

void OnnxConvTranspose(OnnxNode& n) {
  std::vector<int64_t> kernel = n.Ints("kernel_shape");
  if (kernel.empty()) {
    const int rank = n.InputRank(1) > 0 ? n.InputRank(1) : n.InputRank(0);
    if (rank < 3) n.Fail("the rank of the input is not known; kernel_shape must be given");
    kernel.assign(rank - 2, 1);
  }
  const OnnxWindow window = ReadOnnxWindow(n, kernel);
  auto spread = [&](std::vector<int64_t> values) {
    if (values.empty()) values.assign(window.spatial, 0);
    if (window.unsqueezed) values.insert(values.begin(), 0);
    return values;
  };
  std::vector<int64_t> output_padding = spread(n.Ints("output_padding"));
  output_padding.insert(output_padding.begin(), {0, 0});
  std::vector<int64_t> size = n.Ints("output_shape");
  const bool from_shape = !size.empty();
  if (static_cast<int>(size.size()) == window.spatial + 2) size.erase(size.begin(), size.begin() + 2);
  if (from_shape && window.unsqueezed) size.insert(size.begin(), 1);
  if (!from_shape) size.assign(output_padding.size(), 0);
  AttrMap attrs = {{"strides", window.strides},     {"pads", window.pads},
                   {"dilations", window.dilations}, {"groups", n.Int("group", 1)},
                   {"data_format", window.format},  {"output_padding", output_padding},
                   {"pads_from_shape", int64_t{from_shape}}};
  if (window.auto_pad != "NOTSET") attrs["auto_pad"] = window.auto_pad;
  std::vector<ModelEdge> inputs = {n.ConstInts(size), window.Widen(n, n.Input(0)),
                                   window.Widen(n, n.Input(1))};
  if (n.HasInput(2)) inputs.push_back(n.Input(2));
  const char* ge_op = window.spatial == 3 ? "Conv3DTranspose" : "Conv2DTranspose";
  n.Output(0, window.Narrow(n, n.Emit(ge_op, inputs, attrs)));
}

std::vector<Dim> AsDims(const std::vector<int64_t>& values) { return {values.begin(), values.end()}; }

}  // namespace

BELAY_OP(Conv2DTranspose) {
  op.FromOnnx("ConvTranspose", 1, OnnxConvTranspose);
  op.Dtypes("x", kNumbers).Computes([](Body& b) { TransposedBody(b, b.Dims("input_size")); });
}
BELAY_OP(Conv2DTransposeD) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) { TransposedBody(b, AsDims(b.Ints("input_size"))); });
}
BELAY_OP(Conv3DTranspose) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) { TransposedBody(b, b.Dims("input_size")); });
}
BELAY_OP(Conv3DTransposeD) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) { TransposedBody(b, AsDims(b.Ints("input_size"))); });
}

}  // namespace belay
