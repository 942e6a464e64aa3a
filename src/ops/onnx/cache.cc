// What decoders keep from one step to the next: caches of keys and values, the last inputs of a
// convolution, the state of linear attention.
#include "ops/attention.h"

namespace belay {
namespace {

void TensorScatterBody(Body& b) {
  Tensor cache = b.Raw("past_cache"), update = b.Raw("update");
  const int rank = cache.rank(), axis = NormalizeAxis(b.Int("axis"), rank, "axis");
  if (axis == 0) Fail("axis is 0, which is the batch");
  if (update.rank() != rank) Fail("past_cache has rank {}, but update has {}", rank, update.rank());
  const std::string mode = b.Str("mode");
  if (mode != "linear" && mode != "circular") Fail("mode is '{}', but must be linear or circular", mode);
  Builder& builder = b.builder();
  Shape line(rank, Dim(1)), rows(rank, Dim(1));
  line[axis] = update.dim(axis);
  rows[0] = update.dim(0);
  Tensor at = builder.Iota(DType::kI64, line, axis);
  if (b.Has("write_indices")) at = at + Reshape(Cast(b.Raw("write_indices"), DType::kI64), rows);
  if (mode == "circular") at = Mod(at, builder.FromDim(DType::kI64, cache.dim(axis)));
  std::vector<int> axes = AxisRange(0, rank);
  axes[axis] = -1;
  b.OutRaw("present_cache", Scatter(ReduceKind::kNone, cache, update, {at}, axes));
}

Tensor Activated(const Body& b, const Tensor& x) {
  const std::string name = b.Str("activation");
  if (name == "none") return x;
  if (name == "silu" || name == "swish") return x * Sigmoid(x);
  Fail("activation is '{}', but must be none, silu or swish", name);
}

// A sum of shifted inputs: kernels have a few taps, and channels stay where they are.
void CausalConvBody(Body& b) {
  Tensor x = b.In("input"), w = b.In("weight");
  if (x.rank() != 3 || w.rank() != 3 || !b.builder().Assume(Equal(w.dim(1), 1), true)) {
    Fail("input and weight have shapes {} and {}, but need [B, C, L] and [C, 1, k]", ToString(x.shape()),
         ToString(w.shape()));
  }
  if (!w.dim(2).IsConst() || w.dim(2).value() < 1) FailNotSupported("a kernel of {} taps", w.dim(2).ToString());
  const int64_t taps = w.dim(2).value();
  const Dim channels = x.dim(1), length = x.dim(2);
  const Shape kept = {x.dim(0), channels, Dim(taps - 1)};
  Tensor past = b.Has("past_state") ? BroadcastTo(b.In("past_state"), kept) : Full(b.builder(), kept, x.dtype(), 0);
  Tensor all = Concat({past, x}, 2), y;
  for (int64_t t = 0; t < taps; ++t) {
    Tensor part = Slice(all, 2, t, length) * Reshape(Slice(w, 2, t, 1), {Dim(1), channels, Dim(1)});
    y = y ? y + part : part;
  }
  if (b.Has("bias")) y = y + Reshape(b.In("bias"), {Dim(1), channels, Dim(1)});
  b.Out("output", Activated(b, y));
  b.Out("present_state", Slice(all, 2, length, taps - 1));
}

// x [B, T, N*D] or [B, T, N] or [B, T, 1] as `full`, [B, T, N, D].
Tensor PerHead(const Tensor& x, const char* name, const Shape& full) {
  if (x.rank() != 3) Fail("{} has rank {}, but needs 3", name, x.rank());
  const Dim width = full[2] * full[3];
  if (x.builder().Assume(Equal(x.dim(2), width), true)) {
    return Reshape(BroadcastTo(x, {full[0], full[1], width}), full);
  }
  return BroadcastTo(Unsqueeze(x, {3}), full);
}

void LinearAttentionBody(Body& b) {
  const std::string rule = b.Str("update_rule");
  const bool gated = rule == "gated" || rule == "gated_delta", delta = rule == "delta" || rule == "gated_delta";
  if (!gated && !delta && rule != "linear") {
    Fail("update_rule is '{}', but must be linear, gated, delta or gated_delta", rule);
  }
  if (gated && !b.Has("decay")) Fail("update_rule {} needs the input decay", rule);
  if (delta && !b.Has("beta")) Fail("update_rule {} needs the input beta", rule);
  const int64_t q_heads = b.Int("q_num_heads"), heads = b.Int("kv_num_heads");
  if (heads < 1 || q_heads < 1 || q_heads % heads != 0) {
    Fail("{} query heads cannot share {} heads of the keys", q_heads, heads);
  }
  Tensor q = b.In("query"), k = b.In("key"), v = b.In("value");
  if (q.rank() != 3 || k.rank() != 3 || v.rank() != 3) Fail("query, key and value need rank 3");
  for (const char* input : {"query", "key", "value", "decay", "beta", "past_state"}) {
    if (b.Has(input) && b.In(input).dtype() != DType::kF32) {
      Fail("input {} is {}, but must be f32, f16 or bf16", input, DTypeName(b.Raw(input).dtype()));
    }
  }
  const Dim size = FloorDiv(q.dim(2), q_heads), value_size = FloorDiv(v.dim(2), heads);
  Builder& builder = b.builder();
  const Dim batch = q.dim(0), steps = q.dim(1);
  Tensor decay = Full(builder, {batch, steps, Dim(heads), size}, DType::kF32, 1);
  Tensor beta = Full(builder, {batch, steps, Dim(heads), Dim(1)}, DType::kF32, 1);
  if (gated) decay = Exp(PerHead(b.In("decay"), "decay", {batch, steps, Dim(heads), size}));
  if (delta) beta = PerHead(b.In("beta"), "beta", {batch, steps, Dim(heads), Dim(1)});
  const Shape state = {batch, Dim(heads), size, value_size};
  Tensor past = b.Has("past_state") ? BroadcastTo(b.In("past_state"), state) : Full(builder, state, DType::kF32, 0);
  const DType state_type = b.Has("past_state") ? b.Raw("past_state").dtype() : b.Raw("query").dtype();
  const Shape out = {batch, steps, Dim(q_heads), value_size};
  std::vector<Tensor> y = Call("linear_attention",
                               {PerHead(q, "query", {batch, steps, Dim(q_heads), size}),
                                PerHead(k, "key", {batch, steps, Dim(heads), size}),
                                PerHead(v, "value", {batch, steps, Dim(heads), value_size}), decay, beta, past},
                               {{DType::kF32, out}, {DType::kF32, state}}, {{"delta", delta}});
  Tensor scale = HeadScale(builder, DType::kF32, b.Float("scale"), size);
  b.Out("output", Reshape(y[0] * scale, {batch, steps, Dim(q_heads) * value_size}));
  b.OutAs("present_state", y[1], state_type);
}

}  // namespace

BELAY_OP(OnnxTensorScatter) {
  op.FromOnnx("TensorScatter", 24).Dtypes("write_indices", kIndices).Computes(TensorScatterBody);
}

BELAY_OP(OnnxCausalConvWithState) {
  op.FromOnnx("CausalConvWithState", 27).Dtypes("input", kFloats).Computes(CausalConvBody);
}

BELAY_OP(OnnxLinearAttention) {
  op.FromOnnx("LinearAttention", 27).Dtypes("query", {DType::kF32, DType::kF16, DType::kBF16});
  op.Computes(LinearAttentionBody);
}

}  // namespace belay
