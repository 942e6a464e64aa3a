// Elementwise operations. Floats compute in double and round once; integers are exact and wrap.
#include <algorithm>
#include <cstring>
#include <optional>

#include "base/narrow.h"
#include "graph/interpret_ops.h"
#include "graph/number.h"

namespace belay::interpret {
namespace {

bool IsCompare(ScalarOp op) { return op >= ScalarOp::kEq && op <= ScalarOp::kGe; }

template <typename T>
bool Compare(ScalarOp op, T x, T y) {
  switch (op) {
    case ScalarOp::kEq: return x == y;
    case ScalarOp::kNe: return x != y;
    case ScalarOp::kLt: return x < y;
    case ScalarOp::kLe: return x <= y;
    case ScalarOp::kGt: return x > y;
    default: return x >= y;
  }
}

double FloatMod(double x, double y) {
  const double r = std::fmod(x, y);
  return r != 0 && std::signbit(r) != std::signbit(y) ? r + y : r;
}

// All but + - * /. T: the element type, whose rounding a quotient gets before it is floored.
template <typename T>
double FloatBinary(ScalarOp op, double x, double y) {
  switch (op) {
    case ScalarOp::kFloorDiv: return std::floor(LoadDouble(StoreDouble<T>(x / y)));
    case ScalarOp::kMod: return FloatMod(x, y);
    case ScalarOp::kFMod: return std::fmod(x, y);
    case ScalarOp::kPow: return std::pow(x, y);
    case ScalarOp::kMax: return std::isnan(x) || x > y ? x : y;
    case ScalarOp::kMin: return std::isnan(x) || x < y ? x : y;
    case ScalarOp::kAtan2: return std::atan2(x, y);
    default: return std::copysign(x, y);
  }
}

bool IsFloatBinary(ScalarOp op) {
  return op <= ScalarOp::kMin || op == ScalarOp::kAtan2 || op == ScalarOp::kCopySign;
}

double FloatUnary(ScalarOp op, double x) {
  switch (op) {
    case ScalarOp::kNeg: return -x;
    case ScalarOp::kAbs: return std::fabs(x);
    case ScalarOp::kSign: return x > 0 ? 1 : x < 0 ? -1 : x;
    case ScalarOp::kFloor: return std::floor(x);
    case ScalarOp::kCeil: return std::ceil(x);
    case ScalarOp::kRound: return std::nearbyint(x);
    case ScalarOp::kTrunc: return std::trunc(x);
    case ScalarOp::kSqrt: return std::sqrt(x);
    case ScalarOp::kRsqrt: return 1 / std::sqrt(x);
    case ScalarOp::kRecip: return 1 / x;
    case ScalarOp::kExp: return std::exp(x);
    case ScalarOp::kExp2: return std::exp2(x);
    case ScalarOp::kExpm1: return std::expm1(x);
    case ScalarOp::kLog: return std::log(x);
    case ScalarOp::kLog2: return std::log2(x);
    case ScalarOp::kLog1p: return std::log1p(x);
    case ScalarOp::kSin: return std::sin(x);
    case ScalarOp::kCos: return std::cos(x);
    case ScalarOp::kTan: return std::tan(x);
    case ScalarOp::kAsin: return std::asin(x);
    case ScalarOp::kAcos: return std::acos(x);
    case ScalarOp::kAtan: return std::atan(x);
    case ScalarOp::kSinh: return std::sinh(x);
    case ScalarOp::kCosh: return std::cosh(x);
    case ScalarOp::kTanh: return std::tanh(x);
    case ScalarOp::kAsinh: return std::asinh(x);
    case ScalarOp::kAcosh: return std::acosh(x);
    case ScalarOp::kAtanh: return std::atanh(x);
    case ScalarOp::kErf: return std::erf(x);
    default: return 1 / (1 + std::exp(-x));  // kSigmoid
  }
}

bool IsFloatUnary(ScalarOp op) {
  return (op >= ScalarOp::kNeg && op <= ScalarOp::kSigmoid) && op != ScalarOp::kNot;
}

// Wide is int64_t or uint64_t: exact for every narrower type of that sign, and it wraps by
// conversion.
template <typename Wide>
Wide IntPow(Wide x, Wide y) {
  if constexpr (std::is_signed_v<Wide>) {
    if (y < 0) return x == 1 ? 1 : x == -1 ? (y % 2 ? -1 : 1) : 0;
  }
  uint64_t base = static_cast<uint64_t>(x), result = 1;
  for (uint64_t k = static_cast<uint64_t>(y); k != 0; k >>= 1, base *= base) {
    if (k & 1) result *= base;
  }
  return static_cast<Wide>(result);
}

template <typename Wide>
Wide IntDivide(ScalarOp op, Wide x, Wide y) {
  if (y == 0) return 0;
  if constexpr (std::is_signed_v<Wide>) {
    // The quotient of the smallest number by -1 wraps instead of trapping.
    if (y == -1) {
      const bool quotient = op == ScalarOp::kDiv || op == ScalarOp::kFloorDiv;
      return quotient ? static_cast<Wide>(-static_cast<uint64_t>(x)) : 0;
    }
  }
  const Wide q = x / y, r = x % y;
  const bool opposite = std::is_signed_v<Wide> && r != 0 && ((r < 0) != (y < 0));
  switch (op) {
    case ScalarOp::kDiv: return q;
    case ScalarOp::kFloorDiv: return opposite ? q - 1 : q;
    case ScalarOp::kFMod: return r;
    default: return opposite ? r + y : r;
  }
}

// Shifts by the width or more (or a negative amount) give 0, or the sign.
template <typename Wide>
Wide IntShift(ScalarOp op, Wide x, Wide amount, int bits) {
  const bool in_range = static_cast<uint64_t>(amount) < static_cast<uint64_t>(bits);
  if (op == ScalarOp::kShl)
    return in_range ? static_cast<Wide>(static_cast<uint64_t>(x) << amount) : 0;
  if (std::is_signed_v<Wide>) return x >> (in_range ? amount : bits - 1);
  return in_range ? x >> amount : 0;
}

template <typename Wide>
Wide IntBinary(ScalarOp op, Wide x, Wide y, int bits) {
  const uint64_t ux = static_cast<uint64_t>(x), uy = static_cast<uint64_t>(y);
  switch (op) {
    case ScalarOp::kAdd: return static_cast<Wide>(ux + uy);
    case ScalarOp::kSub: return static_cast<Wide>(ux - uy);
    case ScalarOp::kMul: return static_cast<Wide>(ux * uy);
    case ScalarOp::kPow: return IntPow(x, y);
    case ScalarOp::kMax: return x > y ? x : y;
    case ScalarOp::kMin: return x < y ? x : y;
    case ScalarOp::kAnd: return x & y;
    case ScalarOp::kOr: return x | y;
    case ScalarOp::kXor: return x ^ y;
    case ScalarOp::kShl:
    case ScalarOp::kShr: return IntShift(op, x, y, bits);
    default: return IntDivide(op, x, y);
  }
}

template <typename Wide>
Wide IntUnary(ScalarOp op, Wide x) {
  switch (op) {
    case ScalarOp::kNeg: return static_cast<Wide>(-static_cast<uint64_t>(x));
    case ScalarOp::kAbs: return x < 0 ? static_cast<Wide>(-static_cast<uint64_t>(x)) : x;
    case ScalarOp::kSign: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case ScalarOp::kNot: return ~x;
    default: return x;  // the roundings
  }
}

bool IsIntUnary(ScalarOp op) { return op >= ScalarOp::kNeg && op <= ScalarOp::kTrunc; }
bool IsIntBinary(ScalarOp op) { return op <= ScalarOp::kShr; }

bool BoolBinary(ScalarOp op, bool x, bool y) {
  switch (op) {
    case ScalarOp::kAdd:
    case ScalarOp::kMax:
    case ScalarOp::kOr: return x || y;
    case ScalarOp::kSub:
    case ScalarOp::kXor: return x != y;
    default: return x && y;  // kMul, kMin, kAnd
  }
}

bool IsBoolBinary(ScalarOp op) {
  return op == ScalarOp::kAdd || op == ScalarOp::kSub || op == ScalarOp::kMul ||
         op == ScalarOp::kMax || op == ScalarOp::kMin || op == ScalarOp::kAnd ||
         op == ScalarOp::kOr || op == ScalarOp::kXor;
}

template <typename T>
using WideOf = std::conditional_t<std::is_unsigned_v<T>, uint64_t, int64_t>;

template <typename T, typename Fn>
void EachPair(const T* x, const T* y, T* out, int64_t n, Fn fn) {
  for (int64_t i = 0; i < n; ++i) out[i] = StoreDouble<T>(fn(LoadDouble(x[i]), LoadDouble(y[i])));
}

// What folds weights is known outside of the loop, which then runs in vectors.
template <typename T>
void FloatPairs(ScalarOp op, const T* x, const T* y, T* out, int64_t n) {
  switch (op) {
    case ScalarOp::kAdd: return EachPair(x, y, out, n, [](double a, double b) { return a + b; });
    case ScalarOp::kSub: return EachPair(x, y, out, n, [](double a, double b) { return a - b; });
    case ScalarOp::kMul: return EachPair(x, y, out, n, [](double a, double b) { return a * b; });
    case ScalarOp::kDiv: return EachPair(x, y, out, n, [](double a, double b) { return a / b; });
    default: return EachPair(x, y, out, n, [op](double a, double b) { return FloatBinary<T>(op, a, b); });
  }
}

// T,T -> T. False when the operation has no meaning on the type.
template <typename T>
bool Binary(ScalarOp op, const T* x, const T* y, T* out, int64_t n) {
  if constexpr (kIsFloatType<T>) {
    if (!IsFloatBinary(op)) return false;
    FloatPairs(op, x, y, out, n);
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!IsBoolBinary(op)) return false;
    for (int64_t i = 0; i < n; ++i) out[i] = BoolBinary(op, x[i], y[i]);
  } else {
    if (!IsIntBinary(op)) return false;
    for (int64_t i = 0; i < n; ++i) {
      out[i] = static_cast<T>(IntBinary<WideOf<T>>(op, x[i], y[i], 8 * sizeof(T)));
    }
  }
  return true;
}

template <typename T>
bool Unary(ScalarOp op, const T* x, T* out, int64_t n) {
  if constexpr (kIsFloatType<T>) {
    if (!IsFloatUnary(op)) return false;
    for (int64_t i = 0; i < n; ++i) out[i] = StoreDouble<T>(FloatUnary(op, LoadDouble(x[i])));
  } else if constexpr (std::is_same_v<T, bool>) {
    if (op != ScalarOp::kNot && op != ScalarOp::kAbs && op != ScalarOp::kSign) return false;
    for (int64_t i = 0; i < n; ++i) out[i] = op == ScalarOp::kNot ? !x[i] : x[i];
  } else {
    if (!IsIntUnary(op)) return false;
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(IntUnary<WideOf<T>>(op, x[i]));
  }
  return true;
}

template <typename T>
bool ToBool(ScalarOp op, const Values& in, bool* out, int64_t n) {
  const T* x = in[0]->as<T>();
  if (IsCompare(op)) {
    const T* y = in[1]->as<T>();
    for (int64_t i = 0; i < n; ++i) {
      if constexpr (kIsFloatType<T>) {
        out[i] = Compare(op, LoadDouble(x[i]), LoadDouble(y[i]));
      } else {
        out[i] = Compare(op, x[i], y[i]);
      }
    }
    return true;
  }
  if constexpr (kIsFloatType<T>) {
    for (int64_t i = 0; i < n; ++i) {
      const double v = LoadDouble(x[i]);
      out[i] = op == ScalarOp::kIsNan ? std::isnan(v) : std::isinf(v);
    }
    return true;
  }
  return false;
}

template <typename T>
double FusedMultiplyAdd(T x, T y, T z) {
  if constexpr (std::is_same_v<T, float>) {
    return std::fma(x, y, z);  // in double the sum would be rounded twice
  } else {
    return std::fma(LoadDouble(x), LoadDouble(y), LoadDouble(z));
  }
}

template <typename T>
void Fma(const Values& in, T* out, int64_t n) {
  const T *x = in[0]->as<T>(), *y = in[1]->as<T>(), *z = in[2]->as<T>();
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (kIsFloatType<T>) {
      out[i] = StoreDouble<T>(FusedMultiplyAdd(x[i], y[i], z[i]));
    } else if constexpr (std::is_same_v<T, bool>) {
      out[i] = (x[i] && y[i]) || z[i];
    } else {
      const uint64_t product = static_cast<uint64_t>(x[i]) * static_cast<uint64_t>(y[i]);
      out[i] = static_cast<T>(product + static_cast<uint64_t>(z[i]));
    }
  }
}

template <typename From, typename To>
To CastOne(From v) {
  if constexpr (kIsFloatType<From>) {
    return StoreDouble<To>(LoadDouble(v));
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat>) {
    return StoreDouble<To>(static_cast<double>(v));
  } else if constexpr (std::is_same_v<To, bool>) {
    return v != From{};
  } else {
    return static_cast<To>(v);
  }
}

Status Cast(const Literal& x, Literal* out) {
  const int64_t n = out->NumElements();
  bool known = false;
  VisitNumber(out->dtype, [&]<typename To>(To) {
    To* to = static_cast<To*>(out->mutable_data());
    known = VisitNumber(x.dtype, [&]<typename From>(From) {
      const From* from = x.as<From>();
      for (int64_t i = 0; i < n; ++i) to[i] = CastOne<From, To>(from[i]);
    });
  });
  if (!known) {
    return NotSupported("cast from {} to {}", DTypeName(x.dtype), DTypeName(out->dtype));
  }
  return OkStatus();
}

LiteralPtr Bitcast(const LiteralPtr& x, DType dtype) {
  const LiteralPtr bytes = IsNarrow(x->dtype) ? Unpacked(*x) : x;
  if (IsNarrow(dtype)) return Packed(*bytes, dtype);
  if (dtype == DType::kBool) return LiteralFromInts(dtype, bytes->dims, LiteralToInts(*bytes));
  return Literal::Copy(dtype, bytes->dims, bytes->data());
}

void Select(const Values& in, Literal* out) {
  const int64_t n = out->NumElements();
  const size_t size = static_cast<size_t>(BitWidth(out->dtype)) / 8;
  char* to = static_cast<char*>(out->mutable_data());
  for (int64_t i = 0; i < n; ++i) {
    const Literal& from = *in[in[0]->as<uint8_t>()[i] ? 1 : 2];
    std::memcpy(to + i * size, from.as<char>() + i * size, size);
  }
}

// out and operands have as many elements.
Status MapInto(const Node& node, const Values& in, Literal* out) {
  const ScalarOp op = node.scalar;
  const int64_t n = out->NumElements();
  if (op == ScalarOp::kCast) return Cast(*in[0], out);
  if (op == ScalarOp::kSelect) {
    if (BitWidth(out->dtype) % 8 || !BitWidth(out->dtype)) return NoDType(node, out->dtype);
    Select(in, out);
    return OkStatus();
  }
  bool known = false;
  VisitNumber(in[0]->dtype, [&]<typename T>(T) {
    const T* x = in[0]->as<T>();
    if (IsCompare(op) || op == ScalarOp::kIsNan || op == ScalarOp::kIsInf) {
      known = ToBool<T>(op, in, static_cast<bool*>(out->mutable_data()), n);
      return;
    }
    T* to = static_cast<T*>(out->mutable_data());
    if (op == ScalarOp::kFma) {
      Fma(in, to, n);
      known = true;
    } else if (in.size() == 2) {
      known = Binary(op, x, in[1]->as<T>(), to, n);
    } else {
      known = Unary(op, x, to, n);
    }
  });
  return known ? OkStatus() : NoDType(node, in[0]->dtype);
}

// Elements [first, first + count) as a value of their own, which does not keep them alive.
std::shared_ptr<Literal> PartOf(const Literal& x, int64_t first, int64_t count) {
  auto part = std::make_shared<Literal>();
  part->dtype = x.dtype;
  part->dims = {count};
  part->address = x.as<char>() + ByteSize(x.dtype, first);
  return part;
}

// Parts that stay in the caches: what a broadcast repeats is never in memory as a whole.
Status MapInParts(const Case& c, Literal* out) {
  int64_t part_size = 4096;
  std::vector<std::optional<Spread>> spread(c.in.size());
  Values parts(c.in.size());
  for (size_t i = 0; i < c.in.size(); ++i) {
    if (c.in[i]->dims == c.dims) continue;
    BELAY_RETURN_IF_ERROR(CheckBroadcast(c.in[i]->dims, c.dims));
    spread[i].emplace(*c.in[i], c.dims);
    const int64_t period = spread[i]->Period();
    if (period > 0 && period <= part_size) part_size = part_size / period * period;
  }
  const int64_t n = out->NumElements();
  for (int64_t first = 0; first < n; first += part_size) {
    const int64_t count = std::min(part_size, n - first);
    for (size_t i = 0; i < c.in.size(); ++i) {
      if (spread[i]) {
        if (first > 0 && part_size % spread[i]->Period() == 0) continue;
        auto part = NewLiteral(c.in[i]->dtype, {count});
        spread[i]->Copy(first, count, part->mutable_data());
        parts[i] = std::move(part);
      } else {
        parts[i] = PartOf(*c.in[i], first, count);
      }
    }
    BELAY_RETURN_IF_ERROR(MapInto(c.node, parts, PartOf(*out, first, count).get()));
  }
  return OkStatus();
}

}  // namespace

bool PassesBroadcasts(const Node& map) {
  const auto whole = [](DType dtype) { return dtype != DType::kString && BitWidth(dtype) % 8 == 0; };
  if (map.op != Op::kMap || map.scalar == ScalarOp::kBitcast || !whole(map.type.dtype)) return false;
  return std::all_of(map.inputs.begin(), map.inputs.end(), [&](const Node* n) { return whole(n->type.dtype); });
}

Result<LiteralPtr> Map(const Case& c) {
  const ScalarOp op = c.node.scalar;
  if (op == ScalarOp::kBitcast) return Bitcast(c.in[0], c.node.type.dtype);
  auto out = NewLiteral(op == ScalarOp::kSelect ? c.in[1]->dtype : c.node.type.dtype, c.dims);
  const int64_t n = out->NumElements();
  const bool whole = std::all_of(c.in.begin(), c.in.end(), [&](const LiteralPtr& x) { return x->NumElements() == n; });
  BELAY_RETURN_IF_ERROR(whole ? MapInto(c.node, c.in, out.get()) : MapInParts(c, out.get()));
  return LiteralPtr(out);
}

}  // namespace belay::interpret
