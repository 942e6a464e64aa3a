// Finds the expression behind an extent that is only known at some samples: a shape function of a program
// answers for numbers, the compiler wants a formula.
#pragma once
#include <optional>
#include <vector>

#include "graph/graph.h"

namespace belay {

// Sets of values, by symbol id, that keep the graph's guards: the hints first where all are known, then numbers
// that tell the symbols apart. `symbols` are the ones that matter.
std::vector<std::vector<int64_t>> SampleExtents(const Graph& root, const std::vector<int>& symbols);

// The simplest expression over the extents of `shapes` that is wanted[k] at samples[k], for every k: a constant, an
// extent, a multiple with an offset, a sum, product or maximum of two, a product or sum of several, a quotient.
std::optional<Dim> FindFormula(const std::vector<Shape>& shapes, const std::vector<std::vector<int64_t>>& samples,
                               const std::vector<int64_t>& wanted);

}  // namespace belay
