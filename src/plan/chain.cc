#include "plan/chain.h"

#include <algorithm>

namespace belay {
namespace {

// The pixels of a group, [begin, end).
GroupRange PixelsOf(const PixelOrder& order, int64_t group) {
  const int64_t span = group / order.GroupsInSpan() * order.span;
  const int64_t within = group % order.GroupsInSpan() * order.pixels;
  return {span + within, span + std::min(order.span, within + order.pixels)};
}

int64_t GroupOf(const PixelOrder& order, int64_t pixel) {
  return pixel / order.span * order.GroupsInSpan() + pixel % order.span / order.pixels;
}

// The row of the images before that a window's row `tap` meets for a row of the result, or the nearest one inside.
int64_t RowRead(const ChainStage& s, int64_t row, int64_t tap) {
  const int64_t within = row % s.out_rows * s.stride - s.pad + tap;
  return row / s.out_rows * s.in_rows + std::clamp<int64_t>(within, 0, s.in_rows - 1);
}

}  // namespace

GroupRange GroupsRead(const ChainStage& below, const ChainStage& s, int64_t group) {
  GroupRange pixels = PixelsOf(s.order, group);
  const bool pointwise = s.reach == 1 && s.stride == 1 && s.in_rows == s.out_rows && s.in_columns == s.out_columns;
  if (!pointwise) {
    const int64_t first = RowRead(s, pixels.begin / s.out_columns, 0);
    const int64_t last = RowRead(s, (pixels.end - 1) / s.out_columns, s.reach - 1);
    pixels = {first * s.in_columns, (last + 1) * s.in_columns};
  }
  return {GroupOf(below.order, pixels.begin), GroupOf(below.order, pixels.end - 1) + 1};
}

int64_t FirstPixel(const ChainStage& stage, int64_t group) { return PixelsOf(stage.order, group).begin; }

}  // namespace belay
