#include "ops/collective.h"

#include <cstdlib>

namespace belay {

void CheckAlone() {
  for (const char* name : {"RANK_SIZE", "WORLD_SIZE"}) {
    const char* value = std::getenv(name);
    if (value && std::atoi(value) > 1) {
      FailNotSupported("collectives of more than one rank (the environment says {}={})", name, value);
    }
  }
}

void CheckRankCount(const Body& b, const char* attr) {
  const int64_t count = b.Int(attr);
  if (count != 1) FailNotSupported("{} {} (only 1: a process is the only rank of its group)", attr, count);
}

void CheckReduction(const Body& b, const char* attr) {
  const std::string reduction = b.Str(attr);
  for (const char* known : {"sum", "prod", "max", "min"}) {
    if (reduction == known) return;
  }
  Fail("{} is '{}', but must be sum, prod, max or min", attr, reduction);
}

}  // namespace belay
