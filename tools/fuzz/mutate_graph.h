// Changes an ONNX model such that a graph is likely to come out: what a node computes, its attributes, extents and
// types of inputs, inputs that become constants.
#pragma once
#include "mutate.h"

namespace belay::fuzz {

// `other` gives operators and nodes.
std::string MutateGraph(const std::string& model, const std::string& other, Random* random);

}  // namespace belay::fuzz
