// Branches, loops and calls of subgraphs. What is decided at compile time disappears: the chosen subgraph is
// put into the graph. The rest becomes kIf and kWhile; what a subgraph writes leaves it as one more result.
#include <algorithm>

#include "ops/functional/loops.h"

namespace belay {
namespace {

// The subgraph takes the node's place.
void Inline(Body& b, const ModelGraph& model, const char* input, const char* output) {
  const LoweredSubgraph sub = b.inline_subgraph(model, b.Arguments(input));
  b.Outs(output, WrapAll(b.builder(), sub.outputs));
  for (size_t k = 0; k < sub.written.size(); ++k) {
    if (sub.written[k]) b.WriteArgument(input, k, b.builder().Wrap(sub.written[k]));
  }
  for (size_t o = 0; o < sub.same_as.size(); ++o) {
    if (sub.same_as[o] >= 0) b.SameMemory(output, static_cast<int>(o), input, static_cast<size_t>(sub.same_as[o]));
  }
}

// One of several subgraphs with the same arguments.
class Branches {
 public:
  Branches(Body& b, const std::vector<const ModelGraph*>& models)
      : b_(b), outer_symbols_(static_cast<int>(b.builder().root().symbols.size())), arguments_(b.Arguments("input")) {
    for (const ModelGraph* model : models) {
      branches_.push_back(b_.lower_subgraph(*model, TypesOf(arguments_), arguments_));
      if (branches_.back().outputs.size() != branches_[0].outputs.size()) {
        Fail("the branches have {} and {} outputs", branches_[0].outputs.size(), branches_.back().outputs.size());
      }
    }
    HandOutWritten();
  }

  // Takes branch 0 when `first`; else branch `index`, or the last where there is none of that number.
  void Choose(const Tensor& first, const Tensor& index) {
    if (branches_[0].graph->outputs.empty()) return;
    Builder& builder = b_.builder();
    const size_t declared = branches_[0].outputs.size(), count = arguments_.size();
    if (branches_.size() > 2) {
      arguments_.push_back(index);
      for (LoweredSubgraph& branch : branches_) {
        branch.graph->AddInput(static_cast<int>(count), index.node()->type);
      }
    }
    std::vector<Tensor> results = MakeIf(builder, first, arguments_, branches_[0].graph, Rest(1),
                                         Joiner(builder, outer_symbols_));
    b_.Outs("output", {results.begin(), results.begin() + static_cast<std::ptrdiff_t>(declared)});
    for (size_t w = 0; w < written_.size(); ++w) b_.WriteArgument("input", written_[w], results[declared + w]);
    for (size_t o = 0; o < declared; ++o) KeepMemory(o);
  }

 private:
  // What one branch writes, every branch gives.
  void HandOutWritten() {
    for (size_t k = 0; k < arguments_.size(); ++k) {
      const bool any = std::any_of(branches_.begin(), branches_.end(),
                                   [&](const LoweredSubgraph& branch) { return branch.written[k] != nullptr; });
      if (!any) continue;
      written_.push_back(k);
      for (LoweredSubgraph& branch : branches_) {
        branch.graph->outputs.push_back(branch.written[k] ? branch.written[k] : branch.graph->inputs[k]);
      }
    }
  }

  // Branch `first` or one behind it, by the last argument.
  std::shared_ptr<Graph> Rest(size_t first) {
    if (first + 1 == branches_.size()) return branches_[first].graph;
    auto graph = std::make_shared<Graph>();
    Builder inner(graph.get(), &b_.builder().root());
    const std::vector<Tensor> state = AddInputs(inner, TypesOf(arguments_));
    const Tensor taken = Equal(state.back(), static_cast<double>(first));
    graph->outputs = NodesOf(
        MakeIf(inner, taken, state, branches_[first].graph, Rest(first + 1), Joiner(inner, outer_symbols_)));
    return graph;
  }

  void KeepMemory(size_t output) {
    const int argument = branches_[0].same_as[output];
    const bool all = std::all_of(branches_.begin(), branches_.end(),
                                 [&](const LoweredSubgraph& branch) { return branch.same_as[output] == argument; });
    if (argument < 0 || !all) return;
    b_.SameMemory("output", static_cast<int>(output), "input", static_cast<size_t>(argument));
  }

  Body& b_;
  const int outer_symbols_;
  std::vector<Tensor> arguments_;
  std::vector<LoweredSubgraph> branches_;
  std::vector<size_t> written_;  // arguments
};

void IfBody(Body& b) {
  const Tensor condition = Truth(b.Raw("cond"));
  const ModelGraph &yes = SubgraphOf(b, "then_branch"), &no = SubgraphOf(b, "else_branch");
  const auto& contents = condition.node()->contents;
  const bool constant = condition.node()->literal != nullptr;
  if (contents && contents->size() == 1) {
    return Inline(b, b.builder().Assume((*contents)[0], true) ? yes : no, "input", "output");
  }
  if (constant) return Inline(b, LiteralToInts(*condition.node()->literal)[0] ? yes : no, "input", "output");
  Branches(b, {&yes, &no}).Choose(condition, Tensor());
}

void CaseBody(Body& b) {
  auto it = b.node().subgraphs.find("branches");
  if (it == b.node().subgraphs.end() || it->second.empty()) Fail("subgraph branches is required, but not set");
  std::vector<const ModelGraph*> models;
  for (const auto& graph : it->second) models.push_back(graph.get());
  const Tensor index = Reshape(b.Raw("branch_index"), {});
  const int64_t last = static_cast<int64_t>(models.size()) - 1;
  if (last == 0) return Inline(b, *models[0], "input", "output");
  const auto& contents = index.node()->contents;
  if (contents && (*contents)[0].IsConst()) {
    const int64_t k = (*contents)[0].value();
    return Inline(b, *models[k < 0 || k > last ? last : k], "input", "output");
  }
  Branches(b, models).Choose(Equal(index, 0.0), index);
}

// A body's results for its next turn: `values` of the node's own, then its variables as they are now.
std::vector<Node*> NextTurn(const LoweredSubgraph& body, size_t first_argument, size_t values) {
  if (body.outputs.size() != values) Fail("the body has {} outputs for {} values", body.outputs.size(), values);
  std::vector<Node*> next;
  for (size_t k = first_argument; k < body.written.size(); ++k) {
    Node* written = body.written[k];
    const size_t o = k - first_argument;
    if (o >= values) {
      next.push_back(written ? written : body.graph->inputs[k]);
      continue;
    }
    if (written && body.same_as[o] != static_cast<int>(k)) {
      FailNotSupported("a loop body that writes its input {} and gives another value for it", k);
    }
    next.push_back(written ? written : body.outputs[o]);
  }
  return next;
}

// Results of the loop's own values, and what its body wrote.
void OutLoop(Body& b, const std::vector<Tensor>& results, const std::vector<char>& written) {
  const size_t values = b.RawIns("input").size();
  b.Outs("output", {results.begin(), results.begin() + static_cast<std::ptrdiff_t>(values)});
  for (size_t k = 0; k < results.size(); ++k) {
    if (!written[k]) continue;
    b.WriteArgument("input", k, results[k]);
    if (k < values) b.SameMemory("output", static_cast<int>(k), "input", k);
  }
}

std::vector<char> WrittenFrom(const LoweredSubgraph& body, size_t first) {
  std::vector<char> written;
  for (size_t k = first; k < body.written.size(); ++k) written.push_back(body.written[k] != nullptr);
  return written;
}

void WhileBody(Body& b) {
  Builder& builder = b.builder();
  const std::vector<Tensor> initial = b.Arguments("input");
  const size_t values = b.RawIns("input").size();
  if (initial.empty()) Fail("input has no instances");
  std::vector<TensorType> types = TypesOf(initial);
  std::vector<char> written;
  Joiner joiner(builder);
  auto body = LowerUntilStable(&types, &joiner, [&](const std::vector<TensorType>& now) {
    LoweredSubgraph lowered = b.lower_subgraph(SubgraphOf(b, "body"), now, {});
    lowered.graph->outputs = NextTurn(lowered, 0, values);
    written = WrittenFrom(lowered, 0);
    return lowered.graph;
  });
  LoweredSubgraph condition = b.lower_subgraph(SubgraphOf(b, "cond"), types, {});
  for (const Node* n : condition.written) {
    if (n) FailNotSupported("a loop condition that writes memory");
  }
  if (condition.outputs.size() != 1) Fail("the condition has {} outputs", condition.outputs.size());
  Builder inner(condition.graph.get(), &builder.root());
  condition.graph->outputs = {Truth(inner.Wrap(condition.outputs[0])).node()};
  OutLoop(b, MakeWhile(builder, initial, types, condition.graph, body, joiner.binds()), written);
}

Tensor ScalarInput(const Body& b, const char* name) { return Reshape(b.Raw(name), {}); }

// for (i = start; i < limit, or i > limit where delta is negative; i += delta): {i, limit, delta, values...}.
void ForBody(Body& b) {
  Builder& builder = b.builder();
  std::vector<Tensor> initial = {ScalarInput(b, "start"), ScalarInput(b, "limit"), ScalarInput(b, "delta")};
  const size_t counters = initial.size(), values = b.RawIns("input").size();
  for (const Tensor& t : b.Arguments("input")) initial.push_back(t);
  std::vector<TensorType> types = TypesOf(initial);
  std::vector<char> written;
  Joiner joiner(builder);
  auto body = LowerUntilStable(&types, &joiner, [&](const std::vector<TensorType>& now) {
    std::vector<TensorType> arguments = {now[0]};
    arguments.insert(arguments.end(), now.begin() + counters, now.end());
    LoweredSubgraph lowered = b.lower_subgraph(SubgraphOf(b, "body"), arguments, {});
    lowered.graph->outputs = NextTurn(lowered, 1, values);
    written = WrittenFrom(lowered, 1);
    auto graph = std::make_shared<Graph>();
    Builder inner(graph.get(), &builder.root());
    const std::vector<Tensor> state = AddInputs(inner, now);
    std::vector<Tensor> given = {state[0]}, next = {state[0] + state[2], state[1], state[2]};
    given.insert(given.end(), state.begin() + counters, state.end());
    for (const Tensor& t : CopyInto(inner, *lowered.graph, given)) next.push_back(t);
    graph->outputs = NodesOf(next);
    return graph;
  });
  auto condition = std::make_shared<Graph>();
  Builder inner(condition.get(), &builder.root());
  const std::vector<Tensor> state = AddInputs(inner, types);
  const Tensor up = And(Greater(state[2], 0.0), Less(state[0], state[1]));
  const Tensor down = And(Less(state[2], 0.0), Greater(state[0], state[1]));
  condition->outputs = {Or(up, down).node()};
  std::vector<Tensor> results = MakeWhile(builder, initial, types, condition, body, joiner.binds());
  OutLoop(b, {results.begin() + static_cast<std::ptrdiff_t>(counters), results.end()}, written);
}

void CallBody(Body& b) { Inline(b, SubgraphOf(b, "f"), "args", "output"); }

}  // namespace

BELAY_OP(If) {
  op.FromOnnx("If", 1, OnnxIf).Computes(IfBody);
}
BELAY_OP(StatelessIf) { op.Computes(IfBody); }
BELAY_OP(Case) { op.Dtypes("branch_index", {DType::kI32}).Computes(CaseBody); }
BELAY_OP(StatelessCase) { op.Dtypes("branch_index", {DType::kI32}).Computes(CaseBody); }

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
BELAY_OP(For) {
  const std::vector<DType> counter = {DType::kI32};
  op.Dtypes("start", counter).Dtypes("limit", counter).Dtypes("delta", counter).Computes(ForBody);
}

BELAY_OP(PartitionedCall) { op.Computes(CallBody); }
BELAY_OP(StatefulPartitionedCall) { op.Computes(CallBody); }

}  // namespace belay
