#include "api/graph/op_desc.h"

#include <algorithm>

namespace ge {

using belay::PortKind;

void Ports::Declare(const std::string& name, PortKind kind, const std::string& types) {
  for (const IrPort& port : declared) {
    if (port.name == name) return;
  }
  const bool quoted = types.size() > 1 && types.front() == '"' && types.back() == '"';  // INPUT(x, "T")
  declared.push_back({name, kind, quoted ? types.substr(1, types.size() - 2) : types});
  if (kind == PortKind::kDynamic) return;
  auto port = std::make_shared<Port>();
  port->name = port->ir_name = name;
  port->kind = kind;
  instances.push_back(std::move(port));
}

void Ports::AddInstances(const std::string& name, uint32_t count) {
  Declare(name, PortKind::kDynamic);
  auto rank = [&](const std::string& ir_name) {
    return std::find_if(declared.begin(), declared.end(),
                        [&](const IrPort& p) { return p.name == ir_name; }) - declared.begin();
  };
  // Instances stand in the order of the declarations.
  size_t position = 0;
  while (position < instances.size() && rank(instances[position]->ir_name) <= rank(name)) ++position;
  AddInstancesAt(name, count, position);
}

void Ports::AddInstancesAt(const std::string& name, uint32_t count, size_t position) {
  Declare(name, PortKind::kDynamic);
  const int first = Count(name);
  position = std::min(position, instances.size());
  std::vector<PortPtr> added;
  for (uint32_t i = 0; i < count; ++i) {
    auto port = std::make_shared<Port>();
    port->ir_name = name;
    port->instance = first + static_cast<int>(i);
    port->name = name + std::to_string(port->instance);
    port->kind = PortKind::kDynamic;
    added.push_back(std::move(port));
  }
  instances.insert(instances.begin() + position, added.begin(), added.end());
}

int Ports::Find(const std::string& name) const {
  for (size_t i = 0; i < instances.size(); ++i) {
    if (instances[i]->name == name) return static_cast<int>(i);
  }
  return -1;
}

int Ports::Count(const std::string& ir_name) const {
  return static_cast<int>(std::count_if(instances.begin(), instances.end(),
                                        [&](const PortPtr& p) { return p->ir_name == ir_name; }));
}

Port* Ports::At(int64_t index) const {
  if (index < 0 || static_cast<size_t>(index) >= instances.size()) return nullptr;
  return instances[index].get();
}

const char* IrTypeText(const IrAttr& attr) {
  if (!attr.type.empty()) return attr.type.c_str();
  static const char* const kTexts[] = {
      "", "Int", "Float", "Bool", "String", "Type", "Tensor", "ListInt", "ListFloat", "ListBool", "ListString",
      "ListType", "ListTensor", "ListListInt", "Bytes", "NamedAttrs", "ListNamedAttrs"};
  static_assert(std::size(kTexts) == std::variant_size_v<AttrData>, "one text per kind");
  return kTexts[attr.default_value.index()];
}

const AttrData* OpDesc::FindAttr(const std::string& attr) const {
  auto it = attrs.find(attr);
  if (it != attrs.end()) return &it->second;
  for (const IrAttr& declared : ir_attrs) {
    const bool has_default = !std::holds_alternative<std::monostate>(declared.default_value);
    if (declared.name == attr) return has_default ? &declared.default_value : nullptr;
  }
  return nullptr;
}

void OpDesc::DeclareAttr(const std::string& attr, const std::string& attr_type,
                         AttrData default_value) {
  for (IrAttr& declared : ir_attrs) {
    if (declared.name == attr) {
      declared.type = attr_type;
      declared.default_value = std::move(default_value);
      return;
    }
  }
  ir_attrs.push_back({attr, attr_type, std::move(default_value)});
}

Subgraphs* OpDesc::FindSubgraphs(const std::string& ir_name) {
  for (Subgraphs& graphs : subgraphs) {
    if (graphs.ir_name == ir_name) return &graphs;
  }
  return nullptr;
}

bool OpDesc::DeclareFromTable() {
  const belay::Prototype* proto = belay::FindPrototype(type);
  if (proto == nullptr) return false;
  for (const belay::PortProto& port : proto->inputs) inputs.Declare(port.name, port.kind);
  for (const belay::PortProto& port : proto->outputs) outputs.Declare(port.name, port.kind);
  for (const belay::AttrProto& attr : proto->attrs) {
    DeclareAttr(attr.name, attr.type,
                attr.required ? AttrData() : ParseAttrDefault(attr.type, attr.default_text));
  }
  for (const belay::SubgraphProto& graph : proto->subgraphs) {
    subgraphs.push_back({graph.name, graph.dynamic, {}});
    if (!graph.dynamic) subgraphs.back().builders.resize(1);
  }
  return true;
}

std::shared_ptr<OpDesc> OpDesc::Clone() const {
  auto copy = std::make_shared<OpDesc>(*this);
  for (PortPtr& port : copy->inputs.instances) port = std::make_shared<Port>(*port);
  for (PortPtr& port : copy->outputs.instances) port = std::make_shared<Port>(*port);
  return copy;
}

}  // namespace ge
