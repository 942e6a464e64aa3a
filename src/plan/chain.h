// Chains: consecutive steps over images or matrices of which a thread runs a few groups of chunks at a time, so that
// what one step leaves for the next never leaves the caches. The pixels of a matrix are its rows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "plan/kernel.h"

namespace belay {

// A step of a chain. All but the last write into a thread's own memory; all but the first read from it, through a
// window over rows of pixels.
struct ChainStage {
  PixelOrder order;
  int64_t groups = 0;
  int64_t pixel_bytes = 0;    // of the result
  int image_input = 0;        // of the kernel: what the stage before wrote
  int64_t read_channels = 0;  // elements of a pixel of that
  int64_t in_rows = 0, in_columns = 0, out_rows = 0, out_columns = 0;  // of one image
  int64_t stride = 1, pad = 0, reach = 1;  // along rows; reach: from a window's first row behind its last
  int64_t held_groups = 0;  // that a thread keeps of the result; 0 for the last stage

  int64_t GroupBytes() const { return order.pixels * pixel_bytes; }
  int64_t HeldBytes() const { return held_groups * GroupBytes(); }
};

constexpr size_t kMostStages = 8;
constexpr size_t kMostStageBuffers = 16;  // of one stage: its inputs and its result

struct Chain {
  int first_step = 0;
  std::vector<ChainStage> stages;

  int end_step() const { return first_step + static_cast<int>(stages.size()); }
};

struct GroupRange {
  int64_t begin, end;
};
// The groups of `below` whose pixels a group of the stage behind it reads.
GroupRange GroupsRead(const ChainStage& below, const ChainStage& stage, int64_t group);
// The first pixel of a group's result, in memory order over all images.
int64_t FirstPixel(const ChainStage& stage, int64_t group);

}  // namespace belay
