// Complex tensors: elements that only move, but for these functions. c64 has parts of f32, c32 of f16.
#pragma once
#include "ops/support.h"

namespace belay {

struct ComplexParts {
  Tensor real, imag;
};
ComplexParts PartsOf(const Tensor& x);
Tensor ComplexOf(const Tensor& real, const Tensor& imag);  // parts of one shape and dtype

// The discrete Fourier transform along the dim before the last; the last holds real and imaginary part.
// f32 or f64. inverse divides by the extent.
Tensor FourierPairs(const Tensor& x, bool inverse);
Tensor Fourier(const Tensor& x, int axis, bool inverse);  // of a complex tensor

}  // namespace belay
