#include "import/onnx/types.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

namespace belay::onnx {

ValueType FromProto(const TypeProto& type) {
  ValueType v;
  if (type.kind == TypeProto::Kind::kSequence || type.kind == TypeProto::Kind::kOptional) {
    return ValueType::Sequence(type.elem ? FromProto(*type.elem) : v, type.kind == TypeProto::Kind::kOptional);
  }
  if (type.kind != TypeProto::Kind::kTensor) return v;
  v.dtype = DTypeFromOnnx(type.elem_type);
  v.ranked = type.has_shape;
  v.dims = type.dims;
  return v;
}

ElementTypePtr ElementOf(const ValueType& type) {
  if (type.dtype != DType::kResource || !type.element) return nullptr;
  const ValueType& e = *type.element;
  const bool nested = e.dtype == DType::kResource;
  if (e.dtype == DType::kUndefined || (nested && !e.element)) return nullptr;
  const int rank = e.ranked ? e.rank() : ElementType::kAnyRank;
  return std::make_shared<ElementType>(ElementType{type.optional, e.dtype, rank, ElementOf(e)});
}

ValueType Merge(ValueType known, const ValueType& more) {
  if (!known.element && (known.dtype == DType::kUndefined || known.dtype == more.dtype)) {
    known.element = more.element;
    known.optional = more.optional;
  }
  if (known.dtype == DType::kUndefined) known.dtype = more.dtype;
  if (!known.ranked) {
    known.ranked = more.ranked;
    known.dims = more.dims;
  } else if (more.ranked && more.dims.size() == known.dims.size()) {
    for (size_t i = 0; i < known.dims.size(); ++i) {
      if (known.dims[i] < 0) known.dims[i] = more.dims[i];
    }
  }
  return known;
}

int64_t TypeQuery::Int(const char* name, int64_t fallback) const {
  const Attribute* a = node.Find(name);
  return a && a->type == AttrType::kInt ? a->i : fallback;
}
bool TypeQuery::HasInts(const char* name) const {
  const Attribute* a = node.Find(name);
  return a && a->type == AttrType::kInts;
}
std::vector<int64_t> TypeQuery::Ints(const char* name) const {
  const Attribute* a = node.Find(name);
  return a ? a->ints : std::vector<int64_t>();
}
std::string TypeQuery::Str(const char* name, const char* fallback) const {
  const Attribute* a = node.Find(name);
  return a && a->type == AttrType::kString ? a->s : fallback;
}

namespace {

using Types = std::vector<ValueType>;
using Fn = Types (*)(const TypeQuery&);

constexpr DType kI64 = DType::kI64;

int64_t Normal(int64_t axis, int rank) { return axis < 0 ? axis + rank : axis; }

ValueType WithDType(ValueType v, DType dtype) {
  v.dtype = dtype;
  return v;
}

ValueType Loose(const ValueType& v) {
  ValueType loose = v;
  loose.dims.assign(v.dims.size(), -1);
  return loose;
}

ValueType BroadcastOf(const Types& inputs, DType dtype) {
  ValueType out = ValueType::Of(dtype, {});
  for (const ValueType& in : inputs) {
    if (!in.ranked) return WithDType(ValueType(), dtype);
    if (in.dims.size() > out.dims.size())
      out.dims.insert(out.dims.begin(), in.dims.size() - out.dims.size(), 1);
    for (size_t k = 0; k < in.dims.size(); ++k) {
      int64_t& d = out.dims[out.dims.size() - in.dims.size() + k];
      if (d == 1) {
        d = in.dims[k];
      } else if (in.dims[k] != 1 && d < 0) {
        d = in.dims[k];
      }
    }
  }
  return out;
}

// The number of entries of a 1-D input; -1 unknown.
int64_t LengthOf(const TypeQuery& q, size_t i) {
  if (LiteralPtr c = q.Const(i)) return c->NumElements();
  ValueType v = q.In(i);
  return v.rank() == 1 ? v.dims[0] : -1;
}

// A list that moved from an attribute to an input during ONNX's life.
bool ListOf(const TypeQuery& q, const char* attr, size_t input, std::vector<int64_t>* list) {
  if (q.HasInts(attr)) {
    *list = q.Ints(attr);
    return true;
  }
  LiteralPtr c = q.Const(input);
  if (!c || !IsInt(c->dtype)) return false;
  *list = LiteralToInts(*c);
  return true;
}

bool IsAbsent(const TypeQuery& q, size_t i) {
  return i >= q.node.inputs.size() || q.node.inputs[i].empty();
}

Types Same(const TypeQuery& q) { return {q.In(0)}; }
Types SameLoose(const TypeQuery& q) { return {Loose(q.In(0))}; }
Types Broadcast(const TypeQuery& q) { return {BroadcastOf(q.inputs, q.In(0).dtype)}; }
Types BroadcastBool(const TypeQuery& q) { return {BroadcastOf(q.inputs, DType::kBool)}; }
Types SameBool(const TypeQuery& q) { return {WithDType(q.In(0), DType::kBool)}; }
Types Where(const TypeQuery& q) { return {BroadcastOf(q.inputs, q.In(1).dtype)}; }
Types SameThenMask(const TypeQuery& q) { return {q.In(0), WithDType(q.In(0), DType::kBool)}; }
Types Second(const TypeQuery& q) { return {WithDType(q.In(1), q.In(0).dtype)}; }

Types Pool(const TypeQuery& q) { return {Loose(q.In(0)), WithDType(Loose(q.In(0)), kI64)}; }

Types Conv(const TypeQuery& q) {
  ValueType out = Loose(q.In(0));
  if (!out.ranked) out = WithDType(Loose(q.In(1)), out.dtype);
  if (q.node.op == "ConvInteger") out.dtype = DType::kI32;
  return {out};
}

Types GlobalPool(const TypeQuery& q) {
  ValueType out = q.In(0);
  for (size_t k = 2; k < out.dims.size(); ++k) out.dims[k] = 1;
  return {out};
}

Types BatchNorm(const TypeQuery& q) {
  Types out(q.node.outputs.size(), ValueType::OfRank(q.In(0).dtype, 1));
  if (!out.empty()) out[0] = q.In(0);
  return out;
}

Types LayerNorm(const TypeQuery& q) {
  ValueType stat = WithDType(Loose(q.In(0)), DType::kF32);
  return {q.In(0), stat, stat};
}

ValueType MatMulType(const ValueType& a, const ValueType& b, DType dtype) {
  if (!a.ranked || !b.ranked || a.dims.empty() || b.dims.empty())
    return WithDType(ValueType(), dtype);
  const bool row = a.rank() == 1, column = b.rank() == 1;
  ValueType batch_a{dtype, true, {}}, batch_b{dtype, true, {}};
  if (!row) batch_a.dims.assign(a.dims.begin(), a.dims.end() - 2);
  if (!column) batch_b.dims.assign(b.dims.begin(), b.dims.end() - 2);
  ValueType out = BroadcastOf({batch_a, batch_b}, dtype);
  if (!row) out.dims.push_back(a.dims[a.dims.size() - 2]);
  if (!column) out.dims.push_back(b.dims.back());
  return out;
}

Types MatMul(const TypeQuery& q) {
  DType dtype = q.node.op == "MatMulInteger" ? DType::kI32 : q.In(0).dtype;
  return {MatMulType(q.In(0), q.In(1), dtype)};
}
Types QLinearMatMul(const TypeQuery& q) { return {MatMulType(q.In(0), q.In(3), q.In(7).dtype)}; }
Types Gemm(const TypeQuery& q) { return {ValueType::OfRank(q.In(0).dtype, 2)}; }

Types Reduce(const TypeQuery& q) {
  const ValueType in = q.In(0);
  const bool keep = q.Int("keepdims", 1) != 0;
  if (!in.ranked || keep) return {Loose(in)};
  std::vector<int64_t> axes;
  int64_t count = -1;
  if (ListOf(q, "axes", 1, &axes)) {
    count = static_cast<int64_t>(axes.size());
  } else if (IsAbsent(q, 1)) {
    count = 0;
  } else {
    count = LengthOf(q, 1);
  }
  if (count < 0) return {WithDType(ValueType(), in.dtype)};
  if (count == 0 && q.Int("noop_with_empty_axes", 0) == 0) count = in.rank();
  return {ValueType::OfRank(in.dtype, std::max<int64_t>(0, in.rank() - count))};
}

Types ArgReduce(const TypeQuery& q) {
  const int rank = q.In(0).rank();
  const bool keep = q.Int("keepdims", 1) != 0;
  return {ValueType::OfRank(kI64, rank < 1 || keep ? rank : rank - 1)};
}

ValueType WithShapeInput(const TypeQuery& q, size_t input, DType dtype) {
  if (LiteralPtr c = q.Const(input)) return ValueType::Of(dtype, LiteralToInts(*c));
  return ValueType::OfRank(dtype, LengthOf(q, input));
}

Types Reshape(const TypeQuery& q) {
  ValueType out = q.HasInts("shape") ? ValueType::Of(q.In(0).dtype, q.Ints("shape"))
                                     : WithShapeInput(q, 1, q.In(0).dtype);
  const bool zero_copies = q.Int("allowzero", 0) == 0;
  for (size_t k = 0; k < out.dims.size(); ++k) {
    if (out.dims[k] == 0 && zero_copies)
      out.dims[k] = k < q.In(0).dims.size() ? q.In(0).dims[k] : -1;
  }
  return {out};
}

Types Expand(const TypeQuery& q) {
  return {BroadcastOf({q.In(0), WithShapeInput(q, 1, q.In(0).dtype)}, q.In(0).dtype)};
}

Types Flatten(const TypeQuery& q) { return {ValueType::OfRank(q.In(0).dtype, 2)}; }

Types Transpose(const TypeQuery& q) {
  ValueType in = q.In(0), out = in;
  std::vector<int64_t> perm = q.Ints("perm");
  if (perm.empty()) {
    std::reverse(out.dims.begin(), out.dims.end());
  } else if (perm.size() == in.dims.size()) {
    for (size_t k = 0; k < perm.size(); ++k) {
      const bool valid = perm[k] >= 0 && perm[k] < in.rank();
      out.dims[k] = valid ? in.dims[perm[k]] : -1;
    }
  }
  return {out};
}

Types Squeeze(const TypeQuery& q) {
  const ValueType in = q.In(0);
  std::vector<int64_t> axes;
  if (!in.ranked) return {in};
  if (ListOf(q, "axes", 1, &axes)) {
    std::set<int64_t> gone;
    for (int64_t a : axes) gone.insert(Normal(a, in.rank()));
    ValueType out{in.dtype, true, {}};
    for (int k = 0; k < in.rank(); ++k) {
      if (!gone.count(k)) out.dims.push_back(in.dims[k]);
    }
    return {out};
  }
  const bool all_known =
      std::none_of(in.dims.begin(), in.dims.end(), [](int64_t d) { return d < 0; });
  if (!IsAbsent(q, 1) || !all_known) return {WithDType(ValueType(), in.dtype)};
  ValueType out{in.dtype, true, {}};
  for (int64_t d : in.dims) {
    if (d != 1) out.dims.push_back(d);
  }
  return {out};
}

Types Unsqueeze(const TypeQuery& q) {
  const ValueType in = q.In(0);
  std::vector<int64_t> axes;
  if (!in.ranked) return {in};
  if (!ListOf(q, "axes", 1, &axes)) {
    const int64_t count = LengthOf(q, 1);
    return {ValueType::OfRank(in.dtype, count < 0 ? -1 : in.rank() + count)};
  }
  const int rank = in.rank() + static_cast<int>(axes.size());
  std::set<int64_t> added;
  for (int64_t a : axes) added.insert(Normal(a, rank));
  ValueType out{in.dtype, true, {}};
  size_t next = 0;
  for (int k = 0; k < rank; ++k) {
    if (added.count(k)) {
      out.dims.push_back(1);
    } else {
      out.dims.push_back(next < in.dims.size() ? in.dims[next++] : -1);
    }
  }
  return {out};
}

Types Concat(const TypeQuery& q) {
  ValueType out = q.In(0);
  for (const ValueType& in : q.inputs) out = Merge(out, Loose(in));
  if (!out.ranked) return {out};
  const int64_t axis = Normal(q.Int("axis", 1), out.rank());
  if (axis < 0 || axis >= out.rank()) return {Loose(out)};
  int64_t sum = 0;
  for (const ValueType& in : q.inputs) {
    const int64_t d = in.rank() == out.rank() ? in.dims[axis] : -1;
    sum = d < 0 || sum < 0 || sum > (int64_t{1} << 48) ? -1 : sum + d;
  }
  out.dims[axis] = sum;
  return {out};
}

Types Split(const TypeQuery& q) { return Types(q.node.outputs.size(), Loose(q.In(0))); }

Types Shape(const TypeQuery& q) {
  const int rank = q.In(0).rank();
  if (rank < 0) return {ValueType::OfRank(kI64, 1)};
  const auto clamp = [&](int64_t v) { return std::clamp<int64_t>(Normal(v, rank), 0, rank); };
  const int64_t start = clamp(q.Int("start", 0)), end = clamp(q.Int("end", rank));
  return {ValueType::Of(kI64, {std::max<int64_t>(0, end - start)})};
}

Types Scalar(const TypeQuery& q) {
  return {ValueType::Of(q.node.op == "Size" ? kI64 : q.In(0).dtype, {})};
}

Types Slice(const TypeQuery& q) {
  ValueType in = q.In(0), out = Loose(in);
  std::vector<int64_t> starts, ends, axes, steps;
  const bool simple = in.rank() == 1 && ListOf(q, "starts", 1, &starts) &&
                      ListOf(q, "ends", 2, &ends) && starts.size() == 1 && ends.size() == 1 &&
                      (IsAbsent(q, 4) || ListOf(q, "", 4, &steps)) &&
                      (steps.empty() || steps == std::vector<int64_t>{1});
  if (simple && in.dims[0] >= 0) {
    const auto clamp = [&](int64_t v) {
      return std::clamp<int64_t>(v < 0 ? v + in.dims[0] : v, 0, in.dims[0]);
    };
    out.dims[0] = std::max<int64_t>(0, clamp(ends[0]) - clamp(starts[0]));
  }
  return {out};
}

Types Gather(const TypeQuery& q) {
  const ValueType x = q.In(0), i = q.In(1);
  if (!x.ranked || !i.ranked || x.dims.empty()) return {WithDType(ValueType(), x.dtype)};
  const int64_t axis = Normal(q.Int("axis", 0), x.rank());
  if (axis < 0 || axis >= x.rank()) return {WithDType(ValueType(), x.dtype)};
  ValueType out = x;
  out.dims.erase(out.dims.begin() + axis);
  out.dims.insert(out.dims.begin() + axis, i.dims.begin(), i.dims.end());
  return {out};
}

Types GatherNd(const TypeQuery& q) {
  const ValueType x = q.In(0), i = q.In(1);
  const int64_t batch = q.Int("batch_dims", 0);
  if (!x.ranked || !i.ranked || i.dims.empty() || i.dims.back() < 0 || batch < 0 || batch > x.rank())
    return {WithDType(ValueType(), x.dtype)};
  const int64_t rank = x.rank() + i.rank() - 1 - i.dims.back() - batch;
  return {ValueType::OfRank(x.dtype, rank)};
}

Types Cast(const TypeQuery& q) { return {WithDType(q.In(0), DTypeFromOnnx(q.Int("to", 0)))}; }
Types CastLike(const TypeQuery& q) { return {WithDType(q.In(0), q.In(1).dtype)}; }

DType TensorDType(const TypeQuery& q, const char* attr, DType fallback) {
  const Attribute* a = q.node.Find(attr);
  return a && a->t ? DTypeFromOnnx(a->t->data_type) : fallback;
}

Types ConstantOfShape(const TypeQuery& q) {
  return {WithShapeInput(q, 0, TensorDType(q, "value", DType::kF32))};
}
Types Range(const TypeQuery& q) { return {ValueType::OfRank(q.In(0).dtype, 1)}; }
Types NonZero(const TypeQuery& q) { return {ValueType::Of(kI64, {q.In(0).rank(), -1})}; }
Types BoxIndices(const TypeQuery&) { return {ValueType::Of(kI64, {-1, 3})}; }

Types OneHot(const TypeQuery& q) {
  const int rank = q.In(0).rank();
  return {ValueType::OfRank(q.In(2).dtype, rank < 0 ? -1 : rank + 1)};
}

Types TopK(const TypeQuery& q) { return {Loose(q.In(0)), WithDType(Loose(q.In(0)), kI64)}; }

Types Random(const TypeQuery& q) {
  return {ValueType::Of(DTypeFromOnnx(q.Int("dtype", 1)), q.Ints("shape"))};
}

Types Like(const TypeQuery& q) {
  const DType dtype = DTypeFromOnnx(q.Int("dtype", 0));
  return {WithDType(q.In(0), dtype == DType::kUndefined ? q.In(0).dtype : dtype)};
}

Types Multinomial(const TypeQuery& q) { return {ValueType::OfRank(DTypeFromOnnx(q.Int("dtype", 6)), 2)}; }

Types Quantize(const TypeQuery& q) {
  DType dtype = q.In(2).dtype;
  if (dtype == DType::kUndefined) dtype = DTypeFromOnnx(q.Int("output_dtype", 0));
  return {WithDType(q.In(0), dtype == DType::kUndefined ? DType::kU8 : dtype)};
}
Types Dequantize(const TypeQuery& q) {
  const DType dtype = DTypeFromOnnx(q.Int("output_dtype", 0));
  return {WithDType(q.In(0), dtype == DType::kUndefined ? q.In(1).dtype : dtype)};
}
Types DynamicQuantize(const TypeQuery& q) {
  return {WithDType(q.In(0), DType::kU8), ValueType::Of(DType::kF32, {}),
          ValueType::Of(DType::kU8, {})};
}

Types Recurrent(const TypeQuery& q) {
  const DType dtype = q.In(0).dtype;
  return {ValueType::OfRank(dtype, 4), ValueType::OfRank(dtype, 3), ValueType::OfRank(dtype, 3)};
}

Types Attention(const TypeQuery& q) {
  const ValueType of_heads = ValueType::OfRank(q.In(0).dtype, 4);
  return {Loose(q.In(0)), of_heads, WithDType(of_heads, q.In(2).dtype), of_heads};
}

DType OutputType(const TypeQuery& q) { return DTypeFromOnnx(q.Int("output_datatype", 1)); }
Types Window(const TypeQuery& q) { return {ValueType::OfRank(OutputType(q), 1)}; }
Types Picture(const TypeQuery&) { return {ValueType::OfRank(DType::kU8, 3)}; }
Types MelMatrix(const TypeQuery& q) { return {ValueType::OfRank(OutputType(q), 2)}; }
Types BitCast(const TypeQuery& q) { return {WithDType(q.In(0), DTypeFromOnnx(q.Int("to", 0)))}; }

Types Einsum(const TypeQuery& q) {
  const std::string equation = q.Str("equation", "");
  const size_t arrow = equation.find("->");
  if (arrow == std::string::npos || equation.find("...") != std::string::npos) {
    return {WithDType(ValueType(), q.In(0).dtype)};
  }
  const auto letters =
      std::count_if(equation.begin() + arrow + 2, equation.end(), [](char c) { return c != ' '; });
  return {ValueType::OfRank(q.In(0).dtype, letters)};
}

Types Unique(const TypeQuery& q) {
  const ValueType list = ValueType::OfRank(kI64, 1);
  const bool along_axis = q.node.Find("axis") != nullptr;
  return {ValueType::OfRank(q.In(0).dtype, along_axis ? q.In(0).rank() : 1), list, list, list};
}

Types Compress(const TypeQuery& q) {
  return {ValueType::OfRank(q.In(0).dtype, q.node.Find("axis") ? q.In(0).rank() : 1)};
}

Types FirstOfSequence(const TypeQuery& q) { return {ValueType::Sequence(Loose(q.In(0)))}; }
Types EmptySequence(const TypeQuery& q) {
  return {ValueType::Sequence(WithDType(ValueType(), DTypeFromOnnx(q.Int("dtype", 1))))};
}
Types InsertedSequence(const TypeQuery& q) {
  const bool known = q.In(0).element && q.In(0).element->ranked;
  return {ValueType::Sequence(known ? *q.In(0).element : Loose(q.In(1)))};
}
Types SplitSequence(const TypeQuery& q) {
  ValueType out = Loose(q.In(0));
  if (out.ranked && !out.dims.empty() && IsAbsent(q, 1) && q.Int("keepdims", 1) == 0) out.dims.pop_back();
  return {ValueType::Sequence(out)};
}
Types MapSequence(const TypeQuery& q) {
  return Types(q.node.outputs.size(), ValueType::Sequence(ValueType()));
}
Types OptionalOf(const TypeQuery& q) { return {ValueType::Sequence(Loose(q.In(0)), true)}; }
Types ElementOfSequence(const TypeQuery& q) {
  return {q.In(0).element ? Loose(*q.In(0).element) : ValueType()};
}
Types ElementOfOptional(const TypeQuery& q) { return {q.In(0).optional ? ElementOfSequence(q)[0] : q.In(0)}; }
Types BoolScalar(const TypeQuery&) { return {ValueType::Of(DType::kBool, {})}; }
Types Count(const TypeQuery&) { return {ValueType::Of(kI64, {})}; }
Types Joined(const TypeQuery& q) {
  ValueType out = ElementOfSequence(q)[0];
  if (out.ranked && q.Int("new_axis", 0) != 0) out.dims.push_back(-1);
  return {Loose(out)};
}

struct Row {
  Fn fn;
  const char* ops;  // separated by spaces
};
constexpr Row kRows[] = {
    {Same,
     "Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Clip Cos Cosh CumSum CumProd Elu "
     "Erf Exp Floor "
     "Gelu GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization LRN "
     "LeakyRelu Log "
     "LogSoftmax LpNormalization MeanVarianceNormalization Mish Neg Not PRelu Reciprocal Relu "
     "RMSNormalization ReverseSequence RotaryEmbedding Round ScaledTanh Scatter ScatterElements "
     "ScatterND Selu "
     "Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Swish Tan Tanh TensorScatter "
     "ThresholdedRelu Trilu ParametricSoftplus ImageScaler Affine"},
    {SameLoose,
     "Pad Resize Tile Upsample SpaceToDepth DepthToSpace Crop CenterCropPad MaxUnpool DFT "
     "CausalConvWithState LinearAttention ai.onnx.preview::FlexAttention"},
    {Attention, "Attention"},
    {Picture, "ImageDecoder"},
    {Window, "HannWindow HammingWindow BlackmanWindow"},
    {MelMatrix, "MelWeightMatrix"},
    {BitCast, "BitCast"},
    {Broadcast,
     "Add BitShift BitwiseAnd BitwiseOr BitwiseXor Div Max Mean Min Mod Mul Pow Sub Sum"},
    {BroadcastBool, "And Equal Greater GreaterOrEqual Less LessOrEqual Or Xor"},
    {SameBool, "IsInf IsNaN"},
    {Where, "Where"},
    {SameThenMask, "Dropout"},
    {Second, "GatherElements"},
    {Pool, "AveragePool LpPool MaxPool"},
    {Conv, "Conv ConvInteger ConvTranspose QLinearConv DeformConv"},
    {GlobalPool, "GlobalAveragePool GlobalLpPool GlobalMaxPool"},
    {BatchNorm, "BatchNormalization"},
    {LayerNorm, "LayerNormalization"},
    {MatMul, "MatMul MatMulInteger"},
    {QLinearMatMul, "QLinearMatMul"},
    {Gemm, "Gemm"},
    {Reduce,
     "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd "
     "ReduceSum "
     "ReduceSumSquare"},
    {ArgReduce, "ArgMax ArgMin"},
    {Reshape, "Reshape"},
    {Expand, "Expand"},
    {Flatten, "Flatten"},
    {Transpose, "Transpose"},
    {Squeeze, "Squeeze"},
    {Unsqueeze, "Unsqueeze"},
    {Concat, "Concat"},
    {Split, "Split"},
    {Shape, "Shape"},
    {Scalar, "Size"},
    {Slice, "Slice DynamicSlice"},
    {Gather, "Gather"},
    {GatherNd, "GatherND"},
    {Cast, "Cast"},
    {CastLike, "CastLike"},
    {ConstantOfShape, "ConstantOfShape"},
    {Range, "Range"},
    {NonZero, "NonZero"},
    {BoxIndices, "NonMaxSuppression"},
    {OneHot, "OneHot"},
    {TopK, "TopK"},
    {Random, "RandomNormal RandomUniform"},
    {Like, "RandomNormalLike RandomUniformLike EyeLike Bernoulli"},
    {Multinomial, "Multinomial"},
    {Quantize, "QuantizeLinear"},
    {Dequantize, "DequantizeLinear"},
    {DynamicQuantize, "DynamicQuantizeLinear"},
    {Recurrent, "LSTM GRU RNN"},
    {Einsum, "Einsum"},
    {Unique, "Unique"},
    {Compress, "Compress"},
    {FirstOfSequence, "SequenceConstruct"},
    {EmptySequence, "SequenceEmpty"},
    {InsertedSequence, "SequenceInsert"},
    {Same, "SequenceErase"},
    {SplitSequence, "SplitToSequence"},
    {MapSequence, "SequenceMap"},
    {OptionalOf, "Optional"},
    {ElementOfSequence, "SequenceAt"},
    {ElementOfOptional, "OptionalGetElement"},
    {BoolScalar, "OptionalHasElement"},
    {Count, "SequenceLength"},
    {Joined, "ConcatFromSequence"},
};

const std::unordered_map<std::string, Fn>& Table() {
  static const auto* const table = [] {
    auto* map = new std::unordered_map<std::string, Fn>;
    for (const Row& row : kRows) {
      std::string_view rest = row.ops;
      while (!rest.empty()) {
        const size_t end = std::min(rest.find(' '), rest.size());
        (*map)[std::string(rest.substr(0, end))] = row.fn;
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
    return map;
  }();
  return *table;
}

}  // namespace

std::vector<ValueType> InferTypes(const TypeQuery& query) {
  Types types;
  const std::string& domain = query.node.domain;
  auto it = Table().find(domain.empty() ? query.node.op : domain + "::" + query.node.op);
  if (it != Table().end()) types = it->second(query);
  types.resize(query.node.outputs.size());
  for (ValueType& t : types) {
    for (int64_t& d : t.dims) d = std::max<int64_t>(d, -1);
  }
  return types;
}

}  // namespace belay::onnx
