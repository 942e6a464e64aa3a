// What is declared in ge/ and refuses: name and reason go to GEGetErrorMsgV2.
#include "api/ge/state.h"
#include "api/marks.h"

namespace api = belay::api;

namespace ge {

#define REFUSED(member, ...) \
  BELAY_REFUSES Status Session::member __VA_ARGS__ { return api::Refuse("Session::" #member); }

REFUSED(FeedDataFlowGraph, (uint32_t, const std::vector<Tensor>&, const DataFlowInfo&, int32_t))
REFUSED(FeedDataFlowGraph, (uint32_t, const std::vector<uint32_t>&, const std::vector<Tensor>&,
                            const DataFlowInfo&, int32_t))
REFUSED(FetchDataFlowGraph, (uint32_t, std::vector<Tensor>&, DataFlowInfo&, int32_t))
REFUSED(FetchDataFlowGraph, (uint32_t, const std::vector<uint32_t>&, std::vector<Tensor>&, DataFlowInfo&,
                             int32_t))
REFUSED(ShardGraphsToFile, (const char*) const)
REFUSED(RunGraphDistribute, (uint32_t, const std::map<int32_t, std::vector<Tensor>>&,
                             std::map<int32_t, std::vector<Tensor>>&))
#undef REFUSED

#define REFUSED(name, ...) \
  BELAY_REFUSES Status name __VA_ARGS__ { return api::Refuse(#name); }

REFUSED(GetModelDistributeDesc, (const void*, const uint64_t, ModelDistibuteDesc&))
#undef REFUSED

}  // namespace ge
