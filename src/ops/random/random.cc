// Random numbers by seeds that are attributes, and dropout.
#include <bit>

#include "ops/const_input.h"
#include "ops/philox.h"

namespace belay {
namespace {

DType RandomDType(const Body& b) {
  const DType dtype = b.Type("dtype");
  if (!IsFloat(dtype)) FailNotSupported("dtype {} (only floats)", DTypeName(dtype));
  return dtype;
}

// [B, S]: for each row how many of its classes' cumulated weights [B, C] a random share exceeds.
Tensor Drawn(const RandomStream& s, const Tensor& weights, const Dim& samples) {
  const int last = weights.rank() - 1;
  Tensor ends = Scan(ReduceKind::kSum, weights, last, false, false);
  Tensor total = Slice(ends, last, ends.dim(last) - Dim(1), 1);
  Shape shape = weights.shape();
  shape[last] = samples;
  Tensor share = RandomUniform(s, DType::kF64, shape) * Cast(total, DType::kF64);
  Tensor below =
      LessEqual(Cast(Unsqueeze(ends, {last}), DType::kF64), Unsqueeze(share, {last + 1}));
  Tensor index = Sum(Cast(below, DType::kI64), {last + 1}, false);
  // Rounding may leave a share behind the last class of some weight.
  Tensor classes = weights.builder().FromDim(DType::kI64, weights.dim(last) - Dim(1));
  return Min(index, classes);
}

// Each row's classes in the order of weight / exponential noise: draws without putting back.
Tensor DrawnOnce(const RandomStream& s, const Tensor& weights, const Dim& samples) {
  if (!weights.builder().Assume(Less(weights.dim(-1), samples), false)) {
    Tensor u = RandomUniform(s, DType::kF64, weights.shape());
    Tensor noise = -Map(ScalarOp::kLog1p, -u);
    return TopK(Cast(weights, DType::kF64) / noise, samples, weights.rank() - 1, true).indices;
  }
  Fail("{} samples cannot be drawn once each from {} classes", samples.ToString(),
       weights.dim(-1).ToString());
}

void CheckClasses(const Tensor& x, int max_rank) {
  if (x.rank() < 1 || x.rank() > max_rank) {
    Fail("the weights have shape {}, but must have rank 1 to {}", ToString(x.shape()), max_rank);
  }
}

// Bits of u8, 1 with probability `prob`, in whole groups of 128.
Tensor KeepBits(Body& b, const RandomStream& s) {
  Dim count(1);
  for (const Dim& d : b.Dims("shape")) count = count * d;
  const Dim bytes = CeilDiv(count, 128) * Dim(16);
  Tensor u = RandomUniform(s, DType::kF32, {bytes, Dim(8)});
  Tensor bits = Cast(Less(u, Reshape(b.In("prob"), {})), DType::kU8);
  Tensor place = b.builder().Iota(DType::kU8, {Dim(1), Dim(8)}, 1);
  return Sum(Map(ScalarOp::kShl, bits, place), {1}, false);
}

ModelEdge CastTo(OnnxNode& n, ModelEdge x, DType dtype) { return n.Emit("Cast", {x}, {{"dst_type", GeType(dtype)}}); }

ModelEdge ShapeOf(OnnxNode& n, ModelEdge x) { return n.Emit("Shape", {x}, {{"dtype", GeType(DType::kI64)}}); }

// ONNX's seed is a float, of Dropout an integer: its bits are ours. seed2 tells a seed of 0 from none.
AttrMap OnnxSeed(OnnxNode& n) {
  if (!n.HasAttr("seed")) return {};
  if (n.op() == "Dropout") return {{"seed", n.Int("seed", 0)}, {"seed2", int64_t{1}}};
  return {{"seed", std::bit_cast<int64_t>(n.Float("seed", 0))}, {"seed2", int64_t{1}}};
}

ModelEdge EmitRandom(OnnxNode& n, const char* ge_op, ModelEdge shape, DType dtype) {
  AttrMap attrs = OnnxSeed(n);
  attrs["dtype"] = dtype;
  return n.Emit(ge_op, {shape}, attrs);
}

// factor * random + offset, in f32 at least and rounded once.
OnnxRuleFn OnnxRandom(const char* ge_op, bool like) {
  return [ge_op, like](OnnxNode& n) {
    DType dtype = like && !n.HasAttr("dtype") ? n.InputDType(0) : OnnxDType(n.Int("dtype", 1));
    if (!IsFloat(dtype)) n.Fail(fmt::format("random numbers of {} are not supported", DTypeName(dtype)));
    const bool uniform = n.op().starts_with("RandomUniform");
    const double offset = uniform ? n.Float("low", 0) : n.Float("mean", 0);
    const double factor = uniform ? n.Float("high", 1) - offset : n.Float("scale", 1);
    ModelEdge shape = like ? ShapeOf(n, n.Input(0)) : n.ConstInts(n.Ints("shape"));
    ModelEdge y = EmitRandom(n, ge_op, shape, dtype);
    if (IsHalf(dtype) && (factor != 1 || offset != 0)) y = CastTo(n, y, DType::kF32);
    if (factor != 1) y = n.Emit("Muls", {y}, {{"value", factor}});
    if (offset != 0) y = n.Emit("Adds", {y}, {{"value", offset}});
    n.Output(0, CastTo(n, y, dtype));
  };
}

// The dtype that x is compared or multiplied in.
DType WorkingType(OnnxNode& n) { return n.InputDType(0) == DType::kF64 ? DType::kF64 : DType::kF32; }

void OnnxBernoulli(OnnxNode& n) {
  const DType work = WorkingType(n);
  ModelEdge u = EmitRandom(n, "RandomUniform", ShapeOf(n, n.Input(0)), work);
  ModelEdge hit = n.Emit("Less", {u, CastTo(n, n.Input(0), work)});
  n.Output(0, n.HasAttr("dtype") ? CastTo(n, hit, OnnxDType(n.Int("dtype", 0)))
                                 : n.Emit("CastLike", {hit, n.Input(0)}));
}

// Elements are kept where u >= ratio, and count 1 / (1 - ratio) times then. Without training all are kept as
// they are.
void OnnxDropout(OnnxNode& n) {
  const std::optional<int64_t> training = n.HasInput(2) ? ConstInt(n, 2) : 0;
  if (training == 0) {
    n.Output(0, n.Emit("Identity", {n.Input(0)}));
    if (n.HasOutput(1)) n.Output(1, CastTo(n, n.Emit("OnesLike", {n.Input(0)}), DType::kBool));
    return;
  }
  const DType work = WorkingType(n);
  ModelEdge ratio = n.HasInput(1) ? CastTo(n, n.Input(1), work) : n.ConstScalar(work, 0.5);
  ModelEdge u = EmitRandom(n, "RandomUniform", ShapeOf(n, n.Input(0)), work);
  if (!training) ratio = n.Emit("SelectV2", {n.Input(2), ratio, n.ConstScalar(work, 0)});
  ModelEdge keep = n.Emit("GreaterEqual", {u, ratio}), zero = n.ConstScalar(work, 0);
  ModelEdge scaled = n.Emit("RealDiv", {CastTo(n, n.Input(0), work), n.Emit("Sub", {n.ConstScalar(work, 1), ratio})});
  n.Output(0, n.Emit("CastLike", {n.Emit("SelectV2", {keep, scaled, zero}), n.Input(0)}));
  if (n.HasOutput(1)) n.Output(1, keep);
}

}  // namespace

BELAY_OP(RandomUniform) {
  op.FromOnnx("RandomUniform", 1, OnnxRandom("RandomUniform", false));
  op.FromOnnx("RandomUniformLike", 1, OnnxRandom("RandomUniform", true));
  op.FromOnnx("Bernoulli", 15, OnnxBernoulli).FromOnnx("Dropout", 12, OnnxDropout);
  op.Computes([](Body& b) {
    const DType dtype = RandomDType(b);
    b.OutAs("y", RandomUniform(SeededStream(b), dtype, b.Dims("shape")), dtype);
  });
}

BELAY_OP(RandomStandardNormal) {
  op.FromOnnx("RandomNormal", 1, OnnxRandom("RandomStandardNormal", false));
  op.FromOnnx("RandomNormalLike", 1, OnnxRandom("RandomStandardNormal", true));
  op.Computes([](Body& b) {
    const DType dtype = RandomDType(b);
    b.OutAs("y", RandomNormal(SeededStream(b), dtype, b.Dims("shape")), dtype);
  });
}

// Whole numbers in [min, max).
BELAY_OP(RandomUniformInt) {
  op.Dtypes("min", kIndices).Dtypes("max", kIndices).Computes([](Body& b) {
    Tensor low = Reshape(b.Raw("min"), {}), high = Reshape(b.Raw("max"), {});
    Tensor range = Cast(high - low, DType::kU64);
    Tensor bits = RandomBits(SeededStream(b), DType::kU64, b.Dims("shape"));
    b.OutRaw("y", low + Cast(Mod(bits, range), low.dtype()));
  });
}

BELAY_OP(Multinomial) {
  op.FromOnnx("Multinomial", 7, [](OnnxNode& n) {
    AttrMap attrs = OnnxSeed(n);
    attrs["dtype"] = OnnxDType(n.Int("dtype", 6));
    ModelEdge samples = n.Const(LiteralFromInts(DType::kI32, {}, {n.Int("sample_size", 1)}));
    n.Output(0, n.Emit("Multinomial", {n.Input(0), samples}, attrs));
  });
  op.Dtypes("logits", kFloats).Computes([](Body& b) {
    Tensor x = b.In("logits");
    CheckClasses(x, 2);
    const std::vector<int64_t> samples = b.ConstInts("num_samples");
    if (samples.size() != 1 || samples[0] < 0) Fail("num_samples must be one number, not negative");
    const int last = x.rank() - 1;
    Tensor weights = ExpFlushed(x - MaxOver(x, {last}));
    b.OutAs("y", Drawn(SeededStream(b), weights, samples[0]), b.Type("dtype"));
  });
}

// x holds weights that need not add up to 1.
BELAY_OP(MultinomialWithReplacement) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    CheckClasses(x, 2);
    const int64_t samples = b.Int("numsamples");
    if (samples < 0) Fail("numsamples is {}, but must not be negative", samples);
    RandomStream s = StreamOf(b.builder(), b.Raw("seed"), Tensor(), b.Raw("offset"));
    b.OutRaw("y", b.Bool("replacement") ? Drawn(s, x, samples) : DrawnOnce(s, x, samples));
  });
}

// As it is when a network is used: what training dropped is scaled away there, or here.
BELAY_OP(Dropout) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    b.Out("y", b.Bool("scale_train") ? x : x * (1 - b.Float("dropout_ratio")));
  });
}

BELAY_OP(DropOutGenMask) {
  op.Computes([](Body& b) { b.OutRaw("y", KeepBits(b, SeededStream(b))); });
}

// seed1 is the upper half of a seed of 128 bits, offset [1] or [2] a counter's upper half or both.
BELAY_OP(StatelessDropOutGenMask) {
  op.Computes([](Body& b) {
    Tensor low, high = Reshape(Cast(b.Raw("seed1"), DType::kU64), {});
    if (b.Has("offset")) {
      Tensor offset = Cast(b.Raw("offset"), DType::kU64);
      offset = Reshape(offset, {NumElements(offset.shape())});
      const bool both = b.builder().Assume(Equal(offset.dim(0), 2), true);
      if (both) low = Slice(offset, 0, 0, 1);
      high = high + Reshape(Slice(offset, 0, both ? 1 : 0, 1), {});
    }
    b.OutRaw("y", KeepBits(b, StreamOf(b.builder(), b.Raw("seed"), low, high)));
  });
}

// x / keep_prob where the bit is 1, else 0.
BELAY_OP(DropOutDoMask) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    Tensor bits = UnpackBits(b.Raw("mask"), NumElements(x.shape()));
    Tensor kept = x / Reshape(Cast(b.Raw("keep_prob"), x.dtype()), {});
    b.Out("y", Select(Reshape(Equal(bits, 1.0), x.shape()), kept, ZeroLike(x)));
  });
}

}  // namespace belay
