// Transposed convolution, channels-last: what carries the gradient of a convolution's result to its
// input.
#pragma once
#include "ops/support.h"

namespace belay {

struct TransposedConvolution {
  std::vector<int64_t> kernel, strides, dilations;
  std::vector<Dim> crop_lo, crop_hi;  // the pads of the forward convolution
  int64_t groups = 1;
};

// x [N, in..., Cx], filter [spatial..., Cx, Cy/groups] -> [N, out..., Cy]. Where kernels are whole multiples of the
// strides, a convolution gives the results of each phase, which are then put between each other; where windows do not
// overlap it is one matrix product. Else, and with groups or dilations, zeros go between the elements of x, and a
// convolution with the flipped filter follows.
Tensor TransposedConv(const Tensor& x, const Tensor& filter, const TransposedConvolution& t,
                      DType acc);

}  // namespace belay
