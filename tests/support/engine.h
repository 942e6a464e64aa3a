// Runs a ModelGraph through the whole pipeline and on the interpreter, and compares the two.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/model.h"

namespace belay {

struct Plan;

using Literals = std::vector<LiteralPtr>;

// Session, compiler, kernels, stream: what a client gets. Inputs and outputs lie in device memory
// (so BELAY_GUARD watches their ends); the second run brings buffers of exactly the outputs' sizes.
// `after` (may be null) receives what the run left in the inputs' memory.
Result<Literals> RunOnEngine(std::shared_ptr<ModelGraph> model, const Literals& inputs, Literals* after = nullptr);
// The lowered graph, no pass, node by node. Extents of the Data nodes are those of the inputs.
// `lowered` (may be null) receives the graph.
Result<Literals> RunOnReference(const ModelGraph& model, const Literals& inputs,
                                std::shared_ptr<const Graph>* lowered = nullptr, Literals* after = nullptr);

// A plan of a core graph, as above.
Result<Literals> RunPlan(const std::shared_ptr<const Plan>& plan, const Literals& inputs, Literals* after = nullptr);

// A result passes when it is within `ulps` of the reference, or within `relative` times the
// output's largest magnitude, or within `absolute`.
struct Tolerance {
  double ulps = 0;
  double relative = 0;
  double absolute = 0;
};
// One rounding: 2 ulp, 4 for functions. More than one: 2^-23 (2 sqrt(K) + 2 per node on the way),
// where K is the longest sum. Integers and bools are exact.
Tolerance ToleranceFor(const Graph& graph);
// Empty when `got` passes; otherwise what is wrong, with the worst element.
std::string Compare(const Literal& got, const Literal& want, const Tolerance& tolerance);

// Numbers between lo and hi (bool: either), the same for the same seed.
LiteralPtr RandomLiteral(DType dtype, std::vector<int64_t> dims, double lo, double hi,
                         uint64_t seed);

// f32 whose last dim holds real and imaginary part, as c64.
LiteralPtr ComplexFromPairs(const Literal& pairs);

}  // namespace belay
