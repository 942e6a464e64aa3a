// Device tensors of a test: aclrtMalloc'ed memory, gert::Tensor views of it, copies in and out.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

#include "acl/acl.h"
#include "exe_graph/runtime/tensor.h"
#include "gtest/gtest.h"

namespace belay_test {

class DeviceTensor {
 public:
  DeviceTensor(ge::DataType dtype, std::vector<int64_t> dims, size_t element_bytes)
      : dtype_(dtype), dims_(std::move(dims)), bytes_(element_bytes) {
    for (int64_t d : dims_) bytes_ *= static_cast<size_t>(d);
    EXPECT_EQ(aclrtMalloc(&data_, bytes_ ? bytes_ : 1, ACL_MEM_MALLOC_HUGE_FIRST), ACL_SUCCESS);
    std::memset(data_, 0xEE, bytes_);
  }
  ~DeviceTensor() { (void)aclrtFree(data_); }
  DeviceTensor(const DeviceTensor&) = delete;
  DeviceTensor& operator=(const DeviceTensor&) = delete;

  template <typename T>
  void Set(const std::vector<T>& values) {
    ASSERT_EQ(values.size() * sizeof(T), bytes_);
    if (bytes_ == 0) return;
    EXPECT_EQ(aclrtMemcpy(data_, bytes_, values.data(), bytes_, ACL_MEMCPY_HOST_TO_DEVICE), ACL_SUCCESS);
  }
  template <typename T>
  std::vector<T> Get() const {
    std::vector<T> values(bytes_ / sizeof(T));
    EXPECT_EQ(aclrtMemcpy(values.data(), bytes_, data_, bytes_, ACL_MEMCPY_DEVICE_TO_HOST), ACL_SUCCESS);
    return values;
  }
  gert::Tensor View() const {
    gert::StorageShape shape;
    for (gert::Shape* s : {&shape.MutableOriginShape(), &shape.MutableStorageShape()}) {
      s->SetDimNum(dims_.size());
      for (size_t d = 0; d < dims_.size(); ++d) s->SetDim(d, dims_[d]);
    }
    gert::StorageFormat format(ge::FORMAT_ND, ge::FORMAT_ND, gert::ExpandDimsType());
    return gert::Tensor(shape, format, gert::kOnDeviceHbm, dtype_, data_);
  }
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  ge::DataType dtype_;
  std::vector<int64_t> dims_;
  size_t bytes_;
  void* data_ = nullptr;
};

inline std::vector<gert::Tensor> Views(std::initializer_list<const DeviceTensor*> tensors) {
  std::vector<gert::Tensor> views;
  for (const DeviceTensor* t : tensors) views.push_back(t->View());
  return views;
}

}  // namespace belay_test
