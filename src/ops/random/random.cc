// Random numbers by seeds that are attributes, and dropout.
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

}  // namespace

BELAY_OP(RandomUniform) {
  op.Computes([](Body& b) {
    const DType dtype = RandomDType(b);
    b.OutAs("y", RandomUniform(SeededStream(b), dtype, b.Dims("shape")), dtype);
  });
}

BELAY_OP(RandomStandardNormal) {
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
  op.Dtypes("logits", kFloats).Computes([](Body& b) {
    Tensor x = b.In("logits");
    CheckClasses(x, 2);
    const std::vector<int64_t> samples = b.ConstInts("num_samples");
    if (samples.size() != 1 || samples[0] < 0) Fail("num_samples must be one number, not negative");
    const int last = x.rank() - 1;
    Tensor weights = Exp(x - MaxOver(x, {last}));
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

BELAY_OP(StatelessDropOutGenMask) {
  op.Computes([](Body& b) {
    Tensor offset = b.Has("offset") ? b.Raw("offset") : Tensor();
    Tensor high = Cast(b.Raw("seed1"), DType::kU64);
    if (offset) high = Reshape(high, {}) + Reshape(Cast(b.Raw("offset"), DType::kU64), {});
    b.OutRaw("y", KeepBits(b, StreamOf(b.builder(), b.Raw("seed"), Tensor(), high)));
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
