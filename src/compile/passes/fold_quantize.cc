// cast_byte(round(x / s) + zero) for one constant s: x's own constant factors and terms take s in,
//   round((cast(sums) * f + b) / s) -> round(cast(sums) * (f / s) + b / s),
// and any other x is multiplied by 1 / s. The new quotient is off by some units in its last place, so a result differs
// only where x / s lies that close to the middle between two steps, and by one step.
#include "compile/passes/passes.h"
#include "graph/builder.h"

namespace belay {
namespace {

bool IsMap(const Node* n, ScalarOp op) { return n->op == Op::kMap && n->scalar == op; }
bool IsByte(DType dtype) { return dtype == DType::kI8 || dtype == DType::kU8; }

const Node* Unspread(const Node* node) {
  while (node->op == Op::kBroadcast || node->op == Op::kReshape) node = node->inputs[0];
  return node;
}
bool IsConstant(const Node* node) { return Unspread(node)->op == Op::kConst; }

// One number whose reciprocal and quotients are far from the ends of f32's range.
bool IsScale(const Node* node) {
  const Node* base = Unspread(node);
  if (base->op != Op::kConst || base->type.dtype != DType::kF32 || base->literal->NumElements() != 1) return false;
  const double s = LiteralToDoubles(*base->literal)[0];
  return s > 1e-30 && s < 1e30;
}

struct Context {
  Builder b;
  const std::vector<int>& uses;
  std::function<Node*(const Node*)> mapped;

  Tensor At(const Node* node) { return b.Wrap(mapped(node)); }
};

// The side that is not constant; -1 when x takes no scale in.
int OpenSide(const Context& c, const Node* x) {
  if (x->op != Op::kMap || x->inputs.size() != 2 || c.uses[x->id] != 1) return -1;
  if (IsConstant(x->inputs[1])) return 0;
  return IsConstant(x->inputs[0]) ? 1 : -1;
}

// A factor under sums and bounds, all with constants.
bool TakesScale(const Context& c, const Node* x) {
  const int side = OpenSide(c, x);
  if (side < 0) return false;
  if (x->scalar == ScalarOp::kMul) return true;
  const bool linear = x->scalar == ScalarOp::kAdd || x->scalar == ScalarOp::kSub || x->scalar == ScalarOp::kMax ||
                      x->scalar == ScalarOp::kMin;
  return linear && TakesScale(c, x->inputs[side]);
}

Tensor Divided(Context& c, const Node* constant, const Tensor& s) {
  // The quotient is made of what the constant has, not of what it is spread to.
  if (constant->op == Op::kBroadcast) {
    return BroadcastTo(Divided(c, constant->inputs[0], s), constant->shape());
  }
  return c.At(constant) / s;
}

Tensor Scaled(Context& c, const Node* x, const Tensor& s) {
  if (!TakesScale(c, x)) return c.At(x) * (1.0 / s);
  const int side = OpenSide(c, x);
  Tensor constant = Divided(c, x->inputs[1 - side], s);
  const Node* open = x->inputs[side];
  Tensor value = x->scalar == ScalarOp::kMul ? c.At(open) : Scaled(c, open, s);
  return side == 0 ? Map(x->scalar, value, constant) : Map(x->scalar, constant, value);
}

// The division whose rounded quotient, plus a constant, is cast; nullptr where there is none.
const Node* QuotientOf(const Node& cast) {
  const Node* at = cast.inputs[0];
  if (IsMap(at, ScalarOp::kAdd) && IsConstant(at->inputs[1])) at = at->inputs[0];
  if (!IsMap(at, ScalarOp::kRound)) return nullptr;
  at = at->inputs[0];
  return IsMap(at, ScalarOp::kDiv) && IsScale(at->inputs[1]) ? at : nullptr;
}

}  // namespace

std::unique_ptr<Graph> FoldQuantize(const Graph& graph) {
  const std::vector<int> uses = UseCounts(graph);
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    if (!IsMap(&node, ScalarOp::kCast) || !IsByte(node.type.dtype)) return nullptr;
    const Node* quotient = QuotientOf(node);
    if (quotient == nullptr || uses[quotient->id] != 1) return nullptr;
    Context c{Builder(&out), uses, mapped};
    Tensor s = Reshape(c.At(Unspread(quotient->inputs[1])), {});
    Tensor y = Map(ScalarOp::kRound, Scaled(c, quotient->inputs[0], s));
    const Node* above = node.inputs[0];
    if (above->scalar == ScalarOp::kAdd) y = y + c.At(above->inputs[1]);
    return CopyNode(out, node, {y.node()});
  });
}

}  // namespace belay
