// The reference interpreter: evaluates a core graph node by node with plain loops. It is the oracle
// of every backend, the engine of constant folding, and the `ref` backend.
#pragma once
#include <vector>

#include "graph/graph.h"
#include "graph/run_values.h"

namespace belay {

// Values of the outputs, then those of the stores. inputs by position; symbol values by id (from
// Graph::symbols; calls extend it). Values not given
// follow from the inputs' extents. Every node of floats computes in f64 and rounds once; sums and
// contractions accumulate in f64.
// all_symbols (may be null) receives what they are in the end.
Result<std::vector<LiteralPtr>> Interpret(const Graph& graph, const std::vector<LiteralPtr>& inputs,
                                          const std::vector<int64_t>& symbols = {},
                                          std::vector<int64_t>* all_symbols = nullptr);
// The same for a fragment or subgraph, with the root's symbols; calls inside extend them.
Result<std::vector<LiteralPtr>> InterpretFragment(const Graph& graph,
                                                  const std::vector<LiteralPtr>& inputs,
                                                  std::vector<int64_t>* symbols,
                                                  RunValues* values);
// One node on given input values; outputs has more than one entry for kCall/kIf/kWhile.
// `symbols` may grow: a kCall sets the values of its `binds`. values: of the run; calls on texts need it.
Result<std::vector<LiteralPtr>> InterpretNode(const Node& node,
                                              const std::vector<LiteralPtr>& inputs,
                                              std::vector<int64_t>* symbols,
                                              RunValues* values = nullptr);

}  // namespace belay
