#ifndef EXE_GRAPH_RUNTIME_INFER_SHAPE_CONTEXT_H_
#define EXE_GRAPH_RUNTIME_INFER_SHAPE_CONTEXT_H_

#include <cstdint>
#include <type_traits>

#include "exe_graph/runtime/extended_kernel_context.h"
#include "exe_graph/runtime/shape.h"
#include "exe_graph/runtime/tensor.h"

namespace gert {

// What follows the inputs.
enum class InputExternLayout : uint32_t { kInferShapeFunc = 1, kInferenceContext = 2 };

// Argument of a shape inference function. The contents of an input are there when the operator
// registered InputsDataDependency for it.
class InferShapeContext : public ExtendedKernelContext {
 public:
  const Shape* GetInputShape(const size_t index) const { return GetInputPointer<Shape>(index); }
  const Tensor* GetInputTensor(const size_t index) const { return GetInputPointer<Tensor>(index); }
  const Tensor* GetOptionalInputTensor(const size_t ir_index) const {
    return GetDynamicInputPointer<Tensor>(ir_index, 0U);
  }
  const Shape* GetOptionalInputShape(const size_t ir_index) const {
    return GetDynamicInputPointer<Shape>(ir_index, 0U);
  }
  const Shape* GetDynamicInputShape(const size_t ir_index, const size_t relative_index) const {
    return GetDynamicInputPointer<Shape>(ir_index, relative_index);
  }
  Shape* GetOutputShape(const size_t index) { return GetOutputPointer<Shape>(index); }
};
static_assert(std::is_standard_layout<InferShapeContext>::value, "passed by layout");

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_INFER_SHAPE_CONTEXT_H_
