// The process's side of the Graph Engine: initialised or not, and the sessions by id.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "ge/ge_api.h"
#include "session/session.h"

namespace belay::api {

Status Initialize(OptionMap options);
void Finalize();
bool IsInitialized();

// The new session's id.
Result<uint64_t> MakeSession(OptionMap options);
// Refuses by name when the engine is not initialised or the session is gone.
Result<std::shared_ptr<Session>> FindSession(uint64_t id);
void DropSession(uint64_t id);

// The stream behind an aclrtStream.
Result<std::shared_ptr<Stream>> LiveStream(void* stream);

// Null keys and values are refused.
Result<OptionMap> ToOptions(const std::map<ge::AscendString, ge::AscendString>& options);

// Queues the report behind GEGetErrorMsgV2 (first line, What, Why, Do) and returns the code for the client.
ge::Status Report(const Status& status, const std::string& call);
// For declared members that are not built: reports and returns FAILED.
ge::Status Refuse(const char* function);

}  // namespace belay::api
