// Batch normalisation. With known statistics it is x * factor + shift with one pair per channel, in the
// form the compiler folds into a convolution before it.
#include "ops/support.h"

namespace belay {
namespace {

int ChannelAxis(const std::string& format, int rank) {
  if (rank < 2) Fail("x has rank {}, but needs channels", rank);
  return format.size() > 1 && format[1] != 'C' && format != "ND" ? rank - 1 : 1;
}

Tensor Vector(const Tensor& t) { return Reshape(t, {NumElements(t.shape())}); }

Tensor Normalized(const Tensor& x, int axis, const Tensor& scale, const Tensor& offset,
                  const Tensor& mean, const Tensor& variance, double epsilon) {
  Tensor factor = Rsqrt(Vector(variance) + epsilon);
  if (scale) factor = factor * Vector(scale);
  Tensor shift = -Vector(mean) * factor;
  if (offset) shift = shift + Vector(offset);
  return x * AlongAxis(factor, axis, x.rank()) + AlongAxis(shift, axis, x.rank());
}

struct Names {
  const char *x, *scale, *offset, *mean, *variance, *y, *out_mean, *out_variance, *saved_mean,
      *saved_variance;
};

void BatchNormBody(Body& b, const Names& names, double factor) {
  Tensor x = b.In(names.x);
  const int axis = ChannelAxis(b.Str("data_format"), x.rank());
  const double epsilon = b.Float("epsilon");
  Tensor scale = Cast(b.In(names.scale), x.dtype()), offset = Cast(b.In(names.offset), x.dtype());
  Tensor mean, variance;
  if (!b.Bool("is_training")) {
    mean = b.In(names.mean);
    variance = b.In(names.variance);
    b.Out(names.y, Normalized(x, axis, scale, offset, Cast(mean, x.dtype()),
                              Cast(variance, x.dtype()), epsilon));
  } else {
    std::vector<int> axes;
    Dim count(1);
    for (int d = 0; d < x.rank(); ++d) {
      if (d == axis) continue;
      axes.push_back(d);
      count = count * x.dim(d);
    }
    mean = Mean(x, axes, false);
    Tensor centred = x - AlongAxis(mean, axis, x.rank());
    variance = Mean(Square(centred), axes, false);
    Tensor rstd = Rsqrt(variance + epsilon) * Vector(scale);
    b.Out(names.y, centred * AlongAxis(rstd, axis, x.rank()) + AlongAxis(offset, axis, x.rank()));
    if (b.Wants(names.saved_mean)) b.OutRaw(names.saved_mean, mean);
    if (b.Wants(names.saved_variance)) b.OutRaw(names.saved_variance, variance);
    if (!HiddenInt(b, "biased_variance", 0)) {  // the running variance takes the unbiased one
      Dim rest = Max(count - Dim(1), 1);
      variance = variance * (b.builder().FromDim(x.dtype(), count) / b.builder().FromDim(x.dtype(), rest));
    }
    if (factor != 1 && b.Has(names.mean) && b.Has(names.variance)) {
      mean = b.In(names.mean) * (1 - factor) + mean * factor;
      variance = b.In(names.variance) * (1 - factor) + variance * factor;
    }
  }
  if (b.Wants(names.out_mean)) b.OutRaw(names.out_mean, mean);
  if (b.Wants(names.out_variance)) b.OutRaw(names.out_variance, variance);
  if (b.Bool("is_training")) return;
  if (b.Wants(names.saved_mean)) b.OutRaw(names.saved_mean, mean);
  if (b.Wants(names.saved_variance)) b.OutRaw(names.saved_variance, variance);
}

}  // namespace

BELAY_OP(BatchNorm) {
  op.FromOnnx("BatchNormalization", 1, [](OnnxNode& n) {
    const bool training = n.opset() >= 14 && n.Int("training_mode", 0);
    if (n.opset() < 7 && !n.Int("is_test", 0) && n.HasOutput(1)) {
      n.Fail("training outputs of BatchNormalization before opset 14 are not supported");
    }
    AttrMap attrs = {{"epsilon", n.Float("epsilon", 1e-5)},
                     {"data_format", "NCHW"},
                     {"is_training", training}};
    if (training) {
      attrs["exponential_avg_factor"] = 1 - n.Float("momentum", 0.9);
      attrs["biased_variance"] = int64_t{1};
    }
    std::vector<ModelEdge> inputs;
    for (int i = 0; i < 5; ++i) inputs.push_back(n.Input(i));
    std::vector<ModelEdge> y = n.EmitN("BatchNorm", inputs, attrs, 0);
    n.Output(0, y[0]);
    for (int i = 1; i < 3 && training; ++i) {
      if (n.HasOutput(i)) n.Output(i, y[i]);
    }
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    BatchNormBody(b, {"x", "scale", "offset", "mean", "variance", "y", "batch_mean", "batch_variance",
                      "reserve_space_1", "reserve_space_2"},
                  b.Float("exponential_avg_factor"));
    // Scratch of the accelerator's backward pass: there is nothing to keep here.
    if (b.Wants("reserve_space_3")) {
      b.OutRaw("reserve_space_3", ZeroLike(Vector(b.In("scale"))));
    }
  });
}

BELAY_OP(BatchNormExt2) {
  op.Dtypes("input_x", kFloats).Computes([](Body& b) {
    BatchNormBody(b, {"input_x", "input_scale", "input_offset", "input_mean", "input_variance",
                      "output_y", "output_mean", "output_variance", "output_reserve_space_1",
                      "output_reserve_space_2"},
                  1.0);
  });
}

BELAY_OP(BNInferenceD) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    Tensor scale = b.Has("scale") ? b.In("scale") : Tensor();
    Tensor offset = b.Has("b") ? b.In("b") : Tensor();
    b.Out("y", Normalized(x, ChannelAxis("NCHW", x.rank()), scale, offset, b.In("mean"),
                          b.In("variance"), b.Float("epsilon")));
  });
}

}  // namespace belay
