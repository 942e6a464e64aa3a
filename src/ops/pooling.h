// Pooling over windows of 2 or 3 spatial dims, and its attributes as GE writes them.
#pragma once
#include "ops/window.h"

namespace belay {

struct PoolSetup {
  Tensor x;  // channels-last
  bool channels_first = false;
  Window window;
  Pads pads;
};

// Reads ksize and strides; `padding` is SAME, VALID or CALCULATED (by explicit_pads).
PoolSetup SetupPool(const Body& b, const Tensor& input, const std::string& format,
                    const std::vector<int64_t>& dilations, const std::string& padding,
                    const std::vector<int64_t>& explicit_pads);
// The same where the attributes' entries stand in another order: attrs_first tells whether their channels are second.
PoolSetup SetupPool(const Body& b, const Tensor& input, bool channels_first, bool attrs_first,
                    const std::vector<int64_t>& dilations, const std::string& padding,
                    const std::vector<int64_t>& explicit_pads);
// Channels-last, as s.x is. divisor 0: how many cells each window covers, with or without pads.
Tensor AveragePool(const PoolSetup& s, bool ceil_mode, bool count_pads, int64_t divisor);
// The last two dims in equal parts: window i covers floor(i*n/out) to ceil((i+1)*n/out).
Tensor AdaptiveAverage(const Tensor& x, const std::vector<int64_t>& out);
std::vector<int> SpatialAxes(const std::string& format, int rank);

}  // namespace belay
