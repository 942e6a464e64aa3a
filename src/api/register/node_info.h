// A node as gert contexts show it: names, instances of its ports, attributes.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "api/graph/op_impl.h"
#include "exe_graph/runtime/compute_node_info.h"

namespace belay {

using DTypes = std::vector<DType>;

// The block of a gert::ComputeNodeInfo.
class NodeInfo {
 public:
  // Refuses attributes of kinds that no function can read.
  static Result<NodeInfo> Make(const OpNode& node);

  // With the types of the inputs that are there and of all outputs.
  NodeInfo With(const DTypes& inputs, const DTypes& outputs) const;
  const gert::ComputeNodeInfo* get() const { return reinterpret_cast<const gert::ComputeNodeInfo*>(block_.data()); }

 private:
  gert::ComputeNodeInfo* mutable_info() { return reinterpret_cast<gert::ComputeNodeInfo*>(block_.data()); }

  std::shared_ptr<const ge::OpDesc> desc_;  // has the names
  std::vector<uint64_t> block_;
};

}  // namespace belay
