#ifndef GRAPH_TENSOR_H_
#define GRAPH_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/types.h"

namespace ge {

class ShapeImpl;
class TensorImpl;
class TensorDescImpl;

// Copies share their dims.
class Shape {
 public:
  Shape();
  ~Shape() = default;
  explicit Shape(const std::vector<int64_t>& dims);

  size_t GetDimNum() const;
  int64_t GetDim(size_t idx) const;
  graphStatus SetDim(size_t idx, int64_t value);
  std::vector<int64_t> GetDims() const;
  int64_t GetShapeSize() const;

 private:
  std::shared_ptr<ShapeImpl> impl_;
};

// Copies are detached, but the Shape inside is shared.
class TensorDesc {
 public:
  TensorDesc();
  ~TensorDesc() = default;
  explicit TensorDesc(Shape shape, Format format = FORMAT_ND, DataType dt = DT_FLOAT);
  TensorDesc(const TensorDesc& desc);
  TensorDesc(TensorDesc&& desc);
  TensorDesc& operator=(const TensorDesc& desc);
  TensorDesc& operator=(TensorDesc&& desc);

  void Update(const Shape& shape, Format format = FORMAT_ND, DataType dt = DT_FLOAT);
  Shape GetShape() const;
  void SetShape(const Shape& shape);
  graphStatus SetUnknownDimNumShape();
  graphStatus SetShapeRange(const std::vector<std::pair<int64_t, int64_t>>& range);
  graphStatus GetShapeRange(std::vector<std::pair<int64_t, int64_t>>& range) const;
  Format GetFormat() const;
  void SetFormat(Format format);
  Shape GetOriginShape() const;
  void SetOriginShape(const Shape& origin_shape);
  Format GetOriginFormat() const;
  void SetOriginFormat(Format origin_format);
  DataType GetDataType() const;
  void SetDataType(DataType dt);
  std::string GetName() const;
  graphStatus GetName(AscendString& name);
  graphStatus GetName(AscendString& name) const;
  void SetName(const std::string& name);
  void SetName(const char* name);
  void SetSize(int64_t size);
  int64_t GetSize() const;
  int64_t GetRealDimCnt() const;
  void SetRealDimCnt(const int64_t real_dim_cnt);
  void SetPlacement(Placement placement);
  Placement GetPlacement() const;
  void SetConstData(std::unique_ptr<uint8_t[]> const_data_buffer, const size_t& const_data_len);
  bool GetConstData(uint8_t** const_data_buffer, size_t& const_data_len) const;
  void SetExpandDimsRule(const AscendString& expand_dims_rule);
  graphStatus GetExpandDimsRule(AscendString& expand_dims_rule) const;

 private:
  friend class TensorAdapter;
  std::shared_ptr<TensorDescImpl> impl;
};

// Copies share the description and the data; Clone does not.
class Tensor {
 public:
  using DeleteFunc = std::function<void(uint8_t*)>;

  Tensor();
  ~Tensor() = default;
  explicit Tensor(const TensorDesc& tensor_desc);
  Tensor(const TensorDesc& tensor_desc, const std::vector<uint8_t>& data);
  Tensor(const TensorDesc& tensor_desc, const uint8_t* data, size_t size);
  Tensor(TensorDesc&& tensor_desc, std::vector<uint8_t>&& data);

  TensorDesc GetTensorDesc() const;
  graphStatus SetTensorDesc(const TensorDesc& tensor_desc);
  const uint8_t* GetData() const;
  uint8_t* GetData();
  size_t GetSize() const;
  std::unique_ptr<uint8_t[], DeleteFunc> ResetData();
  graphStatus SetData(std::vector<uint8_t>&& data);
  graphStatus SetData(const std::vector<uint8_t>& data);
  graphStatus SetData(const uint8_t* data, size_t size);
  graphStatus SetData(const std::string& data);
  graphStatus SetData(const char* data);
  graphStatus SetData(const std::vector<std::string>& data);
  graphStatus SetData(const std::vector<AscendString>& datas);
  graphStatus SetData(uint8_t* data, size_t size, const DeleteFunc& deleter_func);
  graphStatus IsValid();
  graphStatus SetOriginShapeDimNum(const size_t dim_num);
  size_t GetOriginShapeDimNum() const;
  graphStatus SetOriginShapeDim(const size_t idx, const int64_t dim_value);
  int64_t GetOriginShapeDim(const size_t idx) const;
  graphStatus SetOriginFormat(const Format& format);
  Format GetOriginFormat() const;
  graphStatus SetShapeDimNum(const size_t dim_num);
  size_t GetShapeDimNum() const;
  graphStatus SetShapeDim(const size_t idx, const int64_t dim_value);
  int64_t GetShapeDim(const size_t idx) const;
  graphStatus SetFormat(const Format& format);
  Format GetFormat() const;
  graphStatus SetDataType(const DataType& dtype);
  DataType GetDataType() const;
  graphStatus SetPlacement(const Placement& placement);
  Placement GetPlacement() const;
  graphStatus SetExpandDimsRule(const AscendString& expand_dims_rule);
  graphStatus GetExpandDimsRule(AscendString& expand_dims_rule) const;
  graphStatus ResetData(uint8_t* data, size_t size, const DeleteFunc& deleter_func);
  Tensor Clone() const;

 private:
  friend class TensorAdapter;
  std::shared_ptr<TensorImpl> impl;
};

}  // namespace ge

#endif  // GRAPH_TENSOR_H_
