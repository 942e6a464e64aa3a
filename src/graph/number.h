// Elements of tensors as C++ types, for code that walks over values one by one.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "base/dtype.h"
#include "base/half.h"

namespace belay {

struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};

template <typename T>
constexpr bool kIsFloatType =
    std::is_floating_point_v<T> || std::is_same_v<T, Half> || std::is_same_v<T, BFloat>;

// Calls fn(T{}) with the C++ type of the dtype; false when it has none.
template <typename Fn>
bool VisitNumber(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::kF32: return fn(float{}), true;
    case DType::kF64: return fn(double{}), true;
    case DType::kF16: return fn(Half{}), true;
    case DType::kBF16: return fn(BFloat{}), true;
    case DType::kI8: return fn(int8_t{}), true;
    case DType::kI16: return fn(int16_t{}), true;
    case DType::kI32: return fn(int32_t{}), true;
    case DType::kI64: return fn(int64_t{}), true;
    case DType::kU8: return fn(uint8_t{}), true;
    case DType::kU16: return fn(uint16_t{}), true;
    case DType::kU32: return fn(uint32_t{}), true;
    case DType::kU64: return fn(uint64_t{}), true;
    case DType::kBool: return fn(bool{}), true;
    default: return false;
  }
}

template <typename T>
double LoadDouble(T v) {
  if constexpr (std::is_same_v<T, Half>) {
    return HalfToFloat(v.bits);
  } else if constexpr (std::is_same_v<T, BFloat>) {
    return BFloatToFloat(v.bits);
  } else {
    return static_cast<double>(v);
  }
}

// Integers truncate, saturate at their range and take NaN as 0; floats round once.
template <typename T>
T StoreDouble(double v) {
  if constexpr (std::is_same_v<T, Half>) {
    return Half{FloatToHalf(v)};
  } else if constexpr (std::is_same_v<T, BFloat>) {
    return BFloat{FloatToBFloat(v)};
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(v);
  } else if constexpr (std::is_same_v<T, bool>) {
    return v != 0;
  } else {
    if (std::isnan(v)) return 0;
    const double t = std::trunc(v);
    // The bound is a power of two, exact in double, where max() itself may not be.
    const double bound = std::ldexp(1.0, std::numeric_limits<T>::digits);
    if (t >= bound) return std::numeric_limits<T>::max();
    if (t < static_cast<double>(std::numeric_limits<T>::min()))
      return std::numeric_limits<T>::min();
    return static_cast<T>(t);
  }
}

// Integers only; u64 keeps its bits.
template <typename T>
int64_t LoadInt(T v) {
  if constexpr (kIsFloatType<T>) {
    return StoreDouble<int64_t>(LoadDouble(v));
  } else {
    return static_cast<int64_t>(v);
  }
}

// Wraps into integers; rounds once to floats.
template <typename T>
T StoreInt(int64_t v) {
  if constexpr (std::is_same_v<T, bool>) {
    return v != 0;
  } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat>) {
    return StoreDouble<T>(static_cast<double>(v));
  } else {
    return static_cast<T>(v);
  }
}

}  // namespace belay
