#include <algorithm>
#include <cstring>

#include "api/graph/tensor_impl.h"

namespace ge {

Shape::Shape() : impl_(std::make_shared<ShapeImpl>()) {}

Shape::Shape(const std::vector<int64_t>& dims) : Shape() {
  const bool no_rank = std::find(dims.begin(), dims.end(), UNKNOWN_DIM_NUM) != dims.end();
  impl_->dims = no_rank ? std::vector<int64_t>{UNKNOWN_DIM_NUM} : dims;
}

size_t Shape::GetDimNum() const {
  if (impl_->dims.size() == 1 && impl_->dims[0] == UNKNOWN_DIM_NUM) return 0;
  return impl_->dims.size();
}

int64_t Shape::GetDim(size_t idx) const { return idx < impl_->dims.size() ? impl_->dims[idx] : 0; }

graphStatus Shape::SetDim(size_t idx, int64_t value) {
  if (idx >= impl_->dims.size()) return GRAPH_FAILED;
  impl_->dims[idx] = value;
  return GRAPH_SUCCESS;
}

std::vector<int64_t> Shape::GetDims() const { return impl_->dims; }

int64_t Shape::GetShapeSize() const {
  if (impl_->dims.empty()) return 0;
  int64_t size = 1;
  for (int64_t dim : impl_->dims) {
    if (dim == UNKNOWN_DIM || dim == UNKNOWN_DIM_NUM) return -1;
    if (__builtin_mul_overflow(size, dim, &size)) return 0;
  }
  return size;
}

TensorDesc::TensorDesc() : impl(std::make_shared<TensorDescImpl>()) {}
TensorDesc::TensorDesc(Shape shape, Format format, DataType dt) : TensorDesc() {
  Update(shape, format, dt);
}
TensorDesc::TensorDesc(const TensorDesc& desc)
    : impl(std::make_shared<TensorDescImpl>(desc.impl == nullptr ? TensorDescImpl() : *desc.impl)) {}
TensorDesc::TensorDesc(TensorDesc&& desc) : impl(std::move(desc.impl)) {
  desc.impl = std::make_shared<TensorDescImpl>();
}
TensorDesc& TensorDesc::operator=(const TensorDesc& desc) {
  if (&desc != this) impl = std::make_shared<TensorDescImpl>(*desc.impl);
  return *this;
}
TensorDesc& TensorDesc::operator=(TensorDesc&& desc) {
  if (&desc != this) std::swap(impl, desc.impl);
  return *this;
}

void TensorDesc::Update(const Shape& shape, Format format, DataType dt) {
  impl->shape = shape;
  impl->format = format;
  impl->data_type = dt;
}

Shape TensorDesc::GetShape() const { return impl->shape; }
void TensorDesc::SetShape(const Shape& shape) { impl->shape = shape; }
graphStatus TensorDesc::SetUnknownDimNumShape() {
  impl->shape = Shape({UNKNOWN_DIM_NUM});
  return GRAPH_SUCCESS;
}
graphStatus TensorDesc::SetShapeRange(const std::vector<std::pair<int64_t, int64_t>>& range) {
  impl->range = range;
  return GRAPH_SUCCESS;
}
graphStatus TensorDesc::GetShapeRange(std::vector<std::pair<int64_t, int64_t>>& range) const {
  range = impl->range;
  return GRAPH_SUCCESS;
}

Format TensorDesc::GetFormat() const { return impl->format; }
void TensorDesc::SetFormat(Format format) { impl->format = format; }
Shape TensorDesc::GetOriginShape() const { return impl->origin_shape; }
void TensorDesc::SetOriginShape(const Shape& origin_shape) { impl->origin_shape = origin_shape; }
Format TensorDesc::GetOriginFormat() const { return impl->origin_format; }
void TensorDesc::SetOriginFormat(Format origin_format) { impl->origin_format = origin_format; }
DataType TensorDesc::GetDataType() const { return impl->data_type; }
void TensorDesc::SetDataType(DataType dt) { impl->data_type = dt; }

graphStatus TensorDesc::GetName(AscendString& name) const {
  name = AscendString(impl->name.c_str());
  return GRAPH_SUCCESS;
}
graphStatus TensorDesc::GetName(AscendString& name) {
  return static_cast<const TensorDesc*>(this)->GetName(name);
}
void TensorDesc::SetName(const char* name) {
  if (name != nullptr) impl->name = name;
}

void TensorDesc::SetSize(int64_t size) { impl->size = size; }
int64_t TensorDesc::GetSize() const { return impl->size; }
int64_t TensorDesc::GetRealDimCnt() const { return impl->real_dim_count; }
void TensorDesc::SetRealDimCnt(const int64_t real_dim_cnt) { impl->real_dim_count = real_dim_cnt; }
void TensorDesc::SetPlacement(Placement placement) { impl->placement = placement; }
Placement TensorDesc::GetPlacement() const { return impl->placement; }

void TensorDesc::SetConstData(std::unique_ptr<uint8_t[]> const_data_buffer,
                              const size_t& const_data_len) {
  impl->const_data = std::shared_ptr<uint8_t[]>(std::move(const_data_buffer));
  impl->const_data_size = const_data_len;
}
bool TensorDesc::GetConstData(uint8_t** const_data_buffer, size_t& const_data_len) const {
  if (const_data_buffer == nullptr || impl->const_data == nullptr) return false;
  *const_data_buffer = impl->const_data.get();
  const_data_len = impl->const_data_size;
  return true;
}

void TensorDesc::SetExpandDimsRule(const AscendString& expand_dims_rule) {
  impl->expand_dims_rule = expand_dims_rule;
}
graphStatus TensorDesc::GetExpandDimsRule(AscendString& expand_dims_rule) const {
  expand_dims_rule = impl->expand_dims_rule;
  return GRAPH_SUCCESS;
}

}  // namespace ge
