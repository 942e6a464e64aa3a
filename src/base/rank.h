// The rank of callers' tensors.
#pragma once

namespace belay {

inline constexpr int kMaxRank = 25;  // of gert::Shape

}  // namespace belay
