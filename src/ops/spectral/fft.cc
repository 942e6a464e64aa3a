// Fourier transforms along the last dims.
#include "ops/complex.h"

namespace belay {
namespace {

void Transform(Body& b, int dims, bool inverse) {
  Tensor x = b.Raw("x");
  if (x.rank() < dims) Fail("x has rank {}, but needs {}", x.rank(), dims);
  for (int d = 0; d < dims; ++d) x = Fourier(x, x.rank() - 1 - d, inverse);
  b.OutRaw("y", x);
}

// The last dim with n elements: cut, or with zeros behind its end.
Tensor Fitted(const Tensor& x, const Dim& n) {
  const int last = x.rank() - 1;
  const Dim have = x.dim(last), kept = Min(have, n);
  std::vector<Dim> lo(x.rank(), Dim(0)), hi = lo;
  hi[last] = n - kept;
  return Pad(Slice(x, last, 0, kept), lo, hi, x.builder().Scalar(x.dtype(), 0));
}

Dim LengthOf(const Body& b) {
  const std::vector<Dim> length = b.Dims("fft_length");
  if (length.size() != 1) Fail("fft_length has {} elements, but needs 1", length.size());
  return length[0];
}

}  // namespace

BELAY_OP(FFT) {
  op.Computes([](Body& b) { Transform(b, 1, false); });
}
BELAY_OP(IFFT) {
  op.Computes([](Body& b) { Transform(b, 1, true); });
}
BELAY_OP(FFT2D) {
  op.Computes([](Body& b) { Transform(b, 2, false); });
}

// Of a real input the first half says it all.
BELAY_OP(RFFT) {
  op.Dtypes("input", {DType::kF32}).Computes([](Body& b) {
    Tensor x = b.Raw("input");
    if (x.rank() < 1) Fail("input has rank 0, but needs 1");
    const Dim n = LengthOf(b);
    Tensor real = Fitted(x, n);
    Tensor y = Fourier(ComplexOf(real, ZeroLike(real)), x.rank() - 1, false);
    b.OutRaw("y", Slice(y, x.rank() - 1, 0, FloorDiv(n, 2) + Dim(1)));
  });
}

// The other half is the first one mirrored, with the opposite sign of the imaginary parts.
BELAY_OP(IRFFT) {
  op.Dtypes("x", {DType::kC64}).Computes([](Body& b) {
    Tensor x = b.Raw("x");
    if (x.rank() < 1) Fail("x has rank 0, but needs 1");
    const int last = x.rank() - 1;
    const Dim n = LengthOf(b), half = FloorDiv(n, 2) + Dim(1), rest = n - half;
    ComplexParts p = PartsOf(x);
    Tensor real = Fitted(p.real, half), imag = Fitted(p.imag, half);
    auto mirrored = [&](const Tensor& t) { return Slice(t, last, rest, rest, -1); };
    Tensor y = ComplexOf(Concat({real, mirrored(real)}, last), Concat({imag, -mirrored(imag)}, last));
    b.OutRaw("y", PartsOf(Fourier(y, last, true)).real);
  });
}

}  // namespace belay
