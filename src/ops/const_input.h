// Constants among an ONNX node's inputs.
#pragma once
#include <optional>

#include "ops/support.h"

namespace belay {

// The one integer or bool that input i holds; nullopt where it is no constant. Fails on other constants.
std::optional<int64_t> ConstInt(OnnxNode& n, int i);

}  // namespace belay
