// Linear attention with a state: the gated delta rule.
#include "ops/support.h"

namespace belay {
namespace {

void DeltaRuleBody(Body& b) {
  Tensor q = Cast(b.In("query"), DType::kF32), k = Cast(b.In("key"), DType::kF32),
         v = Cast(b.In("value"), DType::kF32);
  Tensor state = b.Raw("state");
  if (q.rank() != 3 || v.rank() != 3 || state.rank() != 4) {
    Fail("query, value and state have ranks {}, {} and {}, but need 3, 3 and 4", q.rank(), v.rank(),
         state.rank());
  }
  if (!b.builder().Assume(Equal(Mod(v.dim(1), q.dim(1)), 0), true)) {
    Fail("{} heads of value cannot share {} heads of query", v.dim(1).ToString(),
         q.dim(1).ToString());
  }
  Builder& builder = b.builder();
  auto floats = [&](const char* name) {
    return b.Has(name) ? Cast(b.Raw(name), DType::kF32) : Full(builder, {Dim(0)}, DType::kF32, 0);
  };
  auto whole = [&](const char* name) {
    return b.Has(name) ? Cast(b.Raw(name), DType::kI64) : Full(builder, {Dim(0)}, DType::kI64, 0);
  };
  Tensor s = Cast(state, DType::kF32);
  std::vector<Tensor> y =
      Call("delta_rule",
           {q * b.Float("scale_value"), k, v, floats("beta"), s, whole("actual_seq_lengths"),
            whole("ssm_state_indices"), floats("g"), floats("gk"), whole("num_accepted_tokens")},
           {{DType::kF32, v.shape()}, s.node()->type}, {});
  b.Out("out", y[0]);
  b.OutAs("state", y[1], state.dtype());
}

}  // namespace

BELAY_OP(RecurrentGatedDeltaRule) {
  op.Dtypes("query", kFloats).Dtypes("actual_seq_lengths", kIndices).Computes(DeltaRuleBody);
}

}  // namespace belay
