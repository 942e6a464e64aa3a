// What a node computes from constants alone.
#pragma once
#include "graph/graph.h"

namespace belay {

// nullptr when the node depends on anything else, or is large.
LiteralPtr ConstantValue(const Node* node);

}  // namespace belay
