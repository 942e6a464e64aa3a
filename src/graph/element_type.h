// What is known of a sequence's or optional's elements: how it joins on two ways, and as numbers in an attribute.
#pragma once
#include <memory>
#include <vector>

#include "graph/graph.h"

namespace belay {

using ElementTypePtr = std::shared_ptr<const ElementType>;

// What holds of both; nullptr where that is nothing.
ElementTypePtr JoinElements(const ElementTypePtr& x, const ElementTypePtr& y);
bool SameElements(const ElementTypePtr& x, const ElementTypePtr& y);

// {optional, dtype, rank} of every level, from the outside. Data nodes carry it as attribute "element".
std::vector<int64_t> EncodeElement(const ElementTypePtr& type);
ElementTypePtr DecodeElement(const std::vector<int64_t>& numbers);  // nullptr where they are none

}  // namespace belay
