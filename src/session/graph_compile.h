// A user's graph and its options become a graph that is ready to run.
#pragma once
#include <memory>
#include <string>

#include "base/status.h"
#include "execute/loaded_graph.h"
#include "graph/model.h"
#include "session/options.h"
#include "session/variables.h"

namespace belay {

// options: of the graph, with those of its session and of the engine behind them. The model stays as it is. Its
// variables are found in `variables` or made there; `title` names the graph in messages about them.
Result<std::shared_ptr<LoadedGraph>> CompileModel(const std::string& name, const ModelGraph& model,
                                                  const OptionMap& options, const std::string& title,
                                                  VariableStore* variables);

}  // namespace belay
