// Collectives. A process is the only rank of its group, so each gives what it is given; more ranks are refused.
#include <cstdlib>

#include "ops/support.h"

namespace belay {
namespace {

// How a launcher tells a process that it is one of several.
void CheckAlone() {
  for (const char* name : {"RANK_SIZE", "WORLD_SIZE"}) {
    const char* value = std::getenv(name);
    if (value && std::atoi(value) > 1) {
      FailNotSupported("collectives of more than one rank (the environment says {}={})", name, value);
    }
  }
}

void CheckRankSize(const Body& b) {
  const int64_t size = b.Int("rank_size");
  if (size != 1) FailNotSupported("rank_size {} (only 1: a process is the only rank of its group)", size);
}

void CheckRoot(const Body& b) {
  const int64_t root = b.Int("root_rank");
  if (root != 0) FailNotSupported("root_rank {} (only 0: a process is the only rank of its group)", root);
}

void CheckReduction(const Body& b) {
  const std::string reduction = b.Str("reduction");
  for (const char* known : {"sum", "prod", "max", "min"}) {
    if (reduction == known) return;
  }
  Fail("reduction is '{}', but must be sum, prod, max or min", reduction);
}

using Check = void (*)(const Body& b);

void Same(OpRecord& op, std::vector<Check> checks) {
  op.Computes([checks = std::move(checks)](Body& b) {
    CheckAlone();
    for (const Check check : checks) check(b);
    b.OutRaw("y", b.Raw("x"));
  });
}

}  // namespace

BELAY_OP(HcomAllReduce) { Same(op, {CheckReduction}); }
BELAY_OP(HcomReduce) { Same(op, {CheckReduction, CheckRoot}); }
BELAY_OP(HcomAllGather) { Same(op, {CheckRankSize}); }
BELAY_OP(HcomReduceScatter) { Same(op, {CheckReduction, CheckRankSize}); }
BELAY_OP(HcomAllToAll) { Same(op, {}); }

BELAY_OP(HcomBroadcast) {
  op.Computes([](Body& b) {
    CheckAlone();
    CheckRoot(b);
    const std::vector<Tensor> x = b.RawIns("x");
    if (b.OutCount("y") != static_cast<int>(x.size())) Fail("x has {} tensors, but y {}", x.size(), b.OutCount("y"));
    b.Outs("y", x);
  });
}

}  // namespace belay
