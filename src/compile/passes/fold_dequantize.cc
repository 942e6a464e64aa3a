// contract(dequantise(a), dequantise(b)) -> cast(contract(a, b) - corrections) * (a's scale * b's), and conv alike:
// bytes are multiplied and summed in i32, where dequantise(q) is (cast(q) - zero) * scale under views. a has one zero
// and one scale, b may have one for each column. Sums of i32 that subtract zeros only become the same without scales.
// The integer sums are exact and rounded to f32 once, where sums of products in f32 round at every step: results differ
// by that error, and, where they are quantised again, by a step when it carries them over the middle of two.
// Bytes also stay bytes through maxima of windows, max(dequantise(q)) -> dequantise(max(q)), and where they are
// quantised as they were, quantise(dequantise(q)) -> q. Both are exact.
#include <algorithm>
#include <cmath>

#include "compile/passes/constant_value.h"
#include "compile/passes/passes.h"
#include "graph/builder.h"

namespace belay {
namespace {

constexpr int64_t kDeepest = (int64_t{1} << 31) / (255 * 255);  // products whose sum surely fits i32

bool IsByte(const Node* n) { return n->type.dtype == DType::kI8 || n->type.dtype == DType::kU8; }

// A value that differs along one dim at most.
struct Spread {
  Node* base = nullptr;  // as many dims as what it is spread over
  int dim = -1;          // -1: one value
};

std::optional<Spread> SpreadOf(Node* node) {
  while (node->op == Op::kBroadcast) node = node->inputs[0];
  Spread spread{node};
  for (int d = 0; d < node->rank(); ++d) {
    if (node->shape()[d].IsConst(1)) continue;
    if (spread.dim >= 0) return std::nullopt;
    spread.dim = d;
  }
  return spread;
}

bool IsWhole(const Node* node) {
  while (IsView(node)) node = node->inputs[0];
  if (IsInt(node->type.dtype) || (IsMap(node, ScalarOp::kCast) && IsInt(node->inputs[0]->type.dtype))) return true;
  const LiteralPtr value = ConstantValue(node);
  if (!value) return false;
  for (double v : LiteralToDoubles(*value)) {
    if (v != std::nearbyint(v) || std::fabs(v) > 255) return false;
  }
  return true;
}

bool IsZero(const Node* node) {
  const LiteralPtr value = ConstantValue(node);
  if (!value) return false;
  for (double v : LiteralToDoubles(*value)) {
    if (v != 0) return false;
  }
  return true;
}

// (q - zero) * scale under views, outermost first.
struct Dequantized {
  std::vector<Node*> views;
  Node* q = nullptr;
  std::optional<Spread> zero, scale;
};

// The two ways round of a commutative node; empty when its second operand is not spread.
std::optional<Spread> TakeSpread(Node** node, ScalarOp op) {
  if (!IsMap(*node, op)) return std::nullopt;
  for (int side : {1, 0}) {
    if (side == 0 && op == ScalarOp::kSub) break;
    std::optional<Spread> spread = SpreadOf((*node)->inputs[side]);
    const Node* other = (*node)->inputs[1 - side];
    if (!spread || !(IsMap(other, ScalarOp::kSub) || IsMap(other, ScalarOp::kCast))) continue;
    *node = (*node)->inputs[1 - side];
    return spread;
  }
  return std::nullopt;
}

std::optional<Dequantized> Match(Node* node) {
  Dequantized d;
  const bool is_float = node->type.dtype == DType::kF32;
  for (; IsView(node); node = node->inputs[0]) d.views.push_back(node);
  if (is_float) d.scale = TakeSpread(&node, ScalarOp::kMul);
  d.zero = TakeSpread(&node, ScalarOp::kSub);
  if (!IsMap(node, ScalarOp::kCast) || !IsByte(node->inputs[0])) return std::nullopt;
  d.q = node->inputs[0];
  if (d.zero && !IsWhole(d.zero->base)) return std::nullopt;
  if (d.zero && IsZero(d.zero->base)) d.zero.reset();
  return d;
}

// Where a reshape that only adds or removes extents of 1 puts the dim; -1 for other reshapes.
int DimReshaped(const Shape& from, const Shape& to, int dim) {
  size_t i = 0, j = 0;
  int place = -1;
  while (i < from.size() || j < to.size()) {
    if (i < from.size() && j < to.size() && from[i] == to[j]) {
      if (static_cast<int>(i) == dim) place = static_cast<int>(j);
      ++i, ++j;
    } else if (j < to.size() && to[j].IsConst(1)) {
      ++j;
    } else if (i < from.size() && from[i].IsConst(1)) {
      ++i;
    } else {
      return -1;
    }
  }
  return place;
}

// Where dim `dim` of the innermost value lies behind the views; -1 when it is no dim of its own.
int DimBehind(const Dequantized& d, int dim) {
  for (size_t i = d.views.size(); i-- > 0 && dim >= 0;) {
    const Node* view = d.views[i];
    if (view->op == Op::kTranspose) {
      dim = static_cast<int>(std::find(view->axes.begin(), view->axes.end(), dim) - view->axes.begin());
    } else if (view->op == Op::kReshape) {
      dim = DimReshaped(view->inputs[0]->shape(), view->shape(), dim);
    } else if (view->op == Op::kSlice) {
      return -1;
    }
  }
  return dim;
}

int RankBehind(const Dequantized& d) { return d.views.empty() ? d.q->rank() : d.views[0]->rank(); }

// One value; or, for `columns`, one for each index of the last dim behind the views.
bool Fits(const Dequantized& d, const std::optional<Spread>& spread, bool columns) {
  if (!spread || spread->dim < 0) return true;
  return columns && DimBehind(d, spread->dim) == RankBehind(d) - 1;
}

Tensor Flat(Builder& b, const Spread& spread) {
  Tensor t = b.Wrap(spread.base);
  return spread.dim < 0 ? Reshape(t, {}) : Reshape(t, {t.dim(spread.dim)});
}

Tensor Viewed(Builder& b, const Dequantized& d) {
  Node* node = d.q;
  for (size_t i = d.views.size(); i-- > 0;) {
    Node* view = CopyNode(b.graph(), *d.views[i], {node});
    view->type.dtype = node->type.dtype;
    view->contents.reset();
    node = view;
  }
  return b.Wrap(node);
}

// Of outer x kept x inner numbers, over all but `kept`.
template <typename T>
void AddSums(const T* q, int64_t outer, int64_t inner, std::vector<int64_t>* kept) {
  for (; outer > 0; --outer) {
    for (int64_t& sum : *kept) {
      for (int64_t i = 0; i < inner; ++i) sum += q[i];
      q += inner;
    }
  }
}

// Sums of a constant over all dims but `kept`.
Tensor ConstantSums(Builder& b, const Literal& q, int kept) {
  int64_t outer = 1, inner = 1;
  for (int d = 0; d < kept; ++d) outer *= q.dims[d];
  for (size_t d = static_cast<size_t>(kept) + 1; d < q.dims.size(); ++d) inner *= q.dims[d];
  std::vector<int64_t> sums(static_cast<size_t>(q.dims[kept]));
  if (q.dtype == DType::kI8) AddSums(q.as<int8_t>(), outer, inner, &sums);
  else AddSums(q.as<uint8_t>(), outer, inner, &sums);
  return b.Ints(DType::kI32, sums);
}

// Sums of b over all that is multiplied: [N], or [batch..., 1, N].
Tensor ColumnSums(Builder& b, const Node& anchor, const Dequantized& d, const Tensor& q) {
  const bool conv = anchor.op == Op::kConv;
  bool single = true;  // one matrix
  for (int dim = 0; !conv && dim < q.rank() - 2; ++dim) single = single && q.dim(dim).IsConst(1);
  if (d.q->op == Op::kConst && single) {
    for (int dim = 0; dim < d.q->rank(); ++dim) {
      if (DimBehind(d, dim) == q.rank() - 1) return ConstantSums(b, *d.q->literal, dim);
    }
  }
  std::vector<int> axes{q.rank() - 2};
  for (int dim = 0; conv && dim < q.rank() - 2; ++dim) axes.insert(axes.end() - 1, dim);
  return Sum(Cast(q, DType::kI32), axes, !conv);
}

// Products that are summed to one element.
Dim Depth(const Node& anchor) {
  const Shape& w = anchor.inputs[1]->shape();
  if (anchor.op == Op::kContract) {
    const Dim& rows = w[w.size() - 2];
    return rows.IsConst() ? rows : anchor.inputs[0]->shape().back();
  }
  Dim depth = 1;
  for (size_t d = 0; d + 1 < w.size(); ++d) depth = depth * w[d];
  return depth;
}

// The convolution of bytes where cells outside x count as x's zero.
Node* ConvBytes(Builder& b, const Node& anchor, Tensor x, const Tensor& w, const std::optional<Spread>& zero) {
  auto window = std::make_shared<Window>(*anchor.window);
  if (zero) {
    if (const LiteralPtr value = ConstantValue(zero->base)) {
      window->fill = static_cast<int64_t>(LiteralToDoubles(*value)[0]);
    } else {
      const Window& old = *anchor.window;
      std::vector<Dim> low{0}, high{0};
      for (size_t d = 0; d < old.kernel.size(); ++d) {
        const Dim read = (anchor.shape()[d + 1] - Dim(1)) * Dim(old.strides[d]) +
                         Dim((old.kernel[d] - 1) * old.dilations[d] + 1);
        low.push_back(old.pads_lo[d]);
        high.push_back(read - old.pads_lo[d] - x.dim(static_cast<int>(d) + 1));
        window->pads_lo[d] = 0;
      }
      low.push_back(0), high.push_back(0);
      x = Pad(x, low, high, Cast(Flat(b, *zero), x.dtype()));
    }
  }
  Node* conv = CopyNode(b.graph(), anchor, {x.node(), w.node()});
  conv->window = window;
  return conv;
}

Node* Fold(Graph& out, const Node& anchor, const Dequantized& a, const Dequantized& w) {
  Builder b(&out);
  Tensor x = Viewed(b, a), y = Viewed(b, w);
  Node* made = anchor.op == Op::kConv ? ConvBytes(b, anchor, x, y, a.zero)
                                      : CopyNode(out, anchor, {x.node(), y.node()});
  made->type.dtype = DType::kI32;
  Tensor sums = b.Wrap(made);
  if (a.zero) {
    Tensor columns = ColumnSums(b, anchor, w, y);
    if (w.zero) columns = columns - Cast(Flat(b, *w.zero), DType::kI32) * b.FromDim(DType::kI32, Depth(anchor));
    sums = sums - columns * Cast(Flat(b, *a.zero), DType::kI32);
  }
  if (w.zero) {
    Tensor rows = Sum(Cast(x, DType::kI32), {x.rank() - 1});
    sums = sums - rows * Cast(Flat(b, *w.zero), DType::kI32);
  }
  if (anchor.type.dtype == DType::kI32) return sums.node();
  Tensor result = Cast(sums, DType::kF32);
  if (a.scale && w.scale) return (result * (Flat(b, *a.scale) * Flat(b, *w.scale))).node();
  if (a.scale || w.scale) result = result * Flat(b, a.scale ? *a.scale : *w.scale);
  return result.node();
}

// The products of `node`, when both operands are bytes.
Node* FoldProducts(Graph& out, const Node& node, Node* left, Node* right) {
  if (node.type.dtype != DType::kF32 && node.type.dtype != DType::kI32) return nullptr;
  std::optional<Dequantized> a = Match(left), b = Match(right);
  if (!a || !b || !Fits(*a, a->zero, false) || !Fits(*a, a->scale, false)) return nullptr;
  if (!Fits(*b, b->zero, true) || !Fits(*b, b->scale, true)) return nullptr;
  if (node.op == Op::kConv && b->zero) return nullptr;
  if (node.type.dtype == DType::kF32) {
    const Dim depth = Depth(node);
    if (!depth.IsConst() || depth.value() > kDeepest) return nullptr;
  }
  return Fold(out, node, *a, *b);
}

// The one number that a spread constant is; NaN: it is none.
double UniformValue(const Spread& spread) {
  const LiteralPtr value = spread.dim < 0 ? ConstantValue(spread.base) : nullptr;
  return value ? LiteralToDoubles(*value)[0] : NAN;
}

// Scales for which the arithmetic of quantising neither overflows nor underflows.
bool IsScale(double s) { return s > 1e-30 && s < 1e30; }

Node* FoldPool(Graph& out, const Node& node, Node* x) {
  if (node.reduce != ReduceKind::kMax || node.type.dtype != DType::kF32) return nullptr;
  std::optional<Dequantized> d = Match(x);
  if (!d || !d->scale || !IsScale(UniformValue(*d->scale)) || !Fits(*d, d->zero, false)) return nullptr;
  Builder b(&out);
  Node* pool = CopyNode(out, node, {Viewed(b, *d).node()});
  pool->type.dtype = d->q->type.dtype;
  Tensor y = Cast(b.Wrap(pool), DType::kF32);
  if (d->zero) y = y - Flat(b, *d->zero);
  return (y * Flat(b, *d->scale)).node();
}

// cast(round(dequantise(q) / scale) + zero)
Node* FoldCast(Graph& out, const Node& node, Node* at) {
  if (!IsByte(&node)) return nullptr;
  double zero = 0;
  if (IsMap(at, ScalarOp::kAdd)) {
    const std::optional<Spread> spread = SpreadOf(at->inputs[1]);
    if (!spread) return nullptr;
    zero = UniformValue(*spread);
    at = at->inputs[0];
  }
  if (!IsMap(at, ScalarOp::kRound) || !IsMap(at->inputs[0], ScalarOp::kDiv)) return nullptr;
  const Node* quotient = at->inputs[0];
  const std::optional<Spread> scale = SpreadOf(quotient->inputs[1]);
  std::optional<Dequantized> d = Match(quotient->inputs[0]);
  if (!scale || !d || !d->scale || d->q->type.dtype != node.type.dtype) return nullptr;
  const double s = UniformValue(*scale);
  if (!IsScale(s) || s != UniformValue(*d->scale) || zero != (d->zero ? UniformValue(*d->zero) : 0)) return nullptr;
  Builder b(&out);
  return Viewed(b, *d).node();
}

}  // namespace

std::unique_ptr<Graph> FoldDequantize(const Graph& graph) {
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    if (IsProduct(&node)) {
      return FoldProducts(out, node, mapped(node.inputs[0]), mapped(node.inputs[1]));
    }
    if (node.op == Op::kPool) return FoldPool(out, node, mapped(node.inputs[0]));
    return IsMap(&node, ScalarOp::kCast) ? FoldCast(out, node, mapped(node.inputs[0])) : nullptr;
  });
}

}  // namespace belay
