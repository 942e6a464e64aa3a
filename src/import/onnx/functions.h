// Model-local functions: every call is replaced by the function's nodes, with its own names and opsets.
#pragma once
#include "base/status.h"
#include "import/onnx/proto.h"

namespace belay::onnx {

Status InlineFunctions(Model* model);

}  // namespace belay::onnx
