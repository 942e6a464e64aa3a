#include "session/plan_model.h"

#include <set>

namespace belay {
namespace {

ModelDesc DescOf(const TensorType& type) { return {type.dtype, ModelDesc().format, DescribedDims(type)}; }

class PlanModel {
 public:
  PlanModel(const std::string& name, const Plan& plan) : plan_(plan), writer_(plan.slots.size()) {
    model_->name = name;
  }

  std::shared_ptr<ModelGraph> Run() {
    for (size_t s = 0; s < plan_.slots.size(); ++s) {
      if (plan_.slots[s].kind == SlotKind::kInput) AddInput(static_cast<int>(s));
    }
    for (const Step& step : plan_.steps) AddStep(step);
    for (int slot : plan_.output_slots) {
      if (writer_[slot].node >= 0) model_->outputs.push_back(writer_[slot]);
    }
    model_->output_names = plan_.output_names;
    return model_;
  }

 private:
  std::string NewName(const std::string& wanted) { return UniqueName(wanted.empty() ? "step" : wanted, &names_); }

  ModelNode& AddSource(int slot, const char* type, const std::string& name) {
    writer_[slot] = {static_cast<int>(model_->nodes.size()), 0};
    ModelNode& node = model_->nodes.emplace_back();
    node.name = NewName(name);
    node.type = type;
    node.output_ports = {{"y", 0}};
    node.output_descs = {DescOf(plan_.slots[slot].type)};
    return node;
  }

  void AddInput(int slot) {
    const int index = plan_.slots[slot].index;
    const bool named = static_cast<size_t>(index) < plan_.input_names.size();
    const std::string name = named ? plan_.input_names[index] : "";
    AddSource(slot, "Data", name.empty() ? fmt::format("input{}", index) : name).attrs["index"] = int64_t{index};
  }

  ModelEdge Source(int slot) {
    const Slot& s = plan_.slots[slot];
    if (writer_[slot].node < 0 && s.kind == SlotKind::kConstant) {
      const Constant& constant = plan_.constants[s.index];
      ModelNode& node = AddSource(slot, "Const", fmt::format("constant{}", s.index));
      node.attrs["bytes"] = constant.bytes;
      if (!constant.layout.empty()) node.attrs["layout"] = constant.layout;
    }
    return writer_[slot];
  }

  void AddStep(const Step& step) {
    static const char* const kTypes[] = {"Kernel", "Copy", "If", "While"};
    ModelNode node;
    node.name = NewName(step.name);
    node.type = kTypes[static_cast<int>(step.kind)];
    for (size_t k = 0; k < step.inputs.size(); ++k) {
      node.inputs.push_back(Source(step.inputs[k]));
      node.input_ports.push_back({"x", static_cast<int>(k)});
    }
    for (size_t k = 0; k < step.outputs.size(); ++k) {
      node.output_ports.push_back({"y", static_cast<int>(k)});
      node.output_descs.push_back(DescOf(plan_.slots[step.outputs[k]].type));
      writer_[step.outputs[k]] = {static_cast<int>(model_->nodes.size()), static_cast<int>(k)};
    }
    if (step.kernel >= 0) node.attrs["kernel"] = plan_.kernels[step.kernel].about;
    if (!step.nodes.empty()) node.attrs["nodes"] = step.nodes;
    if (!step.note.empty()) node.attrs["note"] = step.note;
    if (!step.body.empty()) node.attrs["body"] = step.body;
    if (step.flops.IsConst() && step.flops.value() > 0) node.attrs["flops"] = step.flops.value();
    static const char* const kBranches[][2] = {{"then_branch", "else_branch"}, {"cond", "body"}};
    for (size_t b = 0; b < step.branches.size() && b < 2; ++b) {
      const std::string branch = kBranches[step.kind == StepKind::kWhile][b];
      node.subgraphs[branch] = {ModelOfPlan(node.name + "_" + branch, *step.branches[b])};
    }
    model_->nodes.push_back(std::move(node));
  }

  const Plan& plan_;
  std::shared_ptr<ModelGraph> model_ = std::make_shared<ModelGraph>();
  std::vector<ModelEdge> writer_;  // by slot: whose value lies in it
  std::set<std::string> names_;
};

}  // namespace

std::shared_ptr<ModelGraph> ModelOfPlan(const std::string& name, const Plan& plan) {
  return PlanModel(name, plan).Run();
}

}  // namespace belay
