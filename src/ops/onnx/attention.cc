// ONNX's attention: scores of matrices, optionally capped, biased, masked and modified by subgraphs.
#include "ops/attention.h"

#include <cmath>

namespace belay {
namespace {

constexpr double kLowest = -HUGE_VAL;

Tensor ScaleOf(Body& b, const Tensor& q) {
  return HeadScale(b.builder(), q.dtype(), b.HasAttr("scale") ? b.Float("scale") : 0, q.dim(3));
}

// The dtype that ONNX names for the softmax; what is narrower than f32 is served by f32.
DType SoftmaxType(const Body& b, DType fallback) {
  const DType dtype = b.Type("softmax_precision");
  if (dtype == DType::kUndefined) return fallback;
  if (!IsFloat(dtype)) Fail("softmax_precision is {}, but must be a float", DTypeName(dtype));
  return dtype;
}

// Q, K or V as [B, N, S, D].
Tensor HeadsOfInput(const Body& b, const Tensor& x, const char* heads) {
  if (x.rank() == 4) return x;
  if (x.rank() != 3) Fail("Q, K and V have rank {}, but need 3 or 4", x.rank());
  if (b.Int(heads) < 1) Fail("inputs have rank 3, so {} must be set", heads);
  return ToHeads(x, "BSH", b.Int(heads));
}

// The mask reaches over all keys; those it leaves out are masked.
Tensor WholeMask(const Tensor& mask, const Dim& keys, const Tensor& fill) {
  if (mask.rank() == 0 || mask.builder().Assume(Equal(mask.dim(-1), keys), true)) return mask;
  if (mask.builder().Assume(Less(keys, mask.dim(-1)), false)) {
    Fail("attn_mask has shape {}, but there are {} keys", ToString(mask.shape()), keys.ToString());
  }
  std::vector<Dim> lo(mask.rank(), Dim(0)), hi = lo;
  hi.back() = keys - mask.dim(-1);
  return Pad(mask, lo, hi, fill);
}

// True for keys that a query may not see, by its place: [B or 1, 1, Sq, Skv]. Empty when all may be seen.
Tensor HiddenByPlace(Body& b, const Dim& queries, const Dim& keys, const Dim& past) {
  Builder& builder = b.builder();
  Tensor key = builder.Iota(DType::kI64, {Dim(1), Dim(1), Dim(1), keys}, 3);
  Tensor query = builder.Iota(DType::kI64, {Dim(1), Dim(1), queries, Dim(1)}, 2);
  Tensor hidden, offset = builder.FromDim(DType::kI64, past);
  auto hide = [&](const Tensor& what) { hidden = hidden ? Or(hidden, what) : what; };
  if (b.Has("nonpad_kv_seqlen")) {
    Tensor lengths = Cast(b.Raw("nonpad_kv_seqlen"), DType::kI64);
    lengths = Reshape(lengths, {lengths.dim(0), Dim(1), Dim(1), Dim(1)});
    hide(GreaterEqual(key, lengths));
    if (!b.Has("past_key")) offset = lengths - builder.FromDim(DType::kI64, queries);
  }
  Tensor distance = key - (query + offset);
  const int64_t left = b.Int("left_window_size"), right = b.Int("right_window_size");
  if (b.Int("is_causal")) hide(Greater(distance, 0.0));
  if (right >= 0) hide(Greater(distance, static_cast<double>(right)));
  if (left >= 0) hide(Less(distance, static_cast<double>(-left)));
  return hidden;
}

void AttentionBody(Body& b) {
  Tensor input = b.In("Q"), q = HeadsOfInput(b, input, "q_num_heads");
  Tensor k = HeadsOfInput(b, b.Raw("K"), "kv_num_heads"), v = HeadsOfInput(b, b.Raw("V"), "kv_num_heads");
  Dim past(0);
  if (b.Has("past_key") != b.Has("past_value")) Fail("past_key and past_value go together, but one is missing");
  if (b.Has("past_key")) {
    past = b.Raw("past_key").dim(2);
    k = Concat({b.Raw("past_key"), k}, 2);
    v = Concat({b.Raw("past_value"), v}, 2);
  }
  b.OutRaw("present_key", k);
  b.OutRaw("present_value", v);
  const DType dtype = input.dtype();
  Tensor scores = MatMulOfHeads(q, SwapLast(Cast(k, dtype))) * ScaleOf(b, q);
  Tensor lowest = b.builder().Scalar(dtype, kLowest);
  const int64_t mode = b.Int("qk_matmul_output_mode");
  if (mode < 0 || mode > 3) Fail("qk_matmul_output_mode is {}, but must be 0 to 3", mode);
  if (mode == 0) b.Out("qk_matmul_output", scores);
  if (const double cap = b.Float("softcap"); cap != 0) scores = Tanh(scores / cap) * cap;
  if (mode == 1) b.Out("qk_matmul_output", scores);
  Tensor hidden = HiddenByPlace(b, q.dim(2), k.dim(2), past);
  if (b.Has("attn_mask") && b.Raw("attn_mask").dtype() == DType::kBool) {
    Tensor mask = Not(WholeMask(b.Raw("attn_mask"), k.dim(2), b.builder().ScalarInt(DType::kBool, 0)));
    hidden = hidden ? Or(hidden, mask) : mask;
  } else if (b.Has("attn_mask")) {
    scores = scores + WholeMask(Cast(b.In("attn_mask"), dtype), k.dim(2), lowest);
  }
  if (hidden) scores = Select(hidden, lowest, scores);
  if (mode == 2) b.Out("qk_matmul_output", scores);
  const DType precise = SoftmaxType(b, dtype) == DType::kF64 ? DType::kF64 : dtype;
  Tensor weights = WeightsOfScores(Cast(scores, precise), hidden || b.Has("attn_mask")).weights;
  weights = Cast(weights, dtype);
  if (mode == 3) b.Out("qk_matmul_output", weights);
  Tensor y = MatMulOfHeads(weights, Cast(v, dtype));
  b.Out("Y", input.rank() == 3 ? FromHeads(y, "BSH") : y);
}

// A subgraph that turns scores or weights into others of the same type.
Tensor Modified(Body& b, const char* subgraph, const Tensor& x) {
  auto it = b.node().subgraphs.find(subgraph);
  if (it == b.node().subgraphs.end()) return x;
  std::vector<Tensor> arguments = {x};
  for (const Tensor& captured : b.RawIns("captures")) arguments.push_back(captured);
  const std::vector<Node*> results = b.inline_subgraph(*it->second.at(0), arguments).outputs;
  if (results.size() != 1 || results[0]->type.dtype != x.dtype() || results[0]->rank() != x.rank()) {
    Fail("{} must give one tensor of type {}", subgraph, ToString(x.node()->type));
  }
  return BroadcastTo(b.builder().Wrap(results[0]), x.shape());
}

Tensor Lifted(const Tensor& x) { return IsHalf(x.dtype()) ? Cast(x, DType::kF32) : x; }

void FlexAttentionBody(Body& b) {
  Tensor q = b.In("Q"), k = Cast(b.In("K"), q.dtype()), v = Cast(b.In("V"), q.dtype());
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4) Fail("Q, K and V need rank 4");
  const DType precise = SoftmaxType(b, q.dtype());
  Tensor scores = Cast(MatMulOfHeads(q, SwapLast(k)) * ScaleOf(b, q), precise);
  scores = Lifted(Modified(b, "score_mod", scores));
  Tensor weights = Cast(WeightsOfScores(scores, false).weights, precise);
  b.Out("Y", MatMulOfHeads(Cast(Modified(b, "prob_mod", weights), q.dtype()), v));
}

// The attributes that both operators have, and the type that ONNX numbers.
AttrMap SoftmaxAttrs(const OnnxNode& n) {
  AttrMap attrs;
  if (n.HasAttr("scale")) attrs["scale"] = n.Float("scale", 0);
  if (n.HasAttr("softmax_precision")) attrs["softmax_precision"] = OnnxDType(n.Int("softmax_precision", 1));
  return attrs;
}

}  // namespace

BELAY_OP(OnnxAttention) {
  op.FromOnnx("Attention", 23, [](OnnxNode& n) {
    AttrMap attrs = SoftmaxAttrs(n);
    attrs["softcap"] = n.Float("softcap", 0);
    for (const char* name : {"is_causal", "kv_num_heads", "q_num_heads", "qk_matmul_output_mode"}) {
      attrs[name] = n.Int(name, 0);
    }
    for (const char* name : {"left_window_size", "right_window_size"}) attrs[name] = n.Int(name, -1);
    std::vector<ModelEdge> inputs;
    for (int i = 0; i < n.input_count(); ++i) inputs.push_back(n.Input(i));
    const std::vector<ModelEdge> y = n.EmitN("OnnxAttention", inputs, attrs, 0);
    n.OutputAll(y);
  });
  op.Dtypes("Q", kFloats).Dtypes("K", kFloats).Dtypes("V", kFloats).Computes(AttentionBody);
}

BELAY_OP(OnnxFlexAttention) {
  op.FromOnnx("ai.onnx.preview::FlexAttention", 1, [](OnnxNode& n) {
    std::vector<ModelEdge> inputs = {n.Input(0), n.Input(1), n.Input(2)};
    for (const ModelEdge& captured : n.GraphCaptures("score_mod")) inputs.push_back(captured);
    ModelEdge y = n.Emit("OnnxFlexAttention", inputs, SoftmaxAttrs(n));
    for (const char* name : {"score_mod", "prob_mod"}) {
      if (n.HasAttr(name)) n.SetSubgraph(y, name, n.GraphAttr(name));
    }
    n.Output(0, y);
  });
  op.Dtypes("Q", kFloats).Computes(FlexAttentionBody);
}

}  // namespace belay
