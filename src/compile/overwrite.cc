#include "compile/overwrite.h"

#include <algorithm>

#include "graph/strided.h"

namespace belay {
namespace {

class Overwriter {
 public:
  Overwriter(Plan* plan, std::span<const KernelSpec> specs)
      : plan_(*plan), specs_(specs), last_reader_(plan->slots.size(), -1), in_chain_(plan->steps.size(), 0) {
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      for (int slot : plan_.steps[i].inputs) last_reader_[slot] = static_cast<int>(i);
    }
    for (const Chain& chain : plan_.chains) {
      std::fill(in_chain_.begin() + chain.first_step, in_chain_.begin() + chain.end_step(), 1);
    }
  }

  void Run() {
    std::vector<int> place(plan_.slots.size());  // by slot: the one in which its value lies
    for (size_t s = 0; s < place.size(); ++s) place[s] = static_cast<int>(s);
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      Step& step = plan_.steps[i];
      for (int& slot : step.inputs) slot = place[slot];
      const int over = in_chain_[i] ? -1 : Overwritten(step, static_cast<int>(i));
      if (over < 0) continue;
      const int result = step.outputs[0];
      place[result] = step.outputs[0] = over;
      last_reader_[over] = last_reader_[result];
    }
    DropSlots(place);
  }

 private:
  // The slot of the operand that the step writes over, or -1.
  int Overwritten(const Step& step, int number) const {
    if (step.kind != StepKind::kKernel || step.outputs.size() != 1) return -1;
    if (plan_.slots[step.outputs[0]].kind != SlotKind::kTemp) return -1;
    if (!EndsAtLines(plan_.slots[step.outputs[0]].type)) return -1;
    if (specs_[step.kernel].place) return -1;
    const Graph& fragment = *specs_[step.kernel].fragment;
    if (fragment.outputs.size() != 1 || ThroughReshapes(fragment.outputs[0])->op == Op::kScatter) return -1;
    for (size_t k = 0; k < step.inputs.size(); ++k) {
      const int slot = step.inputs[k];
      const bool once = std::count(step.inputs.begin(), step.inputs.end(), slot) == 1;
      if (plan_.slots[slot].kind != SlotKind::kTemp || last_reader_[slot] != number || !once) continue;
      if (plan_.slots[slot].type != plan_.slots[step.outputs[0]].type) continue;  // dumps tell it
      if (CanOverwrite(fragment, static_cast<int>(k))) return slot;
    }
    return -1;
  }

  // Rows that end within a vector are stored under a mask, and the next row's load under another waits for that.
  static bool EndsAtLines(const TensorType& type) {
    return !type.shape.empty() && FillLines(type.dtype, type.shape.back());
  }

  void DropSlots(const std::vector<int>& place) {
    std::vector<Slot> kept;
    std::vector<int> number(place.size(), -1);
    for (size_t s = 0; s < place.size(); ++s) {
      if (place[s] != static_cast<int>(s)) continue;
      number[s] = static_cast<int>(kept.size());
      kept.push_back(std::move(plan_.slots[s]));
    }
    plan_.slots = std::move(kept);
    for (Step& step : plan_.steps) {
      for (int& slot : step.inputs) slot = number[slot];
      for (int& slot : step.outputs) slot = number[slot];
    }
    for (int& slot : plan_.output_slots) slot = number[slot];
  }

  Plan& plan_;
  std::span<const KernelSpec> specs_;
  std::vector<int> last_reader_;  // by slot
  std::vector<char> in_chain_;    // by step
};

}  // namespace

void OverwriteOperands(Plan* plan, std::span<const KernelSpec> specs) { Overwriter(plan, specs).Run(); }

}  // namespace belay
