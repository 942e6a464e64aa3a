// What a node computes from constants alone.
#pragma once
#include "graph/builder.h"

namespace belay {

// nullptr when the node depends on anything else, or is large.
LiteralPtr ConstantValue(const Node* node);
// A constant operand that differs along the last dim only, as rank-0 or [C] tensor; empty otherwise.
Tensor ChannelVector(Builder& b, Node* node);

}  // namespace belay
