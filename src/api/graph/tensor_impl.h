// What stands behind Shape, TensorDesc and Tensor.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/tensor.h"

namespace ge {

class ShapeImpl {
 public:
  std::vector<int64_t> dims;
};

class TensorDescImpl {
 public:
  Shape shape;
  Format format = FORMAT_ND;
  DataType data_type = DT_FLOAT;
  Shape origin_shape;
  Format origin_format = FORMAT_ND;
  std::string name;
  std::vector<std::pair<int64_t, int64_t>> range;
  int64_t size = 0;
  int64_t real_dim_count = 0;
  Placement placement = kPlacementHost;
  AscendString expand_dims_rule;
  std::shared_ptr<uint8_t[]> const_data;
  size_t const_data_size = 0;
};

// Bytes and who frees them. Counted apart from the tensor: a compiled graph uses them in place.
struct TensorBuffer {
  uint8_t* data = nullptr;
  size_t size = 0;
  Tensor::DeleteFunc deleter;

  TensorBuffer(uint8_t* bytes, size_t count, Tensor::DeleteFunc function)
      : data(bytes), size(count), deleter(std::move(function)) {}
  TensorBuffer(const TensorBuffer&) = delete;
  ~TensorBuffer() {
    if (data != nullptr && deleter) deleter(data);
  }
};

class TensorImpl {
 public:
  TensorDesc desc;
  std::shared_ptr<TensorBuffer> buffer;  // nullptr when empty
  std::string rest, desc_rest;           // of the file it was read from; see ge_proto.h

  uint8_t* data() const { return buffer == nullptr ? nullptr : buffer->data; }
  size_t size() const { return buffer == nullptr ? 0 : buffer->size; }
  graphStatus Copy(const uint8_t* source, size_t bytes);
};

// Reaches the private parts for the rest of the library.
class TensorAdapter {
 public:
  static const std::shared_ptr<TensorImpl>& Impl(const Tensor& tensor) { return tensor.impl; }
};

}  // namespace ge
