// conv(x, W) * s  ->  conv(x, W * s), and (conv(x, W) + b) * s -> conv(x, W * s) + b * s, where W, b, s are
// constants and s varies along the output channels only: batch normalisation costs nothing.
#include "compile/passes/constant_value.h"
#include "compile/passes/passes.h"

namespace belay {
namespace {

Node* ScaleWeights(Graph& out, Node* anchor, const Tensor& s) {
  Builder b(&out);
  Tensor weights = b.Wrap(anchor->inputs[1]);
  Node* scaled = (weights * s).node();
  return CopyNode(out, *anchor, {anchor->inputs[0], scaled});
}

bool CanScaleWeights(const Node* node) {
  return IsProduct(node) && node->type.dtype == DType::kF32 && node->inputs[1]->op == Op::kConst &&
         node->inputs[1]->rank() >= 2;
}

}  // namespace

std::unique_ptr<Graph> FoldScale(const Graph& graph) {
  const std::vector<int> uses = UseCounts(graph);
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    if (node.op != Op::kMap || node.scalar != ScalarOp::kMul) return nullptr;
    Builder b(&out);
    for (int side : {0, 1}) {
      const Node* old = node.inputs[side];
      Node* y = mapped(old);
      if (uses[old->id] != 1 || y->shape() != node.shape()) continue;
      Tensor s = ChannelVector(b, mapped(node.inputs[1 - side]));
      if (!s) continue;
      if (CanScaleWeights(y)) return ScaleWeights(out, y, s);
      if (y->op != Op::kMap || y->scalar != ScalarOp::kAdd) continue;
      for (int inner : {0, 1}) {
        Node* anchor = y->inputs[inner];
        Tensor bias = ChannelVector(b, y->inputs[1 - inner]);
        const Node* old_anchor = old->op == Op::kMap ? old->inputs[inner] : nullptr;
        if (!bias || !CanScaleWeights(anchor) || !old_anchor || uses[old_anchor->id] != 1) continue;
        return (b.Wrap(ScaleWeights(out, anchor, s)) + bias * s).node();
      }
    }
    return nullptr;
  });
}

}  // namespace belay
