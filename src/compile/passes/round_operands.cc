// contract(a, b) -> contract(cast(a), cast(b)), and conv alike, where a, b and the sum are f32: products of bf16 or f16
// operands, summed in f32. A value that is rounded so and computed by maps or pooling is rounded for all its readers,
// residual sums for one: then only the half is kept. Results of the graph and everything else between stay as they are.
#include "compile/passes/passes.h"
#include "graph/builder.h"

namespace belay {
namespace {

bool RoundsOperands(const Node& n) {
  if (!IsProduct(&n) || n.type.dtype != DType::kF32 || (n.flags & kKeepsOperands)) return false;
  return n.inputs[0]->type.dtype == DType::kF32 && n.inputs[1]->type.dtype == DType::kF32;
}

// By id: maps that products read, under views, and others, too.
std::vector<char> SharedOperands(const Graph& graph) {
  const std::vector<int> uses = UseCounts(graph);
  std::vector<char> shared(graph.size(), 0);
  for (const Node* n : TopologicalOrder(graph)) {
    if (!RoundsOperands(*n)) continue;
    for (const Node* in : n->inputs) {
      while (in->op == Op::kReshape || in->op == Op::kTranspose) in = in->inputs[0];
      const bool computed = in->op == Op::kMap || in->op == Op::kPool;
      if (computed && in->type.dtype == DType::kF32 && uses[in->id] > 1) shared[in->id] = 1;
    }
  }
  for (const Node* output : graph.outputs) shared[output->id] = 0;
  return shared;
}

std::unique_ptr<Graph> RoundOperands(const Graph& graph, DType dtype) {
  const std::vector<char> shared = SharedOperands(graph);
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    Builder b(&out);
    std::vector<Node*> inputs;
    for (const Node* in : node.inputs) inputs.push_back(mapped(in));
    if (shared[node.id]) {
      Tensor exact = b.Wrap(CopyNode(out, node, std::move(inputs)));
      return Cast(Cast(exact, dtype), DType::kF32).node();
    }
    if (!RoundsOperands(node)) return nullptr;
    for (Node*& in : inputs) in = Cast(b.Wrap(in), dtype).node();
    return CopyNode(out, node, std::move(inputs));
  });
}

}  // namespace

std::unique_ptr<Graph> RoundToBf16(const Graph& graph) { return RoundOperands(graph, DType::kBF16); }
std::unique_ptr<Graph> RoundToF16(const Graph& graph) { return RoundOperands(graph, DType::kF16); }

}  // namespace belay
