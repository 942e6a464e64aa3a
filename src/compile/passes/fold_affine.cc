// Constant factors and terms of f32 maps: several in a row are computed once, and where only a convolution reads the
// result, in its filter:
//   (x + a) + b -> x + (a + b)           (x / a) * b, (x * a) * b -> x * c
//   conv(x * a, W) -> conv(x, a * W)     conv(x + b, W) -> conv(x, W) + b * W, where no border is filled
//   conv(x * a + b, W) -> conv(x + b / a, a * W), where one is
// So an activation's division by 6, and the scale and bias behind it, cost nothing. Factors vary by channel or not at
// all.
#include <cmath>
#include <numeric>

#include "compile/passes/constant_value.h"
#include "compile/passes/passes.h"

namespace belay {
namespace {

// Whether all are terms, or factors, of which a few can be taken together at the cost of last bits alone. Others mean
// something: adding and subtracting 2^23 rounds.
bool IsOrdinary(const Node* node, bool factors) {
  const LiteralPtr value = ConstantValue(node);
  if (value == nullptr) return false;
  for (double v : LiteralToDoubles(*value)) {
    if (!(std::fabs(v) < 0x1p20) || (factors && std::fabs(v) < 0x1p-20)) return false;
  }
  return true;
}

// An operation by a constant, `x` its other operand; x is nullptr where it is none.
struct Affine {
  const Node* x = nullptr;
  ScalarOp op = ScalarOp::kAdd;
  Tensor constant;
};

Affine AffineOf(Builder& b, const Node* node, const std::function<Node*(const Node*)>& mapped) {
  if (node->op != Op::kMap || node->type.dtype != DType::kF32) return {};
  const bool commutes = node->scalar == ScalarOp::kAdd || node->scalar == ScalarOp::kMul;
  if (!commutes && node->scalar != ScalarOp::kDiv) return {};
  for (int side : commutes ? std::vector<int>{1, 0} : std::vector<int>{1}) {
    const Node* x = node->inputs[1 - side];
    if (x->shape() != node->shape()) continue;
    Tensor c = ChannelVector(b, mapped(node->inputs[side]));
    if (c && IsOrdinary(c.node(), node->scalar != ScalarOp::kAdd)) return {x, node->scalar, c};
  }
  return {};
}

// x op c op' c' as one operation.
Node* MergeConstants(Graph& out, const Node& node, const std::function<Node*(const Node*)>& mapped,
                     const std::vector<int>& uses) {
  Builder b(&out);
  const Affine outer = AffineOf(b, &node, mapped);
  if (outer.x == nullptr || outer.op == ScalarOp::kDiv || uses[outer.x->id] != 1) return nullptr;
  const Affine inner = AffineOf(b, outer.x, mapped);
  if (inner.x == nullptr) return nullptr;
  const bool sums = outer.op == ScalarOp::kAdd;
  if (sums != (inner.op == ScalarOp::kAdd)) return nullptr;
  Tensor x = b.Wrap(mapped(inner.x));
  if (sums) return (x + (inner.constant + outer.constant)).node();
  if (inner.op == ScalarOp::kMul) return (x * (inner.constant * outer.constant)).node();
  return (x * (outer.constant / inner.constant)).node();
}

// The factor or term of x's channels as one of the filter's; nothing where groups make none of it.
Tensor ByFilterRow(const Tensor& c, const Node& conv) {
  const Shape& filter = conv.inputs[1]->shape();
  if (NumElements(c.shape()).IsConst(1)) return Reshape(c, {});
  if (conv.window->groups == 1) return Reshape(c, {c.shape()[0], 1});
  const bool depthwise = filter[conv.rank() - 2].IsConst(1) && filter.back() == c.shape()[0];
  return depthwise ? c : Tensor();
}

// What moves out of a convolution's operand, from the last operation to the first.
struct Mover {
  Builder b;
  const Node& conv;
  const std::function<Node*(const Node*)>& mapped;
  const std::vector<int>& uses;
  const Node* x;          // what is still read
  Tensor filter, behind;  // `behind`: the term that moved behind the convolution, if one did
  Tensor before;          // the term that stays before it, when its factor moved

  Affine Last() { return uses[x->id] == 1 ? AffineOf(b, x, mapped) : Affine{}; }

  bool MoveFactor(const Affine& affine) {
    const Tensor c = ByFilterRow(affine.constant, conv);
    if (!c) return false;
    filter = affine.op == ScalarOp::kMul ? filter * c : filter / c;
    x = affine.x;
    return true;
  }

  bool MoveTerm(const Affine& affine) {
    const Tensor c = IsPointwise(conv) ? ByFilterRow(affine.constant, conv) : Tensor();
    if (!c) return false;
    std::vector<int> axes(static_cast<size_t>(conv.rank() - 1));
    std::iota(axes.begin(), axes.end(), 0);
    const Tensor sum = Sum(filter * c, axes, false);
    behind = behind ? behind + sum : sum;
    x = affine.x;
    return true;
  }

  // y * s + t is (y + t / s) * s.
  void MoveFactorBeforeTerm(const Affine& term) {
    if (uses[term.x->id] != 1) return;
    const Affine factor = AffineOf(b, term.x, mapped);
    if (factor.x == nullptr || factor.op == ScalarOp::kAdd) return;
    const Tensor t = factor.op == ScalarOp::kMul ? term.constant / factor.constant : term.constant * factor.constant;
    if (IsOrdinary(t.node(), false) && MoveFactor(factor)) before = t;
  }

  void Move() {
    for (Affine last = Last(); last.x != nullptr; last = Last()) {
      const bool is_term = last.op == ScalarOp::kAdd;
      if (is_term ? MoveTerm(last) : MoveFactor(last)) continue;
      if (is_term) MoveFactorBeforeTerm(last);
      return;
    }
  }
};

Node* MoveIntoFilter(Graph& out, const Node& conv, const std::function<Node*(const Node*)>& mapped,
                     const std::vector<int>& uses) {
  if (conv.op != Op::kConv || conv.type.dtype != DType::kF32 || conv.window->fill != 0) return nullptr;
  if (conv.inputs[1]->op != Op::kConst) return nullptr;
  Mover m{Builder(&out), conv, mapped, uses, conv.inputs[0]};
  m.filter = m.b.Wrap(mapped(conv.inputs[1]));
  m.Move();
  if (m.x == conv.inputs[0]) return nullptr;
  Tensor x = m.b.Wrap(mapped(m.x));
  if (m.before) x = x + m.before;
  Node* moved = CopyNode(out, conv, {x.node(), m.filter.node()});
  return m.behind ? (m.b.Wrap(moved) + m.behind).node() : moved;
}

}  // namespace

std::unique_ptr<Graph> FoldAffine(const Graph& graph) {
  std::vector<int> uses = UseCounts(graph);
  const std::unique_ptr<Graph> merged = RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) {
    return MergeConstants(out, node, mapped, uses);
  });
  uses = UseCounts(*merged);
  return RewriteGraph(*merged, [&](Graph& out, const Node& node, const auto& mapped) {
    return MoveIntoFilter(out, node, mapped, uses);
  });
}

}  // namespace belay
