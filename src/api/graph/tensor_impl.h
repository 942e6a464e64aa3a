// What stands behind Shape, TensorDesc and Tensor.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "graph/literal.h"
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
  TensorBuffer(std::shared_ptr<belay::LateBytes> late, size_t count) : size(count), late_(std::move(late)) {}
  TensorBuffer(const TensorBuffer&) = delete;
  // Bytes that nobody has asked for yet; else nullptr.
  std::shared_ptr<belay::LateBytes> late();
  // A copy where they were late: whoever gets the address may write there. Throws what makes them throws.
  uint8_t* Bytes();
  ~TensorBuffer() {
    if (data != nullptr && deleter) deleter(data);
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<belay::LateBytes> late_;
};

class TensorImpl {
 public:
  TensorDesc desc;
  std::shared_ptr<TensorBuffer> buffer;  // nullptr when empty
  std::string rest, desc_rest;           // of the file it was read from; see ge_proto.h

  uint8_t* data() const { return buffer == nullptr ? nullptr : buffer->Bytes(); }
  size_t size() const { return buffer == nullptr ? 0 : buffer->size; }
  graphStatus Copy(const uint8_t* source, size_t bytes);
};

// Reaches the private parts for the rest of the library.
class TensorAdapter {
 public:
  static const std::shared_ptr<TensorImpl>& Impl(const Tensor& tensor) { return tensor.impl; }
};

}  // namespace ge
