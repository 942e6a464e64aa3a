// Weights of 1e-40 beside weights of 1, which training leaves behind: processors take a hundred times as long for a
// product whose operand or result is denormal.
#pragma once
#include <cstdint>

namespace belay {

// Of weights whose largest is 2^-60 or more, those below 2^-100 become 2^-100 with their sign, other than 0: a change
// of less than 2^-40 of the largest, 2^-16 of one rounding. Not to 0, by which infinities multiply to NaN.
void LiftTinyWeights(float* weights, int64_t count);

}  // namespace belay
