#include "ops/const_input.h"

namespace belay {

std::optional<int64_t> ConstInt(OnnxNode& n, int i) {
  const LiteralPtr value = n.ConstInput(i);
  if (!value) return std::nullopt;
  const std::vector<int64_t> numbers = LiteralToInts(*value);
  if (numbers.size() != 1) {
    n.Fail(fmt::format("input {} is {} with {} elements, but must be one integer or bool", i, DTypeName(value->dtype),
                       value->NumElements()));
  }
  return numbers[0];
}

}  // namespace belay
