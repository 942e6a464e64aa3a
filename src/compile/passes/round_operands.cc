// contract(a, b) -> contract(cast(a), cast(b)), and conv alike, where a, b and the sum are f32: products of bf16 or f16
// operands, summed in f32. Everything between contractions stays as it is.
#include "compile/passes/passes.h"
#include "graph/builder.h"

namespace belay {
namespace {

std::unique_ptr<Graph> RoundOperands(const Graph& graph, DType dtype) {
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    if (node.op != Op::kContract && node.op != Op::kConv) return nullptr;
    if (node.type.dtype != DType::kF32) return nullptr;
    Builder b(&out);
    std::vector<Node*> inputs;
    for (const Node* in : node.inputs) {
      if (in->type.dtype != DType::kF32) return nullptr;
      inputs.push_back(Cast(b.Wrap(mapped(in)), dtype).node());
    }
    return CopyNode(out, node, std::move(inputs));
  });
}

}  // namespace

std::unique_ptr<Graph> RoundToBf16(const Graph& graph) { return RoundOperands(graph, DType::kBF16); }
std::unique_ptr<Graph> RoundToF16(const Graph& graph) { return RoundOperands(graph, DType::kF16); }

}  // namespace belay
