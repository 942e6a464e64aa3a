#ifndef EXE_GRAPH_RUNTIME_EXTENDED_KERNEL_CONTEXT_H_
#define EXE_GRAPH_RUNTIME_EXTENDED_KERNEL_CONTEXT_H_

#include <cstddef>
#include <type_traits>

#include "exe_graph/runtime/compute_node_info.h"
#include "exe_graph/runtime/context_extend.h"
#include "exe_graph/runtime/kernel_context.h"
#include "exe_graph/runtime/runtime_attrs.h"

namespace gert {

// A context that knows its node: descriptions, attributes and names. Indices named ir_index count the
// prototype's inputs, the others those that the node has.
class ExtendedKernelContext : public KernelContext {
 public:
  const CompileTimeTensorDesc* GetInputDesc(const size_t index) const {
    const ComputeNodeInfo* const info = GetComputeNodeInfo();
    return info == nullptr ? nullptr : info->GetInputTdInfo(index);
  }
  const CompileTimeTensorDesc* GetOptionalInputDesc(const size_t ir_index) const {
    return GetDynamicInputDesc(ir_index, 0U);
  }
  const CompileTimeTensorDesc* GetDynamicInputDesc(const size_t ir_index, const size_t relative_index) const {
    const AnchorInstanceInfo* const instances = GetIrInputInstanceInfo(ir_index);
    if (instances == nullptr || relative_index >= instances->GetInstanceNum()) return nullptr;
    return GetInputDesc(instances->GetInstanceStart() + relative_index);
  }
  const CompileTimeTensorDesc* GetOutputDesc(const size_t index) const {
    const ComputeNodeInfo* const info = GetComputeNodeInfo();
    return info == nullptr ? nullptr : info->GetOutputTdInfo(index);
  }
  const AnchorInstanceInfo* GetIrInputInstanceInfo(const size_t ir_index) const {
    const ComputeNodeInfo* const info = GetComputeNodeInfo();
    return info == nullptr ? nullptr : info->GetInputInstanceInfo(ir_index);
  }
  size_t GetComputeNodeInputNum() const {
    const ComputeNodeInfo* const info = GetComputeNodeInfo();
    return info == nullptr ? 0U : info->GetInputsNum();
  }
  size_t GetComputeNodeOutputNum() const {
    const ComputeNodeInfo* const info = GetComputeNodeInfo();
    return info == nullptr ? 0U : info->GetOutputsNum();
  }
  const RuntimeAttrs* GetAttrs() const {
    const ComputeNodeInfo* const info = GetComputeNodeInfo();
    return info == nullptr ? nullptr : info->GetAttrs();
  }
  const ge::char_t* GetNodeType() const {
    const ComputeNodeInfo* const info = GetComputeNodeInfo();
    return info == nullptr ? nullptr : info->GetNodeType();
  }
  const ge::char_t* GetNodeName() const {
    const ComputeNodeInfo* const info = GetComputeNodeInfo();
    return info == nullptr ? nullptr : info->GetNodeName();
  }
  const ComputeNodeInfo* GetComputeNodeInfo() const {
    return static_cast<const ComputeNodeInfo*>(GetComputeNodeExtend());
  }
  const ge::char_t* GetKernelName() const {
    const KernelExtendInfo* const info = GetExtendInfo();
    return info == nullptr ? nullptr : info->GetKernelName();
  }
  const ge::char_t* GetKernelType() const {
    const KernelExtendInfo* const info = GetExtendInfo();
    return info == nullptr ? nullptr : info->GetKernelType();
  }
  const KernelExtendInfo* GetExtendInfo() const {
    return static_cast<const KernelExtendInfo*>(GetKernelExtend());
  }

 protected:
  template <typename T>
  const T* GetDynamicInputPointer(size_t ir_index, size_t relative_index) const {
    const AnchorInstanceInfo* const instances = GetIrInputInstanceInfo(ir_index);
    if (instances == nullptr || relative_index >= instances->GetInstanceNum()) return nullptr;
    return GetInputPointer<T>(instances->GetInstanceStart() + relative_index);
  }
};
static_assert(std::is_standard_layout<ExtendedKernelContext>::value, "passed by layout");

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_EXTENDED_KERNEL_CONTEXT_H_
