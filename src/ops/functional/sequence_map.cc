// ONNX's SequenceMap: a subgraph for each element of sequences that are equally long.
#include <algorithm>

#include "ops/functional/loops.h"
#include "ops/sequence.h"

namespace belay {
namespace {

constexpr size_t kMostUnrolled = 16;

struct MapInputs {
  std::vector<Tensor> values;    // sequences, and tensors that every turn sees whole
  std::vector<Tensor> captures;  // of the subgraph
};

bool IsSequence(const Tensor& t) { return t.dtype() == DType::kResource; }

std::vector<Tensor> All(const MapInputs& in) {
  std::vector<Tensor> all = in.values;
  all.insert(all.end(), in.captures.begin(), in.captures.end());
  return all;
}

// The elements of every sequence, a single one for a tensor; empty where some are not known or there are many.
std::vector<std::vector<Tensor>> KnownOf(const MapInputs& in) {
  std::vector<std::vector<Tensor>> all;
  for (const Tensor& t : in.values) {
    const auto elements = IsSequence(t) ? KnownElements(t) : std::vector<Tensor>{t};
    if (!elements || elements->size() > kMostUnrolled) return {};
    if (IsSequence(t) && !all.empty() && elements->size() != all[0].size()) {
      Fail("the sequences have {} and {} elements", all[0].size(), elements->size());
    }
    all.push_back(*elements);
  }
  return all;
}

std::vector<Tensor> Unrolled(Body& b, const MapInputs& in, const std::vector<std::vector<Tensor>>& elements) {
  std::vector<std::vector<Tensor>> results(static_cast<size_t>(b.OutCount("output")));
  for (size_t i = 0; i < elements[0].size(); ++i) {
    std::vector<Tensor> arguments;
    for (size_t k = 0; k < elements.size(); ++k) arguments.push_back(elements[k][IsSequence(in.values[k]) ? i : 0]);
    arguments.insert(arguments.end(), in.captures.begin(), in.captures.end());
    const std::vector<Tensor> out = WrapAll(b.builder(), b.inline_subgraph(SubgraphOf(b, "body"), arguments).outputs);
    if (out.size() != results.size()) Fail("the body has {} outputs for {} sequences", out.size(), results.size());
    for (size_t k = 0; k < out.size(); ++k) results[k].push_back(out[k]);
  }
  std::vector<Tensor> sequences;
  for (const std::vector<Tensor>& r : results) sequences.push_back(MakeSequence(b.builder(), r));
  return sequences;
}

// Carried are {turn, length, results so far..., values..., captures...}.
std::vector<Tensor> Looped(Body& b, const MapInputs& in) {
  Builder& builder = b.builder();
  const auto results = static_cast<size_t>(b.OutCount("output"));
  std::vector<Tensor> initial = {builder.ScalarInt(DType::kI64, 0), LengthOf(in.values[0])};
  for (size_t k = 0; k < results; ++k) initial.push_back(MakeSequence(builder, {}));
  for (const Tensor& t : All(in)) initial.push_back(t);

  auto body = std::make_shared<Graph>(), condition = std::make_shared<Graph>();
  Builder inner(body.get(), &builder.root()), test(condition.get(), &builder.root());
  const std::vector<Tensor> state = AddInputs(inner, TypesOf(initial));
  std::vector<Tensor> arguments(state.begin() + 2 + static_cast<std::ptrdiff_t>(results), state.end()), known;
  for (size_t i = 0; i < in.values.size(); ++i) {
    if (IsSequence(arguments[i])) arguments[i] = ElementAt(arguments[i], state[0]);
    known.emplace_back();
  }
  known.insert(known.end(), in.captures.begin(), in.captures.end());
  auto user = b.lower_subgraph(SubgraphOf(b, "body"), TypesOf(arguments), known).graph;
  const std::vector<Tensor> out = CopyInto(inner, *user, arguments);
  if (out.size() != results) Fail("the body has {} outputs for {} sequences", out.size(), results);
  std::vector<Tensor> next = state;
  next[0] = state[0] + 1.0;
  for (size_t k = 0; k < results; ++k) next[2 + k] = Insert(state[2 + k], out[k], Tensor());
  body->outputs = NodesOf(next);

  const std::vector<TensorType> types = TypesOf(next);
  const std::vector<Tensor> at = AddInputs(test, types);
  condition->outputs = {Less(at[0], at[1]).node()};
  const std::vector<Tensor> done = MakeWhile(builder, initial, types, condition, body, {});
  return {done.begin() + 2, done.begin() + 2 + static_cast<std::ptrdiff_t>(results)};
}

}  // namespace

BELAY_OP(OnnxSequenceMap) {
  op.FromOnnx("SequenceMap", 17, [](OnnxNode& n) {
    auto body = n.GraphAttr("body");
    std::vector<ModelEdge> inputs;
    for (int i = 0; i < n.input_count(); ++i) inputs.push_back(n.Input(i));
    for (const ModelEdge& e : n.GraphCaptures("body")) inputs.push_back(e);
    std::vector<ModelEdge> y =
        n.EmitN("OnnxSequenceMap", inputs, {{"values", int64_t{n.input_count()}}}, n.output_count());
    n.SetSubgraph(y[0], "body", body);
    n.OutputAll(y);
  });
  op.Computes([](Body& b) {
    const std::vector<Tensor> inputs = b.RawIns("input");
    const int64_t values = b.Int("values");
    if (values < 1 || values > static_cast<int64_t>(inputs.size()) || !IsSequence(inputs[0])) {
      Fail("the first input is no sequence");
    }
    MapInputs in{{inputs.begin(), inputs.begin() + values}, {inputs.begin() + values, inputs.end()}};
    const std::vector<std::vector<Tensor>> elements = KnownOf(in);
    b.Outs("output", elements.empty() ? Looped(b, in) : Unrolled(b, in, elements));
  });
}

}  // namespace belay
