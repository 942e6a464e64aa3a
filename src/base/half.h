// Conversions of 16-bit floats, round to nearest even, once.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

namespace belay {

inline float HalfToFloat(uint16_t h) {
  uint32_t sign = uint32_t(h & 0x8000) << 16, e = (h >> 10) & 31, m = h & 1023;
  if (e == 31) return std::bit_cast<float>(sign | 0x7f800000 | (m << 13));
  if (e != 0) return std::bit_cast<float>(sign | ((e + 112) << 23) | (m << 13));
  float v = std::ldexp(float(m), -24);
  return sign ? -v : v;
}

// From double, so that neither f32 nor f64 sources are rounded twice.
inline uint16_t FloatToHalf(double d) {
  uint64_t bits = std::bit_cast<uint64_t>(d);
  uint16_t sign = uint16_t(bits >> 48) & 0x8000;
  if (std::isnan(d)) return sign | 0x7e00;
  double a = std::fabs(d);
  if (a >= 65520.0) return sign | 0x7c00;
  if (a < 6.103515625e-05) return sign | uint16_t(std::nearbyint(std::ldexp(a, 24)));
  int e;
  double m = std::frexp(a, &e);  // a = m * 2^e, m in [0.5, 1)
  uint32_t q = uint32_t(std::nearbyint(std::ldexp(m, 11)));  // 1024..2048
  return uint16_t(sign | (((e + 13) << 10) + q));
}

inline float BFloatToFloat(uint16_t h) { return std::bit_cast<float>(uint32_t(h) << 16); }

inline uint16_t FloatToBFloat(float f) {
  uint32_t bits = std::bit_cast<uint32_t>(f);
  if (std::isnan(f)) return uint16_t(bits >> 16) | 0x40;
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

inline uint16_t FloatToBFloat(double d) {
  float f = float(d);
  // Round to odd first, so that the second rounding sees the lost bits.
  uint32_t bits = std::bit_cast<uint32_t>(f);
  if (std::isfinite(f) && double(f) != d) {
    if (std::fabs(double(f)) > std::fabs(d)) --bits;
    bits |= 1;
  }
  return FloatToBFloat(std::bit_cast<float>(bits));
}

}  // namespace belay
