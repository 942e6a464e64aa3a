// ONNX's LabelEncoder: each element is looked up in a list of keys.
#include "ops/text.h"

namespace belay {
namespace {

// The value of the first key that equals the element, or the default.
void LookUp(Body& b) {
  Tensor x = b.Raw("X");
  Builder& builder = b.builder();
  const LiteralPtr keys = b.Value("keys"), values = b.Value("values"), fallback = b.Value("default");
  if (keys->dims != values->dims || keys->dims.size() != 1) {
    Fail("there are {} keys, but {} values", keys->NumElements(), values->NumElements());
  }
  if (keys->dtype != x.dtype()) Fail("X is {}, but the keys are {}", DTypeName(x.dtype()), DTypeName(keys->dtype));
  Tensor otherwise = BroadcastTo(builder.Constant(fallback), x.shape());
  if (keys->NumElements() == 0) return b.OutRaw("Y", otherwise);
  Tensor column = Unsqueeze(x, {x.rank()}), key = builder.Constant(keys);
  Tensor same = Equal(column, key);
  if (IsFloat(x.dtype())) same = Or(same, And(Map(ScalarOp::kIsNan, column), Map(ScalarOp::kIsNan, key)));
  Tensor place = Reduce(ReduceKind::kArgMax, Cast(same, DType::kI32), {x.rank()});
  Tensor found = Reduce(ReduceKind::kOr, same, {x.rank()});
  b.OutRaw("Y", Select(found, GatherAxis(builder.Constant(values), place, 0, false), otherwise));
}

// "keys_strings", "values_tensor" and their like; nullptr where there is none.
LiteralPtr ListAttr(OnnxNode& n, const std::string& prefix) {
  const std::string floats = prefix + "_floats", ints = prefix + "_int64s", texts = prefix + "_strings";
  if (n.HasAttr((prefix + "_tensor").c_str())) return n.TensorAttr((prefix + "_tensor").c_str());
  if (n.HasAttr(floats.c_str())) {
    const std::vector<double> list = n.Floats(floats.c_str());
    return LiteralFromDoubles(DType::kF32, {static_cast<int64_t>(list.size())}, list);
  }
  if (n.HasAttr(ints.c_str())) {
    const std::vector<int64_t> list = n.Ints(ints.c_str());
    return LiteralFromInts(DType::kI64, {static_cast<int64_t>(list.size())}, list);
  }
  if (!n.HasAttr(texts.c_str())) return nullptr;
  const std::vector<std::string> list = n.Strs(texts.c_str());
  return LiteralFromTexts({static_cast<int64_t>(list.size())}, list);
}

LiteralPtr DefaultOf(OnnxNode& n, DType dtype) {
  if (n.HasAttr("default_tensor")) {
    LiteralPtr value = n.TensorAttr("default_tensor");
    if (value->NumElements() != 1 || value->dtype != dtype) {
      n.Fail(fmt::format("default_tensor is {} elements of {}, but must be one of {}", value->NumElements(),
                         DTypeName(value->dtype), DTypeName(dtype)));
    }
    auto scalar = std::make_shared<Literal>(*value);
    scalar->dims.clear();
    return scalar;
  }
  if (dtype == DType::kString) return LiteralFromTexts({}, {n.Str("default_string", "_Unused")});
  if (dtype == DType::kI64) return LiteralFromInts(dtype, {}, {n.Int("default_int64", -1)});
  return LiteralFromDoubles(dtype, {}, {dtype == DType::kF32 ? n.Float("default_float", -0.0) : 0});
}

void Emit(OnnxNode& n, LiteralPtr keys, LiteralPtr values) {
  if (!keys || !values) n.Fail("it has no keys or no values");
  const DType dtype = values->dtype;
  n.Output(0, n.Emit("OnnxLabelEncoder", {n.Input(0)},
                     {{"keys", keys}, {"values", values}, {"default", DefaultOf(n, dtype)}}));
}

// Before version 2: classes and their places, in the direction that the input's type says.
void FromClasses(OnnxNode& n) {
  const std::vector<std::string> classes = n.Strs("classes_strings");
  const auto count = static_cast<int64_t>(classes.size());
  std::vector<int64_t> places(classes.size());
  for (int64_t i = 0; i < count; ++i) places[i] = i;
  LiteralPtr names = LiteralFromTexts({count}, classes), numbers = LiteralFromInts(DType::kI64, {count}, places);
  const DType dtype = n.InputDType(0);
  if (dtype != DType::kString && dtype != DType::kI64) n.Fail("the type of its input is not known");
  dtype == DType::kString ? Emit(n, names, numbers) : Emit(n, numbers, names);
}

}  // namespace

BELAY_OP(OnnxLabelEncoder) {
  op.FromOnnx("ai.onnx.ml::LabelEncoder", 1, FromClasses);
  op.FromOnnx("ai.onnx.ml::LabelEncoder", 2, [](OnnxNode& n) { Emit(n, ListAttr(n, "keys"), ListAttr(n, "values")); });
  op.Computes(LookUp);
}

}  // namespace belay
