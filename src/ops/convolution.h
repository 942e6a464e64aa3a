// Convolutions as GE writes them, on the core's: channels-last with filters [spatial..., C/groups, O].
#pragma once
#include "ops/window.h"

namespace belay {

// From [O, C/groups, spatial...], or [spatial..., C/groups, O] in channels-last graphs.
Tensor CoreFilter(const Tensor& filter, bool channels_first);
// From channels-last [H, W, C, M], or channels-first [C*M, 1, H, W] or [M, C, H, W].
Tensor DepthwiseFilter(const Tensor& filter, bool channels_first);
// x channels-last and a core filter by the attributes strides, dilations and pads; in the accumulator's
// dtype.
Tensor Convolved(const Body& b, const Tensor& x, const Tensor& filter, int64_t groups,
                 bool channels_first);

}  // namespace belay
