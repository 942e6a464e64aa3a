// Mixtures of experts: the way of the rows to their experts and back.
#include <limits>

#include "ops/quant.h"

namespace belay {
namespace {

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

// Where V2 and V3 differ from each other is what they return beside the rows.
struct Routed {
  Routing order;
  Tensor token;   // [kept]: whose row each is
  Tensor counts;  // [E] running totals of rows per expert, of the experts in range
};

Routed Route(Body& b, const Tensor& x, const Tensor& expert_idx,
             const std::vector<int64_t>& range) {
  CheckRouting(x, expert_idx);
  const int64_t experts = b.Int("expert_num"), active = b.Int("active_num");
  if (b.Int("drop_pad_mode") != 0)
    FailNotSupported("drop_pad_mode {} (only 0)", b.Int("drop_pad_mode"));
  Tensor keys = expert_idx;
  int64_t first = 0, end = experts;
  if (!range.empty()) {  // experts that live elsewhere come last
    if (range.size() != 2 || range[0] < 0 || range[1] < range[0])
      Fail("active_expert_range must be two places");
    first = range[0], end = range[1];
    Tensor here =
        And(GreaterEqual(keys, static_cast<double>(first)), Less(keys, static_cast<double>(end)));
    keys = Select(here, keys,
                  b.builder().ScalarInt(keys.dtype(), std::numeric_limits<int32_t>::max()));
  }
  Routed r;
  r.order = SortedByExpert(keys);
  const Dim all = NumElements(expert_idx.shape()), kept = active > 0 ? Min(all, active) : all;
  Tensor k = b.builder().FromDim(r.order.from.dtype(), expert_idx.dim(1));
  r.token = FloorDiv(Slice(r.order.from, 0, 0, kept), k);
  if (end > first) r.counts = CountUpTo(r.order.experts - static_cast<double>(first), end - first);
  return r;
}

// Running totals as they are, or rows per expert.
Tensor PerExpert(const Tensor& totals, bool counts) {
  if (!counts) return totals;
  Tensor zero = totals.builder().ScalarInt(totals.dtype(), 0);
  Tensor before = Slice(Pad(totals, {Dim(1)}, {Dim(0)}, zero), 0, 0, totals.dim(0));
  return totals - before;
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

// Pairs are numbered token by token.
BELAY_OP(MoeInitRoutingV2) {
  op.Dtypes("x", kFloats).Dtypes("expert_idx", kIndices).Computes([](Body& b) {
    Tensor x = b.Raw("x"), expert_idx = b.Raw("expert_idx");
    const Routed r = Route(b, x, expert_idx, {});
    const int64_t flag = b.Int("expert_tokens_count_or_cumsum_flag");
    if (flag < 0 || flag > 2)
      Fail("expert_tokens_count_or_cumsum_flag is {}, but must be 0, 1 or 2", flag);
    if (flag && !r.counts) Fail("expert_num is {}, but must be positive", b.Int("expert_num"));
    Tensor none = Full(b.builder(), {Dim(0)}, expert_idx.dtype(), 0);
    b.OutRaw("expanded_x", GatherAxis(x, r.token, 0, false));
    b.OutRaw("expanded_row_idx", Cast(Inverse(r.order.from), expert_idx.dtype()));
    b.OutRaw("expert_tokens_count_or_cumsum", flag ? PerExpert(r.counts, flag == 2) : none);
    b.OutRaw("expert_tokens_before_capacity", none);
  });
}

// row_idx_type 0: where each pair went; 1: which pair each row is. quant_mode 1 quantises the rows.
BELAY_OP(MoeInitRoutingV3) {
  op.Dtypes("x", kFloats).Dtypes("expert_idx", kIndices).Computes([](Body& b) {
    Tensor x = b.Raw("x"), expert_idx = b.Raw("expert_idx");
    const Routed r = Route(b, x, expert_idx, b.Ints("active_expert_range"));
    const int64_t type = b.Int("expert_tokens_num_type"), quant = b.Int("quant_mode");
    if (type != 0 && type != 1) FailNotSupported("expert_tokens_num_type {} (only 0 and 1)", type);
    if (quant != -1 && quant != 1) FailNotSupported("quant_mode {} (only -1 and 1)", quant);
    if (b.Has("offset")) FailNotSupported("the input offset");
    const bool counts = b.Bool("expert_tokens_num_flag");
    if (counts && !r.counts) Fail("expert_num is {}, but must be positive", b.Int("expert_num"));
    Tensor pairs = b.Int("row_idx_type") == 0 ? Inverse(r.order.from) : r.order.from;
    b.OutRaw("expanded_row_idx", Cast(pairs, expert_idx.dtype()));
    Tensor none = Full(b.builder(), {Dim(0)}, DType::kI64, 0);
    b.OutRaw("expert_tokens_count_or_cumsum",
             counts ? Cast(PerExpert(r.counts, type == 1), DType::kI64) : none);
    if (quant == -1) {
      b.OutRaw("expanded_x", GatherAxis(x, r.token, 0, false));
      Tensor scale =
          b.Has("scale") ? GatherAxis(b.In("scale"), r.token, 0, false) : Cast(none, DType::kF32);
      return b.OutRaw("expanded_scale", scale);
    }
    if (b.Has("scale")) FailNotSupported("the input scale with quant_mode 1");
    RowQuantised q = QuantisedRows(GatherAxis(b.In("x"), r.token, 0, false), DType::kI8);
    b.OutRaw("expanded_x", q.values);
    b.OutRaw("expanded_scale", q.scale);
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
    FinalizeBody(b, b.Optional("expert_idx"), mode >= 2, mode % 2 == 1);
  });
}

}  // namespace belay
