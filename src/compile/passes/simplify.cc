// Exact algebra (no result changes by a bit) and common subexpressions.
#include <cmath>
#include <map>

#include "compile/passes/passes.h"
#include "graph/builder.h"

namespace belay {
namespace {

// The value of a constant every element of which is the same number; looks through broadcasts.
bool UniformValue(const Node* node, double* value) {
  while (node->op == Op::kBroadcast || node->op == Op::kReshape) node = node->inputs[0];
  if (node->op != Op::kConst || node->literal->NumElements() != 1 || node->type.dtype == DType::kString) {
    return false;
  }
  *value = LiteralToDoubles(*node->literal)[0];
  return true;
}

bool WidensExactly(DType from, DType to) {
  if (IsHalf(from)) return to == DType::kF32 || to == DType::kF64;
  return from == DType::kF32 && to == DType::kF64;
}

// x of min(max(x, lo), hi) with the bounds of a short integer dtype, to which casts saturate anyway; else the node.
Node* Unclipped(Node* node, DType to) {
  if (!IsInt(to) || BitWidth(to) > 16 || !IsFloat(node->type.dtype)) return node;
  const double high = std::exp2(BitWidth(to) - (IsUnsignedInt(to) ? 0 : 1)) - 1;
  double c = 0;
  const auto bounds = [&](ScalarOp op, double limit) {
    return IsMap(node, op) && UniformValue(node->inputs[1], &c) && c == limit;
  };
  if (bounds(ScalarOp::kMin, high)) node = node->inputs[0];
  if (bounds(ScalarOp::kMax, IsUnsignedInt(to) ? 0 : -high - 1)) node = node->inputs[0];
  return node;
}

Node* SimplifyMap(const Node& node, const std::vector<Node*>& in) {
  double c = 0;
  switch (node.scalar) {
    case ScalarOp::kCast:
      if (in[0]->type.dtype == node.type.dtype) return in[0];
      if (in[0]->op == Op::kMap && in[0]->scalar == ScalarOp::kCast) {
        Node* source = in[0]->inputs[0];
        if (source->type.dtype == node.type.dtype && WidensExactly(node.type.dtype, in[0]->type.dtype)) {
          return source;
        }
      }
      return nullptr;
    case ScalarOp::kBitcast: return in[0]->type.dtype == node.type.dtype ? in[0] : nullptr;
    case ScalarOp::kMul:
      if (UniformValue(in[1], &c) && c == 1) return in[0];
      if (UniformValue(in[0], &c) && c == 1) return in[1];
      return nullptr;
    case ScalarOp::kDiv:
    case ScalarOp::kPow: return UniformValue(in[1], &c) && c == 1 ? in[0] : nullptr;
    case ScalarOp::kSub:
      return UniformValue(in[1], &c) && c == 0 && !std::signbit(c) ? in[0] : nullptr;
    case ScalarOp::kAdd:
      if (!IsInt(node.type.dtype)) return nullptr;  // -0 + 0 is 0
      if (UniformValue(in[1], &c) && c == 0) return in[0];
      return UniformValue(in[0], &c) && c == 0 ? in[1] : nullptr;
    default: return nullptr;
  }
}

// Both slices with steps of 1 of one node, the second from where the first ends along `axis`.
bool Follows(const Node* first, const Node* second, int axis) {
  if (first->op != Op::kSlice || second->op != Op::kSlice || first->inputs != second->inputs) return false;
  for (int d = 0; d < first->rank(); ++d) {
    const Dim begin = d == axis ? first->starts[d] + first->shape()[d] : first->starts[d];
    if (second->starts[d] != begin || !first->steps[d].IsConst(1) || !second->steps[d].IsConst(1)) return false;
  }
  return true;
}

// Parts of a split that meet again in their order are one.
Node* JoinSlices(Graph& out, const Node& concat, const std::vector<Node*>& in) {
  const int axis = concat.axes[0];
  std::vector<Node*> joined;
  for (Node* part : in) {
    if (joined.empty() || !Follows(joined.back(), part, axis)) {
      joined.push_back(part);
      continue;
    }
    Node* longer = CopyNode(out, *joined.back(), joined.back()->inputs);
    longer->type.shape[axis] = longer->shape()[axis] + part->shape()[axis];
    joined.back() = longer->shape() == longer->inputs[0]->shape() ? longer->inputs[0] : longer;
  }
  if (joined.size() == in.size()) return nullptr;
  return joined.size() == 1 ? joined[0] : CopyNode(out, concat, joined);
}

Node* SimplifyNode(Graph& out, const Node& node, const std::vector<Node*>& in) {
  Builder b(&out);
  switch (node.op) {
    case Op::kMap: {
      if (Node* same = SimplifyMap(node, in)) return same;
      double c = 0;
      if (node.scalar == ScalarOp::kPow && UniformValue(in[1], &c) && c == 2) {
        return Map(ScalarOp::kMul, b.Wrap(in[0]), b.Wrap(in[0])).node();
      }
      if (node.scalar == ScalarOp::kCast) {
        if (Node* open = Unclipped(in[0], node.type.dtype); open != in[0]) return CopyNode(out, node, {open});
      }
      return nullptr;
    }
    case Op::kReshape:
      if (in[0]->shape() == node.shape()) return in[0];
      if (in[0]->op == Op::kReshape) return Reshape(b.Wrap(in[0]), node.shape()).node();
      return nullptr;
    case Op::kBroadcast:
      if (in[0]->shape() == node.shape()) return in[0];
      if (in[0]->op == Op::kBroadcast) return CopyNode(out, node, {in[0]->inputs[0]});
      return nullptr;
    case Op::kTranspose: return Transpose(b.Wrap(in[0]), node.axes).node();
    case Op::kConcat: return JoinSlices(out, node, in);
    default: return nullptr;
  }
}

// A rounding to a half that alone reads a maximum over windows moves before it: it keeps the order of numbers, and
// the half is what is written and read.
Node* RoundBefore(Graph& out, const Node& node, const std::vector<int>& uses, const auto& mapped) {
  const Node* pool = IsMap(&node, ScalarOp::kCast) ? node.inputs[0] : nullptr;
  if (!pool || pool->op != Op::kPool || pool->reduce != ReduceKind::kMax || uses[pool->id] != 1) return nullptr;
  if (!IsHalf(node.type.dtype) || !WidensExactly(node.type.dtype, pool->type.dtype)) return nullptr;
  Node* x = mapped(pool->inputs[0]);
  const bool is_cast = IsMap(x, ScalarOp::kCast);
  const bool widened = is_cast && x->inputs[0]->type.dtype == node.type.dtype;
  Builder b(&out);
  Node* made = CopyNode(out, *pool, {widened ? x->inputs[0] : Cast(b.Wrap(x), node.type.dtype).node()});
  made->type.dtype = node.type.dtype;
  return made;
}

// Equal keys compute equal values; empty for what must stay apart.
std::string Key(const Node& node) {
  if (node.op == Op::kInput || node.op == Op::kCall || node.op == Op::kIf || node.op == Op::kWhile ||
      node.op == Op::kFused || !node.control.empty()) {
    return "";
  }
  std::string key = fmt::format("{} {} {} {} {} {}", static_cast<int>(node.op), static_cast<int>(node.scalar),
                                static_cast<int>(node.reduce), node.flags, node.index, ToString(node.type));
  for (Node* in : node.inputs) key += fmt::format(" n{}", in->id);
  for (int a : node.axes) key += fmt::format(" a{}", a);
  for (const Dim& d : node.starts) key += " s" + d.ToString();
  for (const Dim& d : node.steps) key += " t" + d.ToString();
  if (node.literal) {
    if (node.literal->ByteSize() <= 256 && node.literal->address) {
      const auto* bytes = node.literal->as<unsigned char>();
      for (int64_t i = 0; i < node.literal->ByteSize(); ++i) key += fmt::format(":{:x}", bytes[i]);
    } else {
      key += fmt::format(" p{}", node.literal->Identity());
    }
  }
  if (node.window) {
    const Window& w = *node.window;
    for (size_t i = 0; i < w.kernel.size(); ++i) {
      key += fmt::format(" w{},{},{},{}", w.kernel[i], w.strides[i], w.dilations[i], w.pads_lo[i].ToString());
    }
    key += fmt::format(" g{} f{}", w.groups, w.fill);
  }
  return key;
}

}  // namespace

std::unique_ptr<Graph> Simplify(const Graph& graph) {
  std::map<std::string, Node*> known;
  const std::vector<int> uses = UseCounts(graph);
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    std::vector<Node*> in;
    for (const Node* n : node.inputs) in.push_back(mapped(n));
    Node* made = SimplifyNode(out, node, in);
    if (!made) made = RoundBefore(out, node, uses, mapped);
    if (!made) made = CopyNode(out, node, in);
    std::string key = Key(*made);
    if (key.empty()) return made;
    return known.emplace(std::move(key), made).first->second;
  });
}

}  // namespace belay
