// Narrow elements in graphs: conversions and the packed form, all made of ordinary maps on their bits.
#pragma once
#include "base/narrow.h"
#include "graph/builder.h"

namespace belay {

// Where either dtype is narrow; Cast() comes here with the default rounding.
Tensor CastNarrow(const Tensor& x, DType dtype, NarrowRounding rounding = {});

// Tensors of elements that share bytes, as users hold them: u8 of NumElements(shape) * BitWidth bits.
Dim PackedBytes(DType dtype, const Shape& shape);
Tensor Pack(const Tensor& x);
Tensor Unpack(const Tensor& bytes, DType dtype, const Shape& shape);

// Narrow values, complex ones and texts of the graph and its subgraphs become their storage: what kernels and the
// interpreter compute.
void LowerToStorage(Graph* graph);

}  // namespace belay
