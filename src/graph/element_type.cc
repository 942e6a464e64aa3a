#include "graph/element_type.h"

namespace belay {
namespace {

constexpr int64_t kMostDims = 64;  // what has more is no model's

// A value that is a sequence on one way and an optional of one on the other: reading it treats both alike.
ElementTypePtr JoinMixed(const ElementType& optional, const ElementTypePtr& sequence) {
  if (optional.dtype != DType::kResource) return nullptr;
  auto joined = std::make_shared<ElementType>(optional);
  joined->element = JoinElements(optional.element, sequence);
  return joined;
}

}  // namespace

ElementTypePtr JoinElements(const ElementTypePtr& x, const ElementTypePtr& y) {
  if (!x || !y) return nullptr;
  if (x->optional != y->optional) return x->optional ? JoinMixed(*x, y) : JoinMixed(*y, x);
  if (x->rank == ElementType::kNone) return y;
  if (y->rank == ElementType::kNone) return x;
  if (x->dtype != y->dtype) return nullptr;
  auto joined = std::make_shared<ElementType>(*x);
  if (x->rank != y->rank) joined->rank = ElementType::kAnyRank;
  if (x->dtype == DType::kResource) joined->element = JoinElements(x->element, y->element);
  return joined;
}

bool SameElements(const ElementTypePtr& x, const ElementTypePtr& y) {
  if (!x || !y) return !x && !y;
  return x->optional == y->optional && x->dtype == y->dtype && x->rank == y->rank &&
         SameElements(x->element, y->element);
}

std::vector<int64_t> EncodeElement(const ElementTypePtr& type) {
  std::vector<int64_t> numbers;
  for (const ElementType* t = type.get(); t; t = t->element.get()) {
    numbers.insert(numbers.end(), {t->optional ? 1 : 0, static_cast<int64_t>(t->dtype), t->rank});
  }
  return numbers;
}

ElementTypePtr DecodeElement(const std::vector<int64_t>& numbers) {
  ElementTypePtr type;
  for (size_t end = numbers.size() / 3 * 3; end > 0; end -= 3) {
    auto outer = std::make_shared<ElementType>();
    outer->optional = numbers[end - 3] != 0;
    outer->dtype = static_cast<DType>(numbers[end - 2]);
    const int64_t rank = numbers[end - 1];
    outer->rank = rank >= ElementType::kNone && rank <= kMostDims ? static_cast<int>(rank) : ElementType::kAnyRank;
    outer->element = std::move(type);
    type = std::move(outer);
  }
  return type;
}

}  // namespace belay
