// What a compiled graph became, for people: as JSON, and as lines about its streams.
#include <nlohmann/json.hpp>
#include <utility>

#include "execute/loaded_graph.h"
#include "execute/prepare.h"
#include "graph/model_text.h"
#include "session/graph_entry.h"

namespace belay {
namespace {

using nlohmann::ordered_json;

// Extents are numbers where they are known, else formulas over the symbols.
ordered_json TypeJson(const std::string& name, const TensorType& type) {
  ordered_json dims = ordered_json::array();
  for (const Dim& d : type.shape) {
    if (d.IsConst()) {
      dims.push_back(d.value());
    } else {
      dims.push_back(d.ToString());
    }
  }
  return {{"name", name}, {"dtype", DTypeName(type.dtype)}, {"shape", dims}};
}

ordered_json TypesJson(const std::vector<TensorType>& types, const std::vector<std::string>& names) {
  ordered_json list = ordered_json::array();
  for (size_t i = 0; i < types.size(); ++i) list.push_back(TypeJson(i < names.size() ? names[i] : "", types[i]));
  return list;
}

ordered_json ModelJson(const ModelGraph& model) {
  ordered_json nodes = ordered_json::array(), outputs = ordered_json::array();
  for (const ModelNode& node : model.nodes) {
    ordered_json json{{"name", node.name}, {"type", node.type}, {"inputs", ordered_json::array()}};
    for (const ModelEdge& edge : node.inputs) json["inputs"].push_back({edge.node, edge.output});
    if (!node.control_inputs.empty()) json["after"] = node.control_inputs;
    json["outputs"] = ordered_json::array();
    for (const ModelDesc& desc : node.output_descs) json["outputs"].push_back(DescText(desc));
    for (const auto& [name, value] : node.attrs) json["attributes"][name] = AttrText(value);
    if (!node.origin.empty()) json["origin"] = node.origin;
    for (const auto& [name, graphs] : node.subgraphs) {
      for (const auto& sub : graphs) json["subgraphs"].push_back({{"name", name}, {"graph", ModelJson(*sub)}});
    }
    nodes.push_back(std::move(json));
  }
  for (const ModelEdge& edge : model.outputs) outputs.push_back({edge.node, edge.output});
  return {{"nodes", std::move(nodes)}, {"outputs", std::move(outputs)}, {"output_names", model.output_names}};
}

// prepared: null where extents are open.
ordered_json SlotsJson(const Plan& plan, const Prepared* prepared) {
  static const char* const kKinds[] = {"input", "output", "constant", "scratch"};
  ordered_json list = ordered_json::array();
  for (size_t i = 0; i < plan.slots.size(); ++i) {
    const Slot& slot = plan.slots[i];
    ordered_json json = TypeJson(fmt::format("%{}", i), slot.type);
    json["kind"] = kKinds[static_cast<int>(slot.kind)];
    json["index"] = slot.index;
    if (slot.kind == SlotKind::kTemp) json["alive"] = {slot.first_step, slot.last_step};
    if (slot.kind == SlotKind::kConstant) json["layout"] = plan.constants[slot.index].layout;
    if (prepared && i < prepared->slot_bytes.size()) {
      json["bytes"] = prepared->slot_bytes[i];
      if (slot.kind == SlotKind::kTemp) json["offset"] = prepared->slot_offset[i];
    }
    list.push_back(std::move(json));
  }
  return list;
}

ordered_json PlanJson(const Plan& plan, const Prepared* prepared);

ordered_json StepsJson(const Plan& plan) {
  static const char* const kKinds[] = {"kernel", "copy", "if", "while"};
  ordered_json list = ordered_json::array();
  for (const Step& step : plan.steps) {
    ordered_json json{{"node", step.name}, {"kind", kKinds[static_cast<int>(step.kind)]}};
    if (step.kernel >= 0) json["kernel"] = plan.kernels[static_cast<size_t>(step.kernel)].about;
    json["reads"] = step.inputs;
    json["writes"] = step.outputs;
    if (step.part) json["part"] = ToString(*step.part);
    json["nodes"] = step.nodes;
    json["note"] = step.note;
    json["body"] = step.body;
    for (const auto& branch : step.branches) json["branches"].push_back(PlanJson(*branch, nullptr));
    list.push_back(std::move(json));
  }
  return list;
}

ordered_json PlanJson(const Plan& plan, const Prepared* prepared) {
  ordered_json guards = ordered_json::array();
  for (const Guard& g : plan.guards) {
    guards.push_back({{"condition", g.condition.ToString()}, {"holds", g.expected}});
  }
  ordered_json json{{"inputs", TypesJson(plan.inputs, plan.input_names)},
                    {"outputs", TypesJson(plan.outputs, plan.output_names)},
                    {"guards", std::move(guards)},
                    {"slots", SlotsJson(plan, prepared)},
                    {"steps", StepsJson(plan)}};
  if (prepared && !plan.runs_stepwise) json["arena_bytes"] = prepared->arena_bytes;
  return json;
}

}  // namespace

Result<std::string> Session::DebugJson(uint32_t graph_id) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::lock_guard<std::mutex> lock(entry->mutex);
  BELAY_RETURN_IF_ERROR(NeedPlans(*entry));
  return GraphJson(*entry);
}

std::string GraphJson(const Session::GraphEntry& entry) {
  LoadedGraph& graph = *entry.loaded;
  ordered_json json{{"graph", entry.id}, {"name", entry.name}, {"static", graph.IsStatic()}};
  if (graph.IsStatic()) {
    json["constant_bytes"] = graph.ConstantBytes();
    json["scratch_bytes"] = graph.WorkspaceBytes();
  }
  json["model"] = ModelJson(*entry.model);
  json["variants"] = ordered_json::array();
  for (const auto& v : graph.Variants()) json["variants"].push_back(PlanJson(*v.plan, v.prepared.get()));
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

// A graph runs on one stream, whichever that is.
std::vector<std::string> StreamTexts(LoadedGraph& graph) {
  std::vector<std::string> texts;
  for (const auto& [plan, prepared] : graph.Variants()) {
    std::string text = fmt::format("variant {}: stream 0, 0 events, {} steps", texts.size(), plan->steps.size());
    const char* separator = ": ";
    for (const Step& step : plan->steps) text += std::exchange(separator, ", ") + step.name;
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace belay
