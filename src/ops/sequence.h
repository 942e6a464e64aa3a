// What operators on sequences and optionals share: tensors of kResource. One whose elements are known is a node that
// holds them all, so that reading it gives them and nothing is left for the run.
#pragma once
#include <optional>
#include <vector>

#include "graph/element_type.h"
#include "ops/support.h"

namespace belay {

// Of one dtype, which only an empty one has to be told.
Tensor MakeSequence(Builder& b, const std::vector<Tensor>& elements, DType dtype = DType::kUndefined);
Tensor MakeOptional(Builder& b, const std::vector<Tensor>& element, ElementTypePtr type);  // one element or none
std::optional<std::vector<Tensor>> KnownElements(const Tensor& sequence);
bool IsOptional(const Tensor& sequence);
std::optional<int64_t> KnownNumber(const Tensor& x);

Tensor LengthOf(const Tensor& sequence);
Tensor ElementAt(const Tensor& sequence, const Tensor& position);
// `position` empty: at the end.
Tensor Insert(const Tensor& sequence, const Tensor& element, const Tensor& position);
// `position` empty: the last one.
Tensor Erase(const Tensor& sequence, const Tensor& position);
Tensor ConcatElements(const Tensor& sequence, int64_t axis, bool new_axis);
// `sizes` empty: pieces of 1, whose axis stays when `keep`.
Tensor SplitIntoSequence(const Tensor& x, int64_t axis, const Tensor& sizes, bool keep);
Tensor HasElement(const Tensor& optional);
Tensor GetElement(const Tensor& optional);

}  // namespace belay
