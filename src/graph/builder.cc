#include "graph/builder.h"

#include <algorithm>
#include <numeric>

#include "graph/contents.h"
#include "graph/interpret.h"
#include "graph/library.h"
#include "graph/narrow.h"

namespace belay {
namespace {

constexpr int64_t kMaxFold = 1024;
constexpr int64_t kMaxNumbers = 64;

bool SmallStatic(const Shape& shape) {
  return IsStatic(shape) && NumElements(shape).value() <= kMaxFold;
}

// Bytes that become floats: compile/passes/fold_dequantize.cc may want the bytes.
bool AreWeights(const Node& node) {
  if (node.op != Op::kMap || node.scalar != ScalarOp::kCast || !IsFloat(node.type.dtype)) return false;
  const DType from = node.inputs[0]->type.dtype;
  return (from == DType::kI8 || from == DType::kU8) && NumElements(node.shape()).value() > kMaxNumbers;
}

// The value of a small constant expression, nullptr when it is none.
LiteralPtr FoldSmall(const Node* node) {
  if (node->op == Op::kConst) return SmallStatic(node->shape()) ? node->literal : nullptr;
  const bool foldable = node->op == Op::kMap || node->op == Op::kReshape ||
                        node->op == Op::kTranspose || node->op == Op::kBroadcast ||
                        node->op == Op::kSlice || node->op == Op::kConcat ||
                        node->op == Op::kGather || node->op == Op::kReduce || node->op == Op::kIota ||
                        node->op == Op::kPad || node->op == Op::kScan || node->op == Op::kScatter;
  if (!foldable || !SmallStatic(node->shape()) || AreWeights(*node)) return nullptr;
  for (const std::vector<Dim>* dims : {&node->starts, &node->steps}) {
    if (!IsStatic(*dims)) return nullptr;
  }
  // Texts get their numbers when a run begins.
  if (node->scalar == ScalarOp::kBitcast && IsRunValue(node->inputs[0]->type.dtype)) return nullptr;
  std::vector<LiteralPtr> inputs;
  for (const Node* in : node->inputs) {
    LiteralPtr value = FoldSmall(in);
    if (!value) return nullptr;
    inputs.push_back(std::move(value));
  }
  std::vector<int64_t> symbols;
  Result<std::vector<LiteralPtr>> out = InterpretNode(*node, inputs, &symbols);
  if (!out.ok()) throw OpError{std::move(out).status()};
  return (*out)[0];
}

constexpr int64_t kMostElements = int64_t{1} << 48;  // more than any memory holds

// Extents may come from a model's contents. Those beside a 0 count as well: strides are products of some.
void CheckExtents(const Shape& shape) {
  int64_t count = 1;
  bool too_many = false;
  for (const Dim& d : shape) {
    if (!d.IsConst()) continue;
    if (d.value() < 0) Fail("a tensor would have the shape {}", ToString(shape));
    if (d.value() == 0) continue;
    too_many = too_many || d.value() > kMostElements / count;
    if (!too_many) count *= d.value();
  }
  if (too_many) Fail("a tensor of shape {} is larger than any memory", ToString(shape));
}

// Finishes a node that computes: folds it when everything it reads is a small constant.
Tensor Finish(Builder& b, Node* node) {
  CheckExtents(node->type.shape);
  InferContents(node);
  const bool view_of_scalar = node->op == Op::kBroadcast || node->op == Op::kIota;
  if (!view_of_scalar) {
    if (LiteralPtr value = FoldSmall(node)) return b.Constant(value);
  }
  return b.Wrap(node);
}

// Records name axes of tensors whose rank a model decides.
void CheckAxis(const Tensor& x, int axis) {
  if (axis < 0 || axis >= x.rank()) Fail("there is no dim {} in the shape {}", axis, ToString(x.shape()));
}

Tensor Relabel(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  Node* source = x.node();
  while (source->op == Op::kReshape) source = source->inputs[0];
  Node* node = x.builder().graph().Add(Op::kReshape, {source}, {x.dtype(), shape});
  return Finish(x.builder(), node);
}

DType MapResultType(ScalarOp op, const std::vector<Tensor>& inputs) {
  switch (op) {
    case ScalarOp::kEq:
    case ScalarOp::kNe:
    case ScalarOp::kLt:
    case ScalarOp::kLe:
    case ScalarOp::kGt:
    case ScalarOp::kGe:
    case ScalarOp::kIsNan:
    case ScalarOp::kIsInf: return DType::kBool;
    case ScalarOp::kSelect: return inputs[1].dtype();
    default: return inputs[0].dtype();
  }
}

// Elements that the interpreter and the kernels can compute with; others only travel.
void CheckComputable(DType dtype) {
  if (!IsFloat(dtype) && !IsInt(dtype) && dtype != DType::kBool) {
    FailNotSupported("arithmetic on {}", DTypeName(dtype));
  }
}

void CheckSameTypes(ScalarOp op, const std::vector<Tensor>& inputs, size_t first) {
  for (size_t i = first + 1; i < inputs.size(); ++i) {
    if (inputs[i].dtype() != inputs[first].dtype()) {
      Fail("operands of {} have dtypes {} and {}", ScalarOpName(op), DTypeName(inputs[first].dtype()),
           DTypeName(inputs[i].dtype()));
    }
  }
}

void CheckMapTypes(ScalarOp op, const std::vector<Tensor>& inputs) {
  if (op != ScalarOp::kSelect) {
    for (const Tensor& t : inputs) CheckComputable(t.dtype());
  }
  size_t first = 0;
  if (op == ScalarOp::kSelect) {
    if (inputs[0].dtype() != DType::kBool) {
      Fail("the condition is {}, but must be bool", DTypeName(inputs[0].dtype()));
    }
    first = 1;
  }
  CheckSameTypes(op, inputs, first);
}

Shape WithoutAxes(const Shape& shape, const std::vector<int>& axes) {
  Shape out;
  for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
    if (std::find(axes.begin(), axes.end(), d) == axes.end()) out.push_back(shape[d]);
  }
  return out;
}

Dim WindowExtent(const Dim& in, const Dim& lo, const Dim& hi, int64_t kernel, int64_t stride,
                 int64_t dilation, bool ceil_mode) {
  const Dim room = in + lo + hi - Dim((kernel - 1) * dilation + 1);
  if (!ceil_mode) return FloorDiv(room, stride) + Dim(1);
  const Dim out = CeilDiv(room, stride) + Dim(1);
  // A window may not start in the padding behind the end.
  return out - Select(Less((out - Dim(1)) * Dim(stride), in + lo), 0, 1);
}

// Extents and places are sums of a few of these.
void CheckPads(const Dim& lo, const Dim& hi, int dim) {
  for (const Dim& pad : {lo, hi}) {
    if (!pad.IsConst() || (pad.value() >= -kMostElements && pad.value() <= kMostElements)) continue;
    Fail("pads {} and {} of dim {} are larger than any memory", lo.ToString(), hi.ToString(), dim);
  }
}

void CheckWindow(const Window& w, const std::vector<Dim>& pads_hi, int spatial) {
  const size_t n = static_cast<size_t>(spatial);
  if (w.kernel.size() != n || w.strides.size() != n || w.dilations.size() != n ||
      w.pads_lo.size() != n) {
    Fail("kernel, strides, dilations and pads must have {} entries, one per spatial dim", spatial);
  }
  for (size_t i = 0; i < n; ++i) {
    if (w.kernel[i] < 1 || w.strides[i] < 1 || w.dilations[i] < 1) {
      Fail("kernel {}, stride {} and dilation {} must be positive", w.kernel[i], w.strides[i],
           w.dilations[i]);
    }
    if (std::max({w.kernel[i], w.strides[i], w.dilations[i]}) > INT32_MAX) {
      Fail("kernel {}, stride {} and dilation {} must be below 2^31", w.kernel[i], w.strides[i], w.dilations[i]);
    }
    CheckPads(w.pads_lo[i], pads_hi[i], static_cast<int>(i));
  }
}

// Of so many taps most meet padding: the extents must be numbers to leave those out.
bool IsLong(const Window& w) {
  return std::any_of(w.kernel.begin(), w.kernel.end(), [](int64_t taps) { return taps > 1 << 16; });
}

Tensor WithFixedSpatialDims(const Tensor& x, Window* w, std::vector<Dim>* pads_hi) {
  Shape shape = x.shape();
  for (size_t d = 0; d < w->kernel.size(); ++d) {
    for (Dim* extent : {&shape[d + 1], &w->pads_lo[d], &(*pads_hi)[d]}) *extent = x.builder().Fix(*extent);
  }
  return Relabel(x, shape);
}

// Leaves out taps that meet nothing but padding, at whatever place of the result; one stays.
void CropWindow(const Dim& in, const Dim& out, size_t d, Window* w) {
  if (!in.IsConst() || !out.IsConst() || !w->pads_lo[d].IsConst() || in.value() < 1 || out.value() < 1) return;
  // Tap t lies at t * dilation - pad from where its window starts, which is 0 to `last`.
  const int64_t pad = w->pads_lo[d].value(), last = (out.value() - 1) * w->strides[d], step = w->dilations[d];
  const int64_t first = CeilDiv(std::max<int64_t>(pad - last, 0), step).value();
  const int64_t end = std::min(FloorDiv(in.value() - 1 + pad, step).value() + 1, w->kernel[d]);
  if (first >= end) {
    w->kernel[d] = 1;
    return;
  }
  w->kernel[d] = end - first;
  w->pads_lo[d] = pad - first * step;
}

}  // namespace

bool Builder::Assume(const Dim& condition, bool likely) {
  if (condition.IsConst()) return condition.value() != 0;
  for (Guard& g : root_->guards) {
    if (g.condition != condition) continue;
    const bool new_here = std::find(g.scopes.begin(), g.scopes.end(), graph_->scope) == g.scopes.end();
    if (new_here) g.scopes.push_back(graph_->scope);
    return g.expected;
  }
  std::vector<int> ids;
  condition.CollectSymbols(&ids);
  bool known = true;
  for (int id : ids) known = known && root_->symbols[id].hint >= 0;
  const bool expected =
      known ? condition.Evaluate([&](int id) { return root_->symbols[id].hint; }) != 0 : likely;
  root_->guards.push_back({condition, expected, {graph_->scope}});
  return expected;
}

int64_t Builder::Fix(const Dim& extent) {
  if (extent.IsConst()) return extent.value();
  std::vector<int> ids;
  extent.CollectSymbols(&ids);
  for (int id : ids) {
    const SymbolInfo& symbol = root_->symbols[id];
    if (symbol.input < 0) FailNotSupported("the extent {}, which depends on data, as a number", extent.ToString());
    if (symbol.hint < 0) throw NeedsExtents();
  }
  const int64_t value = extent.Evaluate([&](int id) { return root_->symbols[id].hint; });
  (void)Assume(Equal(extent, value), true);
  return value;
}

Dim Builder::NewSymbol(std::string name, int64_t hint) {
  SymbolInfo info;
  info.name = std::move(name);
  info.hint = hint;
  root_->symbols.push_back(std::move(info));
  return Dim::Symbol(static_cast<int>(root_->symbols.size()) - 1);
}

Dim Builder::NewBound(std::string name, std::vector<int>* binds) {
  Dim symbol = NewSymbol(std::move(name));
  symbol.CollectSymbols(binds);
  return symbol;
}

Tensor Builder::Wrap(Node* node) { return Tensor(this, node); }

Tensor Builder::Constant(LiteralPtr literal) {
  if (IsRunValue(literal->dtype) && !literal->strings) FailNotSupported("a constant of {}", DTypeName(literal->dtype));
  Shape shape(literal->dims.begin(), literal->dims.end());
  Node* node = graph_->Add(Op::kConst, {}, {literal->dtype, shape});
  node->literal = std::move(literal);
  InferContents(node);
  return Wrap(node);
}

Tensor Builder::Scalar(DType dtype, double value) {
  return Constant(LiteralFromDoubles(dtype, {}, {value}));
}
Tensor Builder::ScalarInt(DType dtype, int64_t value) {
  return Constant(LiteralFromInts(dtype, {}, {value}));
}
Tensor Builder::Ints(DType dtype, const std::vector<int64_t>& values) {
  return Constant(LiteralFromInts(dtype, {static_cast<int64_t>(values.size())}, values));
}

Tensor Builder::FromDims(DType dtype, const std::vector<Dim>& values) {
  if (IsStatic(values)) {
    std::vector<int64_t> ints;
    for (const Dim& d : values) ints.push_back(d.value());
    return Ints(dtype, ints);
  }
  Node* node = graph_->Add(Op::kDims, {}, {dtype, {Dim(static_cast<int64_t>(values.size()))}});
  node->starts = values;
  InferContents(node);
  return Wrap(node);
}

Tensor Builder::FromDim(DType dtype, const Dim& value) {
  if (value.IsConst() && IsInt(dtype)) return ScalarInt(dtype, value.value());
  if (value.IsConst()) return Scalar(dtype, static_cast<double>(value.value()));
  Node* node = graph_->Add(Op::kDims, {}, {dtype, {}});
  node->starts = {value};
  InferContents(node);
  return Wrap(node);
}

Tensor Builder::Iota(DType dtype, const Shape& shape, int axis) {
  CheckExtents(shape);
  Node* node = graph_->Add(Op::kIota, {}, {dtype, shape});
  node->axes = {axis};
  InferContents(node);
  return Wrap(node);
}

Tensor Builder::Full(const Shape& shape, const Tensor& scalar) { return BroadcastTo(scalar, shape); }

int NormalizeAxis(int64_t axis, int rank, const char* name) {
  if (axis < -rank || axis >= rank) Fail("{} is {}, but the rank is {}", name, axis, rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Shape BroadcastShapes(Builder& b, const std::vector<Shape>& shapes) {
  size_t rank = 0;
  for (const Shape& s : shapes) rank = std::max(rank, s.size());
  Shape out(rank, Dim(1));
  for (const Shape& s : shapes) {
    for (size_t i = 0; i < s.size(); ++i) {
      Dim& have = out[rank - s.size() + i];
      const Dim& next = s[i];
      if (have == next || next.IsConst(1)) continue;
      if (have.IsConst(1)) {
        have = next;
      } else if (b.Assume(Equal(have, next), true)) {
        if (next.IsConst()) have = next;
      } else if (b.Assume(Equal(have, 1), false)) {
        have = next;
      } else if (!b.Assume(Equal(next, 1), false)) {
        Fail("shapes {} and {} do not broadcast", ToString(shapes[0]), ToString(s));
      }
    }
  }
  return out;
}

Tensor BroadcastTo(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  Builder& b = x.builder();
  if (x.rank() > static_cast<int>(shape.size())) {
    Fail("shape {} does not broadcast to {}", ToString(x.shape()), ToString(shape));
  }
  Shape from(shape.size() - x.shape().size(), Dim(1));
  from.insert(from.end(), x.shape().begin(), x.shape().end());
  for (size_t d = 0; d < shape.size(); ++d) {
    if (from[d] == shape[d] || from[d].IsConst(1)) continue;
    if (b.Assume(Equal(from[d], shape[d]), true)) {
      from[d] = shape[d];
    } else if (b.Assume(Equal(from[d], 1), false)) {
      from[d] = 1;
    } else {
      Fail("shape {} does not broadcast to {}", ToString(x.shape()), ToString(shape));
    }
  }
  Tensor y = Relabel(x, from);
  if (from == shape) return y;
  return Finish(b, b.graph().Add(Op::kBroadcast, {y.node()}, {x.dtype(), shape}));
}

Tensor Fixed(const Tensor& x) {
  Shape shape;
  for (const Dim& extent : x.shape()) shape.push_back(x.builder().Fix(extent));
  return Relabel(x, shape);
}

Tensor Map(ScalarOp op, const std::vector<Tensor>& inputs) {
  if (inputs[0].dtype() == DType::kString && (op == ScalarOp::kEq || op == ScalarOp::kNe)) {
    CheckSameTypes(op, inputs, 0);
    return Map(op, Bitcast(inputs[0], DType::kI64), Bitcast(inputs[1], DType::kI64));  // equal texts, equal numbers
  }
  CheckMapTypes(op, inputs);
  Builder& b = inputs[0].builder();
  std::vector<Shape> shapes;
  for (const Tensor& t : inputs) shapes.push_back(t.shape());
  const Shape shape = BroadcastShapes(b, shapes);
  std::vector<Node*> nodes;
  for (const Tensor& t : inputs) nodes.push_back(BroadcastTo(t, shape).node());
  Node* node = b.graph().Add(Op::kMap, std::move(nodes), {MapResultType(op, inputs), shape});
  node->scalar = op;
  return Finish(b, node);
}

Tensor Map(ScalarOp op, const Tensor& a, const Tensor& b) { return Map(op, std::vector{a, b}); }

#define BELAY_BINARY(Name, op)                                           \
  Tensor Name(const Tensor& a, double b) {                               \
    return Map(ScalarOp::op, a, a.builder().Scalar(a.dtype(), b));       \
  }                                                                      \
  Tensor Name(double a, const Tensor& b) {                               \
    return Map(ScalarOp::op, b.builder().Scalar(b.dtype(), a), b);       \
  }
BELAY_BINARY(operator+, kAdd)
BELAY_BINARY(operator-, kSub)
BELAY_BINARY(operator*, kMul)
BELAY_BINARY(operator/, kDiv)
BELAY_BINARY(Max, kMax)
BELAY_BINARY(Min, kMin)
BELAY_BINARY(Pow, kPow)
BELAY_BINARY(FloorDiv, kFloorDiv)
BELAY_BINARY(Mod, kMod)
BELAY_BINARY(FMod, kFMod)
BELAY_BINARY(Equal, kEq)
BELAY_BINARY(NotEqual, kNe)
BELAY_BINARY(Less, kLt)
BELAY_BINARY(LessEqual, kLe)
BELAY_BINARY(Greater, kGt)
BELAY_BINARY(GreaterEqual, kGe)
BELAY_BINARY(And, kAnd)
BELAY_BINARY(Or, kOr)
BELAY_BINARY(Xor, kXor)
#undef BELAY_BINARY

Tensor operator-(const Tensor& a) { return Map(ScalarOp::kNeg, a); }
Tensor Not(const Tensor& a) { return Map(ScalarOp::kNot, a); }
Tensor Abs(const Tensor& a) { return Map(ScalarOp::kAbs, a); }
Tensor Sqrt(const Tensor& a) { return Map(ScalarOp::kSqrt, a); }
Tensor Exp(const Tensor& a) { return Map(ScalarOp::kExp, a); }
Tensor Log(const Tensor& a) { return Map(ScalarOp::kLog, a); }
Tensor Tanh(const Tensor& a) { return Map(ScalarOp::kTanh, a); }
Tensor Erf(const Tensor& a) { return Map(ScalarOp::kErf, a); }
Tensor Sigmoid(const Tensor& a) { return Map(ScalarOp::kSigmoid, a); }
Tensor Floor(const Tensor& a) { return Map(ScalarOp::kFloor, a); }
Tensor Ceil(const Tensor& a) { return Map(ScalarOp::kCeil, a); }

Tensor Cast(const Tensor& a, DType dtype) {
  if (a.dtype() == dtype) return a;
  if (IsNarrow(a.dtype()) || IsNarrow(dtype)) return CastNarrow(a, dtype);
  CheckComputable(a.dtype());
  CheckComputable(dtype);
  Builder& b = a.builder();
  Node* node = b.graph().Add(Op::kMap, {a.node()}, {dtype, a.shape()});
  node->scalar = ScalarOp::kCast;
  return Finish(b, node);
}

Tensor Bitcast(const Tensor& a, DType dtype) {
  if (a.dtype() == dtype) return a;
  if (BitWidth(StorageOf(a.dtype())) != BitWidth(StorageOf(dtype))) {
    Fail("{} has {} bits and {} has {}", DTypeName(a.dtype()), BitWidth(a.dtype()), DTypeName(dtype),
         BitWidth(dtype));
  }
  Builder& b = a.builder();
  Node* node = b.graph().Add(Op::kMap, {a.node()}, {dtype, a.shape()});
  node->scalar = ScalarOp::kBitcast;
  return Finish(b, node);
}

Tensor Select(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return Map(ScalarOp::kSelect, std::vector{condition, a, b});
}

Tensor Reshape(const Tensor& x, const Shape& shape) {
  const Dim from = NumElements(x.shape()), to = NumElements(shape);
  if (from != to && !x.builder().Assume(Equal(from, to), true)) {
    Fail("cannot reshape {} with {} elements to {} with {}", ToString(x.shape()), from.ToString(),
         ToString(shape), to.ToString());
  }
  return Relabel(x, shape);
}

Tensor Transpose(const Tensor& x, const std::vector<int>& perm) {
  const int rank = x.rank();
  std::vector<int> seen(rank, 0);
  if (static_cast<int>(perm.size()) != rank) {
    Fail("perm has {} entries, but the rank is {}", perm.size(), rank);
  }
  for (int p : perm) {
    if (p < 0 || p >= rank || seen[p]++) Fail("perm is not a permutation of 0..{}", rank - 1);
  }
  std::vector<int> axes = perm;
  Node* source = x.node();
  if (source->op == Op::kTranspose) {
    for (int& p : axes) p = source->axes[p];
    source = source->inputs[0];
  }
  bool identity = true;
  Shape shape;
  for (int d = 0; d < rank; ++d) {
    identity = identity && axes[d] == d;
    shape.push_back(source->shape()[axes[d]]);
  }
  if (identity) return x.builder().Wrap(source);
  Node* node = x.builder().graph().Add(Op::kTranspose, {source}, {x.dtype(), shape});
  node->axes = axes;
  return Finish(x.builder(), node);
}

namespace {

// Where all is known: records that compute places from attributes may get there.
void CheckSlice(const Dim& extent, const Dim& start, const Dim& size, const Dim& step, int axis) {
  if (!size.IsConst() || size.value() == 0) return;
  if (size.value() < 0) Fail("a slice along dim {} would have {} elements", axis, size.value());
  if (!extent.IsConst() || !start.IsConst() || !step.IsConst()) return;
  int64_t last = 0;
  const bool overflows = __builtin_mul_overflow(size.value() - 1, step.value(), &last) ||
                         __builtin_add_overflow(last, start.value(), &last);
  const auto inside = [&](int64_t at) { return at >= 0 && at < extent.value(); };
  if (!overflows && inside(start.value()) && inside(last)) return;
  Fail("a slice along dim {} takes {} elements from {} on in steps of {}, but the extent is {}", axis, size.value(),
       start.value(), step.value(), extent.value());
}

}  // namespace

Tensor SliceAll(const Tensor& x, const std::vector<Dim>& starts, const std::vector<Dim>& sizes,
                const std::vector<Dim>& steps) {
  bool identity = true;
  for (int d = 0; d < x.rank(); ++d) CheckSlice(x.dim(d), starts[d], sizes[d], steps[d], d);
  for (int d = 0; d < x.rank(); ++d) {
    identity = identity && starts[d].IsConst(0) && steps[d].IsConst(1) && sizes[d] == x.dim(d);
  }
  if (identity) return x;
  Node* node = x.builder().graph().Add(Op::kSlice, {x.node()}, {x.dtype(), sizes});
  node->starts = starts;
  node->steps = steps;
  return Finish(x.builder(), node);
}

Tensor Slice(const Tensor& x, int axis, const Dim& start, const Dim& size, const Dim& step) {
  CheckAxis(x, axis);
  std::vector<Dim> starts(x.rank(), Dim(0)), sizes = x.shape(), steps(x.rank(), Dim(1));
  starts[axis] = start;
  sizes[axis] = size;
  steps[axis] = step;
  return SliceAll(x, starts, sizes, steps);
}

Tensor Pad(const Tensor& x, const std::vector<Dim>& lo, const std::vector<Dim>& hi,
           const Tensor& fill, const std::vector<int64_t>& interior) {
  Shape shape;
  std::vector<Dim> steps;
  bool identity = true;
  for (int d = 0; d < x.rank(); ++d) {
    const int64_t gap = interior.empty() ? 0 : interior[d];
    Dim body = x.dim(d);
    if (gap) body = Select(Equal(x.dim(d), 0), 0, (x.dim(d) - Dim(1)) * Dim(gap + 1) + Dim(1));
    shape.push_back(body + lo[d] + hi[d]);
    steps.push_back(Dim(gap + 1));
    CheckPads(lo[d], hi[d], d);
    identity = identity && lo[d].IsConst(0) && hi[d].IsConst(0) && gap == 0;
    if (shape.back().IsConst() && shape.back().value() < 0) {
      Fail("pads {} and {} leave dim {} with {} elements", lo[d].ToString(), hi[d].ToString(), d,
           shape.back().value());
    }
  }
  if (identity) return x;
  if (fill.dtype() != x.dtype() || fill.rank() != 0) {
    Fail("the fill value must be a scalar of dtype {}", DTypeName(x.dtype()));
  }
  Node* node = x.builder().graph().Add(Op::kPad, {x.node(), fill.node()}, {x.dtype(), shape});
  node->starts = lo;
  node->steps = steps;
  return Finish(x.builder(), node);
}

Tensor Concat(const std::vector<Tensor>& parts, int axis) {
  if (parts.empty()) Fail("needs at least one tensor to concatenate");
  if (parts.size() == 1) return parts[0];
  Builder& b = parts[0].builder();
  Shape shape = parts[0].shape();
  if (axis < 0 || axis >= parts[0].rank()) Fail("cannot concatenate {} along axis {}", ToString(shape), axis);
  std::vector<Node*> nodes;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Tensor& t = parts[i];
    if (t.rank() != parts[0].rank() || t.dtype() != parts[0].dtype()) {
      Fail("cannot concatenate {} and {}", ToString(parts[0].node()->type), ToString(t.node()->type));
    }
    Shape expected = shape;
    expected[axis] = t.dim(axis);
    for (int d = 0; d < t.rank(); ++d) {
      if (!b.Assume(Equal(t.dim(d), expected[d]), true)) {
        Fail("cannot concatenate {} and {} along axis {}", ToString(shape), ToString(t.shape()), axis);
      }
    }
    nodes.push_back(Relabel(t, expected).node());
    if (i) shape[axis] = shape[axis] + t.dim(axis);
  }
  Node* node = b.graph().Add(Op::kConcat, std::move(nodes), {parts[0].dtype(), shape});
  node->axes = {axis};
  return Finish(b, node);
}

Tensor Unsqueeze(const Tensor& x, const std::vector<int>& axes) {
  const int rank = x.rank() + static_cast<int>(axes.size());
  Shape shape;
  int next = 0;
  for (int d = 0; d < rank; ++d) {
    const bool added = std::find(axes.begin(), axes.end(), d) != axes.end();
    shape.push_back(added ? Dim(1) : x.dim(next++));
  }
  return Relabel(x, shape);
}

Tensor Squeeze(const Tensor& x, const std::vector<int>& axes) {
  for (int axis : axes) {
    CheckAxis(x, axis);
    if (!x.builder().Assume(Equal(x.dim(axis), 1), true)) {
      Fail("cannot squeeze dim {} of {}: its extent is not 1", axis, ToString(x.shape()));
    }
  }
  return Relabel(x, WithoutAxes(x.shape(), axes));
}

Tensor Reduce(ReduceKind kind, const Tensor& x, std::vector<int> axes, bool keep, bool select_last) {
  std::sort(axes.begin(), axes.end());
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  if (axes.empty()) return x;
  CheckComputable(x.dtype());
  for (int axis : axes) CheckAxis(x, axis);
  const bool index = kind == ReduceKind::kArgMax || kind == ReduceKind::kArgMin;
  Builder& b = x.builder();
  Node* node = b.graph().Add(Op::kReduce, {x.node()},
                             {index ? DType::kI64 : x.dtype(), WithoutAxes(x.shape(), axes)});
  node->reduce = kind;
  node->axes = axes;
  node->flags = select_last ? kSelectLast : 0;
  Tensor y = Finish(b, node);
  return keep ? Unsqueeze(y, axes) : y;
}

Tensor Sum(const Tensor& x, const std::vector<int>& axes, bool keep) {
  return Reduce(ReduceKind::kSum, x, axes, keep);
}

Tensor Mean(const Tensor& x, const std::vector<int>& axes, bool keep) {
  std::vector<int> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  Dim count(1);
  for (int axis : sorted) {
    CheckAxis(x, axis);
    count = count * x.dim(axis);
  }
  Tensor sum = Sum(x, sorted, keep);
  return count.IsConst(1) ? sum : sum / x.builder().FromDim(x.dtype(), count);
}

Tensor MaxOver(const Tensor& x, const std::vector<int>& axes, bool keep) {
  return Reduce(ReduceKind::kMax, x, axes, keep);
}

Tensor Scan(ReduceKind kind, const Tensor& x, int axis, bool exclusive, bool reverse) {
  CheckComputable(x.dtype());
  CheckAxis(x, axis);
  Node* node = x.builder().graph().Add(Op::kScan, {x.node()}, x.node()->type);
  node->reduce = kind;
  node->axes = {axis};
  node->flags = static_cast<uint8_t>((exclusive ? kExclusive : 0) | (reverse ? kReverse : 0));
  return Finish(x.builder(), node);
}

Tensor GatherAxis(const Tensor& x, const Tensor& indices, int axis, bool wrap_negative) {
  CheckAxis(x, axis);
  Tensor idx = indices;
  if (wrap_negative) {
    Tensor extent = x.builder().FromDim(idx.dtype(), x.dim(axis));
    idx = Select(Less(idx, 0.0), idx + extent, idx);
  }
  Shape shape(x.shape().begin(), x.shape().begin() + axis);
  shape.insert(shape.end(), idx.shape().begin(), idx.shape().end());
  shape.insert(shape.end(), x.shape().begin() + axis + 1, x.shape().end());
  Shape spread(shape.size(), Dim(1));
  std::copy(idx.shape().begin(), idx.shape().end(), spread.begin() + axis);
  std::vector<int> axes;
  for (int d = 0; d < x.rank(); ++d) {
    axes.push_back(d < axis ? d : d == axis ? -1 : d - 1 + idx.rank());
  }
  return Gather(x, {BroadcastTo(Relabel(idx, spread), shape)}, axes, shape);
}

namespace {

// Dims that no index addresses are walked along with the indices: these may not reach farther than the data.
void CheckWalkedDims(const Tensor& data, const std::vector<int>& axes, const Shape& shape) {
  for (int d = 0; d < data.rank(); ++d) {
    if (axes[d] < 0 || data.dim(d) == shape[axes[d]]) continue;
    if (data.builder().Assume(Less(data.dim(d), shape[axes[d]]), false)) {
      Fail("dim {} of the indices has {} elements, but the data of shape {} only {}", axes[d],
           shape[axes[d]].ToString(), ToString(data.shape()), data.dim(d).ToString());
    }
  }
}

}  // namespace

Tensor Gather(const Tensor& x, const std::vector<Tensor>& indices, const std::vector<int>& axes,
              const Shape& shape) {
  CheckWalkedDims(x, axes, shape);
  std::vector<Node*> nodes{x.node()};
  for (const Tensor& i : indices) {
    if (i.dtype() != DType::kI64 && i.dtype() != DType::kI32) {
      Fail("indices are {}, but must be i32 or i64", DTypeName(i.dtype()));
    }
    nodes.push_back(BroadcastTo(i, shape).node());
  }
  Node* node = x.builder().graph().Add(Op::kGather, std::move(nodes), {x.dtype(), shape});
  node->axes = axes;
  return Finish(x.builder(), node);
}

Tensor Scatter(ReduceKind kind, const Tensor& x, const Tensor& updates,
               const std::vector<Tensor>& indices, const std::vector<int>& axes) {
  if (updates.dtype() != x.dtype()) {
    Fail("updates are {}, but the data are {}", DTypeName(updates.dtype()), DTypeName(x.dtype()));
  }
  if (kind != ReduceKind::kNone) CheckComputable(x.dtype());
  CheckWalkedDims(x, axes, updates.shape());
  std::vector<Node*> nodes{x.node(), updates.node()};
  for (const Tensor& i : indices) nodes.push_back(BroadcastTo(i, updates.shape()).node());
  Node* node = x.builder().graph().Add(Op::kScatter, std::move(nodes), x.node()->type);
  node->reduce = kind;
  node->axes = axes;
  return Finish(x.builder(), node);
}

Tensor MatMul(const Tensor& a, const Tensor& b, DType acc) {
  if (a.rank() < 2 || b.rank() < 2) {
    Fail("matrices need rank 2 or more, not {} and {}", a.rank(), b.rank());
  }
  Builder& builder = a.builder();
  if (!builder.Assume(Equal(a.dim(-1), b.dim(-2)), true)) {
    Fail("cannot multiply {} by {}: {} columns against {} rows", ToString(a.shape()),
         ToString(b.shape()), a.dim(-1).ToString(), b.dim(-2).ToString());
  }
  const Shape batch =
      BroadcastShapes(builder, {Shape(a.shape().begin(), a.shape().end() - 2),
                                Shape(b.shape().begin(), b.shape().end() - 2)});
  auto with_batch = [&](const Tensor& t, const Dim& rows, const Dim& columns) {
    Shape s = batch;
    s.push_back(rows);
    s.push_back(columns);
    return BroadcastTo(t, s);
  };
  const Dim k = a.dim(-1).IsConst() ? a.dim(-1) : b.dim(-2);
  Tensor lhs = Cast(with_batch(a, a.dim(-2), k), acc), rhs = Cast(with_batch(b, k, b.dim(-1)), acc);
  Shape shape = batch;
  shape.push_back(a.dim(-2));
  shape.push_back(b.dim(-1));
  return Finish(builder, builder.graph().Add(Op::kContract, {lhs.node(), rhs.node()}, {acc, shape}));
}

Tensor Conv(const Tensor& x, const Tensor& w, Window window, const std::vector<Dim>& pads_hi,
            DType acc) {
  const int spatial = x.rank() - 2;
  CheckWindow(window, pads_hi, spatial);
  if (w.rank() != x.rank()) Fail("x has rank {}, but the filter {}", x.rank(), w.rank());
  const Dim channels = w.dim(-2) * Dim(window.groups);
  if (window.groups < 1 || !x.builder().Assume(Equal(x.dim(-1), channels), true)) {
    Fail("x has {} channels, but the filter {} in {} groups", x.dim(-1).ToString(),
         w.dim(-2).ToString(), window.groups);
  }
  if (w.dim(-1).IsConst() && w.dim(-1).value() % window.groups != 0) {
    Fail("{} output channels are not divisible by {} groups", w.dim(-1).value(), window.groups);
  }
  Shape shape{x.dim(0)};
  for (int d = 0; d < spatial; ++d) {
    shape.push_back(WindowExtent(x.dim(d + 1), window.pads_lo[d], pads_hi[d], window.kernel[d],
                                 window.strides[d], window.dilations[d], false));
    if (shape.back().IsConst() && shape.back().value() < 0) {
      Fail("the window of {} does not fit spatial dim {} with {} elements", window.kernel[d], d,
           x.dim(d + 1).ToString());
    }
  }
  shape.push_back(w.dim(-1));
  CheckExtents(shape);
  Builder& b = x.builder();
  Node* node = b.graph().Add(Op::kConv, {Cast(x, acc).node(), Cast(w, acc).node()}, {acc, shape});
  node->window = std::make_shared<Window>(std::move(window));
  return b.Wrap(node);
}

Tensor Pool(ReduceKind kind, const Tensor& given, Window window, const std::vector<Dim>& given_pads_hi,
            bool ceil_mode) {
  CheckComputable(given.dtype());
  const int spatial = given.rank() - 2;
  CheckWindow(window, given_pads_hi, spatial);
  std::vector<Dim> pads_hi = given_pads_hi;
  const Tensor x = IsLong(window) ? WithFixedSpatialDims(given, &window, &pads_hi) : given;
  Shape shape{x.dim(0)};
  for (int d = 0; d < spatial; ++d) {
    shape.push_back(WindowExtent(x.dim(d + 1), window.pads_lo[d], pads_hi[d], window.kernel[d],
                                 window.strides[d], window.dilations[d], ceil_mode));
    if (shape.back().IsConst() && shape.back().value() < 0) {
      Fail("the window of {} does not fit spatial dim {} with {} elements", window.kernel[d], d,
           x.dim(d + 1).ToString());
    }
    CropWindow(x.dim(d + 1), shape.back(), static_cast<size_t>(d), &window);
  }
  shape.push_back(x.dim(-1));
  CheckExtents(shape);
  const bool index = kind == ReduceKind::kArgMax;
  Node* node = x.builder().graph().Add(Op::kPool, {x.node()},
                                       {index ? DType::kI64 : x.dtype(), shape});
  node->reduce = kind;
  node->window = std::make_shared<Window>(std::move(window));
  return x.builder().Wrap(node);
}

std::vector<Tensor> Call(const std::string& callee, const std::vector<Tensor>& inputs,
                         std::vector<TensorType> types, std::vector<CallAttr> attrs,
                         std::vector<int> binds) {
  Builder& b = inputs[0].builder();
  std::vector<Node*> nodes;
  for (const Tensor& t : inputs) {
    if (!IsRunValue(t.dtype()) || !LibraryTakesRunValues(callee)) CheckComputable(t.dtype());
    nodes.push_back(t.node());
  }
  for (const TensorType& type : types) CheckExtents(type.shape);
  Node* call = b.graph().Add(Op::kCall, std::move(nodes), types[0]);
  call->callee = callee;
  call->attrs = std::move(attrs);
  call->call_types = types;
  call->binds = std::move(binds);
  if (types.size() == 1) return {b.Wrap(call)};
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < types.size(); ++i) {
    Node* get = b.graph().Add(Op::kGetOutput, {call}, types[i]);
    get->index = static_cast<int>(i);
    outputs.push_back(b.Wrap(get));
  }
  return outputs;
}

}  // namespace belay
