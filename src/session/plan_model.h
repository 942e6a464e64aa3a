// A plan as a graph for people: one node a step, in the form in which users' graphs are dumped.
#pragma once
#include <memory>
#include <string>

#include "graph/model.h"
#include "plan/plan.h"

namespace belay {

// Node types: Kernel, Copy, If, While, Data, and Const for constants, whose data are left out.
std::shared_ptr<ModelGraph> ModelOfPlan(const std::string& name, const Plan& plan);

}  // namespace belay
