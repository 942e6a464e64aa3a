// reduce(x, axes h w)  ->  reduce(reduce(x, axis w), axis h), where channels are innermost: few results of a large map
// are worked on by rows, as the kernel that made the map was, and each thread reads what lies in its own caches.
#include "compile/passes/passes.h"
#include "graph/builder.h"

namespace belay {
namespace {

constexpr double kLeastBytes = 256 << 10;  // of the map: below it the second step costs as much as it saves
constexpr double kMostResults = 1 << 14;
constexpr double kLeastRows = 8;

bool IsSplit(const Node& node) {
  if (node.op != Op::kReduce || node.type.dtype != DType::kF32 || node.axes.size() < 2) return false;
  const Node& map = *node.inputs[0];
  if (map.type.dtype != DType::kF32) return false;
  const int first = node.axes.front(), last = node.axes.back();
  if (last - first + 1 != static_cast<int>(node.axes.size()) || last == map.rank() - 1) return false;
  double rows = 1;
  for (int axis = first; axis < last; ++axis) rows *= static_cast<double>(map.shape()[axis].Guess());
  return rows >= kLeastRows && LikelyElements(map.shape()) * sizeof(float) >= kLeastBytes &&
         LikelyElements(node.shape()) <= kMostResults;
}

}  // namespace

std::unique_ptr<Graph> SplitReductions(const Graph& graph) {
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    if (!IsSplit(node)) return nullptr;
    std::vector<int> outer = node.axes;
    const int inner = outer.back();
    outer.pop_back();
    Builder b(&out);
    const Tensor rows = Reduce(node.reduce, b.Wrap(mapped(node.inputs[0])), {inner});
    return Reduce(node.reduce, rows, outer).node();
  });
}

}  // namespace belay
