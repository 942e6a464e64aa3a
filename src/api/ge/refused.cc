// Members of ge::Session that are declared and refuse: name and reason go to GEGetErrorMsgV2.
#include "api/ge/state.h"

namespace api = belay::api;

namespace ge {

#define REFUSED(member, ...) \
  Status Session::member __VA_ARGS__ { return api::Refuse("Session::" #member); }

REFUSED(AddGraphWithCopy, (uint32_t, const Graph&))
REFUSED(AddGraphWithCopy, (uint32_t, const Graph&, const std::map<AscendString, AscendString>&))
REFUSED(RunGraphWithStreamAsync, (uint32_t, void*, const std::vector<Tensor>&, std::vector<Tensor>&))
REFUSED(BuildGraph, (uint32_t, const std::vector<InputTensorInfo>&))
REFUSED(BuildGraph, (uint32_t, const std::vector<Tensor>&))
REFUSED(RunGraphAsync, (uint32_t, const std::vector<Tensor>&, RunAsyncCallback))
REFUSED(GetVariables, (const std::vector<AscendString>&, std::vector<Tensor>&))
REFUSED(RegisterCallBackFunc, (const char*, const session::pCallBackFunc&))
REFUSED(FeedDataFlowGraph, (uint32_t, const std::vector<Tensor>&, const DataFlowInfo&, int32_t))
REFUSED(FeedDataFlowGraph, (uint32_t, const std::vector<uint32_t>&, const std::vector<Tensor>&,
                            const DataFlowInfo&, int32_t))
REFUSED(FetchDataFlowGraph, (uint32_t, std::vector<Tensor>&, DataFlowInfo&, int32_t))
REFUSED(FetchDataFlowGraph, (uint32_t, const std::vector<uint32_t>&, std::vector<Tensor>&, DataFlowInfo&,
                             int32_t))
REFUSED(SetGraphConstMemoryBase, (uint32_t, const void*, size_t))
REFUSED(UpdateGraphFeatureMemoryBase, (uint32_t, const void*, size_t))
REFUSED(SetGraphFixedFeatureMemoryBase, (uint32_t, const void*, size_t))
REFUSED(SetGraphFixedFeatureMemoryBaseWithType, (uint32_t, MemoryType, const void*, size_t))
REFUSED(UpdateGraphRefreshableFeatureMemoryBase, (uint32_t, const void*, size_t))
REFUSED(RegisterExternalAllocator, (const void*, AllocatorPtr) const)
REFUSED(UnregisterExternalAllocator, (const void*) const)
REFUSED(ShardGraphsToFile, (const char*) const)
REFUSED(SaveGraphsToPb, (const char*) const)
REFUSED(RunGraph, (uint32_t, const ContinuousTensorList&, std::vector<Tensor>&))
REFUSED(RunGraphDistribute, (uint32_t, const std::map<int32_t, std::vector<Tensor>>&,
                             std::map<int32_t, std::vector<Tensor>>&))
REFUSED(RunGraphAsync, (uint32_t, const ContinuousTensorList&, RunAsyncCallback))
#undef REFUSED

bool Session::IsGraphNeedRebuild(uint32_t) {
  (void)api::Refuse("Session::IsGraphNeedRebuild");
  return false;
}

CompiledGraphSummaryPtr Session::GetCompiledGraphSummary(uint32_t) {
  (void)api::Refuse("Session::GetCompiledGraphSummary");
  return nullptr;
}

}  // namespace ge
