// GetRegisteredIrDef: what the prototype table says of a type, by name.
#include <vector>

#include "ge/ge_api.h"
#include "graph/prototype.h"

namespace {

using Names = std::vector<std::pair<ge::AscendString, ge::AscendString>>;

void AddPorts(std::span<const belay::PortProto> ports, Names* names) {
  static const char* const kKinds[] = {"required", "optional", "dynamic"};
  for (const belay::PortProto& port : ports) {
    names->emplace_back(port.name, kKinds[static_cast<int>(port.kind)]);
  }
}

}  // namespace

ge::Status GetRegisteredIrDef(const char* op_type, Names& inputs, Names& outputs, Names& attrs) {
  const belay::Prototype* proto = op_type == nullptr ? nullptr : belay::FindPrototype(op_type);
  if (proto == nullptr) return ge::FAILED;
  AddPorts(proto->inputs, &inputs);
  AddPorts(proto->outputs, &outputs);
  for (const belay::AttrProto& attr : proto->attrs) attrs.emplace_back(attr.name, attr.type);
  return ge::SUCCESS;
}
