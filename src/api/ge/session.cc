// ge::Session: the members that work. See refused.cc for those that do not yet.
#include <filesystem>

#include "api/ge/guard.h"
#include "api/ge/state.h"
#include "api/ge/tensors.h"
#include "api/graph/model_bridge.h"

namespace api = belay::api;

namespace ge {

using belay::OptionMap;

Session::Session(const std::map<AscendString, AscendString>& options) : sessionId_(0) {
  (void)api::Guarded("Session::Session", [&]() -> belay::Status {
    BELAY_TRY(OptionMap map, api::ToOptions(options));
    BELAY_TRY(sessionId_, api::MakeSession(std::move(map)));
    return belay::OkStatus();
  });
}

Session::~Session() { api::DropSession(sessionId_); }

uint64_t Session::GetSessionId() const { return sessionId_; }

Status Session::AddGraph(uint32_t graph_id, const Graph& graph) {
  return AddGraph(graph_id, graph, std::map<AscendString, AscendString>());
}

Status Session::AddGraph(uint32_t graph_id, const Graph& graph,
                         const std::map<AscendString, AscendString>& options) {
  auto describe = [&] { return fmt::format("Session::AddGraph(session {}, graph {})", sessionId_, graph_id); };
  return api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, api::FindSession(sessionId_));
    if (!graph.IsValid()) {
      return belay::InvalidArgument("graph {} is empty\nDo: build it with SetInputs and SetOutputs, or parse a "
                                    "model into it, before AddGraph", graph_id);
    }
    BELAY_TRY(OptionMap map, api::ToOptions(options));
    AscendString name;
    (void)graph.GetName(name);
    std::shared_ptr<void> claim = belay::ClaimGraph(graph);
    if (claim == nullptr) {
      if (session->HasGraph(graph_id)) return belay::OkStatus();  // a repeated id is ignored
      return belay::AlreadyExists("graph '{}' cannot be added as graph {}: it is added already\nDo: remove it "
                                  "first, or add a copy made by Graph::CopyFrom", name.GetString(), graph_id);
    }
    auto source = [graph] { return belay::ModelFromGraph(graph); };
    return session->AddGraph(graph_id, name.GetString(), source, map, {belay::ShareGraph(graph), std::move(claim)});
  });
}

Status Session::RemoveGraph(uint32_t graph_id) {
  auto describe = [&] { return fmt::format("Session::RemoveGraph(session {}, graph {})", sessionId_, graph_id); };
  return api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, api::FindSession(sessionId_));
    return session->RemoveGraph(graph_id);
  });
}

// One file per graph, as Graph::SaveToFile writes them.
Status Session::SaveGraphsToPb(const char* file_path) const {
  auto describe = [&] {
    return fmt::format("Session::SaveGraphsToPb(session {}, '{}')", sessionId_, file_path ? file_path : "");
  };
  return api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, api::FindSession(sessionId_));
    if (!file_path) return belay::InvalidArgument("the folder is null");
    std::error_code ignored;
    if (!std::filesystem::is_directory(file_path, ignored)) {
      return belay::InvalidArgument("'{}' is no folder\nDo: make it first", file_path);
    }
    for (const auto& [id, origin] : session->Origins()) {
      if (!origin) {
        return belay::FailedPrecondition("graph {} is compiled, and its ge::Graph is gone\n"
                                         "Do: keep the ge::Graph, or save graphs before CompileGraph", id);
      }
      const auto path = std::filesystem::path(file_path) / fmt::format("graph_{}.pb", id);
      if (belay::GraphOf(origin).SaveToFile(path.c_str()) == GRAPH_SUCCESS) continue;
      return belay::InvalidArgument("graph {} cannot be written to '{}'", id, path.string());
    }
    return belay::OkStatus();
  });
}

Status Session::CompileGraph(uint32_t graph_id) {
  auto describe = [&] { return fmt::format("Session::CompileGraph(session {}, graph {})", sessionId_, graph_id); };
  return api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, api::FindSession(sessionId_));
    return session->CompileGraph(graph_id);
  });
}

Status Session::LoadGraph(const uint32_t graph_id, const std::map<AscendString, AscendString>& options,
                          void* stream) const {
  auto describe = [&] {
    return fmt::format("LoadGraph(session {}, graph {}, stream {})", sessionId_, graph_id, stream);
  };
  return api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, api::FindSession(sessionId_));
    BELAY_TRY(OptionMap map, api::ToOptions(options));
    std::shared_ptr<belay::Stream> target;
    if (stream) {
      BELAY_TRY(target, api::LiveStream(stream));
    }
    return session->LoadGraph(graph_id, map, target);
  });
}

Status Session::ExecuteGraphWithStreamAsync(uint32_t graph_id, void* stream,
                                            const std::vector<gert::Tensor>& inputs,
                                            std::vector<gert::Tensor>& outputs) {
  auto describe = [&] {
    return fmt::format("ExecuteGraphWithStreamAsync(session {}, graph {}, stream {}, {} inputs, {} outputs)",
                       sessionId_, graph_id, stream, inputs.size(), outputs.size());
  };
  return api::Guarded(describe, [&]() -> belay::Status {
    // Reused by every call of this thread, so that a steady call allocates nothing.
    static thread_local std::vector<belay::TensorView> in, out;
    BELAY_TRY(std::shared_ptr<belay::Session> session, api::FindSession(sessionId_));
    BELAY_TRY(std::shared_ptr<belay::Stream> target, api::LiveStream(stream));
    api::ToViews(inputs, &in);
    api::ToViews(outputs, &out);
    const std::shared_ptr<belay::OutputAllocator> allocator = session->AllocatorOf(stream);
    BELAY_RETURN_IF_ERROR(session->Execute(graph_id, target, in, out, allocator.get()));
    api::FromViews(out, allocator, &outputs);
    return belay::OkStatus();
  });
}

}  // namespace ge

extern "C" {

ge::Status GeSessionLoadGraph(ge::Session& session, uint32_t graph_id,
                              const std::map<ge::AscendString, ge::AscendString>& options, void* stream) {
  return session.LoadGraph(graph_id, options, stream);
}

ge::Status GeSessionExecuteGraphWithStreamAsync(ge::Session& session, uint32_t graph_id, void* stream,
                                                const std::vector<gert::Tensor>& inputs,
                                                std::vector<gert::Tensor>& outputs) {
  return session.ExecuteGraphWithStreamAsync(graph_id, stream, inputs, outputs);
}

}  // extern "C"
