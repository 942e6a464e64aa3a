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
// What makes a ge::Graph one with `graph`, as its copies are; lets others ask whether any of them still exists.
std::shared_ptr<void> ShareGraph(const ge::Graph& graph);
ge::Graph GraphOf(const std::shared_ptr<void>& share);
// A session holds the claim while it has the graph. nullptr when another holds one: a graph may be in
// one session under one id only.
std::shared_ptr<void> ClaimGraph(const ge::Graph& graph);

}  // namespace belay
