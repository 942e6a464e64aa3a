// Losses over class scores [N, C, d...] and labels [N, d...].
#include "ops/gradient.h"

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

struct CrossEntropy {
  Tensor loss, gradient;  // [N], and [N, C] of the loss by the scores
};

// Of softmax(x) against a distribution over the last dim.
CrossEntropy SoftmaxCrossEntropy(const Tensor& x, const Tensor& labels) {
  const int last = x.rank() - 1;
  Tensor z = x - MaxOver(x, {last});
  Tensor e = ExpFlushed(z), sum = Sum(e, {last});
  return {Sum(labels * (Log(sum) - z), {last}, false), e / sum - labels};
}

void CheckScores(const Tensor& x) {
  if (x.rank() != 2) Fail("features has rank {}, but needs 2", x.rank());
}

Tensor Reduced(const Body& b, const Tensor& loss) {
  const std::string reduction = b.Str("reduction");
  const std::vector<int> all = AxisRange(0, loss.rank());
  if (reduction == "none") return loss;
  if (reduction == "sum") return Sum(loss, all, false);
  if (reduction == "mean") return Mean(loss, all, false);
  Fail("reduction is '{}', but must be none, sum or mean", reduction);
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
    Tensor log_prob = z - Log(Sum(ExpFlushed(z), {1}));
    b.Out("loss", NegativeLogLikelihood(b, log_prob, b.Raw("labels"), OptionalIn(b, "weights"),
                                        b.HasAttr("ignore_index")).value);
    if (b.Wants("log_prop")) b.Out("log_prop", log_prob);
  });
}

BELAY_OP(NLLLossGrad) {
  op.Dtypes("x", kFloats).Dtypes("target", kIndices).Computes([](Body& b) {
    Tensor x = b.In("x");
    Loss loss = NegativeLogLikelihood(b, x, b.Raw("target"), OptionalIn(b, "weight"), true);
    b.Out("x_grad", Gradient(loss.value, Reshape(b.In("y_grad"), loss.value.shape()), x));
  });
}

BELAY_OP(SoftmaxCrossEntropyWithLogits) {
  op.Dtypes("features", kFloats).Computes([](Body& b) {
    Tensor x = b.In("features"), labels = b.In("labels");
    const Shape shape = BroadcastShapes(b.builder(), {x.shape(), labels.shape()});
    x = BroadcastTo(x, shape);
    CheckScores(x);
    CrossEntropy c = SoftmaxCrossEntropy(x, BroadcastTo(labels, shape));
    b.Out("loss", c.loss);
    b.Out("backprop", c.gradient);
  });
}

// labels: the class of each row.
BELAY_OP(SparseSoftmaxCrossEntropyWithLogits) {
  op.Dtypes("features", kFloats).Dtypes("labels", kIndices).Computes([](Body& b) {
    Tensor x = b.In("features"), labels = b.Raw("labels");
    CheckScores(x);
    Tensor classes = b.builder().Iota(labels.dtype(), {Dim(1), x.dim(1)}, 1);
    CrossEntropy c = SoftmaxCrossEntropy(x, Cast(Equal(Unsqueeze(labels, {1}), classes), x.dtype()));
    b.Out("loss", c.loss);
    b.Out("backprop", c.gradient);
  });
}

BELAY_OP(MseLoss) {
  op.Dtypes("predict", kFloats).Computes([](Body& b) {
    b.Out("y", Reduced(b, Square(b.In("predict") - b.In("label"))));
  });
}
BELAY_OP(MseLossGrad) {
  op.Dtypes("predict", kFloats).Computes([](Body& b) {
    Tensor x = b.In("predict"), dout = b.In("dout");
    Tensor y = Reduced(b, Square(x - b.In("label")));
    b.Out("y", Gradient(y, y.rank() == 0 ? Reshape(dout, {}) : dout, x));
  });
}

}  // namespace belay
