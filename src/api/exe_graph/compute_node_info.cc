#include "exe_graph/runtime/compute_node_info.h"

#include "api/exe_graph/attrs_block.h"

namespace gert {
namespace {

constexpr size_t kHeader = 80;

template <typename T>
bool Add(size_t count, size_t* total) {
  size_t bytes = 0;
  return !__builtin_mul_overflow(count, sizeof(T), &bytes) && !__builtin_add_overflow(*total, bytes, total);
}

// The accessors of a const object give what may be written: the block is the caller's.
uint8_t* At(const ComputeNodeInfo* info, size_t offset) {
  return reinterpret_cast<uint8_t*>(const_cast<ComputeNodeInfo*>(info)) + offset;
}

}  // namespace

AnchorInstanceInfo* ComputeNodeInfo::MutableInputInstanceInfo(const size_t ir_index) const {
  if (ir_index >= ir_inputs_num_) return nullptr;
  return reinterpret_cast<AnchorInstanceInfo*>(At(this, kHeader)) + ir_index;
}
CompileTimeTensorDesc* ComputeNodeInfo::MutableInputTdInfo(const size_t index) const {
  if (index >= inputs_num_) return nullptr;
  const size_t offset = kHeader + ir_inputs_num_ * sizeof(AnchorInstanceInfo);
  return reinterpret_cast<CompileTimeTensorDesc*>(At(this, offset)) + index;
}
CompileTimeTensorDesc* ComputeNodeInfo::MutableOutputTdInfo(const size_t index) const {
  if (index >= outputs_num_) return nullptr;
  const size_t offset = kHeader + ir_inputs_num_ * sizeof(AnchorInstanceInfo);
  return reinterpret_cast<CompileTimeTensorDesc*>(At(this, offset)) + inputs_num_ + index;
}
RuntimeAttrs* ComputeNodeInfo::MutableAttrs() const {
  return reinterpret_cast<RuntimeAttrs*>(At(this, kHeader + ir_inputs_num_ * sizeof(AnchorInstanceInfo) +
                                                      (inputs_num_ + outputs_num_) * sizeof(CompileTimeTensorDesc)));
}
AnchorInstanceInfo* ComputeNodeInfo::MutableOutputInstanceInfo(const size_t ir_index) const {
  if (ir_index >= ir_outputs_num_) return nullptr;
  return reinterpret_cast<AnchorInstanceInfo*>(reinterpret_cast<uint8_t*>(MutableAttrs()) + runtime_attr_size_) +
         ir_index;
}

ge::graphStatus ComputeNodeInfo::CalcSize(const size_t ir_inputs_num, const size_t inputs_num,
                                          const size_t outputs_num, size_t& total_size) {
  return CalcSize(ir_inputs_num, 0U, inputs_num, outputs_num, total_size);
}
ge::graphStatus ComputeNodeInfo::CalcSize(const size_t ir_inputs_num, const size_t ir_outputs_num,
                                          const size_t inputs_num, const size_t outputs_num, size_t& total_size) {
  size_t total = kHeader;
  const bool fits = Add<AnchorInstanceInfo>(ir_inputs_num, &total) && Add<CompileTimeTensorDesc>(inputs_num, &total) &&
                    Add<CompileTimeTensorDesc>(outputs_num, &total) && Add<AnchorInstanceInfo>(ir_outputs_num, &total);
  if (!fits) return ge::GRAPH_FAILED;
  total_size = total;
  return ge::GRAPH_SUCCESS;
}

void ComputeNodeInfo::Init(const size_t ir_inputs_num, const size_t inputs_num, const size_t outputs_num,
                           const ge::char_t* node_name, const ge::char_t* node_type) {
  Init(ir_inputs_num, 0U, inputs_num, outputs_num, 0U, node_name, node_type);
}
void ComputeNodeInfo::Init(const size_t ir_inputs_num, const size_t ir_outputs_num, const size_t inputs_num,
                           const size_t outputs_num, const size_t attr_size, const ge::char_t* node_name,
                           const ge::char_t* node_type) {
  node_type_ = node_type;
  node_name_ = node_name;
  ir_inputs_num_ = ir_inputs_num;
  inputs_num_ = inputs_num;
  outputs_num_ = outputs_num;
  ir_outputs_num_ = ir_outputs_num;
  runtime_attr_size_ = attr_size;
  std::memset(reserved_, 0, sizeof(reserved_));
}

size_t RuntimeAttrs::GetAttrNum() const { return reinterpret_cast<const AttrsBlock*>(this)->count; }
const void* RuntimeAttrs::GetPointerByIndex(size_t index) const {
  const auto* block = reinterpret_cast<const AttrsBlock*>(this);
  if (index >= block->count) return nullptr;
  const size_t* const offsets = block->offsets;
  return reinterpret_cast<const uint8_t*>(this) + offsets[index];
}

}  // namespace gert
