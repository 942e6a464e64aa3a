// Softmax and its relatives.
#include "ops/support.h"

namespace belay {
namespace {

std::vector<int> AxesOf(const Body& b, const Tensor& x) {
  return NormalizeAxes(b.Ints("axes"), x.rank(), "axes");
}

// Before opset 13 these operators flattened x to two dims at `axis` (default 1).
OnnxRuleFn Flattening(const char* ge_op) {
  return [ge_op](OnnxNode& n) {
    AttrMap attrs = {{"axes", std::vector<int64_t>{n.Int("axis", 1)}}, {"from_axis", int64_t{1}}};
    n.Output(0, n.Emit(ge_op, {n.Input(0)}, attrs));
  };
}
OnnxRuleFn AlongOneAxis(const char* ge_op) {
  return [ge_op](OnnxNode& n) {
    n.Output(0, n.Emit(ge_op, {n.Input(0)}, {{"axes", std::vector<int64_t>{n.Int("axis", -1)}}}));
  };
}

// axes, or with the mark of the older ONNX form all dims from the axis on.
std::vector<int> WideAxes(const Body& b, const Tensor& x) {
  if (!HiddenInt(b, "from_axis", 0)) return AxesOf(b, x);
  const int64_t axis = b.Ints("axes")[0];
  if (axis == x.rank()) return {};
  return AxisRange(NormalizeAxis(axis, x.rank(), "axis"), x.rank());
}

}  // namespace

BELAY_OP(SoftmaxV2) {
  op.FromOnnx("Softmax", 1, Flattening("SoftmaxV2"));
  op.FromOnnx("Softmax", 13, AlongOneAxis("SoftmaxV2"));
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    Tensor y = Softmax(x, WideAxes(b, x));
    if (b.Bool("half_to_float")) return b.OutRaw("y", y);
    b.Out("y", y);
  });
}

// z - log(sum(exp(z))) where z = x - max(x): the shift keeps exp from overflowing.
BELAY_OP(LogSoftmaxV2) {
  op.FromOnnx("LogSoftmax", 1, Flattening("LogSoftmaxV2"));
  op.FromOnnx("LogSoftmax", 13, AlongOneAxis("LogSoftmaxV2"));
  op.Dtypes("logits", kFloats).Computes([](Body& b) {
    Tensor x = b.In("logits");
    const std::vector<int> axes = WideAxes(b, x);
    Tensor z = x - MaxOver(x, axes);
    b.Out("logsoftmax", z - Log(Sum(ExpFlushed(z), axes)));
  });
}

// 1 at the first maximum along the axis, 0 elsewhere.
BELAY_OP(HardMax) {
  op.FromOnnx("Hardmax", 1, [](OnnxNode& n) {
    n.Output(0, n.Emit("HardMax", {n.Input(0)},
                       {{"axis", n.Int("axis", 1)}, {"from_axis", int64_t{1}}}));
  });
  op.FromOnnx("Hardmax", 13, [](OnnxNode& n) {
    n.Output(0, n.Emit("HardMax", {n.Input(0)}, {{"axis", n.Int("axis", -1)}}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    const Shape shape = x.shape();
    int axis = NormalizeAxis(b.Int("axis"), x.rank(), "axis");
    if (HiddenInt(b, "from_axis", 0)) {
      Dim rows(1), columns(1);
      for (int d = 0; d < x.rank(); ++d) (d < axis ? rows : columns) = (d < axis ? rows : columns) * x.dim(d);
      x = Reshape(x, {rows, columns});
      axis = 1;
    }
    Tensor best = Reduce(ReduceKind::kArgMax, x, {axis}, true);
    Tensor hit = Equal(b.builder().Iota(DType::kI64, x.shape(), axis), best);
    b.Out("y", Reshape(Cast(hit, x.dtype()), shape));
  });
}

}  // namespace belay
