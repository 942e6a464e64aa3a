// Operator: ports, links and subgraphs. Attributes: operator_attrs.cc. As the API has it, a wrong
// name is logged and changes nothing.
#include "graph/operator.h"

#include <algorithm>

#include "api/graph/const_data.h"
#include "api/graph/op_desc.h"
#include "api/graph/operator_impl.h"
#include "api/graph/port_types.h"
#include "base/log.h"
#include "graph/graph.h"

namespace ge {
namespace {

OperatorImplPtr NewImpl(const char* name, const char* type) {
  if (name == nullptr || type == nullptr) return nullptr;
  auto desc = std::make_shared<OpDesc>();
  desc->name = name;
  desc->type = type;
  return OperatorImpl::Create(std::move(desc));
}

const char* Text(const char* name) { return name == nullptr ? "(null)" : name; }

Port* FindPort(const OperatorImplPtr& impl, Ports OpDesc::*side, const char* name, const char* what) {
  if (impl == nullptr || name == nullptr) return nullptr;
  Port* port = ((*impl->desc).*side).Get(name);
  if (port == nullptr) {
    BELAY_LOG(Error, "operator '{}' ({}) has no {} '{}'", impl->desc->name, impl->desc->type, what, name);
  }
  return port;
}

Port* InputOf(const OperatorImplPtr& impl, const char* name) {
  return FindPort(impl, &OpDesc::inputs, name, "input");
}
Port* OutputOf(const OperatorImplPtr& impl, const char* name) {
  return FindPort(impl, &OpDesc::outputs, name, "output");
}
void Declare(const OperatorImplPtr& impl, Ports OpDesc::*side, const char* name, belay::PortKind kind,
             const char* types) {
  if (impl == nullptr || name == nullptr) return;
  ((*impl->desc).*side).Declare(name, kind, types == nullptr ? "" : types);
}
void AddInstances(const OperatorImplPtr& impl, Ports OpDesc::*side, const char* name, uint32_t count, bool behind) {
  if (impl == nullptr || name == nullptr) return;
  Ports& ports = (*impl->desc).*side;
  if (behind) return ports.AddInstances(name, count);
  ports.AddInstancesAt(name, count, 0);
}
std::string Instance(const char* name, uint32_t index) {
  return (name == nullptr ? "" : name) + std::to_string(index);
}

void Connect(const OperatorImplPtr& impl, Port* to, const OperatorImplPtr& from, Port* port) {
  if (impl == nullptr || to == nullptr || from == nullptr || port == nullptr) return;
  impl->LinkInput(to, from.get(), port);
  if (!to->desc_set) to->desc = port->desc;
}

Port* OnlyOutput(const OperatorImplPtr& from) {
  if (from == nullptr) return nullptr;
  if (from->desc->outputs.instances.size() == 1) return from->desc->outputs.instances[0].get();
  BELAY_LOG(Error, "operator '{}' has {} outputs: name the one to link", from->desc->name,
            from->desc->outputs.instances.size());
  return nullptr;
}

TensorDesc DescOf(const Port* port) { return port == nullptr ? TensorDesc() : port->desc; }

graphStatus Update(Port* port, const TensorDesc& desc) {
  if (port == nullptr) return GRAPH_FAILED;
  port->desc = desc;
  port->desc_set = true;
  return GRAPH_SUCCESS;
}

}  // namespace

// A handle to one port; the class is CANN's, what it holds is ours.
class OpIO {
 public:
  OperatorImplPtr owner;
  Port* port;
};

Operator::Operator(const char* type) : operator_impl_(NewImpl("", type)) {}
Operator::Operator(const char* name, const char* type) : operator_impl_(NewImpl(name, type)) {}
Operator::Operator(const AscendString& name, const AscendString& type)
    : Operator(name.GetString(), type.GetString()) {}
Operator::Operator(OperatorImplPtr&& op_impl) : operator_impl_(std::move(op_impl)) {}

bool Operator::IsEmpty() const { return operator_impl_ == nullptr; }
OperatorImplPtr Operator::GetOperatorImplPtr() const { return operator_impl_; }
std::shared_ptr<const Node> Operator::GetNode() const { return nullptr; }

graphStatus Operator::GetName(AscendString& name) const {
  if (operator_impl_ == nullptr) return GRAPH_FAILED;
  name = AscendString(operator_impl_->desc->name.c_str());
  return GRAPH_SUCCESS;
}
graphStatus Operator::GetOpType(AscendString& type) const {
  if (operator_impl_ == nullptr) return GRAPH_FAILED;
  type = AscendString(operator_impl_->desc->type.c_str());
  return GRAPH_SUCCESS;
}

Operator& Operator::SetInput(const char* dst_name, const Operator& src_oprt) {
  Connect(operator_impl_, InputOf(operator_impl_, dst_name), src_oprt.operator_impl_,
          OnlyOutput(src_oprt.operator_impl_));
  return *this;
}
Operator& Operator::SetInput(const char* dst_name, const Operator& src_oprt, const char* name) {
  Connect(operator_impl_, InputOf(operator_impl_, dst_name), src_oprt.operator_impl_,
          OutputOf(src_oprt.operator_impl_, name));
  return *this;
}
Operator& Operator::SetInput(const char* dst_name, const Operator& src_oprt, uint32_t index) {
  const OperatorImplPtr& from = src_oprt.operator_impl_;
  Connect(operator_impl_, InputOf(operator_impl_, dst_name), from,
          from == nullptr ? nullptr : from->desc->outputs.At(index));
  return *this;
}
Operator& Operator::SetInput(uint32_t dst_index, const Operator& src_oprt, uint32_t src_index) {
  const OperatorImplPtr& from = src_oprt.operator_impl_;
  if (operator_impl_ == nullptr || from == nullptr) return *this;
  Connect(operator_impl_, operator_impl_->desc->inputs.At(dst_index), from,
          from->desc->outputs.At(src_index));
  return *this;
}
Operator& Operator::SetInput(const char* dst_name, uint32_t dst_index, const Operator& src_oprt) {
  return SetInput(Instance(dst_name, dst_index).c_str(), src_oprt);
}
Operator& Operator::SetInput(const char* dst_name, uint32_t dst_index, const Operator& src_oprt,
                             const char* name) {
  return SetInput(Instance(dst_name, dst_index).c_str(), src_oprt, name);
}
Operator& Operator::SetInput(const char* dst_name, const OutHandler& out_handler) {
  if (out_handler != nullptr) {
    Connect(operator_impl_, InputOf(operator_impl_, dst_name), out_handler->owner, out_handler->port);
  }
  return *this;
}
OutHandler Operator::GetOutput(const char* name) const {
  Port* port = OutputOf(operator_impl_, name);
  return port == nullptr ? nullptr : std::make_shared<OpIO>(OpIO{operator_impl_, port});
}
OutHandler Operator::GetOutput(uint32_t index) const {
  Port* port = operator_impl_ == nullptr ? nullptr : operator_impl_->desc->outputs.At(index);
  return port == nullptr ? nullptr : std::make_shared<OpIO>(OpIO{operator_impl_, port});
}
Operator& Operator::AddControlInput(const Operator& src_oprt) {
  if (operator_impl_ != nullptr && src_oprt.operator_impl_ != nullptr) {
    operator_impl_->LinkControl(src_oprt.operator_impl_.get());
  }
  return *this;
}
void Operator::BreakConnect() const {
  if (operator_impl_ != nullptr) operator_impl_->UnlinkAll();
}

graphStatus Operator::GetInputConstData(const char* dst_name, Tensor& data) const {
  Port* port = InputOf(operator_impl_, dst_name);
  if (port == nullptr) return GRAPH_FAILED;
  const OperatorImpl::Link* link = operator_impl_->FindLink(port);
  if (link != nullptr && ConstDataOf(*link->from->desc, &data)) return GRAPH_SUCCESS;
  std::vector<int>& missed = operator_impl_->missed_values;
  const int index = operator_impl_->desc->inputs.Find(port->name);
  if (std::find(missed.begin(), missed.end(), index) == missed.end()) missed.push_back(index);
  return GRAPH_FAILED;
}
graphStatus Operator::GetInputConstDataOut(const char* dst_name, Tensor& data) const {
  return GetInputConstData(dst_name, data);
}

TensorDesc Operator::GetInputDescByName(const char* name) const {
  return DescOf(InputOf(operator_impl_, name));
}
TensorDesc Operator::GetInputDesc(uint32_t index) const {
  return DescOf(operator_impl_ == nullptr ? nullptr : operator_impl_->desc->inputs.At(index));
}
graphStatus Operator::TryGetInputDesc(const char* name, TensorDesc& tensor_desc) const {
  Port* port = InputOf(operator_impl_, name);
  if (port == nullptr) return GRAPH_FAILED;
  const bool present = port->desc_set || operator_impl_->FindLink(port) != nullptr;
  if (port->kind == belay::PortKind::kOptional && !present) return GRAPH_FAILED;
  tensor_desc = port->desc;
  return GRAPH_SUCCESS;
}
graphStatus Operator::UpdateInputDesc(const char* name, const TensorDesc& tensor_desc) {
  return Update(InputOf(operator_impl_, name), tensor_desc);
}
TensorDesc Operator::GetOutputDescByName(const char* name) const {
  return DescOf(OutputOf(operator_impl_, name));
}
TensorDesc Operator::GetOutputDesc(uint32_t index) const {
  return DescOf(operator_impl_ == nullptr ? nullptr : operator_impl_->desc->outputs.At(index));
}
graphStatus Operator::UpdateOutputDesc(const char* name, const TensorDesc& tensor_desc) {
  return Update(OutputOf(operator_impl_, name), tensor_desc);
}
TensorDesc Operator::GetDynamicInputDesc(const char* name, uint32_t index) const {
  return GetInputDescByName(Instance(name, index).c_str());
}
graphStatus Operator::UpdateDynamicInputDesc(const char* name, uint32_t index,
                                             const TensorDesc& tensor_desc) {
  return UpdateInputDesc(Instance(name, index).c_str(), tensor_desc);
}
TensorDesc Operator::GetDynamicOutputDesc(const char* name, uint32_t index) const {
  return GetOutputDescByName(Instance(name, index).c_str());
}
graphStatus Operator::UpdateDynamicOutputDesc(const char* name, uint32_t index,
                                              const TensorDesc& tensor_desc) {
  return UpdateOutputDesc(Instance(name, index).c_str(), tensor_desc);
}
int32_t Operator::GetDynamicInputNum(const char* name) const {
  if (operator_impl_ == nullptr || name == nullptr) return 0;
  return operator_impl_->desc->inputs.Count(name);
}
int32_t Operator::GetDynamicOutputNum(const char* name) const {
  if (operator_impl_ == nullptr || name == nullptr) return 0;
  return operator_impl_->desc->outputs.Count(name);
}
size_t Operator::GetInputsSize() const {
  return operator_impl_ == nullptr ? 0 : operator_impl_->desc->inputs.instances.size();
}
size_t Operator::GetOutputsSize() const {
  return operator_impl_ == nullptr ? 0 : operator_impl_->desc->outputs.instances.size();
}

// Declarations of the generated constructors.
void Operator::InputRegister(const char* name, const char* datatype_symbol) {
  Declare(operator_impl_, &OpDesc::inputs, name, belay::PortKind::kRequired, datatype_symbol);
}
void Operator::InputRegister(const char* name) { InputRegister(name, ""); }
void Operator::OptionalInputRegister(const char* name, const char* datatype_symbol) {
  Declare(operator_impl_, &OpDesc::inputs, name, belay::PortKind::kOptional, datatype_symbol);
}
void Operator::OptionalInputRegister(const char* name) { OptionalInputRegister(name, ""); }
void Operator::OutputRegister(const char* name, const char* datatype_symbol) {
  Declare(operator_impl_, &OpDesc::outputs, name, belay::PortKind::kRequired, datatype_symbol);
}
void Operator::OutputRegister(const char* name) { OutputRegister(name, ""); }
void Operator::DynamicInputRegister(const char* name, const uint32_t num, const char* datatype_symbol,
                                    bool is_push_back) {
  Declare(operator_impl_, &OpDesc::inputs, name, belay::PortKind::kDynamic, datatype_symbol);
  AddInstances(operator_impl_, &OpDesc::inputs, name, num, is_push_back);
}
void Operator::DynamicInputRegister(const char* name, const uint32_t num, bool is_push_back) {
  DynamicInputRegister(name, num, "", is_push_back);
}
void Operator::DynamicInputRegisterByIndex(const char* name, const uint32_t num, size_t index) {
  if (operator_impl_ == nullptr || name == nullptr) return;
  operator_impl_->desc->inputs.AddInstancesAt(name, num, index);
}
void Operator::DynamicOutputRegister(const char* name, const uint32_t num, const char* datatype_symbol,
                                     bool is_push_back) {
  Declare(operator_impl_, &OpDesc::outputs, name, belay::PortKind::kDynamic, datatype_symbol);
  AddInstances(operator_impl_, &OpDesc::outputs, name, num, is_push_back);
}
void Operator::DynamicOutputRegister(const char* name, const uint32_t num, bool is_push_back) {
  DynamicOutputRegister(name, num, "", is_push_back);
}
void Operator::DataTypeRegister(const char* datatype_symbol, const TensorType& type_range) {
  if (operator_impl_ == nullptr || datatype_symbol == nullptr) return;
  operator_impl_->desc->type_symbols[datatype_symbol] = TensorTypeAdapter::Types(type_range);
}
void Operator::DataTypeRegister(const char* datatype_symbol, const ListTensorType& list_type_range) {
  DataTypeRegister(datatype_symbol, list_type_range.tensor_type);
}
// What symbols promote to follows from them, and is left to the inference function.
void Operator::DataTypeRegister(const char*, const Promote&) {}

void Operator::SubgraphRegister(const char* ir_name, bool dynamic) {
  if (operator_impl_ == nullptr || ir_name == nullptr) return;
  if (operator_impl_->desc->FindSubgraphs(ir_name) != nullptr) return;
  operator_impl_->desc->subgraphs.push_back({ir_name, dynamic, {}});
}
void Operator::SubgraphCountRegister(const char* ir_name, uint32_t count) {
  if (operator_impl_ == nullptr || ir_name == nullptr) return;
  Subgraphs* graphs = operator_impl_->desc->FindSubgraphs(ir_name);
  if (graphs != nullptr) graphs->builders.resize(count);
}
void Operator::SetSubgraphBuilder(const char* ir_name, uint32_t index,
                                  const SubgraphBuilder& builder) {
  if (operator_impl_ == nullptr || ir_name == nullptr) return;
  Subgraphs* graphs = operator_impl_->desc->FindSubgraphs(ir_name);
  if (graphs == nullptr || index >= graphs->builders.size()) {
    BELAY_LOG(Error, "operator '{}' has no subgraph {} of '{}'", operator_impl_->desc->name, index,
              Text(ir_name));
    return;
  }
  graphs->builders[index] = builder;
}
SubgraphBuilder Operator::GetDynamicSubgraphBuilder(const char* name, uint32_t index) const {
  if (operator_impl_ == nullptr || name == nullptr) return nullptr;
  Subgraphs* graphs = operator_impl_->desc->FindSubgraphs(name);
  if (graphs == nullptr || index >= graphs->builders.size()) return nullptr;
  return graphs->builders[index];
}
SubgraphBuilder Operator::GetSubgraphBuilder(const char* name) const {
  return GetDynamicSubgraphBuilder(name, 0);
}
Graph Operator::GetDynamicSubgraph(const char* name, uint32_t index) const {
  SubgraphBuilder builder = GetDynamicSubgraphBuilder(name, index);
  return builder == nullptr ? Graph("") : builder();
}
Graph Operator::GetSubgraph(const char* name) const { return GetDynamicSubgraph(name, 0); }
Graph Operator::GetSubgraphImpl(const char* name) const { return GetSubgraph(name); }
size_t Operator::GetSubgraphNamesCount() const {
  return operator_impl_ == nullptr ? 0 : operator_impl_->desc->subgraphs.size();
}
graphStatus Operator::GetSubgraphNames(std::vector<AscendString>& names) const {
  if (operator_impl_ == nullptr) return GRAPH_FAILED;
  for (const Subgraphs& graphs : operator_impl_->desc->subgraphs) {
    names.emplace_back(graphs.ir_name.c_str());
  }
  return GRAPH_SUCCESS;
}

}  // namespace ge
