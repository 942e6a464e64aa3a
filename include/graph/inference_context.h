#ifndef GRAPH_INFERENCE_CONTEXT_H_
#define GRAPH_INFERENCE_CONTEXT_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/resource_context.h"
#include "graph/tensor.h"
#include "graph/types.h"

namespace ge {

class InferenceContext;
class InnerInferenceContext;
class ShapeAndTypeImpl;
using InferenceContextPtr = std::shared_ptr<InferenceContext>;

class ShapeAndType {
 public:
  ShapeAndType();
  ~ShapeAndType() = default;
  ShapeAndType(const Shape& shape, DataType data_type);

  void SetShape(const Shape& shape);
  void SetType(DataType data_type);
  Shape GetShape() const;
  DataType GetDataType() const;

 private:
  std::shared_ptr<ShapeAndTypeImpl> shape_and_type_impl_;
};

// What inference knows of resources beyond tensors.
class InferenceContext {
 public:
  ~InferenceContext() = default;
  InferenceContext(const InferenceContext& context) = delete;
  InferenceContext(InferenceContext&& context) = delete;
  InferenceContext& operator=(const InferenceContext& context) = delete;
  InferenceContext& operator=(InferenceContext&& context) = delete;

  void SetInputHandleShapesAndTypes(std::vector<std::vector<ShapeAndType>>&& shapes_and_types);
  const std::vector<std::vector<ShapeAndType>>& GetInputHandleShapesAndTypes() const;
  const std::vector<std::vector<ShapeAndType>>& GetOutputHandleShapesAndTypes() const;
  void SetOutputHandleShapesAndTypes(
      const std::vector<std::vector<ShapeAndType>>& shapes_and_types);
  void SetOutputHandleShapesAndTypes(std::vector<std::vector<ShapeAndType>>&& shapes_and_types);
  void SetMarks(const std::vector<std::string>& marks);
  void SetMarks(const std::vector<AscendString>& marks);
  const std::vector<std::string>& GetMarks() const;
  void GetMarks(std::vector<AscendString>& marks) const;
  static std::unique_ptr<InferenceContext> Create(void* resource_context_mgr = nullptr);
  ResourceContext* GetResourceContext(const AscendString& key);
  graphStatus SetResourceContext(const AscendString& key, ResourceContext* resource_context);
  graphStatus RegisterReliedOnResourceKey(const AscendString& key);
  graphStatus AddChangedResourceKey(const AscendString& key);
  const std::set<AscendString>& GetReliedOnResourceKeys() const;
  const std::set<AscendString>& GetChangedResourceKeys() const;
  void ClearChangedResourceKeys();

 private:
  explicit InferenceContext(std::unique_ptr<InnerInferenceContext>& impl);
  std::shared_ptr<InnerInferenceContext> inner_inference_context_;
};

}  // namespace ge

#endif  // GRAPH_INFERENCE_CONTEXT_H_
