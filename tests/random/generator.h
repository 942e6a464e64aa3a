// Random core graphs: maps, reductions, contractions, views, indexing, casts, static and symbolic
// extents.
#pragma once
#include <memory>
#include <vector>

#include "graph/graph.h"

namespace belay {

struct RandomInput {
  double lo = -2, hi = 2;
};

struct RandomGraph {
  std::unique_ptr<Graph> graph;
  std::vector<RandomInput> inputs;
  std::vector<int64_t> extents;  // by symbol
  // By output, then by store: what roundings can add up to at worst (0 is exact), and the relative step of the
  // coarsest type on the way.
  std::vector<double> allowed_errors, grains;
};

// The same graph for the same seed. `large` has enough elements for several threads.
RandomGraph GenerateGraph(uint64_t seed, bool large);
// Contents for the given extents of the symbols.
std::vector<LiteralPtr> RandomInputs(const RandomGraph& random, const std::vector<int64_t>& extents,
                                     uint64_t seed);

}  // namespace belay
