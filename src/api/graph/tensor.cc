#include "graph/tensor.h"

#include <cstring>
#include <limits>
#include <new>

#include "api/graph/tensor_impl.h"
#include "base/log.h"
#include "base/texts.h"

namespace ge {
namespace {

void DeleteArray(uint8_t* data) { delete[] data; }

bool IsText(DataType type) { return type == DT_STRING || type == DT_STRING_REF; }

// Extents as one list; UNKNOWN_RANK has none.
std::vector<int64_t> Resized(const Shape& shape, size_t count) {
  std::vector<int64_t> dims = shape.GetDims();
  dims.resize(count);
  return dims;
}

// nullptr where late bytes cannot be had any more.
uint8_t* DataOrNull(const std::shared_ptr<TensorBuffer>& buffer) try {
  return buffer == nullptr ? nullptr : buffer->Bytes();
} catch (const std::exception& error) {
  BELAY_LOG(Error, "tensor: {}", error.what());
  return nullptr;
}

}  // namespace

std::shared_ptr<belay::LateBytes> TensorBuffer::late() {
  std::lock_guard<std::mutex> lock(mutex_);
  return late_;
}

uint8_t* TensorBuffer::Bytes() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (late_ == nullptr) return data;
  const std::shared_ptr<const void> bytes = late_->Hold();
  auto* const copy = new uint8_t[size];
  std::memcpy(copy, bytes.get(), size);
  deleter = DeleteArray;
  late_ = nullptr;
  return data = copy;
}

graphStatus TensorImpl::Copy(const uint8_t* source, size_t bytes) {
  if (bytes == 0) {
    buffer.reset();
    return GRAPH_SUCCESS;
  }
  if (source == nullptr) return GRAPH_FAILED;
  uint8_t* const copy = new (std::nothrow) uint8_t[bytes];
  if (copy == nullptr) return GRAPH_MEM_OPERATE_FAILED;
  std::memcpy(copy, source, bytes);
  buffer = std::make_shared<TensorBuffer>(copy, bytes, DeleteArray);
  return GRAPH_SUCCESS;
}

Tensor::Tensor() : impl(std::make_shared<TensorImpl>()) {}
Tensor::Tensor(const TensorDesc& tensor_desc) : Tensor() { impl->desc = tensor_desc; }
Tensor::Tensor(const TensorDesc& tensor_desc, const std::vector<uint8_t>& data)
    : Tensor(tensor_desc, data.data(), data.size()) {}
Tensor::Tensor(TensorDesc&& tensor_desc, std::vector<uint8_t>&& data)
    : Tensor(tensor_desc, data.data(), data.size()) {}
Tensor::Tensor(const TensorDesc& tensor_desc, const uint8_t* data, size_t size)
    : Tensor(tensor_desc) {
  (void)impl->Copy(data, size);
  if (IsValid() != GRAPH_SUCCESS) {
    BELAY_LOG(Warning, "tensor: {} bytes of data do not fit the description", size);
  }
}

TensorDesc Tensor::GetTensorDesc() const { return impl->desc; }
graphStatus Tensor::SetTensorDesc(const TensorDesc& tensor_desc) {
  impl->desc = tensor_desc;
  return GRAPH_SUCCESS;
}

const uint8_t* Tensor::GetData() const { return DataOrNull(impl->buffer); }
uint8_t* Tensor::GetData() { return DataOrNull(impl->buffer); }
size_t Tensor::GetSize() const { return impl->size(); }

std::unique_ptr<uint8_t[], Tensor::DeleteFunc> Tensor::ResetData() {
  std::shared_ptr<TensorBuffer> buffer = std::move(impl->buffer);
  impl->buffer = nullptr;
  if (buffer == nullptr) return {nullptr, DeleteFunc()};
  uint8_t* const data = DataOrNull(buffer);
  if (buffer.use_count() > 1) {
    return {data, [buffer](uint8_t*) {}};  // somebody else still reads it
  }
  buffer->data = nullptr;
  return {data, buffer->deleter};
}
graphStatus Tensor::ResetData(uint8_t* data, size_t size, const DeleteFunc& deleter_func) {
  return SetData(data, size, deleter_func);
}

graphStatus Tensor::SetData(std::vector<uint8_t>&& data) {
  return impl->Copy(data.data(), data.size());
}
graphStatus Tensor::SetData(const std::vector<uint8_t>& data) {
  return impl->Copy(data.data(), data.size());
}
graphStatus Tensor::SetData(const uint8_t* data, size_t size) { return impl->Copy(data, size); }
graphStatus Tensor::SetData(const char* data) {
  if (data == nullptr) return GRAPH_FAILED;
  return SetData(belay::PackTexts({data}));
}
graphStatus Tensor::SetData(const std::vector<AscendString>& datas) {
  if (datas.empty()) return GRAPH_FAILED;
  std::vector<std::string_view> texts;
  for (const AscendString& text : datas) texts.emplace_back(text.GetString(), text.GetLength());
  return SetData(belay::PackTexts(texts));
}
graphStatus Tensor::SetData(uint8_t* data, size_t size, const DeleteFunc& deleter_func) {
  if (data == nullptr && size != 0) return GRAPH_FAILED;
  impl->buffer = std::make_shared<TensorBuffer>(data, size, deleter_func);
  return GRAPH_SUCCESS;
}

graphStatus Tensor::IsValid() {
  const TensorDesc& desc = impl->desc;
  if (IsText(desc.GetDataType())) return GRAPH_SUCCESS;
  const std::vector<int64_t> dims = desc.GetShape().GetDims();
  const int64_t count = dims.empty() ? 1 : desc.GetShape().GetShapeSize();
  if (dims.empty() && impl->size() == 0) return GRAPH_SUCCESS;
  const int64_t bytes = GetSizeInBytes(count, desc.GetDataType());
  return bytes >= 0 && static_cast<size_t>(bytes) == impl->size() ? GRAPH_SUCCESS : GRAPH_FAILED;
}

graphStatus Tensor::SetOriginShapeDimNum(const size_t dim_num) {
  impl->desc.SetOriginShape(Shape(Resized(impl->desc.GetOriginShape(), dim_num)));
  return GRAPH_SUCCESS;
}
size_t Tensor::GetOriginShapeDimNum() const { return impl->desc.GetOriginShape().GetDimNum(); }
graphStatus Tensor::SetOriginShapeDim(const size_t idx, const int64_t dim_value) {
  return impl->desc.GetOriginShape().SetDim(idx, dim_value);
}
int64_t Tensor::GetOriginShapeDim(const size_t idx) const {
  return impl->desc.GetOriginShape().GetDim(idx);
}
graphStatus Tensor::SetOriginFormat(const Format& format) {
  impl->desc.SetOriginFormat(format);
  return GRAPH_SUCCESS;
}
Format Tensor::GetOriginFormat() const { return impl->desc.GetOriginFormat(); }
graphStatus Tensor::SetShapeDimNum(const size_t dim_num) {
  impl->desc.SetShape(Shape(Resized(impl->desc.GetShape(), dim_num)));
  return GRAPH_SUCCESS;
}
size_t Tensor::GetShapeDimNum() const { return impl->desc.GetShape().GetDimNum(); }
graphStatus Tensor::SetShapeDim(const size_t idx, const int64_t dim_value) {
  return impl->desc.GetShape().SetDim(idx, dim_value);
}
int64_t Tensor::GetShapeDim(const size_t idx) const { return impl->desc.GetShape().GetDim(idx); }
graphStatus Tensor::SetFormat(const Format& format) {
  impl->desc.SetFormat(format);
  return GRAPH_SUCCESS;
}
Format Tensor::GetFormat() const { return impl->desc.GetFormat(); }
graphStatus Tensor::SetDataType(const DataType& dtype) {
  impl->desc.SetDataType(dtype);
  return GRAPH_SUCCESS;
}
DataType Tensor::GetDataType() const { return impl->desc.GetDataType(); }
graphStatus Tensor::SetPlacement(const Placement& placement) {
  impl->desc.SetPlacement(placement);
  return GRAPH_SUCCESS;
}
Placement Tensor::GetPlacement() const { return impl->desc.GetPlacement(); }
graphStatus Tensor::SetExpandDimsRule(const AscendString& expand_dims_rule) {
  impl->desc.SetExpandDimsRule(expand_dims_rule);
  return GRAPH_SUCCESS;
}
graphStatus Tensor::GetExpandDimsRule(AscendString& expand_dims_rule) const {
  return impl->desc.GetExpandDimsRule(expand_dims_rule);
}

Tensor Tensor::Clone() const {
  Tensor copy;
  TensorDesc& desc = copy.impl->desc;
  desc = impl->desc;
  desc.SetShape(Shape(impl->desc.GetShape().GetDims()));
  desc.SetOriginShape(Shape(impl->desc.GetOriginShape().GetDims()));
  (void)copy.impl->Copy(DataOrNull(impl->buffer), impl->size());
  return copy;
}

}  // namespace ge
