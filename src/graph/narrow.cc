#include "graph/narrow.h"

#include <cmath>

#include "base/texts.h"

namespace belay {
namespace {

constexpr DType kI32 = DType::kI32, kF32 = DType::kF32;
constexpr int kF32Mantissa = 23, kF32Bias = 127;
constexpr int64_t kF32Infinity = 0x7f800000;

Tensor Shl(const Tensor& x, int by) {
  return Map(ScalarOp::kShl, x, x.builder().ScalarInt(x.dtype(), by));
}
Tensor Shr(const Tensor& x, int by) {
  return Map(ScalarOp::kShr, x, x.builder().ScalarInt(x.dtype(), by));
}
Tensor Number(const Tensor& like, int64_t value) { return like.builder().ScalarInt(like.dtype(), value); }

// Codes of small floats to f32. The exponent field moves by the difference of the biases in one exact
// multiplication, which also turns subnormal codes into normal numbers.
Tensor DecodeSmallFloat(const SmallFloat& f, const Tensor& bits) {
  Tensor code = Cast(bits, kI32);
  Tensor sign = Shl(Shr(code, f.MagnitudeBits()), 31);
  Tensor magnitude = And(code, static_cast<double>((1 << f.MagnitudeBits()) - 1));
  Tensor moved = Shl(magnitude, kF32Mantissa - f.mantissa_bits);
  Tensor value = Bitcast(Bitcast(moved, kF32) * std::ldexp(1.0, kF32Bias - f.bias), kI32);
  if (f.specials == SmallFloatSpecials::kNegativeZero) {
    Tensor nan = Equal(code, static_cast<double>(1 << f.MagnitudeBits()));
    value = Select(nan, Number(code, kF32Infinity + 1), value);
  } else if (f.specials != SmallFloatSpecials::kNone) {
    // Infinity's code has no mantissa bits; those of NaNs have.
    Tensor special = Or(moved, static_cast<double>(kF32Infinity));
    value = Select(Greater(magnitude, f.HighestCode()), special, value);
  }
  return Bitcast(Or(value, sign), kF32);
}

Tensor DecodeE8M0(const Tensor& bits) {
  Tensor code = Cast(bits, kI32);
  Tensor value = Select(Equal(code, 0.0), Number(code, 1 << (kF32Mantissa - 1)), Shl(code, kF32Mantissa));
  return Bitcast(Select(Equal(code, 255.0), Number(code, kF32Infinity + 1), value), kF32);
}

// Codes of |x|, rounded, as if exponents went on for ever.
Tensor RoundedMagnitude(const SmallFloat& f, const Tensor& magnitude_bits) {
  const int dropped = kF32Mantissa - f.mantissa_bits, lowest_exponent = 1 - f.bias;
  // Where the code is normal: the bits of f32 with the other bias, rounded half to even.
  Tensor moved = magnitude_bits - static_cast<double>(int64_t{kF32Bias - f.bias} << kF32Mantissa);
  Tensor half = And(Shr(moved, dropped), 1.0) + static_cast<double>((1 << (dropped - 1)) - 1);
  Tensor normal = Shr(moved + half, dropped);
  // Where it is subnormal: the addition to a number with the code's last place rounds.
  const double magic = std::ldexp(1.0, lowest_exponent - f.mantissa_bits + kF32Mantissa);
  Tensor shifted = Bitcast(Bitcast(magnitude_bits, kF32) + magic, kI32);
  Tensor subnormal = shifted - Bitcast(magnitude_bits.builder().Scalar(kF32, magic), kI32);
  const int64_t first_normal = int64_t{lowest_exponent + kF32Bias} << kF32Mantissa;
  return Select(Less(magnitude_bits, static_cast<double>(first_normal)), subnormal, normal);
}

Tensor EncodeSmallFloat(const SmallFloat& f, const Tensor& x, bool saturate) {
  const int highest = f.HighestCode(), sign_code = 1 << f.MagnitudeBits();
  const bool unsigned_zero = f.specials == SmallFloatSpecials::kNegativeZero;
  const bool no_specials = f.specials == SmallFloatSpecials::kNone;
  Tensor bits = Bitcast(x, kI32);
  Tensor magnitude = And(bits, 2147483647.0);
  Tensor sign = And(Shr(bits, 31), static_cast<double>(sign_code));
  Tensor code = RoundedMagnitude(f, magnitude);
  const int beyond = saturate || no_specials ? highest : unsigned_zero ? sign_code : highest + 1;
  code = Select(Greater(code, highest), Number(code, beyond), code);
  if (unsigned_zero) {
    Tensor none = Or(Equal(code, 0.0), Equal(code, static_cast<double>(sign_code)));
    sign = Select(none, Number(sign, 0), sign);
  }
  code = Or(code, sign);
  Tensor is_nan = Greater(magnitude, static_cast<double>(kF32Infinity));
  Tensor nan = Number(code, sign_code);
  if (f.specials == SmallFloatSpecials::kOneNan) nan = Or(sign, static_cast<double>(sign_code - 1));
  if (f.specials == SmallFloatSpecials::kIeee) nan = Or(sign, static_cast<double>(highest + 3));
  return Cast(Select(is_nan, nan, code), DType::kU8);
}

// In units of its last place, 2^-127 is half of the smallest normal f32 and the lowest code.
Tensor EncodeE8M0(const Tensor& x, NarrowRounding rounding) {
  constexpr int64_t kHalf = 1 << (kF32Mantissa - 1);
  Tensor signed_bits = Bitcast(x, kI32);
  Tensor bits = Max(signed_bits, 0.0);
  Tensor mantissa = And(bits, static_cast<double>((1 << kF32Mantissa) - 1));
  Tensor code = Shr(bits, kF32Mantissa);
  if (rounding.e8m0 != E8M0Rounding::kDown) {
    const bool up = rounding.e8m0 == E8M0Rounding::kUp;
    Tensor normal_limit = Number(bits, up ? 1 : kHalf), subnormal_limit = Number(bits, kHalf + (up ? 1 : kHalf / 2));
    Tensor limit = Select(Equal(code, 0.0), subnormal_limit, normal_limit);
    code = code + Cast(GreaterEqual(mantissa, limit), kI32);
  }
  const double over = rounding.saturate ? 254 : 255, under = rounding.saturate ? 0 : 255;
  Tensor fitting = Select(Greater(code, 254.0), Number(code, static_cast<int64_t>(over)), code);
  fitting = Select(Less(bits, static_cast<double>(kHalf)), Number(code, static_cast<int64_t>(under)), fitting);
  Tensor none = Or(Map(ScalarOp::kIsNan, x), Less(x, 0.0));
  return Cast(Select(none, Number(code, 255), fitting), DType::kU8);
}

// f32 so that rounding it again is rounding x: what is lost makes the last bit 1 (round to odd).
Tensor ToF32Odd(const Tensor& x) {
  const bool fits = x.dtype() != DType::kF64 && (IsFloat(x.dtype()) || BitWidth(x.dtype()) <= 16);
  if (fits) return Cast(x, kF32);
  Tensor exact = Cast(x, DType::kF64), near = Cast(exact, kF32), back = Cast(near, DType::kF64);
  Tensor bits = Bitcast(near, kI32);
  Tensor odd = Or(Select(Greater(Abs(back), Abs(exact)), bits - 1.0, bits), 1.0);
  return Bitcast(Select(NotEqual(back, exact), odd, bits), kF32);
}

// The bits of a whole number that a small integer keeps.
Tensor Wrapped(const Tensor& x, DType dtype) {
  const DType storage = StorageOf(dtype);
  const int bits = BitWidth(dtype);
  Tensor whole = Cast(IsFloat(x.dtype()) ? Cast(x, kI32) : x, storage);
  if (storage == DType::kI8) return Shr(Shl(whole, 8 - bits), 8 - bits);
  return And(whole, static_cast<double>((1 << bits) - 1));
}

// As many elements as fill whole bytes.
int64_t GroupOf(int bits) { return bits == 6 ? 4 : 8 / bits; }

}  // namespace

Tensor CastNarrow(const Tensor& x, DType dtype, NarrowRounding rounding) {
  if (x.dtype() == dtype) return x;
  Tensor wide = x;
  if (IsNarrow(x.dtype())) {
    wide = Bitcast(x, StorageOf(x.dtype()));
    if (const SmallFloat* f = FindSmallFloat(x.dtype())) wide = DecodeSmallFloat(*f, wide);
    if (x.dtype() == DType::kF8E8M0) wide = DecodeE8M0(wide);
  }
  if (!IsNarrow(dtype)) return Cast(wide, dtype);
  if (IsSmallInt(dtype)) return Bitcast(Wrapped(wide, dtype), dtype);
  const SmallFloat* f = FindSmallFloat(dtype);
  Tensor number = ToF32Odd(wide);
  return Bitcast(f ? EncodeSmallFloat(*f, number, rounding.saturate) : EncodeE8M0(number, rounding), dtype);
}

Dim PackedBytes(DType dtype, const Shape& shape) {
  return CeilDiv(NumElements(shape) * Dim(BitWidth(dtype)), 8);
}

// A group of elements is one i32 word, whose bytes follow each other.
Tensor Pack(const Tensor& x) {
  const int bits = BitWidth(x.dtype());
  const int64_t group = GroupOf(bits), bytes = group * bits / 8;
  Builder& b = x.builder();
  const Dim count = NumElements(x.shape()), groups = CeilDiv(count, group);
  Tensor codes = Reshape(Bitcast(x, StorageOf(x.dtype())), {count});
  codes = Pad(codes, {0}, {groups * Dim(group) - count}, b.ScalarInt(codes.dtype(), 0));
  codes = And(Cast(Reshape(codes, {groups, group}), kI32), static_cast<double>((1 << bits) - 1));
  Tensor places = b.Iota(kI32, {group}, 0) * static_cast<double>(bits);
  Tensor words = Reduce(ReduceKind::kSum, Map(ScalarOp::kShl, codes, places), {1}, true);
  Tensor split = Map(ScalarOp::kShr, words, b.Iota(kI32, {bytes}, 0) * 8.0);
  Tensor flat = Reshape(Cast(And(split, 255.0), DType::kU8), {groups * Dim(bytes)});
  return Slice(flat, 0, 0, PackedBytes(x.dtype(), x.shape()));
}

Tensor Unpack(const Tensor& bytes, DType dtype, const Shape& shape) {
  const int bits = BitWidth(dtype);
  const int64_t group = GroupOf(bits), span = group * bits / 8;
  Builder& b = bytes.builder();
  const Dim count = NumElements(shape), groups = CeilDiv(count, group);
  Tensor padded = Pad(bytes, {0}, {groups * Dim(span) - bytes.dim(0)}, b.ScalarInt(DType::kU8, 0));
  Tensor wide = Cast(Reshape(padded, {groups, span}), kI32);
  Tensor words = Reduce(ReduceKind::kSum, Map(ScalarOp::kShl, wide, b.Iota(kI32, {span}, 0) * 8.0), {1}, true);
  Tensor codes = Map(ScalarOp::kShr, words, b.Iota(kI32, {group}, 0) * static_cast<double>(bits));
  Tensor flat = Slice(Reshape(Wrapped(codes, dtype), {groups * Dim(group)}), 0, 0, count);
  return Bitcast(Reshape(flat, shape), dtype);
}

namespace {

// Constant texts get their numbers at the beginning of each run.
void ReadWhenRun(Graph* graph, Node* node) {
  const std::vector<std::string>& strings = *node->literal->strings;
  const std::vector<uint8_t> bytes = PackTexts({strings.begin(), strings.end()});
  const auto size = static_cast<int64_t>(bytes.size());
  Node* packed = graph->Add(Op::kConst, {}, {DType::kU8, {size}});
  packed->literal = Literal::Copy(DType::kU8, {size}, bytes.data());
  node->op = Op::kCall;
  node->callee = "text_read";
  node->inputs = {packed};
  node->call_types = {node->type};
  node->literal = nullptr;
}

}  // namespace

void LowerToStorage(Graph* graph) {
  const int count = graph->size();
  for (int id = 0; id < count; ++id) {
    Node* node = graph->nodes()[id].get();
    if (node->literal && node->literal->dtype == DType::kString) ReadWhenRun(graph, node);
    if (node->literal && IsNarrow(node->literal->dtype)) node->literal = Unpacked(*node->literal);
    if (node->literal && StorageOf(node->literal->dtype) != node->literal->dtype) {
      auto same_bytes = std::make_shared<Literal>(*node->literal);
      same_bytes->dtype = StorageOf(same_bytes->dtype);
      node->literal = std::move(same_bytes);
    }
    node->type.dtype = StorageOf(node->type.dtype);
    for (TensorType& type : node->call_types) type.dtype = StorageOf(type.dtype);
    for (const auto& sub : node->subgraphs) LowerToStorage(sub.get());
  }
}

}  // namespace belay
