// A user's graph and its options become a graph that is ready to run.
#pragma once
#include <memory>
#include <string>

#include "base/status.h"
#include "execute/loaded_graph.h"
#include "graph/model.h"
#include "session/graph_dump.h"
#include "session/options.h"
#include "session/variables.h"

namespace belay {

struct CompiledModel {
  std::shared_ptr<LoadedGraph> graph;
  // With what the options changed and inference found; of a static graph without the contents of constants.
  std::shared_ptr<const ModelGraph> model;
};

// options: of the graph, with those of its session and of the engine behind them. The model stays as it is. Its
// variables are found in `variables` or made there; `title` names the graph in messages about them. dump: may be null.
Result<CompiledModel> CompileModel(const std::string& name, const ModelGraph& model, const OptionMap& options,
                                   const std::string& title, const std::shared_ptr<GraphDump>& dump,
                                   VariableStore* variables);

}  // namespace belay
