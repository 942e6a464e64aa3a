// Constants and operators that pass values through.
#include "ops/support.h"

namespace belay {
namespace {

void ConstantBody(Body& b) {
  LiteralPtr value = b.Value("value");
  if (!value) Fail("value is not set");
  b.OutRaw("y", b.builder().Constant(value));
}

LiteralPtr OnnxConstantValue(OnnxNode& n) {
  if (n.HasAttr("value")) return n.TensorAttr("value");
  if (n.HasAttr("value_float")) return LiteralFromDoubles(DType::kF32, {}, {n.Float("value_float", 0)});
  if (n.HasAttr("value_int")) return LiteralFromInts(DType::kI64, {}, {n.Int("value_int", 0)});
  if (n.HasAttr("value_floats")) {
    const std::vector<double> v = n.Floats("value_floats");
    return LiteralFromDoubles(DType::kF32, {static_cast<int64_t>(v.size())}, v);
  }
  if (n.HasAttr("value_ints")) {
    const std::vector<int64_t> v = n.Ints("value_ints");
    return LiteralFromInts(DType::kI64, {static_cast<int64_t>(v.size())}, v);
  }
  n.Fail("only the attributes value, value_float(s) and value_int(s) are supported");
}

}  // namespace

BELAY_OP(Const) {
  op.FromOnnx("Constant", 1, [](OnnxNode& n) { n.Output(0, n.Const(OnnxConstantValue(n))); });
  op.Computes(ConstantBody);
}
BELAY_OP(Constant) { op.Computes(ConstantBody); }

BELAY_OP(Identity) {
  op.FromOnnx("Identity");
  // Before opset 12 only the form for inference is meant; the mask is bool from opset 10 on.
  op.FromOnnx("Dropout", 1, [](OnnxNode& n) {
    n.Output(0, n.Emit("Identity", {n.Input(0)}));
    if (!n.HasOutput(1)) return;
    ModelEdge ones = n.Emit("OnesLike", {n.Input(0)});
    n.Output(1, n.opset() < 10 ? ones : n.Emit("Cast", {ones}, {{"dst_type", GeType(DType::kBool)}}));
  });
  op.Computes([](Body& b) { b.OutRaw("y", b.Raw("x")); });
}
BELAY_OP(StopGradient) {
  op.Computes([](Body& b) { b.OutRaw(OutputName(b, 0), b.Raw(InputName(b, 0))); });
}
BELAY_OP(NoOp) {
  op.Computes([](Body&) {});
}

// The session shows its input to the program; a graph that runs on a stream has nobody to show it to.
BELAY_OP(Summary) {
  op.Computes([](Body&) {});
}

// Its elements have no meaning; zeros are as good as any.
BELAY_OP(Empty) {
  op.Computes([](Body& b) {
    b.OutRaw("y", Full(b.builder(), b.Dims("shape"), b.Type("dtype"), 0));
  });
}

}  // namespace belay
