#include "ops/attention.h"

#include <algorithm>
#include <cmath>

namespace belay {
namespace {

// The letters with H written as N and D, and T as B and S.
std::string Expanded(const std::string& layout) {
  std::string out;
  for (char c : layout) out += c == 'H' ? "ND" : c == 'T' ? "BS" : std::string(1, c);
  return out;
}

std::vector<int> Permutation(const std::string& from, const std::string& to) {
  std::vector<int> perm;
  for (char c : to) perm.push_back(static_cast<int>(from.find(c)));
  return perm;
}

Tensor Ints32(const Tensor& x) { return Cast(x, DType::kI32); }
Tensor Counting(Builder& b, const Dim& extent) { return b.Iota(DType::kI32, {Dim(1), extent}, 1); }
Tensor Flat(const Tensor& x) { return Reshape(x, {NumElements(x.shape())}); }

Tensor OrMasked(const Tensor& a, const Tensor& b) { return a ? Or(a, b) : b; }

// [B, S] as rows or columns of [B, N, Sq, Skv].
Tensor AsRows(const Tensor& x) { return Unsqueeze(x, {1, 3}); }
Tensor AsColumns(const Tensor& x) { return Unsqueeze(x, {1, 2}); }

// How many tokens the keys are longer than the queries, per row: [B, 1, Sq or 1, 1].
Tensor Surplus(const TokenAxis& q, const TokenAxis& kv) {
  Tensor more = kv.lengths - q.lengths;
  if (!q.sequence) return Reshape(more, {more.dim(0), Dim(1), Dim(1), Dim(1)});
  Tensor last = q.lengths.builder().FromDim(DType::kI32, q.lengths.dim(0) - Dim(1));
  return AsRows(GatherAxis(more, Min(q.sequence, last), 0, false));
}

constexpr int64_t kUnlimited = 1 << 30;  // farther than any sequence is long

// Masked: keys more than `before` behind or `after` ahead of the diagonal.
Tensor OutsideBand(const Tensor& distance, int64_t before, int64_t after) {
  Tensor out;
  if (after < kUnlimited) out = Greater(distance, static_cast<double>(after));
  if (before < kUnlimited) out = OrMasked(out, Less(distance, static_cast<double>(-before)));
  return out;
}

Tensor InvalidTokens(const TokenAxis& q, const TokenAxis& kv) {
  Tensor out;
  if (q.valid) out = Not(AsRows(q.valid));
  if (kv.valid) out = OrMasked(out, Not(AsColumns(kv.valid)));
  if (q.sequence) out = OrMasked(out, NotEqual(AsRows(q.sequence), AsColumns(kv.sequence)));
  return out;
}

Tensor MaskedByMode(const Masking& m, const TokenAxis& q, const TokenAxis& kv) {
  Tensor distance = AsColumns(kv.position) - AsRows(q.position);
  switch (m.sparse_mode) {
    case 0: return m.mask ? OutsideBand(distance, m.before, m.after) : Tensor();
    case 1: return Tensor();
    case 2: return OutsideBand(distance, kUnlimited, 0);
    case 3: return OutsideBand(distance - Surplus(q, kv), kUnlimited, 0);
    case 4: return OutsideBand(distance - Surplus(q, kv), m.before, m.after);
    default: {  // 5 and 6
      Tensor prefix = Reshape(Ints32(m.prefix), {m.prefix.dim(0), Dim(1), Dim(1), Dim(1)});
      return And(OutsideBand(distance - Surplus(q, kv), kUnlimited, 0),
                 GreaterEqual(AsColumns(kv.position), prefix));
    }
  }
}

}  // namespace

AttentionLayout ParseAttentionLayout(const std::string& text) {
  const size_t bar = text.find('_');
  AttentionLayout layout{text.substr(0, bar),
                         bar == std::string::npos ? text : text.substr(bar + 1)};
  for (const std::string& part : {layout.in, layout.out}) {
    std::string letters = Expanded(part);
    std::sort(letters.begin(), letters.end());
    if (letters != "BDNS") FailNotSupported("input_layout '{}'", text);
  }
  return layout;
}

Dim HeadsOf(const Tensor& x, const std::string& layout, const Dim& head_size) {
  if (x.rank() != static_cast<int>(layout.size())) {
    Fail("a tensor of shape {} does not have the layout {}", ToString(x.shape()), layout);
  }
  const size_t merged = layout.find('H');
  if (merged != std::string::npos) return FloorDiv(x.dim(static_cast<int>(merged)), head_size);
  return x.dim(static_cast<int>(layout.find('N')));
}

Tensor ToHeads(const Tensor& x, const std::string& layout, const Dim& heads) {
  if (x.rank() != static_cast<int>(layout.size())) {
    Fail("a tensor of shape {} does not have the layout {}", ToString(x.shape()), layout);
  }
  Shape shape;
  for (size_t i = 0; i < layout.size(); ++i) {
    const Dim& extent = x.shape()[i];
    if (layout[i] == 'T') shape.push_back(1);
    if (layout[i] == 'H') shape.push_back(heads);
    shape.push_back(layout[i] == 'H' ? FloorDiv(extent, heads) : extent);
  }
  return Transpose(Reshape(x, shape), Permutation(Expanded(layout), "BNSD"));
}

Tensor FromHeads(const Tensor& x, const std::string& layout) {
  Tensor y = Transpose(x, Permutation("BNSD", Expanded(layout)));
  Shape shape;
  int d = 0;
  for (char c : layout) {
    const bool merged = c == 'H' || c == 'T';
    shape.push_back(merged ? y.dim(d) * y.dim(d + 1) : y.dim(d));
    d += merged ? 2 : 1;
  }
  return Reshape(y, shape);
}

Tensor HeadScale(Builder& b, DType dtype, double given, const Dim& head_size) {
  if (given != 0) return b.Scalar(dtype, given);
  if (head_size.IsConst()) return b.Scalar(dtype, 1 / std::sqrt(static_cast<double>(head_size.value())));
  return Rsqrt(Cast(b.FromDim(DType::kI64, head_size), dtype));
}

namespace {

// [B, N, S, D] as [B, Nkv, N/Nkv * S, D]: what shares a key head lies together.
Tensor Grouped(const Tensor& x, const Dim& kv_heads) {
  if (x.dim(1) == kv_heads) return x;
  if (!x.builder().Assume(Equal(Mod(x.dim(1), kv_heads), 0), true)) {
    Fail("{} heads of the query cannot share {} heads of the keys", x.dim(1).ToString(),
         kv_heads.ToString());
  }
  return Reshape(x, {x.dim(0), kv_heads, FloorDiv(x.dim(1), kv_heads) * x.dim(2), x.dim(3)});
}

}  // namespace

Tensor MatMulOfHeads(const Tensor& x, const Tensor& y) {
  Tensor z = MatMul(Grouped(x, y.dim(1)), y, AccumulatorOf(x.dtype()));
  return Reshape(z, {x.dim(0), x.dim(1), x.dim(2), y.dim(3)});
}

Tensor TransposedMatMulOfHeads(const Tensor& x, const Tensor& y, const Dim& kv_heads) {
  return MatMul(SwapLast(Grouped(x, kv_heads)), Grouped(y, kv_heads), AccumulatorOf(x.dtype()));
}

TokenAxis PaddedTokens(Builder& b, const Dim& extent, const Tensor& lengths) {
  TokenAxis t;
  t.position = Counting(b, extent);
  if (!lengths) {
    t.lengths = Reshape(b.FromDim(DType::kI32, extent), {Dim(1)});
    return t;
  }
  t.lengths = Flat(Ints32(lengths));
  t.valid = Less(t.position, Unsqueeze(t.lengths, {1}));
  return t;
}

TokenAxis PackedTokens(const Dim& extent, const Tensor& ends) {
  Builder& b = ends.builder();
  Tensor e = Flat(Ints32(ends)), at = Counting(b, extent);
  const Dim count = e.dim(0);
  TokenAxis t;
  t.sequence = Unsqueeze(Sum(Ints32(LessEqual(Unsqueeze(e, {1}), at)), {0}, false), {0});
  Tensor starts =
      Pad(Slice(e, 0, 0, count - Dim(1)), {Dim(1)}, {Dim(0)}, b.ScalarInt(DType::kI32, 0));
  Tensor known = Min(t.sequence, b.FromDim(DType::kI32, count - Dim(1)));
  t.position = at - GatherAxis(starts, known, 0, false);
  t.lengths = e - starts;
  t.valid = Less(t.sequence, b.FromDim(DType::kI32, count));
  return t;
}

TokenAxis FlattenedTokens(const Dim& extent, const Tensor& lengths) {
  Builder& b = lengths.builder();
  TokenAxis t;
  t.lengths = Flat(Ints32(lengths));
  const Shape rows = {t.lengths.dim(0), extent}, flat = {Dim(1), t.lengths.dim(0) * extent};
  t.position = Reshape(b.Iota(DType::kI32, rows, 1), flat);
  t.sequence = Reshape(b.Iota(DType::kI32, rows, 0), flat);
  t.valid = Reshape(Less(b.Iota(DType::kI32, rows, 1), Unsqueeze(t.lengths, {1})), flat);
  return t;
}

Tensor MaskedScores(const Masking& m, const TokenAxis& q, const TokenAxis& kv) {
  Tensor out = InvalidTokens(q, kv);
  if (Tensor by_mode = MaskedByMode(m, q, kv)) out = OrMasked(out, by_mode);
  // From mode 2 on the rule says it all; masks come in a compressed form then.
  if (m.mask && m.sparse_mode < 2) {
    out = OrMasked(out, m.mask.dtype() == DType::kBool ? m.mask : NotEqual(m.mask, 0.0));
  }
  return out;
}

Tensor MaskOfRank4(const Tensor& mask, const Dim& q_extent) {
  switch (mask.rank()) {
    case 2:
      if (mask.builder().Assume(Equal(q_extent, 1), false)) return Unsqueeze(mask, {1, 2});
      return Unsqueeze(mask, {0, 1});
    case 3: return Unsqueeze(mask, {1});
    case 4: return mask;
    default: Fail("the mask has shape {}, but must have rank 2, 3 or 4", ToString(mask.shape()));
  }
}

AttentionWeights WeightsOfScores(const Tensor& scores, bool masks, const Tensor& sink_of_head) {
  Builder& b = scores.builder();
  AttentionWeights w;
  w.max = MaxOver(scores, {3});
  Tensor sink;
  if (sink_of_head) {
    sink = Reshape(Cast(sink_of_head, scores.dtype()), {Dim(1), sink_of_head.dim(0), Dim(1), Dim(1)});
    w.max = Max(w.max, sink);
  }
  // Where all is masked, the maximum is no number to subtract and the sum none to divide by.
  Tensor base = masks ? Select(Equal(w.max, -HUGE_VAL), b.Scalar(scores.dtype(), 0), w.max) : w.max;
  Tensor e = ExpFlushed(scores - base);
  w.sum = Sum(e, {3});
  if (sink) w.sum = w.sum + Exp(sink - base);
  w.weights = e / (masks ? Select(Equal(w.sum, 0.0), b.Scalar(scores.dtype(), 1), w.sum) : w.sum);
  return w;
}

AttentionResult Attention(const AttentionInputs& a) {
  Tensor s = MatMulOfHeads(a.q, SwapLast(a.k));
  if (a.bias && a.bias_first) s = s + a.bias;
  if (a.scale != 1) s = s * a.scale;
  if (a.bias && !a.bias_first) s = s + a.bias;
  if (a.masked) s = Select(a.masked, s.builder().Scalar(s.dtype(), -HUGE_VAL), s);
  AttentionResult r;
  static_cast<AttentionWeights&>(r) = WeightsOfScores(s, bool(a.masked), a.sink);
  r.out = MatMulOfHeads(a.keep ? r.weights * a.keep : r.weights, a.v);
  return r;
}

}  // namespace belay
