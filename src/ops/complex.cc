#include "ops/complex.h"

namespace belay {
namespace {

// The unsigned integers that hold a part, and both.
struct Words {
  DType part, half, whole;
};

Words WordsOf(DType dtype) {
  switch (dtype) {
    case DType::kC64:
    case DType::kF32: return {DType::kF32, DType::kU32, DType::kU64};
    case DType::kC32:
    case DType::kF16: return {DType::kF16, DType::kU16, DType::kU32};
    default: FailNotSupported("complex numbers of {}", DTypeName(dtype));
  }
}

// Along the dim before the last; the last holds real and imaginary part.
Tensor FourierPairs(const Tensor& x, bool inverse) {
  const Dim n = x.dim(-2), rows = NumElements(Shape(x.shape().begin(), x.shape().end() - 2));
  const Shape lines = {rows, n, Dim(2)};
  const std::vector<CallAttr> attrs = {{"inverse", inverse}, {"hermitian", 0}};
  return Reshape(Call("fourier", {Reshape(x, lines)}, {{x.dtype(), lines}}, attrs)[0], x.shape());
}

}  // namespace

ComplexParts PartsOf(const Tensor& x) {
  if (x.dtype() != DType::kC64 && x.dtype() != DType::kC32) {
    FailNotSupported("the parts of {} (only c64 and c32)", DTypeName(x.dtype()));
  }
  const Words w = WordsOf(x.dtype());
  Tensor bits = Bitcast(x, w.whole);
  Tensor high = Map(ScalarOp::kShr, bits, x.builder().ScalarInt(w.whole, BitWidth(w.half)));
  return {Bitcast(Cast(bits, w.half), w.part), Bitcast(Cast(high, w.half), w.part)};
}

Tensor ComplexOf(const Tensor& real, const Tensor& imag) {
  const Words w = WordsOf(real.dtype());
  Tensor low = Cast(Bitcast(real, w.half), w.whole), high = Cast(Bitcast(imag, w.half), w.whole);
  Tensor shift = real.builder().ScalarInt(w.whole, BitWidth(w.half));
  Tensor bits = Or(Map(ScalarOp::kShl, high, shift), low);
  return Bitcast(bits, w.whole == DType::kU64 ? DType::kC64 : DType::kC32);
}

Tensor Fourier(const Tensor& x, int axis, bool inverse) {
  ComplexParts p = PartsOf(x);
  if (p.real.dtype() != DType::kF32) FailNotSupported("Fourier transforms of {}", DTypeName(x.dtype()));
  const int rank = x.rank();
  Tensor pairs = Concat({Unsqueeze(p.real, {rank}), Unsqueeze(p.imag, {rank})}, rank);
  Tensor y = MoveAxis(FourierPairs(MoveAxis(pairs, axis, rank - 1), inverse), rank - 1, axis);
  auto part = [&](int i) { return Squeeze(Slice(y, rank, i, 1), {rank}); };
  return ComplexOf(part(0), part(1));
}

}  // namespace belay
