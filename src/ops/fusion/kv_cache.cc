// Keys and values on their way into a cache: normalised, turned to their position, quantised.
#include "ops/paged_cache.h"
#include "ops/quant.h"

namespace belay {
namespace {

// Whole numbers of a cache that holds i8; else x in the cache's dtype.
Tensor ForCache(const Body& b, const Tensor& x, const Tensor& cache, const char* scale,
                const char* offset) {
  if (!b.Has(scale)) {
    if (b.Has(offset)) Fail("input {} comes without {}", offset, scale);
    if (!IsFloat(cache.dtype()))
      Fail("a cache of {} needs the input {}", DTypeName(cache.dtype()), scale);
    return Cast(x, cache.dtype());
  }
  FailNotSupported("the input {}", scale);
}

void CheckSizes(const std::vector<int64_t>& sizes, size_t count, const char* name) {
  if (sizes.size() != count) Fail("{} has {} elements, but needs {}", name, sizes.size(), count);
  for (int64_t s : sizes) {
    if (s < 1) Fail("{} holds {}, but must be positive", name, s);
  }
}

// [B, S, N, D] of the rows [B * S or B, S, ..] of a projection.
Tensor HeadsOfColumns(const Tensor& x, const Dim& first, const Dim& heads, const Dim& size) {
  Tensor part = Slice(x, x.rank() - 1, first, heads * size);
  Shape shape(x.shape().begin(), x.shape().end() - 1);
  shape.push_back(heads);
  shape.push_back(size);
  return Reshape(part, shape);
}

Tensor HalfRotated(const Tensor& x) {
  const Dim half = FloorDiv(x.dim(-1), 2);
  const int last = x.rank() - 1;
  return Concat({-Slice(x, last, half, half), Slice(x, last, 0, half)}, last);
}
Tensor Turned(const Tensor& x, const Tensor& cos, const Tensor& sin) {
  return x * cos + HalfRotated(x) * sin;
}

// One row per token: of [B, N, S, D] the tokens in the order of their batches.
Tensor RowsOfTokens(const Tensor& x) {
  Tensor t = Transpose(x, {0, 2, 1, 3});
  return Reshape(t, {t.dim(0) * t.dim(1), t.dim(2), t.dim(3)});
}

void KvRmsNormRopeCacheBody(Body& b) {
  Tensor kv = b.In("kv"), gamma = b.In("gamma"), index = b.Raw("index");
  if (kv.rank() != 4) Fail("kv has rank {}, but needs 4", kv.rank());
  if (b.Has("v")) FailNotSupported("the input v");
  const std::string mode = b.Str("cache_mode");
  const Dim wide = NumElements(gamma.shape()), narrow = kv.dim(3) - wide;
  Tensor normed = RmsNormed(Slice(kv, 3, 0, wide), gamma, b.Float("epsilon"));
  Tensor turned = TurnedPairs(Slice(kv, 3, wide, narrow), b.In("cos"), b.In("sin"));
  struct Part {
    const char *cache, *scale, *offset;
    Tensor value;
  };
  for (const Part& p : {Part{"k_cache", "k_rope_scale", "k_rope_offset", turned},
                        Part{"ckv_cache", "c_kv_scale", "c_kv_offset", normed}}) {
    Tensor cache = b.Raw(p.cache), rows = ForCache(b, p.value, cache, p.scale, p.offset);
    if (mode == "Norm") {
      b.OutRaw(p.cache, WrittenAt(cache, rows, index));
    } else if (mode == "PA" || mode == "PA_BNSD") {
      b.OutRaw(p.cache, WrittenToSlots(cache, RowsOfTokens(rows), index));
    } else {
      FailNotSupported("cache_mode '{}' (only Norm, PA and PA_BNSD)", mode);
    }
  }
  b.Out("k_rope", turned);
  b.Out("c_kv", normed);
}

void QkvRmsNormRopeCacheBody(Body& b) {
  Tensor qkv = b.In("qkv"), index = b.Raw("index");
  const std::vector<int64_t> heads = b.Ints("head_nums"), size = b.Ints("qkv_size");
  CheckSizes(heads, 3, "head_nums");
  CheckSizes(size, 4, "qkv_size");
  if (qkv.rank() != 2) Fail("qkv has rank {}, but needs 2", qkv.rank());
  const std::string mode = b.Str("cache_mode");
  if (mode != "PA_NZ") FailNotSupported("cache_mode '{}' (only PA_NZ)", mode);
  const Dim d = size[3];
  const double epsilon = b.Float("epsilon");
  Tensor cos = Unsqueeze(b.In("cos"), {1}), sin = Unsqueeze(b.In("sin"), {1});
  Tensor q = HeadsOfColumns(qkv, 0, heads[0], d);
  Tensor k = HeadsOfColumns(qkv, Dim(heads[0]) * d, heads[1], d);
  Tensor v = HeadsOfColumns(qkv, Dim(heads[0] + heads[1]) * d, heads[2], d);
  q = Turned(RmsNormed(q, b.In("q_gamma"), epsilon), cos, sin);
  k = Turned(RmsNormed(k, b.In("k_gamma"), epsilon), cos, sin);
  auto flat = [](const Tensor& x) { return Reshape(x, {x.dim(0), x.dim(1) * x.dim(2)}); };
  b.OutAs("q_out", Reshape(flat(q), b.Raw("q_out").shape()), b.Raw("q_out").dtype());
  Tensor k_cache = b.Raw("k_cache"), v_cache = b.Raw("v_cache");
  b.OutRaw("k_cache",
           WrittenToFractals(k_cache, ForCache(b, flat(k), k_cache, "k_scale", "k_offset"), index));
  b.OutRaw("v_cache",
           WrittenToFractals(v_cache, ForCache(b, flat(v), v_cache, "v_scale", "v_offset"), index));
  b.Out("q_out_before_quant", flat(q));
  b.Out("k_out_before_quant", flat(k));
  b.Out("v_out_before_quant", flat(v));
}

// The projection in real numbers.
Tensor Dequantised(Body& b) {
  Tensor x = b.Raw("x"), bias = b.Optional("bias");
  if (IsFloat(x.dtype()))
    return bias ? Cast(x, DType::kF32) + Cast(bias, DType::kF32) : Cast(x, DType::kF32);
  if (bias && bias.dtype() == DType::kI32) x = x + bias;
  Tensor y = Cast(x, DType::kF32) * b.In("weight_scale");
  if (b.Has("activation_scale")) {
    Tensor rows = b.In("activation_scale");
    Shape shape(x.shape().begin(), x.shape().end() - 1);
    shape.push_back(1);
    y = y * Reshape(rows, shape);
  }
  return bias && bias.dtype() != DType::kI32 ? y + Cast(bias, DType::kF32) : y;
}

// round(x / scale + offset)
Tensor QuantisedBy(Body& b, const Tensor& x, const char* scale, const char* offset) {
  Tensor y = x / b.In(scale);
  if (b.Has(offset)) y = y + b.In(offset);
  return Quantised(y, DType::kI8);
}

void DequantRopeQuantKvcacheBody(Body& b) {
  Tensor x = Dequantised(b), k_cache = b.Raw("k_cache"), v_cache = b.Raw("v_cache");
  if (x.rank() == 2) x = Unsqueeze(x, {1});  // one token per row
  if (x.rank() != 3 || k_cache.rank() != 4) {
    Fail("x and k_cache have ranks {} and {}, but need 3 and 4", x.rank(), k_cache.rank());
  }
  const std::vector<int64_t> sizes = b.Ints("size_splits");
  CheckSizes(sizes, 3, "size_splits");
  if (b.Str("quant_mode") != "static")
    FailNotSupported("quant_mode '{}' (only static)", b.Str("quant_mode"));
  if (b.Str("layout") != "BSND") FailNotSupported("layout '{}' (only BSND)", b.Str("layout"));
  const Dim d = k_cache.dim(3);
  auto heads = [&](int64_t first, int64_t width) {
    return HeadsOfColumns(x, first, FloorDiv(Dim(width), d), d);
  };
  auto spread = [&](const char* name) {  // [B, S, 1, D]
    Tensor t = b.In(name);
    return Reshape(t, {x.dim(0), x.dim(1), Dim(1), d});
  };
  Tensor cos = spread("cos"), sin = spread("sin");
  Tensor q = Turned(heads(0, sizes[0]), cos, sin), k = Turned(heads(sizes[0], sizes[1]), cos, sin);
  Tensor v = heads(sizes[0] + sizes[1], sizes[2]);
  Tensor k_rows = QuantisedBy(b, k, "scale_k", "offset_k"),
         v_rows = QuantisedBy(b, v, "scale_v", "offset_v");
  const std::string mode = b.Str("cache_mode");
  if (mode != "contiguous" && mode != "page")
    Fail("cache_mode is '{}', but must be contiguous or page", mode);
  auto written = [&](const Tensor& cache, const Tensor& rows) {
    if (mode == "contiguous") return WrittenFrom(cache, rows, b.Raw("indices"));
    return WrittenToSlots(cache,
                          Reshape(rows, {rows.dim(0) * rows.dim(1), rows.dim(2), rows.dim(3)}),
                          b.Raw("indices"));
  };
  const DType dtype = b.Raw("cos").dtype();
  b.OutAs("q", q, dtype);
  b.OutAs("k", k, dtype);
  b.OutAs("v", v, dtype);
  b.OutRaw("k_cache", written(k_cache, k_rows));
  b.OutRaw("v_cache", written(v_cache, v_rows));
}

}  // namespace

// The first part of kv is normalised, the rest turned; both go to their caches.
BELAY_OP(KvRmsNormRopeCache) { op.Dtypes("kv", kFloats).Computes(KvRmsNormRopeCacheBody); }
BELAY_OP(QkvRmsNormRopeCache) { op.Dtypes("qkv", kFloats).Computes(QkvRmsNormRopeCacheBody); }
BELAY_OP(DequantRopeQuantKvcache) { op.Computes(DequantRopeQuantKvcacheBody); }

}  // namespace belay
