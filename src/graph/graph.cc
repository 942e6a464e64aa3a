#include "graph/graph.h"

#include <algorithm>

#include <unordered_map>
#include <unordered_set>

namespace belay {

const char* ScalarOpName(ScalarOp op) {
  static const char* const kNames[] = {
      "add", "sub", "mul", "div", "floordiv", "mod", "fmod", "pow", "max", "min", "and", "or", "xor",
      "shl", "shr", "atan2", "copysign", "eq", "ne", "lt", "le", "gt", "ge", "select", "cast",
      "bitcast", "neg", "abs", "sign", "not", "floor", "ceil", "round", "trunc", "sqrt", "rsqrt",
      "recip", "exp", "exp2", "expm1", "log", "log2", "log1p", "sin", "cos", "tan", "asin", "acos",
      "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "sigmoid", "isnan", "isinf",
      "fma"};
  static_assert(std::size(kNames) == static_cast<size_t>(ScalarOp::kFma) + 1);
  return kNames[static_cast<int>(op)];
}

const char* ReduceKindName(ReduceKind kind) {
  static const char* const kNames[] = {"none", "sum", "prod", "max", "min",
                                       "and",  "or",  "argmax", "argmin"};
  return kNames[static_cast<int>(kind)];
}

std::string ToString(const TensorType& type) { return DTypeName(type.dtype) + ToString(type.shape); }

bool Guard::DependsOnRun(const std::vector<SymbolInfo>& symbols) const {
  std::vector<int> ids;
  condition.CollectSymbols(&ids);
  return std::any_of(ids.begin(), ids.end(), [&](int id) { return symbols[id].input < 0; });
}

bool Guard::Holds(const std::vector<int64_t>& symbols) const {
  return test ? (*test)(symbols) : (condition.Evaluate(symbols) != 0) == expected;
}

Node* Graph::Add(Op op, std::vector<Node*> in, TensorType type) {
  auto node = std::make_unique<Node>();
  node->id = static_cast<int>(nodes_.size());
  node->op = op;
  node->inputs = std::move(in);
  node->type = std::move(type);
  nodes_.push_back(std::move(node));
  return nodes_.back().get();
}

Node* Graph::AddInput(int index, TensorType type, std::string name) {
  Node* node = Add(Op::kInput, {}, std::move(type));
  node->index = index;
  node->name = std::move(name);
  if (static_cast<int>(inputs.size()) <= index) inputs.resize(index + 1);
  inputs[index] = node;
  return node;
}

std::vector<Node*> TopologicalOrder(const Graph& graph) {
  std::vector<Node*> order;
  std::vector<char> state(graph.size(), 0);  // 1 on the stack, 2 done
  for (Node* input : graph.inputs) {
    if (input && !state[input->id]) {
      state[input->id] = 2;
      order.push_back(input);
    }
  }
  std::vector<std::pair<Node*, size_t>> stack;
  for (Node* output : graph.outputs) {
    if (state[output->id]) continue;
    state[output->id] = 1;
    stack.emplace_back(output, 0);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next == node->inputs.size() + node->control.size()) {
        state[node->id] = 2;
        order.push_back(node);
        stack.pop_back();
        continue;
      }
      size_t k = next++;
      Node* child = k < node->inputs.size() ? node->inputs[k] : node->control[k - node->inputs.size()];
      if (state[child->id]) continue;
      state[child->id] = 1;
      stack.emplace_back(child, 0);
    }
  }
  return order;
}

std::vector<int> UseCounts(const Graph& graph) {
  std::vector<int> uses(graph.size(), 0);
  for (Node* node : TopologicalOrder(graph)) {
    for (Node* input : node->inputs) ++uses[input->id];
  }
  for (Node* output : graph.outputs) ++uses[output->id];
  return uses;
}

Node* CopyNode(Graph& out, const Node& node, std::vector<Node*> inputs) {
  if (node.op == Op::kInput) return out.AddInput(node.index, node.type, node.name);
  Node* copy = out.Add(node.op, {}, node.type);
  const int id = copy->id;
  *copy = node;
  copy->id = id;
  copy->inputs = std::move(inputs);
  copy->control.clear();
  return copy;
}

std::unique_ptr<Graph> RewriteGraph(const Graph& graph, const Rewrite& rewrite) {
  auto out = std::make_unique<Graph>();
  out->symbols = graph.symbols;
  out->guards = graph.guards;
  out->output_names = graph.output_names;
  std::vector<Node*> map(graph.size(), nullptr);
  auto mapped = [&](const Node* n) { return map[n->id]; };
  for (Node* node : TopologicalOrder(graph)) {
    Node* replacement = rewrite ? rewrite(*out, *node, mapped) : nullptr;
    if (!replacement) {
      std::vector<Node*> inputs;
      for (Node* input : node->inputs) inputs.push_back(map[input->id]);
      replacement = CopyNode(*out, *node, std::move(inputs));
    }
    for (Node* before : node->control) {
      if (map[before->id] != replacement) replacement->control.push_back(map[before->id]);
    }
    map[node->id] = replacement;
  }
  for (Node* output : graph.outputs) out->outputs.push_back(map[output->id]);
  return out;
}

}  // namespace belay
