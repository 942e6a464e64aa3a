// Ensembles of decision trees.
#include <algorithm>
#include <cmath>
#include <vector>

#include "graph/library/dispatch.h"

namespace belay {
namespace {

enum Mode : int64_t { kLeq, kLt, kGte, kGt, kEq, kNeq, kMember };

struct TreeNode {  // one row of the input `nodes`
  int64_t feature, mode, when_true, when_false, missing_true, first_member, members;
};

struct Forest {
  const int64_t* roots;
  int64_t trees;
  const TreeNode* nodes;
  int64_t count;
  const double *splits, *members;
};

bool Holds(const Forest& f, const TreeNode& node, double split, double x) {
  if (std::isnan(x)) return node.missing_true != 0;
  switch (node.mode) {
    case kLeq: return x <= split;
    case kLt: return x < split;
    case kGte: return x >= split;
    case kGt: return x > split;
    case kEq: return x == split;
    case kNeq: return x != split;
    default: {
      const double* first = f.members + node.first_member;
      return std::find(first, first + node.members, x) != first + node.members;
    }
  }
}

// The leaf that a row of features reaches; -1 when the nodes run in a circle.
template <typename T>
int64_t LeafOf(const Forest& f, int64_t at, const T* x) {
  for (int64_t steps = 0; steps <= f.count; ++steps) {
    if (at < 0) return ~at;
    const TreeNode& node = f.nodes[at];
    const bool yes = Holds(f, node, f.splits[at], static_cast<double>(x[node.feature]));
    at = yes ? node.when_true : node.when_false;
  }
  return -1;
}

struct Votes {
  const int64_t *leaves, *targets;
  const double* weights;
  int64_t aggregate;  // 0 average, 1 sum, 2 min, 3 max

  void Add(int64_t leaf, double* score, char* voted) const {
    for (int64_t v = leaves[leaf]; v < leaves[leaf + 1]; ++v) {
      double& s = score[targets[v]];
      if (aggregate < 2) s += weights[v];
      if (aggregate == 2) s = voted[targets[v]] ? std::min(s, weights[v]) : weights[v];
      if (aggregate == 3) s = voted[targets[v]] ? std::max(s, weights[v]) : weights[v];
      voted[targets[v]] = 1;
    }
  }
};

template <typename T>
Status RunTrees(LibraryCall& call) {
  const std::vector<LibraryBuffer>& in = call.inputs;
  const int64_t rows = in[0].dims[0], features = in[0].dims[1], targets = call.outputs[0].dims[1];
  const Forest forest = {in[1].as<int64_t>(), in[1].NumElements(), in[2].as<TreeNode>(), in[2].dims[0],
                         in[3].as<double>(), in[7].as<double>()};
  const Votes votes = {in[4].as<int64_t>(), in[5].as<int64_t>(), in[6].as<double>(), call.Attr("aggregate")};
  for (int64_t i = 0; i < forest.count; ++i) {
    if (forest.nodes[i].feature >= features) {
      return InvalidArgument("node {} looks at feature {}, but X has {}", i, forest.nodes[i].feature, features);
    }
  }
  double* y = call.outputs[0].as<double>();
  std::fill_n(y, rows * targets, 0.0);
  std::vector<char> voted(targets);
  for (int64_t r = 0; r < rows; ++r) {
    std::fill(voted.begin(), voted.end(), 0);
    for (int64_t t = 0; t < forest.trees; ++t) {
      const int64_t leaf = LeafOf(forest, forest.roots[t], in[0].as<T>() + r * features);
      if (leaf < 0) return InvalidArgument("the nodes of tree {} form a circle", t);
      votes.Add(leaf, y + r * targets, voted.data());
    }
    if (votes.aggregate != 0 || forest.trees == 0) continue;
    for (int64_t k = 0; k < targets; ++k) y[r * targets + k] /= static_cast<double>(forest.trees);
  }
  return OkStatus();
}

}  // namespace

// Inputs: x [N, F], roots [trees], nodes i64 [n, 7] (see TreeNode; a child below 0 is the leaf ~child),
// splits f64 [n], where each leaf's votes start i64 [leaves + 1], targets i64 and weights f64 of the votes,
// members of sets f64. Output: scores f64 [N, targets].
Status LibraryTreeEnsemble(LibraryCall& call) {
  return DispatchNumber(call.inputs[0].dtype, [&](auto t) { return RunTrees<typename decltype(t)::type>(call); });
}

}  // namespace belay
