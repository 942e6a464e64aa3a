// Windows of convolutions and pools: GE's layouts, attributes and padding modes.
#pragma once
#include <string>
#include <vector>

#include "ops/support.h"

namespace belay {

// "NHWC", "NCDHW", ...: where the channels are. Fails when it does not name `rank` dims.
bool ChannelsFirst(const std::string& format, int rank);
Tensor ToChannelsLast(const Tensor& x, bool channels_first);
Tensor FromChannelsLast(const Tensor& x, bool channels_first);

// Strides and the like are written per dim of x; the spatial entries, in order. A list of spatial
// entries only, or of one, is taken too.
std::vector<int64_t> SpatialEntries(const std::vector<int64_t>& values, bool channels_first,
                                    int spatial, const char* name);

// Kernels, strides, pads and the like: within 2^31, products of two and sums of such stay within an i64.
const std::vector<int64_t>& CheckReach(const std::vector<int64_t>& entries, const char* name);
// A list of ONNX with one entry per spatial dim (or two), checked likewise; empty is `fallback` everywhere.
std::vector<int64_t> PerDim(const Body& b, const char* attr, size_t count, int64_t fallback);

struct Pads {
  std::vector<Dim> lo, hi;
};
// {lo, hi} per spatial dim, as GE writes pads.
Pads ExplicitPads(const std::vector<int64_t>& pads, int spatial, const char* name);
// ONNX's and TensorFlow's SAME: as much as keeps ceil(in / stride) windows; the odd one goes behind
// the end (upper) or before the start.
Pads SamePads(const Tensor& channels_last, const std::vector<int64_t>& kernel,
              const std::vector<int64_t>& strides, const std::vector<int64_t>& dilations, bool upper);
// auto_pad (SAME_UPPER, SAME_LOWER, VALID) when front ends set it; else `explicit_pads`.
Pads PadsOf(const Body& b, const Tensor& channels_last, const std::vector<int64_t>& kernel,
            const std::vector<int64_t>& strides, const std::vector<int64_t>& dilations,
            const std::vector<int64_t>& explicit_pads);

// ONNX windows of 1, 2 or 3 spatial dims turned into GE attributes; one dim becomes two.
struct OnnxWindow {
  int spatial = 0;        // of the ONNX node
  bool unsqueezed = false;
  std::vector<int64_t> kernel, strides, pads, dilations;  // GE's form, with leading {1, 1}
  std::string format, auto_pad;
  ModelEdge Widen(OnnxNode& n, ModelEdge x) const;  // adds the second spatial dim
  ModelEdge Narrow(OnnxNode& n, ModelEdge y) const;
};
OnnxWindow ReadOnnxWindow(OnnxNode& n, const std::vector<int64_t>& kernel_shape);

}  // namespace belay
