// Everything of libge_runner.so with a std::string in its signature, compiled once per string ABI. It sees
// the public headers only: the engine's own strings are of one ABI.
#include <map>
#include <string>
#include <vector>

#include "api/marks.h"
#include "ge/ge_api.h"

namespace belay { namespace api { ge::Status Refuse(const char* function); } }

namespace ge {
namespace {

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

BELAY_REFUSES Status Session::RegisterCallBackFunc(const std::string& key, const pCallBackFunc&) {
  return RegisterCallBackFunc(key.c_str(), session::pCallBackFunc());
}

BELAY_REFUSES Status Session::LoadGraph(const uint32_t, const std::map<std::string, std::string>&,
                                        const std::string&) const {
  return belay::api::Refuse("Session::LoadGraph with an .om file");
}

}  // namespace ge
