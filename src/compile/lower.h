// Lowering: a user's graph of GE operators becomes a core graph by running each op record's Computes.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/model.h"
#include "graph/problem.h"

namespace belay {

struct LowerOptions {
  // Per input: the extents of the call at hand, used as hints for guards. Empty: not known yet.
  std::vector<std::vector<int64_t>> input_dims;
  // Inputs whose contents are compiled in: the variant is for these values only.
  std::map<int, LiteralPtr> input_contents;
  // Those of them whose contents are cheap to read at every call: where the elements are a few integers from 0 on, they
  // become symbols, and the variant is for all values.
  std::set<int> readable_inputs;
  ModelTypes* types = nullptr;  // takes what inference finds, if nothing must be known first
  // Not null: what is refused goes here, behind what the importer refused, and nodes that only a call decides are
  // passed over. The result is of no use but for its status.
  Problems* problems = nullptr;
};

struct Lowered {
  std::unique_ptr<Graph> graph;  // nullptr: the inputs below must be known first
  // What callers see. The graph's own types differ where elements share bytes or are texts: it takes and gives u8.
  std::vector<TensorType> inputs, outputs;
  std::vector<int> needs_contents;
  std::set<int> symbolic_inputs;  // of input_contents: those that were not compiled in
  bool needs_extents = false;    // of a call: a rank or an extent must be known as a number: give input_dims
};

// An error's message names all operators that are missing and every node that is refused.
Result<Lowered> Lower(const ModelGraph& model, const LowerOptions& options = {});

// Data nodes by their `index` attribute.
Result<std::vector<const ModelNode*>> ModelInputs(const ModelGraph& model);

}  // namespace belay
