// One step of ONNX's optimisers; the tensors come in groups of equal length: values, gradients, states.
#include <cmath>

#include "ops/support.h"

namespace belay {
namespace {

struct Step {
  std::vector<std::vector<Tensor>> groups;  // groups[k][i]: the k-th tensor of the i-th variable
  Tensor rate, count;                       // rank 0, in the variables' dtype
  size_t variables() const { return groups[0].size(); }
};

Step ReadStep(Body& b, size_t kinds) {
  const std::vector<Tensor> all = b.Ins("inputs");
  if (all.empty() || all.size() % kinds != 0) Fail("{} tensors are no {} groups of equal length", all.size(), kinds);
  Step s;
  const size_t variables = all.size() / kinds;
  for (size_t k = 0; k < kinds; ++k) {
    s.groups.emplace_back(all.begin() + k * variables, all.begin() + (k + 1) * variables);
  }
  const DType dtype = all[0].dtype();
  s.rate = Cast(Reshape(b.In("R"), {}), dtype);
  s.count = Cast(Reshape(b.In("T"), {}), dtype);
  return s;
}

// The new values of all variables, then their first states, and so on.
void OutGroups(Body& b, const std::vector<std::vector<Tensor>>& groups) {
  std::vector<Tensor> all;
  for (const std::vector<Tensor>& group : groups) all.insert(all.end(), group.begin(), group.end());
  b.Outs("outputs", all);
}

// The gradient of the loss and of coefficient / 2 * |x|^2.
Tensor Regularized(const Body& b, const Tensor& x, const Tensor& gradient) {
  const double coefficient = b.Float("norm_coefficient");
  return coefficient == 0 ? gradient : x * coefficient + gradient;
}

void AdagradBody(Body& b) {
  Step s = ReadStep(b, 3);
  Tensor rate = s.rate / (s.count * b.Float("decay_factor") + 1.0);
  std::vector<std::vector<Tensor>> out(2);
  for (size_t i = 0; i < s.variables(); ++i) {
    Tensor x = s.groups[0][i], g = Regularized(b, x, s.groups[1][i]), h = s.groups[2][i] + Square(g);
    out[0].push_back(x - rate * g / (Sqrt(h) + b.Float("epsilon")));
    out[1].push_back(h);
  }
  OutGroups(b, out);
}

void AdamBody(Body& b) {
  Step s = ReadStep(b, 4);
  const double alpha = b.Float("alpha"), beta = b.Float("beta");
  // Attributes are f32; a power of 0 steps would divide by zero.
  Tensor steps = Max(s.count, 1.0);
  Tensor corrected = Sqrt(1.0 - Pow(beta, steps)) / (1.0 - Pow(alpha, steps));
  Tensor rate = Select(Greater(s.count, 0.0), s.rate * corrected, s.rate);
  std::vector<std::vector<Tensor>> out(3);
  for (size_t i = 0; i < s.variables(); ++i) {
    Tensor x = s.groups[0][i], g = Regularized(b, x, s.groups[1][i]);
    Tensor v = s.groups[2][i] * alpha + g * (1 - alpha), h = s.groups[3][i] * beta + Square(g) * (1 - beta);
    Tensor next = x - rate * v / (Sqrt(h) + b.Float("epsilon"));
    out[0].push_back(next * (1 - b.Float("norm_coefficient_post")));
    out[1].push_back(v);
    out[2].push_back(h);
  }
  OutGroups(b, out);
}

void MomentumBody(Body& b) {
  Step s = ReadStep(b, 3);
  const std::string mode = b.Str("mode");
  if (mode != "standard" && mode != "nesterov") Fail("mode is '{}', but must be standard or nesterov", mode);
  const double alpha = b.Float("alpha");
  Builder& builder = b.builder();
  auto number = [&](double value) { return builder.Scalar(s.count.dtype(), value); };
  Tensor beta = Select(Greater(s.count, 0.0), number(b.Float("beta")), number(1));
  std::vector<std::vector<Tensor>> out(2);
  for (size_t i = 0; i < s.variables(); ++i) {
    Tensor x = s.groups[0][i], g = Regularized(b, x, s.groups[1][i]), v = s.groups[2][i] * alpha + beta * g;
    out[0].push_back(x - s.rate * (mode == "standard" ? v : g + v * alpha));
    out[1].push_back(v);
  }
  OutGroups(b, out);
}

OnnxRuleFn Optimizer(const char* ge_op) {
  return [ge_op](OnnxNode& n) {
    AttrMap attrs;
    for (const AttrProto& a : FindPrototype(ge_op)->attrs) {
      if (!n.HasAttr(a.name)) continue;
      if (std::string_view(a.type) == "String") {
        attrs[a.name] = n.Str(a.name, "");
      } else {
        attrs[a.name] = n.Float(a.name, 0);
      }
    }
    std::vector<ModelEdge> inputs;
    for (int i = 0; i < n.input_count(); ++i) inputs.push_back(n.Input(i));
    const std::vector<ModelEdge> y = n.EmitN(ge_op, inputs, attrs, n.output_count());
    n.OutputAll(y);
  };
}

const std::vector<DType> kTrainable = {DType::kF32, DType::kF64};

}  // namespace

BELAY_OP(OnnxAdagrad) {
  op.FromOnnx("ai.onnx.preview.training::Adagrad", 1, Optimizer("OnnxAdagrad"));
  op.Dtypes("inputs", kTrainable).Computes(AdagradBody);
}

BELAY_OP(OnnxAdam) {
  op.FromOnnx("ai.onnx.preview.training::Adam", 1, Optimizer("OnnxAdam"));
  op.Dtypes("inputs", kTrainable).Computes(AdamBody);
}

BELAY_OP(OnnxMomentum) {
  op.FromOnnx("ai.onnx.preview.training::Momentum", 1, Optimizer("OnnxMomentum"));
  op.Dtypes("inputs", kTrainable).Computes(MomentumBody);
}

}  // namespace belay
