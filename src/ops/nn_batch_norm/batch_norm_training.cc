// Batch normalisation as torch trains it, its inference form, and gradients of all forms.
#include "ops/support.h"

namespace belay {
namespace {

// Parameters are [C], or have x's rank and one dim that is the channels'.
int ChannelAxisOf(const Tensor& parameter, const Tensor& x, const std::string& format) {
  if (x.rank() < 2) Fail("x has rank {}, but needs channels", x.rank());
  if (parameter.rank() == x.rank()) {
    for (int d = 0; d < x.rank(); ++d) {
      if (!x.builder().Assume(Equal(parameter.dim(d), 1), d != 1)) return d;
    }
  }
  return format.size() > 1 && format[1] != 'C' && format != "ND" ? x.rank() - 1 : 1;
}

// Everything but the channels, and vectors along them.
struct Channels {
  int axis = 1, rank = 0;
  std::vector<int> others;
  Dim count = 1;  // elements per channel

  Channels(const Tensor& x, int channel_axis) : axis(channel_axis), rank(x.rank()) {
    for (int d = 0; d < rank; ++d) {
      if (d == axis) continue;
      others.push_back(d);
      count = count * x.dim(d);
    }
  }
  Tensor Along(const Tensor& t) const { return AlongAxis(t, axis, rank); }
  Tensor SumOf(const Tensor& t) const { return Sum(t, others, false); }  // [C]
};

Tensor Number(const Tensor& like, const Dim& n) { return like.builder().FromDim(like.dtype(), n); }

// By x, when the batch's own statistics normalised it.
Tensor TrainedGradient(const Channels& c, const Tensor& dy, const Tensor& xhat,
                       const Tensor& factor, const Tensor& dscale, const Tensor& doffset) {
  Tensor n = Number(dy, c.count);
  return c.Along(factor) * (dy - c.Along(doffset) / n - xhat * (c.Along(dscale) / n));
}

struct Statistics {
  Tensor mean, rstd, scale;  // vectors or shaped like x's channels
};

struct GradientsOfNorm {
  Tensor x, scale, offset;
};

GradientsOfNorm NormGradients(const Tensor& dy, const Tensor& x, const Statistics& s, int axis,
                              bool training) {
  const Channels c(x, axis);
  Tensor xhat = (x - c.Along(s.mean)) * c.Along(s.rstd);
  GradientsOfNorm g;
  g.scale = c.SumOf(dy * xhat);
  g.offset = c.SumOf(dy);
  Tensor rstd = Reshape(s.rstd, {NumElements(s.rstd.shape())});
  Tensor factor = rstd * Reshape(s.scale, rstd.shape());
  g.x = training ? TrainedGradient(c, dy, xhat, factor, g.scale, g.offset) : dy * c.Along(factor);
  return g;
}

void ReduceGradient(Body& b) {
  Tensor dy = b.In("grads"), x = Cast(b.In("x"), dy.dtype()), mean = b.In("batch_mean");
  const Channels c(x, ChannelAxisOf(mean, x, HiddenStr(b, "data_format", "NCHW")));
  Tensor rstd = Rsqrt(b.In("batch_variance") + b.Float("epsilon"));
  Tensor xhat = (x - c.Along(mean)) * c.Along(rstd);
  b.Out("y", TrainedGradient(c, dy, xhat, rstd * b.In("scale"), b.In("diff_scale"),
                             b.In("diff_offset")));
}

void UpdateGradient(Body& b) {
  Tensor dy = b.In("grads"), x = Cast(b.In("x"), dy.dtype()), mean = b.In("batch_mean");
  const Channels c(x, ChannelAxisOf(mean, x, HiddenStr(b, "data_format", "NCHW")));
  Tensor rstd = Rsqrt(b.In("batch_variance") + b.Float("epsilon"));
  Tensor xhat = (x - c.Along(mean)) * c.Along(rstd);
  b.OutRaw("diff_scale", Reshape(c.SumOf(dy * xhat), mean.shape()));
  b.OutRaw("diff_offset", Reshape(c.SumOf(dy), mean.shape()));
}

}  // namespace

BELAY_OP(BNInfer) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x"), mean = b.In("mean");
    const int axis = ChannelAxisOf(mean, x, HiddenStr(b, "data_format", "NCHW"));
    Tensor factor = b.In("scale") * Rsqrt(b.In("variance") + b.Float("epsilon"));
    Tensor shift = b.In("offset") - mean * factor;
    b.Out("y", x * AlongAxis(factor, axis, x.rank()) + AlongAxis(shift, axis, x.rank()));
  });
}

BELAY_OP(BNInferGrad) {
  op.Dtypes("grads", kFloats).Computes([](Body& b) {
    Tensor dy = b.In("grads"), scale = b.In("scale");
    const int axis = ChannelAxisOf(scale, dy, HiddenStr(b, "data_format", "NCHW"));
    Tensor factor = scale * Rsqrt(b.In("batch_variance") + b.Float("epsilon"));
    b.Out("x_backprop", dy * AlongAxis(factor, axis, dy.rank()));
  });
}

// Running statistics move by `momentum`, the variance by its unbiased form.
BELAY_OP(BatchNormV3) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x"), running_mean = b.In("running_mean"), running_var = b.In("running_var");
    const Channels c(x, ChannelAxisOf(running_mean, x, HiddenStr(b, "data_format", "NCHW")));
    const double momentum = b.Float("momentum");
    Tensor mean = running_mean, variance = running_var;
    if (b.Bool("is_training")) {
      mean = Mean(x, c.others, false);
      variance = Mean(Square(x - c.Along(mean)), c.others, false);
      Tensor unbiased = variance * (Number(x, c.count) / Number(x, Max(c.count - Dim(1), 1)));
      running_mean = running_mean * (1 - momentum) + mean * momentum;
      running_var = running_var * (1 - momentum) + unbiased * momentum;
    }
    Tensor rstd = Rsqrt(variance + b.Float("epsilon"));
    b.Out("y", (x - c.Along(mean)) * c.Along(rstd * b.In("weight")) + c.Along(b.In("bias")));
    b.OutRaw("running_mean", running_mean);
    b.OutRaw("running_var", running_var);
    b.OutRaw("save_mean", mean);
    b.OutRaw("save_rstd", rstd);
  });
}

BELAY_OP(BatchNormGradV3) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x"), weight = b.In("weight");
    const bool training = b.Bool("is_training");
    Statistics s = {b.In(training ? "save_mean" : "running_mean"),
                    training ? b.In("save_rstd") : Rsqrt(b.In("running_var") + b.Float("epsilon")),
                    weight};
    const int axis = ChannelAxisOf(weight, x, HiddenStr(b, "data_format", "NCHW"));
    GradientsOfNorm g = NormGradients(b.In("dy"), x, s, axis, training);
    b.Out("dx", g.x);
    b.Out("dweight", Reshape(g.scale, weight.shape()));
    b.Out("dbias", Reshape(g.offset, weight.shape()));
  });
}

// reserve_space_1 and 2: mean and variance, as BatchNorm returns them.
BELAY_OP(BatchNormGrad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x"), scale = b.In("scale");
    Statistics s = {b.In("reserve_space_1"), Rsqrt(b.In("reserve_space_2") + b.Float("epsilon")),
                    scale};
    const int axis = ChannelAxisOf(scale, x, b.Str("data_format"));
    GradientsOfNorm g = NormGradients(b.In("y_backprop"), x, s, axis, b.Bool("is_training"));
    b.Out("x_backprop", g.x);
    b.OutRaw("scale_backprop", Reshape(g.scale, scale.shape()));
    b.OutRaw("offset_backprop", Reshape(g.offset, scale.shape()));
    for (const char* unused : {"reserve_space_4", "reserve_space_5"}) {
      b.OutRaw(unused, Full(b.builder(), {Dim(0)}, scale.dtype(), 0));
    }
  });
}

BELAY_OP(BNTrainingReduceGrad) { op.Dtypes("x", kFloats).Computes(ReduceGradient); }
BELAY_OP(BN3DTrainingReduceGrad) { op.Dtypes("x", kFloats).Computes(ReduceGradient); }
BELAY_OP(BNTrainingUpdateGrad) { op.Dtypes("x", kFloats).Computes(UpdateGradient); }
BELAY_OP(BN3DTrainingUpdateGrad) { op.Dtypes("x", kFloats).Computes(UpdateGradient); }

}  // namespace belay
