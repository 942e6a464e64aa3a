// Loops of library functions over vectors as wide as the processor has them. The bytes are the same with vectors of any
// width: no sum is reordered, and products and sums round each.
#pragma once
#include <cstdint>

namespace belay {

// Rows times one matrix: out[r][c] += sum over k of x[r][k] * w[k * stride + c], the sum taken from the first k on.
template <typename T>
struct RowProducts {
  const T* const* x;
  T* const* out;
  int64_t rows, inner, columns;
  const T* w;
  int64_t stride;
};
void AddRowProducts(const RowProducts<float>& p);
void AddRowProducts(const RowProducts<double>& p);

// Of each element, within 4 ulp.
void SigmoidInPlace(float* x, int64_t n);
void TanhInPlace(float* x, int64_t n);

}  // namespace belay
