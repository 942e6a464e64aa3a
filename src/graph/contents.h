// Symbolic contents: what a small integer tensor holds, as Dims, known before anything runs.
#pragma once
#include "graph/graph.h"

namespace belay {

// Sets node->contents from its inputs' contents where the op allows; leaves it empty otherwise.
void InferContents(Node* node);

}  // namespace belay
