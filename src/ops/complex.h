// Complex tensors: elements that only move, but for these functions. c64 has parts of f32, c32 of f16.
#pragma once
#include "ops/support.h"

namespace belay {

struct ComplexParts {
  Tensor real, imag;
};
ComplexParts PartsOf(const Tensor& x);
Tensor ComplexOf(const Tensor& real, const Tensor& imag);  // parts of one shape and dtype

// The discrete Fourier transform of a complex tensor; inverse divides by the extent.
Tensor Fourier(const Tensor& x, int axis, bool inverse);

}  // namespace belay
