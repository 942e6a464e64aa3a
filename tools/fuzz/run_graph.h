// Imports, compiles and runs a model.
#pragma once
#include <string>

namespace belay::fuzz {

// On inputs of few elements, which follow from the bytes; false where any of it is refused.
bool RunOnnx(const std::string& bytes);

}  // namespace belay::fuzz
