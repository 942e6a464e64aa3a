// What quantising operators share.
#pragma once
#include <string>

#include "ops/support.h"

namespace belay {

// Whole numbers in a float dtype as an integer dtype, held at its bounds.
Tensor Saturated(const Tensor& x, DType dtype);
// "round" (half to even), "floor", "ceil", "trunc"; upper case is taken too.
Tensor Rounded(const Tensor& x, std::string mode);
// round(x), saturated.
Tensor Quantised(const Tensor& x, DType dtype);

// Rows along the last dim in i8 or i4, with the scale that makes each row's largest magnitude the
// largest number.
struct RowQuantised {
  Tensor values, scale;  // scale: without the last dim
};
RowQuantised QuantisedRows(const Tensor& x, DType dtype);

// A 64-bit parameter holds a f32 scale in its low half and a signed 9-bit offset from bit 37; other
// dtypes are the scale itself.
struct QuantParameters {
  Tensor scale, offset;  // f32; no offset beside a plain scale
};
QuantParameters UnpackedParameters(const Tensor& t);

Tensor Turned(const Tensor& x, bool transposed);  // its last two dims exchanged

// A quantised operand of a product and what its numbers are worth: one f32 number, one per row of the left operand
// or column of the right one, or powers of two (f8e8m0) for blocks of 32 along k, in pairs: [.., rows, k / 64, 2]
// where k is the last dim, [.., k / 64, columns, 2] where it is not.
struct ScaledMatrix {
  Tensor x, scale;  // no scale: 1
  bool transposed = false;
};
// The product in f32. `group_size`: GE's attribute, 0 where it is not set.
Tensor ScaledMatMul(const ScaledMatrix& x1, const ScaledMatrix& x2, int64_t group_size);

}  // namespace belay
