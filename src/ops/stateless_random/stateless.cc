// Random numbers by keys and counters that are data.
#include "ops/philox.h"

namespace belay {
namespace {

// key [1], counter [2] (or [1]: the low half).
RandomStream CounterStream(Body& b) {
  Tensor counter = b.Raw("counter");
  counter = Reshape(counter, {NumElements(counter.shape())});
  const bool both = b.builder().Assume(Equal(counter.dim(0), 2), true);
  return StreamOf(b.builder(), b.Raw("key"), Slice(counter, 0, 0, 1),
                  both ? Slice(counter, 0, 1, 1) : Tensor());
}

RandomStream SeedOffsetStream(Body& b) {
  return StreamOf(b.builder(), b.Raw("seed"), Tensor(), b.Raw("offset"));
}

DType FloatDType(const Body& b) {
  const DType dtype = b.Type("dtype");
  if (!IsFloat(dtype)) FailNotSupported("dtype {} (only floats)", DTypeName(dtype));
  return dtype;
}

Tensor Bernoulli(const RandomStream& s, const Tensor& prob, const Shape& shape) {
  return Less(RandomUniform(s, prob.dtype(), shape), BroadcastTo(prob, shape));
}

}  // namespace

BELAY_OP(StatelessRandomUniformV2) {
  op.Computes([](Body& b) {
    const DType dtype = FloatDType(b);
    b.OutAs("y", RandomUniform(CounterStream(b), dtype, b.Dims("shape")), dtype);
  });
}

BELAY_OP(StatelessRandomNormalV2) {
  op.Computes([](Body& b) {
    const DType dtype = FloatDType(b);
    b.OutAs("y", RandomNormal(CounterStream(b), dtype, b.Dims("shape")), dtype);
  });
}

// 1 with probability `prob`, which has one element or the shape of the result.
BELAY_OP(StatelessBernoulli) {
  op.Dtypes("prob", kFloats).Computes([](Body& b) {
    Tensor prob = b.In("prob");
    const Shape shape = b.Dims("shape");
    if (b.builder().Assume(Equal(NumElements(prob.shape()), 1), false)) prob = Reshape(prob, {});
    b.OutAs("y", Bernoulli(SeedOffsetStream(b), prob, shape), b.Type("dtype"));
  });
}

BELAY_OP(StatelessBernoulliV2) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor prob = b.In("x");
    const DType dtype = b.Type("dtype");
    b.OutAs("y", Bernoulli(SeedOffsetStream(b), prob, prob.shape()),
            dtype == DType::kUndefined ? b.Raw("x").dtype() : dtype);
  });
}

// 0..n-1 in random order: sorted by random words, of which equal ones are too rare to matter.
BELAY_OP(StatelessRandperm) {
  op.Computes([](Body& b) {
    const std::vector<Dim> n = b.Dims("n");
    if (n.size() != 1) Fail("n has {} elements, but must have one", n.size());
    Tensor words = RandomBits(SeedOffsetStream(b), DType::kU64, {n[0]});
    b.OutAs("y", TopK(words, n[0], 0, false).indices, b.Type("dtype"));
  });
}

}  // namespace belay
