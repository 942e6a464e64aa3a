// Gradients of pooling.
#include "ops/gradient.h"
#include "ops/pooling.h"

namespace belay {
namespace {

// Names that differ between the operators.
struct Names {
  const char *x, *dy, *dx;
};

void MaxOut(Body& b, const Names& names, const PoolSetup& s, bool ceil_mode) {
  Tensor y = Pool(ReduceKind::kMax, s.x, s.window, s.pads.hi, ceil_mode);
  b.Out(names.dx, Gradient(FromChannelsLast(y, s.channels_first), b.In(names.dy), b.In(names.x)));
}

// Averages do not depend on x: only its extents are given.
Tensor AverageGradient(const PoolSetup& s, const Tensor& x, const Tensor& dy, bool ceil_mode,
                       bool count_pads, int64_t divisor) {
  Tensor y = AveragePool(s, ceil_mode, count_pads, divisor);
  return Gradient(FromChannelsLast(y, s.channels_first), dy, x);
}

Tensor OriginalInput(Body& b, const Tensor& dy) {
  return Placeholder(b.builder(), dy.dtype(), b.Dims("orig_input_shape"));
}

// argmax: places within an image, per channel. x, dy and argmax in one layout.
Tensor ToPlaces(const Tensor& x, const Tensor& dy, const Tensor& argmax, bool channels_first) {
  Tensor g = ToChannelsLast(dy, channels_first),
         at = ToChannelsLast(Cast(argmax, DType::kI64), channels_first);
  const Shape full = ToChannelsLast(x, channels_first).shape();
  Dim cells(1), windows(1);
  for (size_t d = 1; d + 1 < full.size(); ++d) {
    cells = cells * full[d];
    windows = windows * g.dim(static_cast<int>(d));
  }
  const Shape flat = {full[0], windows, full.back()};
  Tensor zeros = Full(x.builder(), {full[0], cells, full.back()}, g.dtype(), 0);
  Tensor y = Scatter(ReduceKind::kSum, zeros, Reshape(g, flat), {Reshape(at, flat)}, {0, -1, 2});
  return FromChannelsLast(Reshape(y, full), channels_first);
}

}  // namespace

BELAY_OP(MaxPoolGrad) {
  op.Dtypes("x1", kFloats).Computes([](Body& b) {
    MaxOut(b, {"x1", "grad", "y"},
           SetupPool(b, b.In("x1"), b.Str("data_format"), {}, b.Str("padding"), {}), false);
  });
}

BELAY_OP(MaxPoolV3Grad) {
  op.Dtypes("orig_input", kFloats).Computes([](Body& b) {
    const Names names = {"orig_input", "grad", "out_grad"};
    Tensor x = b.In(names.x);
    if (b.Bool("global_pooling")) {
      Tensor y = MaxOver(x, SpatialAxes(b.Str("data_format"), x.rank()));
      return b.Out(names.dx, Gradient(y, b.In(names.dy), x));
    }
    MaxOut(b, names,
           SetupPool(b, x, b.Str("data_format"), {}, b.Str("padding_mode"), b.Ints("pads")),
           b.Bool("ceil_mode"));
  });
}

BELAY_OP(MaxPool3DGrad) {
  op.Dtypes("orig_x", kFloats).Computes([](Body& b) {
    // `padding` speaks only where pads do not.
    const std::vector<int64_t> pads = b.Ints("pads");
    const std::string padding = b.HasAttr("padding") ? b.Str("padding") : "CALCULATED";
    MaxOut(b, {"orig_x", "grads", "y"},
           SetupPool(b, b.In("orig_x"), b.Str("data_format"), {}, padding, pads), false);
  });
}

BELAY_OP(MaxPoolGradWithArgmaxV1) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    b.Out("y", ToPlaces(b.In("x"), b.In("grad"), b.Raw("argmax"), true));
  });
}
BELAY_OP(MaxPoolGradWithArgmaxV3) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("y", ToPlaces(x, b.In("grad"), b.Raw("argmax"),
                        ChannelsFirst(b.Str("data_format"), x.rank())));
  });
}

BELAY_OP(AvgPoolGrad) {
  op.Dtypes("input_grad", kFloats).Computes([](Body& b) {
    Tensor dy = b.In("input_grad"), x = OriginalInput(b, dy);
    PoolSetup s = SetupPool(b, x, b.Str("data_format"), {}, b.Str("padding"), {});
    b.Out("out_grad", AverageGradient(s, x, dy, false, false, 0));
  });
}

BELAY_OP(AvgPoolV2Grad) {
  op.Dtypes("input_grad", kFloats).Computes([](Body& b) {
    Tensor dy = b.In("input_grad"), x = OriginalInput(b, dy);
    if (b.Bool("global_pooling")) {
      return b.Out("out_grad",
                   Gradient(Mean(x, SpatialAxes(b.Str("data_format"), x.rank())), dy, x));
    }
    PoolSetup s = SetupPool(b, x, b.Str("data_format"), {}, b.Str("padding_mode"), b.Ints("pads"));
    b.Out("out_grad", AverageGradient(s, x, dy, b.Bool("ceil_mode"), !b.Bool("exclusive"),
                                      b.Int("divisor_override")));
  });
}

BELAY_OP(AvgPool3DGrad) {
  op.Dtypes("grads", kFloats).Computes([](Body& b) {
    Tensor dy = b.In("grads"), x = OriginalInput(b, dy);
    PoolSetup s = SetupPool(b, x, b.Str("data_format"), {}, "CALCULATED", b.Ints("pads"));
    b.Out("output", AverageGradient(s, x, dy, b.Bool("ceil_mode"), b.Bool("count_include_pad"),
                                    b.Int("divisor_override")));
  });
}

BELAY_OP(AdaptiveAvgPool2dGrad) {
  op.Dtypes("input_grad", kFloats).Computes([](Body& b) {
    Tensor dy = b.In("input_grad");
    const std::vector<int64_t> dims = b.Ints("orig_input_shape");
    if (static_cast<int>(dims.size()) != dy.rank()) {
      Fail("orig_input_shape has {} elements, but input_grad has rank {}", dims.size(), dy.rank());
    }
    const int64_t height = b.builder().Fix(dy.dim(-2)), width = b.builder().Fix(dy.dim(-1));
    Tensor x = Placeholder(b.builder(), dy.dtype(), Shape(dims.begin(), dims.end()));
    b.Out("output_grad", Gradient(AdaptiveAverage(x, {height, width}), dy, x));
  });
}

}  // namespace belay
