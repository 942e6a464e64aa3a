// Between CANN's graph classes and the engine's ModelGraph. libgraph.so exports both functions for
// our other libraries.
#pragma once
#include <memory>

#include "base/status.h"
#include "graph/graph.h"
#include "graph/model.h"

namespace belay {

// The graph as it is now: later changes of the ge::Graph are not seen. Tensor data is shared, not
// copied.
Result<std::shared_ptr<ModelGraph>> ModelFromGraph(const ge::Graph& graph);
// A valid ge::Graph that can be edited like one built by hand.
ge::Graph GraphFromModel(std::shared_ptr<const ModelGraph> model);
// Marks the graph as added to a session. False when it was before: no graph may be added twice.
bool MarkGraphAdded(const ge::Graph& graph);

}  // namespace belay
