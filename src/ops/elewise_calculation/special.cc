// Scaled sums, the inverse of erf, and numbers in place of infinities and NaN.
#include <cmath>
#include <numbers>

#include "ops/support.h"

namespace belay {
namespace {

Tensor Polynomial(const Tensor& x, std::initializer_list<double> falling) {
  Tensor y;
  for (double c : falling) y = y ? y * x + c : Full(x.builder(), x.shape(), x.dtype(), c);
  return y;
}

// Giles' approximation (GPU Computing Gems, 2011), good to a part in 10^7 of x in (-1, 1), in f64.
Tensor NearlyErfinv(const Tensor& x) {
  Tensor w = -Log((1.0 - x) * (1.0 + x));
  Tensor middle =
      Polynomial(w - 2.5, {2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06,
                           0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941});
  Tensor tail = Polynomial(
      Sqrt(w) - 3.0, {-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                      -0.0076224613, 0.00943887047, 1.00167406, 2.83297682});
  return x * Select(Less(w, 5.0), middle, tail);
}

// Two steps of Newton's method bring f64 to where erf itself ends.
Tensor Erfinv(const Tensor& input) {
  Tensor x = Cast(input, DType::kF64), y = NearlyErfinv(x);
  for (int i = 0; i < 2; ++i) {
    y = y - (Erf(y) - x) * Exp(y * y) * (1 / (2 * std::numbers::inv_sqrtpi));
  }
  Tensor ends = Sign(x) * HUGE_VAL;
  return Cast(Select(Equal(Abs(x), 1.0), ends, y), input.dtype());
}

void ScaledSum(Body& b, bool minus) {
  Tensor x1 = b.In("x1"), x2 = b.In("x2"), alpha = b.Has("alpha") ? b.In("alpha") : Tensor();
  DType dtype = Promote(x1.dtype(), x2.dtype());
  if (alpha) dtype = Promote(dtype, alpha.dtype());
  Tensor scaled = Cast(x2, dtype);
  if (alpha) scaled = scaled * Cast(alpha, dtype);
  x1 = Cast(x1, dtype);
  b.Out("y", minus ? x1 - scaled : x1 + scaled);
}

// The place of the first largest (or smallest), and its value.
void ArgWithValue(Body& b, bool largest) {
  Tensor x = b.In("x");
  const int axis = NormalizeAxis(b.Int("dimension"), x.rank(), "dimension");
  const bool keep = b.Bool("keep_dims");
  Tensor at = Reduce(largest ? ReduceKind::kArgMax : ReduceKind::kArgMin, x, {axis}, keep);
  b.OutRaw("indice", Cast(at, DType::kI32));
  b.Out("values", Reduce(largest ? ReduceKind::kMax : ReduceKind::kMin, x, {axis}, keep));
}

}  // namespace

BELAY_OP(Erfinv) {
  op.Dtypes("input_x", kFloats).Computes([](Body& b) {
    b.Out("output_y", Erfinv(b.In("input_x")));
  });
}

BELAY_OP(NanToNum) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    auto number = [&](const char* attr) { return b.builder().Scalar(x.dtype(), b.Float(attr)); };
    Tensor y = Select(Map(ScalarOp::kIsNan, x), number("nan"), x);
    y = Select(Equal(x, HUGE_VAL), number("posinf"), y);
    b.Out("y", Select(Equal(x, -HUGE_VAL), number("neginf"), y));
  });
}

// x1 + alpha * x2
BELAY_OP(AxpyV2) {
  op.Dtypes("x1", kNumbers).Computes([](Body& b) { ScaledSum(b, false); });
}
// x1 - alpha * x2
BELAY_OP(Sxpy) {
  op.Dtypes("x1", kNumbers).Computes([](Body& b) { ScaledSum(b, true); });
}
BELAY_OP(ArgMaxWithValue) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) { ArgWithValue(b, true); });
}
BELAY_OP(ArgMinWithValue) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) { ArgWithValue(b, false); });
}

}  // namespace belay
