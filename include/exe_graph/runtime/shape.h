#ifndef EXE_GRAPH_RUNTIME_SHAPE_H_
#define EXE_GRAPH_RUNTIME_SHAPE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>

#include "graph/types.h"

namespace gert {

// Up to 25 extents, passed by layout between program and library.
class Shape {
 public:
  static constexpr size_t kMaxDimNum = 25;
  static constexpr int64_t kInvalidDimValue = std::numeric_limits<int64_t>::min();

  Shape() : dim_num_(0), dims_{0} { Clear(); }
  Shape(const std::initializer_list<int64_t>& args) : Shape() {  // NOLINT: implicit by contract
    if (args.size() > kMaxDimNum) return;
    for (const int64_t dim : args) dims_[dim_num_++] = dim;
  }
  Shape(const Shape& other) : dim_num_(0), dims_{0} {
    Clear();
    Copy(other);
  }
  Shape& operator=(const Shape& other) {
    Copy(other);
    return *this;
  }

  bool operator==(const Shape& rht) const {
    if (dim_num_ != rht.dim_num_) return false;
    for (size_t i = 0; i < dim_num_ && i < kMaxDimNum; ++i) {
      if (dims_[i] != rht.dims_[i]) return false;
    }
    return true;
  }
  bool operator!=(const Shape& rht) const { return !(*this == rht); }

  // Elements: 1 without dims, kInvalidDimValue when the product overflows.
  int64_t GetShapeSize() const {
    int64_t size = 1;
    for (size_t i = 0; i < dim_num_ && i < kMaxDimNum; ++i) {
      if (__builtin_mul_overflow(size, dims_[i], &size)) return kInvalidDimValue;
    }
    return size;
  }
  bool IsScalar() const { return dim_num_ == 0; }
  void SetScalar() { dim_num_ = 0; }
  size_t GetDimNum() const { return dim_num_; }
  void SetDimNum(const size_t dim_num) { dim_num_ = dim_num; }
  int64_t GetDim(const size_t idx) const {
    return idx < kMaxDimNum ? dims_[idx] : kInvalidDimValue;
  }
  const int64_t& operator[](const size_t idx) const { return dims_[idx]; }
  int64_t& operator[](const size_t idx) { return dims_[idx]; }
  // Does not make the dim count: call SetDimNum first.
  void SetDim(size_t idx, const int64_t dim_value) {
    if (idx >= kMaxDimNum) return;
    dims_[idx] = dim_value;
    dim_num_ = dim_num_ < idx ? idx : dim_num_;
  }
  Shape& AppendDim(const int64_t value) {
    if (dim_num_ < kMaxDimNum) dims_[dim_num_++] = value;
    return *this;
  }

 private:
  void Clear() { std::memset(reserved_, 0, sizeof(reserved_)); }
  void Copy(const Shape& other) {
    dim_num_ = other.dim_num_;
    for (size_t i = 0; i < dim_num_ && i < kMaxDimNum; ++i) dims_[i] = other.dims_[i];
  }

  size_t dim_num_;
  int64_t dims_[kMaxDimNum];
  uint8_t reserved_[40];
};

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_SHAPE_H_
