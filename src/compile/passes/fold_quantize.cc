// cast_byte(round(x / s) + zero) for one constant s, where x has constant factors: these take s in,
//   round((cast(sums) * f + b) / s) -> round(cast(sums) * (f / s) + b / s).
// The new quotient is off by some units in its last place, so a result differs only where x / s lies that close to the
// middle between two steps, and by one step.
// cast_f32(cast_byte(v + zero)) - zero -> min(max(v, lowest - zero), highest - zero) for whole numbers v that nothing
// else reads as bytes: exact.
#include <algorithm>
#include <cmath>

#include "compile/passes/passes.h"
#include "graph/builder.h"

namespace belay {
namespace {

bool IsByte(DType dtype) { return dtype == DType::kI8 || dtype == DType::kU8; }
bool IsCast(const Node* n, bool from_byte) {
  return IsMap(n, ScalarOp::kCast) && IsByte(from_byte ? n->inputs[0]->type.dtype : n->type.dtype);
}

const Node* Unspread(const Node* node) {
  while (node->op == Op::kBroadcast || node->op == Op::kReshape) node = node->inputs[0];
  return node;
}
bool IsConstant(const Node* node) { return Unspread(node)->op == Op::kConst; }

// The one number that a constant is; NaN: it is none.
double Uniform(const Node* node) {
  const Node* base = Unspread(node);
  if (base->op != Op::kConst || base->literal->NumElements() != 1) return NAN;
  return LiteralToDoubles(*base->literal)[0];
}

// One number whose quotients are far from the ends of f32's range.
bool IsScale(const Node* node) {
  const double s = node->type.dtype == DType::kF32 ? Uniform(node) : NAN;
  return s > 1e-30 && s < 1e30;
}

struct Context {
  Builder b;
  const std::vector<int>& uses;
  std::function<Node*(const Node*)> mapped;

  Tensor At(const Node* node) { return b.Wrap(mapped(node)); }
};

// The side of a product that is no constant; -1: neither is one.
int OpenSide(const Node* product) {
  if (IsConstant(product->inputs[1])) return 0;
  return IsConstant(product->inputs[0]) ? 1 : -1;
}

bool IsDequantised(const Node* product) {
  const int side = OpenSide(product);
  if (side < 0) return false;
  const Node* at = product->inputs[side];
  if (IsMap(at, ScalarOp::kSub) && IsConstant(at->inputs[1])) at = at->inputs[0];
  return IsCast(at, true);
}

bool IsLinear(const Node* x) {
  return IsMap(x, ScalarOp::kAdd) || IsMap(x, ScalarOp::kSub) || IsMap(x, ScalarOp::kMax) || IsMap(x, ScalarOp::kMin);
}

// Sums and bounds of products with constants. What others read as well stays, but for dequantised bytes, which every
// reader computes anew.
bool TakesScale(const Context& c, const Node* x) {
  if (IsMap(x, ScalarOp::kMul)) return OpenSide(x) >= 0 && (c.uses[x->id] == 1 || IsDequantised(x));
  if (!IsLinear(x) || c.uses[x->id] != 1 || (IsConstant(x->inputs[0]) && IsConstant(x->inputs[1]))) return false;
  const auto takes = [&](const Node* in) { return IsConstant(in) || TakesScale(c, in); };
  return takes(x->inputs[0]) && takes(x->inputs[1]);
}

// What a constant has, not what it is spread to.
Tensor Base(Context& c, const Node* constant) {
  while (constant->op == Op::kBroadcast) constant = constant->inputs[0];
  return c.At(constant);
}

// x over s.
Tensor Divided(Context& c, const Node* x, const Tensor& s) {
  if (IsConstant(x)) return Base(c, x) / s;
  if (IsLinear(x)) return Map(x->scalar, Divided(c, x->inputs[0], s), Divided(c, x->inputs[1], s));
  const int side = OpenSide(x);
  const Node* open = x->inputs[side];
  Tensor factor = Base(c, x->inputs[1 - side]) / s;
  // Two factors are one.
  if (IsMap(open, ScalarOp::kMul) && c.uses[open->id] == 1 && OpenSide(open) >= 0) {
    const int inner = OpenSide(open);
    return c.At(open->inputs[inner]) * (Base(c, open->inputs[1 - inner]) * factor);
  }
  return c.At(open) * factor;
}

// The division whose rounded quotient, plus a constant, is cast; nullptr where there is none.
const Node* QuotientOf(const Node& cast) {
  const Node* at = cast.inputs[0];
  if (IsMap(at, ScalarOp::kAdd) && IsConstant(at->inputs[1])) at = at->inputs[0];
  if (!IsMap(at, ScalarOp::kRound)) return nullptr;
  at = at->inputs[0];
  return IsMap(at, ScalarOp::kDiv) && IsScale(at->inputs[1]) ? at : nullptr;
}

Node* FoldScale(Context& c, const Node& cast) {
  const Node* quotient = QuotientOf(cast);
  if (quotient == nullptr || c.uses[quotient->id] != 1 || !TakesScale(c, quotient->inputs[0])) return nullptr;
  Tensor s = Reshape(c.At(Unspread(quotient->inputs[1])), {});
  Tensor y = Map(ScalarOp::kRound, Divided(c, quotient->inputs[0], s));
  const Node* above = cast.inputs[0];
  if (above->scalar == ScalarOp::kAdd && Uniform(above->inputs[1]) != 0) y = y + c.At(above->inputs[1]);
  return CopyNode(c.b.graph(), cast, {y.node()});
}

// Made of integers and constants alone: no NaN.
bool IsNumber(const Node* n) {
  if (IsConstant(n)) return true;
  if (IsMap(n, ScalarOp::kCast)) return IsInt(n->inputs[0]->type.dtype);
  if (IsMap(n, ScalarOp::kDiv)) return IsScale(n->inputs[1]) && IsNumber(n->inputs[0]);
  if (n->op == Op::kBroadcast) return IsNumber(n->inputs[0]);
  if (!IsLinear(n) && !IsMap(n, ScalarOp::kMul) && !IsMap(n, ScalarOp::kRound)) return false;
  return std::all_of(n->inputs.begin(), n->inputs.end(), IsNumber);
}

// Bytes that are widened at once, less their zero, where they have one.
Node* Clamp(Context& c, const Node& node) {
  const bool centred = node.scalar == ScalarOp::kSub;
  const Node* wide = centred ? node.inputs[0] : &node;
  if (!IsCast(wide, true) || wide->type.dtype != DType::kF32 || !IsCast(wide->inputs[0], false)) return nullptr;
  const Node* byte = wide->inputs[0];
  if (c.uses[byte->id] != 1 || (centred && c.uses[wide->id] != 1)) return nullptr;
  const double zero = centred ? Uniform(node.inputs[1]) : 0;
  const Node* v = c.mapped(byte)->inputs[0];
  if (v->type.dtype != DType::kF32) return nullptr;
  if (IsMap(v, ScalarOp::kAdd) && Uniform(v->inputs[1]) == zero) {
    v = v->inputs[0];
  } else if (zero != 0) {
    return nullptr;
  }
  if (!IsMap(v, ScalarOp::kRound) || !IsNumber(v->inputs[0])) return nullptr;
  const double low = byte->type.dtype == DType::kI8 ? -128 : 0;
  return Min(Max(c.b.Wrap(const_cast<Node*>(v)), low - zero), low + 255 - zero).node();
}

}  // namespace

std::unique_ptr<Graph> FoldQuantize(const Graph& graph) {
  const std::vector<int> uses = UseCounts(graph);
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    Context c{Builder(&out), uses, mapped};
    if (IsCast(&node, false)) return FoldScale(c, node);
    return IsMap(&node, ScalarOp::kCast) || IsMap(&node, ScalarOp::kSub) ? Clamp(c, node) : nullptr;
  });
}

}  // namespace belay
