// ONNX's optionals; since opset 18 tensors and sequences count as optionals that are there.
#include "ops/sequence.h"

namespace belay {

BELAY_OP(OnnxOptional) {
  op.FromOnnx("Optional", 15, [](OnnxNode& n) {
    n.Output(0, n.Emit("OnnxOptional", {n.Input(0)}, {{"element", n.TypeAttr("type")}}));
  });
  op.Computes([](Body& b) {
    std::vector<Tensor> element;
    if (b.Has("input")) element.push_back(b.Raw("input"));
    b.OutRaw("output", MakeOptional(b.builder(), element, DecodeElement(b.Ints("element"))));
  });
}

BELAY_OP(OnnxOptionalHasElement) {
  op.FromOnnx("OptionalHasElement", 15);
  op.Computes([](Body& b) {
    b.OutRaw("output", b.Has("input") ? HasElement(b.Raw("input")) : b.builder().ScalarInt(DType::kBool, 0));
  });
}

BELAY_OP(OnnxOptionalGetElement) {
  op.FromOnnx("OptionalGetElement", 15);
  op.Computes([](Body& b) { b.OutRaw("output", GetElement(b.Raw("input"))); });
}

}  // namespace belay
