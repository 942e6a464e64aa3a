#ifndef EXE_GRAPH_RUNTIME_TENSOR_H_
#define EXE_GRAPH_RUNTIME_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "exe_graph/runtime/expand_dims_type.h"
#include "exe_graph/runtime/shape.h"
#include "exe_graph/runtime/storage_format.h"
#include "exe_graph/runtime/storage_shape.h"
#include "exe_graph/runtime/tensor_data.h"
#include "graph/ge_error_codes.h"
#include "graph/types.h"

namespace gert {

using ConstTensorAddress = void* const;

// The tensor of the execute calls, passed by layout. A default one leaves its formats and data type
// unset. With placement kFollowing the data stands right behind the object.
class Tensor {
 public:
  Tensor() { Clear(); }
  Tensor(const StorageShape& storage_shape, const StorageFormat& storage_format,
         const TensorPlacement placement, const ge::DataType data_type, TensorAddress addr)
      : storage_shape_(storage_shape),
        storage_format_(storage_format),
        data_type_(data_type),
        tensor_data_(addr, nullptr, 0, placement) {
    Clear();
    const int64_t size = ge::GetSizeInBytes(GetShapeSize(), data_type);
    tensor_data_.SetSize(size < 0 ? 0 : static_cast<size_t>(size));
  }
  Tensor(const StorageShape& storage_shape, const StorageFormat& storage_format,
         ge::DataType data_type)
      : storage_shape_(storage_shape), storage_format_(storage_format), data_type_(data_type) {
    Clear();
  }

  int64_t GetShapeSize() const { return storage_shape_.GetStorageShape().GetShapeSize(); }

  template <typename T>
  const T* GetData() const {
    return static_cast<const T*>(GetAddr());
  }
  template <typename T>
  T* GetData() {
    return static_cast<T*>(GetAddr());
  }
  void SetData(TensorData&& data) { tensor_data_ = std::move(data); }
  const void* GetAddr() const {
    if (tensor_data_.GetPlacement() == kFollowing) {
      return reinterpret_cast<const uint8_t*>(this) + sizeof(*this);
    }
    return tensor_data_.GetAddr();
  }
  void* GetAddr() {
    if (tensor_data_.GetPlacement() == kFollowing) {
      return reinterpret_cast<uint8_t*>(this) + sizeof(*this);
    }
    return tensor_data_.GetAddr();
  }
  size_t GetSize() const { return tensor_data_.GetSize(); }
  void SetSize(const size_t size) { tensor_data_.SetSize(size); }
  ge::DataType GetDataType() const { return data_type_; }
  void SetDataType(const ge::DataType data_type) { data_type_ = data_type; }

  // A tensor and room for its data in one block; nullptr when the size is not to be had.
  static std::unique_ptr<uint8_t[]> CreateFollowing(const int64_t shape_size, const ge::DataType dt,
                                                    size_t& total_size) {
    const int64_t size = ge::GetSizeInBytes(shape_size, dt);
    if (size < 0) return nullptr;
    return CreateFollowing(dt, static_cast<size_t>(size), total_size);
  }
  static std::unique_ptr<uint8_t[]> CreateFollowing(const ge::DataType dt, const size_t tensor_size,
                                                    size_t& total_size) {
    if (__builtin_add_overflow(tensor_size, sizeof(Tensor), &total_size)) return nullptr;
    std::unique_ptr<uint8_t[]> holder(new (std::nothrow) uint8_t[total_size]);
    if (holder == nullptr) return nullptr;
    Tensor* const tensor = new (holder.get()) Tensor();
    tensor->SetDataType(dt);
    tensor->tensor_data_ = TensorData(nullptr, nullptr, tensor_size, kFollowing);
    return holder;
  }

  const Shape& GetStorageShape() const { return storage_shape_.GetStorageShape(); }
  Shape& MutableStorageShape() { return storage_shape_.MutableStorageShape(); }
  const Shape& GetOriginShape() const { return storage_shape_.GetOriginShape(); }
  Shape& MutableOriginShape() { return storage_shape_.MutableOriginShape(); }
  const StorageShape& GetShape() const { return storage_shape_; }
  StorageShape& GetShape() { return storage_shape_; }
  ge::Format GetStorageFormat() const { return storage_format_.GetStorageFormat(); }
  void SetStorageFormat(const ge::Format storage_format) {
    storage_format_.SetStorageFormat(storage_format);
  }
  ge::Format GetOriginFormat() const { return storage_format_.GetOriginFormat(); }
  void SetOriginFormat(const ge::Format origin_format) {
    storage_format_.SetOriginFormat(origin_format);
  }
  const StorageFormat& GetFormat() const { return storage_format_; }
  StorageFormat& MutableFormat() { return storage_format_; }
  ExpandDimsType GetExpandDimsType() const { return storage_format_.GetExpandDimsType(); }
  void SetExpandDimsType(const ExpandDimsType& expand_dims_type) {
    storage_format_.SetExpandDimsType(expand_dims_type);
  }
  TensorPlacement GetPlacement() const { return tensor_data_.GetPlacement(); }
  void SetPlacement(const TensorPlacement placement) { tensor_data_.SetPlacement(placement); }
  const TensorData& GetTensorData() const { return tensor_data_; }
  TensorData& MutableTensorData() { return tensor_data_; }

 private:
  void Clear() {
    std::memset(reserved_, 0, sizeof(reserved_));
    std::memset(reserved_field_, 0, sizeof(reserved_field_));
  }

  StorageShape storage_shape_;
  StorageFormat storage_format_;
  uint8_t reserved_[4];
  ge::DataType data_type_;
  TensorData tensor_data_;
  uint8_t reserved_field_[40];
};

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_TENSOR_H_
