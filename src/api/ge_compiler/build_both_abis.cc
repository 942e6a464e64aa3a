// The forms with a std::string of what build.cc and summary.cc have; compiled once for each layout.
#include "api/ge_compiler/refuse.h"
#include "api/marks.h"
#include "ge/ge_graph_compile_summary.h"
#include "ge/ge_ir_build.h"

namespace ge {

using belay::api::RefuseBuild;

BELAY_REFUSES graphStatus aclgrphBuildInitialize(std::map<std::string, std::string>) {
  return RefuseBuild("aclgrphBuildInitialize");
}
BELAY_REFUSES graphStatus aclgrphBuildModel(const Graph&, const std::map<std::string, std::string>&,
                              ModelBufferData&) {
  return RefuseBuild("aclgrphBuildModel");
}
BELAY_REFUSES graphStatus aclgrphBuildModel(const std::vector<Graph>&, const std::map<std::string, std::string>&,
                              ModelBufferData&) {
  return RefuseBuild("aclgrphBuildModel");
}
BELAY_REFUSES graphStatus aclgrphSaveModel(const std::string&, const ModelBufferData&) {
  return RefuseBuild("aclgrphSaveModel");
}

BELAY_REFUSES Status CompiledGraphSummary::GetInputShardMethod(
    std::map<std::string, std::map<int32_t, std::vector<std::pair<int64_t, int64_t>>>>&) const {
  return RefuseBuild("CompiledGraphSummary::GetInputShardMethod");
}

}  // namespace ge
