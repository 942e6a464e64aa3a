// Concatenations whose operands are written where they lie in the result: nothing is left to copy.
#pragma once
#include <map>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "graph/graph.h"

namespace belay {

struct Part {
  const Node* whole;  // the kFused node of the concatenation
  ResultPlace place;
};

// An operand of a concatenation that its own kernel has to make.
struct CopiedOperand {
  const Node* node;  // of the fragment
  ResultPlace place;
};

struct Parts {
  std::map<const Node*, Part> by_writer;                     // kFused nodes whose results lie in another's
  std::map<const Node*, std::vector<CopiedOperand>> copied;  // by whole
};

// Of a fused graph. An operand has its place where one kernel makes it and whoever else reads it can read every
// pixel's part of a longer row. Concatenations whose extents are decided in the run have none.
Parts PlaceParts(const Graph& fused);

// `fragment`, reading `input` where it lies inside of a larger tensor.
std::shared_ptr<const Graph> ReadPart(const Graph& fragment, int input, const ResultPlace& place);

// What makes one node of a fragment, and the fragment's inputs that it reads, in its own order.
std::shared_ptr<const Graph> FragmentOf(const Node* node, std::vector<int>* inputs);

}  // namespace belay
