// One graph of a session and where it stands. Private to src/session.
#pragma once
#include <fmt/format.h>

#include "session/session.h"

namespace belay {

enum class GraphState : uint8_t { kAdded, kCompiled, kLoaded, kBuilt };

struct Session::GraphEntry {
  uint32_t id = 0;
  std::string name;
  ModelSource source;
  OptionMap options;
  GraphOrigin origin;             // the session's mutex guards it and `released`
  std::weak_ptr<void> released;   // the origin's graph once it is let go: null when nobody else has it
  std::mutex mutex;  // guards what follows
  GraphState state = GraphState::kAdded;
  std::shared_ptr<LoadedGraph> loaded;  // from kCompiled on
  std::shared_ptr<const ModelGraph> model;  // likewise: what was compiled, for people
  std::shared_ptr<Stream> run_stream;   // of Run(), made at its first call
  void* const_memory = nullptr;         // the user's; filled when loaded
  std::shared_ptr<void> summary;        // Session::Summary's
  Notices notices;
  bool has_feature_memory = false, has_fixed_memory = false;

  std::string Title() const { return fmt::format("graph {} '{}'", id, name); }
};

// Refuses a graph that is not compiled.
inline Status NeedPlans(const Session::GraphEntry& entry) {
  if (entry.state != GraphState::kAdded) return OkStatus();
  return FailedPrecondition("{} is not compiled\nDo: call CompileGraph first", entry.Title());
}

std::string GraphJson(const Session::GraphEntry& entry);  // see Session::DebugJson; needs plans
std::vector<std::string> StreamTexts(LoadedGraph& graph);  // see GraphFacts

}  // namespace belay
