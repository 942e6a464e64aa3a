// A case as a model of one node.
#pragma once
#include <memory>

#include "ops/driver/case_file.h"
#include "support/engine.h"

namespace belay {

struct BuiltModel {
  std::shared_ptr<ModelGraph> model;
  Literals inputs;  // of the Data nodes
};

// Extents of the Data nodes are known or, but for those of fixed inputs, -1.
BuiltModel Build(const OpCase& c, bool known_extents);

}  // namespace belay
