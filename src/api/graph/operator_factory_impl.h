// What programs registered by operator type, beside the built-in prototypes.
#pragma once
#include <string>

#include "graph/operator_factory.h"

namespace ge {

// Empty functions when nothing is registered.
InferShapeFunc RegisteredInference(const std::string& type);
VerifyFunc RegisteredVerifier(const std::string& type);

}  // namespace ge
