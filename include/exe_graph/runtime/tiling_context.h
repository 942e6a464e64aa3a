#ifndef EXE_GRAPH_RUNTIME_TILING_CONTEXT_H_
#define EXE_GRAPH_RUNTIME_TILING_CONTEXT_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "exe_graph/runtime/continuous_vector.h"
#include "exe_graph/runtime/extended_kernel_context.h"
#include "exe_graph/runtime/storage_shape.h"
#include "exe_graph/runtime/tensor.h"
#include "exe_graph/runtime/tiling_data.h"

namespace fe {
class PlatFormInfos;
}  // namespace fe

namespace gert {

// Argument of a tiling function, which prepares the launch of a device kernel. Belay has no device
// kernels: tiling functions can be registered and are not called.
class TilingContext : public ExtendedKernelContext {
 public:
  enum TilingOutputIndex : uint32_t {
    kOutputTilingKey = 0,
    kOutputBlockDim,
    kOutputAtomicCleanFlag,
    kOutputTilingData,
    kOutputWorkspace,
    kOutputTilingCond,
    kOutputScheduleMode,
    kOutputNum
  };
  enum FallibleTilingOutputIndex : uint32_t { kTilingStatus = kOutputNum, kFallibleOutputNum };

  const void* GetCompileInfo() const { return GetInputValue<const void*>(FirstExtra()); }
  template <typename T>
  const T* GetCompileInfo() const {
    return static_cast<const T*>(GetCompileInfo());
  }
  const StorageShape* GetInputShape(const size_t index) const { return GetInputPointer<StorageShape>(index); }
  const Tensor* GetInputTensor(const size_t index) const { return GetInputPointer<Tensor>(index); }
  const Tensor* GetOptionalInputTensor(const size_t ir_index) const {
    return GetDynamicInputPointer<Tensor>(ir_index, 0U);
  }
  const Tensor* GetDynamicInputTensor(const size_t ir_index, const size_t relative_index) const {
    return GetDynamicInputPointer<Tensor>(ir_index, relative_index);
  }
  const StorageShape* GetOptionalInputShape(const size_t ir_index) const {
    return GetDynamicInputPointer<StorageShape>(ir_index, 0U);
  }
  const StorageShape* GetDynamicInputShape(const size_t ir_index, const size_t relative_index) const {
    return GetDynamicInputPointer<StorageShape>(ir_index, relative_index);
  }
  const StorageShape* GetOutputShape(const size_t index) const {
    if (index >= GetComputeNodeOutputNum()) return nullptr;
    return GetInputPointer<StorageShape>(GetComputeNodeInputNum() + index);
  }

  ge::graphStatus SetTilingKey(const uint64_t tiling_key) { return SetOutput(kOutputTilingKey, tiling_key); }
  uint64_t GetTilingKey() const { return Output<uint64_t>(kOutputTilingKey, UINT64_MAX); }
  ge::graphStatus SetScheduleMode(const uint32_t schedule_mode) {
    return SetOutput(kOutputScheduleMode, schedule_mode);
  }
  uint32_t GetScheduleMode() const { return Output<uint32_t>(kOutputScheduleMode, 0U); }
  ge::graphStatus SetBlockDim(const uint32_t block_dim) { return SetOutput(kOutputBlockDim, block_dim); }
  uint32_t GetBlockDim() const { return Output<uint32_t>(kOutputBlockDim, UINT32_MAX); }
  ge::graphStatus SetTilingCond(int32_t tiling_cond) { return SetOutput(kOutputTilingCond, tiling_cond); }
  int32_t GetTilingCond() const { return Output<int32_t>(kOutputTilingCond, -1); }
  ge::graphStatus SetNeedAtomic(const bool atomic) { return SetOutput(kOutputAtomicCleanFlag, atomic); }
  bool NeedAtomic() const { return Output<bool>(kOutputAtomicCleanFlag, false); }

  // Room for a T as the whole of the data; nullptr when the buffer is smaller.
  template <typename T>
  T* GetTilingData() {
    TilingData* const data = GetRawTilingData();
    if (data == nullptr || data->GetCapacity() < sizeof(T)) return nullptr;
    data->SetDataSize(sizeof(T));
    return static_cast<T*>(data->GetData());
  }
  TilingData* GetRawTilingData() { return Output<TilingData*>(kOutputTilingData, nullptr); }

  // Room for the sizes of `workspace_count` workspaces.
  size_t* GetWorkspaceSizes(const size_t workspace_count) {
    TypedContinuousVector<size_t>* const sizes = GetOutputPointer<TypedContinuousVector<size_t>>(kOutputWorkspace);
    if (sizes == nullptr || sizes->SetSize(workspace_count) != ge::GRAPH_SUCCESS) return nullptr;
    return sizes->MutableData();
  }
  size_t GetWorkspaceNum() const {
    const TypedContinuousVector<size_t>* const sizes =
        GetOutputPointer<TypedContinuousVector<size_t>>(kOutputWorkspace);
    return sizes == nullptr ? 0U : sizes->GetSize();
  }
  fe::PlatFormInfos* GetPlatformInfo() const { return GetInputValue<fe::PlatFormInfos*>(FirstExtra() + 1U); }
  int32_t GetDeterministic() const { return GetInputValue<int32_t>(FirstExtra() + 3U); }

 private:
  // Behind the shapes of inputs and outputs: compile info, platform, the function itself, determinism.
  size_t FirstExtra() const { return GetComputeNodeInputNum() + GetComputeNodeOutputNum(); }
  template <typename T>
  ge::graphStatus SetOutput(size_t index, T value) {
    T* const output = GetOutputPointer<T>(index);
    if (output == nullptr) return ge::GRAPH_FAILED;
    *output = value;
    return ge::GRAPH_SUCCESS;
  }
  template <typename T>
  T Output(size_t index, T fallback) const {
    const T* const output = GetOutputPointer<T>(index);
    return output == nullptr ? fallback : *output;
  }
};
static_assert(std::is_standard_layout<TilingContext>::value, "passed by layout");

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_TILING_CONTEXT_H_
