// Calls with std::string in their signature, compiled with the older of libstdc++'s two layouts, as CANN's own are and
// those of some clients. Nothing of that layout leaves this file.
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "ge/ge_api.h"

static_assert(_GLIBCXX_USE_CXX11_ABI == 0, "this file is about the older strings");
static_assert(sizeof(std::string) == sizeof(void*), "the older string is one pointer");

namespace {

using Options = std::map<std::string, std::string>;

uint32_t Never(uint32_t, const std::map<std::string, ge::Tensor>&) { return ge::FAILED; }

int seen = 0;
uint32_t Seen(uint32_t graph_id, const std::map<std::string, ge::Tensor>& values) {
  seen += graph_id == 1 && values.size() == 1 && values.count("a name too long for the small strings of either layout");
  return ge::SUCCESS;
}

void Append(const std::string& text, char* out, size_t size) {
  std::strncat(out, text.c_str(), size - std::strlen(out) - 1);
}

}  // namespace

// 0, or the number of the check that failed; texts: of errors and warnings.
extern "C" int RunWithOldStrings(const ge::Graph* graph, const std::vector<ge::Tensor>* inputs,
                                 std::vector<ge::Tensor>* outputs, char* texts, size_t size) {
  if (ge::GEInitialize(Options{{"ge.exec.deviceId", "0"}}) != ge::SUCCESS) return 1;
  ge::Session session(Options{{"ge.graphRunMode", "0"}, {"a key of some client", "1"}});
  if (session.GetSessionId() == 0) return 2;
  if (session.AddGraph(1, *graph, Options{{"ge.no", "x"}}) != ge::SUCCESS) return 3;
  Append(ge::GEGetWarningMsg(), texts, size);
  if (session.RegisterCallBackFunc(std::string("Summary"), Seen) != ge::SUCCESS) return 11;
  if (session.RunGraph(1, *inputs, *outputs) != ge::SUCCESS) return 4;
  if (seen != 1 || outputs->size() != 1) return 12;
  if (session.AddGraph(2, *graph) == ge::SUCCESS || session.RemoveGraph(1) != ge::SUCCESS) return 9;
  if (session.AddGraph(2, *graph, Options{{"ge.graphRunMode", "7"}}) == ge::SUCCESS) return 5;
  Append(ge::GEGetErrorMsg(), texts, size);
  std::vector<ge::Tensor> values;
  if (session.GetVariables(std::vector<std::string>{"no such variable"}, values) == ge::SUCCESS) return 6;
  if (session.RegisterCallBackFunc(std::string("no such key"), Never) == ge::SUCCESS) return 7;
  if (session.LoadGraph(1, Options{}, std::string("file.om")) == ge::SUCCESS) return 8;
  Append(ge::GEGetErrorMsg(), texts, size);
  return ge::GEGetErrorMsg().empty() ? 0 : 10;
}
