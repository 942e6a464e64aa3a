// What programs registered by operator type, beside the built-in prototypes.
#pragma once
#include <string>

#include "api/graph/op_desc.h"
#include "graph/operator_factory.h"

namespace ge {

// Empty functions when nothing is registered.
InferShapeFunc RegisteredInference(const std::string& type);
VerifyFunc RegisteredVerifier(const std::string& type);
bool HasCreator(const std::string& type);
// Declares everything that the table, or else the program's own class, says of the type; false when
// neither has it.
bool DeclareType(OpDesc* desc);

}  // namespace ge
