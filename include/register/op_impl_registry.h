#ifndef REGISTER_OP_IMPL_REGISTRY_H_
#define REGISTER_OP_IMPL_REGISTRY_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "graph/types.h"
#include "register/op_impl_kernel_registry.h"

namespace gert {

class OpImplRegisterV2Impl;

// IMPL_OP(T).InferShape(f).InferDataType(g).OpExecuteFunc(k): registers functions of the operator type T. The
// first one of a kind stays; calls for one type may stand in several files.
//  - InferShape, InferDataType: results from inputs. Without InferDataType the prototype decides: outputs with the
//    type symbol of an input have its type, others their only type, else that of the first input.
//  - InputsDataDependency: inputs (of the prototype, by position) whose contents InferShape reads.
//  - OpExecuteFunc: the computation on the CPU; see OpExecuteContext.
//  - PrivateAttr: attributes behind those of the prototype; with a value they need not be set.
//  - Tiling, TilingParse, InferShapeRange, GenSimplifiedKey, HostInputs: kept, never called: Belay has no device.
class OpImplRegisterV2 {
 public:
  explicit OpImplRegisterV2(const ge::char_t* op_type);
  OpImplRegisterV2(OpImplRegisterV2&& register_data) noexcept;
  OpImplRegisterV2(const OpImplRegisterV2& register_data);
  OpImplRegisterV2& operator=(const OpImplRegisterV2&) = delete;
  OpImplRegisterV2& operator=(OpImplRegisterV2&&) = delete;
  ~OpImplRegisterV2();

  using InferShapeKernelFunc = OpImplKernelRegistry::InferShapeKernelFunc;
  using InferShapeRangeKernelFunc = OpImplKernelRegistry::InferShapeRangeKernelFunc;
  using InferDataTypeKernelFunc = OpImplKernelRegistry::InferDataTypeKernelFunc;
  using TilingKernelFunc = OpImplKernelRegistry::TilingKernelFunc;
  using GenSimplifiedKeyKernelFunc = OpImplKernelRegistry::GenSimplifiedKeyKernelFunc;
  using OpExecFunc = OpImplKernelRegistry::OpExecuteFunc;
  using KernelFunc = OpImplKernelRegistry::KernelFunc;
  using TilingParseFunc = OpImplKernelRegistry::TilingParseFunc;
  using CompileInfoCreatorFunc = OpImplKernelRegistry::CompileInfoCreatorFunc;
  using CompileInfoDeleterFunc = OpImplKernelRegistry::CompileInfoDeleterFunc;

  OpImplRegisterV2& InferShape(InferShapeKernelFunc infer_shape_func);
  OpImplRegisterV2& InferShapeRange(InferShapeRangeKernelFunc infer_shape_range_func);
  OpImplRegisterV2& InferDataType(InferDataTypeKernelFunc infer_datatype_func);
  OpImplRegisterV2& Tiling(TilingKernelFunc tiling_func, size_t max_tiling_data_size = 2048);
  OpImplRegisterV2& GenSimplifiedKey(GenSimplifiedKeyKernelFunc gen_simplifiedkey_func);
  OpImplRegisterV2& PrivateAttr(const ge::char_t* private_attr);
  OpImplRegisterV2& PrivateAttr(const ge::char_t* private_attr, int64_t private_attr_val);
  OpImplRegisterV2& PrivateAttr(const ge::char_t* private_attr, const std::vector<int64_t>& private_attr_val);
  OpImplRegisterV2& PrivateAttr(const ge::char_t* private_attr, const ge::char_t* private_attr_val);
  OpImplRegisterV2& PrivateAttr(const ge::char_t* private_attr, ge::float32_t private_attr_val);
  OpImplRegisterV2& PrivateAttr(const ge::char_t* private_attr, bool private_attr_val);
  OpImplRegisterV2& PrivateAttr(const ge::char_t* private_attr, const std::vector<ge::float32_t>& private_attr_val);
  template <typename T>
  OpImplRegisterV2& TilingParse(KernelFunc tiling_parse_func) {
    return TilingParse(tiling_parse_func, CreateCompileInfo<T>, DeleteCompileInfo<T>);
  }
  template <typename T>
  OpImplRegisterV2& TilingParse(TilingParseFunc tiling_parse_func) {
    return TilingParse<T>(reinterpret_cast<KernelFunc>(tiling_parse_func));
  }
  OpImplRegisterV2& InputsDataDependency(std::initializer_list<int32_t> inputs);
  OpImplRegisterV2& OpExecuteFunc(OpExecFunc op_execute_func);
  OpImplRegisterV2& HostInputs(std::initializer_list<int32_t> inputs);
  OpImplRegisterV2& TilingInputsDataDependency(std::initializer_list<int32_t> inputs);

 private:
  OpImplRegisterV2& TilingParse(KernelFunc tiling_parse_func, CompileInfoCreatorFunc creator_func,
                                CompileInfoDeleterFunc deleter_func);
  template <typename T>
  static void* CreateCompileInfo() {
    return new T();
  }
  template <typename T>
  static void DeleteCompileInfo(void* info) {
    delete static_cast<T*>(info);
  }

  std::unique_ptr<OpImplRegisterV2Impl> impl_;
};

}  // namespace gert

#define GE_OP_IMPL_CONCAT_INNER_(a, b) a##b
#define GE_OP_IMPL_CONCAT_(a, b) GE_OP_IMPL_CONCAT_INNER_(a, b)

#define IMPL_OP(op_type)                                                                            \
  static const gert::OpImplRegisterV2 GE_OP_IMPL_CONCAT_(op_impl_register_##op_type##_, __COUNTER__) \
      __attribute__((unused)) = gert::OpImplRegisterV2(#op_type)
// At most once per program for a type: the names are visible to the linker.
#define IMPL_OP_INFERSHAPE(op_type)                            \
  gert::OpImplRegisterV2 op_impl_register_infershape_##op_type \
      __attribute__((unused)) = gert::OpImplRegisterV2(#op_type)
#define IMPL_OP_OPTILING(op_type)                            \
  gert::OpImplRegisterV2 op_impl_register_optiling_##op_type \
      __attribute__((unused)) = gert::OpImplRegisterV2(#op_type)

#endif  // REGISTER_OP_IMPL_REGISTRY_H_
