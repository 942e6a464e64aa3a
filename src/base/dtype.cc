#include "base/dtype.h"

namespace belay {
namespace {

struct Row {
  DType dtype;
  const char* name;
  int bits;
};
constexpr Row kRows[] = {
    {DType::kF32, "f32", 32},   {DType::kF16, "f16", 16},       {DType::kBF16, "bf16", 16},
    {DType::kF64, "f64", 64},   {DType::kI8, "i8", 8},          {DType::kI16, "i16", 16},
    {DType::kI32, "i32", 32},   {DType::kI64, "i64", 64},       {DType::kU8, "u8", 8},
    {DType::kU16, "u16", 16},   {DType::kU32, "u32", 32},       {DType::kU64, "u64", 64},
    {DType::kBool, "b", 8},     {DType::kString, "str", 0},     {DType::kC64, "c64", 64},
    {DType::kC128, "c128", 128}, {DType::kC32, "c32", 32},      {DType::kI4, "i4", 4},
    {DType::kU4, "u4", 4},      {DType::kI2, "i2", 2},          {DType::kU2, "u2", 2},
    {DType::kU1, "u1", 1},      {DType::kHiF8, "hif8", 8},      {DType::kF8E5M2, "f8e5m2", 8},
    {DType::kF8E4M3, "f8e4m3", 8}, {DType::kF8E8M0, "f8e8m0", 8}, {DType::kF6E3M2, "f6e3m2", 6},
    {DType::kF6E2M3, "f6e2m3", 6}, {DType::kF4E2M1, "f4e2m1", 4}, {DType::kF4E1M2, "f4e1m2", 4},
    {DType::kF8E4M3FNUZ, "f8e4m3fnuz", 8}, {DType::kF8E5M2FNUZ, "f8e5m2fnuz", 8},
    {DType::kResource, "res", 0}, {DType::kUndefined, "undef", 0},
};
const Row* Find(DType dtype) {
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return &row;
  }
  return nullptr;
}

}  // namespace

int BitWidth(DType dtype) {
  const Row* row = Find(dtype);
  return row ? row->bits : 0;
}

const char* DTypeName(DType dtype) {
  const Row* row = Find(dtype);
  return row ? row->name : "unknown";
}

bool ParseDType(const std::string& name, DType* dtype) {
  for (const Row& row : kRows) {
    if (name == row.name) return *dtype = row.dtype, true;
  }
  return false;
}

namespace {
// By ONNX number.
constexpr DType kOnnx[] = {
    DType::kUndefined,   DType::kF32,     DType::kU8,         DType::kI8,     DType::kU16,
    DType::kI16,         DType::kI32,     DType::kI64,        DType::kString, DType::kBool,
    DType::kF16,         DType::kF64,     DType::kU32,        DType::kU64,    DType::kC64,
    DType::kC128,        DType::kBF16,    DType::kF8E4M3,     DType::kF8E4M3FNUZ,
    DType::kF8E5M2,      DType::kF8E5M2FNUZ, DType::kU4,      DType::kI4,     DType::kF4E2M1,
    DType::kF8E8M0,      DType::kU2,      DType::kI2,         DType::kF6E2M3, DType::kF6E3M2,
};
constexpr int kOnnxCount = sizeof(kOnnx) / sizeof(kOnnx[0]);
}  // namespace

DType DTypeFromOnnx(int64_t number) {
  return number > 0 && number < kOnnxCount ? kOnnx[number] : DType::kUndefined;
}

int DTypeToOnnx(DType dtype) {
  for (int i = 1; i < kOnnxCount; ++i) {
    if (kOnnx[i] == dtype) return i;
  }
  return 0;
}

}  // namespace belay
