// The passes by name; their order and reasons stand in compile/pipeline.cc. Each takes a legal core graph
// and returns one that computes the same (Round*: the same with operands and addends of less precision).
#pragma once
#include <memory>

#include "graph/graph.h"

namespace belay {

std::unique_ptr<Graph> UnifyExtents(const Graph& graph);      // extents that guards say are equal are one expression
std::unique_ptr<Graph> Simplify(const Graph& graph);          // algebra that is exact, and common subexpressions
std::unique_ptr<Graph> HoistInvariants(const Graph& graph);   // what no turn of a loop changes is made before it
std::unique_ptr<Graph> FoldDequantize(const Graph& graph);    // products of dequantised bytes are products of bytes
std::unique_ptr<Graph> FoldConstants(const Graph& graph);     // what depends on constants only is computed now
std::unique_ptr<Graph> FoldScale(const Graph& graph);         // a per-channel factor moves into constant weights
std::unique_ptr<Graph> FoldQuantize(const Graph& graph);      // quotients by a scale that are rounded to bytes
std::unique_ptr<Graph> FoldAffine(const Graph& graph);        // several constants in a row become one, or a filter's
std::unique_ptr<Graph> SinkTransposes(const Graph& graph);    // memory orders move towards the outputs and cancel
std::unique_ptr<Graph> RoundToBf16(const Graph& graph);       // contractions and convolutions of f32 take bf16 operands
std::unique_ptr<Graph> RoundToF16(const Graph& graph);        // or f16 operands
std::unique_ptr<Graph> SplitReductions(const Graph& graph);   // of maps to a few numbers: rows first
std::unique_ptr<Graph> Fuse(const Graph& graph);              // what runs as one kernel becomes one kFused node
std::unique_ptr<Graph> RoundAddends(const Graph& graph);      // results that one product's kernel adds to another's
std::unique_ptr<Graph> PlaceStores(const Graph& graph);       // kernels whose result is stored write it there

}  // namespace belay
