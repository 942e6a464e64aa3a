#include "api/graph/model_bridge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "api/graph/convert.h"
#include "api/graph/custom_libraries.h"
#include "api/graph/custom_record.h"
#include "api/graph/graph_impl.h"
#include "api/graph/operator_factory_impl.h"
#include "api/graph/operator_impl.h"

namespace belay {
namespace {

using ge::GraphImpl;
using ge::NodeImpl;
using ge::OpDesc;

ModelDesc ToModelDesc(const ge::TensorDesc& desc) {
  ModelDesc model;
  model.dtype = ToDType(desc.GetDataType()).value_or(DType::kUndefined);
  model.format = static_cast<int32_t>(desc.GetFormat());
  model.dims = desc.GetShape().GetDims();
  return model;
}

// Only what brings a tensor in is declared by the user; elsewhere a description is a hint, and often
// an empty one, that inference replaces.
bool DeclaresItsOutput(const std::string& type) {
  return type == "Data" || type == "RefData" || type == "Placeholder" || type == "Variable";
}

ModelDesc OutputDesc(const OpDesc& op, const ge::Port& port) {
  if (!DeclaresItsOutput(op.type)) return ModelDesc();
  if (port.desc_set) return ToModelDesc(port.desc);
  for (const ge::PortPtr& input : op.inputs.instances) {
    if (input->desc_set) return ToModelDesc(input->desc);
  }
  return ModelDesc();
}

std::vector<ModelPort> ToModelPorts(const ge::Ports& ports) {
  std::vector<ModelPort> result;
  for (const ge::PortPtr& port : ports.instances) result.push_back({port->ir_name, port->instance});
  return result;
}

// The input positions of the Data nodes: their `index` where all set one, else the order of
// SetInputs, with those SetInputs was not given behind.
std::map<const NodeImpl*, int64_t> DataPositions(const GraphImpl& graph) {
  std::vector<const NodeImpl*> order(graph.inputs.begin(), graph.inputs.end());
  for (const auto& node : graph.nodes) {
    if (std::find(order.begin(), order.end(), node.get()) == order.end()) order.push_back(node.get());
  }
  std::erase_if(order, [](const NodeImpl* node) {
    return node->desc->type != "Data" && node->desc->type != "RefData";
  });
  std::map<const NodeImpl*, int64_t> positions;
  std::set<int64_t> taken;
  for (const NodeImpl* node : order) {
    auto it = node->desc->attrs.find("index");
    const int64_t* index = it == node->desc->attrs.end() ? nullptr : std::get_if<int64_t>(&it->second);
    if (index == nullptr || !taken.insert(*index).second) break;
    positions[node] = *index;
  }
  if (positions.size() == order.size()) return positions;
  positions.clear();
  for (size_t i = 0; i < order.size(); ++i) positions[order[i]] = static_cast<int64_t>(i);
  return positions;
}

class ToModel {
 public:
  explicit ToModel(const GraphImpl& graph) : graph_(graph), positions_(DataPositions(graph)) {}

  Result<std::shared_ptr<ModelGraph>> Run() {
    auto model = std::make_shared<ModelGraph>();
    model->name = graph_.name;
    model->may_be_empty = graph_.has_end;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) number_[graph_.nodes[i].get()] = i;
    for (const auto& node : graph_.nodes) {
      auto converted = Convert(*node);
      if (!converted.ok()) {
        return std::move(converted).status().Context(
            fmt::format("node '{}' ({})", node->desc->name, node->desc->type));
      }
      model->nodes.push_back(*std::move(converted));
    }
    for (const auto& [node, port] : graph_.outputs) model->outputs.push_back({number_[node], port});
    for (const NodeImpl* node : graph_.targets) model->targets.push_back(number_[node]);
    return model;
  }

 private:
  ModelEdge Source(const NodeImpl* from, const std::string& port) {
    return {number_[from], from->desc->outputs.Find(port)};
  }

  Result<ModelNode> Convert(const NodeImpl& node) {
    const OpDesc& op = *node.desc;
    ModelNode result;
    result.name = NameOf(op);
    result.type = op.type;
    result.record = CustomRecord(op);
    if (result.record == nullptr && FindPrototype(op.type) == nullptr) BELAY_RETURN_IF_ERROR(Missing(op.type));
    result.input_ports = ToModelPorts(op.inputs);
    result.output_ports = ToModelPorts(op.outputs);
    for (const ge::PortPtr& port : op.inputs.instances) {
      const NodeImpl::Edge* edge = node.FindEdge(port.get());
      result.inputs.push_back(edge == nullptr ? ModelEdge() : Source(edge->from, edge->port->name));
      result.input_formats.push_back(port->desc_set ? port->desc.GetFormat() : ge::FORMAT_ND);
    }
    for (const ge::PortPtr& port : op.outputs.instances) {
      result.output_descs.push_back(OutputDesc(op, *port));
    }
    for (const NodeImpl* control : node.control_inputs) result.control_inputs.push_back(number_[control]);
    for (const auto& [name, data] : op.attrs) {
      auto value = ToModelAttr(data);
      if (!value.ok()) {
        return std::move(value).status().Context(fmt::format("attribute '{}'", name));
      }
      result.attrs[name] = *std::move(value);
    }
    auto position = positions_.find(&node);
    if (position != positions_.end()) result.attrs["index"] = position->second;
    auto origin = op.attrs.find("_origin");
    if (origin != op.attrs.end()) {
      if (const auto* text = std::get_if<std::string>(&origin->second)) result.origin = *text;
      result.attrs.erase("_origin");
    }
    for (const auto& [name, graphs] : node.subgraphs) {
      for (const ge::GraphPtr& graph : graphs) {
        BELAY_TRY(auto inner, ModelFromGraph(*graph));
        result.subgraphs[name].push_back(std::move(inner));
      }
    }
    return result;
  }

  // The compiler tells of all unknown types at once, but not of libraries that should have brought them.
  static Status Missing(const std::string& type) {
    const std::vector<std::string> failures = CustomLibraryFailures();
    if (failures.empty()) return OkStatus();
    return NotFound("nothing is registered for {}; {}", type, fmt::format("{}", fmt::join(failures, "; ")));
  }

  // Programs leave names empty or repeat them; the engine's messages need them apart. A variable is its name.
  std::string NameOf(const OpDesc& op) {
    return op.type == "Variable" ? op.name : UniqueName(op.name.empty() ? op.type : op.name, &names_);
  }

  const GraphImpl& graph_;
  std::map<const NodeImpl*, int64_t> positions_;
  std::map<const NodeImpl*, int> number_;
  std::set<std::string> names_;
};

std::shared_ptr<OpDesc> ToOpDesc(const ModelNode& node) {
  auto op = std::make_shared<OpDesc>();
  op->name = node.name;
  op->type = node.type;
  ge::DeclareType(op.get());
  for (bool input : {true, false}) {
    ge::Ports& ports = input ? op->inputs : op->outputs;
    std::map<std::string, int> counts;
    for (const ModelPort& port : input ? node.input_ports : node.output_ports) {
      int& count = counts[port.name];
      count = std::max(count, port.instance + 1);
    }
    for (const auto& [name, count] : counts) {
      const auto declared = std::find_if(ports.declared.begin(), ports.declared.end(),
                                         [&](const ge::IrPort& p) { return p.name == name; });
      const bool known = declared != ports.declared.end();
      if (known ? declared->kind == PortKind::kDynamic : count > 1) {
        ports.AddInstances(name, count);
      } else if (!known) {
        ports.Declare(name, PortKind::kRequired);
      }
    }
  }
  for (const auto& [name, value] : node.attrs) op->attrs[name] = FromModelAttr(value);
  if (!node.origin.empty()) op->attrs["_origin"] = node.origin;
  return op;
}

ge::Port* FindPort(const ge::Ports& ports, const ModelPort& port) {
  for (const ge::PortPtr& candidate : ports.instances) {
    if (candidate->ir_name == port.name && candidate->instance == port.instance) {
      return candidate.get();
    }
  }
  return nullptr;
}

void SetOutputDescs(const ModelNode& node, const OpDesc& op) {
  for (size_t i = 0; i < node.output_descs.size() && i < node.output_ports.size(); ++i) {
    const ModelDesc& desc = node.output_descs[i];
    ge::Port* port = FindPort(op.outputs, node.output_ports[i]);
    if (port == nullptr) continue;
    port->desc = ge::TensorDesc(ge::Shape(desc.dims), static_cast<ge::Format>(desc.format),
                                FromDType(desc.dtype));
    port->desc_set = DeclaresItsOutput(node.type);
  }
}

}  // namespace

Result<std::shared_ptr<ModelGraph>> ModelFromGraph(const ge::Graph& graph) {
  const ge::GraphImplPtr& impl = ge::GraphUtils::Impl(graph);
  if (impl == nullptr || !impl->valid) {
    return FailedPrecondition("graph '{}' has no nodes: SetInputs, a parser or a load makes them",
                              impl == nullptr ? "" : impl->name);
  }
  return ToModel(*impl).Run();
}

ge::Graph GraphFromModel(std::shared_ptr<const ModelGraph> model) {
  ge::Graph graph(model->name.c_str());
  const ge::GraphImplPtr& impl = ge::GraphUtils::Impl(graph);
  std::vector<NodeImpl*> made;
  for (const ModelNode& node : model->nodes) {
    made.push_back(impl->Add(ToOpDesc(node)));
    SetOutputDescs(node, *made.back()->desc);
    for (const auto& [name, graphs] : node.subgraphs) {
      std::vector<ge::GraphPtr> inner;
      for (const auto& sub : graphs) inner.push_back(std::make_shared<ge::Graph>(GraphFromModel(sub)));
      made.back()->subgraphs.emplace_back(name, std::move(inner));
    }
  }
  for (size_t i = 0; i < made.size(); ++i) {
    const ModelNode& node = model->nodes[i];
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const ModelEdge& edge = node.inputs[k];
      if (edge.node < 0) continue;
      ge::Port* to = FindPort(made[i]->desc->inputs, node.input_ports[k]);
      NodeImpl* from = made[edge.node];
      ge::Port* port = from->desc->outputs.At(edge.output);
      if (to == nullptr || port == nullptr) continue;
      made[i]->inputs.push_back({to, from, port});
      to->desc = port->desc;
    }
    for (int control : node.control_inputs) made[i]->control_inputs.push_back(made[control]);
  }
  for (const ModelEdge& output : model->outputs) {
    impl->outputs.emplace_back(made[output.node], output.output);
  }
  impl->valid = true;
  return graph;
}

std::shared_ptr<void> ShareGraph(const ge::Graph& graph) { return ge::GraphUtils::Impl(graph); }

ge::Graph GraphOf(const std::shared_ptr<void>& share) {
  ge::Graph graph;
  ge::GraphUtils::Impl(graph) = std::static_pointer_cast<ge::GraphImpl>(share);
  return graph;
}

std::shared_ptr<void> ClaimGraph(const ge::Graph& graph) {
  const ge::GraphImplPtr& impl = ge::GraphUtils::Impl(graph);
  if (impl == nullptr) return nullptr;
  std::lock_guard<std::mutex> lock(impl->claim_mutex);
  if (!impl->claim.expired()) return nullptr;
  auto claim = std::make_shared<char>();
  impl->claim = claim;
  return claim;
}

}  // namespace belay
