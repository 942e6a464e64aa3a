// A kernel whose result is stored to a graph input writes it there, in place or over what nobody reads any more:
//   y = fused(x, ...); store x = y   ->   y = fused(x, ...) home=x after=[the other readers of x]; store x = y
// So does the kernel before it whose result y overwrites in turn. Where a later node still needs what lies there, the
// store stays a copy at the end.
#include <algorithm>

#include "compile/passes/passes.h"

namespace belay {
namespace {

class Placer {
 public:
  explicit Placer(Graph* graph) : graph_(*graph) {
    for (Node* output : graph_.outputs) kept_.push_back(ThroughReshapes(output));
    for (const Store& s : graph_.stores) kept_.push_back(ThroughReshapes(s.value));
    order_ = TopologicalOrder(graph_);
    holder_ = graph_.inputs;
  }

  void Run() {
    for (const Store& s : graph_.stores) Place(ThroughReshapes(s.value), s.input);
  }

 private:
  // `node` becomes what the input's memory holds. A result that it can overwrite goes there first.
  void Place(Node* node, int input) {
    if (node->op != Op::kFused || node->home) return;
    bool reads_input = false;
    for (Node* in : node->inputs) reads_input = reads_input || ThroughReshapes(in) == graph_.inputs[input];
    for (size_t i = 0; !reads_input && holder_[input] == graph_.inputs[input] && i < node->inputs.size(); ++i) {
      Node* before = ThroughReshapes(node->inputs[i]);
      if (!IsKept(before) && CanOverwrite(*node->subgraphs[0], static_cast<int>(i))) Place(before, input);
    }
    if (TakeOver(node, holder_[input])) holder_[input] = node;
  }

  // What outputs and stores read is needed to the end.
  bool IsKept(const Node* node) const { return std::find(kept_.begin(), kept_.end(), node) != kept_.end(); }

  bool TakeOver(Node* node, Node* home) {
    if (IsKept(home) || NumElements(node->shape()) != NumElements(home->shape())) return false;
    std::vector<Node*> first;  // must have read it before
    for (Node* reader : order_) {
      if (reader->op == Op::kReshape) continue;
      for (size_t i = 0; i < reader->inputs.size(); ++i) {
        if (ThroughReshapes(reader->inputs[i]) != home) continue;
        if (reader == node && !CanOverwrite(*node->subgraphs[0], static_cast<int>(i))) return false;
        if (reader != node) first.push_back(reader);
      }
    }
    for (Node* reader : first) {
      if (Ancestors(graph_, reader)[node->id]) return false;
    }
    const std::vector<char> before = Ancestors(graph_, node);
    for (Node* reader : first) {
      const bool listed = std::find(node->control.begin(), node->control.end(), reader) != node->control.end();
      if (!before[reader->id] && !listed) node->control.push_back(reader);
    }
    node->home = home;
    return true;
  }

  Graph& graph_;
  std::vector<const Node*> kept_;
  std::vector<Node*> order_;
  std::vector<Node*> holder_;  // by input: the node whose value its memory holds last so far
};

}  // namespace

std::unique_ptr<Graph> PlaceStores(const Graph& graph) {
  std::unique_ptr<Graph> placed = RewriteGraph(graph, nullptr);
  Placer(placed.get()).Run();
  return placed;
}

}  // namespace belay
