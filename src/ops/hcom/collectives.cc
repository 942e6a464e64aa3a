// Collectives. A process is the only rank of its group, so each gives what it is given; more ranks are refused.
#include "ops/collective.h"

namespace belay {
namespace {

void RootIsHere(const Body& b) {
  const int64_t root = b.Int("root_rank");
  if (root != 0) FailNotSupported("root_rank {} (only 0: a process is the only rank of its group)", root);
}

void ReductionIsKnown(const Body& b) { CheckReduction(b, "reduction"); }

void IsOneRank(const Body& b) { CheckRankCount(b, "rank_size"); }

using Check = void (*)(const Body& b);

void Same(OpRecord& op, std::vector<Check> checks) {
  op.Computes([checks = std::move(checks)](Body& b) {
    CheckAlone();
    for (const Check check : checks) check(b);
    b.OutRaw("y", b.Raw("x"));
  });
}

}  // namespace

BELAY_OP(HcomAllReduce) { Same(op, {ReductionIsKnown}); }
BELAY_OP(HcomReduce) { Same(op, {ReductionIsKnown, RootIsHere}); }
BELAY_OP(HcomAllGather) { Same(op, {IsOneRank}); }
BELAY_OP(HcomReduceScatter) { Same(op, {ReductionIsKnown, IsOneRank}); }
BELAY_OP(HcomAllToAll) { Same(op, {}); }

BELAY_OP(HcomBroadcast) {
  op.Computes([](Body& b) {
    CheckAlone();
    RootIsHere(b);
    const std::vector<Tensor> x = b.RawIns("x");
    if (b.OutCount("y") != static_cast<int>(x.size())) Fail("x has {} tensors, but y {}", x.size(), b.OutCount("y"));
    b.Outs("y", x);
  });
}

}  // namespace belay
