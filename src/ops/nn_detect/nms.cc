// Non-maximum suppression.
#include "ops/support.h"

namespace belay {
namespace {

Tensor OneOf(Body& b, const char* input, DType dtype, double fallback) {
  if (!b.Has(input)) return Reshape(b.builder().Scalar(dtype, fallback), {Dim(1)});
  return Reshape(Cast(b.In(input), dtype), {Dim(1)});
}

void SuppressBody(Body& b) {
  Tensor boxes = b.In("boxes"), scores = b.In("scores");
  if (boxes.rank() != 3 || scores.rank() != 3) {
    Fail("boxes and scores have ranks {} and {}, but need 3", boxes.rank(), scores.rank());
  }
  const auto equal = [&](const Dim& x, const Dim& y) { return b.builder().Assume(Equal(x, y), true); };
  if (!equal(boxes.dim(0), scores.dim(0)) || !equal(boxes.dim(1), scores.dim(2)) || !equal(boxes.dim(2), 4)) {
    Fail("boxes have shape {} and scores {}, but must be [batches, boxes, 4] and [batches, classes, boxes]",
         ToString(boxes.shape()), ToString(scores.shape()));
  }
  std::vector<int> ids;
  const Dim n = b.builder().NewBound("boxes", &ids);
  Tensor rows = Call("non_max_suppression",
                     {boxes, scores, OneOf(b, "max_output_size", DType::kI64, 0),
                      OneOf(b, "iou_threshold", DType::kF32, 0), OneOf(b, "score_threshold", DType::kF32, 0)},
                     {{DType::kI64, {n, Dim(3)}}},
                     {{"center_point_box", b.Int("center_point_box")},
                      {"filter_scores", b.Has("score_threshold")}},
                     ids)[0];
  b.OutRaw("selected_indices", Cast(rows, DType::kI32));
}

}  // namespace

BELAY_OP(NonMaxSuppressionV6) {
  op.FromOnnx("NonMaxSuppression", 10, [](OnnxNode& n) {
    std::vector<ModelEdge> inputs;
    for (int i = 0; i < 5; ++i) inputs.push_back(n.Input(i));
    if (n.HasInput(2)) inputs[2] = n.Emit("Cast", {inputs[2]}, {{"dst_type", GeType(DType::kI32)}});
    ModelEdge y = n.Emit("NonMaxSuppressionV6", inputs, {{"center_point_box", n.Int("center_point_box", 0)}});
    n.Output(0, n.Emit("Cast", {y}, {{"dst_type", GeType(DType::kI64)}}));
  });
  op.Dtypes("boxes", kFloats).Computes(SuppressBody);
}
BELAY_OP(NonMaxSuppressionV7) { op.Dtypes("boxes", kFloats).Computes(SuppressBody); }

}  // namespace belay
