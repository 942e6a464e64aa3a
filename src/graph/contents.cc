#include "graph/contents.h"

#include <cmath>
#include <numeric>

namespace belay {
namespace {

constexpr int64_t kMaxContents = 256;

using Contents = std::vector<Dim>;

// Row-major walk over constant extents.
template <typename Fn>
void ForEachIndex(const std::vector<int64_t>& dims, Fn fn) {
  std::vector<int64_t> index(dims.size(), 0);
  int64_t n = std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
  for (int64_t i = 0; i < n; ++i) {
    fn(index);
    for (int d = static_cast<int>(dims.size()) - 1; d >= 0 && ++index[d] == dims[d]; --d) index[d] = 0;
  }
}

int64_t Flat(const std::vector<int64_t>& dims, const std::vector<int64_t>& index) {
  int64_t flat = 0;
  for (size_t d = 0; d < dims.size(); ++d) flat = flat * dims[d] + index[d];
  return flat;
}

std::vector<int64_t> ConstDims(const Shape& shape) {
  std::vector<int64_t> dims;
  for (const Dim& d : shape) dims.push_back(d.value());
  return dims;
}

bool Overflows(ScalarOp op, const std::vector<Dim>& x) {
  if (x.size() != 2 || !x[0].IsConst() || !x[1].IsConst()) return false;
  int64_t ignored = 0;
  switch (op) {
    case ScalarOp::kAdd: return __builtin_add_overflow(x[0].value(), x[1].value(), &ignored);
    case ScalarOp::kSub: return __builtin_sub_overflow(x[0].value(), x[1].value(), &ignored);
    case ScalarOp::kMul: return __builtin_mul_overflow(x[0].value(), x[1].value(), &ignored);
    default: return false;
  }
}

// What the type holds exactly.
bool Fits(int64_t v, DType dtype) {
  const int bits = BitWidth(dtype);
  if (IsFloat(dtype)) {
    const int64_t most = int64_t{1} << (dtype == DType::kF32 ? 24 : 53);
    return v >= -most && v <= most;
  }
  if (dtype == DType::kBool) return v == 0 || v == 1;
  if (IsUnsignedInt(dtype)) return v >= 0 && (bits == 64 || v >> bits == 0);
  return bits == 64 || (v >> (bits - 1)) == (v < 0 ? -1 : 0);
}

// Whole numbers behave as integers do, but for what divides them.
std::optional<Dim> ApplyScalar(ScalarOp op, const std::vector<Dim>& x, bool is_float) {
  if (Overflows(op, x)) return std::nullopt;
  switch (op) {
    case ScalarOp::kAdd: return x[0] + x[1];
    case ScalarOp::kSub: return x[0] - x[1];
    case ScalarOp::kMul: return x[0] * x[1];
    case ScalarOp::kDiv:
      if (!is_float) return TruncDiv(x[0], x[1]);
      if (!x[0].IsConst() || !x[1].IsConst() || x[1].value() == 0) return std::nullopt;
      if (x[0].value() % x[1].value() != 0) return std::nullopt;
      return x[0].value() / x[1].value();
    case ScalarOp::kFloor:
    case ScalarOp::kCeil:
    case ScalarOp::kRound:
    case ScalarOp::kTrunc: return x[0];
    case ScalarOp::kFloorDiv: return FloorDiv(x[0], x[1]);
    case ScalarOp::kMod: return Mod(x[0], x[1]);
    case ScalarOp::kMax: return Max(x[0], x[1]);
    case ScalarOp::kMin: return Min(x[0], x[1]);
    case ScalarOp::kEq: return Equal(x[0], x[1]);
    case ScalarOp::kNe: return Dim(1) - Equal(x[0], x[1]);
    case ScalarOp::kLt: return Less(x[0], x[1]);
    case ScalarOp::kGt: return Less(x[1], x[0]);
    case ScalarOp::kLe: return Dim(1) - Less(x[1], x[0]);
    case ScalarOp::kGe: return Dim(1) - Less(x[0], x[1]);
    case ScalarOp::kSelect: return Select(x[0], x[1], x[2]);
    case ScalarOp::kNeg: return x[0] * Dim(-1);
    case ScalarOp::kAbs: return Abs(x[0]);
    default: return std::nullopt;
  }
}

// Integers, and floats wide enough that extents are whole numbers in them.
bool Holds(DType dtype) {
  return IsInt(dtype) || dtype == DType::kBool || dtype == DType::kF32 || dtype == DType::kF64;
}

// Unknown where a value is no whole number, or too large to be exact.
std::optional<Contents> LiteralContents(const Literal& literal) {
  Contents out;
  if (!IsFloat(literal.dtype)) {
    for (int64_t v : LiteralToInts(literal)) {
      if (v < 0 && literal.dtype == DType::kU64) return std::nullopt;
      out.push_back(v);
    }
    return out;
  }
  for (double v : LiteralToDoubles(literal)) {
    const bool minus_zero = v == 0 && std::signbit(v);
    if (!(std::fabs(v) < 1e7) || v != std::trunc(v) || minus_zero) return std::nullopt;
    out.push_back(static_cast<int64_t>(v));
  }
  return out;
}

std::optional<Contents> MapContents(const Node& node, int64_t n) {
  for (Node* in : node.inputs) {
    if (!in->contents || !Holds(in->type.dtype)) return std::nullopt;
  }
  Contents out;
  for (int64_t i = 0; i < n; ++i) {
    std::vector<Dim> x;
    for (Node* in : node.inputs) x.push_back((*in->contents)[i]);
    std::optional<Dim> value;
    if (node.scalar == ScalarOp::kCast) {
      // A cast that could change the value is not followed.
      const bool same = node.type.dtype == DType::kI64 || node.type.dtype == DType::kI32 ||
                        IsFloat(node.type.dtype) || node.inputs[0]->type.dtype == DType::kBool;
      if (same) value = x[0];
      if (node.type.dtype == DType::kBool) value = Dim(1) - Equal(x[0], 0);
    } else {
      value = ApplyScalar(node.scalar, x, IsFloat(node.inputs.back()->type.dtype));
    }
    // Constants are folded by the interpreter, which knows how each type wraps.
    if (!value || (value->IsConst() && !Fits(value->value(), node.type.dtype))) return std::nullopt;
    out.push_back(*value);
  }
  return out;
}

std::optional<Contents> ViewContents(const Node& node, const std::vector<int64_t>& dims) {
  const Node& x = *node.inputs[0];
  if (!x.contents) return std::nullopt;
  const std::vector<int64_t> in_dims = ConstDims(x.shape());
  Contents out;
  bool known = true;
  std::vector<int64_t> at(in_dims.size(), 0);
  ForEachIndex(dims, [&](const std::vector<int64_t>& index) {
    for (size_t d = 0; d < dims.size(); ++d) {
      if (node.op == Op::kTranspose) {
        at[node.axes[d]] = index[d];
      } else if (node.op == Op::kBroadcast) {
        at[d] = in_dims[d] == 1 ? 0 : index[d];
      } else if (!node.starts[d].IsConst() || !node.steps[d].IsConst()) {
        known = false;
      } else {
        at[d] = node.starts[d].value() + index[d] * node.steps[d].value();
      }
    }
    if (known) out.push_back((*x.contents)[Flat(in_dims, at)]);
  });
  if (!known) return std::nullopt;
  return out;
}

std::optional<Contents> ConcatContents(const Node& node, const std::vector<int64_t>& dims) {
  for (Node* in : node.inputs) {
    if (!in->contents) return std::nullopt;
  }
  const int axis = node.axes[0];
  Contents out;
  ForEachIndex(dims, [&](std::vector<int64_t> index) {
    for (Node* in : node.inputs) {
      const int64_t extent = in->shape()[axis].value();
      if (index[axis] < extent) {
        out.push_back((*in->contents)[Flat(ConstDims(in->shape()), index)]);
        return;
      }
      index[axis] -= extent;
    }
  });
  return out;
}

std::optional<Contents> GatherContents(const Node& node, const std::vector<int64_t>& dims) {
  for (Node* in : node.inputs) {
    if (!in->contents) return std::nullopt;
  }
  const Node& x = *node.inputs[0];
  const std::vector<int64_t> in_dims = ConstDims(x.shape());
  Contents out;
  bool known = true;
  ForEachIndex(dims, [&](const std::vector<int64_t>& index) {
    std::vector<int64_t> at;
    for (size_t d = 0; d < in_dims.size(); ++d) {
      Dim p = node.axes[d] >= 0 ? Dim(index[node.axes[d]])
                                : (*node.inputs[-node.axes[d]]->contents)[Flat(dims, index)];
      if (!p.IsConst() || p.value() < 0 || p.value() >= in_dims[d]) known = false;
      at.push_back(p.IsConst() ? p.value() : 0);
    }
    if (known) out.push_back((*x.contents)[Flat(in_dims, at)]);
  });
  if (!known) return std::nullopt;
  return out;
}

std::optional<Contents> ReduceContents(const Node& node, int64_t n) {
  const Node& x = *node.inputs[0];
  if (!x.contents || n != 1) return std::nullopt;
  if (node.reduce != ReduceKind::kSum && node.reduce != ReduceKind::kProd &&
      node.reduce != ReduceKind::kMax && node.reduce != ReduceKind::kMin) {
    return std::nullopt;
  }
  if (x.contents->empty() && node.reduce != ReduceKind::kSum && node.reduce != ReduceKind::kProd) {
    return std::nullopt;
  }
  Dim acc = node.reduce == ReduceKind::kProd ? Dim(1) : Dim(0);
  for (size_t i = 0; i < x.contents->size(); ++i) {
    const Dim& v = (*x.contents)[i];
    if (node.reduce == ReduceKind::kSum) acc = acc + v;
    if (node.reduce == ReduceKind::kProd) acc = acc * v;
    if (node.reduce == ReduceKind::kMax) acc = i ? Max(acc, v) : v;
    if (node.reduce == ReduceKind::kMin) acc = i ? Min(acc, v) : v;
  }
  if (acc.IsConst() && !Fits(acc.value(), node.type.dtype)) return std::nullopt;
  return Contents{acc};
}

}  // namespace

void InferContents(Node* node) {
  if (!Holds(node->type.dtype) || !IsStatic(node->type.shape)) return;
  const int64_t n = NumElements(node->type.shape).value();
  if (n > kMaxContents) return;
  for (Node* in : node->inputs) {
    if (!IsStatic(in->shape())) return;
  }
  const std::vector<int64_t> dims = ConstDims(node->shape());
  switch (node->op) {
    case Op::kConst: node->contents = LiteralContents(*node->literal); return;
    case Op::kDims: node->contents = node->starts; return;
    case Op::kIota: {
      Contents out;
      ForEachIndex(dims, [&](auto& index) { out.push_back(index[node->axes[0]]); });
      node->contents = std::move(out);
      return;
    }
    case Op::kMap: node->contents = MapContents(*node, n); return;
    case Op::kReshape: node->contents = node->inputs[0]->contents; return;
    case Op::kTranspose:
    case Op::kBroadcast:
    case Op::kSlice: node->contents = ViewContents(*node, dims); return;
    case Op::kConcat: node->contents = ConcatContents(*node, dims); return;
    case Op::kGather: node->contents = GatherContents(*node, dims); return;
    case Op::kReduce: node->contents = ReduceContents(*node, n); return;
    default: return;
  }
}

}  // namespace belay
