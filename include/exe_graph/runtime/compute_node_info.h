#ifndef EXE_GRAPH_RUNTIME_COMPUTE_NODE_INFO_H_
#define EXE_GRAPH_RUNTIME_COMPUTE_NODE_INFO_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "exe_graph/runtime/expand_dims_type.h"
#include "exe_graph/runtime/runtime_attrs.h"
#include "exe_graph/runtime/storage_format.h"
#include "graph/ge_error_codes.h"
#include "graph/types.h"

namespace gert {

// Which of a node's inputs (or outputs) belong to one of the prototype: a run of them.
class AnchorInstanceInfo {
 public:
  AnchorInstanceInfo() : AnchorInstanceInfo(0U, 0U) {}
  AnchorInstanceInfo(const uint32_t instance_start, const uint32_t instantiation_num)
      : instance_start_(instance_start), instantiation_num_(instantiation_num) {
    std::memset(reserved_, 0, sizeof(reserved_));
  }
  size_t GetInstanceNum() const { return instantiation_num_; }
  size_t GetInstanceStart() const { return instance_start_; }
  void SetInstanceStart(const uint32_t instance_start) { instance_start_ = instance_start; }
  void SetInstantiationNum(const uint32_t instantiation_num) { instantiation_num_ = instantiation_num; }

 private:
  uint32_t instance_start_;
  uint32_t instantiation_num_;
  uint8_t reserved_[40];
};
static_assert(std::is_standard_layout<AnchorInstanceInfo>::value, "passed by layout");

// What is known of a tensor before it has a shape.
class CompileTimeTensorDesc {
 public:
  CompileTimeTensorDesc() : data_type_(ge::DT_UNDEFINED) { std::memset(reserved_, 0, sizeof(reserved_)); }
  ge::DataType GetDataType() const { return data_type_; }
  const StorageFormat& GetFormat() const { return storage_format_; }
  ge::Format GetOriginFormat() const { return storage_format_.GetOriginFormat(); }
  ge::Format GetStorageFormat() const { return storage_format_.GetStorageFormat(); }
  ExpandDimsType GetExpandDimsType() const { return storage_format_.GetExpandDimsType(); }
  void SetDataType(const ge::DataType data_type) { data_type_ = data_type; }
  void SetStorageFormat(const ge::Format format) { storage_format_.SetStorageFormat(format); }
  void SetOriginFormat(const ge::Format format) { storage_format_.SetOriginFormat(format); }
  void SetExpandDimsType(const ExpandDimsType& expand_dims_type) {
    storage_format_.SetExpandDimsType(expand_dims_type);
  }

 private:
  ge::DataType data_type_;
  StorageFormat storage_format_;
  uint8_t reserved_[40];
};
static_assert(std::is_standard_layout<CompileTimeTensorDesc>::value, "passed by layout");

// A node without its data, in one block: this header, then what the prototype's inputs are made of, the
// descriptions of inputs and outputs, the attributes, and what the prototype's outputs are made of.
class ComputeNodeInfo {
 public:
  const ge::char_t* GetNodeType() const { return node_type_; }
  const ge::char_t* GetNodeName() const { return node_name_; }
  size_t GetIrInputsNum() const { return ir_inputs_num_; }
  size_t GetIrOutputsNum() const { return ir_outputs_num_; }
  size_t GetInputsNum() const { return inputs_num_; }
  size_t GetOutputsNum() const { return outputs_num_; }

  const AnchorInstanceInfo* GetInputInstanceInfo(const size_t ir_index) const {
    return MutableInputInstanceInfo(ir_index);
  }
  const AnchorInstanceInfo* GetOutputInstanceInfo(const size_t ir_index) const {
    return MutableOutputInstanceInfo(ir_index);
  }
  const CompileTimeTensorDesc* GetInputTdInfo(const size_t index) const { return MutableInputTdInfo(index); }
  const CompileTimeTensorDesc* GetOutputTdInfo(const size_t index) const { return MutableOutputTdInfo(index); }
  const RuntimeAttrs* GetAttrs() const { return MutableAttrs(); }

  void SetNodeType(const ge::char_t* node_type) { node_type_ = node_type; }
  void SetNodeName(const ge::char_t* node_name) { node_name_ = node_name; }

  // nullptr when the index is out of range.
  AnchorInstanceInfo* MutableInputInstanceInfo(const size_t ir_index) const;
  AnchorInstanceInfo* MutableOutputInstanceInfo(const size_t ir_index) const;
  CompileTimeTensorDesc* MutableInputTdInfo(const size_t index) const;
  CompileTimeTensorDesc* MutableOutputTdInfo(const size_t index) const;
  RuntimeAttrs* MutableAttrs() const;

  // Bytes of the block without its attributes; fails when they are too many to count.
  static ge::graphStatus CalcSize(const size_t ir_inputs_num, const size_t inputs_num, const size_t outputs_num,
                                  size_t& total_size);
  static ge::graphStatus CalcSize(const size_t ir_inputs_num, const size_t ir_outputs_num, const size_t inputs_num,
                                  const size_t outputs_num, size_t& total_size);
  void Init(const size_t ir_inputs_num, const size_t inputs_num, const size_t outputs_num,
            const ge::char_t* node_name, const ge::char_t* node_type);
  void Init(const size_t ir_inputs_num, const size_t ir_outputs_num, const size_t inputs_num,
            const size_t outputs_num, const size_t attr_size, const ge::char_t* node_name,
            const ge::char_t* node_type);

 private:
  const ge::char_t* node_type_;
  const ge::char_t* node_name_;
  size_t ir_inputs_num_;
  size_t inputs_num_;
  size_t outputs_num_;
  size_t ir_outputs_num_;
  size_t runtime_attr_size_;
  uint8_t reserved_[24];
  uint64_t place_holder;  // where the block goes on
};
static_assert(std::is_standard_layout<ComputeNodeInfo>::value, "passed by layout");

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_COMPUTE_NODE_INFO_H_
