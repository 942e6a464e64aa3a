// Element types of 8 bits and fewer that have no arithmetic of their own: small floats and integers. Inside a
// graph an element lies in a byte of its own, see StorageOf; in memory that users see it is packed, see BitWidth.
#pragma once
#include <cstdint>

#include "base/dtype.h"

namespace belay {

// How a small float writes what is no number.
enum class SmallFloatSpecials : uint8_t {
  kNone,          // every code is a number
  kIeee,          // the highest exponent holds infinity and NaNs
  kOneNan,        // the highest code is NaN, no infinity
  kNegativeZero,  // the code of -0 is the only NaN, no infinity
};

struct SmallFloat {
  int exponent_bits, mantissa_bits, bias;
  SmallFloatSpecials specials;

  int MagnitudeBits() const { return exponent_bits + mantissa_bits; }
  int HighestCode() const;  // of the largest finite number
};

// nullptr for other types. Not f8e8m0, which has no sign and no mantissa.
const SmallFloat* FindSmallFloat(DType dtype);
constexpr bool IsSmallInt(DType d) {
  return d == DType::kI4 || d == DType::kU4 || d == DType::kI2 || d == DType::kU2 || d == DType::kU1;
}
bool IsNarrow(DType dtype);  // a small float, f8e8m0 or a small integer

// What holds an element inside a graph. Of narrow types a byte: i8 with the sign spread for signed integers, else
// u8 with zeros above the element's bits. Of complex numbers an unsigned integer of both parts, the real one low.
// Of texts and sequences the i64 that is their number, see graph/run_values.h. Other types hold themselves.
DType StorageOf(DType dtype);

enum class E8M0Rounding : uint8_t { kUp, kDown, kNearest };

// ONNX's Cast: to nearest, ties to even. saturate: what is out of range becomes the largest number, else
// infinity or NaN as far as the type has them. A NaN that the type cannot hold becomes -0.
struct NarrowRounding {
  bool saturate = true;
  E8M0Rounding e8m0 = E8M0Rounding::kUp;
};

// One element's code, in the low bits, and its value.
double NarrowToDouble(DType dtype, uint8_t code);
uint8_t DoubleToNarrow(DType dtype, double value, NarrowRounding rounding = {});

}  // namespace belay
