// Mixtures of experts: which experts a token goes to, and the way of the rows there and back.
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

// Rows sorted by expert; equal experts keep their order.
struct Routing {
  Tensor experts;  // [R]
  Tensor from;     // [R]: the place before sorting
};

Routing SortedByExpert(const Tensor& expert_idx) {
  const Dim count = NumElements(expert_idx.shape());
  Sorted s = TopK(Reshape(expert_idx, {count}), count, 0, /*largest=*/false);
  return {s.values, s.indices};
}

// y[at[i]] = i
Tensor Inverse(const Tensor& at) {
  Tensor count = at.builder().Iota(DType::kI32, at.shape(), 0);
  return Scatter(ReduceKind::kNone, ZeroLike(count), count, {at}, {-1});
}

void CheckRouting(const Tensor& x, const Tensor& expert_idx) {
  if (x.rank() != 2 || expert_idx.rank() != 2) {
    Fail("x has shape {} and expert_idx {}, but both must have rank 2", ToString(x.shape()),
         ToString(expert_idx.shape()));
  }
}

// [E]: how many of the sorted experts are below or equal to each.
Tensor CountUpTo(const Tensor& sorted, const Dim& experts) {
  Builder& b = sorted.builder();
  Tensor each = b.Iota(sorted.dtype(), {experts, Dim(1)}, 0);
  return Sum(Cast(LessEqual(Unsqueeze(sorted, {0}), each), sorted.dtype()), {1}, false);
}

struct Return {
  Tensor rows;     // [T, K, H]: what each expert gave for a token
  Tensor present;  // [T, K, 1]; empty: all
};

// expanded_row_idx says where a token's k-th row lies: entry k * T + i, or i * K + k by row.
Return Gathered(const Tensor& expanded, const Tensor& index, const Dim& tokens, bool by_token,
                bool may_drop) {
  const Dim k = FloorDiv(NumElements(index.shape()), tokens);
  Tensor at =
      by_token ? Reshape(index, {tokens, k}) : Transpose(Reshape(index, {k, tokens}), {1, 0});
  Return r;
  if (may_drop) {
    r.present = Unsqueeze(GreaterEqual(at, 0.0), {2});
    at = Max(at, 0.0);
  }
  r.rows = GatherAxis(expanded, at, 0, false);
  return r;
}

void FinalizeBody(Body& b, const Tensor& expert_idx, bool by_token, bool may_drop) {
  Tensor expanded = b.In("expanded_x");
  if (expanded.rank() == 3) {
    expanded = Reshape(expanded, {expanded.dim(0) * expanded.dim(1), expanded.dim(2)});
  }
  Tensor index = b.Raw("expanded_row_idx"), scales = b.Has("scales") ? b.In("scales") : Tensor();
  const Dim tokens = scales ? scales.dim(0) : NumElements(index.shape());
  Return r = Gathered(expanded, index, tokens, by_token, may_drop);
  Tensor rows = r.rows;
  if (b.Has("bias")) {
    if (!expert_idx) Fail("input expert_idx is required by bias");
    rows = rows + GatherAxis(b.In("bias"), expert_idx, 0, false);
  }
  if (scales) rows = rows * Unsqueeze(scales, {2});
  if (r.present) rows = Select(r.present, rows, ZeroLike(rows));
  Tensor y = Sum(rows, {1}, false);
  for (const char* name : {"x1", "x2"}) {
    if (b.Has(name)) y = y + b.In(name);
  }
  b.Out("y", y);
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

// expanded_x[i] is the row of x that the i-th of all sorted (token, expert) pairs needs.
BELAY_OP(MoeInitRouting) {
  op.Dtypes("x", kFloats).Dtypes("expert_idx", kIndices).Computes([](Body& b) {
    Tensor x = b.Raw("x"), expert_idx = b.Raw("expert_idx"), row_idx = b.Raw("row_idx");
    CheckRouting(x, expert_idx);
    const int64_t active = b.Int("active_num");
    if (active < 0) Fail("active_num is {}, but must not be negative", active);
    Routing r = SortedByExpert(expert_idx);
    Tensor pairs = GatherAxis(Reshape(row_idx, {NumElements(row_idx.shape())}), r.from, 0, false);
    Tensor rows = Mod(pairs, b.builder().FromDim(pairs.dtype(), x.dim(0)));
    const Dim kept = Min(x.dim(0), active) * expert_idx.dim(1);
    b.OutRaw("expanded_x", GatherAxis(x, Slice(rows, 0, 0, kept), 0, false));
    b.OutRaw("expanded_row_idx", Cast(Inverse(pairs), row_idx.dtype()));
    b.OutRaw("expanded_expert_idx", r.experts);
  });
}

BELAY_OP(MoeComputeExpertTokens) {
  op.Dtypes("sorted_experts", kIndices).Computes([](Body& b) {
    const int64_t experts = b.Int("num_experts");
    if (experts < 1) Fail("num_experts is {}, but must be positive", experts);
    b.OutRaw("total_rows_before_expert", CountUpTo(b.Raw("sorted_experts"), experts));
  });
}

// y = x1 + x2 + sum over k of scale * (the k-th expert's row + its bias)
BELAY_OP(MoeFinalizeRouting) {
  op.Dtypes("expanded_x", kFloats).Computes([](Body& b) {
    FinalizeBody(b, b.Raw("expanded_expert_idx"), false, false);
  });
}

// drop_pad_mode 0 and 1 number rows by k first, 2 and 3 by token; 1 and 3 mark dropped rows by -1.
BELAY_OP(MoeFinalizeRoutingV2) {
  op.Dtypes("expanded_x", kFloats).Computes([](Body& b) {
    const int64_t mode = b.Int("drop_pad_mode");
    if (mode < 0 || mode > 3) FailNotSupported("drop_pad_mode {} (only 0 to 3)", mode);
    FinalizeBody(b, b.Has("expert_idx") ? b.Raw("expert_idx") : Tensor(), mode >= 2, mode % 2 == 1);
  });
}

}  // namespace belay
