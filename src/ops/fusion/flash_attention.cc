// Attention as it is trained, and its gradients.
#include "ops/attention.h"

namespace belay {
namespace {

constexpr int64_t kStatCopies = 8;  // GE keeps each row's maximum and sum eight times

struct Setup {
  AttentionLayout layout;
  AttentionInputs inputs;
};

TokenAxis Tokens(Body& b, const AttentionLayout& layout, const Dim& extent, const char* ends) {
  if (!layout.packed()) return PaddedTokens(b.builder(), extent, Tensor());
  if (!b.Has(ends)) Fail("input {} is required by the layout {}", ends, layout.in);
  return PackedTokens(extent, b.Raw(ends));
}

// Packed bits, one per weight, as factors that keep the expectation.
Tensor KeepFactors(Body& b, const Tensor& q, const Tensor& k, DType dtype) {
  const double keep_prob = b.Float("keep_prob");
  if (!b.Has("drop_mask") || keep_prob == 1) return Tensor();
  if (keep_prob <= 0 || keep_prob > 1) Fail("keep_prob is {}, but must be in (0, 1]", keep_prob);
  const Shape shape = {q.dim(0), q.dim(1), q.dim(2), k.dim(2)};
  Tensor bits = UnpackBits(b.Raw("drop_mask"), NumElements(shape));
  return Reshape(Cast(bits, dtype), shape) / keep_prob;
}

// `pse`: the name of the input that is added to the scores.
Setup ReadInputs(Body& b, const char* pse, int64_t pse_type) {
  Setup s;
  s.layout = ParseAttentionLayout(b.Str("input_layout"));
  const std::string& layout = s.layout.in;
  const int64_t heads = b.Int("head_num");
  if (heads < 1) Fail("head_num is {}, but must be positive", heads);
  AttentionInputs& a = s.inputs;
  a.q = ToHeads(b.Raw("query"), layout, heads);
  const Dim kv_heads = HeadsOf(b.Raw("key"), layout, a.q.dim(3));
  a.k = ToHeads(b.Raw("key"), layout, kv_heads);
  a.v = ToHeads(b.Raw("value"), layout, kv_heads);
  a.scale = b.Float("scale_value");
  if (pse_type != 0 && pse_type != 1) FailNotSupported("pse_type {} (only 0 and 1)", pse_type);
  a.bias_first = pse_type == 1;
  if (b.Has("padding_mask")) FailNotSupported("the input padding_mask");
  if (s.layout.packed() && (b.Has(pse) || b.Has("drop_mask"))) {
    FailNotSupported("the inputs {} and drop_mask in the layout {}", pse, layout);
  }
  if (b.Has(pse)) a.bias = b.In(pse);
  Masking m{b.Int("sparse_mode"), b.Int("pre_tockens"), b.Int("next_tockens"), Tensor(),
            b.Optional("prefix")};
  if (b.Has("atten_mask")) m.mask = MaskOfRank4(b.Raw("atten_mask"), a.q.dim(2));
  if (m.sparse_mode > 6) FailNotSupported("sparse_mode {} (only 0 to 6)", m.sparse_mode);
  if (m.sparse_mode >= 5 && !m.prefix)
    Fail("input prefix is required by sparse_mode {}", m.sparse_mode);
  const TokenAxis q_tokens = Tokens(b, s.layout, a.q.dim(2), "actual_seq_qlen");
  a.masked = MaskedScores(m, q_tokens, Tokens(b, s.layout, a.k.dim(2), "actual_seq_kvlen"));
  a.keep = KeepFactors(b, a.q, a.k, AccumulatorOf(a.q.dtype()));
  return s;
}

// [B, N, S, 1] -> [B, N, S, 8], or [T, N, 8].
Tensor Statistics(const Tensor& x, const AttentionLayout& layout) {
  Shape shape = x.shape();
  shape[3] = kStatCopies;
  return FromHeads(BroadcastTo(x, shape), layout.packed() ? "TND" : "BNSD");
}

Tensor Nothing(Body& b, DType dtype) { return Full(b.builder(), {Dim(0)}, dtype, 0); }

}  // namespace

// softmax_out stays empty, as it does in GE: the gradient needs only the maxima and the sums.
BELAY_OP(FlashAttentionScore) {
  op.Dtypes("query", kFloats).Computes([](Body& b) {
    const Setup s = ReadInputs(b, "real_shift", b.Int("pse_type"));
    const AttentionResult r = Attention(s.inputs);
    b.OutRaw("softmax_max", Statistics(r.max, s.layout));
    b.OutRaw("softmax_sum", Statistics(r.sum, s.layout));
    b.OutRaw("softmax_out", Nothing(b, b.Raw("query").dtype()));
    b.Out("attention_out", FromHeads(r.out, s.layout.out));
  });
}

// The weights are computed again: exp(score - max) / sum gives the same numbers.
BELAY_OP(FlashAttentionScoreGrad) {
  op.Dtypes("query", kFloats).Computes([](Body& b) {
    const Setup s = ReadInputs(b, "pse_shift", b.Int("pse_type"));
    const AttentionInputs& a = s.inputs;
    Tensor w = Attention(a).weights;
    Tensor dy = ToHeads(b.Raw("dy"), s.layout.out, b.Int("head_num"));
    Tensor dw = MatMulOfHeads(dy, SwapLast(a.v));
    if (a.keep) dw = dw * a.keep;
    Tensor ds = w * (dw - Sum(w * dw, {3}));
    Tensor dproduct = a.scale == 1 ? ds : ds * a.scale;
    const Dim& kv_heads = a.k.dim(1);
    b.Out("dq", FromHeads(MatMulOfHeads(dproduct, a.k), s.layout.in));
    b.Out("dk", FromHeads(TransposedMatMulOfHeads(dproduct, a.q, kv_heads), s.layout.in));
    b.Out("dv",
          FromHeads(TransposedMatMulOfHeads(a.keep ? w * a.keep : w, dy, kv_heads), s.layout.in));
    if (!a.bias) return b.OutRaw("dpse", Nothing(b, b.Raw("query").dtype()));
    b.Out("dpse", SumTo(a.bias_first ? dproduct : ds, a.bias.shape()));
  });
}

}  // namespace belay
