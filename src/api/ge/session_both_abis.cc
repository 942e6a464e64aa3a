// Everything of libge_runner.so with a std::string in its signature, compiled once per string ABI. It sees
// the public headers only: the engine's own strings are of one ABI.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "api/marks.h"
#include "ge/ge_api.h"

namespace belay { namespace api {
using Values = std::map<ge::AscendString, ge::Tensor>;
ge::Status Refuse(const char* function);
ge::Status RegisterCallBack(uint64_t session_id, const char* key,
                            std::function<uint32_t(uint32_t graph_id, const Values& values)> callback);
} }

namespace ge {
namespace {

using belay::api::Values;

std::map<AscendString, AscendString> Convert(const std::map<std::string, std::string>& options) {
  std::map<AscendString, AscendString> out;
  for (const auto& entry : options) {
    out[AscendString(entry.first.c_str())] = AscendString(entry.second.c_str());
  }
  return out;
}

}  // namespace

Status GEInitialize(const std::map<std::string, std::string>& options) {
  return GEInitialize(Convert(options));
}

std::string GEGetErrorMsg() { return GEGetErrorMsgV2().GetString(); }

std::string GEGetWarningMsg() { return GEGetWarningMsgV2().GetString(); }

Session::Session(const std::map<std::string, std::string>& options) : Session(Convert(options)) {}

Status Session::AddGraph(uint32_t graph_id, const Graph& graph,
                         const std::map<std::string, std::string>& options) {
  return AddGraph(graph_id, graph, Convert(options));
}

Status Session::GetVariables(const std::vector<std::string>& var_names, std::vector<Tensor>& var_values) {
  std::vector<AscendString> names;
  for (const std::string& name : var_names) names.push_back(AscendString(name.c_str()));
  return GetVariables(names, var_values);
}

Status Session::RegisterCallBackFunc(const std::string& key, const pCallBackFunc& callback) {
  if (callback == nullptr) return RegisterCallBackFunc(key.c_str(), session::pCallBackFunc());
  const pCallBackFunc function = callback;
  return belay::api::RegisterCallBack(sessionId_, key.c_str(), [function](uint32_t graph_id, const Values& values) {
    std::map<std::string, Tensor> named;
    for (const auto& value : values) named.emplace(value.first.GetString(), value.second);
    return function(graph_id, named);
  });
}

BELAY_REFUSES Status Session::LoadGraph(const uint32_t, const std::map<std::string, std::string>&,
                                        const std::string&) const {
  return belay::api::Refuse("Session::LoadGraph with an .om file");
}

}  // namespace ge
