// Kernels of products of bf16 whose f32 result another such kernel alone reads, as an addend or a factor of what it
// rounds itself: they hand on bf16, as identity shortcuts of residual sums do.
//   p: f32 = fused(a, ...); y: bf16 = fused(b, p, ...)   ->   p: bf16 = fused(a, ...); y: bf16 = fused(b, p, ...)
#include <algorithm>

#include "compile/passes/passes.h"
#include "graph/builder.h"

namespace belay {
namespace {

constexpr DType kHalf = DType::kBF16;

bool MultipliesHalves(const Node& node) {
  if (node.op != Op::kFused) return false;
  const auto& nodes = node.subgraphs[0]->nodes();
  return std::any_of(nodes.begin(), nodes.end(), [](const auto& n) {
    return IsProduct(n.get()) && n->inputs[0]->type.dtype == kHalf && n->inputs[1]->type.dtype == kHalf;
  });
}

// The fragment's only reader of an input, where it reads it once.
const Node* OnlyReader(const Graph& fragment, const Node* input) {
  const Node* reader = nullptr;
  if (UseCounts(fragment)[input->id] != 1) return nullptr;
  for (const auto& n : fragment.nodes()) {
    if (std::count(n->inputs.begin(), n->inputs.end(), input) != 0) reader = n.get();
  }
  return reader;
}

// `reader` rounds what it makes of its input `k`, a result of products.
bool IsRounded(const Node& reader, size_t k) {
  if (reader.type.dtype != kHalf || !MultipliesHalves(reader)) return false;
  const Graph& fragment = *reader.subgraphs[0];
  const Node* map = OnlyReader(fragment, fragment.inputs[k]);
  return map && map->op == Op::kMap && (map->scalar == ScalarOp::kAdd || map->scalar == ScalarOp::kMul);
}

// By id: results to be rounded.
std::vector<char> FindAddends(const Graph& graph) {
  const std::vector<int> uses = UseCounts(graph);
  std::vector<char> found(graph.size(), 0);
  for (const Node* reader : TopologicalOrder(graph)) {
    for (size_t k = 0; reader->op == Op::kFused && k < reader->inputs.size(); ++k) {
      const Node* in = reader->inputs[k];
      if (uses[in->id] != 1 || in->type.dtype != DType::kF32 || in->home || !MultipliesHalves(*in)) continue;
      found[in->id] = IsRounded(*reader, k);
    }
  }
  return found;
}

std::shared_ptr<Graph> Rounding(const Graph& fragment) {
  std::shared_ptr<Graph> made = RewriteGraph(fragment, nullptr);
  Builder b(made.get());
  made->outputs[0] = Cast(b.Wrap(made->outputs[0]), kHalf).node();
  return made;
}

std::shared_ptr<Graph> Widening(const Graph& fragment, int input) {
  return RewriteGraph(fragment, [&](Graph& out, const Node& node, const auto&) -> Node* {
    if (node.op != Op::kInput || node.index != input) return nullptr;
    Builder b(&out);
    return Cast(b.Wrap(out.AddInput(input, {kHalf, node.shape()}, node.name)), DType::kF32).node();
  });
}

}  // namespace

std::unique_ptr<Graph> RoundAddends(const Graph& graph) {
  const std::vector<char> found = FindAddends(graph);
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    if (node.op != Op::kFused) return nullptr;
    std::vector<Node*> inputs;
    for (const Node* in : node.inputs) inputs.push_back(mapped(in));
    Node* made = CopyNode(out, node, inputs);
    for (size_t k = 0; k < inputs.size(); ++k) {
      if (found[node.inputs[k]->id]) made->subgraphs[0] = Widening(*made->subgraphs[0], static_cast<int>(k));
    }
    if (!found[node.id]) return made;
    made->subgraphs[0] = Rounding(*made->subgraphs[0]);
    made->type.dtype = kHalf;
    return made;
  });
}

}  // namespace belay
