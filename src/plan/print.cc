#include "plan/plan.h"

namespace belay {

std::string PrintPlan(const Plan& plan) {
  static const char* const kKinds[] = {"input", "output", "const", "temp"};
  static const char* const kSteps[] = {"kernel", "copy", "if", "while"};
  std::string text = "slots:\n";
  for (size_t i = 0; i < plan.slots.size(); ++i) {
    const Slot& s = plan.slots[i];
    text += fmt::format("  %{} {} {} {} steps {}..{}\n", i, kKinds[static_cast<int>(s.kind)], s.index,
                        ToString(s.type), s.first_step, s.last_step);
  }
  for (size_t i = 0; i < plan.input_uses.size(); ++i) {
    if (plan.input_uses[i] & kInputWritten) text += fmt::format("writes input {} '{}'\n", i, plan.input_names[i]);
  }
  for (const Guard& g : plan.guards) {
    text += g.test ? std::string("guard by a function\n")
                   : fmt::format("guard {} is {}\n", g.condition.ToString(), g.expected);
  }
  text += "steps:\n";
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& s = plan.steps[i];
    text += fmt::format("  {}: {} '{}' reads", i, kSteps[static_cast<int>(s.kind)], s.name);
    for (int slot : s.inputs) text += fmt::format(" %{}", slot);
    text += " writes";
    for (int slot : s.outputs) text += fmt::format(" %{}", slot);
    if (s.part) text += fmt::format(" ({} of it)", ToString(*s.part));
    if (s.kernel >= 0) {
      text += fmt::format(" chunks {} [{}]", plan.kernels[s.kernel].chunks.ToString(), plan.kernels[s.kernel].about);
    }
    text += "\n";
  }
  for (const Chain& c : plan.chains) {
    text += fmt::format("together: steps {}..{}\n", c.first_step, c.end_step() - 1);
  }
  return text;
}

}  // namespace belay
