// The reference interpreter: evaluates a core graph node by node with plain loops. It is the oracle of
// every backend, the engine of constant folding, and the `ref` backend.
#pragma once
#include <vector>

#include "graph/graph.h"

namespace belay {

// inputs by position; symbol values by id (from Graph::symbols; calls extend it). Half types compute in f32 per node
// and round once at the node; contractions and sums accumulate in f64 for floats.
Result<std::vector<LiteralPtr>> Interpret(const Graph& graph, const std::vector<LiteralPtr>& inputs,
                                          const std::vector<int64_t>& symbols = {});
// One node on given input values; outputs has more than one entry for kCall/kIf/kWhile.
// `symbols` may grow: a kCall appends the values of its `binds`.
Result<std::vector<LiteralPtr>> InterpretNode(const Node& node, const std::vector<LiteralPtr>& inputs,
                                              std::vector<int64_t>* symbols);

// Computes a kCall; set by the backend that owns the library functions (graph knows no backend).
using LibraryInterpreter = Result<std::vector<LiteralPtr>> (*)(const Node& node,
                                                               const std::vector<LiteralPtr>& inputs,
                                                               std::vector<int64_t>* symbols);
void SetLibraryInterpreter(LibraryInterpreter library);

}  // namespace belay
