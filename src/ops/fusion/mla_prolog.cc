// What multi-head latent attention (DeepSeek-V2, 2024) does before attention: queries and keys from
// latent vectors of few dims, which are what the cache holds.
#include "ops/paged_cache.h"

namespace belay {
namespace {

void RefuseQuantised(const Body& b) {
  for (const char* mode : {"weight_quant_mode", "kv_cache_quant_mode", "query_quant_mode",
                           "ckvkr_repo_mode", "quant_scale_repo_mode"}) {
    if (b.Int(mode) != 0) FailNotSupported("{} {} (only 0)", mode, b.Int(mode));
  }
  for (const char* factor : {"qc_qr_scale", "kc_scale"}) {
    if (b.Float(factor) != 1) FailNotSupported("{} {} (only 1)", factor, b.Float(factor));
  }
  for (const char* input :
       {"dequant_scale_x", "dequant_scale_w_dq", "dequant_scale_w_uq_qr", "dequant_scale_w_dkv_kr",
        "quant_scale_ckv", "quant_scale_ckr", "smooth_scales_cq", "k_nope_clip_alpha"}) {
    if (b.Has(input)) FailNotSupported("the input {}", input);
  }
  if (b.Has("actual_seq_len")) FailNotSupported("the input actual_seq_len");
  if (b.Str("cache_mode") != "PA_BSND")
    FailNotSupported("cache_mode '{}' (only PA_BSND)", b.Str("cache_mode"));
}

struct Latent {
  Tensor tokens;  // [T, He]
  Shape lead;     // [B, S] or [T]
};

Latent Tokens(const Tensor& x) {
  if (x.rank() != 2 && x.rank() != 3) Fail("token_x has rank {}, but needs 2 or 3", x.rank());
  Shape lead(x.shape().begin(), x.shape().end() - 1);
  return {Reshape(x, {NumElements(lead), x.dim(-1)}), lead};
}

Tensor WithLead(const Tensor& x, const Shape& lead) {
  Shape shape = lead;
  shape.insert(shape.end(), x.shape().begin() + 1, x.shape().end());
  return Reshape(x, shape);
}

void MlaPrologBody(Body& b) {
  RefuseQuantised(b);
  const Latent x = Tokens(b.Raw("token_x"));
  Tensor uk = b.Raw("weight_uk"), kv_cache = b.Raw("kv_cache"), kr_cache = b.Raw("kr_cache");
  if (uk.rank() != 3) Fail("weight_uk has rank {}, but needs 3", uk.rank());
  if (!b.Has("cache_index")) Fail("input cache_index is required by cache_mode PA_BSND");
  const Dim heads = uk.dim(0), d = uk.dim(1), latent = uk.dim(2);
  const DType acc = AccumulatorOf(x.tokens.dtype());
  auto turns = [&](const char* name) {  // [T, Dr]
    Tensor t = b.In(name);
    return Reshape(t, {x.tokens.dim(0), t.dim(-1)});
  };
  Tensor cos = turns("rope_cos"), sin = turns("rope_sin");
  const Dim rope = cos.dim(1);
  Tensor cq = RmsNormed(MatMul(x.tokens, b.Raw("weight_dq"), acc), b.In("rmsnorm_gamma_cq"),
                        b.Float("rmsnorm_epsilon_cq"));
  Tensor q = Reshape(MatMul(cq, b.Raw("weight_uq_qr"), acc), {x.tokens.dim(0), heads, d + rope});
  // [T, N, D] @ [N, D, latent]: the keys' up-projection, absorbed by the queries.
  Tensor absorbed = Transpose(MatMul(Transpose(Slice(q, 2, 0, d), {1, 0, 2}), uk, acc), {1, 0, 2});
  Tensor q_rope = TurnedPairs(Slice(q, 2, d, rope), Unsqueeze(cos, {1}), Unsqueeze(sin, {1}));
  Tensor kv = MatMul(x.tokens, b.Raw("weight_dkv_kr"), acc);
  Tensor ckv =
      RmsNormed(Slice(kv, 1, 0, latent), b.In("rmsnorm_gamma_ckv"), b.Float("rmsnorm_epsilon_ckv"));
  Tensor kr = TurnedPairs(Slice(kv, 1, latent, rope), cos, sin);
  auto row = [](const Tensor& t, const Tensor& cache) {
    return Cast(Unsqueeze(t, {1}), cache.dtype());
  };
  Tensor slots = b.Raw("cache_index");
  b.Out("query", WithLead(absorbed, x.lead));
  b.Out("query_rope", WithLead(q_rope, x.lead));
  b.OutRaw("kv_cache", WrittenToSlots(kv_cache, row(ckv, kv_cache), slots));
  b.OutRaw("kr_cache", WrittenToSlots(kr_cache, row(kr, kr_cache), slots));
  Tensor none = Full(b.builder(), {Dim(0)}, DType::kF32, 0);
  b.OutRaw("dequant_scale_q_nope", none);
  b.OutRaw("dequant_scale_q_norm", none);
  if (b.Bool("query_norm_flag")) return b.Out("query_norm", WithLead(cq, x.lead));
  b.OutRaw("query_norm", Full(b.builder(), {Dim(0)}, b.Raw("token_x").dtype(), 0));
}

}  // namespace

BELAY_OP(MlaPrologV3) { op.Dtypes("token_x", kFloats).Computes(MlaPrologBody); }

}  // namespace belay
