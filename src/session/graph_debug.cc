// What a compiled graph became, for people: as JSON, and as lines about its streams.
#include <nlohmann/json.hpp>
#include <utility>

#include "execute/loaded_graph.h"
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

ordered_json SlotsJson(const Plan& plan) {
  static const char* const kKinds[] = {"input", "output", "constant", "scratch"};
  ordered_json list = ordered_json::array();
  for (size_t i = 0; i < plan.slots.size(); ++i) {
    const Slot& slot = plan.slots[i];
    ordered_json json = TypeJson(fmt::format("%{}", i), slot.type);
    json["kind"] = kKinds[static_cast<int>(slot.kind)];
    json["index"] = slot.index;
    if (slot.kind == SlotKind::kTemp) json["alive"] = {slot.first_step, slot.last_step};
    list.push_back(std::move(json));
  }
  return list;
}

ordered_json PlanJson(const Plan& plan);

ordered_json StepsJson(const Plan& plan) {
  static const char* const kKinds[] = {"kernel", "copy", "if", "while"};
  ordered_json list = ordered_json::array();
  for (const Step& step : plan.steps) {
    ordered_json json{{"node", step.name}, {"kind", kKinds[static_cast<int>(step.kind)]}};
    if (step.kernel >= 0) json["kernel"] = plan.kernels[static_cast<size_t>(step.kernel)].about;
    json["reads"] = step.inputs;
    json["writes"] = step.outputs;
    for (const auto& branch : step.branches) json["branches"].push_back(PlanJson(*branch));
    list.push_back(std::move(json));
  }
  return list;
}

ordered_json PlanJson(const Plan& plan) {
  ordered_json guards = ordered_json::array();
  for (const Guard& g : plan.guards) {
    guards.push_back({{"condition", g.condition.ToString()}, {"holds", g.expected}});
  }
  return {{"inputs", TypesJson(plan.inputs, plan.input_names)},
          {"outputs", TypesJson(plan.outputs, plan.output_names)},
          {"guards", std::move(guards)},
          {"slots", SlotsJson(plan)},
          {"steps", StepsJson(plan)}};
}

}  // namespace

Result<std::string> Session::DebugJson(uint32_t graph_id) {
  BELAY_TRY(std::shared_ptr<GraphEntry> entry, Find(graph_id));
  std::lock_guard<std::mutex> lock(entry->mutex);
  BELAY_RETURN_IF_ERROR(NeedPlans(*entry));
  ordered_json json{{"graph", graph_id}, {"name", entry->name}, {"static", entry->loaded->IsStatic()}};
  if (entry->loaded->IsStatic()) {
    json["constant_bytes"] = entry->loaded->ConstantBytes();
    json["scratch_bytes"] = entry->loaded->WorkspaceBytes();
  }
  json["variants"] = ordered_json::array();
  for (const auto& plan : entry->loaded->Plans()) json["variants"].push_back(PlanJson(*plan));
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

// A graph runs on one stream, whichever that is.
std::vector<std::string> StreamTexts(LoadedGraph& graph) {
  std::vector<std::string> texts;
  for (const auto& plan : graph.Plans()) {
    std::string text = fmt::format("variant {}: stream 0, 0 events, {} steps", texts.size(), plan->steps.size());
    const char* separator = ": ";
    for (const Step& step : plan->steps) text += std::exchange(separator, ", ") + step.name;
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace belay
