#include "base/narrow.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace belay {
namespace {

struct NarrowRow {
  DType dtype;
  SmallFloat format;
};
constexpr NarrowRow kNarrowRows[] = {
    {DType::kF8E4M3, {4, 3, 7, SmallFloatSpecials::kOneNan}},
    {DType::kF8E5M2, {5, 2, 15, SmallFloatSpecials::kIeee}},
    {DType::kF8E4M3FNUZ, {4, 3, 8, SmallFloatSpecials::kNegativeZero}},
    {DType::kF8E5M2FNUZ, {5, 2, 16, SmallFloatSpecials::kNegativeZero}},
    {DType::kF6E2M3, {2, 3, 1, SmallFloatSpecials::kNone}},
    {DType::kF6E3M2, {3, 2, 3, SmallFloatSpecials::kNone}},
    {DType::kF4E2M1, {2, 1, 1, SmallFloatSpecials::kNone}},
};

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int kE8M0Bias = 127, kE8M0Highest = 254, kE8M0Nan = 255;

bool IsSigned(DType dtype) { return dtype == DType::kI4 || dtype == DType::kI2; }

int NanCode(const SmallFloat& f) {
  const int sign = 1 << f.MagnitudeBits();
  switch (f.specials) {
    case SmallFloatSpecials::kIeee: return f.HighestCode() + 3;  // the quiet one
    case SmallFloatSpecials::kOneNan: return sign - 1;
    default: return sign;
  }
}

double Decode(const SmallFloat& f, int code) {
  const int magnitude = code & ((1 << f.MagnitudeBits()) - 1);
  const bool negative = code >> f.MagnitudeBits() & 1;
  const double sign = negative ? -1 : 1;
  if (magnitude > f.HighestCode()) {
    const bool infinite = f.specials == SmallFloatSpecials::kIeee && magnitude == f.HighestCode() + 1;
    return infinite ? sign * std::numeric_limits<double>::infinity() : std::copysign(kNaN, sign);
  }
  if (f.specials == SmallFloatSpecials::kNegativeZero && negative && magnitude == 0) return kNaN;
  const int exponent = magnitude >> f.mantissa_bits, mantissa = magnitude & ((1 << f.mantissa_bits) - 1);
  const int implied = exponent ? 1 << f.mantissa_bits : 0;
  return sign * std::ldexp(implied + mantissa, std::max(exponent, 1) - f.bias - f.mantissa_bits);
}

// The code of |value|, rounded, as if exponents went on for ever.
int64_t RoundedMagnitude(const SmallFloat& f, double value) {
  if (value == 0) return 0;
  const int lowest = 1 - f.bias, exponent = std::max(std::ilogb(value), lowest);
  const auto units = static_cast<int64_t>(std::nearbyint(std::ldexp(value, f.mantissa_bits - exponent)));
  return (static_cast<int64_t>(exponent - lowest) << f.mantissa_bits) + units;
}

int Encode(const SmallFloat& f, double value, bool saturate) {
  const int sign = std::signbit(value) ? 1 << f.MagnitudeBits() : 0;
  const bool unsigned_zero = f.specials == SmallFloatSpecials::kNegativeZero;
  if (std::isnan(value)) {
    return f.specials == SmallFloatSpecials::kNone || unsigned_zero ? NanCode(f) : NanCode(f) | sign;
  }
  const int highest = f.HighestCode();
  int64_t code = std::isinf(value) ? highest + 1 : RoundedMagnitude(f, std::fabs(value));
  if (code > highest) {
    if (!saturate && unsigned_zero) return NanCode(f);
    code = saturate || f.specials == SmallFloatSpecials::kNone ? highest : highest + 1;
  }
  return code == 0 && unsigned_zero ? 0 : static_cast<int>(code) | sign;
}

int EncodeE8M0(double value, NarrowRounding rounding) {
  if (std::isnan(value) || value < 0) return kE8M0Nan;
  if (std::isinf(value)) return rounding.saturate ? kE8M0Highest : kE8M0Nan;
  if (value < std::ldexp(1.0, -kE8M0Bias)) return rounding.saturate ? 0 : kE8M0Nan;
  const int exponent = std::ilogb(value);
  const double rest = std::ldexp(value, -exponent);  // 1 <= rest < 2
  const bool up = rounding.e8m0 == E8M0Rounding::kUp        ? rest > 1
                  : rounding.e8m0 == E8M0Rounding::kNearest ? rest >= 1.5
                                                            : false;
  const int code = exponent + kE8M0Bias + (up ? 1 : 0);
  return code <= kE8M0Highest ? code : rounding.saturate ? kE8M0Highest : kE8M0Nan;
}

}  // namespace

int SmallFloat::HighestCode() const {
  const int all = (1 << MagnitudeBits()) - 1;
  if (specials == SmallFloatSpecials::kIeee) return all - (1 << mantissa_bits);
  return specials == SmallFloatSpecials::kOneNan ? all - 1 : all;
}

const SmallFloat* FindSmallFloat(DType dtype) {
  for (const NarrowRow& row : kNarrowRows) {
    if (row.dtype == dtype) return &row.format;
  }
  return nullptr;
}

bool IsNarrow(DType dtype) {
  return IsSmallInt(dtype) || dtype == DType::kF8E8M0 || FindSmallFloat(dtype) != nullptr;
}

DType StorageOf(DType dtype) {
  if (IsSigned(dtype)) return DType::kI8;
  if (dtype == DType::kC64) return DType::kU64;
  if (dtype == DType::kC32) return DType::kU32;
  if (IsRunValue(dtype)) return DType::kI64;
  return IsNarrow(dtype) ? DType::kU8 : dtype;
}

double NarrowToDouble(DType dtype, uint8_t code) {
  if (const SmallFloat* f = FindSmallFloat(dtype)) return Decode(*f, code);
  if (dtype == DType::kF8E8M0) return code == kE8M0Nan ? kNaN : std::ldexp(1.0, code - kE8M0Bias);
  const int bits = BitWidth(dtype), value = code & ((1 << bits) - 1);
  return IsSigned(dtype) && value >> (bits - 1) ? value - (1 << bits) : value;
}

uint8_t DoubleToNarrow(DType dtype, double value, NarrowRounding rounding) {
  if (const SmallFloat* f = FindSmallFloat(dtype)) {
    return static_cast<uint8_t>(Encode(*f, value, rounding.saturate));
  }
  if (dtype == DType::kF8E8M0) return static_cast<uint8_t>(EncodeE8M0(value, rounding));
  const double whole = std::isnan(value) ? 0 : std::clamp(std::trunc(value), -2147483648.0, 2147483647.0);
  return static_cast<uint8_t>(static_cast<int64_t>(whole) & ((1 << BitWidth(dtype)) - 1));
}

}  // namespace belay
