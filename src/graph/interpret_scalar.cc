#include "graph/interpret_scalar.h"

#include <cmath>

namespace belay {
namespace {

double MaxNan(double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : (a > b ? a : b > a ? b : std::signbit(a) ? b : a); }
double MinNan(double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : (a < b ? a : b < a ? b : std::signbit(a) ? a : b); }

double FloorMod(double a, double b) {
  double r = std::fmod(a, b);
  return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
}

int64_t IntPow(int64_t base, int64_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  uint64_t result = 1, b = static_cast<uint64_t>(base);
  for (; exponent; exponent >>= 1, b *= b) {
    if (exponent & 1) result *= b;
  }
  return static_cast<int64_t>(result);
}

}  // namespace

double ApplyFloat(ScalarOp op, const double* x) {
  const double a = x[0];
  switch (op) {
    case ScalarOp::kAdd: return a + x[1];
    case ScalarOp::kSub: return a - x[1];
    case ScalarOp::kMul: return a * x[1];
    case ScalarOp::kDiv: return a / x[1];
    case ScalarOp::kFloorDiv: return std::floor(a / x[1]);
    case ScalarOp::kMod: return FloorMod(a, x[1]);
    case ScalarOp::kFMod: return std::fmod(a, x[1]);
    case ScalarOp::kPow: return std::pow(a, x[1]);
    case ScalarOp::kMax: return MaxNan(a, x[1]);
    case ScalarOp::kMin: return MinNan(a, x[1]);
    case ScalarOp::kAtan2: return std::atan2(a, x[1]);
    case ScalarOp::kCopySign: return std::copysign(a, x[1]);
    case ScalarOp::kNeg: return -a;
    case ScalarOp::kAbs: return std::fabs(a);
    case ScalarOp::kSign: return std::isnan(a) ? a : (a > 0) - (a < 0);
    case ScalarOp::kFloor: return std::floor(a);
    case ScalarOp::kCeil: return std::ceil(a);
    case ScalarOp::kRound: return std::nearbyint(a);
    case ScalarOp::kTrunc: return std::trunc(a);
    case ScalarOp::kSqrt: return std::sqrt(a);
    case ScalarOp::kRsqrt: return 1 / std::sqrt(a);
    case ScalarOp::kRecip: return 1 / a;
    case ScalarOp::kExp: return std::exp(a);
    case ScalarOp::kExp2: return std::exp2(a);
    case ScalarOp::kExpm1: return std::expm1(a);
    case ScalarOp::kLog: return std::log(a);
    case ScalarOp::kLog2: return std::log2(a);
    case ScalarOp::kLog1p: return std::log1p(a);
    case ScalarOp::kSin: return std::sin(a);
    case ScalarOp::kCos: return std::cos(a);
    case ScalarOp::kTan: return std::tan(a);
    case ScalarOp::kAsin: return std::asin(a);
    case ScalarOp::kAcos: return std::acos(a);
    case ScalarOp::kAtan: return std::atan(a);
    case ScalarOp::kSinh: return std::sinh(a);
    case ScalarOp::kCosh: return std::cosh(a);
    case ScalarOp::kTanh: return std::tanh(a);
    case ScalarOp::kAsinh: return std::asinh(a);
    case ScalarOp::kAcosh: return std::acosh(a);
    case ScalarOp::kAtanh: return std::atanh(a);
    case ScalarOp::kErf: return std::erf(a);
    case ScalarOp::kSigmoid: return a >= 0 ? 1 / (1 + std::exp(-a)) : std::exp(a) / (1 + std::exp(a));
    case ScalarOp::kFma: return std::fma(a, x[1], x[2]);
    default: return NAN;
  }
}

int64_t ApplyInt(ScalarOp op, DType dtype, const int64_t* x) {
  const bool is_bool = dtype == DType::kBool;
  const uint64_t ua = static_cast<uint64_t>(x[0]);
  const uint64_t ub = static_cast<uint64_t>(x[1]);
  const int64_t a = x[0], b = x[1];
  const int bits = BitWidth(dtype);
  switch (op) {
    case ScalarOp::kAdd: return static_cast<int64_t>(ua + ub);
    case ScalarOp::kSub: return static_cast<int64_t>(ua - ub);
    case ScalarOp::kMul: return static_cast<int64_t>(ua * ub);
    case ScalarOp::kDiv:
      if (b == 0) return 0;
      if (dtype == DType::kU64) return static_cast<int64_t>(ua / ub);
      return b == -1 ? static_cast<int64_t>(-ua) : a / b;
    case ScalarOp::kFloorDiv: {
      if (b == 0) return 0;
      if (dtype == DType::kU64) return static_cast<int64_t>(ua / ub);
      if (b == -1) return static_cast<int64_t>(-ua);
      const int64_t q = a / b;
      return a % b != 0 && ((a < 0) != (b < 0)) ? q - 1 : q;
    }
    case ScalarOp::kMod: {
      if (b == 0 || b == -1) return b == 0 || dtype != DType::kU64 ? 0 : static_cast<int64_t>(ua % ub);
      if (dtype == DType::kU64) return static_cast<int64_t>(ua % ub);
      const int64_t r = a % b;
      return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
    }
    case ScalarOp::kFMod:
      if (dtype == DType::kU64) return ub ? static_cast<int64_t>(ua % ub) : 0;
      return b == 0 || b == -1 ? 0 : a % b;
    case ScalarOp::kPow: return IntPow(a, b);
    case ScalarOp::kMax: return CompareInt(ScalarOp::kGe, dtype, a, b) ? a : b;
    case ScalarOp::kMin: return CompareInt(ScalarOp::kLe, dtype, a, b) ? a : b;
    case ScalarOp::kAnd: return a & b;
    case ScalarOp::kOr: return a | b;
    case ScalarOp::kXor: return a ^ b;
    case ScalarOp::kShl: return b < 0 || b >= bits ? 0 : static_cast<int64_t>(ua << b);
    case ScalarOp::kShr:
      if (b < 0 || b >= bits) return IsSignedInt(dtype) && a < 0 ? -1 : 0;
      return IsSignedInt(dtype) ? a >> b : static_cast<int64_t>(ua >> b);
    case ScalarOp::kNeg: return static_cast<int64_t>(-ua);
    case ScalarOp::kAbs: return IsSignedInt(dtype) && a < 0 ? static_cast<int64_t>(-ua) : a;
    case ScalarOp::kSign: return IsSignedInt(dtype) ? (a > 0) - (a < 0) : a != 0;
    case ScalarOp::kNot: return is_bool ? !a : ~a;
    case ScalarOp::kFloor:
    case ScalarOp::kCeil:
    case ScalarOp::kRound:
    case ScalarOp::kTrunc: return a;
    case ScalarOp::kFma: return static_cast<int64_t>(ua * ub + static_cast<uint64_t>(x[2]));
    default: return 0;
  }
}

bool CompareFloat(ScalarOp op, double a, double b) {
  switch (op) {
    case ScalarOp::kEq: return a == b;
    case ScalarOp::kNe: return a != b;
    case ScalarOp::kLt: return a < b;
    case ScalarOp::kLe: return a <= b;
    case ScalarOp::kGt: return a > b;
    default: return a >= b;
  }
}

bool CompareInt(ScalarOp op, DType dtype, int64_t a, int64_t b) {
  const bool less = dtype == DType::kU64 ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b) : a < b;
  switch (op) {
    case ScalarOp::kEq: return a == b;
    case ScalarOp::kNe: return a != b;
    case ScalarOp::kLt: return less;
    case ScalarOp::kLe: return less || a == b;
    case ScalarOp::kGt: return !less && a != b;
    default: return !less;
  }
}

}  // namespace belay
