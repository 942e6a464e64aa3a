#ifndef EXE_GRAPH_RUNTIME_EXPAND_DIMS_TYPE_H_
#define EXE_GRAPH_RUNTIME_EXPAND_DIMS_TYPE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "exe_graph/runtime/shape.h"
#include "graph/ge_error_codes.h"
#include "graph/types.h"

namespace gert {

// Which axes of the full shape are ones that were added: "1100" has two kept axes behind two added.
class ExpandDimsType {
 public:
  using AxisIndex = uint64_t;
  static constexpr size_t kMaxExpandSize = 56;

  ExpandDimsType() : size_(0), mask_(0) { Clear(); }
  explicit ExpandDimsType(const ge::char_t* const expand_dims_type) : size_(0), mask_(0) {
    Clear();
    if (expand_dims_type == nullptr) return;
    const size_t size = std::strlen(expand_dims_type);
    if (size > kMaxExpandSize) return;
    size_ = static_cast<AxisIndex>(size) & 0xFFU;
    for (AxisIndex i = 0; i < size; ++i) {
      if (expand_dims_type[i] == '1') SetExpandIndex(i);
    }
  }
  // The size stands in bits 56..63, the mask in the low 8 bits.
  explicit ExpandDimsType(const int64_t reshape_type_mask)
      : size_((static_cast<uint64_t>(reshape_type_mask) >> 56U) & 0xFFU),
        mask_(static_cast<uint64_t>(reshape_type_mask) & 0xFFU) {
    Clear();
  }

  bool operator==(const ExpandDimsType& other) const {
    return size_ == other.size_ && mask_ == other.mask_;
  }
  AxisIndex GetFullSize() const { return size_; }
  void SetExpandIndex(const AxisIndex index) {
    const AxisIndex kMask = (static_cast<AxisIndex>(1) << 56U) - 1U;
    mask_ = (mask_ | (static_cast<AxisIndex>(1) << index)) & kMask;
  }
  bool IsExpandIndex(const AxisIndex index) const {
    return ((mask_ >> index) & 1U) != 0U;
  }

  ge::graphStatus Expand(const Shape& shape, Shape& out_shape) const {
    if (size_ == 0U) {
      out_shape = shape;
      return ge::GRAPH_SUCCESS;
    }
    Shape expanded;
    size_t next = 0;
    for (AxisIndex axis = 0; axis < size_; ++axis) {
      if (IsExpandIndex(axis)) {
        expanded.AppendDim(1);
      } else if (next < shape.GetDimNum()) {
        expanded.AppendDim(shape.GetDim(next++));
      } else {
        return ge::GRAPH_FAILED;
      }
    }
    for (; next < shape.GetDimNum(); ++next) expanded.AppendDim(shape.GetDim(next));
    out_shape = expanded;
    return ge::GRAPH_SUCCESS;
  }
  ge::graphStatus Expand(Shape& shape) const {
    const Shape source(shape);
    return Expand(source, shape);
  }

 private:
  void Clear() { std::memset(reserved_, 0, sizeof(reserved_)); }

  uint64_t size_ : 8;
  uint64_t mask_ : 56;
  uint8_t reserved_[40];
};

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_EXPAND_DIMS_TYPE_H_
