#ifndef INC_EXTERNAL_GE_GE_IR_BUILD_H_
#define INC_EXTERNAL_GE_GE_IR_BUILD_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ge/ge_api_types.h"
#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/graph.h"
#include "graph/tensor.h"

namespace ge {

// The bytes of a built model; their format is this library's own.
struct ModelBufferData {
  std::shared_ptr<uint8_t> data = nullptr;
  uint64_t length = 0;
};

enum aclgrphAttrType : uint32_t { ATTR_TYPE_KEEP_DTYPE = 0, ATTR_TYPE_WEIGHT_COMPRESS = 1 };

graphStatus aclgrphBuildInitialize(std::map<std::string, std::string> global_options);
graphStatus aclgrphBuildInitialize(std::map<AscendString, AscendString>& global_options);
void aclgrphBuildFinalize();
graphStatus aclgrphBuildModel(const Graph& graph,
                              const std::map<std::string, std::string>& build_options,
                              ModelBufferData& model);
graphStatus aclgrphBuildModel(const Graph& graph,
                              const std::map<AscendString, AscendString>& build_options,
                              ModelBufferData& model);
graphStatus aclgrphSaveModel(const std::string& output_file, const ModelBufferData& model);
graphStatus aclgrphSaveModel(const char* output_file, const ModelBufferData& model);
graphStatus aclgrphGetIRVersion(int32_t* major_version, int32_t* minor_version,
                                int32_t* patch_version);
graphStatus aclgrphDumpGraph(const Graph& graph, const char* file, const size_t len);
graphStatus aclgrphGenerateForOp(const AscendString& op_type, const std::vector<TensorDesc>& inputs,
                                 const std::vector<TensorDesc>& outputs, Graph& graph);
graphStatus aclgrphGenerateForOp(const AscendString& json_path, std::vector<Graph>& graphs);
graphStatus aclgrphSetOpAttr(Graph& graph, aclgrphAttrType attr_type, const char* cfg_path);
graphStatus aclgrphBuildModel(const std::vector<Graph>& graphs,
                              const std::map<std::string, std::string>& build_options,
                              ModelBufferData& model);
graphStatus aclgrphBuildModel(const std::vector<Graph>& graphs,
                              const std::map<AscendString, AscendString>& build_options,
                              ModelBufferData& model);

}  // namespace ge

#endif  // INC_EXTERNAL_GE_GE_IR_BUILD_H_
