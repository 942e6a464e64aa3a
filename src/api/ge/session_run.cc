// ge::Session: graphs that the engine builds and runs itself.
#include "api/ge/guard.h"
#include "api/ge/state.h"
#include "api/ge/tensors.h"
#include "api/graph/model_bridge.h"

namespace api = belay::api;

namespace belay::api {

ge::Status RegisterCallBack(uint64_t session_id, const char* key, CallBack callback) {
  auto describe = [&] {
    return fmt::format("Session::RegisterCallBackFunc(session {}, '{}')", session_id, key ? key : "");
  };
  return Guarded(describe, [&] { return SetCallBack(session_id, key, std::move(callback)); });
}

}  // namespace belay::api

namespace ge {
namespace {

// These calls have numbers of their own for two failures.
struct Refusal {
  Status number = FAILED;
  Status operator()(Status status) const { return status == SUCCESS ? SUCCESS : number; }
};

belay::Result<std::shared_ptr<belay::Session>> SessionWith(uint64_t id, uint32_t graph_id, Refusal* refusal) {
  BELAY_TRY(std::shared_ptr<belay::Session> session, api::FindSession(id));
  if (!session->HasGraph(graph_id)) refusal->number = GE_GRAPH_GRAPH_NOT_EXIST;
  return session;
}

}  // namespace

Status Session::AddGraphWithCopy(uint32_t graph_id, const Graph& graph) {
  return AddGraphWithCopy(graph_id, graph, std::map<AscendString, AscendString>());
}

Status Session::AddGraphWithCopy(uint32_t graph_id, const Graph& graph,
                                 const std::map<AscendString, AscendString>& options) {
  auto describe = [&] {
    return fmt::format("Session::AddGraphWithCopy(session {}, graph {})", sessionId_, graph_id);
  };
  return api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, api::FindSession(sessionId_));
    if (!graph.IsValid()) {
      return belay::InvalidArgument("graph {} is empty\nDo: build it with SetInputs and SetOutputs, or parse a "
                                    "model into it, before AddGraphWithCopy", graph_id);
    }
    BELAY_TRY(belay::OptionMap map, api::ToOptions(options));
    AscendString name;
    (void)graph.GetName(name);
    BELAY_TRY(std::shared_ptr<belay::ModelGraph> model, belay::ModelFromGraph(graph));
    auto source = [model]() -> belay::Result<std::shared_ptr<belay::ModelGraph>> { return model; };
    Graph copy(name.GetString());
    (void)copy.CopyFrom(graph);
    return session->AddNewGraph(graph_id, name.GetString(), source, map, {belay::ShareGraph(copy), nullptr});
  });
}

namespace {

Status Build(uint64_t session_id, uint32_t graph_id, const std::vector<belay::InputDesc>& inputs) {
  auto describe = [&] {
    return fmt::format("Session::BuildGraph(session {}, graph {}, {} inputs)", session_id, graph_id, inputs.size());
  };
  Refusal refusal;
  const Status status = api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, SessionWith(session_id, graph_id, &refusal));
    return session->Build(graph_id, inputs);
  });
  return refusal(status);
}

}  // namespace

Status Session::BuildGraph(uint32_t graph_id, const std::vector<InputTensorInfo>& inputs) {
  std::vector<belay::InputDesc> descs;
  for (const InputTensorInfo& info : inputs) descs.push_back({static_cast<belay::DType>(info.data_type), info.dims});
  return Build(sessionId_, graph_id, descs);
}

Status Session::BuildGraph(uint32_t graph_id, const std::vector<Tensor>& inputs) {
  std::vector<belay::InputDesc> descs;
  for (const Tensor& t : inputs) {
    const TensorDesc desc = t.GetTensorDesc();
    descs.push_back({static_cast<belay::DType>(desc.GetDataType()), desc.GetShape().GetDims()});
  }
  return Build(sessionId_, graph_id, descs);
}

namespace {

// Takes the summaries off the results and tells the callbacks.
belay::Status Tell(const api::CallBacks& callbacks, uint32_t graph_id, const belay::Notices& notices,
                   std::vector<Tensor>* results) {
  const auto call = [&](const char* key, const std::vector<std::string>& names, size_t first) -> belay::Status {
    const auto callback = callbacks.find(key);
    if (names.empty() || callback == callbacks.end()) return belay::OkStatus();
    std::map<AscendString, Tensor> values;
    for (size_t i = 0; i < names.size(); ++i) values[AscendString(names[i].c_str())] = (*results)[first + i];
    const uint32_t status = callback->second(graph_id, values);
    if (status == SUCCESS) return belay::OkStatus();
    return belay::FailedPrecondition("the program's callback '{}' returned {} for graph {}", key, status, graph_id);
  };
  const size_t own = results->size() - notices.summaries.size();
  BELAY_RETURN_IF_ERROR(call("Summary", notices.summaries, own));
  BELAY_RETURN_IF_ERROR(call("Save", notices.saves, 0));
  results->resize(own);
  return belay::OkStatus();
}

}  // namespace

Status Session::RunGraph(uint32_t graph_id, const std::vector<Tensor>& inputs,
                         std::vector<Tensor>& outputs) {
  auto describe = [&] {
    return fmt::format("Session::RunGraph(session {}, graph {}, {} inputs)", sessionId_, graph_id, inputs.size());
  };
  Refusal refusal;
  const Status status = api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, SessionWith(sessionId_, graph_id, &refusal));
    std::unique_lock<std::mutex> turn = session->TryTurn();
    if (!turn.owns_lock()) {
      refusal.number = GE_SESS_ALREADY_RUNNING;
      return belay::FailedPrecondition("session {} runs a graph already\nDo: call RunGraph of one session from one "
                                       "thread at a time, or use RunGraphAsync", sessionId_);
    }
    std::vector<belay::TensorView> results;
    belay::Notices notices;
    BELAY_RETURN_IF_ERROR(session->Run(graph_id, api::ToViews(inputs), &results, &notices));
    turn.unlock();  // a callback may run graphs
    std::vector<Tensor> tensors = api::ToHostTensors(&results);
    BELAY_RETURN_IF_ERROR(Tell(api::CallBacksOf(sessionId_), graph_id, notices, &tensors));
    outputs = std::move(tensors);
    return belay::OkStatus();
  });
  return refusal(status);
}

Status Session::RunGraph(uint32_t graph_id, const ContinuousTensorList& inputs,
                         std::vector<Tensor>& outputs) {
  return RunGraph(graph_id, inputs.GetTensorList(), outputs);
}

Status Session::RunGraphAsync(uint32_t graph_id, const std::vector<Tensor>& inputs,
                              RunAsyncCallback callback) {
  auto describe = [=, id = sessionId_, count = inputs.size()] {
    return fmt::format("Session::RunGraphAsync(session {}, graph {}, {} inputs)", id, graph_id, count);
  };
  Refusal refusal;
  const Status status = api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, SessionWith(sessionId_, graph_id, &refusal));
    BELAY_TRY(std::shared_ptr<belay::Session::GraphEntry> entry, session->Find(graph_id));
    // The session calls all of its queue before it ends, so the pointer holds.
    belay::Session* runner = session.get();
    // The copies share their bytes with the caller's tensors and keep them alive.
    return session->RunLater([=, held = inputs, callbacks = api::CallBacksOf(sessionId_)] {
      std::vector<Tensor> outputs;
      const Status ran = api::Guarded(describe, [&]() -> belay::Status {
        std::vector<belay::TensorView> results;
        belay::Notices notices;
        BELAY_RETURN_IF_ERROR(runner->RunEntry(*entry, api::ToViews(held), &results, &notices));
        std::vector<Tensor> tensors = api::ToHostTensors(&results);
        BELAY_RETURN_IF_ERROR(Tell(callbacks, graph_id, notices, &tensors));
        outputs = std::move(tensors);
        return belay::OkStatus();
      });
      if (callback) callback(ran, outputs);
    });
  });
  return refusal(status);
}

Status Session::RunGraphAsync(uint32_t graph_id, const ContinuousTensorList& inputs,
                              RunAsyncCallback callback) {
  return RunGraphAsync(graph_id, inputs.GetTensorList(), callback);
}

Status Session::RunGraphWithStreamAsync(uint32_t graph_id, void* stream, const std::vector<Tensor>& inputs,
                                        std::vector<Tensor>& outputs) {
  auto describe = [&] {
    return fmt::format("Session::RunGraphWithStreamAsync(session {}, graph {}, stream {}, {} inputs)", sessionId_,
                       graph_id, stream, inputs.size());
  };
  Refusal refusal;
  const Status status = api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, SessionWith(sessionId_, graph_id, &refusal));
    BELAY_TRY(std::shared_ptr<belay::Stream> target, api::LiveStream(stream));
    const std::shared_ptr<belay::OutputAllocator> allocator = session->AllocatorOf(stream);
    BELAY_TRY(const size_t count, session->OutputCount(graph_id));
    std::vector<Tensor> results = outputs;
    if (results.empty()) results.resize(count);
    std::vector<belay::TensorView> out = api::ToViews(results);
    BELAY_RETURN_IF_ERROR(session->ExecuteAny(graph_id, target, api::ToStreamInputs(inputs), out, allocator.get()));
    api::FromViews(out, allocator, &results);
    outputs = std::move(results);
    return belay::OkStatus();
  });
  return refusal(status);
}

Status Session::RegisterCallBackFunc(const char* key, const session::pCallBackFunc& callback) {
  return api::RegisterCallBack(sessionId_, key, callback ? api::CallBack(callback) : api::CallBack());
}

// Only a variable that changed its format would need it, and none does.
bool Session::IsGraphNeedRebuild(uint32_t) { return false; }

}  // namespace ge
