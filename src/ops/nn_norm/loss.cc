// Losses over class scores [N, C, d...] and labels [N, d...].
#include "ops/support.h"

namespace belay {
namespace {

struct Loss {
  Tensor value, total_weight;
};

// Minus the chosen entries of log_prob; ignored labels weigh nothing.
Loss NegativeLogLikelihood(const Body& b, const Tensor& log_prob, const Tensor& target, const Tensor& weight,
                           bool ignores) {
  Tensor labels = Cast(target, DType::kI64), chosen = labels;
  if (log_prob.rank() < 2 || labels.rank() != log_prob.rank() - 1) {
    Fail("the scores have rank {}, but the labels have {}", log_prob.rank(), labels.rank());
  }
  Tensor ignored;
  if (ignores) {
    ignored = Equal(labels, static_cast<double>(b.Int("ignore_index")));
    chosen = Select(ignored, ZeroLike(labels), labels);
  }
  Shape shape = log_prob.shape();
  shape[1] = 1;
  std::vector<int> axes = AxisRange(0, log_prob.rank());
  axes[1] = -1;
  Tensor picked = Squeeze(Gather(log_prob, {BroadcastTo(Unsqueeze(chosen, {1}), shape)}, axes, shape), {1});
  Tensor w = weight ? GatherAxis(weight, chosen, 0) : Full(log_prob.builder(), labels.shape(), log_prob.dtype(), 1);
  if (ignores) w = Select(ignored, ZeroLike(w), w);
  Tensor loss = -picked * w;
  const std::vector<int> all = AxisRange(0, loss.rank());
  Tensor total = Sum(w, all, false);
  const std::string reduction = b.Str("reduction");
  if (reduction == "none") return {loss, total};
  if (reduction != "sum" && reduction != "mean") Fail("reduction is '{}', but must be none, sum or mean", reduction);
  Tensor sum = Sum(loss, all, false);
  return {reduction == "sum" ? sum : sum / total, total};
}

Tensor OptionalIn(const Body& b, const char* name) { return b.Has(name) ? b.In(name) : Tensor(); }

AttrMap LossAttrs(OnnxNode& n) {
  AttrMap attrs = {{"reduction", n.Str("reduction", "mean")}};
  if (n.HasAttr("ignore_index")) attrs["ignore_index"] = n.Int("ignore_index", 0);
  return attrs;
}

std::vector<ModelEdge> ThreeInputs(OnnxNode& n) {
  return {n.Input(0), n.Input(1), n.HasInput(2) ? n.Input(2) : ModelEdge{}};
}

}  // namespace

BELAY_OP(NLLLoss) {
  op.FromOnnx("NegativeLogLikelihoodLoss", 12, [](OnnxNode& n) {
    AttrMap attrs = LossAttrs(n);
    n.Output(0, n.EmitN("NLLLoss", ThreeInputs(n), attrs, 0)[0]);
  });
  op.Dtypes("x", kFloats).Dtypes("target", kIndices).Computes([](Body& b) {
    Loss loss = NegativeLogLikelihood(b, b.In("x"), b.Raw("target"), OptionalIn(b, "weight"), true);
    b.Out("y", loss.value);
    if (b.Wants("total_weight")) b.Out("total_weight", loss.total_weight);
  });
}

BELAY_OP(SoftmaxCrossEntropyLoss) {
  op.FromOnnx("SoftmaxCrossEntropyLoss", 12, [](OnnxNode& n) {
    std::vector<ModelEdge> y = n.EmitN("SoftmaxCrossEntropyLoss", ThreeInputs(n), LossAttrs(n), 0);
    n.Output(0, y[0]);
    if (n.HasOutput(1)) n.Output(1, y[1]);
  });
  op.Dtypes("scores", kFloats).Dtypes("labels", kIndices).Computes([](Body& b) {
    Tensor x = b.In("scores");
    Tensor z = x - MaxOver(x, {1});
    Tensor log_prob = z - Log(Sum(Exp(z), {1}));
    b.Out("loss", NegativeLogLikelihood(b, log_prob, b.Raw("labels"), OptionalIn(b, "weights"),
                                        b.HasAttr("ignore_index")).value);
    if (b.Wants("log_prop")) b.Out("log_prop", log_prob);
  });
}

}  // namespace belay
