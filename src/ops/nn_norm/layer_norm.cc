// Normalisations over trailing dims, groups and instances.
#include "ops/support.h"

namespace belay {
namespace {

struct Moments {
  Tensor mean, variance, centred;
};

Moments MomentsOf(const Tensor& x, const std::vector<int>& axes) {
  Moments m;
  m.mean = Mean(x, axes);
  m.centred = x - m.mean;
  m.variance = Mean(Square(m.centred), axes);
  return m;
}

// gamma and beta belong to the dims from `axis` on.
Tensor FromAxis(const Tensor& t, int axis, int rank) {
  if (t.rank() >= rank - axis) return t;
  Shape shape = t.shape();
  shape.resize(rank - axis, Dim(1));
  return Reshape(t, shape);
}

void LayerNormBody(Body& b, const char* third, bool reciprocal) {
  Tensor x = b.In("x");
  const int axis = NormalizeAxis(b.Int("begin_norm_axis"), x.rank(), "begin_norm_axis");
  const int params = NormalizeAxis(b.Int("begin_params_axis"), x.rank(), "begin_params_axis");
  Moments m = MomentsOf(x, AxisRange(axis, x.rank()));
  Tensor rstd = Rsqrt(m.variance + b.Float("epsilon"));
  b.Out("y", m.centred * rstd * FromAxis(b.In("gamma"), params, x.rank()) +
                 FromAxis(b.In("beta"), params, x.rank()));
  if (b.Wants("mean")) b.Out("mean", m.mean);
  if (b.Wants(third)) b.Out(third, reciprocal ? rstd : m.variance);
}

// x as [N, C, rest]; returns what takes y back.
struct Channels {
  Tensor x;
  bool first = true;
};
Channels ChannelsSecond(const Body& b, const Tensor& x) {
  const std::string format = b.Str("data_format");
  const bool first = format.size() > 1 && format[1] == 'C';
  return {first ? x : MoveAxis(x, x.rank() - 1, 1), first};
}
Tensor Back(const Channels& c, const Tensor& y) { return c.first ? y : MoveAxis(y, 1, y.rank() - 1); }

void GroupNormBody(Body& b, const char* third, bool reciprocal) {
  Channels c = ChannelsSecond(b, b.In("x"));
  const int64_t groups = b.Int("num_groups");
  const Tensor& x = c.x;
  if (x.rank() < 2) Fail("x has rank {}, but needs channels", x.rank());
  if (groups < 1 || !b.builder().Assume(Equal(Mod(x.dim(1), groups), 0), true)) {
    Fail("{} channels cannot be divided into {} groups", x.dim(1).ToString(), groups);
  }
  Dim rest(1);
  for (int d = 2; d < x.rank(); ++d) rest = rest * x.dim(d);
  const Dim per_group = FloorDiv(x.dim(1), groups);
  Tensor grouped = Reshape(x, {x.dim(0), Dim(groups), per_group, rest});
  Moments m = MomentsOf(grouped, {2, 3});
  Tensor rstd = Rsqrt(m.variance + b.Float("eps"));
  auto spread = [&](const Tensor& t) {  // one value per channel, or per group (ONNX 18)
    const bool per_channel = b.builder().Assume(Equal(NumElements(t.shape()), x.dim(1)), true);
    return Reshape(t, per_channel ? Shape{Dim(1), Dim(groups), per_group, Dim(1)}
                                  : Shape{Dim(1), Dim(groups), Dim(1), Dim(1)});
  };
  Tensor y = m.centred * rstd * spread(b.In("gamma")) + spread(b.In("beta"));
  b.Out("y", Back(c, Reshape(y, x.shape())));
  const Shape stats = {x.dim(0), Dim(groups)};
  if (b.Wants("mean")) b.Out("mean", Reshape(m.mean, stats));
  if (b.Wants(third)) b.Out(third, Reshape(reciprocal ? rstd : m.variance, stats));
}

}  // namespace

BELAY_OP(LayerNorm) {
  op.Dtypes("x", kFloats).Computes([](Body& b) { LayerNormBody(b, "variance", false); });
}

BELAY_OP(LayerNormV3) {
  op.FromOnnx("LayerNormalization", 17, [](OnnxNode& n) {
    const int64_t axis = n.Int("axis", -1);
    ModelEdge beta = n.HasInput(2) ? n.Input(2) : n.Emit("ZerosLike", {n.Input(1)});
    std::vector<ModelEdge> y =
        n.EmitN("LayerNormV3", {n.Input(0), n.Input(1), beta},
                {{"begin_norm_axis", axis},
                 {"begin_params_axis", axis},
                 {"epsilon", n.Float("epsilon", 1e-5)}}, 0);
    for (int i = 0; i < 3; ++i) {
      if (n.HasOutput(i)) n.Output(i, y[i]);
    }
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) { LayerNormBody(b, "rstd", true); });
}

BELAY_OP(LayerNormV4) {
  op.Dtypes("x", kFloats).Dtypes("normalized_shape", kIndices).Computes([](Body& b) {
    Tensor x = b.In("x");
    const std::vector<Dim> sizes = b.Dims("normalized_shape");
    const int axis = x.rank() - static_cast<int>(sizes.size());
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (axis < 0 || !b.builder().Assume(Equal(sizes[i], x.dim(axis + static_cast<int>(i))), true)) {
        Fail("normalized_shape is {}, but x has shape {}", ToString(sizes), ToString(x.shape()));
      }
    }
    Moments m = MomentsOf(x, AxisRange(axis, x.rank()));
    Tensor rstd = Rsqrt(m.variance + b.Float("epsilon"));
    Tensor y = m.centred * rstd;
    if (b.Has("gamma")) y = y * b.In("gamma");
    if (b.Has("beta")) y = y + b.In("beta");
    b.Out("y", y);
    if (b.Wants("mean")) b.OutRaw("mean", m.mean);
    if (b.Wants("rstd")) b.OutRaw("rstd", rstd);
  });
}

BELAY_OP(RmsNorm) {
  op.FromOnnx("RMSNormalization", 23, [](OnnxNode& n) {
    n.Output(0, n.Emit("RmsNorm", {n.Input(0), n.Input(1)},
                       {{"epsilon", n.Float("epsilon", 1e-5)}, {"axis", n.Int("axis", -1)}}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x"), gamma = b.In("gamma");
    const int64_t first = HiddenInt(b, "axis", -gamma.rank());
    const int axis = NormalizeAxis(first, x.rank(), "axis");
    Tensor rstd = Rsqrt(Mean(Square(x), AxisRange(axis, x.rank())) + b.Float("epsilon"));
    b.Out("y", x * rstd * gamma);
    if (b.Wants("rstd")) b.OutRaw("rstd", rstd);
  });
}

BELAY_OP(AddRmsNorm) {
  op.Dtypes("x1", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x1") + b.In("x2"), gamma = b.In("gamma");
    b.Out("x", x);
    const int axis = x.rank() - gamma.rank();
    if (axis < 0) Fail("gamma has rank {}, but x1 has rank {}", gamma.rank(), x.rank());
    Tensor rstd = Rsqrt(Mean(Square(x), AxisRange(axis, x.rank())) + b.Float("epsilon"));
    b.Out("y", x * rstd * gamma);
    if (b.Wants("rstd")) b.OutRaw("rstd", rstd);
  });
}

BELAY_OP(AddLayerNorm) {
  op.Dtypes("x1", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x1") + b.In("x2"), gamma = b.In("gamma");
    if (b.Has("bias")) x = x + b.In("bias");
    if (b.Bool("additional_output")) b.Out("x", x);
    const int axis = x.rank() - gamma.rank();
    if (axis < 0) Fail("gamma has rank {}, but x1 has rank {}", gamma.rank(), x.rank());
    Moments m = MomentsOf(x, AxisRange(axis, x.rank()));
    Tensor rstd = Rsqrt(m.variance + b.Float("epsilon"));
    b.Out("y", m.centred * rstd * gamma + b.In("beta"));
    b.OutRaw("mean", m.mean);
    b.OutRaw("rstd", rstd);
  });
}

BELAY_OP(InstanceNorm) {
  op.FromOnnx("InstanceNormalization", 1, [](OnnxNode& n) {
    n.Output(0, n.Emit("InstanceNorm", {n.Input(0), n.Input(1), n.Input(2)},
                       {{"epsilon", n.Float("epsilon", 1e-5)}, {"data_format", "NCHW"}}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Channels c = ChannelsSecond(b, b.In("x"));
    const int rank = c.x.rank();
    if (rank < 3) Fail("x has rank {}, but needs batch, channels and spatial dims", rank);
    Moments m = MomentsOf(c.x, AxisRange(2, rank));
    Tensor rstd = Rsqrt(m.variance + b.Float("epsilon"));
    b.Out("y", Back(c, m.centred * rstd * AlongAxis(b.In("gamma"), 1, rank) +
                           AlongAxis(b.In("beta"), 1, rank)));
    if (b.Wants("mean")) b.Out("mean", Back(c, m.mean));
    if (b.Wants("variance")) b.Out("variance", Back(c, m.variance));
  });
}

BELAY_OP(GroupNorm) {
  op.Dtypes("x", kFloats).Computes([](Body& b) { GroupNormBody(b, "variance", false); });
}
BELAY_OP(GroupNormV2) {
  op.FromOnnx("GroupNormalization", 18, [](OnnxNode& n) {
    n.Output(0, n.Emit("GroupNormV2", {n.Input(0), n.Input(1), n.Input(2)},
                       {{"num_groups", n.Int("num_groups", 0)},
                        {"eps", n.Float("epsilon", 1e-5)},
                        {"data_format", "NCHW"}}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) { GroupNormBody(b, "rstd", true); });
}

// (x - mean) / (deviation + eps)
BELAY_OP(MVNV2) {
  op.FromOnnx("MeanVarianceNormalization", 9, [](OnnxNode& n) {
    std::vector<int64_t> axes = n.Ints("axes");
    if (!n.HasAttr("axes")) axes = {0, 2, 3};
    n.Output(0, n.Emit("MVNV2", {n.Input(0)}, {{"axes", axes}}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    Moments m = MomentsOf(x, NormalizeAxes(b.Ints("axes"), x.rank(), "axes"));
    b.Out("y", m.centred / (Sqrt(m.variance) + b.Float("eps")));
  });
}

// x / (bias + alpha * sum of squares over neighbouring channels) ^ beta, channels at dim 1.
BELAY_OP(LRN) {
  op.FromOnnx("LRN", 1, [](OnnxNode& n) {
    const int64_t size = n.Int("size", 1);
    if (size < 1 || size > INT32_MAX) n.Fail(fmt::format("attribute size is {}, but must be 1 to 2^31 - 1", size));
    n.Output(0, n.Emit("LRN", {n.Input(0)},
                       {{"depth_radius", (size - 1) / 2},
                        {"size", size},
                        {"bias", n.Float("bias", 1)},
                        {"alpha", n.Float("alpha", 1e-4) / static_cast<double>(size)},
                        {"beta", n.Float("beta", 0.75)}}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    if (b.Str("norm_region") != "ACROSS_CHANNELS") {
      FailNotSupported("norm_region {} (only ACROSS_CHANNELS)", b.Str("norm_region"));
    }
    Tensor x = b.In("x");
    if (x.rank() < 3) Fail("x has rank {}, but needs batch, channels and spatial dims", x.rank());
    const int64_t radius = b.Int("depth_radius");
    if (radius < 0 || radius > INT32_MAX / 2) Fail("depth_radius is {}, but must be 0 to 2^30 - 1", radius);
    const int64_t size = HiddenInt(b, "size", 2 * radius + 1);
    Dim rest(1);
    for (int d = 2; d < x.rank(); ++d) rest = rest * x.dim(d);
    Window window;
    window.kernel = {size};
    window.strides = window.dilations = {1};
    window.pads_lo = {Dim(radius)};
    Tensor squares = Reshape(Square(x), {x.dim(0), x.dim(1), rest});
    Tensor sum = Pool(ReduceKind::kSum, squares, window, {Dim(size - 1 - radius)}, false);
    Tensor base = Reshape(sum, x.shape()) * b.Float("alpha") + b.Float("bias");
    b.Out("y", x / Pow(base, b.Float("beta")));
  });
}

}  // namespace belay
