#include "ops/philox.h"

#include <array>
#include <cmath>
#include <numbers>

namespace belay {
namespace {

using Words = std::array<Tensor, 4>;  // u32 [blocks]

Tensor Shifted(const Tensor& x, int64_t bits) {
  return Map(ScalarOp::kShr, x, x.builder().ScalarInt(DType::kU64, bits));
}
Tensor Low(const Tensor& x) { return Cast(x, DType::kU32); }
Tensor High(const Tensor& x) { return Cast(Shifted(x, 32), DType::kU32); }
Tensor Wide(const Tensor& x) { return Cast(x, DType::kU64); }

Words Round(const Words& c, const Tensor& key0, const Tensor& key1) {
  Builder& b = c[0].builder();
  Tensor p0 = Wide(c[0]) * b.ScalarInt(DType::kU64, 0xD2511F53);
  Tensor p1 = Wide(c[2]) * b.ScalarInt(DType::kU64, 0xCD9E8D57);
  return {Xor(Xor(High(p1), c[1]), key0), Low(p1), Xor(Xor(High(p0), c[3]), key1), Low(p0)};
}

Words Philox(const RandomStream& s, const Dim& blocks) {
  Builder& b = s.key.builder();
  Tensor low = b.Iota(DType::kU64, {blocks}, 0) + s.counter_low;
  Tensor high = s.counter_high + Cast(Less(low, s.counter_low), DType::kU64);
  Words c = {Low(low), High(low), Low(high), High(high)};
  Tensor key0 = Low(s.key), key1 = High(s.key);
  for (int round = 0; round < 10; ++round) {
    c = Round(c, key0, key1);
    key0 = key0 + b.ScalarInt(DType::kU32, 0x9E3779B9);
    key1 = key1 + b.ScalarInt(DType::kU32, 0xBB67AE85);
  }
  return c;
}

// The i-th elements of all parts are neighbours.
Tensor Interleaved(std::vector<Tensor> parts, const Shape& shape) {
  for (Tensor& t : parts) t = Unsqueeze(t, {1});
  Tensor all = Concat(parts, 1);
  return Reshape(Slice(Reshape(all, {NumElements(all.shape())}), 0, 0, NumElements(shape)), shape);
}

// Two words as one of 64 bits.
Tensor Joined(const Tensor& high, const Tensor& low) {
  Tensor shift = low.builder().ScalarInt(DType::kU64, 32);
  return Or(Map(ScalarOp::kShl, Wide(high), shift), Wide(low));
}

Tensor MaskedBits(const Tensor& x, int bits) {
  return And(x, x.builder().ScalarInt(x.dtype(), (int64_t{1} << bits) - 1));
}

int MantissaBits(DType dtype) {
  switch (dtype) {
    case DType::kF16: return 10;
    case DType::kBF16: return 7;
    case DType::kF32: return 23;
    default: FailNotSupported("random numbers of {}", DTypeName(dtype));
  }
}

Tensor UnitFloat(const Tensor& word, int bits) {
  return Cast(MaskedBits(word, bits), DType::kF32) * std::ldexp(1.0, -bits);
}
Tensor UnitDouble(const Tensor& first, const Tensor& second) {
  return Cast(Joined(MaskedBits(first, 20), second), DType::kF64) * std::ldexp(1.0, -52);
}

// Two independent normal numbers from two in [0, 1).
std::vector<Tensor> BoxMuller(const Tensor& u, const Tensor& v) {
  Tensor radius = Sqrt(Log(Max(u, 1e-7)) * -2.0), angle = v * (2 * std::numbers::pi);
  return {Map(ScalarOp::kSin, angle) * radius, Map(ScalarOp::kCos, angle) * radius};
}

}  // namespace

RandomStream StreamOf(Builder& b, const Tensor& key, const Tensor& low, const Tensor& high) {
  auto word = [&](const Tensor& t) {
    return t ? Reshape(Cast(t, DType::kU64), {}) : b.ScalarInt(DType::kU64, 0);
  };
  return {word(key), word(low), word(high)};
}

RandomStream SeededStream(Body& b) {
  const int64_t seed = b.Int("seed"), seed2 = b.Int("seed2");
  Builder& builder = b.builder();
  auto number = [&](int64_t v) { return builder.ScalarInt(DType::kU64, v); };
  if (seed != 0 || seed2 != 0) return {number(seed), number(0), number(seed2)};
  Tensor next = Call("next_seed", {number(0)}, {{DType::kU64, {}}}, {})[0];
  return {next, number(0), number(0)};
}

Tensor RandomBits(const RandomStream& s, DType dtype, const Shape& shape) {
  const Dim count = NumElements(shape);
  if (dtype == DType::kU64) {
    Words w = Philox(s, CeilDiv(count, 2));
    return Interleaved({Joined(w[1], w[0]), Joined(w[3], w[2])}, shape);
  }
  if (dtype != DType::kU32) FailNotSupported("random bits of {}", DTypeName(dtype));
  Words w = Philox(s, CeilDiv(count, 4));
  return Interleaved({w.begin(), w.end()}, shape);
}

Tensor RandomUniform(const RandomStream& s, DType dtype, const Shape& shape) {
  const Dim count = NumElements(shape);
  if (dtype == DType::kF64) {
    Words w = Philox(s, CeilDiv(count, 2));
    return Interleaved({UnitDouble(w[0], w[1]), UnitDouble(w[2], w[3])}, shape);
  }
  return UnitFloat(RandomBits(s, DType::kU32, shape), MantissaBits(dtype));
}

Tensor RandomNormal(const RandomStream& s, DType dtype, const Shape& shape) {
  const Dim count = NumElements(shape);
  if (dtype == DType::kF64) {
    Words w = Philox(s, CeilDiv(count, 2));
    return Interleaved(BoxMuller(UnitDouble(w[0], w[1]), UnitDouble(w[2], w[3])), shape);
  }
  MantissaBits(dtype);  // halves are rounded f32
  Words w = Philox(s, CeilDiv(count, 4));
  std::vector<Tensor> normal = BoxMuller(UnitFloat(w[0], 23), UnitFloat(w[1], 23));
  for (Tensor& t : BoxMuller(UnitFloat(w[2], 23), UnitFloat(w[3], 23))) normal.push_back(t);
  return Interleaved(normal, shape);
}

}  // namespace belay
