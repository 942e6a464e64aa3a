// The filters of Winograd's F(4,3) in the transformed domain and in panels, made once at load.
#pragma once
#include <cstdint>

namespace belay::winograd {

inline constexpr int kIn = 6, kOut = 4, kFilter = 3, kProducts = kIn * kIn;
// Interpolation points: 0, +-kP, +-kQ and infinity.
inline constexpr double kP = 0.75, kQ = 1.5;

// Element (y, x, c, o) of the filter lies at offset + the sum of each by its stride.
struct FilterLayout {
  int64_t offset, y_stride, x_stride, c_stride, o_stride, channels, outputs, nr;
};

// U = G w G' in panels [O/nr][36][C][nr], zeros behind the outputs; sums in f64, rounded once.
void PackFilter(const FilterLayout& l, const float* src, float* dst);

}  // namespace belay::winograd
