#ifndef EXE_GRAPH_RUNTIME_INFER_DATATYPE_CONTEXT_H_
#define EXE_GRAPH_RUNTIME_INFER_DATATYPE_CONTEXT_H_

#include <type_traits>

#include "exe_graph/runtime/extended_kernel_context.h"

namespace gert {

// Argument of a data type inference function. What there is no input for is DT_UNDEFINED.
class InferDataTypeContext : public ExtendedKernelContext {
 public:
  ge::DataType GetInputDataType(const size_t index) const { return Value(GetInputPointer<ge::DataType>(index)); }
  ge::DataType GetOptionalInputDataType(const size_t ir_index) const {
    return GetDynamicInputDataType(ir_index, 0U);
  }
  ge::DataType GetDynamicInputDataType(const size_t ir_index, const size_t relative_index) const {
    return Value(GetDynamicInputPointer<ge::DataType>(ir_index, relative_index));
  }
  ge::DataType GetOutputDataType(const size_t index) const { return Value(GetOutputPointer<ge::DataType>(index)); }
  ge::graphStatus SetOutputDataType(const size_t index, const ge::DataType datatype) {
    ge::DataType* const output = GetOutputPointer<ge::DataType>(index);
    if (output == nullptr) return ge::GRAPH_FAILED;
    *output = datatype;
    return ge::GRAPH_SUCCESS;
  }

 private:
  static ge::DataType Value(const ge::DataType* type) { return type == nullptr ? ge::DT_UNDEFINED : *type; }
};
static_assert(std::is_standard_layout<InferDataTypeContext>::value, "passed by layout");

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_INFER_DATATYPE_CONTEXT_H_
