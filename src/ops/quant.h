// What quantising operators share.
#pragma once
#include <string>

#include "ops/support.h"

namespace belay {

// Whole numbers in a float dtype as an integer dtype, held at its bounds.
Tensor Saturated(const Tensor& x, DType dtype);
// "round" (half to even), "floor", "ceil", "trunc"; upper case is taken too.
Tensor Rounded(const Tensor& x, std::string mode);
// round(x), saturated.
Tensor Quantised(const Tensor& x, DType dtype);

}  // namespace belay
