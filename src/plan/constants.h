// Constants of all plans in the process: equal contents lie in memory once, and once per layout when packed, for as
// long as a plan uses them.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "graph/literal.h"

namespace belay {

// The literal itself, or an equal one that a living plan holds already.
LiteralPtr ShareLiteral(LiteralPtr literal);
// The literal's bytes in `layout` as `pack` makes them, or equal ones that a living plan holds already.
std::shared_ptr<const void> SharePacked(const Literal& literal, const std::string& layout, int64_t bytes,
                                        const std::function<void(const void* src, void* dst)>& pack);

// What living plans hold through the two above; constants of less than 1 KiB are not counted.
struct ConstantUse {
  size_t plain = 0, packed = 0;
  int64_t plain_bytes = 0, packed_bytes = 0;
};
ConstantUse CountConstants();

}  // namespace belay
