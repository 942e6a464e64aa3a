// GeSessionGraphDebugJSONPrint: what a compiled graph became.
#include "api/ge/guard.h"
#include "api/ge/state.h"

namespace api = belay::api;

// Everything is printed whatever `flags` holds.
ge::Status GeSessionGraphDebugJSONPrint(ge::Session& session, uint32_t graph_id, uint32_t,
                                        ge::AscendString& json_result) {
  auto describe = [&] {
    return fmt::format("GeSessionGraphDebugJSONPrint(session {}, graph {})", session.GetSessionId(), graph_id);
  };
  return api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> found, api::FindSession(session.GetSessionId()));
    BELAY_TRY(const std::string json, found->DebugJson(graph_id));
    json_result = ge::AscendString(json.c_str());
    return belay::OkStatus();
  });
}
