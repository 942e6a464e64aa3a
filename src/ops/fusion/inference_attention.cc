// Attention as it is served: prompts, single steps on a cache, and both in one operator.
#include <initializer_list>

#include "ops/attention.h"
#include "ops/quant.h"

namespace belay {
namespace {

// Names that differ between the three operators.
struct Names {
  const char* q_lengths;
  const char* kv_lengths;
  const char* scale;
  const char* before;  // nullptr: the operator has no band and no sparse_mode
  const char* after;
};

struct Request {
  AttentionLayout layout;
  AttentionInputs inputs;
};

void Refuse(const Body& b, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (b.Has(name)) FailNotSupported("the input {}", name);
  }
}

// Cache blocks in the order in which a row's tokens lie in them. cache [blocks, size, H] or
// [blocks, N, size, D]; table [B, blocks of a row]. Entries behind a row's end may hold anything.
Tensor FromBlocks(const Tensor& cache, const Tensor& table, const Dim& head_size) {
  if (table.rank() != 2)
    Fail("block_table has shape {}, but must have rank 2", ToString(table.shape()));
  Tensor last = table.builder().FromDim(table.dtype(), cache.dim(0) - Dim(1));
  Tensor blocks = GatherAxis(cache, Max(Min(table, last), 0.0), 0, false);
  if (cache.rank() == 4) {
    Tensor t = Transpose(blocks, {0, 2, 1, 3, 4});
    return Reshape(t, {t.dim(0), t.dim(1), t.dim(2) * t.dim(3), t.dim(4)});
  }
  if (cache.rank() != 3) {
    FailNotSupported("a cache of shape {} (only [blocks, size, H] and [blocks, N, size, D])",
                     ToString(cache.shape()));
  }
  Tensor rows = Reshape(blocks, {blocks.dim(0), blocks.dim(1) * blocks.dim(2), blocks.dim(3)});
  return ToHeads(rows, "BSH", HeadsOf(rows, "BSH", head_size));
}

// The keys or values as [B, N, S, D]: one tensor, one per row of the batch, or blocks of a cache.
Tensor ReadHeads(const Body& b, const char* name, const AttentionLayout& layout,
                 const Dim& head_size) {
  const std::vector<Tensor> parts = b.RawIns(name);
  if (parts.empty()) Fail("input {} is required, but not connected", name);
  if (b.Has("block_table")) return FromBlocks(parts[0], b.Raw("block_table"), head_size);
  const size_t batch = layout.in.find('B');
  Tensor x = Concat(parts, batch == std::string::npos ? 0 : static_cast<int>(batch));
  return ToHeads(x, layout.in, HeadsOf(x, layout.in, head_size));
}

// scale or offset of a quantised cache as a factor of x [B, N, S, D]. mode 0: one number, or one
// per channel; 1: one per token.
Tensor Spread(const Tensor& t, const Tensor& x, int64_t mode) {
  const Dim count = NumElements(t.shape());
  Tensor f = Cast(t, IsFloat(x.dtype()) ? x.dtype() : DType::kF32);
  if (x.builder().Assume(Equal(count, 1), false)) return Reshape(f, {});
  if (mode == 0) return Reshape(f, {Dim(1), x.dim(1), Dim(1), x.dim(3)});
  if (mode == 1) return Reshape(f, {x.dim(0), Dim(1), x.dim(2), Dim(1)});
  FailNotSupported("antiquant mode {} (only 0 and 1)", mode);
}

Tensor Dequantised(const Tensor& x, const Tensor& scale, const Tensor& offset, int64_t mode) {
  if (IsFloat(x.dtype())) return x;
  if (!scale) Fail("keys and values of {} need an antiquant scale", DTypeName(x.dtype()));
  Tensor y = Cast(x, DType::kF32);
  if (offset) y = y + Spread(offset, x, mode);
  return y * Spread(scale, x, mode);
}

// antiquant_scale and antiquant_offset hold the keys' part and the values' part along dim 0.
Tensor Half(const Body& b, const char* name, int index) {
  if (!b.Has(name)) return Tensor();
  Tensor both = b.Raw(name);
  if (both.rank() < 1 || !both.builder().Assume(Equal(both.dim(0), 2), true)) {
    Fail("{} has shape {}, but needs 2 parts", name, ToString(both.shape()));
  }
  return Slice(both, 0, index, 1);
}

Tensor DequantisedInput(const Body& b, const Tensor& x, bool is_value, bool has_modes) {
  if (has_modes && b.Has(is_value ? "value_antiquant_scale" : "key_antiquant_scale")) {
    return is_value
               ? Dequantised(x, b.Raw("value_antiquant_scale"),
                             b.Optional("value_antiquant_offset"), b.Int("value_antiquant_mode"))
               : Dequantised(x, b.Raw("key_antiquant_scale"), b.Optional("key_antiquant_offset"),
                             b.Int("key_antiquant_mode"));
  }
  return Dequantised(x, Half(b, "antiquant_scale", is_value), Half(b, "antiquant_offset", is_value),
                     has_modes ? b.Int("antiquant_mode") : 0);
}

// [B, N, S, D] -> [1, N, B*S, D]
Tensor RowsAfterEachOther(const Tensor& x) {
  Tensor t = Transpose(x, {1, 0, 2, 3});
  return Reshape(t, {Dim(1), t.dim(0), t.dim(1) * t.dim(2), t.dim(3)});
}

struct Sides {
  TokenAxis q, kv;
};

Sides Tokens(Body& b, const AttentionLayout& layout, const Names& names, AttentionInputs* a) {
  Tensor q_lengths = names.q_lengths ? b.Optional(names.q_lengths) : Tensor();
  Tensor kv_lengths = b.Optional(names.kv_lengths);
  Builder& builder = b.builder();
  if (b.Has("block_table") && !kv_lengths)
    Fail("input {} is required by block_table", names.kv_lengths);
  if (!layout.packed()) {
    return {PaddedTokens(builder, a->q.dim(2), q_lengths),
            PaddedTokens(builder, a->k.dim(2), kv_lengths)};
  }
  if (!q_lengths || !kv_lengths) {
    Fail("inputs {} and {} are required by the layout {}", names.q_lengths, names.kv_lengths,
         layout.in);
  }
  Sides s;
  s.q = PackedTokens(a->q.dim(2), q_lengths);
  if (!b.Has("block_table")) {
    s.kv = PackedTokens(a->k.dim(2), kv_lengths);
    return s;
  }
  s.kv = FlattenedTokens(a->k.dim(2), kv_lengths);
  a->k = RowsAfterEachOther(a->k);
  a->v = RowsAfterEachOther(a->v);
  return s;
}

Masking ReadMasking(Body& b, const Names& names, const Dim& q_extent) {
  Masking m;
  if (b.Has("atten_mask")) m.mask = MaskOfRank4(b.Raw("atten_mask"), q_extent);
  m.sparse_mode = 1;
  if (names.before) {
    m.sparse_mode = b.Int("sparse_mode");
    m.before = b.Int(names.before);
    m.after = b.Int(names.after);
    if (m.sparse_mode >= 5) FailNotSupported("sparse_mode {} (only 0 to 4)", m.sparse_mode);
  }
  return m;
}

void CheckKeyHeads(const Body& b, const Dim& kv_heads) {
  if (!b.HasAttr("num_key_value_heads")) return;
  const int64_t given = b.Int("num_key_value_heads"),
                heads = given == 0 ? b.Int("num_heads") : given;
  if (kv_heads.IsConst() && !kv_heads.IsConst(heads)) {
    Fail("num_key_value_heads is {}, but the keys have {} heads", given, kv_heads.ToString());
  }
}

Request Read(Body& b, const Names& names, bool has_modes) {
  Request r;
  r.layout = ParseAttentionLayout(b.Str("input_layout"));
  const int64_t heads = b.Int("num_heads");
  if (heads < 1) Fail("num_heads is {}, but must be positive", heads);
  if (!IsFloat(b.Raw("query").dtype()))
    FailNotSupported("a query of {}", DTypeName(b.Raw("query").dtype()));
  AttentionInputs& a = r.inputs;
  a.q = ToHeads(b.Raw("query"), r.layout.in, heads);
  const Dim head_size = a.q.dim(3);
  Tensor k = ReadHeads(b, "key", r.layout, head_size);
  // Values may be narrower than keys; what they share is the number of heads.
  const Tensor value = b.RawIns("value").empty() ? Tensor() : b.RawIns("value")[0];
  if (!value) Fail("input value is required, but not connected");
  const bool merged =
      value.rank() == 3 && (b.Has("block_table") || r.layout.in.find('H') != std::string::npos);
  const Dim value_size = merged ? FloorDiv(value.dim(2), k.dim(1)) : value.dim(-1);
  Tensor v = ReadHeads(b, "value", r.layout, value_size);
  CheckKeyHeads(b, k.dim(1));
  a.k = DequantisedInput(b, k, false, has_modes);
  a.v = DequantisedInput(b, v, true, has_modes);
  if (b.Has("query_rope") != b.Has("key_rope")) Fail("query_rope and key_rope only come together");
  if (b.Has("query_rope")) {  // a further part of each head
    Tensor q_rope = ToHeads(b.Raw("query_rope"), r.layout.in, heads);
    a.q = Concat({a.q, q_rope}, 3);
    a.k = Concat({a.k, Cast(ReadHeads(b, "key_rope", r.layout, q_rope.dim(3)), a.k.dtype())}, 3);
  }
  a.scale = b.Float(names.scale);
  if (b.Has("pse_shift")) a.bias = b.In("pse_shift");
  if (b.Has("learnable_sink")) a.sink = b.In("learnable_sink");
  const Sides tokens = Tokens(b, r.layout, names, &a);
  a.masked = MaskedScores(ReadMasking(b, names, a.q.dim(2)), tokens.q, tokens.kv);
  return r;
}

// quant_scale2 asks for an int8 result.
void OutAttention(Body& b, const Request& r, const Tensor& out) {
  if (!b.Has("quant_scale2")) return b.Out("attention_out", FromHeads(out, r.layout.out));
  Tensor y = out * Spread(b.Raw("quant_scale2"), out, 0);
  if (b.Has("quant_offset2")) y = y + Spread(b.Raw("quant_offset2"), out, 0);
  b.OutRaw("attention_out", Quantised(FromHeads(y, r.layout.out), DType::kI8));
}

const std::vector<DType>& QueryDtypes() {
  static const std::vector<DType> dtypes = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64,
                                            DType::kI8};
  return dtypes;
}

}  // namespace

BELAY_OP(PromptFlashAttention) {
  op.Dtypes("query", QueryDtypes()).Computes([](Body& b) {
    Refuse(b, {"deq_scale1", "quant_scale1", "deq_scale2"});
    const Names names = {"actual_seq_lengths", "actual_seq_lengths_kv", "scale_value", "pre_tokens",
                         "next_tokens"};
    const Request r = Read(b, names, false);
    OutAttention(b, r, Attention(r.inputs).out);
  });
}

// One query token per row.
BELAY_OP(IncreFlashAttention) {
  op.Dtypes("query", QueryDtypes()).Computes([](Body& b) {
    Refuse(b, {"dequant_scale1", "quant_scale1", "dequant_scale2", "kv_padding_size"});
    const Request r =
        Read(b, {nullptr, "actual_seq_lengths", "scale_value", nullptr, nullptr}, false);
    OutAttention(b, r, Attention(r.inputs).out);
  });
}

BELAY_OP(FusedInferAttentionScore) {
  op.Dtypes("query", QueryDtypes()).Computes([](Body& b) {
    Refuse(b, {"dequant_scale1", "quant_scale1", "dequant_scale2", "query_padding_size",
               "kv_padding_size", "key_shared_prefix", "value_shared_prefix",
               "actual_shared_prefix_len", "key_rope_antiquant_scale", "dequant_scale_query"});
    if (b.Int("pse_type") != 0) FailNotSupported("pse_type {} (only 0)", b.Int("pse_type"));
    if (b.Int("query_quant_mode") != 0) {
      FailNotSupported("query_quant_mode {} (only 0)", b.Int("query_quant_mode"));
    }
    const Names names = {"actual_seq_lengths", "actual_seq_lengths_kv", "scale", "pre_tokens",
                         "next_tokens"};
    const Request r = Read(b, names, true);
    const AttentionResult y = Attention(r.inputs);
    OutAttention(b, r, y.out);
    if (!b.Bool("softmax_lse_flag")) {
      return b.OutRaw("softmax_lse", Full(b.builder(), {Dim(1)}, DType::kF32, 0));
    }
    b.OutRaw("softmax_lse", FromHeads(Log(y.sum) + y.max, r.layout.packed() ? "TND" : "BNSD"));
  });
}

}  // namespace belay
