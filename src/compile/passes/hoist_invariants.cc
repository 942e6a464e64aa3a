// What a loop does not change is known before it. Constants from outside become the body's own, so that they fold and
// are packed there, and products of what only passes through are made before the first turn:
//   while(x, k) { ... contract(k, w) ... }   ->   p = contract(k, w); while(x, k, p) { ... p ... }
// Branches get their constants as well.
#include <algorithm>

#include "compile/passes/passes.h"

namespace belay {
namespace {

// By position among a subgraph's inputs; nullptr: not a constant.
using Constants = std::vector<const Node*>;

std::shared_ptr<Graph> WithConstants(const Graph& sub, const Constants& constants) {
  std::vector<char> read(sub.size(), 0);
  for (const Node* node : TopologicalOrder(sub)) {
    for (const Node* in : node->inputs) read[in->id] = 1;
  }
  std::shared_ptr<Graph> made = RewriteGraph(sub, [&](Graph& out, const Node& node, const auto&) -> Node* {
    if (node.op != Op::kInput || !constants[node.index] || !read[node.id]) return nullptr;
    out.AddInput(node.index, node.type, node.name);
    return CopyNode(out, *constants[node.index], {});
  });
  for (size_t k = 0; k < made->outputs.size(); ++k) {
    // What passes through still does.
    if (sub.outputs[k]->op == Op::kInput) made->outputs[k] = made->inputs[sub.outputs[k]->index];
  }
  return made;
}

bool IsWork(const Node& node) {
  return IsProduct(&node) || node.op == Op::kPool || node.op == Op::kReduce;
}

bool IsPure(const Node& node) {
  switch (node.op) {
    case Op::kConst:
    case Op::kMap:
    case Op::kBroadcast:
    case Op::kReshape:
    case Op::kTranspose:
    case Op::kSlice:
    case Op::kPad:
    case Op::kConcat: return true;
    default: return IsWork(node);
  }
}

class LoopHoister {
 public:
  // loop: in the new graph `out`, with its inputs there; its subgraphs are still the old ones.
  LoopHoister(Graph* out, Node* loop) : out_(*out), loop_(*loop), passes_(loop->inputs.size()) {
    const Graph &condition = *loop->subgraphs[0], &body = *loop->subgraphs[1];
    for (size_t i = 0; i < passes_.size(); ++i) {
      const TensorType& type = loop->inputs[i]->type;
      passes_[i] = body.outputs[i] == body.inputs[i] && body.inputs[i]->type == type &&
                   condition.inputs[i]->type == type;
    }
  }

  void Run() {
    Hoist(FindSteady(*loop_.subgraphs[1]));
    Constants constants(loop_.inputs.size(), nullptr);
    for (size_t i = 0; i < passes_.size(); ++i) {
      if (passes_[i] && loop_.inputs[i]->op == Op::kConst) constants[i] = loop_.inputs[i];
    }
    for (auto& sub : loop_.subgraphs) sub = WithConstants(*sub, constants);
  }

 private:
  // Nodes of the body that are the same in every turn and worth keeping, and no others behind them.
  std::vector<const Node*> FindSteady(const Graph& body) const {
    std::vector<char> steady(body.size(), 0), works(body.size(), 0), kept(body.size(), 0);
    const std::vector<Node*> order = TopologicalOrder(body);
    for (const Node* node : order) {
      const bool passes = node->op == Op::kInput && passes_[node->index];
      steady[node->id] = passes || (IsPure(*node) && HasKnownExtents(*node) &&
                                    std::all_of(node->inputs.begin(), node->inputs.end(),
                                                [&](const Node* in) { return steady[in->id]; }));
      works[node->id] = IsWork(*node);
      for (const Node* in : node->inputs) works[node->id] |= works[in->id] && steady[node->id];
    }
    for (const Node* node : order) {
      for (const Node* in : node->inputs) kept[in->id] |= !steady[node->id];
    }
    for (const Node* output : body.outputs) kept[output->id] = 1;
    std::vector<const Node*> found;
    for (const Node* node : order) {
      if (steady[node->id] && works[node->id] && kept[node->id]) found.push_back(node);
    }
    return found;
  }

  // Nothing that the loop, or a call before it, decides.
  bool HasKnownExtents(const Node& node) const {
    std::vector<int> ids;
    CollectSymbols(node, &ids);
    return std::all_of(ids.begin(), ids.end(), [&](int id) { return out_.symbols[id].input >= 0; });
  }

  void Hoist(const std::vector<const Node*>& steady) {
    if (steady.empty()) return;
    const Graph& body = *loop_.subgraphs[1];
    std::vector<char> needed(body.size(), 0);
    for (const Node* s : steady) {
      for (const Node* node : NodesBehind(body, s)) needed[node->id] = 1;
    }
    std::vector<Node*> outside(body.size(), nullptr);
    for (const Node* node : TopologicalOrder(body)) {
      if (!needed[node->id]) continue;
      std::vector<Node*> inputs;
      for (const Node* in : node->inputs) inputs.push_back(outside[in->id]);
      outside[node->id] = node->op == Op::kInput ? loop_.inputs[node->index] : CopyNode(out_, *node, std::move(inputs));
    }
    const size_t before = loop_.inputs.size();
    for (const Node* s : steady) {
      loop_.inputs.push_back(outside[s->id]);
      loop_.call_types.push_back(s->type);
    }
    std::shared_ptr<Graph> condition = RewriteGraph(*loop_.subgraphs[0], nullptr);
    std::shared_ptr<Graph> rest = RewriteGraph(body, [&](Graph& out, const Node& node, const auto&) -> Node* {
      const auto at = std::find(steady.begin(), steady.end(), &node);
      if (at == steady.end()) return nullptr;
      return out.AddInput(static_cast<int>(before + static_cast<size_t>(at - steady.begin())), node.type, node.name);
    });
    for (size_t k = 0; k < steady.size(); ++k) {
      condition->AddInput(static_cast<int>(before + k), steady[k]->type, steady[k]->name);
      rest->outputs.push_back(rest->inputs[before + k]);
    }
    loop_.subgraphs = {std::move(condition), std::move(rest)};
  }

  Graph& out_;
  Node& loop_;
  std::vector<char> passes_;  // by input: the body gives it on
};

}  // namespace

std::unique_ptr<Graph> HoistInvariants(const Graph& graph) {
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    if (node.op != Op::kIf && node.op != Op::kWhile) return nullptr;
    std::vector<Node*> inputs;
    for (const Node* in : node.inputs) inputs.push_back(mapped(in));
    Node* copy = CopyNode(out, node, std::move(inputs));
    if (node.op == Op::kWhile) {
      LoopHoister(&out, copy).Run();
      return copy;
    }
    Constants constants;
    for (size_t i = 1; i < copy->inputs.size(); ++i) {
      constants.push_back(copy->inputs[i]->op == Op::kConst ? copy->inputs[i] : nullptr);
    }
    for (auto& sub : copy->subgraphs) sub = WithConstants(*sub, constants);
    return copy;
  });
}

}  // namespace belay
