// The functions that programs registered for operator types beyond ge::Operator's: IMPL_OP fills this in, the
// records of a program's operators use it.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/graph/op_desc.h"
#include "graph/custom_op.h"

namespace belay {

// A node as its functions may know it.
struct OpNode {
  std::shared_ptr<const ge::OpDesc> desc;
  std::vector<bool> there;  // by input instance: connected
};

struct OpImpl {
  std::function<Status(const OpNode& node, PlainCall& call)> infer_shape;  // fills dims
  std::function<Status(const OpNode& node, PlainCall& call)> infer_type;   // fills dtypes
  std::function<Result<decltype(CustomOp::compute)>(const OpNode& node)> compute;
  std::vector<int> reads_values;  // inputs of the prototype whose contents infer_shape reads
  std::vector<std::pair<std::string, ge::AttrData>> private_attrs;  // with their defaults; monostate: none
};

// Empty functions where nothing is registered.
OpImpl FindOpImpl(const std::string& type);
bool HasOpImpl(const std::string& type);
void ChangeOpImpl(const std::string& type, const std::function<void(OpImpl& impl)>& change);

}  // namespace belay
