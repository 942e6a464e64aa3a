// For the files compiled once per std::string: where the strings live that functions return
// references to. No std::string here, so that both sides agree on every declaration.
#pragma once
#include <memory>

#include "graph/graph.h"
#include "graph/inference_context.h"

#if _GLIBCXX_USE_CXX11_ABI
#define BELAY_STRING_ABI 1
#else
#define BELAY_STRING_ABI 0
#endif

namespace ge {

std::shared_ptr<void>* GraphNameSlot(const GraphImplPtr& impl, int abi);  // nullptr without impl
std::shared_ptr<void>* MarksSlot(InnerInferenceContext* impl, int abi);

}  // namespace ge
