// A host tensor with constant extents: weights, attribute tensors, interpreter values.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/dtype.h"

namespace belay {

struct Literal {
  DType dtype = DType::kUndefined;
  std::vector<int64_t> dims;
  std::shared_ptr<const void> owner;  // keeps `data` alive
  const void* data = nullptr;         // row-major, packed; nullptr only when empty
  std::shared_ptr<std::vector<std::string>> strings;  // kString only

  int64_t NumElements() const;
  int64_t ByteSize() const { return belay::ByteSize(dtype, NumElements()); }
  template <typename T>
  const T* as() const { return static_cast<const T*>(data); }

  static std::shared_ptr<Literal> Allocate(DType dtype, std::vector<int64_t> dims);  // zero-filled
  static std::shared_ptr<Literal> Copy(DType dtype, std::vector<int64_t> dims, const void* data);
  void* mutable_data() { return const_cast<void*>(data); }  // for who just allocated it
};
using LiteralPtr = std::shared_ptr<const Literal>;

// Narrow elements, each in a byte of its own: see StorageOf; and back.
LiteralPtr Unpacked(const Literal& literal);
LiteralPtr Packed(const Literal& storage, DType dtype);

// Any integer or bool literal as int64; empty when the dtype is something else.
std::vector<int64_t> LiteralToInts(const Literal& literal);
// Any numeric literal as double.
std::vector<double> LiteralToDoubles(const Literal& literal);
LiteralPtr LiteralFromTexts(std::vector<int64_t> dims, std::vector<std::string> texts);
LiteralPtr LiteralFromInts(DType dtype, std::vector<int64_t> dims, const std::vector<int64_t>& values);
// Rounds once to `dtype`; integers are truncated.
LiteralPtr LiteralFromDoubles(DType dtype, std::vector<int64_t> dims, const std::vector<double>& values);

}  // namespace belay
