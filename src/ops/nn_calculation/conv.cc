// Convolutions. The core computes channels-last with filters [spatial..., C/groups, O]; other orders
// are transposed around it and the layout pass moves the transpositions out of the model.
#include <algorithm>

#include "ops/convolution.h"

namespace belay {
namespace {

void CheckOffsets(const Body& b) {
  if (b.Int("offset_x") != 0) FailNotSupported("offset_x {} (only 0)", b.Int("offset_x"));
  if (b.Has("offset_w")) FailNotSupported("the input offset_w");
}

void FinishConv(Body& b, Tensor y, bool channels_first) {
  if (b.Has("bias")) {
    Tensor bias = Cast(b.In("bias"), y.dtype());
    y = y + Reshape(bias, {NumElements(bias.shape())});
  }
  b.Out("y", FromChannelsLast(y, channels_first));
}

void ConvBody(Body& b, const Tensor& filter, int64_t groups, bool channels_first) {
  CheckOffsets(b);
  Tensor x = ToChannelsLast(b.Raw("x"), channels_first);
  FinishConv(b, Convolved(b, x, filter, groups, channels_first), channels_first);
}

void PlainConv(Body& b) {
  const bool first = ChannelsFirst(b.Str("data_format"), b.Raw("x").rank());
  ConvBody(b, CoreFilter(b.Raw("filter"), first), b.Int("groups"), first);
}

const std::vector<DType>& ConvDtypes() {
  static const std::vector<DType> dtypes = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64,
                                            DType::kI8,  DType::kU8,  DType::kI32};
  return dtypes;
}

OnnxWindow ConvWindow(OnnxNode& n) {
  std::vector<int64_t> kernel = n.Ints("kernel_shape");
  // Only the number of entries matters: the extents come from the filter.
  if (kernel.empty()) {
    const int rank = std::max(n.InputRank(0), n.InputRank(1));
    if (rank < 3) n.Fail("the rank of the input is not known; kernel_shape must be given");
    kernel.assign(rank - 2, 1);
  }
  return ReadOnnxWindow(n, kernel);
}

ModelEdge EmitConv(OnnxNode& n, ModelEdge x, ModelEdge w, ModelEdge bias) {
  const OnnxWindow window = ConvWindow(n);
  AttrMap attrs = {{"strides", window.strides},     {"pads", window.pads},
                   {"dilations", window.dilations}, {"groups", n.Int("group", 1)},
                   {"data_format", window.format}};
  if (window.auto_pad != "NOTSET") attrs["auto_pad"] = window.auto_pad;
  std::vector<ModelEdge> inputs = {window.Widen(n, x), window.Widen(n, w)};
  if (bias.node >= 0) inputs.push_back(bias);
  ModelEdge y = n.Emit(window.spatial == 3 ? "Conv3D" : "Conv2D", inputs, attrs);
  return window.Narrow(n, y);
}

ModelEdge Centred(OnnxNode& n, int input, int zero, bool per_output_channel) {
  ModelEdge x = n.Emit("Cast", {n.Input(input)}, {{"dst_type", GeType(DType::kI32)}});
  if (!n.HasInput(zero)) return x;
  ModelEdge z = n.Emit("Cast", {n.Input(zero)}, {{"dst_type", GeType(DType::kI32)}});
  if (per_output_channel && n.InputRank(zero) == 1) {
    std::vector<int64_t> axes;
    for (int d = 1; d < n.InputRank(input); ++d) axes.push_back(d);
    z = n.Emit("Unsqueeze", {z}, {{"axes", axes}});
  }
  return n.Emit("Sub", {x, z});
}

ModelEdge ToF32(OnnxNode& n, ModelEdge x) { return n.Emit("Cast", {x}, {{"dst_type", GeType(DType::kF32)}}); }

// One value per output channel, or one for all, along the channels of the result.
ModelEdge AlongChannels(OnnxNode& n, int input) {
  if (n.InputRank(input) != 1) return n.Input(input);
  std::vector<int64_t> axes;
  for (int d = 1; d + 1 < n.InputRank(3); ++d) axes.push_back(d);
  return n.Emit("Unsqueeze", {n.Input(input)}, {{"axes", axes}});
}

// Exact sums of integers, scaled to the output's steps.
void OnnxQLinearConv(OnnxNode& n) {
  if (n.InputRank(3) < 3) n.Fail("the rank of w is not known");
  ModelEdge x = Centred(n, 0, 2, false), w = Centred(n, 3, 5, true);
  ModelEdge sum = EmitConv(n, x, w, ModelEdge{});
  if (n.HasInput(8)) sum = n.Emit("Add", {sum, AlongChannels(n, 8)});
  ModelEdge scale = n.Emit("RealDiv", {n.Emit("Mul", {n.Input(1), AlongChannels(n, 4)}), n.Input(6)});
  ModelEdge y = n.Emit("Rint", {n.Emit("Mul", {ToF32(n, sum), scale})});
  y = n.Emit("Add", {y, ToF32(n, n.Input(7))});
  const DType dtype = n.InputDType(7);
  y = n.Emit("ClipByValue", {y, n.ConstScalar(DType::kF32, LowestOf(dtype)),
                             n.ConstScalar(DType::kF32, HighestOf(dtype))});
  n.Output(0, n.Emit("Cast", {y}, {{"dst_type", GeType(dtype)}}));
}

}  // namespace

BELAY_OP(Conv2D) {
  op.FromOnnx("Conv", 1, [](OnnxNode& n) {
    n.Output(0, EmitConv(n, n.Input(0), n.Input(1), n.HasInput(2) ? n.Input(2) : ModelEdge{}));
  });
  op.FromOnnx("ConvInteger", 10, [](OnnxNode& n) {
    n.Output(0, EmitConv(n, Centred(n, 0, 2, false), Centred(n, 1, 3, true), ModelEdge{}));
  });
  op.FromOnnx("QLinearConv", 10, OnnxQLinearConv);
  op.Dtypes("x", ConvDtypes()).Dtypes("filter", ConvDtypes()).Computes(PlainConv);
}

BELAY_OP(Conv3D) {
  op.Dtypes("x", ConvDtypes()).Dtypes("filter", ConvDtypes()).Computes(PlainConv);
}

BELAY_OP(DepthwiseConv2D) {
  op.Dtypes("x", ConvDtypes()).Dtypes("filter", ConvDtypes()).Computes([](Body& b) {
    Tensor x = b.Raw("x");
    const bool first = ChannelsFirst(b.Str("data_format"), x.rank());
    const int64_t channels = b.builder().Fix(x.dim(first ? 1 : 3));
    ConvBody(b, DepthwiseFilter(b.Raw("filter"), first), channels, first);
  });
}

}  // namespace belay
