// Imports one node: finds its rule and lets it emit GE nodes.
#pragma once
#include "import/onnx/graph_importer.h"

namespace belay::onnx {

// Throws OpError with the node's name in front.
void ImportNode(GraphImporter* importer, const Node& node);

}  // namespace belay::onnx
