// Calls a template with the C++ type of a dtype.
#pragma once
#include "base/half.h"
#include "graph/library.h"

namespace belay {

template <typename T>
struct TypeTag {
  using type = T;
};

// fn(TypeTag<T>()) for the number types; halves and others are refused.
template <typename Fn>
Status DispatchNumber(DType dtype, Fn fn) {
  switch (dtype) {
    case DType::kF32: return fn(TypeTag<float>());
    case DType::kF64: return fn(TypeTag<double>());
    case DType::kI8: return fn(TypeTag<int8_t>());
    case DType::kI16: return fn(TypeTag<int16_t>());
    case DType::kI32: return fn(TypeTag<int32_t>());
    case DType::kI64: return fn(TypeTag<int64_t>());
    case DType::kBool:
    case DType::kU8: return fn(TypeTag<uint8_t>());
    case DType::kU16: return fn(TypeTag<uint16_t>());
    case DType::kU32: return fn(TypeTag<uint32_t>());
    case DType::kU64: return fn(TypeTag<uint64_t>());
    default: return NotSupported("elements of {} in a library function", DTypeName(dtype));
  }
}

}  // namespace belay
