// Imports one node: finds its rule and lets it emit GE nodes.
#pragma once
#include "import/onnx/graph_importer.h"

namespace belay::onnx {

// What it is refused for goes to the importer's problems.
void ImportNode(GraphImporter* importer, const Node& node);

}  // namespace belay::onnx
