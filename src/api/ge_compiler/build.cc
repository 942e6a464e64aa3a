// ge/ge_ir_build.h: models built ahead of time. Files of our own do not exist yet, so these refuse; what works on
// graphs stands in single_op.cc, op_attr.cc and dump.cc.
#include "ge/ge_ir_build.h"

#include "api/ge_compiler/refuse.h"
#include "api/marks.h"
#include "base/error_report.h"

namespace belay::api {

ge::graphStatus RefuseBuild(const char* function) {
  ReportError({"EU0005", std::string(function) + " is not supported yet", function, "not supported",
               "compile the graph in a ge::Session: AddGraph, CompileGraph, LoadGraph"});
  return ge::GRAPH_FAILED;
}

}  // namespace belay::api

namespace ge {

using belay::api::RefuseBuild;

BELAY_REFUSES graphStatus aclgrphBuildInitialize(std::map<AscendString, AscendString>&) {
  return RefuseBuild("aclgrphBuildInitialize");
}
BELAY_NO_EFFECT void aclgrphBuildFinalize() {}
BELAY_REFUSES graphStatus aclgrphBuildModel(const Graph&, const std::map<AscendString, AscendString>&,
                              ModelBufferData&) {
  return RefuseBuild("aclgrphBuildModel");
}
BELAY_REFUSES graphStatus aclgrphBuildModel(const std::vector<Graph>&, const std::map<AscendString, AscendString>&,
                              ModelBufferData&) {
  return RefuseBuild("aclgrphBuildModel");
}
BELAY_REFUSES graphStatus aclgrphSaveModel(const char*, const ModelBufferData&) {
  return RefuseBuild("aclgrphSaveModel");
}
graphStatus aclgrphGetIRVersion(int32_t* major_version, int32_t* minor_version,
                                int32_t* patch_version) {
  if (major_version == nullptr || minor_version == nullptr || patch_version == nullptr) {
    return GRAPH_PARAM_INVALID;
  }
  *major_version = 1;
  *minor_version = 0;
  *patch_version = 0;
  return GRAPH_SUCCESS;
}

}  // namespace ge
