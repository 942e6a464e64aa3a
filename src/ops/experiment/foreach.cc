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

#define BELAY_FOREACH_OP(Name, formula)                                           \
  BELAY_OP(Name) {                                                                \
    op.Computes([](Body& b) {                                                     \
      Unary(b, [](const Tensor& x, const Tensor&) -> Tensor { return formula; }); \
    });                                                                           \
  }
#define BELAY_FOREACH_LIST_OP(Name, formula)                                           \
  BELAY_OP(Name) {                                                                     \
    op.Computes([](Body& b) {                                                          \
      WithList(b, [](const Tensor& x, const Tensor& s) -> Tensor { return formula; }); \
    });                                                                                \
  }
#define BELAY_FOREACH_SCALAR_OP(Name, formula)                                        \
  BELAY_OP(Name) {                                                                    \
    op.Computes([](Body& b) {                                                         \
      WithNumber(b, "scalar", false,                                                  \
                 [](const Tensor& x, const Tensor& s) -> Tensor { return formula; }); \
    });                                                                               \
  }
#define BELAY_FOREACH_SCALARS_OP(Name, formula)                                       \
  BELAY_OP(Name) {                                                                    \
    op.Computes([](Body& b) {                                                         \
      WithNumber(b, "scalars", true,                                                  \
                 [](const Tensor& x, const Tensor& s) -> Tensor { return formula; }); \
    });                                                                               \
  }

BELAY_FOREACH_OP(ForeachACos, Map(ScalarOp::kAcos, x))
BELAY_FOREACH_OP(ForeachASin, Map(ScalarOp::kAsin, x))
BELAY_FOREACH_OP(ForeachATan, Map(ScalarOp::kAtan, x))
BELAY_FOREACH_OP(ForeachAbs, Abs(x))
BELAY_FOREACH_OP(ForeachCos, Map(ScalarOp::kCos, x))
BELAY_FOREACH_OP(ForeachCosh, Map(ScalarOp::kCosh, x))
BELAY_FOREACH_OP(ForeachErf, Erf(x))
BELAY_FOREACH_OP(ForeachErfc, 1.0 - Erf(x))
BELAY_FOREACH_OP(ForeachExp, Exp(x))
BELAY_FOREACH_OP(ForeachExpm1, Map(ScalarOp::kExpm1, x))
BELAY_FOREACH_OP(ForeachLog, Log(x))
BELAY_FOREACH_OP(ForeachLog10, Log(x) / std::log(10.0))
BELAY_FOREACH_OP(ForeachLog1p, Map(ScalarOp::kLog1p, x))
BELAY_FOREACH_OP(ForeachLog2, Map(ScalarOp::kLog2, x))
BELAY_FOREACH_OP(ForeachNeg, -x)
BELAY_FOREACH_OP(ForeachReciprocal, Map(ScalarOp::kRecip, x))
BELAY_FOREACH_OP(ForeachSigmoid, Sigmoid(x))
BELAY_FOREACH_OP(ForeachSin, Map(ScalarOp::kSin, x))
BELAY_FOREACH_OP(ForeachSinh, Map(ScalarOp::kSinh, x))
BELAY_FOREACH_OP(ForeachSqrt, Sqrt(x))
BELAY_FOREACH_OP(ForeachTan, Map(ScalarOp::kTan, x))
BELAY_FOREACH_OP(ForeachTanh, Tanh(x))

BELAY_FOREACH_LIST_OP(ForeachAddList, x + s)
BELAY_FOREACH_LIST_OP(ForeachSubList, x - s)
BELAY_FOREACH_LIST_OP(ForeachMulList, x* s)
BELAY_FOREACH_LIST_OP(ForeachDivList, x / s)
BELAY_FOREACH_LIST_OP(ForeachPowList, Pow(x, s))
BELAY_FOREACH_LIST_OP(ForeachMaximumList, Max(x, s))
BELAY_FOREACH_LIST_OP(ForeachMinimumList, Min(x, s))

BELAY_FOREACH_SCALAR_OP(ForeachAddScalar, x + s)
BELAY_FOREACH_SCALAR_OP(ForeachSubScalar, x - s)
BELAY_FOREACH_SCALAR_OP(ForeachMulScalar, x* s)
BELAY_FOREACH_SCALAR_OP(ForeachDivScalar, x / s)
BELAY_FOREACH_SCALAR_OP(ForeachPowScalar, Pow(x, s))
BELAY_FOREACH_SCALAR_OP(ForeachPowScalarAndTensor, Pow(BroadcastTo(s, x.shape()), x))
BELAY_FOREACH_SCALAR_OP(ForeachMaximumScalar, Max(x, s))
BELAY_FOREACH_SCALAR_OP(ForeachMinimumScalar, Min(x, s))

BELAY_FOREACH_SCALARS_OP(ForeachAddScalarList, x + s)
BELAY_FOREACH_SCALARS_OP(ForeachSubScalarList, x - s)
BELAY_FOREACH_SCALARS_OP(ForeachMulScalarList, x* s)
BELAY_FOREACH_SCALARS_OP(ForeachDivScalarList, x / s)
BELAY_FOREACH_SCALARS_OP(ForeachPowScalarList, Pow(x, s))
BELAY_FOREACH_SCALARS_OP(ForeachMaximumScalarList, Max(x, s))
BELAY_FOREACH_SCALARS_OP(ForeachMinimumScalarList, Min(x, s))

#define BELAY_FOREACH_ADDC_OP(Name, one_each, formula)                                 \
  BELAY_OP(Name) {                                                                     \
    op.Computes([](Body& b) {                                                          \
      AddCombined(b, one_each,                                                         \
                  [](const Tensor& x, const Tensor& s) -> Tensor { return formula; }); \
    });                                                                                \
  }
BELAY_FOREACH_ADDC_OP(ForeachAddcdivScalar, false, x / s)
BELAY_FOREACH_ADDC_OP(ForeachAddcdivScalarList, true, x / s)
BELAY_FOREACH_ADDC_OP(ForeachAddcdivList, true, x / s)
BELAY_FOREACH_ADDC_OP(ForeachAddcmulScalar, false, x* s)
BELAY_FOREACH_ADDC_OP(ForeachAddcmulScalarList, true, x* s)
BELAY_FOREACH_ADDC_OP(ForeachAddcmulList, true, x* s)

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
