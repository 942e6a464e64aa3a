// ONNX's Gradient: a part of the graph, evaluated and derived at the values that its inputs give.
#include "ops/functional/loops.h"
#include "ops/gradient.h"

namespace belay {
namespace {

// inputs: the values of xs, those of zs, then what the subgraph captures.
void GradientBody(Body& b) {
  const std::vector<Tensor> values = b.RawIns("inputs");
  const int64_t variables = b.Int("variables");
  std::vector<TensorType> types;
  std::vector<Tensor> known;
  for (size_t i = 0; i < values.size(); ++i) {
    const bool variable = static_cast<int64_t>(i) < variables;
    if (variable && !IsFloat(values[i].dtype())) {
      Fail("variable {} is {}, but only floats have derivatives", i, DTypeName(values[i].dtype()));
    }
    types.push_back(values[i].node()->type);
    known.push_back(variable ? Tensor() : values[i]);
  }
  auto graph = b.lower_subgraph(SubgraphOf(b, "f"), types, known).graph;
  Builder inner(graph.get(), &b.builder().root());
  Tensor y = inner.Wrap(graph->outputs.at(0));
  if (!IsFloat(y.dtype())) Fail("y is {}, but only floats have derivatives", DTypeName(y.dtype()));
  std::vector<Tensor> xs;
  for (int64_t i = 0; i < variables; ++i) xs.push_back(inner.Wrap(graph->inputs[i]));
  graph->outputs.clear();
  const Tensor ones = Full(inner, y.shape(), y.dtype(), 1);
  for (const Tensor& dx : Gradients({{y, ones}}, xs)) graph->outputs.push_back(dx.node());
  b.Outs("outputs", CopyInto(b.builder(), *graph, values));
}

void OnnxGradient(OnnxNode& n) {
  std::vector<std::string> names = n.Strs("xs");
  const size_t variables = names.size();
  if (variables == 0) n.Fail("attribute xs names nothing");
  for (const std::string& z : n.Strs("zs")) names.push_back(z);
  if (n.input_count() != static_cast<int>(names.size())) {
    n.Fail(fmt::format("it has {} inputs, but xs and zs name {}", n.input_count(), names.size()));
  }
  std::shared_ptr<ModelGraph> part = n.GraphBetween(names, n.Str("y", ""));
  std::vector<ModelEdge> inputs;
  for (int i = 0; i < n.input_count(); ++i) inputs.push_back(n.Input(i));
  for (const ModelEdge& e : n.GraphCaptures("f")) inputs.push_back(e);
  std::vector<ModelEdge> y = n.EmitN("OnnxGradient", inputs, {{"variables", static_cast<int64_t>(variables)}},
                                     static_cast<int>(variables));
  n.SetSubgraph(y[0], "f", part);
  for (int i = 0; i < n.output_count() && i < static_cast<int>(variables); ++i) n.Output(i, y[i]);
}

}  // namespace

BELAY_OP(OnnxGradient) {
  op.FromOnnx("ai.onnx.preview.training::Gradient", 1, OnnxGradient).Computes(GradientBody);
}

}  // namespace belay
