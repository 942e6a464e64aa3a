// Branches, loops and calls of subgraphs. What is decided at compile time disappears: the chosen subgraph is
// put into the graph. The rest becomes kIf and kWhile.
#include <algorithm>
#include <map>

#include "ops/functional/loops.h"

namespace belay {

const ModelGraph& SubgraphOf(const Body& b, const char* name) {
  auto it = b.node().subgraphs.find(name);
  if (it == b.node().subgraphs.end() || it->second.empty() || !it->second[0]) {
    Fail("subgraph {} is required, but not set", name);
  }
  return *it->second[0];
}

std::vector<Tensor> CopyInto(Builder& to, const Graph& from, const std::vector<Tensor>& arguments) {
  std::map<const Node*, Node*> copies;
  for (Node* node : TopologicalOrder(from)) {
    if (node->op == Op::kInput) {
      copies[node] = arguments[node->index].node();
      continue;
    }
    std::vector<Node*> inputs;
    for (Node* in : node->inputs) inputs.push_back(copies.at(in));
    copies[node] = CopyNode(to.graph(), *node, inputs);
  }
  std::vector<Tensor> results;
  for (Node* out : from.outputs) results.push_back(to.Wrap(copies.at(out)));
  return results;
}

namespace {

// A tensor counts as true when it is not zero; one that is no scalar, when it has elements.
Tensor Truth(const Tensor& t) {
  if (t.rank() > 0 && !NumElements(t.shape()).IsConst(1)) {
    return t.builder().FromDim(DType::kBool, Dim(1) - Equal(NumElements(t.shape()), 0));
  }
  Tensor scalar = Reshape(t, {});
  return scalar.dtype() == DType::kBool ? scalar : NotEqual(scalar, 0.0);
}

struct Choice {
  bool known = false, value = false;
};
Choice Decided(const Tensor& condition) {
  const auto& contents = condition.node()->contents;
  if (contents && contents->size() == 1) return {true, condition.builder().Assume((*contents)[0], true)};
  if (condition.node()->literal) return {true, LiteralToInts(*condition.node()->literal)[0] != 0};
  return {};
}

std::vector<TensorType> TypesOf(const std::vector<Tensor>& tensors) {
  std::vector<TensorType> types;
  for (const Tensor& t : tensors) types.push_back(t.node()->type);
  return types;
}

std::vector<Node*> NodesOf(const std::vector<Tensor>& tensors) {
  std::vector<Node*> nodes;
  for (const Tensor& t : tensors) nodes.push_back(t.node());
  return nodes;
}

// Extents that two ways to a result do not share are symbols that the run binds.
class Joiner {
 public:
  explicit Joiner(Builder& b) : b_(b), outer_symbols_(static_cast<int>(b.root().symbols.size())) {}

  TensorType Join(const TensorType& x, const TensorType& y, const char* what) {
    if (x.dtype != y.dtype || x.shape.size() != y.shape.size()) {
      FailNotSupported("{} of {} on one way and {} on the other", what, ToString(x), ToString(y));
    }
    TensorType joined = x;
    for (size_t d = 0; d < x.shape.size(); ++d) {
      if (x.shape[d] != y.shape[d] || IsInner(x.shape[d])) joined.shape[d] = Fresh();
    }
    return joined;
  }
  // A result of a subgraph as the graph around it sees it.
  TensorType FromInside(TensorType type) {
    for (Dim& d : type.shape) {
      if (IsInner(d)) d = Fresh();
    }
    return type;
  }
  Dim Fresh() {
    const Dim symbol = b_.NewSymbol("extent");
    symbol.CollectSymbols(&binds_);
    return symbol;
  }
  const std::vector<int>& binds() const { return binds_; }
  bool Binds(const Dim& d) const {
    return std::any_of(binds_.begin(), binds_.end(), [&](int id) { return d == Dim::Symbol(id); });
  }

 private:
  // Symbols that a subgraph binds mean nothing outside of it.
  bool IsInner(const Dim& d) const {
    std::vector<int> ids;
    d.CollectSymbols(&ids);
    return std::any_of(ids.begin(), ids.end(), [&](int id) {
      return id >= outer_symbols_ && std::find(binds_.begin(), binds_.end(), id) == binds_.end();
    });
  }

  Builder& b_;
  const int outer_symbols_;
  std::vector<int> binds_;
};

std::vector<Tensor> Results(Builder& b, Node* node) {
  if (node->call_types.size() == 1) return {b.Wrap(node)};
  std::vector<Tensor> results;
  for (size_t k = 0; k < node->call_types.size(); ++k) {
    Node* get = b.graph().Add(Op::kGetOutput, {node}, node->call_types[k]);
    get->index = static_cast<int>(k);
    results.push_back(b.Wrap(get));
  }
  return results;
}

void IfBody(Body& b) {
  Builder& builder = b.builder();
  Tensor condition = Truth(b.Raw("cond"));
  const std::vector<Tensor> arguments = b.RawIns("input");
  const ModelGraph &then_graph = SubgraphOf(b, "then_branch"), &else_graph = SubgraphOf(b, "else_branch");
  if (Choice choice = Decided(condition); choice.known) {
    return b.Outs("output", b.inline_subgraph(choice.value ? then_graph : else_graph, arguments));
  }
  Joiner joiner(builder);
  auto yes = b.lower_subgraph(then_graph, TypesOf(arguments), arguments);
  auto no = b.lower_subgraph(else_graph, TypesOf(arguments), arguments);
  if (yes->outputs.size() != no->outputs.size() || yes->outputs.empty()) {
    Fail("the branches have {} and {} outputs", yes->outputs.size(), no->outputs.size());
  }
  std::vector<TensorType> types;
  for (size_t k = 0; k < yes->outputs.size(); ++k) {
    types.push_back(joiner.Join(yes->outputs[k]->type, no->outputs[k]->type, "a result"));
  }
  std::vector<Node*> inputs = {condition.node()};
  for (Node* n : NodesOf(arguments)) inputs.push_back(n);
  Node* node = builder.graph().Add(Op::kIf, inputs, types[0]);
  node->subgraphs = {yes, no};
  node->call_types = types;
  node->binds = joiner.binds();
  b.Outs("output", Results(builder, node));
}

// The types that stay the same from one turn to the next: extents that the body changes become symbols.
template <typename LowerFn>
std::shared_ptr<Graph> LowerUntilStable(std::vector<TensorType>* types, Joiner* joiner, LowerFn lower) {
  for (int round = 0; round < 8; ++round) {
    std::shared_ptr<Graph> body = lower(*types);
    bool stable = true;
    for (size_t k = 0; k < types->size(); ++k) {
      const TensorType next = body->outputs[k]->type, now = (*types)[k];
      if (next.dtype != now.dtype || next.shape.size() != now.shape.size()) {
        FailNotSupported("a loop whose value changes from {} to {}", ToString(now), ToString(next));
      }
      for (size_t d = 0; d < now.shape.size(); ++d) {
        std::vector<int> ids;
        now.shape[d].CollectSymbols(&ids);
        const bool open = ids.size() == 1 && now.shape[d] == Dim::Symbol(ids[0]) &&
                          std::find(joiner->binds().begin(), joiner->binds().end(), ids[0]) != joiner->binds().end();
        if (open || next.shape[d] == now.shape[d]) continue;
        (*types)[k].shape[d] = joiner->Fresh();
        stable = false;
      }
    }
    if (stable) return body;
  }
  FailNotSupported("a loop whose shapes do not settle");
}

std::vector<Tensor> MakeWhile(Builder& b, const std::vector<Tensor>& initial, const std::vector<TensorType>& types,
                              std::shared_ptr<Graph> condition, std::shared_ptr<Graph> body, std::vector<int> binds) {
  Node* node = b.graph().Add(Op::kWhile, NodesOf(initial), types[0]);
  node->subgraphs = {std::move(condition), std::move(body)};
  node->call_types = types;
  node->binds = std::move(binds);
  return Results(b, node);
}

void WhileBody(Body& b) {
  Builder& builder = b.builder();
  const std::vector<Tensor> initial = b.RawIns("input");
  if (initial.empty()) Fail("input has no instances");
  std::vector<TensorType> types = TypesOf(initial);
  Joiner joiner(builder);
  auto body = LowerUntilStable(&types, &joiner, [&](const std::vector<TensorType>& now) {
    auto graph = b.lower_subgraph(SubgraphOf(b, "body"), now, {});
    if (graph->outputs.size() != now.size()) {
      Fail("the body has {} outputs for {} values", graph->outputs.size(), now.size());
    }
    return graph;
  });
  auto condition = b.lower_subgraph(SubgraphOf(b, "cond"), types, {});
  Builder inner(condition.get(), &builder.root());
  if (condition->outputs.size() != 1) Fail("the condition has {} outputs", condition->outputs.size());
  condition->outputs = {Truth(inner.Wrap(condition->outputs[0])).node()};
  b.Outs("output", MakeWhile(builder, initial, types, condition, body, joiner.binds()));
}

// ONNX's Loop and Scan: carried are {turn, limit, go on, values..., collected scans..., captures...}.
class OnnxLoop {
 public:
  // inputs: limit, go on, values, captures. The first captures are a Scan's sequences; a Scan's body knows neither
  // the turn nor a condition.
  OnnxLoop(Body& b, std::vector<Tensor> inputs, int values, int scans, std::vector<ScanSequence> sequences = {})
      : b_(b), builder_(b.builder()), joiner_(builder_), inputs_(std::move(inputs)), sequences_(std::move(sequences)),
        values_(values), scans_(scans), captures_(static_cast<int>(inputs_.size()) - 2 - values) {}

  std::vector<Tensor> Run() {
    Tensor limit = Reshape(Cast(inputs_[0], DType::kI64), {}), go = Truth(inputs_[1]);
    std::vector<Tensor> initial = {builder_.ScalarInt(DType::kI64, 0), limit, go};
    initial.insert(initial.end(), inputs_.begin() + 2, inputs_.begin() + 2 + values_);
    initial_types_ = TypesOf(initial);
    FindScanTypes();
    std::vector<TensorType> types = initial_types_;
    const Dim turns = scans_ ? joiner_.Fresh() : Dim(0);
    for (const TensorType& scan : scan_types_) {
      Shape empty = scan.shape, open = scan.shape;
      for (Dim& d : empty) {
        if (joiner_.Binds(d)) d = 0;  // not known before the first turn
      }
      empty.insert(empty.begin(), Dim(0));
      open.insert(open.begin(), turns);
      initial.push_back(Full(builder_, empty, scan.dtype, 0));
      types.push_back({scan.dtype, open});
    }
    for (int i = 0; i < captures_; ++i) {
      initial.push_back(inputs_[2 + values_ + i]);
      types.push_back(initial.back().node()->type);
    }
    auto body = LowerUntilStable(&types, &joiner_, [&](const std::vector<TensorType>& now) { return BodyFor(now); });
    auto condition = std::make_shared<Graph>();
    Builder inner(condition.get(), &builder_.root());
    std::vector<Tensor> state = AddInputs(inner, types);
    condition->outputs = {And(state[2], Less(state[0], state[1])).node()};
    std::vector<Tensor> done = MakeWhile(builder_, initial, types, condition, body, joiner_.binds());
    return {done.begin() + 3, done.begin() + 3 + values_ + scans_};
  }

 private:
  bool IsScan() const { return !sequences_.empty(); }
  int FirstValue() const { return IsScan() ? 0 : 1; }  // among the outputs of the user's body

  static std::vector<Tensor> AddInputs(Builder& b, const std::vector<TensorType>& types) {
    std::vector<Tensor> inputs;
    for (size_t i = 0; i < types.size(); ++i) {
      inputs.push_back(b.Wrap(b.graph().AddInput(static_cast<int>(i), types[i])));
    }
    return inputs;
  }

  // The user's body: (turn, go on, values, captures) -> (go on, values, scans), or a Scan's.
  std::shared_ptr<Graph> UserBody(const std::vector<TensorType>& state) {
    std::vector<TensorType> types(state.begin() + 3, state.begin() + 3 + values_);
    if (!IsScan()) types.insert(types.begin(), {state[0], {DType::kBool, {}}});
    std::vector<Tensor> known(types.size());
    for (const ScanSequence& q : sequences_) {
      TensorType entry = q.x.node()->type;
      entry.shape.erase(entry.shape.begin() + q.axis);
      types.push_back(entry);
      known.emplace_back();
    }
    for (int i = static_cast<int>(sequences_.size()); i < captures_; ++i) {
      known.push_back(inputs_[2 + values_ + i]);
      types.push_back(known.back().node()->type);
    }
    auto graph = b_.lower_subgraph(SubgraphOf(b_, "body"), types, known);
    const int wanted = FirstValue() + values_ + scans_;
    if (static_cast<int>(graph->outputs.size()) != wanted) {
      Fail("the body has {} outputs, but {} are needed", graph->outputs.size(), wanted);
    }
    return graph;
  }

  std::vector<Tensor> Arguments(const std::vector<Tensor>& state) const {
    std::vector<Tensor> arguments(state.begin() + 3, state.begin() + 3 + values_);
    if (!IsScan()) arguments.insert(arguments.begin(), {state[0], state[2]});
    auto captured = state.end() - captures_;
    for (const ScanSequence& q : sequences_) {
      Tensor at = q.back ? state[1] - state[0] - 1.0 : state[0];
      arguments.push_back(GatherAxis(*captured++, at, q.axis, false));
    }
    arguments.insert(arguments.end(), captured, state.end());
    return arguments;
  }

  void FindScanTypes() {
    if (!scans_) return;
    auto graph = UserBody(initial_types_);
    for (int k = 0; k < scans_; ++k) {
      scan_types_.push_back(joiner_.FromInside(graph->outputs[FirstValue() + values_ + k]->type));
    }
  }

  std::shared_ptr<Graph> BodyFor(const std::vector<TensorType>& types) {
    auto user = UserBody(types);
    auto graph = std::make_shared<Graph>();
    Builder inner(graph.get(), &builder_.root());
    std::vector<Tensor> state = AddInputs(inner, types);
    std::vector<Tensor> out = CopyInto(inner, *user, Arguments(state));
    std::vector<Tensor> next = {state[0] + 1.0, state[1], IsScan() ? state[2] : Truth(out[0])};
    for (int i = 0; i < values_; ++i) next.push_back(out[FirstValue() + i]);
    for (int k = 0; k < scans_; ++k) {
      // Before the first turn the elements' extents may be unknown, but then there are none.
      Tensor element = Unsqueeze(out[FirstValue() + values_ + k], {0}), so_far = state[3 + values_ + k];
      Shape shape = element.shape();
      shape[0] = so_far.dim(0);
      next.push_back(Concat({Reshape(so_far, shape), element}, 0));
    }
    next.insert(next.end(), state.end() - captures_, state.end());
    graph->outputs = NodesOf(next);
    return graph;
  }

  Body& b_;
  Builder& builder_;
  Joiner joiner_;
  const std::vector<Tensor> inputs_;
  const std::vector<ScanSequence> sequences_;
  const int values_, scans_, captures_;
  std::vector<TensorType> initial_types_, scan_types_;
};

void LoopBody(Body& b) {
  b.Outs("output", OnnxLoop(b, b.RawIns("input"), static_cast<int>(HiddenInt(b, "loop_values", 0)),
                            static_cast<int>(HiddenInt(b, "loop_scans", 0))).Run());
}

void CallBody(Body& b) { b.Outs("output", b.inline_subgraph(SubgraphOf(b, "f"), b.RawIns("args"))); }

void OutputAll(OnnxNode& n, const std::vector<ModelEdge>& values) {
  for (int i = 0; i < n.output_count(); ++i) {
    if (n.HasOutput(i)) n.Output(i, values[i]);
  }
}

void OnnxIf(OnnxNode& n) {
  auto yes = n.GraphAttr("then_branch"), no = n.GraphAttr("else_branch");
  std::vector<ModelEdge> inputs = {n.Input(0)};
  for (const ModelEdge& e : n.GraphCaptures("then_branch")) inputs.push_back(e);
  std::vector<ModelEdge> y = n.EmitN("If", inputs, {}, n.output_count());
  n.SetSubgraph(y[0], "then_branch", yes);
  n.SetSubgraph(y[0], "else_branch", no);
  OutputAll(n, y);
}

void OnnxLoopRule(OnnxNode& n) {
  auto body = n.GraphAttr("body");
  const int values = std::max(0, n.input_count() - 2), scans = n.output_count() - values;
  std::vector<ModelEdge> inputs = {
      n.HasInput(0) ? n.Input(0) : n.Const(LiteralFromInts(DType::kI64, {}, {INT64_MAX})),
      n.HasInput(1) ? n.Input(1) : n.Const(LiteralFromInts(DType::kBool, {}, {1}))};
  for (int i = 2; i < n.input_count(); ++i) inputs.push_back(n.Input(i));
  for (const ModelEdge& e : n.GraphCaptures("body")) inputs.push_back(e);
  AttrMap attrs = {{"loop_values", int64_t{values}}, {"loop_scans", int64_t{scans}}, {"form", "loop"}};
  std::vector<ModelEdge> y = n.EmitN("While", inputs, attrs, n.output_count());
  n.SetSubgraph(y[0], "body", body);
  OutputAll(n, y);
}

}  // namespace

std::vector<Tensor> ScanByLoop(Body& b, const std::vector<Tensor>& states, const std::vector<ScanSequence>& sequences,
                               const std::vector<Tensor>& captures, int scans) {
  const Dim turns = sequences[0].x.dim(sequences[0].axis);
  std::vector<Tensor> inputs = {b.builder().FromDim(DType::kI64, turns), b.builder().ScalarInt(DType::kBool, 1)};
  inputs.insert(inputs.end(), states.begin(), states.end());
  for (const ScanSequence& q : sequences) inputs.push_back(q.x);
  inputs.insert(inputs.end(), captures.begin(), captures.end());
  return OnnxLoop(b, std::move(inputs), static_cast<int>(states.size()), scans, sequences).Run();
}

BELAY_OP(If) {
  op.FromOnnx("If", 1, OnnxIf).Computes(IfBody);
}
BELAY_OP(StatelessIf) { op.Computes(IfBody); }

// ONNX's loops keep their form until here, where the types of their values are known.
BELAY_OP(While) {
  op.FromOnnx("Loop", 1, OnnxLoopRule).FromOnnx("Scan", 8, OnnxScan8).FromOnnx("Scan", 9, OnnxScan);
  op.Computes([](Body& b) {
    const std::string form = HiddenStr(b, "form", "");
    if (form == "loop") return LoopBody(b);
    if (form == "scan" || form == "scan8") return ScanBody(b);
    WhileBody(b);
  });
}
BELAY_OP(StatelessWhile) { op.Computes(WhileBody); }

BELAY_OP(PartitionedCall) { op.Computes(CallBody); }
BELAY_OP(StatefulPartitionedCall) { op.Computes(CallBody); }

}  // namespace belay
