#include "graph/inference_context.h"

#include <map>

#include "api/graph/abi_slots.h"
#include "api/graph/graph_impl.h"

namespace ge {

class ShapeAndTypeImpl {
 public:
  Shape shape;
  DataType type = DT_UNDEFINED;
};

class InnerInferenceContext {
 public:
  std::vector<std::vector<ShapeAndType>> inputs, outputs;
  std::vector<AscendString> marks;
  std::map<AscendString, ResourceContext*> resources;  // the caller's
  std::set<AscendString> relied_on, changed;
  std::shared_ptr<void> marks_by_abi[2];
};

ShapeAndType::ShapeAndType() : shape_and_type_impl_(std::make_shared<ShapeAndTypeImpl>()) {}
ShapeAndType::ShapeAndType(const Shape& shape, DataType data_type) : ShapeAndType() {
  shape_and_type_impl_->shape = shape;
  shape_and_type_impl_->type = data_type;
}
void ShapeAndType::SetShape(const Shape& shape) { shape_and_type_impl_->shape = shape; }
void ShapeAndType::SetType(DataType data_type) { shape_and_type_impl_->type = data_type; }
Shape ShapeAndType::GetShape() const { return shape_and_type_impl_->shape; }
DataType ShapeAndType::GetDataType() const { return shape_and_type_impl_->type; }

InferenceContext::InferenceContext(std::unique_ptr<InnerInferenceContext>& impl)
    : inner_inference_context_(std::move(impl)) {}

std::unique_ptr<InferenceContext> InferenceContext::Create(void*) {
  auto inner = std::make_unique<InnerInferenceContext>();
  return std::unique_ptr<InferenceContext>(new InferenceContext(inner));
}

void InferenceContext::SetInputHandleShapesAndTypes(
    std::vector<std::vector<ShapeAndType>>&& shapes_and_types) {
  inner_inference_context_->inputs = std::move(shapes_and_types);
}
const std::vector<std::vector<ShapeAndType>>& InferenceContext::GetInputHandleShapesAndTypes() const {
  return inner_inference_context_->inputs;
}
const std::vector<std::vector<ShapeAndType>>& InferenceContext::GetOutputHandleShapesAndTypes()
    const {
  return inner_inference_context_->outputs;
}
void InferenceContext::SetOutputHandleShapesAndTypes(
    const std::vector<std::vector<ShapeAndType>>& shapes_and_types) {
  inner_inference_context_->outputs = shapes_and_types;
}
void InferenceContext::SetOutputHandleShapesAndTypes(
    std::vector<std::vector<ShapeAndType>>&& shapes_and_types) {
  inner_inference_context_->outputs = std::move(shapes_and_types);
}

void InferenceContext::SetMarks(const std::vector<AscendString>& marks) {
  inner_inference_context_->marks = marks;
}
void InferenceContext::GetMarks(std::vector<AscendString>& marks) const {
  marks = inner_inference_context_->marks;
}

ResourceContext* InferenceContext::GetResourceContext(const AscendString& key) {
  auto it = inner_inference_context_->resources.find(key);
  return it == inner_inference_context_->resources.end() ? nullptr : it->second;
}
graphStatus InferenceContext::SetResourceContext(const AscendString& key,
                                                 ResourceContext* resource_context) {
  inner_inference_context_->resources[key] = resource_context;
  return GRAPH_SUCCESS;
}
graphStatus InferenceContext::RegisterReliedOnResourceKey(const AscendString& key) {
  inner_inference_context_->relied_on.insert(key);
  return GRAPH_SUCCESS;
}
graphStatus InferenceContext::AddChangedResourceKey(const AscendString& key) {
  inner_inference_context_->changed.insert(key);
  return GRAPH_SUCCESS;
}
const std::set<AscendString>& InferenceContext::GetReliedOnResourceKeys() const {
  return inner_inference_context_->relied_on;
}
const std::set<AscendString>& InferenceContext::GetChangedResourceKeys() const {
  return inner_inference_context_->changed;
}
void InferenceContext::ClearChangedResourceKeys() { inner_inference_context_->changed.clear(); }

std::shared_ptr<void>* GraphNameSlot(const GraphImplPtr& impl, int abi) {
  return impl == nullptr ? nullptr : &impl->name_by_abi[abi];
}
std::shared_ptr<void>* MarksSlot(InnerInferenceContext* impl, int abi) {
  return &impl->marks_by_abi[abi];
}

}  // namespace ge
