// The process's side of the Graph Engine: initialised or not, and the sessions by id.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "ge/ge_api.h"
#include "session/session.h"

namespace belay::api {

Status Initialize(OptionMap options);
Status Finalize();
bool IsInitialized();
Status NeedInitialized();  // refuses where it is not

// The new session's id.
Result<uint64_t> MakeSession(OptionMap options);
// Refuses by name when the engine is not initialised or the session is gone.
Result<std::shared_ptr<Session>> FindSession(uint64_t id);
void DropSession(uint64_t id);

// Of a session, by key; an empty function when there is none.
using CallBack = std::function<uint32_t(uint32_t graph_id, const std::map<ge::AscendString, ge::Tensor>& values)>;
using CallBacks = std::map<std::string, CallBack>;
CallBacks CallBacksOf(uint64_t session_id);
Status SetCallBack(uint64_t session_id, const char* key, CallBack callback);
ge::Status RegisterCallBack(uint64_t session_id, const char* key, CallBack callback);  // reports a failure

// The stream behind an aclrtStream.
Result<std::shared_ptr<Stream>> LiveStream(void* stream);

// Null keys and values are refused.
Result<OptionMap> ToOptions(const std::map<ge::AscendString, ge::AscendString>& options);

// Queues the report behind GEGetErrorMsgV2 (first line, What, Why, Do) and returns the code for the client.
ge::Status Report(const Status& status, const std::string& call);
// For declared members that are not built: reports and returns FAILED.
ge::Status Refuse(const char* function);

}  // namespace belay::api
