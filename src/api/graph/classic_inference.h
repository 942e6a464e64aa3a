// Functions on ge::Operator, as INFER_FUNC_REG and VERIFY_FUNC_REG register them.
#pragma once
#include "api/graph/op_impl.h"

namespace belay {

bool HasClassicInference(const std::string& type);
// Verifies, then infers: fills dims, and dtypes where the function sets them.
Status RunClassicInference(const OpNode& node, PlainCall& call);

// Calls a function of the program's: `what` stands in the message of a status that is no success, and of what
// it throws.
template <typename Fn>
Status CallForeign(const std::string& what, Fn fn) {
  try {
    const uint32_t status = fn();
    if (status == ge::GRAPH_SUCCESS) return OkStatus();
    return InvalidArgument("{} failed with status {}", what, status);
  } catch (const std::exception& error) {
    return InvalidArgument("{} threw an exception: {}", what, error.what());
  } catch (...) {
    return InvalidArgument("{} threw an exception", what);
  }
}

}  // namespace belay
