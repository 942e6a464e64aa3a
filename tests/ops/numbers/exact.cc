#include "ops/numbers/exact.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace belay {
namespace {

using Real = long double;
constexpr Real kNan = std::numeric_limits<Real>::quiet_NaN();

Real Max(Real a, Real b) { return std::isnan(a) || std::isnan(b) ? kNan : std::max(a, b); }
Real Min(Real a, Real b) { return std::isnan(a) || std::isnan(b) ? kNan : std::min(a, b); }
Real Rounded(Real x) { return static_cast<float>(x); }
Real Sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }
Real Softplus(Real x) { return Max(x, 0) + std::log1p(std::exp(-std::fabs(x))); }
Real Selu(Real x) {
  constexpr Real kScale = 1.0507009873554804934193349852946L, kAlpha = 1.6732632423543772848170429916717L;
  return x > 0 ? kScale * x : kScale * kAlpha * std::expm1(x);
}

#define BELAY_EXACT(Name, formula) \
  {#Name, [](const Real* in) -> Real { [[maybe_unused]] const Real x = in[0]; return formula; }}
#define BELAY_EXACT2(Name, formula) \
  {#Name, [](const Real* in) -> Real { [[maybe_unused]] const Real x = in[0], y = in[1]; return formula; }}

const std::map<std::string, ExactFn>& ExactFunctions() {
  static const auto* const table = new std::map<std::string, ExactFn>{
      BELAY_EXACT(Abs, std::fabs(x)), BELAY_EXACT(Neg, -x), BELAY_EXACT(Square, x* x),
      BELAY_EXACT(Sign, std::isnan(x) || x == 0 ? x : Real(x > 0) - Real(x < 0)),
      BELAY_EXACT(Sqrt, std::sqrt(x)), BELAY_EXACT(Rsqrt, 1 / std::sqrt(x)),
      BELAY_EXACT(Reciprocal, 1 / x), BELAY_EXACT(Inv, 1 / x),
      BELAY_EXACT(Ceil, std::ceil(x)), BELAY_EXACT(Floor, std::floor(x)),
      BELAY_EXACT(Trunc, std::trunc(x)), BELAY_EXACT(Rint, std::nearbyint(x)),
      BELAY_EXACT(Exp, std::exp(x)), BELAY_EXACT(Expm1, std::expm1(x)),
      BELAY_EXACT(Log, std::log(x)), BELAY_EXACT(Log1p, std::log1p(x)),
      BELAY_EXACT(Sin, std::sin(x)), BELAY_EXACT(Cos, std::cos(x)), BELAY_EXACT(Tan, std::tan(x)),
      BELAY_EXACT(Asin, std::asin(x)), BELAY_EXACT(Acos, std::acos(x)), BELAY_EXACT(Atan, std::atan(x)),
      BELAY_EXACT(Sinh, std::sinh(x)), BELAY_EXACT(Cosh, std::cosh(x)), BELAY_EXACT(Tanh, std::tanh(x)),
      BELAY_EXACT(Asinh, std::asinh(x)), BELAY_EXACT(Acosh, std::acosh(x)), BELAY_EXACT(Atanh, std::atanh(x)),
      BELAY_EXACT(Erf, std::erf(x)), BELAY_EXACT(Erfc, std::erfc(x)),
      BELAY_EXACT(Sigmoid, Sigmoid(x)), BELAY_EXACT(Softplus, Softplus(x)),
      BELAY_EXACT(Relu, Max(x, 0)), BELAY_EXACT(Softsign, x / (1 + std::fabs(x))),
      BELAY_EXACT(Selu, Selu(x)), BELAY_EXACT(Elu, x > 0 ? x : std::expm1(x)),
      BELAY_EXACT(Mish, x* std::tanh(Softplus(x))), BELAY_EXACT(Swish, x* Sigmoid(x)),
      BELAY_EXACT(HardSwish, x* Min(Max(x + 3, 0), 6) / 6),
      BELAY_EXACT2(Add, x + y), BELAY_EXACT2(Sub, x - y), BELAY_EXACT2(Mul, x* y),
      BELAY_EXACT2(RealDiv, x / y), BELAY_EXACT2(Div, x / y),
      BELAY_EXACT2(Maximum, Max(x, y)), BELAY_EXACT2(Minimum, Min(x, y)),
      // Of the rounded quotient.
      BELAY_EXACT2(FloorDiv, std::floor(Rounded(x / y))), BELAY_EXACT2(TruncateDiv, std::trunc(Rounded(x / y))),
      BELAY_EXACT2(Pow, std::pow(x, y)), BELAY_EXACT2(Atan2, std::atan2(x, y)),
  };
  return *table;
}

}  // namespace

ExactFn ExactOf(const std::string& op) {
  auto it = ExactFunctions().find(op);
  return it == ExactFunctions().end() ? nullptr : it->second;
}

}  // namespace belay
