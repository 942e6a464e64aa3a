// A node that reads constants only is computed now, unless that would make it bigger than what it reads.
#include <stdexcept>

#include "base/narrow.h"
#include "compile/passes/passes.h"
#include "graph/interpret.h"

namespace belay {
namespace {

constexpr int64_t kAlwaysFold = 1 << 14;  // elements

// A constant, or one that a broadcast repeats.
const Node* ConstantUnder(const Node* n) {
  while (n->op == Op::kBroadcast) n = n->inputs[0];
  return n->op == Op::kConst ? n : nullptr;
}

bool Foldable(const Node& node, const std::vector<Node*>& in) {
  if (node.op == Op::kCall || node.op == Op::kIf || node.op == Op::kWhile || node.op == Op::kFused ||
      node.op == Op::kGetOutput || node.op == Op::kInput || node.op == Op::kConst || in.empty()) {
    return false;
  }
  if (!IsStatic(node.shape()) || !IsStatic(node.starts) || !IsStatic(node.steps)) return false;
  int64_t read = 0;
  for (Node* n : in) {
    const Node* constant = node.op == Op::kMap ? ConstantUnder(n) : n->op == Op::kConst ? n : nullptr;
    if (!constant) return false;
    read += constant->literal->ByteSize();
  }
  if (node.op == Op::kBroadcast && NumElements(in[0]->shape()).IsConst(1)) return false;
  const int64_t count = NumElements(node.shape()).value();
  return count <= kAlwaysFold || ByteSize(node.type.dtype, count) <= read;
}

LiteralPtr SpreadOut(const Node& broadcast) {
  const Node& x = *broadcast.inputs[0];
  LiteralPtr value = x.op == Op::kConst ? Held(x.literal) : SpreadOut(x);
  std::vector<int64_t> symbols;
  Result<std::vector<LiteralPtr>> out = InterpretNode(broadcast, {value}, &symbols);
  return out.ok() ? (*out)[0] : nullptr;
}

// What cannot fail and says all that it computes in a few fields.
bool CanWait(const Node& node) {
  const bool kind = node.op == Op::kMap || node.op == Op::kTranspose || node.op == Op::kConcat;
  const bool plain = node.type.dtype != DType::kString && !IsNarrow(node.type.dtype);
  return kind && plain && ByteSize(node.type.dtype, NumElements(node.shape()).value()) >= kLateBytes;
}

// A fragment of one node and the broadcasts before it; its inputs are constants.
struct Recipe {
  Graph graph;
  std::vector<LiteralPtr> values;
  std::string text;  // of all that decides the result

  Node* Add(const Node& node) {
    if (node.op == Op::kConst) {
      values.push_back(node.literal);
      text += fmt::format("const {} ", ToString(node.type)) + std::string(TextOf(HashOf(*node.literal)));
      return graph.AddInput(static_cast<int>(values.size()) - 1, node.type);
    }
    std::vector<Node*> in;
    for (const Node* n : node.inputs) in.push_back(Add(*n));
    return Add(node, in);
  }
  Node* Add(const Node& node, const std::vector<Node*>& in) {
    text += fmt::format("{} {} {} {}", static_cast<int>(node.op), static_cast<int>(node.scalar), node.flags,
                        ToString(node.type));
    for (int a : node.axes) text += fmt::format(" a{}", a);
    for (const Node* n : in) text += fmt::format(" n{}", n->id);
    text += '\n';
    return CopyNode(graph, node, in);
  }
};

LiteralPtr EvaluateLater(const Node& node, const std::vector<Node*>& in) {
  auto recipe = std::make_shared<Recipe>();
  std::vector<Node*> operands;
  for (const Node* n : in) operands.push_back(recipe->Add(*n));
  recipe->graph.outputs = {recipe->Add(node, operands)};
  auto literal = std::make_shared<Literal>();
  literal->dtype = node.type.dtype;
  for (const Dim& d : node.shape()) literal->dims.push_back(d.value());
  literal->late = std::make_shared<LateBytes>(HashText(recipe->text), [recipe]() -> std::shared_ptr<const void> {
    std::vector<LiteralPtr> values;
    for (const LiteralPtr& value : recipe->values) values.push_back(Held(value));
    Result<std::vector<LiteralPtr>> out = Interpret(recipe->graph, values);
    if (!out.ok()) throw std::runtime_error("folding a constant: " + out.status().message());
    return {(*out)[0], (*out)[0]->data()};
  });
  return literal;
}

LiteralPtr Evaluate(const Node& node, const std::vector<Node*>& in) {
  if (node.op == Op::kReshape) {
    auto copy = std::make_shared<Literal>(*in[0]->literal);
    copy->dims.clear();
    for (const Dim& d : node.shape()) copy->dims.push_back(d.value());
    return copy;
  }
  if (CanWait(node)) return EvaluateLater(node, in);
  std::vector<LiteralPtr> values;
  for (Node* n : in) {
    LiteralPtr value = n->op == Op::kConst ? Held(n->literal) : SpreadOut(*n);
    if (!value) return nullptr;
    values.push_back(std::move(value));
  }
  std::vector<int64_t> symbols;
  Result<std::vector<LiteralPtr>> out = InterpretNode(node, values, &symbols);
  return out.ok() ? (*out)[0] : nullptr;  // what fails here fails again, with its message, when it runs
}

}  // namespace

std::unique_ptr<Graph> FoldConstants(const Graph& graph) {
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    std::vector<Node*> in;
    for (const Node* n : node.inputs) in.push_back(mapped(n));
    LiteralPtr value;
    // Contents of floats know no sign of zero.
    const bool known = node.contents && IsStatic(*node.contents) && !IsFloat(node.type.dtype);
    if (known && node.op != Op::kConst && node.op != Op::kInput) {
      std::vector<int64_t> dims, ints;
      for (const Dim& d : node.shape()) dims.push_back(d.value());
      for (const Dim& d : *node.contents) ints.push_back(d.value());
      value = LiteralFromInts(node.type.dtype, dims, ints);
    } else if (Foldable(node, in)) {
      value = Evaluate(node, in);
    }
    if (!value) return nullptr;
    Node* made = out.Add(Op::kConst, {}, node.type);
    made->literal = std::move(value);
    made->contents = node.contents;
    made->name = node.name;
    return made;
  });
}

}  // namespace belay
