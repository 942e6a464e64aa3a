// Rows written into caches of keys and values. Caches are values here: the result is the cache with the
// rows in it; whether that happens in place is the compiler's affair.
#pragma once
#include "ops/support.h"

namespace belay {

// cache [B, N, max, D], rows [B, N, S, D]; index [B, S] (or [B] for one row each): their places.
Tensor WrittenAt(const Tensor& cache, const Tensor& rows, const Tensor& index);
// cache [B, max, N, D], rows [B, S, N, D]; first [B]: where each batch's rows begin.
Tensor WrittenFrom(const Tensor& cache, const Tensor& rows, const Tensor& first);
// cache [blocks, size, N, D] of slots block * size + place, rows [T, N, D]; slots [T], negative: not written.
Tensor WrittenToSlots(const Tensor& cache, const Tensor& rows, const Tensor& slots);
// cache [blocks, H / x, size, x], rows [T, H]; slots as above.
Tensor WrittenToFractals(const Tensor& cache, const Tensor& rows, const Tensor& slots);

// x * 1 / sqrt(mean(x^2) + epsilon) * gamma over the last dim.
Tensor RmsNormed(const Tensor& x, const Tensor& gamma, double epsilon);
// The rotation of pairs that lie side by side; the result has first all first elements, then all second
// ones, as cos and sin have.
Tensor TurnedPairs(const Tensor& x, const Tensor& cos, const Tensor& sin);

}  // namespace belay
