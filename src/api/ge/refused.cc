// Members of ge::Session that are declared and refuse: name and reason go to GEGetErrorMsgV2.
#include "api/ge/state.h"

namespace api = belay::api;

namespace ge {

#define REFUSED(member, ...) \
  Status Session::member __VA_ARGS__ { return api::Refuse("Session::" #member); }

REFUSED(GetVariables, (const std::vector<AscendString>&, std::vector<Tensor>&))
REFUSED(RegisterCallBackFunc, (const char*, const session::pCallBackFunc&))
REFUSED(FeedDataFlowGraph, (uint32_t, const std::vector<Tensor>&, const DataFlowInfo&, int32_t))
REFUSED(FeedDataFlowGraph, (uint32_t, const std::vector<uint32_t>&, const std::vector<Tensor>&,
                            const DataFlowInfo&, int32_t))
REFUSED(FetchDataFlowGraph, (uint32_t, std::vector<Tensor>&, DataFlowInfo&, int32_t))
REFUSED(FetchDataFlowGraph, (uint32_t, const std::vector<uint32_t>&, std::vector<Tensor>&, DataFlowInfo&,
                             int32_t))
REFUSED(ShardGraphsToFile, (const char*) const)
REFUSED(SaveGraphsToPb, (const char*) const)
REFUSED(RunGraphDistribute, (uint32_t, const std::map<int32_t, std::vector<Tensor>>&,
                             std::map<int32_t, std::vector<Tensor>>&))
#undef REFUSED

}  // namespace ge
