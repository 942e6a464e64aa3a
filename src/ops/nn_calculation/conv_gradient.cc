// Gradients of convolutions by x and by the filter. The one that a gradient does not read is only
// known by its extents.
#include "ops/convolution.h"
#include "ops/gradient.h"

namespace belay {
namespace {

struct Forward {
  Tensor x, filter, y;  // in the graph's layout
};

Forward PlainForward(const Body& b, const Tensor& x, const Tensor& filter) {
  const bool first = ChannelsFirst(b.Str("data_format"), x.rank());
  Tensor y =
      Convolved(b, ToChannelsLast(x, first), CoreFilter(filter, first), b.Int("groups"), first);
  return {x, filter, FromChannelsLast(y, first)};
}

Forward DepthwiseForward(const Body& b, const Tensor& x, const Tensor& filter) {
  const bool first = ChannelsFirst(b.Str("data_format"), x.rank());
  const int64_t channels = x.builder().Fix(x.dim(first ? 1 : 3));
  Tensor y = Convolved(b, ToChannelsLast(x, first), DepthwiseFilter(filter, first), channels, first);
  return {x, filter, FromChannelsLast(y, first)};
}

using ForwardFn = Forward (*)(const Body&, const Tensor& x, const Tensor& filter);

Tensor Unread(Body& b, const Tensor& dy, const char* extents) {
  return Placeholder(b.builder(), dy.dtype(), b.Dims(extents));
}

Tensor ByInput(Body& b, ForwardFn forward) {
  Tensor dy = b.In("out_backprop");
  Forward f = forward(b, Unread(b, dy, "input_size"), b.In("filter"));
  return Gradient(f.y, dy, f.x);
}

Tensor ByFilter(Body& b, ForwardFn forward, const char* input) {
  Tensor dy = b.In("out_backprop");
  Forward f = forward(b, b.In(input), Unread(b, dy, "filter_size"));
  return Gradient(f.y, dy, f.filter);
}

}  // namespace

BELAY_OP(Conv2DBackpropInput) {
  op.Dtypes("filter", kFloats).Computes([](Body& b) { b.Out("y", ByInput(b, PlainForward)); });
}
BELAY_OP(Conv3DBackpropInput) {
  op.Dtypes("filter", kFloats).Computes([](Body& b) { b.Out("y", ByInput(b, PlainForward)); });
}
BELAY_OP(DepthwiseConv2DBackpropInput) {
  op.Dtypes("filter", kFloats).Computes([](Body& b) {
    b.Out("input_grad", ByInput(b, DepthwiseForward));
  });
}

BELAY_OP(Conv2DBackpropFilter) {
  op.Dtypes("x", kFloats).Computes([](Body& b) { b.Out("y", ByFilter(b, PlainForward, "x")); });
}
BELAY_OP(Conv3DBackpropFilter) {
  op.Dtypes("x", kFloats).Computes([](Body& b) { b.Out("y", ByFilter(b, PlainForward, "x")); });
}
BELAY_OP(DepthwiseConv2DBackpropFilter) {
  op.Dtypes("input", kFloats).Computes([](Body& b) {
    b.OutRaw("filter_grad", ByFilter(b, DepthwiseForward, "input"));
  });
}

// Sums over everything but the channels.
BELAY_OP(BiasAddGrad) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("x");
    if (x.rank() < 2) Fail("x has rank {}, but needs channels", x.rank());
    const std::string format = b.Str("data_format");
    const int channels = x.rank() > 2 && format.size() > 1 && format[1] == 'C' ? 1 : x.rank() - 1;
    std::vector<int> axes = AxisRange(0, x.rank());
    axes.erase(axes.begin() + channels);
    b.Out("y", Sum(x, axes, false));
  });
}

}  // namespace belay
