// GetRegisteredIrDef: what the prototype of a type says, by name; the engine's table and the program's own classes.
#include <vector>

#include "api/ge/state.h"
#include "api/graph/operator_factory_impl.h"
#include "ge/ge_api.h"

namespace {

using Names = std::vector<std::pair<ge::AscendString, ge::AscendString>>;

void AddPorts(const ge::Ports& ports, Names* names) {
  static const char* const kKinds[] = {"required", "optional", "dynamic"};
  for (const ge::IrPort& port : ports.declared) {
    names->emplace_back(port.name.c_str(), kKinds[static_cast<int>(port.kind)]);
  }
}

}  // namespace

ge::Status GetRegisteredIrDef(const char* op_type, Names& inputs, Names& outputs, Names& attrs) {
  ge::OpDesc desc;
  desc.type = op_type == nullptr ? "" : op_type;
  if (!ge::DeclareType(&desc)) {
    return belay::api::Report(belay::NotFound("there is no operator type '{}'", desc.type), "GetRegisteredIrDef");
  }
  AddPorts(desc.inputs, &inputs);
  AddPorts(desc.outputs, &outputs);
  for (const ge::IrAttr& attr : desc.ir_attrs) attrs.emplace_back(attr.name.c_str(), ge::IrTypeText(attr));
  return ge::SUCCESS;
}
