// Random numbers as maps of a counter: Philox4x32 with 10 rounds. The same key and counter give the
// same numbers on any machine and at any number of threads. Streams are consumed in TensorFlow's
// way: block j belongs to counter + j and gives four words, element i takes the next of them.
#pragma once
#include "ops/support.h"

namespace belay {

// Rank-0 u64 tensors.
struct RandomStream {
  Tensor key;
  Tensor counter_low, counter_high;  // of 128 bits
};
// Integer tensors of one element; an empty `high` counts as 0.
RandomStream StreamOf(Builder& b, const Tensor& key, const Tensor& low, const Tensor& high);
// Of an operator with attributes seed and seed2: the same numbers in every run. Both 0: the next of the
// process's seeds in each run.
RandomStream SeededStream(Body& b);

Tensor RandomBits(const RandomStream& s, DType dtype, const Shape& shape);  // u32 or u64
// Numbers in [0, 1) on the grid of `dtype`'s mantissa; halves come as f32.
Tensor RandomUniform(const RandomStream& s, DType dtype, const Shape& shape);
// Standard normal numbers (Box and Muller); halves come as f32.
Tensor RandomNormal(const RandomStream& s, DType dtype, const Shape& shape);

}  // namespace belay
