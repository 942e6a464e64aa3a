// Constants of all plans in the process: equal contents lie in memory once, and once per layout when packed, for as
// long as a plan uses them. A store keeps large ones beyond the process.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "graph/literal.h"

namespace belay {

// Constants on disk by a hash of all that decides their bytes. What cannot be read is made, what cannot be written is
// held in memory: nothing here fails. For many threads.
class ConstantStore {
 public:
  virtual ~ConstantStore() = default;
  // Mapped, with kReadBehind bytes more; nullptr: there is none, or one that is damaged or not safely ours.
  virtual std::shared_ptr<const void> Find(const ContentHash& key, int64_t bytes) = 0;
  // What was written, mapped as above; nullptr: it cannot be kept.
  virtual std::shared_ptr<const void> Keep(const ContentHash& key, const void* data, int64_t bytes) = 0;
};

// The literal itself, or an equal one that a living plan holds already; never late.
LiteralPtr ShareLiteral(LiteralPtr literal, ConstantStore* store = nullptr);
// The literal's bytes in `layout` as `pack` makes them, or equal ones that a living plan or the store holds already.
std::shared_ptr<const void> SharePacked(const Literal& literal, const std::string& layout, int64_t bytes,
                                        const std::function<void(const void* src, void* dst)>& pack,
                                        ConstantStore* store = nullptr);

// What living plans hold through the two above; constants of less than 1 KiB are not counted.
struct ConstantUse {
  size_t plain = 0, packed = 0;
  int64_t plain_bytes = 0, packed_bytes = 0;
  int64_t mapped_bytes = 0;  // of both: files of a store, in memory once for all processes
};
ConstantUse CountConstants();

}  // namespace belay
