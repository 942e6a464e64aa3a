// Scalar functions over sweeps of arguments and their special values.
#include "backend_loops/harness.h"

namespace belay {
namespace {

LiteralPtr Arguments(DType d) {
  std::vector<double> v = {0.0,      -0.0,      1,     -1,     0.5,    -0.5,  2,    -2,
                           INFINITY, -INFINITY, NAN,   1e-40,  -1e-40, 1e-45, 3e38, -3e38,
                           88.7,     88.8,      -87.4, -103.9, -104.5, 127.5, 128,  -149,
                           -150,     1e5,       -1e5,  1e10,   1e30};
  std::mt19937 rng(5);
  std::uniform_real_distribution<double> exponent(-40, 17), unit(1, 2);
  for (int i = 0; i < 4000; ++i)
    v.push_back((i % 2 ? -1 : 1) * std::ldexp(unit(rng), static_cast<int>(exponent(rng))));
  for (int i = 0; i < 2000; ++i) v.push_back(-10 + i * 0.01);
  for (int i = 0; i < 500; ++i) v.push_back(1 + (i - 250) * 1e-6);
  return LiteralFromDoubles(d, {static_cast<int64_t>(v.size())}, v);
}

TEST(Math, Unary) {
  for (int op = static_cast<int>(ScalarOp::kNeg); op <= static_cast<int>(ScalarOp::kIsInf); ++op) {
    auto scalar = static_cast<ScalarOp>(op);
    if (scalar == ScalarOp::kNot) continue;
    for (DType d : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64}) {
      SCOPED_TRACE(fmt::format("{} {}", ScalarOpName(scalar), DTypeName(d)));
      LiteralPtr x = Arguments(d);
      Fragment f;
      f.Output(Map(scalar, f.Input(d, {x->dims[0]})));
      bool exact = scalar <= ScalarOp::kSqrt;
      Check(f, {x}, exact ? Tolerance{0.5, 0} : Tolerance{IsHalf(d) ? 1.0 : 4.0, 0});
    }
  }
}

// Vectors take the coefficients of these from tables, part by part.
TEST(Math, ErfAndTanhAlongTheirParts) {
  std::vector<double> v = {0.0, -0.0, 1e-45, -1e-38, INFINITY, -INFINITY, NAN, 3.9, 4.1, 9.0, 9.1, 3e38};
  for (int i = -150000; i <= 150000; ++i) v.push_back(i * 6.3e-5 * (1 + 1e-3 * (i % 7)));
  LiteralPtr x = LiteralFromDoubles(DType::kF32, {static_cast<int64_t>(v.size())}, v);
  for (ScalarOp op : {ScalarOp::kErf, ScalarOp::kTanh}) {
    SCOPED_TRACE(ScalarOpName(op));
    Fragment f;
    f.Output(Map(op, f.Input(DType::kF32, {x->dims[0]})));
    Check(f, {x}, {2.5, 0});
  }
  Fragment sign;  // of zero
  sign.Output(Map(ScalarOp::kRecip, Erf(sign.Input(DType::kF32, {x->dims[0]}))));
  Check(sign, {x}, {4, 0});
}

TEST(Math, Binary) {
  for (ScalarOp op :
       {ScalarOp::kAdd, ScalarOp::kSub, ScalarOp::kMul, ScalarOp::kDiv, ScalarOp::kFloorDiv,
        ScalarOp::kMod, ScalarOp::kFMod, ScalarOp::kPow, ScalarOp::kMax, ScalarOp::kMin,
        ScalarOp::kAtan2, ScalarOp::kCopySign, ScalarOp::kEq, ScalarOp::kNe, ScalarOp::kLt,
        ScalarOp::kLe, ScalarOp::kGt, ScalarOp::kGe}) {
    for (DType d : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64}) {
      SCOPED_TRACE(fmt::format("{} {}", ScalarOpName(op), DTypeName(d)));
      LiteralPtr x = Arguments(d);
      std::vector<double> values = LiteralToDoubles(*x);
      std::mt19937 rng(6);
      std::shuffle(values.begin(), values.end(), rng);
      for (size_t i = 0; i < values.size(); i += 2) values[i] = std::fmod(values[i], 8);
      LiteralPtr y = LiteralFromDoubles(d, x->dims, values);
      Fragment f;
      f.Output(Map(op, f.Input(d, {x->dims[0]}), f.Input(d, {x->dims[0]})));
      Check(f, {x, y}, {1, 0});
    }
  }
}

// The quotient by a value that all lanes share is computed with its reciprocal, and must be the
// same.
TEST(Math, DivisionByOneValue) {
  LiteralPtr x = Arguments(DType::kF32);
  for (double d : {3.0, -7.0, 0.1, 6.0, 1e-39, 1e-45, 3e38, 1.1754944e-38, 0.0, -0.0, HUGE_VAL,
                   -HUGE_VAL, 1e20, 1e-20}) {
    SCOPED_TRACE(d);
    Fragment f;
    Tensor a = f.Input(DType::kF32, {x->dims[0]}), b = f.Input(DType::kF32, {1});
    f.Output(a / b);
    // Quotients below the normal numbers may differ in their last bit.
    Check(f, {x, LiteralFromDoubles(DType::kF32, {1}, {d})}, {0, 0x1p-149});
    Fragment g;
    g.Output(g.Input(DType::kF32, {x->dims[0]}) / d);
    Check(g, {x}, {0, 0x1p-149});
    Fragment h;  // 1 by a quotient of 0 shows its sign
    h.Output(Map(ScalarOp::kRecip, Map(ScalarOp::kSign, h.Input(DType::kF32, {x->dims[0]})) / d));
    Check(h, {x}, {0.5, 0});
  }
}

TEST(Math, PowersOfSpecialValues) {
  const std::vector<double> special = {0.0,      1,        2,          3,         0.5,  1.5, HUGE_VAL, 1e-45, 1e-39,
                                       3e38,     16777215, 16777216, 0.99999994, 1.0000001, NAN};
  std::vector<double> x, y;
  for (double a : special) {
    for (double b : special) {
      for (int signs = 0; signs < 4; ++signs) x.push_back(signs & 1 ? -a : a), y.push_back(signs & 2 ? -b : b);
    }
  }
  const auto n = static_cast<int64_t>(x.size());
  for (int64_t lanes : {n, int64_t{1}}) {  // by vectors and one by one
    const Shape shape = {n / lanes, lanes};
    Fragment f, g;
    f.Output(Map(ScalarOp::kRecip, Pow(f.Input(DType::kF32, shape), f.Input(DType::kF32, shape))));
    g.Output(Pow(g.Input(DType::kF32, shape), g.Input(DType::kF32, shape)));
    const std::vector<LiteralPtr> in = {LiteralFromDoubles(DType::kF32, {n / lanes, lanes}, x),
                                        LiteralFromDoubles(DType::kF32, {n / lanes, lanes}, y)};
    Check(f, in, {2, 0});  // signs of 0
    Check(g, in, {1, 0});
  }
}

TEST(Math, PowersByConstants) {
  for (double power : {0.0, 0.5, 1.0, 2.0, 3.0, -1.0, 1.7}) {
    for (DType d : {DType::kF32, DType::kF16}) {
      LiteralPtr x = Arguments(d);
      Fragment f;
      f.Output(Pow(f.Input(d, {x->dims[0]}), power));
      Check(f, {x}, {4, 0});
    }
  }
}

}  // namespace
}  // namespace belay
