// One formula on every tensor of a list.
#include <cmath>

#include "ops/support.h"

namespace belay {
namespace {

using Formula = Tensor (*)(const Tensor& x, const Tensor& s);

// The name of the list that decides the results' shapes and dtypes.
const char* FirstList(const Body& b) {
  for (const PortProto& port : FindPrototype(b.node().type)->inputs) {
    if (port.kind == PortKind::kDynamic) return port.name;
  }
  throw OpError{Internal("{} has no list", b.node().type)};
}

void OutLists(Body& b, std::vector<Tensor> y) {
  const std::vector<Tensor> x = b.RawIns(FirstList(b));
  for (size_t i = 0; i < y.size(); ++i) y[i] = Cast(y[i], x[i].dtype());
  b.Outs("y", y);
}

std::vector<Tensor> SameLength(const Body& b, const char* name, size_t count) {
  std::vector<Tensor> list = b.Ins(name);
  if (list.size() != count) Fail("{} has {} tensors, but {} are needed", name, list.size(), count);
  return list;
}

// The i-th of several numbers, or the only one, in x's dtype.
Tensor NumberFor(const Tensor& numbers, size_t i, bool one_each, const Tensor& x) {
  Tensor flat = Cast(Reshape(numbers, {NumElements(numbers.shape())}), x.dtype());
  return Reshape(Slice(flat, 0, one_each ? static_cast<int64_t>(i) : 0, 1), {});
}

void Unary(Body& b, Formula formula) {
  std::vector<Tensor> y;
  for (const Tensor& x : b.Ins("x")) y.push_back(formula(x, Tensor()));
  OutLists(b, y);
}

// x1 with its partner in x2, which alpha scales where the operator has one.
void WithList(Body& b, Formula formula) {
  std::vector<Tensor> x = b.Ins("x1"), other = SameLength(b, "x2", x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    if (b.Has("alpha")) other[i] = other[i] * NumberFor(b.Raw("alpha"), 0, false, x[i]);
    x[i] = formula(x[i], other[i]);
  }
  OutLists(b, x);
}

void WithNumber(Body& b, const char* name, bool one_each, Formula formula) {
  std::vector<Tensor> x = b.Ins("x");
  Tensor numbers = b.Raw(name);
  if (one_each && !b.builder().Assume(
                      Equal(NumElements(numbers.shape()), static_cast<int64_t>(x.size())), true)) {
    Fail("{} has {} elements for {} tensors", name, NumElements(numbers.shape()).ToString(),
         x.size());
  }
  for (size_t i = 0; i < x.size(); ++i) x[i] = formula(x[i], NumberFor(numbers, i, one_each, x[i]));
  OutLists(b, x);
}

void WithScalar(Body& b, Formula formula) { WithNumber(b, "scalar", false, formula); }
void WithScalars(Body& b, Formula formula) { WithNumber(b, "scalars", true, formula); }

// first + number * formula(second, third)
void AddCombined(Body& b, bool one_each, Formula formula) {
  const Prototype& p = *FindPrototype(b.node().type);
  std::vector<Tensor> x = b.Ins(p.inputs[0].name),
                      second = SameLength(b, p.inputs[1].name, x.size()),
                      third = SameLength(b, p.inputs[2].name, x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = x[i] + NumberFor(b.Raw("scalar"), i, one_each, x[i]) * formula(second[i], third[i]);
  }
  OutLists(b, x);
}

void AddCombinedByOne(Body& b, Formula formula) { AddCombined(b, false, formula); }
void AddCombinedByEach(Body& b, Formula formula) { AddCombined(b, true, formula); }

void Lerp(Body& b) {
  std::vector<Tensor> x = b.Ins("x1"), end = SameLength(b, "x2", x.size());
  Tensor weight = b.In("weight");
  for (size_t i = 0; i < x.size(); ++i) x[i] = x[i] + Cast(weight, x[i].dtype()) * (end[i] - x[i]);
  OutLists(b, x);
}

Tensor Rounded(const Tensor& x, int64_t mode) {
  switch (mode) {
    case 1:
    case 4: return Round(x);
    case 2: return Floor(x);
    case 3: return Ceil(x);
    case 5: return Map(ScalarOp::kTrunc, x);
    case 7: return x - Map(ScalarOp::kTrunc, x);
    default: FailNotSupported("roundMode {} (only 1 to 5 and 7)", mode);
  }
}

// (sum |x|^p)^(1/p); the largest |x| for infinity.
Tensor Norm(const Tensor& x, double p) {
  const std::vector<int> all = AxisRange(0, x.rank());
  if (p == HUGE_VAL) return MaxOver(Abs(x), all, false);
  if (p == 1) return Sum(Abs(x), all, false);
  if (p == 2) return Sqrt(Sum(Square(x), all, false));
  return Pow(Sum(Pow(Abs(x), p), all, false), 1 / p);
}

double OneNumber(const Body& b, const char* name) {
  const std::vector<double> values = b.ConstFloats(name);
  if (values.size() != 1) Fail("{} has {} elements, but must have one", name, values.size());
  return values[0];
}

}  // namespace

// `apply`: one of the functions above that take a formula, of x and s.
#define BELAY_FOREACH_OP(Name, apply, formula)                                                       \
  BELAY_OP(Name) {                                                                                   \
    op.Computes([](Body& b) {                                                                        \
      apply(b, [](const Tensor& x, [[maybe_unused]] const Tensor& s) -> Tensor { return formula; }); \
    });                                                                                              \
  }

BELAY_FOREACH_OP(ForeachACos, Unary, Map(ScalarOp::kAcos, x))
BELAY_FOREACH_OP(ForeachASin, Unary, Map(ScalarOp::kAsin, x))
BELAY_FOREACH_OP(ForeachATan, Unary, Map(ScalarOp::kAtan, x))
BELAY_FOREACH_OP(ForeachAbs, Unary, Abs(x))
BELAY_FOREACH_OP(ForeachCos, Unary, Map(ScalarOp::kCos, x))
BELAY_FOREACH_OP(ForeachCosh, Unary, Map(ScalarOp::kCosh, x))
BELAY_FOREACH_OP(ForeachErf, Unary, Erf(x))
BELAY_FOREACH_OP(ForeachErfc, Unary, 1.0 - Erf(x))
BELAY_FOREACH_OP(ForeachExp, Unary, Exp(x))
BELAY_FOREACH_OP(ForeachExpm1, Unary, Map(ScalarOp::kExpm1, x))
BELAY_FOREACH_OP(ForeachLog, Unary, Log(x))
BELAY_FOREACH_OP(ForeachLog10, Unary, Log(x) / std::log(10.0))
BELAY_FOREACH_OP(ForeachLog1p, Unary, Map(ScalarOp::kLog1p, x))
BELAY_FOREACH_OP(ForeachLog2, Unary, Map(ScalarOp::kLog2, x))
BELAY_FOREACH_OP(ForeachNeg, Unary, -x)
BELAY_FOREACH_OP(ForeachReciprocal, Unary, Map(ScalarOp::kRecip, x))
BELAY_FOREACH_OP(ForeachSigmoid, Unary, Sigmoid(x))
BELAY_FOREACH_OP(ForeachSin, Unary, Map(ScalarOp::kSin, x))
BELAY_FOREACH_OP(ForeachSinh, Unary, Map(ScalarOp::kSinh, x))
BELAY_FOREACH_OP(ForeachSqrt, Unary, Sqrt(x))
BELAY_FOREACH_OP(ForeachTan, Unary, Map(ScalarOp::kTan, x))
BELAY_FOREACH_OP(ForeachTanh, Unary, Tanh(x))

BELAY_FOREACH_OP(ForeachAddList, WithList, x + s)
BELAY_FOREACH_OP(ForeachSubList, WithList, x - s)
BELAY_FOREACH_OP(ForeachMulList, WithList, x* s)
BELAY_FOREACH_OP(ForeachDivList, WithList, x / s)
BELAY_FOREACH_OP(ForeachPowList, WithList, Pow(x, s))
BELAY_FOREACH_OP(ForeachMaximumList, WithList, Max(x, s))
BELAY_FOREACH_OP(ForeachMinimumList, WithList, Min(x, s))

BELAY_FOREACH_OP(ForeachAddScalar, WithScalar, x + s)
BELAY_FOREACH_OP(ForeachSubScalar, WithScalar, x - s)
BELAY_FOREACH_OP(ForeachMulScalar, WithScalar, x* s)
BELAY_FOREACH_OP(ForeachDivScalar, WithScalar, x / s)
BELAY_FOREACH_OP(ForeachPowScalar, WithScalar, Pow(x, s))
BELAY_FOREACH_OP(ForeachPowScalarAndTensor, WithScalar, Pow(BroadcastTo(s, x.shape()), x))
BELAY_FOREACH_OP(ForeachMaximumScalar, WithScalar, Max(x, s))
BELAY_FOREACH_OP(ForeachMinimumScalar, WithScalar, Min(x, s))

BELAY_FOREACH_OP(ForeachAddScalarList, WithScalars, x + s)
BELAY_FOREACH_OP(ForeachSubScalarList, WithScalars, x - s)
BELAY_FOREACH_OP(ForeachMulScalarList, WithScalars, x* s)
BELAY_FOREACH_OP(ForeachDivScalarList, WithScalars, x / s)
BELAY_FOREACH_OP(ForeachPowScalarList, WithScalars, Pow(x, s))
BELAY_FOREACH_OP(ForeachMaximumScalarList, WithScalars, Max(x, s))
BELAY_FOREACH_OP(ForeachMinimumScalarList, WithScalars, Min(x, s))

BELAY_FOREACH_OP(ForeachAddcdivScalar, AddCombinedByOne, x / s)
BELAY_FOREACH_OP(ForeachAddcdivScalarList, AddCombinedByEach, x / s)
BELAY_FOREACH_OP(ForeachAddcdivList, AddCombinedByEach, x / s)
BELAY_FOREACH_OP(ForeachAddcmulScalar, AddCombinedByOne, x* s)
BELAY_FOREACH_OP(ForeachAddcmulScalarList, AddCombinedByEach, x* s)
BELAY_FOREACH_OP(ForeachAddcmulList, AddCombinedByEach, x* s)

BELAY_OP(ForeachLerpList) { op.Computes(Lerp); }
BELAY_OP(ForeachLerpScalar) { op.Computes(Lerp); }

BELAY_OP(ForeachNorm) {
  op.Computes([](Body& b) {
    const double p = OneNumber(b, "scalar");
    std::vector<Tensor> x = b.Ins("x1");
    for (Tensor& t : x) t = Norm(t, p);
    OutLists(b, x);
  });
}

// roundMode: 1 and 4 half to even, 2 down, 3 up, 5 towards 0, 7 what is behind the point.
BELAY_OP(ForeachRoundOffNumber) {
  op.Computes([](Body& b) {
    const auto mode = static_cast<int64_t>(OneNumber(b, "roundMode"));
    std::vector<Tensor> x = b.Ins("x");
    for (Tensor& t : x) t = Rounded(t, mode);
    OutLists(b, x);
  });
}

}  // namespace belay
