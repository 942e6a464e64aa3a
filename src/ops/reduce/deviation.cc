// Standard deviations over axes: sqrt(sum((x - mean)^2) / (n - correction)).
#include "ops/support.h"

namespace belay {
namespace {

struct Deviation {
  std::vector<int> axes;
  bool keep = false;
  int64_t correction = 0;
};

// mean broadcasts to x.
Tensor DeviationOf(const Tensor& x, const Tensor& mean, const Deviation& d) {
  Builder& b = x.builder();
  Dim count(1);
  for (int axis : d.axes) count = count * x.dim(axis);
  Tensor divisor = b.FromDim(x.dtype(), Max(count - Dim(d.correction), 0));
  return Sqrt(Sum(Square(x - mean), d.axes, d.keep) / divisor);
}

Deviation Read(const Body& b, const Tensor& x) {
  return {NormalizeAxes(b.Ints("dim"), x.rank(), "dim", true), b.Bool("keepdim")};
}

}  // namespace

BELAY_OP(ReduceStd) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    Deviation d = Read(b, x);
    d.correction = b.Bool("unbiased") ? 1 : 0;
    b.Out("y1", DeviationOf(x, Mean(x, d.axes), d));
    if (b.Wants("y2")) b.Out("y2", Mean(x, d.axes, d.keep));
  });
}

BELAY_OP(ReduceStdV2) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    Deviation d = Read(b, x);
    d.correction = b.Int("correction");
    b.Out("std", DeviationOf(x, Mean(x, d.axes), d));
    if (b.Wants("mean")) b.Out("mean", Mean(x, d.axes, d.keep));
  });
}

BELAY_OP(ReduceStdWithMean) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    if (b.Bool("invert")) FailNotSupported("invert");
    Deviation d = Read(b, x);
    d.correction = b.Bool("unbiased") ? b.Int("correction") : 0;
    b.Out("y", DeviationOf(x, b.In("mean"), d));
  });
}

}  // namespace belay
