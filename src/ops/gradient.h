// Reverse derivatives: the nodes that compute gradients of nodes of the same graph. Records of
// gradient operators use it where the forward formula is longer than its derivative is worth
// writing.
#pragma once
#include <utility>
#include <vector>

#include "ops/support.h"

namespace belay {

// An output and the gradient that comes from above, of its shape and dtype.
using Upstream = std::pair<Tensor, Tensor>;

// d(sum over all outputs of sum(dy * y)) / dx for each x, a float tensor that y was computed from;
// zeros where no y depends on x. Where a maximum has several arguments of equal size, max(a, b)
// counts as b, and a reduction passes the gradient to each of them. Fails on nodes without a
// derivative.
std::vector<Tensor> Gradients(const std::vector<Upstream>& outputs, const std::vector<Tensor>& xs);
Tensor Gradient(const Tensor& y, const Tensor& dy, const Tensor& x);

// Stands for an argument whose value the gradient does not read: that of a function linear in it.
Tensor Placeholder(Builder& b, DType dtype, const Shape& shape);

}  // namespace belay
