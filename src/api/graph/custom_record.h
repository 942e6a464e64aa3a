// Operators that a program registered, as records of the engine.
#pragma once
#include <memory>

#include "api/graph/op_desc.h"
#include "graph/custom_op.h"

namespace belay {

// The record of a node whose type the program brought, or computes itself; null when it is the engine's, or
// nobody's. The node's later changes are not seen.
std::shared_ptr<const OpRecord> CustomRecord(const ge::OpDesc& desc);

// Gives a node's outputs their descriptions by the inference the program registered for its type; `call` has the
// inputs. Not found when there is none.
Status InferCustom(const ge::OpDesc& desc, const std::vector<bool>& there, PlainCall& call);

}  // namespace belay
