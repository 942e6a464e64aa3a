#include "ops/driver/model.h"

#include "graph/prototype.h"
#include "support/sequence.h"

namespace belay {
namespace {

int AddSource(ModelGraph& model, const InputCase& in, bool known_extents, Literals* inputs) {
  ModelNode node;
  node.name = fmt::format("{}_{}", in.name, model.nodes.size());
  node.type = in.is_const ? "Const" : "Data";
  node.output_ports = {{"y", 0}};
  std::vector<int64_t> dims = in.value->dims;
  if (!known_extents && !in.fixed) dims.assign(dims.size(), -1);
  node.output_descs = {{in.value->dtype, 2, dims}};
  if (in.is_const) {
    node.attrs["value"] = in.value;
  } else {
    node.attrs["index"] = static_cast<int64_t>(inputs->size());
    if (in.value->dtype == DType::kResource) node.attrs["element"] = ElementAttr(*in.value);
    inputs->push_back(in.value);
  }
  model.nodes.push_back(std::move(node));
  return static_cast<int>(model.nodes.size()) - 1;
}

}  // namespace

BuiltModel Build(const OpCase& c, bool known_extents) {
  BuiltModel built{std::make_shared<ModelGraph>(), {}};
  ModelGraph& model = *built.model;
  ModelNode node;
  node.name = "op";
  node.type = c.op;
  node.attrs = c.attrs;
  std::map<std::string, int> instances;
  for (const InputCase& in : c.inputs) {
    node.inputs.push_back({AddSource(model, in, known_extents, &built.inputs), 0});
    node.input_ports.push_back({in.name, instances[in.name]++});
  }
  for (const PortProto& port : FindPrototype(c.op)->outputs) {
    auto it = c.outputs.find(port.name);
    const int count = port.kind == PortKind::kDynamic && it != c.outputs.end() ? it->second : 1;
    for (int i = 0; i < count; ++i) {
      node.output_ports.push_back({port.name, i});
      node.output_descs.push_back({});
    }
  }
  const int id = static_cast<int>(model.nodes.size()),
            outputs = static_cast<int>(node.output_ports.size());
  model.nodes.push_back(std::move(node));
  const bool only_golden = !c.golden.empty() && static_cast<int>(c.golden.size()) < outputs;
  const int wanted = only_golden    ? static_cast<int>(c.golden.size())
                     : c.reads >= 0 ? c.reads
                                    : outputs;
  for (int i = 0; i < wanted; ++i) model.outputs.push_back({id, i});
  return built;
}

}  // namespace belay
