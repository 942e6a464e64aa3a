// Sequences of tensors.
#include "ops/sequence.h"

namespace belay {
namespace {

Tensor Maybe(const Body& b, const char* input) { return b.Has(input) ? b.Raw(input) : Tensor(); }

}  // namespace

BELAY_OP(SequenceConstruct) {
  op.FromOnnx("SequenceConstruct");
  op.Computes([](Body& b) { b.OutRaw("handle", MakeSequence(b.builder(), b.RawIns("inputs"))); });
}

BELAY_OP(SequenceEmpty) {
  op.FromOnnx("SequenceEmpty", 11, [](OnnxNode& n) {
    n.Output(0, n.Emit("SequenceEmpty", {}, {{"dtype", GeType(OnnxDType(n.Int("dtype", 1)))}}));
  });
  op.Computes([](Body& b) { b.OutRaw("handle", MakeSequence(b.builder(), {}, b.Type("dtype"))); });
}

BELAY_OP(SequenceInsert) {
  op.FromOnnx("SequenceInsert");
  op.Computes([](Body& b) { b.OutRaw("handle_y", Insert(b.Raw("handle"), b.Raw("value"), Maybe(b, "index"))); });
}

BELAY_OP(SequenceErase) {
  op.FromOnnx("SequenceErase");
  op.Computes([](Body& b) { b.OutRaw("handle_y", Erase(b.Raw("handle"), Maybe(b, "index"))); });
}

BELAY_OP(SequenceAt) {
  op.FromOnnx("SequenceAt");
  op.Computes([](Body& b) { b.OutRaw("y", ElementAt(b.Raw("handle"), b.Raw("index"))); });
}

BELAY_OP(SequenceLength) {
  op.FromOnnx("SequenceLength");
  op.Computes([](Body& b) { b.OutRaw("length", LengthOf(b.Raw("handle"))); });
}

BELAY_OP(SplitToSequence) {
  op.FromOnnx("SplitToSequence");
  op.Computes([](Body& b) {
    b.OutRaw("handle", SplitIntoSequence(b.Raw("x"), b.Int("axis"), Maybe(b, "split"), b.Bool("keepdims")));
  });
}

BELAY_OP(ConcatFromSequence) {
  op.FromOnnx("ConcatFromSequence");
  op.Computes([](Body& b) {
    b.OutRaw("y", ConcatElements(b.Raw("handle"), b.Int("axis"), b.Int("new_axis") != 0));
  });
}

}  // namespace belay
