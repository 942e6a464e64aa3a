// Mixtures of experts: which experts a token goes to.
#include <cmath>

#include "ops/support.h"

namespace belay {
namespace {

Dim RowsOf(const Tensor& x) {
  Dim rows(1);
  for (int d = 0; d + 1 < x.rank(); ++d) rows = rows * x.dim(d);
  return rows;
}

Dim CheckedK(Body& b, const Tensor& x) {
  const int64_t k = b.Int("k");
  if (x.rank() < 2) Fail("x has shape {}, but needs rows of experts", ToString(x.shape()));
  if (k < 1 || !b.builder().Assume(Less(x.dim(-1), k), false)) {
    if (k >= 1) return k;
  }
  Fail("k is {}, but must be between 1 and the {} experts", k, x.dim(-1).ToString());
}

// Finished tokens go to no expert: their index is the number of experts.
Tensor ExpertIndices(const Body& b, const Tensor& indices, const Dim& experts) {
  Tensor index = Cast(indices, DType::kI32);
  if (!b.Has("finished")) return index;
  Tensor finished = Unsqueeze(b.Raw("finished"), {index.rank() - 1});
  return Select(finished, index.builder().FromDim(DType::kI32, experts), index);
}

// [.., k] whose entry j of row i is j * rows + i.
Tensor RowIndices(Builder& b, const Shape& shape) {
  const Dim rows = RowsOf(b.Iota(DType::kI32, shape, 0));
  const Shape flat = {rows, shape.back()};
  Tensor row = b.Iota(DType::kI32, flat, 0), column = b.Iota(DType::kI32, flat, 1);
  return Reshape(column * b.FromDim(DType::kI32, rows) + row, shape);
}

// 0 where the group of an expert is not among the best `kept` groups, by its best expert or by the
// sum of its best two.
Tensor InBestGroups(const Tensor& x, int64_t groups, int64_t kept, int64_t mode) {
  const Dim rows = x.dim(0), each = FloorDiv(x.dim(1), groups);
  if (!x.builder().Assume(Equal(Mod(x.dim(1), groups), 0), true)) {
    Fail("{} experts cannot be divided into {} groups", x.dim(1).ToString(), groups);
  }
  Tensor grouped = Reshape(x, {rows, Dim(groups), each});
  Tensor score =
      mode == 0 ? MaxOver(grouped, {2}, false) : Sum(TopK(grouped, 2, 2, true).values, {2}, false);
  Tensor best = TopK(score, kept, 1, true).indices;
  Tensor hit =
      Equal(Unsqueeze(best, {1}), x.builder().Iota(DType::kI64, {Dim(1), Dim(groups), Dim(1)}, 1));
  Tensor any = Reduce(ReduceKind::kOr, hit, {2}, true);
  return Reshape(BroadcastTo(any, grouped.shape()), x.shape());
}

struct Gates {
  Tensor scores, weights, indices;
};

Gates GroupedGates(Body& b, const Tensor& x) {
  const int64_t groups = b.Int("group_count"), kept = b.Int("k_group"),
                mode = b.Int("group_select_mode");
  const int64_t norm = b.Int("norm_type");
  if (mode != 0 && mode != 1) FailNotSupported("group_select_mode {} (only 0 and 1)", mode);
  if (norm != 0 && norm != 1) FailNotSupported("norm_type {} (only 0 softmax and 1 sigmoid)", norm);
  if (b.Int("renorm") != 0) FailNotSupported("renorm {} (only 0)", b.Int("renorm"));
  if (groups < 1 || kept < 1 || kept > groups) Fail("k_group is {} of {} groups", kept, groups);
  Gates g;
  g.scores = norm == 0 ? Softmax(x, {1}) : Sigmoid(x);
  Tensor choice = b.Has("bias") ? g.scores + b.In("bias") : g.scores;
  if (kept < groups) {
    Tensor lowest = Full(b.builder(), {}, choice.dtype(), -HUGE_VAL);
    choice = Select(InBestGroups(choice, groups, kept, mode), choice, lowest);
  }
  g.indices = TopK(choice, CheckedK(b, x), 1, true).indices;
  g.weights = Gather(g.scores, {g.indices}, {0, -1}, g.indices.shape());
  if (norm == 1) g.weights = g.weights / (Sum(g.weights, {1}) + b.Float("eps"));
  return g;
}

}  // namespace

BELAY_OP(MoeGatingTopKSoftmax) {
  op.Dtypes("x", kFloats).Dtypes("finished", kBools).Computes([](Body& b) {
    Tensor x = b.In("x");
    Sorted best = TopK(Softmax(x, {x.rank() - 1}), CheckedK(b, x), x.rank() - 1, true);
    b.Out("y", best.values);
    b.OutRaw("expert_idx", ExpertIndices(b, best.indices, x.dim(-1)));
    b.OutRaw("row_idx", RowIndices(b.builder(), best.values.shape()));
  });
}

// renorm 1: the softmax is over the chosen experts only.
BELAY_OP(MoeGatingTopKSoftmaxV2) {
  op.Dtypes("x", kFloats).Dtypes("finished", kBools).Computes([](Body& b) {
    Tensor x = b.In("x");
    const int64_t renorm = b.Int("renorm");
    const int last = x.rank() - 1;
    if (renorm != 0 && renorm != 1) Fail("renorm is {}, but must be 0 or 1", renorm);
    Tensor all = Softmax(x, {last});
    Sorted best = TopK(renorm ? x : all, CheckedK(b, x), last, true);
    b.Out("y", renorm ? Softmax(best.values, {last}) : best.values);
    b.OutRaw("expert_idx", ExpertIndices(b, best.indices, x.dim(-1)));
    b.OutRaw("softmax_result", all);
  });
}

// Scores by softmax or sigmoid; bias steers the choice only.
BELAY_OP(MoeGatingTopK) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    if (x.rank() != 2) Fail("x has shape {}, but must have rank 2", ToString(x.shape()));
    Gates g = GroupedGates(b, x);
    b.Out("y", g.weights * b.Float("routed_scaling_factor"));
    b.OutRaw("expert_idx", Cast(g.indices, DType::kI32));
    b.OutRaw("out", g.scores);
  });
}

}  // namespace belay
