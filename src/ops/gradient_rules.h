// What the rules of single nodes share (gradient.cc, gradient_window.cc).
#pragma once
#include <vector>

#include "ops/support.h"

namespace belay {

// One node, its gradient, and where gradients of its inputs go.
struct GradientStep {
  Builder& b;
  const Node* node;
  Tensor y, g;
  std::vector<Tensor> x;     // inputs
  std::vector<bool> wanted;  // by input
  std::vector<Tensor> dx;    // by input; filled by the rules

  Tensor Zero() const { return b.Scalar(g.dtype(), 0); }
};

// The extent of `count` elements that lie `step` apart.
inline Dim Spread(const Dim& count, const Dim& step) {
  return belay::Select(Equal(count, 0), 0, (count - Dim(1)) * step + Dim(1));
}

void ConvRule(GradientStep& s);
void PoolRule(GradientStep& s);

}  // namespace belay
