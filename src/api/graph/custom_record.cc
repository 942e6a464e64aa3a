#include "api/graph/custom_record.h"

#include <algorithm>
#include <deque>

#include "api/graph/classic_inference.h"
#include "api/graph/convert.h"
#include "api/graph/op_impl.h"
#include "api/graph/operator_factory_impl.h"
#include "api/graph/port_types.h"

namespace belay {
namespace {

// A prototype with the memory behind it.
struct OwnPrototype {
  std::deque<std::string> texts;
  std::vector<PortProto> inputs, outputs;
  std::vector<AttrProto> attrs;
  std::vector<SubgraphProto> subgraphs;
  Prototype proto;

  explicit OwnPrototype(const ge::OpDesc& desc) {
    auto keep = [this](const std::string& text) { return texts.emplace_back(text).c_str(); };
    for (const ge::IrPort& port : desc.inputs.declared) inputs.push_back({keep(port.name), port.kind, "?"});
    for (const ge::IrPort& port : desc.outputs.declared) outputs.push_back({keep(port.name), port.kind, "?"});
    for (const ge::IrAttr& attr : desc.ir_attrs) {
      const bool required = std::holds_alternative<std::monostate>(attr.default_value);
      attrs.push_back({keep(attr.name), keep(attr.type), required, nullptr});
    }
    for (const ge::Subgraphs& graphs : desc.subgraphs) subgraphs.push_back({keep(graphs.ir_name), graphs.dynamic});
    proto = {keep(desc.type), "", inputs, outputs, attrs, subgraphs, "", ""};
  }
};

std::vector<ge::DataType> AllowedTypes(const ge::OpDesc& desc, const ge::IrPort& port) {
  auto symbol = desc.type_symbols.find(port.types);
  return symbol != desc.type_symbols.end() ? symbol->second : ge::TypesOfText(port.types);
}

const ge::IrPort* Declared(const ge::Ports& ports, const ge::Port& instance) {
  for (const ge::IrPort& port : ports.declared) {
    if (port.name == instance.ir_name) return &port;
  }
  return nullptr;
}

// Inputs of one type symbol have one type.
Status CheckSymbols(const OpNode& node, const PlainCall& call) {
  std::map<std::string, size_t> first;
  const ge::Ports& ports = node.desc->inputs;
  for (size_t i = 0; i < ports.instances.size(); ++i) {
    const ge::IrPort* port = Declared(ports, *ports.instances[i]);
    if (!node.there[i] || port == nullptr || node.desc->type_symbols.count(port->types) == 0) continue;
    auto [it, fresh] = first.emplace(port->types, i);
    const DType a = call.inputs[it->second].dtype, b = call.inputs[i].dtype;
    if (!fresh && a != b) {
      return InvalidArgument("inputs {} and {} share the type {}, but are {} and {}",
                             ports.instances[it->second]->name, ports.instances[i]->name, port->types, DTypeName(a),
                             DTypeName(b));
    }
  }
  return OkStatus();
}

// By the prototype: the type of an input with the same symbol, the only type there is, or that of the first input.
DType DeclaredType(const OpNode& node, const PlainCall& call, const ge::Port& output) {
  const ge::OpDesc& desc = *node.desc;
  const ge::IrPort* port = Declared(desc.outputs, output);
  DType first = DType::kUndefined;
  for (size_t i = 0; i < node.there.size(); ++i) {
    if (!node.there[i]) continue;
    const ge::IrPort* input = Declared(desc.inputs, *desc.inputs.instances[i]);
    const bool same = port != nullptr && input != nullptr && port->types == input->types;
    if (same && desc.type_symbols.count(port->types) != 0) return call.inputs[i].dtype;
    if (first == DType::kUndefined) first = call.inputs[i].dtype;
  }
  const std::vector<ge::DataType> allowed = port == nullptr ? std::vector<ge::DataType>() : AllowedTypes(desc, *port);
  if (allowed.size() == 1) return ToDType(allowed[0]).value_or(DType::kUndefined);
  if (output.desc_set) return ToDType(output.desc.GetDataType()).value_or(first);
  return first;
}

// Without any function, what the program said of the outputs must do.
Status UseDescriptions(const OpNode& node, PlainCall& call) {
  const auto& outputs = node.desc->outputs.instances;
  for (size_t k = 0; k < outputs.size(); ++k) {
    if (!outputs[k]->desc_set) {
      return InvalidArgument("output {} has no shape: register one with IMPL_OP({}).InferShape or INFER_FUNC_REG, or "
                             "describe it", outputs[k]->name, node.desc->type);
    }
    call.outputs[k].dims = outputs[k]->desc.GetShape().GetDims();
  }
  return OkStatus();
}

Status CheckAttrs(const ge::OpDesc& desc) {
  for (const ge::IrAttr& attr : desc.ir_attrs) {
    if (desc.FindAttr(attr.name) == nullptr) {
      return InvalidArgument("attribute {} is required, but not set", attr.name);
    }
  }
  return OkStatus();
}

Status Infer(const OpNode& node, const OpImpl& impl, PlainCall& call) {
  BELAY_RETURN_IF_ERROR(CheckSymbols(node, call));
  const auto& outputs = node.desc->outputs.instances;
  call.outputs.resize(outputs.size());
  for (size_t k = 0; k < outputs.size(); ++k) call.outputs[k].dtype = DeclaredType(node, call, *outputs[k]);
  if (!impl.infer_shape && HasClassicInference(node.desc->type)) {
    BELAY_RETURN_IF_ERROR(RunClassicInference(node, call));
  } else if (!impl.infer_shape) {
    BELAY_RETURN_IF_ERROR(UseDescriptions(node, call));
  }
  if (impl.infer_type) BELAY_RETURN_IF_ERROR(impl.infer_type(node, call));
  return impl.infer_shape ? impl.infer_shape(node, call) : OkStatus();
}

// Private attributes become the last of the prototype.
std::shared_ptr<ge::OpDesc> WithPrivateAttrs(const ge::OpDesc& desc, const OpImpl& impl) {
  std::shared_ptr<ge::OpDesc> copy = desc.Clone();
  for (const auto& [name, value] : impl.private_attrs) {
    const auto known = [&name = name](const ge::IrAttr& attr) { return attr.name == name; };
    if (std::none_of(copy->ir_attrs.begin(), copy->ir_attrs.end(), known)) copy->DeclareAttr(name, "", value);
  }
  return copy;
}

Result<CustomOp> FunctionsOf(std::shared_ptr<const ge::OpDesc> desc, const OpImpl& impl,
                             const std::vector<bool>& there) {
  if (!impl.compute) {
    return NotSupported("{} is registered, but has no kernel: give one with IMPL_OP({}).OpExecuteFunc", desc->type,
                        desc->type);
  }
  BELAY_RETURN_IF_ERROR(CheckAttrs(*desc));
  const OpNode node{desc, there};
  CustomOp op;
  op.infer = [node, impl](PlainCall& call) { return Infer(node, impl, call); };
  for (size_t i = 0; i < desc->inputs.instances.size(); ++i) {
    for (int ir : impl.reads_values) {
      const bool declared = ir >= 0 && static_cast<size_t>(ir) < desc->inputs.declared.size();
      if (declared && desc->inputs.declared[ir].name == desc->inputs.instances[i]->ir_name) {
        op.reads_values.push_back(static_cast<int>(i));
      }
    }
  }
  BELAY_TRY(op.compute, impl.compute(node));
  return op;
}

}  // namespace

std::shared_ptr<const OpRecord> CustomRecord(const ge::OpDesc& desc) {
  const OpImpl impl = FindOpImpl(desc.type);
  const bool ours = FindPrototype(desc.type) != nullptr;
  if (ours && !impl.compute) return nullptr;
  if (!ours && !HasOpImpl(desc.type) && !ge::HasCreator(desc.type)) return nullptr;
  std::shared_ptr<const ge::OpDesc> own = WithPrivateAttrs(desc, impl);
  auto prototype = std::make_shared<const OwnPrototype>(*own);
  CustomType type;
  type.type = desc.type;
  type.prototype = std::shared_ptr<const Prototype>(prototype, &prototype->proto);
  for (const ge::IrPort& port : own->inputs.declared) {
    std::vector<DType> allowed;
    for (ge::DataType number : AllowedTypes(*own, port)) {
      if (std::optional<DType> dtype = ToDType(number)) allowed.push_back(*dtype);
    }
    if (!allowed.empty()) type.dtypes.emplace_back(port.name, std::move(allowed));
  }
  type.functions = [own, impl](const std::vector<bool>& there) { return FunctionsOf(own, impl, there); };
  return MakeCustomRecord(std::move(type));
}

Status InferCustom(const ge::OpDesc& desc, const std::vector<bool>& there, PlainCall& call) {
  const OpImpl impl = FindOpImpl(desc.type);
  if (!impl.infer_shape && !HasClassicInference(desc.type)) {
    return NotFound("no inference function is registered for {}", desc.type);
  }
  const OpNode node{WithPrivateAttrs(desc, impl), there};
  BELAY_RETURN_IF_ERROR(CheckAttrs(*node.desc));
  return Infer(node, impl, call);
}

}  // namespace belay
