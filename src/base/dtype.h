// Element types. The numbers are those of ge::DataType, so that the API layer casts.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace belay {

enum class DType : uint8_t {
  kF32 = 0, kF16 = 1, kI8 = 2, kI32 = 3, kU8 = 4, kI16 = 6, kU16 = 7, kU32 = 8, kI64 = 9,
  kU64 = 10, kF64 = 11, kBool = 12, kString = 13, kC64 = 16, kC128 = 17, kResource = 23, kBF16 = 27,
  kUndefined = 28, kI4 = 29, kU1 = 30, kI2 = 31, kU2 = 32, kC32 = 33, kHiF8 = 34, kF8E5M2 = 35,
  kF8E4M3 = 36, kF8E8M0 = 37, kF6E3M2 = 38, kF6E2M3 = 39, kF4E2M1 = 40, kF4E1M2 = 41,
  kU4 = 64, kF8E4M3FNUZ = 65, kF8E5M2FNUZ = 66,  // ONNX only: no ge::DataType number
};

// Bits an element occupies in memory; sub-byte types are packed, low bits first. 0 for kString, kResource,
// kUndefined.
int BitWidth(DType dtype);
// Bytes of `count` elements, rounded up to whole bytes.
inline int64_t ByteSize(DType dtype, int64_t count) { return (count * BitWidth(dtype) + 7) / 8; }
const char* DTypeName(DType dtype);             // "f32", "i64", ...
bool ParseDType(const std::string& name, DType* dtype);  // the inverse
// ONNX's numbers (TensorProto.DataType); kUndefined and 0 where there is no counterpart.
DType DTypeFromOnnx(int64_t number);
int DTypeToOnnx(DType dtype);

// Texts, and what is no tensor: sequences and optionals. Inside a graph, numbers of graph/run_values.h; in users'
// memory, bytes whose count does not follow from the shape, see base/texts.h and base/sequences.h.
constexpr bool IsRunValue(DType d) { return d == DType::kString || d == DType::kResource; }
constexpr bool IsFloat(DType d) {
  return d == DType::kF32 || d == DType::kF64 || d == DType::kF16 || d == DType::kBF16;
}
constexpr bool IsHalf(DType d) { return d == DType::kF16 || d == DType::kBF16; }
constexpr bool IsSignedInt(DType d) {
  return d == DType::kI8 || d == DType::kI16 || d == DType::kI32 || d == DType::kI64;
}
constexpr bool IsUnsignedInt(DType d) {
  return d == DType::kU8 || d == DType::kU16 || d == DType::kU32 || d == DType::kU64;
}
constexpr bool IsInt(DType d) { return IsSignedInt(d) || IsUnsignedInt(d); }

}  // namespace belay
