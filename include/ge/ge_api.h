#ifndef INC_EXTERNAL_GE_GE_API_H_
#define INC_EXTERNAL_GE_GE_API_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exe_graph/runtime/tensor.h"
#include "ge/ge_allocator.h"
#include "ge/ge_api_error_codes.h"
#include "ge/ge_api_types.h"
#include "ge/ge_continuous_tensor_list_api.h"
#include "ge/ge_data_flow_api.h"
#include "ge/ge_graph_compile_summary.h"
#include "graph/ascend_string.h"
#include "graph/graph.h"
#include "graph/tensor.h"

namespace ge {

typedef uint32_t (*pCallBackFunc)(uint32_t graph_id,
                                  const std::map<std::string, ge::Tensor>& params_list);

namespace session {
typedef uint32_t (*pCallBackFunc)(uint32_t graph_id,
                                  const std::map<AscendString, ge::Tensor>& params_list);
}  // namespace session

// Starts the engine in this process; again is SUCCESS and changes nothing.
Status GEInitialize(const std::map<std::string, std::string>& options);
Status GEInitialize(const std::map<AscendString, AscendString>& options);
// Ends every session; SUCCESS when nothing was started.
Status GEFinalize();
// The pending text of this thread, which is then cleared; "" when there is none.
std::string GEGetErrorMsg();
ge::AscendString GEGetErrorMsgV2();
std::string GEGetWarningMsg();
ge::AscendString GEGetWarningMsgV2();
Status GetModelDistributeDesc(const void* data, const uint64_t length,
                              ModelDistibuteDesc& model_dist_desc);

// Graphs by id: added, compiled, loaded, executed. The constructor does not throw: the calls of a
// session that could not be made return FAILED.
class Session {
 public:
  explicit Session(const std::map<std::string, std::string>& options);
  explicit Session(const std::map<AscendString, AscendString>& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Status AddGraph(uint32_t graph_id, const Graph& graph);
  Status AddGraph(uint32_t graph_id, const Graph& graph,
                  const std::map<std::string, std::string>& options);
  Status AddGraph(uint32_t graph_id, const Graph& graph,
                  const std::map<AscendString, AscendString>& options);
  Status AddGraphWithCopy(uint32_t graph_id, const Graph& graph);
  Status AddGraphWithCopy(uint32_t graph_id, const Graph& graph,
                          const std::map<AscendString, AscendString>& options);
  Status RemoveGraph(uint32_t graph_id);
  Status RunGraph(uint32_t graph_id, const std::vector<Tensor>& inputs,
                  std::vector<Tensor>& outputs);
  Status LoadGraph(const uint32_t graph_id, const std::map<AscendString, AscendString>& options,
                   void* stream) const;
  Status ExecuteGraphWithStreamAsync(uint32_t graph_id, void* stream,
                                     const std::vector<gert::Tensor>& inputs,
                                     std::vector<gert::Tensor>& outputs);
  Status RunGraphWithStreamAsync(uint32_t graph_id, void* stream, const std::vector<Tensor>& inputs,
                                 std::vector<Tensor>& outputs);
  Status BuildGraph(uint32_t graph_id, const std::vector<InputTensorInfo>& inputs);
  Status BuildGraph(uint32_t graph_id, const std::vector<Tensor>& inputs);
  Status RunGraphAsync(uint32_t graph_id, const std::vector<Tensor>& inputs,
                       RunAsyncCallback callback);
  Status GetVariables(const std::vector<std::string>& var_names, std::vector<Tensor>& var_values);
  Status GetVariables(const std::vector<AscendString>& var_names, std::vector<Tensor>& var_values);
  Status RegisterCallBackFunc(const std::string& key, const pCallBackFunc& callback);
  Status RegisterCallBackFunc(const char* key, const session::pCallBackFunc& callback);
  bool IsGraphNeedRebuild(uint32_t graph_id);
  uint64_t GetSessionId() const;
  Status FeedDataFlowGraph(uint32_t graph_id, const std::vector<Tensor>& inputs,
                           const DataFlowInfo& info, int32_t timeout);
  Status FeedDataFlowGraph(uint32_t graph_id, const std::vector<uint32_t>& indexes,
                           const std::vector<Tensor>& inputs, const DataFlowInfo& info,
                           int32_t timeout);
  Status FetchDataFlowGraph(uint32_t graph_id, std::vector<Tensor>& outputs, DataFlowInfo& info,
                            int32_t timeout);
  Status FetchDataFlowGraph(uint32_t graph_id, const std::vector<uint32_t>& indexes,
                            std::vector<Tensor>& outputs, DataFlowInfo& info, int32_t timeout);
  Status CompileGraph(uint32_t graph_id);
  CompiledGraphSummaryPtr GetCompiledGraphSummary(uint32_t graph_id);
  Status SetGraphConstMemoryBase(uint32_t graph_id, const void* const memory, size_t size);
  Status UpdateGraphFeatureMemoryBase(uint32_t graph_id, const void* const memory, size_t size);
  Status SetGraphFixedFeatureMemoryBase(uint32_t graph_id, const void* const memory, size_t size);
  Status SetGraphFixedFeatureMemoryBaseWithType(uint32_t graph_id, MemoryType type,
                                                const void* const memory, size_t size);
  Status UpdateGraphRefreshableFeatureMemoryBase(uint32_t graph_id, const void* const memory,
                                                 size_t size);
  Status RegisterExternalAllocator(const void* const stream, AllocatorPtr allocator) const;
  Status UnregisterExternalAllocator(const void* const stream) const;
  Status ShardGraphsToFile(const char* file_path = "./") const;
  Status SaveGraphsToPb(const char* file_path) const;
  Status RunGraph(uint32_t graph_id, const ContinuousTensorList& inputs,
                  std::vector<Tensor>& outputs);
  Status RunGraphDistribute(uint32_t graph_id,
                            const std::map<int32_t, std::vector<Tensor>>& device_to_inputs,
                            std::map<int32_t, std::vector<Tensor>>& device_to_outputs);
  Status LoadGraph(const uint32_t graph_id, const std::map<std::string, std::string>& options,
                   const std::string& om_file_path) const;
  Status RunGraphAsync(uint32_t graph_id, const ContinuousTensorList& inputs,
                       RunAsyncCallback callback);

 private:
  uint64_t sessionId_;
};

}  // namespace ge

#ifdef __cplusplus
extern "C" {
#endif

ge::Status GeSessionLoadGraph(ge::Session& session, uint32_t graph_id,
                              const std::map<ge::AscendString, ge::AscendString>& options,
                              void* stream);
// Enqueues one run and returns; the outputs are defined once the stream is synchronised.
ge::Status GeSessionExecuteGraphWithStreamAsync(ge::Session& session, uint32_t graph_id,
                                                void* stream,
                                                const std::vector<gert::Tensor>& inputs,
                                                std::vector<gert::Tensor>& outputs);
// What a compiled graph became, as JSON.
ge::Status GeSessionGraphDebugJSONPrint(ge::Session& session, uint32_t graph_id, uint32_t flags,
                                        ge::AscendString& json_result);
// Names and kinds of a type's inputs, outputs and attributes.
ge::Status GetRegisteredIrDef(
    const char* op_type, std::vector<std::pair<ge::AscendString, ge::AscendString>>& inputs,
    std::vector<std::pair<ge::AscendString, ge::AscendString>>& outputs,
    std::vector<std::pair<ge::AscendString, ge::AscendString>>& attrs);

#ifdef __cplusplus
}
#endif

#endif  // INC_EXTERNAL_GE_GE_API_H_
