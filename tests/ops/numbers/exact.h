// What operators of one formula mean, in long double: the judge of their kernels' last bits.
#pragma once
#include <string>

namespace belay {

// The value for these arguments (as many as the operator has inputs); nullptr: no definition here. Attributes are those
// of the prototype's defaults.
using ExactFn = long double (*)(const long double* x);
ExactFn ExactOf(const std::string& op);

}  // namespace belay
