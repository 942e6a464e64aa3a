#ifndef EXE_GRAPH_RUNTIME_OP_EXECUTE_CONTEXT_H_
#define EXE_GRAPH_RUNTIME_OP_EXECUTE_CONTEXT_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "exe_graph/runtime/extended_kernel_context.h"
#include "exe_graph/runtime/tensor.h"

namespace gert {

using rtStream = void*;

// What follows the tensors, by position behind them.
enum class OpExecuteInputExtendIndex { kAllocate = 0, kStream, kExecuteOption, kExecuteFunc, kNum };
enum class OpExecuteOutputIndex { kBlockMemory = 0, kNum };

struct OpExecuteOptions {
  int32_t precision_mode;
  int32_t deterministic;
  char allow_hf32[3];
  char reserve[53];
};

// Argument of a function that carries an operator out on the host. Belay calls it when the stream comes to
// the node: the tensors lie in memory the function may read and write (placement kOnHost), and the work is
// done when it returns. A status other than GRAPH_SUCCESS is the stream's failure.
class OpExecuteContext : public ExtendedKernelContext {
 public:
  const Tensor* GetInputTensor(const size_t index) const {
    return index < GetComputeNodeInputNum() ? GetInputPointer<Tensor>(index) : nullptr;
  }
  const Tensor* GetOptionalInputTensor(const size_t ir_index) const {
    return GetDynamicInputPointer<Tensor>(ir_index, 0U);
  }
  const Tensor* GetDynamicInputTensor(const size_t ir_index, const size_t relative_index) const {
    return GetDynamicInputPointer<Tensor>(ir_index, relative_index);
  }
  const Tensor* GetOutputTensor(const size_t index) const {
    if (index >= GetComputeNodeOutputNum()) return nullptr;
    return GetInputPointer<Tensor>(GetComputeNodeInputNum() + index);
  }
  const Tensor* GetDynamicOutputTensor(const size_t ir_index, const size_t relative_index) const {
    const ComputeNodeInfo* const info = GetComputeNodeInfo();
    const AnchorInstanceInfo* const instances = info == nullptr ? nullptr : info->GetOutputInstanceInfo(ir_index);
    if (instances == nullptr || relative_index >= instances->GetInstanceNum()) return nullptr;
    return GetOutputTensor(instances->GetInstanceStart() + relative_index);
  }

  // The stream that waits for the function: nullptr, as nothing can be put on it meanwhile.
  rtStream GetStream() const { return GetInputValue<rtStream>(Extra(OpExecuteInputExtendIndex::kStream)); }
  void* GetOpExecuteFunc() const { return GetInputValue<void*>(Extra(OpExecuteInputExtendIndex::kExecuteFunc)); }

  // Scratch memory until the function returns; nullptr when there is none. FreeWorkspace gives all of it back.
  void* MallocWorkspace(const size_t size);
  void FreeWorkspace();

  bool GetDeterministic() const {
    const OpExecuteOptions* const options = Options();
    return options != nullptr && options->deterministic != 0;
  }
  const char* GetAllowHf32() const {
    const OpExecuteOptions* const options = Options();
    return options == nullptr ? nullptr : options->allow_hf32;
  }
  int32_t GetPrecisionMode() const {
    const OpExecuteOptions* const options = Options();
    return options == nullptr ? INT32_MAX : options->precision_mode;
  }

 private:
  size_t Extra(OpExecuteInputExtendIndex index) const {
    return GetComputeNodeInputNum() + GetComputeNodeOutputNum() + static_cast<size_t>(index);
  }
  const OpExecuteOptions* Options() const {
    return GetInputPointer<OpExecuteOptions>(Extra(OpExecuteInputExtendIndex::kExecuteOption));
  }
};
static_assert(std::is_standard_layout<OpExecuteContext>::value, "passed by layout");

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_OP_EXECUTE_CONTEXT_H_
