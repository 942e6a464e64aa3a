// Reading and writing one element of a literal: numbers pass as double or int64, and are rounded once when
// they are stored. Slow and plain; for the interpreter and for constants.
#pragma once
#include <cmath>
#include <cstring>
#include <limits>

#include "base/half.h"
#include "graph/literal.h"

namespace belay {

template <typename T>
T LoadAs(const void* data, int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(data) + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}
template <typename T>
void StoreAs(void* data, int64_t i, T value) {
  std::memcpy(static_cast<char*>(data) + i * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

inline int64_t LoadInt(DType dtype, const void* data, int64_t i) {
  switch (dtype) {
    case DType::kBool:
    case DType::kU8: return LoadAs<uint8_t>(data, i);
    case DType::kI8: return LoadAs<int8_t>(data, i);
    case DType::kI16: return LoadAs<int16_t>(data, i);
    case DType::kU16: return LoadAs<uint16_t>(data, i);
    case DType::kI32: return LoadAs<int32_t>(data, i);
    case DType::kU32: return LoadAs<uint32_t>(data, i);
    case DType::kI64:
    case DType::kU64: return LoadAs<int64_t>(data, i);
    case DType::kI4:
    case DType::kU4: {
      const int nibble = (static_cast<const uint8_t*>(data)[i / 2] >> (i % 2 * 4)) & 15;
      return dtype == DType::kI4 && nibble > 7 ? nibble - 16 : nibble;
    }
    default: return 0;
  }
}

inline void StoreInt(DType dtype, void* data, int64_t i, int64_t value) {
  switch (dtype) {
    case DType::kBool: return StoreAs<uint8_t>(data, i, value != 0);
    case DType::kU8:
    case DType::kI8: return StoreAs(data, i, static_cast<uint8_t>(value));
    case DType::kI16:
    case DType::kU16: return StoreAs(data, i, static_cast<uint16_t>(value));
    case DType::kI32:
    case DType::kU32: return StoreAs(data, i, static_cast<uint32_t>(value));
    case DType::kI64:
    case DType::kU64: return StoreAs(data, i, value);
    case DType::kI4:
    case DType::kU4: {
      uint8_t& byte = static_cast<uint8_t*>(data)[i / 2];
      const int shift = static_cast<int>(i % 2 * 4);
      byte = static_cast<uint8_t>((byte & ~(15 << shift)) | ((value & 15) << shift));
      return;
    }
    default: return;
  }
}

inline double LoadFloat(DType dtype, const void* data, int64_t i) {
  switch (dtype) {
    case DType::kF32: return LoadAs<float>(data, i);
    case DType::kF64: return LoadAs<double>(data, i);
    case DType::kF16: return HalfToFloat(LoadAs<uint16_t>(data, i));
    case DType::kBF16: return BFloatToFloat(LoadAs<uint16_t>(data, i));
    case DType::kU64: return static_cast<double>(LoadAs<uint64_t>(data, i));
    default: return static_cast<double>(LoadInt(dtype, data, i));
  }
}

// A float to an integer type: towards zero, saturating at the type's range, NaN is 0.
inline int64_t FloatToInt(DType dtype, double v) {
  if (std::isnan(v)) return 0;
  if (dtype == DType::kBool) return v != 0;
  if (dtype == DType::kU64) {
    if (v <= 0) return 0;
    return v >= 18446744073709551616.0 ? -1 : static_cast<int64_t>(static_cast<uint64_t>(v));
  }
  const int bits = BitWidth(dtype);
  const bool is_signed = IsSignedInt(dtype) || dtype == DType::kI4;
  const double lo = is_signed ? -std::ldexp(1.0, bits - 1) : 0;
  const double limit = std::ldexp(1.0, is_signed ? bits - 1 : bits);
  if (v <= lo) return is_signed ? (bits == 64 ? std::numeric_limits<int64_t>::min() : static_cast<int64_t>(lo)) : 0;
  if (v >= limit) return bits == 64 ? std::numeric_limits<int64_t>::max() : static_cast<int64_t>(limit) - 1;
  return static_cast<int64_t>(v);
}

inline void StoreFloat(DType dtype, void* data, int64_t i, double value) {
  switch (dtype) {
    case DType::kF32: return StoreAs(data, i, static_cast<float>(value));
    case DType::kF64: return StoreAs(data, i, value);
    case DType::kF16: return StoreAs(data, i, FloatToHalf(value));
    case DType::kBF16: return StoreAs(data, i, FloatToBFloat(value));
    default: return StoreInt(dtype, data, i, FloatToInt(dtype, value));
  }
}

}  // namespace belay
