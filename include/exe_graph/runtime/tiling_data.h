#ifndef EXE_GRAPH_RUNTIME_TILING_DATA_H_
#define EXE_GRAPH_RUNTIME_TILING_DATA_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "exe_graph/runtime/runtime_attrs.h"
#include "graph/ge_error_codes.h"

namespace gert {

enum class AttrDataType : int32_t {
  kBool = 0,
  kString,
  kInt32,
  kInt64,
  kUint32,
  kFloat32,
  kFloat16,
  kListBool,
  kListString,
  kListInt32,
  kListInt64,
  kListUint32,
  kListFloat32,
  kListFloat16,
  kListListInt32,
  kListListInt64,
  kBfloat16,
  kTypeEnd
};

// Bytes for a device kernel, appended one value behind the other; lies in front of them in one block.
class TilingData {
 public:
  size_t GetCapacity() const { return capacity_; }
  size_t GetDataSize() const { return data_size_; }
  void SetDataSize(const size_t size) { data_size_ = size; }
  void* GetData() { return data_; }
  const void* GetData() const { return data_; }

  template <typename T, typename std::enable_if<std::is_standard_layout<T>::value, int>::type = 0>
  ge::graphStatus Append(const T& data) {
    size_t after = 0;
    if (__builtin_add_overflow(data_size_, sizeof(data), &after) || after > capacity_) return ge::GRAPH_FAILED;
    std::memcpy(static_cast<uint8_t*>(data_) + data_size_, &data, sizeof(data));
    data_size_ = after;
    return ge::GRAPH_SUCCESS;
  }
  template <typename T, typename std::enable_if<std::is_standard_layout<T>::value, int>::type = 0>
  ge::graphStatus Append(const T* data, size_t append_num) {
    size_t bytes = 0;
    size_t after = 0;
    if (__builtin_mul_overflow(sizeof(T), append_num, &bytes)) return ge::GRAPH_FAILED;
    if (__builtin_add_overflow(data_size_, bytes, &after) || after > capacity_) return ge::GRAPH_FAILED;
    if (bytes != 0U) std::memcpy(static_cast<uint8_t*>(data_) + data_size_, data, bytes);
    data_size_ = after;
    return ge::GRAPH_SUCCESS;
  }
  // Appends the attribute at attr_index as dst_type; fails when it is not of src_type's kind, does not
  // fit, or the pair cannot be converted.
  ge::graphStatus AppendConvertedAttrVal(const RuntimeAttrs* attrs, const size_t attr_index,
                                         const AttrDataType src_type, const AttrDataType dst_type);

  static std::unique_ptr<uint8_t[]> CreateCap(const size_t cap_size) {
    size_t total_size = 0;
    if (CalcTotalSize(cap_size, total_size) != ge::GRAPH_SUCCESS) return nullptr;
    std::unique_ptr<uint8_t[]> holder(new (std::nothrow) uint8_t[total_size]());
    if (holder == nullptr) return nullptr;
    reinterpret_cast<TilingData*>(holder.get())->Init(cap_size, holder.get() + sizeof(TilingData));
    return holder;
  }
  static ge::graphStatus CalcTotalSize(const size_t cap_size, size_t& total_size) {
    const bool overflows = __builtin_add_overflow(cap_size, sizeof(TilingData), &total_size);
    return overflows ? ge::GRAPH_FAILED : ge::GRAPH_SUCCESS;
  }
  void Init(const size_t cap_size, void* const data) {
    capacity_ = cap_size;
    data_size_ = 0;
    data_ = data;
    std::memset(reserved_, 0, sizeof(reserved_));
  }
  TilingData(const TilingData&) = delete;
  TilingData& operator=(const TilingData&) = delete;

 private:
  TilingData() = default;

  size_t capacity_;
  size_t data_size_;
  void* data_;
  uint8_t reserved_[40];
};
static_assert(std::is_standard_layout<TilingData>::value, "passed by layout");

template <typename T>
TilingData& operator<<(TilingData& out, const T& data) {
  (void)out.Append(data);  // a full buffer stays as it is
  return out;
}

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_TILING_DATA_H_
