// Moves transpositions towards the outputs, through maps, reductions, slices, pads, concatenations, gathers and
// reshapes that only add or remove extents of 1; two that meet cancel. Convolutions are channels-last, so a
// channels-first network keeps its border transpositions only.
#include <algorithm>

#include "compile/passes/passes.h"
#include "graph/builder.h"

namespace belay {
namespace {

using Perm = std::vector<int>;

Perm Inverse(const Perm& perm) {
  Perm inverse(perm.size());
  for (size_t k = 0; k < perm.size(); ++k) inverse[perm[k]] = static_cast<int>(k);
  return inverse;
}

template <typename T>
std::vector<T> ToSource(const std::vector<T>& values, const Perm& perm) {
  std::vector<T> out(values.size());
  for (size_t k = 0; k < perm.size(); ++k) out[perm[k]] = values[k];
  return out;
}

// Transposing it costs nothing that matters.
bool IsFree(const Node* node) {
  if (node->op == Op::kConst) return true;
  return node->op == Op::kBroadcast && node->inputs[0]->shape() != node->shape();
}

// The operand in the order of the transposition's source.
Tensor Undo(Builder& b, Node* node, const Perm& perm) {
  if (node->op == Op::kTranspose && node->axes == perm) return b.Wrap(node->inputs[0]);
  if (node->op == Op::kBroadcast) {
    return BroadcastTo(Undo(b, node->inputs[0], perm), ToSource(node->shape(), perm));
  }
  return Transpose(b.Wrap(node), Inverse(perm));
}

// The permutation to sink through a node with several operands, or nullptr to leave it.
const Perm* CommonPerm(const std::vector<Node*>& in) {
  const Perm* perm = nullptr;
  int transposed = 0, others = 0;
  for (Node* n : in) {
    if (n->op == Op::kTranspose && (!perm || *perm == n->axes)) {
      perm = &n->axes;
      ++transposed;
    } else if (!IsFree(n)) {
      ++others;
    }
  }
  return perm && others < transposed ? perm : nullptr;
}

Node* SinkThroughMany(Graph& out, const Node& node, const std::vector<Node*>& in) {
  const Perm* found = CommonPerm(in);
  if (!found) return nullptr;
  const Perm perm = *found;
  Builder b(&out);
  std::vector<Node*> operands;
  for (Node* n : in) operands.push_back(Undo(b, n, perm).node());
  Node* made = CopyNode(out, node, operands);
  made->type.shape = ToSource(node.shape(), perm);
  made->contents.reset();
  if (node.op == Op::kConcat) made->axes = {perm[node.axes[0]]};
  return Transpose(b.Wrap(made), perm).node();
}

Node* SinkThroughReduce(Graph& out, const Node& node, Node* in) {
  const Perm& perm = in->axes;
  Node* source = in->inputs[0];
  std::vector<int> axes;
  for (int a : node.axes) axes.push_back(perm[a]);
  std::sort(axes.begin(), axes.end());
  auto reduced = [](const std::vector<int>& list, int d) {
    return std::find(list.begin(), list.end(), d) != list.end();
  };
  std::vector<int> kept;  // source dims that remain, in order
  Shape shape;
  for (int d = 0; d < source->rank(); ++d) {
    if (reduced(axes, d)) continue;
    kept.push_back(d);
    shape.push_back(source->shape()[d]);
  }
  Perm after;
  for (int k = 0; k < in->rank(); ++k) {
    if (reduced(node.axes, k)) continue;
    after.push_back(static_cast<int>(std::find(kept.begin(), kept.end(), perm[k]) - kept.begin()));
  }
  Builder b(&out);
  Node* made = CopyNode(out, node, {source});
  made->axes = axes;
  made->type.shape = shape;
  return Transpose(b.Wrap(made), after).node();
}

Node* SinkThroughWindowing(Graph& out, const Node& node, const std::vector<Node*>& in) {
  Builder b(&out);
  const Perm& perm = in[0]->axes;
  std::vector<Node*> operands = in;
  operands[0] = in[0]->inputs[0];
  Node* made = CopyNode(out, node, operands);
  made->type.shape = ToSource(node.shape(), perm);
  if (node.op == Op::kScan) {
    made->axes = {perm[node.axes[0]]};
  } else {
    made->starts = ToSource(node.starts, perm);
    made->steps = ToSource(node.steps, perm);
  }
  return Transpose(b.Wrap(made), perm).node();
}

// A gather whose output has the data's dims, each taken as it is or by indices: resizing, above all.
Node* SinkThroughGather(Graph& out, const Node& node, const std::vector<Node*>& in) {
  if (node.rank() != in[0]->rank() || !std::all_of(in.begin() + 1, in.end(), IsFree)) return nullptr;
  Builder b(&out);
  const Perm& perm = in[0]->axes;
  std::vector<Node*> operands = {in[0]->inputs[0]};
  for (size_t i = 1; i < in.size(); ++i) operands.push_back(Undo(b, in[i], perm).node());
  Node* made = CopyNode(out, node, operands);
  made->type.shape = ToSource(node.shape(), perm);
  made->contents.reset();
  for (size_t j = 0; j < perm.size(); ++j) made->axes[perm[j]] = node.axes[j] < 0 ? node.axes[j] : perm[node.axes[j]];
  return Transpose(b.Wrap(made), perm).node();
}

// Only when the reshape adds or removes extents of 1.
Node* SinkThroughReshape(Graph& out, const Node& node, Node* in) {
  const Shape& from = in->shape();
  const Shape& to = node.shape();
  std::vector<int> match(to.size(), -1), kept(from.size(), 0);
  size_t i = 0, j = 0;
  while (i < from.size() || j < to.size()) {
    if (i < from.size() && j < to.size() && from[i] == to[j]) {
      match[j] = static_cast<int>(i);
      kept[i++] = 1;
      ++j;
    } else if (j < to.size() && to[j].IsConst(1)) {
      ++j;
    } else if (i < from.size() && from[i].IsConst(1)) {
      ++i;
    } else {
      return nullptr;
    }
  }
  const Perm inverse = Inverse(in->axes);
  Node* source = in->inputs[0];
  Shape shape;
  std::vector<int> place(from.size(), -1);  // of each transposed dim in the new source
  for (int d = 0; d < source->rank(); ++d) {
    if (!kept[inverse[d]]) continue;
    place[inverse[d]] = static_cast<int>(shape.size());
    shape.push_back(source->shape()[d]);
  }
  Perm after;
  for (size_t k = 0; k < to.size(); ++k) {
    if (match[k] >= 0) {
      after.push_back(place[match[k]]);
    } else {
      after.push_back(static_cast<int>(shape.size()));
      shape.push_back(1);
    }
  }
  Builder b(&out);
  return Transpose(Reshape(b.Wrap(source), shape), after).node();
}

}  // namespace

std::unique_ptr<Graph> SinkTransposes(const Graph& graph) {
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    std::vector<Node*> in;
    for (const Node* n : node.inputs) in.push_back(mapped(n));
    if (in.empty()) return nullptr;
    if (node.op == Op::kMap || node.op == Op::kConcat) return SinkThroughMany(out, node, in);
    if (node.op == Op::kTranspose) {
      Builder b(&out);
      return Transpose(b.Wrap(in[0]), node.axes).node();
    }
    if (in[0]->op != Op::kTranspose) return nullptr;
    switch (node.op) {
      case Op::kReduce: return SinkThroughReduce(out, node, in[0]);
      case Op::kSlice:
      case Op::kPad:
      case Op::kScan: return SinkThroughWindowing(out, node, in);
      case Op::kGather: return SinkThroughGather(out, node, in);
      case Op::kReshape: return SinkThroughReshape(out, node, in[0]);
      default: return nullptr;
    }
  });
}

}  // namespace belay
