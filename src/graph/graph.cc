#include "graph/graph.h"

#include <algorithm>

#include <unordered_map>
#include <unordered_set>
#include <utility>

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

namespace {

std::vector<Node*> Roots(const Graph& graph) {
  std::vector<Node*> roots = graph.outputs;
  for (const Store& s : graph.stores) roots.push_back(s.value);
  return roots;
}

// By node: those that bind a symbol it uses. Empty where nothing is bound.
std::vector<std::vector<Node*>> BindersBefore(const Graph& graph) {
  std::unordered_map<int, Node*> binders;
  for (const auto& node : graph.nodes()) {
    for (int id : node->binds) binders[id] = node.get();
  }
  std::vector<std::vector<Node*>> before;
  if (binders.empty()) return before;
  before.resize(graph.size());
  for (const auto& node : graph.nodes()) {
    std::vector<int> ids;
    CollectSymbols(*node, &ids);
    for (int id : ids) {
      auto binder = binders.find(id);
      if (binder != binders.end() && binder->second != node.get()) before[node->id].push_back(binder->second);
    }
  }
  return before;
}

}  // namespace

void CollectSymbols(const Node& node, std::vector<int>* ids) {
  for (const std::vector<Dim>* dims : {&node.type.shape, &node.starts, &node.steps}) {
    for (const Dim& d : *dims) d.CollectSymbols(ids);
  }
  for (const TensorType& type : node.call_types) {
    for (const Dim& d : type.shape) d.CollectSymbols(ids);
  }
  if (node.window) {
    for (const Dim& d : node.window->pads_lo) d.CollectSymbols(ids);
  }
  for (const auto& sub : node.subgraphs) {
    for (const auto& inner : sub->nodes()) CollectSymbols(*inner, ids);
  }
}

int64_t AttrOf(const std::vector<CallAttr>& attrs, std::string_view name, int64_t fallback) {
  for (const CallAttr& attr : attrs) {
    if (attr.first == name) return attr.second;
  }
  return fallback;
}

std::vector<const Node*> NodesBehind(const Graph& graph, const Node* node) {
  std::vector<char> seen(graph.size(), 0);
  std::vector<const Node*> found, next = {node};
  while (!next.empty()) {
    const Node* n = next.back();
    next.pop_back();
    if (seen[n->id]) continue;
    seen[n->id] = 1;
    found.push_back(n);
    next.insert(next.end(), n->inputs.rbegin(), n->inputs.rend());
  }
  return found;
}

std::vector<Node*> TopologicalOrder(const Graph& graph) {
  const std::vector<std::vector<Node*>> binders = BindersBefore(graph);
  const std::vector<Node*> none;
  std::vector<Node*> order;
  std::vector<char> state(graph.size(), 0);  // 1 on the stack, 2 done
  for (Node* input : graph.inputs) {
    if (input && !state[input->id]) {
      state[input->id] = 2;
      order.push_back(input);
    }
  }
  std::vector<std::pair<Node*, size_t>> stack;
  for (Node* root : Roots(graph)) {
    if (state[root->id]) continue;
    state[root->id] = 1;
    stack.emplace_back(root, 0);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      const std::vector<Node*>& binding = binders.empty() ? none : binders[node->id];
      const size_t inputs = node->inputs.size(), controls = node->control.size();
      if (next == inputs + controls + binding.size()) {
        state[node->id] = 2;
        order.push_back(node);
        stack.pop_back();
        continue;
      }
      size_t k = next++;
      Node* child = k < inputs              ? node->inputs[k]
                    : k < inputs + controls ? node->control[k - inputs]
                                            : binding[k - inputs - controls];
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
  for (Node* root : Roots(graph)) ++uses[root->id];
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
  copy->home = nullptr;
  return copy;
}

std::unique_ptr<Graph> EmptyLike(const Graph& graph) {
  auto out = std::make_unique<Graph>();
  out->symbols = graph.symbols;
  out->guards = graph.guards;
  out->scope = graph.scope;
  out->scopes = graph.scopes;
  out->output_names = graph.output_names;
  out->variables = graph.variables;
  return out;
}

std::unique_ptr<Graph> RewriteGraph(const Graph& graph, const Rewrite& rewrite) {
  std::unique_ptr<Graph> out = EmptyLike(graph);
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
    if (node->home) replacement->home = map[node->home->id];
    map[node->id] = replacement;
  }
  for (Node* output : graph.outputs) out->outputs.push_back(map[output->id]);
  for (const Store& s : graph.stores) out->stores.push_back({s.input, map[s.value->id]});
  return out;
}

Node* ThroughReshapes(Node* node) {
  while (node->op == Op::kReshape) node = node->inputs[0];
  return node;
}

bool IsPointwise(const Node& conv) {
  const Window& w = *conv.window;
  const Shape &x = conv.inputs[0]->shape(), &y = conv.shape();
  for (int d = 0; d + 2 < conv.rank(); ++d) {
    if (w.kernel[d] != 1 || w.strides[d] != 1 || !w.pads_lo[d].IsConst(0) || x[d + 1] != y[d + 1]) return false;
  }
  return w.groups == 1;
}

bool ReadsPlanes(const Node& conv) {
  const Node& x = *conv.inputs[0];
  const std::vector<int> channels_last = {0, 2, 3, 1};
  if (x.op != Op::kTranspose || x.axes != channels_last || conv.window->groups != 1 || IsPointwise(conv)) return false;
  const Window& w = *conv.window;
  for (const Node* n : {&conv, &x, static_cast<const Node*>(conv.inputs[1])}) {
    if (n->type.dtype != DType::kF32 || !IsStatic(n->shape())) return false;
  }
  if (!w.pads_lo[0].IsConst() || !w.pads_lo[1].IsConst() || w.dilations[1] != 1 || w.fill != 0) return false;
  const int64_t colours = x.shape()[3].value(), wide = x.shape()[2].value(), out = conv.shape()[2].value();
  const int64_t reads = (out - 1) * w.strides[1] + w.kernel[1] - w.pads_lo[1].value();
  constexpr int64_t kFewestColours = 2, kMostColours = 4, kFewestColumns = 16, kFewestOutputs = 16;
  if (colours < kFewestColours || colours > kMostColours || std::min(wide, reads) < kFewestColumns) return false;
  if (conv.shape()[3].value() < kFewestOutputs) return false;  // too few for vectors: pixels may go into lanes
  for (int64_t run = kFewestRun; run <= kMostRun; ++run) {
    if (out % run == 0) return true;
  }
  return false;
}

std::optional<GatedImage> FindGate(const Node& conv) {
  const Node &image = *conv.inputs[0], &filter = *conv.inputs[1];
  if (!IsMap(&image, ScalarOp::kMul) || !IsPointwise(conv)) return std::nullopt;
  if (image.type.dtype != DType::kF32 || filter.type.dtype != DType::kF32) return std::nullopt;
  constexpr int64_t kFewestOutputs = 16;  // fewer do not fill vectors
  constexpr int64_t kFewestPixels = 2;    // for each output: else the filter is the larger one to multiply
  const Dim &channels = image.shape().back(), &outputs = conv.shape().back();
  if (channels.IsConst(1) || !outputs.IsConst() || outputs.value() < kFewestOutputs) return std::nullopt;
  const Dim pixels = NumElements(Shape(image.shape().begin() + 1, image.shape().end() - 1));
  if (pixels.IsConst() && pixels.value() < kFewestPixels * outputs.value()) return std::nullopt;
  for (int side : {1, 0}) {
    Node* gate = image.inputs[side];
    if (gate->op != Op::kBroadcast) continue;
    const Shape& from = gate->inputs[0]->shape();
    const auto is_one = [](const Dim& d) { return d.IsConst(1); };
    if (from.back() != channels || !std::all_of(from.begin() + 1, from.end() - 1, is_one)) continue;
    return GatedImage{image.inputs[1 - side], gate};
  }
  return std::nullopt;
}

const Node* OnlyProduct(const Graph& fragment) {
  const Node* product = nullptr;
  for (const Node* n : TopologicalOrder(fragment)) {
    if (!IsProduct(n)) continue;
    if (product != nullptr) return nullptr;
    product = n;
  }
  return product;
}

bool CanOverwrite(const Graph& fragment, int input) {
  const Node* root = ThroughReshapes(fragment.outputs[0]);
  const Node* overwritten = fragment.inputs[input];
  if (root->type.dtype != overwritten->type.dtype || NumElements(root->shape()) != NumElements(overwritten->shape())) {
    return false;
  }
  std::vector<char> reached(fragment.size(), 0);
  reached[overwritten->id] = 1;
  for (const Node* node : TopologicalOrder(fragment)) {
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      if (!reached[node->inputs[i]->id]) continue;
      reached[node->id] = 1;
      const bool scattered_into = node == root && node->op == Op::kScatter && i == 0;
      if (node->op != Op::kMap && node->op != Op::kReshape && !scattered_into) return false;
      // Between the input and a scatter there may be no arithmetic: what it leaves alone is not computed again.
      if (scattered_into && ThroughReshapes(node->inputs[0]) != overwritten) return false;
    }
    if (node->op == Op::kScan || (node->op == Op::kScatter && node != root)) return false;
  }
  return true;
}

std::vector<char> Ancestors(const Graph& graph, const Node* node) {
  std::vector<char> before(graph.size(), 0);
  std::vector<const Node*> work{node};
  while (!work.empty()) {
    const Node* at = work.back();
    work.pop_back();
    for (const auto* list : {&at->inputs, &at->control}) {
      for (const Node* n : *list) {
        if (!std::exchange(before[n->id], 1)) work.push_back(n);
      }
    }
  }
  return before;
}

}  // namespace belay
