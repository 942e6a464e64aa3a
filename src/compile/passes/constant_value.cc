#include "compile/passes/constant_value.h"

#include "graph/interpret.h"

namespace belay {

LiteralPtr ConstantValue(const Node* node) {
  constexpr int64_t kLarge = 1 << 16;  // elements
  if (node->op == Op::kConst) return node->literal;
  const bool plain = node->op == Op::kMap || node->op == Op::kReshape || node->op == Op::kTranspose ||
                     node->op == Op::kBroadcast || node->op == Op::kSlice;
  if (!plain || node->inputs.empty() || !IsStatic(node->shape())) return nullptr;
  if (!IsStatic(node->starts) || !IsStatic(node->steps) || NumElements(node->shape()).value() > kLarge) return nullptr;
  std::vector<LiteralPtr> values;
  for (const Node* in : node->inputs) {
    values.push_back(ConstantValue(in));
    if (!values.back()) return nullptr;
  }
  std::vector<int64_t> symbols;
  Result<std::vector<LiteralPtr>> out = InterpretNode(*node, values, &symbols);
  return out.ok() ? (*out)[0] : nullptr;
}

Tensor ChannelVector(Builder& b, Node* node) {
  while (node->op == Op::kBroadcast) node = node->inputs[0];
  if (node->op != Op::kConst) return Tensor();
  for (int d = 0; d + 1 < node->rank(); ++d) {
    if (!node->shape()[d].IsConst(1)) return Tensor();
  }
  Tensor t = b.Wrap(node);
  return node->rank() == 0 ? t : Reshape(t, {node->shape().back()});
}

}  // namespace belay
