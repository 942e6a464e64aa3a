#ifndef REGISTER_OP_IMPL_KERNEL_REGISTRY_H_
#define REGISTER_OP_IMPL_KERNEL_REGISTRY_H_

#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <utility>
#include <vector>

#include "exe_graph/runtime/infer_datatype_context.h"
#include "exe_graph/runtime/infer_shape_context.h"
#include "exe_graph/runtime/infer_shape_range_context.h"
#include "exe_graph/runtime/kernel_context.h"
#include "exe_graph/runtime/op_execute_context.h"
#include "exe_graph/runtime/tiling_context.h"
#include "exe_graph/runtime/tiling_parse_context.h"
#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"

namespace ge {
class AnyValue;
}  // namespace ge

namespace gert {

typedef uint32_t UINT32;

// The functions of an operator and their types.
struct OpImplKernelRegistry {
  typedef UINT32 (*InferShapeKernelFunc)(InferShapeContext*);
  typedef UINT32 (*InferShapeRangeKernelFunc)(InferShapeRangeContext*);
  typedef UINT32 (*TilingKernelFunc)(TilingContext*);
  typedef UINT32 (*InferDataTypeKernelFunc)(InferDataTypeContext*);
  typedef UINT32 (*GenSimplifiedKeyKernelFunc)(TilingContext*, ge::char_t*);
  typedef UINT32 (*OpExecuteFunc)(OpExecuteContext*);
  using OpType = ge::AscendString;
  using PrivateAttrList = std::vector<std::pair<ge::AscendString, ge::AnyValue>>;
  using PrivateAttrSet = std::unordered_set<ge::AscendString>;
  using CompileInfoCreatorFunc = void* (*)();
  using CompileInfoDeleterFunc = void (*)(void*);
  using KernelFunc = UINT32 (*)(KernelContext*);
  using TilingParseFunc = UINT32 (*)(TilingParseContext*);

  // Bit masks by the position of an input, up to 63.
  struct OpImplFunctions {
    bool HasDataDependency() const { return inputs_dependency != 0U; }
    bool IsInputDataDependency(const size_t index) const { return Has(inputs_dependency, index); }
    ge::graphStatus SetInputDataDependency(const size_t index) { return Set(inputs_dependency, index); }
    bool HasHostInput() const { return host_inputs != 0U; }
    bool IsHostInput(const size_t index) const { return Has(host_inputs, index); }
    ge::graphStatus SetHostInputs(const size_t index) { return Set(host_inputs, index); }
    bool HasTilingInputDataDependency() const { return tiling_dependency != 0U; }
    bool IsTilingInputDataDependency(const size_t index) const { return Has(tiling_dependency, index); }
    ge::graphStatus SetTilingInputDataDependency(const size_t index) { return Set(tiling_dependency, index); }

    InferShapeKernelFunc infer_shape;
    InferShapeRangeKernelFunc infer_shape_range;
    InferDataTypeKernelFunc infer_datatype;
    TilingKernelFunc tiling;
    KernelFunc tiling_parse;
    CompileInfoCreatorFunc compile_info_creator;
    CompileInfoDeleterFunc compile_info_deleter;
    size_t max_tiling_data_size;
    uint64_t inputs_dependency;
    PrivateAttrList private_attrs;
    PrivateAttrSet unique_private_attrs;
    uint64_t host_inputs;
    OpExecuteFunc op_execute_func;
    uint64_t tiling_dependency;
    GenSimplifiedKeyKernelFunc gen_simplifiedkey;
    uint8_t reserved_0_[7];
    uint8_t reserved_1_[8];

   private:
    static bool Has(uint64_t mask, size_t index) { return index < 64U && ((mask >> index) & 1U) != 0U; }
    static ge::graphStatus Set(uint64_t& mask, size_t index) {
      if (index >= 64U) return ge::GRAPH_FAILED;
      mask |= static_cast<uint64_t>(1) << index;
      return ge::GRAPH_SUCCESS;
    }
  };
};

}  // namespace gert

#endif  // REGISTER_OP_IMPL_KERNEL_REGISTRY_H_
