// The variables that a graph and its subgraphs use.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "graph/op_record.h"

namespace belay {

// Sorted by name. A variable that is declared twice with other types is refused; of several initial values, the
// first counts.
Result<std::vector<VariableDecl>> CollectVariables(const ModelGraph& model);
// Those used inside the node's subgraphs.
Result<std::set<std::string>> VariablesInside(const ModelNode& node);

// Nothing when the node is no variable.
Result<std::optional<VariableDecl>> DeclaredVariable(const ModelNode& node);

}  // namespace belay
