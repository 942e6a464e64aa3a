#include "ops/support.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/narrow.h"

namespace belay {

std::vector<int> NormalizeAxes(const std::vector<int64_t>& axes, int rank, const char* name,
                               bool empty_is_all) {
  if (axes.empty() && empty_is_all) return AxisRange(0, rank);
  std::vector<int> out;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] < -rank || axes[i] >= rank) {
      Fail("{}[{}] is {}, but the rank is {}", name, i, axes[i], rank);
    }
    const int axis = static_cast<int>(axes[i] < 0 ? axes[i] + rank : axes[i]);
    if (std::find(out.begin(), out.end(), axis) == out.end()) out.push_back(axis);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<int> AxisRange(int first, int end) {
  std::vector<int> out;
  for (int i = first; i < end; ++i) out.push_back(i);
  return out;
}

int InsertAxis(int64_t axis, int rank, const char* name) {
  return NormalizeAxis(axis, rank + 1, name);
}

DType AccumulatorOf(DType dtype) {
  switch (dtype) {
    case DType::kF64:
    case DType::kI64: return dtype;
    case DType::kU64:
    case DType::kU32: return DType::kI64;
    default: return IsFloat(dtype) ? DType::kF32 : DType::kI32;
  }
}

DType Promote(DType a, DType b) {
  if (a == b) return a;
  auto level = [](DType d) {  // bool, integers, halves, f32, f64
    if (d == DType::kBool) return 0;
    if (IsInt(d)) return 1;
    if (IsHalf(d)) return 2;
    return d == DType::kF64 ? 4 : 3;
  };
  if (level(a) != level(b)) return level(a) > level(b) ? a : b;
  if (IsHalf(a)) return DType::kF32;
  if (IsUnsignedInt(a) == IsUnsignedInt(b)) return BitWidth(a) > BitWidth(b) ? a : b;
  const DType s = IsSignedInt(a) ? a : b, u = IsSignedInt(a) ? b : a;
  if (BitWidth(s) > BitWidth(u)) return s;
  const int bits = BitWidth(u);
  return bits == 8 ? DType::kI16 : bits == 16 ? DType::kI32 : DType::kI64;
}

double LowestOf(DType dtype) {
  if (IsFloat(dtype)) return -std::numeric_limits<double>::infinity();
  if (StorageOf(dtype) != DType::kI8 && !IsSignedInt(dtype)) return 0;
  return -std::ldexp(1.0, BitWidth(dtype) - 1);
}

double HighestOf(DType dtype) {
  if (IsFloat(dtype)) return std::numeric_limits<double>::infinity();
  if (dtype == DType::kBool) return 1;
  return std::ldexp(1.0, BitWidth(dtype) - (LowestOf(dtype) < 0 ? 1 : 0)) - 1;
}

Tensor Relu(const Tensor& x) { return IsUnsignedInt(x.dtype()) ? x : Max(x, 0.0); }
Tensor Clamp(const Tensor& x, double lo, double hi) { return Min(Max(x, lo), hi); }
Tensor Square(const Tensor& x) { return x * x; }
Tensor Rsqrt(const Tensor& x) { return Map(ScalarOp::kRsqrt, x); }
Tensor Round(const Tensor& x) { return IsFloat(x.dtype()) ? Map(ScalarOp::kRound, x) : x; }
Tensor Sign(const Tensor& x) {
  if (!IsUnsignedInt(x.dtype())) return Map(ScalarOp::kSign, x);
  return Min(x, 1.0);
}
Tensor Softplus(const Tensor& x) {  // log(1 + e^x) without overflow
  return Max(x, 0.0) + Map(ScalarOp::kLog1p, Exp(-Abs(x)));
}
Tensor GeluErf(const Tensor& x) { return x * 0.5 * (1.0 + Erf(x * (1 / std::numbers::sqrt2))); }
Tensor GeluTanh(const Tensor& x) {
  const double k = std::sqrt(2 / std::numbers::pi);
  return x * 0.5 * (1.0 + Tanh((x + 0.044715 * x * x * x) * k));
}
Tensor FastGelu(const Tensor& x) { return x * Sigmoid(x * 1.702); }
Tensor ExpFlushed(const Tensor& z) {
  // Twice the smallest normal number: CPUs take some 150 cycles for a vector with one denormal number in it.
  const double smallest = z.dtype() == DType::kF64 ? std::numeric_limits<double>::min()
                                                   : double{std::numeric_limits<float>::min()};
  const double lowest = std::log(2 * smallest);
  return Select(Less(z, lowest), Full(z.builder(), z.shape(), z.dtype(), 0), Exp(Max(z, lowest)));
}
Tensor Softmax(const Tensor& x, const std::vector<int>& axes) {
  Tensor e = ExpFlushed(x - MaxOver(x, axes));
  return e / Sum(e, axes);
}
Tensor ZeroLike(const Tensor& x) { return Full(x.builder(), x.shape(), x.dtype(), 0); }

Tensor SwapLast(const Tensor& x) {
  std::vector<int> perm = AxisRange(0, x.rank());
  if (x.rank() >= 2) std::swap(perm[x.rank() - 1], perm[x.rank() - 2]);
  return Transpose(x, perm);
}

Tensor MoveAxis(const Tensor& x, int from, int to) {
  std::vector<int> perm = AxisRange(0, x.rank());
  if (from < 0 || from >= x.rank() || to < 0 || to >= x.rank()) {
    Fail("there is no dim {} in the shape {}", std::max(from, to), ToString(x.shape()));
  }
  perm.erase(perm.begin() + from);
  perm.insert(perm.begin() + to, from);
  return Transpose(x, perm);
}

Tensor Flip(const Tensor& x, int axis) {
  return Slice(x, axis, x.dim(axis) - Dim(1), x.dim(axis), Dim(-1));
}

Tensor AlongAxis(const Tensor& vector, int axis, int rank) {
  Shape shape(rank, Dim(1));
  shape[axis] = vector.rank() == 0 ? Dim(1) : NumElements(vector.shape());
  return Reshape(vector, shape);
}

Tensor Full(Builder& b, const Shape& shape, DType dtype, double value) {
  return b.Full(shape, b.Scalar(dtype, value));
}

Sorted TopK(const Tensor& x, const Dim& k, int axis, bool largest) {
  Shape shape = x.shape();
  shape[axis] = k;
  std::vector<Tensor> y = Call("top_k", {x}, {{x.dtype(), shape}, {DType::kI64, shape}},
                               {{"axis", axis}, {"largest", largest}});
  return {y[0], y[1]};
}

Tensor SliceWhileRunning(const Tensor& x, const Tensor& begin, const Tensor& end,
                         const std::vector<int64_t>& axes, const std::vector<int64_t>& strides) {
  Builder& b = x.builder();
  Shape shape = x.shape();
  std::vector<CallAttr> attrs = {{"count", static_cast<int64_t>(axes.size())}};
  std::vector<int> binds;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int axis = NormalizeAxis(axes[i], x.rank(), "axes");
    if (strides[i] == 0) Fail("strides[{}] is 0", i);
    attrs.push_back({"axis" + std::to_string(i), axis});
    attrs.push_back({"step" + std::to_string(i), strides[i]});
    shape[axis] = b.NewBound("slice", &binds);
  }
  return Call("slice", {x, Cast(begin, DType::kI64), Cast(end, DType::kI64)}, {{x.dtype(), shape}}, attrs, binds)[0];
}

Tensor UnpackBits(const Tensor& bytes, const Dim& count) {
  if (bytes.dtype() != DType::kU8) Fail("packed bits are {}, but must be u8", DTypeName(bytes.dtype()));
  Builder& b = bytes.builder();
  const Dim available = NumElements(bytes.shape()) * Dim(8);
  if (!b.Assume(Less(available, count), false)) {
    Tensor shifts = b.Iota(DType::kU8, {Dim(1), Dim(8)}, 1);
    Tensor column = Reshape(bytes, {NumElements(bytes.shape()), Dim(1)});
    Tensor bits = And(Map(ScalarOp::kShr, column, shifts), 1.0);
    return Slice(Reshape(bits, {available}), 0, 0, count);
  }
  Fail("there are {} bits, but {} are needed", available.ToString(), count.ToString());
}

Tensor SumTo(const Tensor& t, const Shape& shape) {
  const int added = t.rank() - static_cast<int>(shape.size());
  std::vector<int> axes = AxisRange(0, added);
  for (size_t d = 0; d < shape.size(); ++d) {
    const int axis = added + static_cast<int>(d);
    if (t.dim(axis) == shape[d] || t.builder().Assume(Equal(t.dim(axis), shape[d]), true)) continue;
    axes.push_back(axis);
  }
  return Reshape(Sum(t, axes, false), shape);
}

const char* InputName(const Body& b, int i) {
  return FindPrototype(b.node().type)->inputs[i].name;
}
const char* OutputName(const Body& b, int i) {
  return FindPrototype(b.node().type)->outputs[i].name;
}
const char* InputName(const OpRecord& op, int i) { return FindPrototype(op.type)->inputs[i].name; }

std::string HiddenStr(const Body& b, const char* name, const std::string& fallback) {
  auto it = b.node().attrs.find(name);
  if (it == b.node().attrs.end()) return fallback;
  const std::string* value = std::get_if<std::string>(&it->second);
  return value ? *value : fallback;
}
bool HiddenBool(const Body& b, const char* name, bool fallback) {
  auto it = b.node().attrs.find(name);
  const bool* value = it == b.node().attrs.end() ? nullptr : std::get_if<bool>(&it->second);
  return value ? *value : HiddenInt(b, name, fallback) != 0;
}
int64_t HiddenInt(const Body& b, const char* name, int64_t fallback) {
  auto it = b.node().attrs.find(name);
  if (it == b.node().attrs.end()) return fallback;
  const int64_t* value = std::get_if<int64_t>(&it->second);
  return value ? *value : fallback;
}
std::vector<int64_t> HiddenInts(const Body& b, const char* name) {
  auto it = b.node().attrs.find(name);
  if (it == b.node().attrs.end()) return {};
  const auto* value = std::get_if<std::vector<int64_t>>(&it->second);
  return value ? *value : std::vector<int64_t>{};
}

DType OnnxDType(int64_t number) { return DTypeFromOnnx(number); }

DType OnnxDTypeNamed(const std::string& name) {
  static const char* const kNames[] = {"",      "FLOAT",  "UINT8", "INT8",    "UINT16", "INT16",
                                       "INT32", "INT64",  "STRING", "BOOL",   "FLOAT16", "DOUBLE",
                                       "UINT32", "UINT64"};
  for (int i = 1; i < 14; ++i) {
    if (name == kNames[i]) return OnnxDType(i);
  }
  return DType::kUndefined;
}

AttrValue GeType(DType dtype) { return static_cast<int64_t>(dtype); }

ModelEdge LegacyAligned(OnnxNode& n) {
  ModelEdge rhs = n.Input(1);
  if (!n.Int("broadcast", 0) || !n.HasAttr("axis")) return rhs;
  const int lhs_rank = n.InputRank(0), rhs_rank = n.InputRank(1);
  if (lhs_rank < 0 || rhs_rank < 0) {
    n.Fail("the attribute axis of the old broadcast form needs operands of known rank");
  }
  int64_t axis = n.Int("axis", 0);
  if (axis < 0) axis += lhs_rank;
  if (axis < 0 || axis > lhs_rank) n.Fail(fmt::format("attribute axis is {}, but the rank is {}", axis, lhs_rank));
  std::vector<int64_t> added;
  for (int64_t d = axis + rhs_rank; d < lhs_rank; ++d) added.push_back(d - axis);
  return added.empty() ? rhs : n.Emit("Unsqueeze", {rhs}, {{"axes", added}});
}

OnnxRuleFn LegacyBroadcast(const char* ge_op) {
  return [ge_op](OnnxNode& n) { n.Output(0, n.Emit(ge_op, {n.Input(0), LegacyAligned(n)})); };
}

OnnxRuleFn FoldRule(const char* ge_op) {
  return [ge_op](OnnxNode& n) {
    ModelEdge acc = n.Input(0);
    for (int i = 1; i < n.input_count(); ++i) acc = n.Emit(ge_op, {acc, n.Input(i)});
    n.Output(0, n.input_count() == 1 ? n.Emit("Identity", {acc}) : acc);
  };
}

}  // namespace belay
