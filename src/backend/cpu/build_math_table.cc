// Odd functions that grow from 0 to 1: a polynomial for each part of the positive axis, whose coefficients lie in
// registers, where a permutation by the number of the part picks each lane's. e^x, and what is made of it, likewise.
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>

#include <cmath>
#include <vector>

#include "backend/cpu/build_math_f32.h"
#include "base/polynomials.h"

namespace belay {
namespace {

using llvm::Value;
namespace Intr = llvm::Intrinsic;

constexpr int kLanes = 16;

// e^r - 1 = r + r^2 * (kHalf + r * kSixth) on |r| <= ln2/32, within 1.6e-9.
constexpr double kHalf = 0.500016189602, kSixth = 0.166670577428;

struct Parts {
  double (*function)(double);
  int count;    // one or two registers of lanes; the last part is 1
  int degree;
  double step;  // a float; part k is what lies nearest to k * step
};

// The last part begins within half a unit in the last place of 1: erf(3.93), tanh(9.02). erf's step makes its values in
// the middle of parts nearly floats, so that constant coefficients round little.
constexpr Parts kErfParts = {[](double x) { return std::erf(x); }, kLanes, 5, 284739.0 / (1 << 20)};
constexpr Parts kTanhParts = {[](double x) { return std::tanh(x); }, 2 * kLanes, 6, 303.0 / 1024};

// Coefficients in r, lowest first, of the polynomial that meets f at the Chebyshev nodes of [lo, hi].
template <typename Function>
std::vector<double> Interpolate(const Function& f, double lo, double hi, int degree) {
  const int n = degree + 1;
  const double middle = (lo + hi) / 2, half = (hi - lo) / 2;
  std::vector<double> nodes(n), differences(n);
  for (int i = 0; i < n; ++i) {
    nodes[i] = middle + half * std::cos(M_PI * (2 * i + 1) / (2 * n));
    differences[i] = f(nodes[i]);
  }
  for (int order = 1; order < n; ++order) {
    for (int i = n - 1; i >= order; --i)
      differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - order]);
  }
  std::vector<double> c(n);
  for (int i = n - 1; i >= 0; --i) {  // c = c * (r - node) + difference
    for (int j = n - 1; j > 0; --j) c[j] = c[j - 1] - nodes[i] * c[j];
    c[0] = differences[i] - nodes[i] * c[0];
  }
  return c;
}

std::vector<double> PartOf(const Parts& p, int k) {
  const double centre = k * p.step;
  if (k == p.count - 1) {
    std::vector<double> one(p.degree + 1);
    one[0] = 1;
    return one;
  }
  if (k > 0) return Interpolate([&](double r) { return p.function(centre + r); }, -p.step / 2, p.step / 2, p.degree);
  // r times something, so that small numbers keep their digits.
  auto quotient = [&](double r) { return p.function(r) / r; };
  std::vector<double> c = Interpolate(quotient, 0, p.step / 2, p.degree - 1);
  c.insert(c.begin(), 0);
  return c;
}

// The coefficients of one power, by part.
llvm::Constant* Register(llvm::LLVMContext& context, const std::vector<std::vector<double>>& parts, int power,
                         int first) {
  std::vector<float> values;
  for (int i = 0; i < kLanes; ++i) values.push_back(static_cast<float>(parts[first + i][power]));
  return llvm::ConstantDataVector::get(context, values);
}

// At most `bound`, or at least; NaN stays.
Value* AtMost(EmitContext& e, Value* x, double bound) {
  llvm::Constant* c = FloatConstant(x->getType(), bound);
  return e.b.CreateSelect(e.b.CreateFCmpOGT(x, c), c, x);
}
Value* AtLeast(EmitContext& e, Value* x, double bound) {
  llvm::Constant* c = FloatConstant(x->getType(), bound);
  return e.b.CreateSelect(e.b.CreateFCmpOLT(x, c), c, x);
}

Value* Evaluate(EmitContext& e, const Parts& p, Value* x) {
  auto& b = e.b;
  llvm::Type* type = x->getType();
  auto k = [&](double v) { return FloatConstant(type, v); };
  auto fma = [&](Value* f, Value* g, Value* h) -> Value* { return b.CreateIntrinsic(type, Intr::fma, {f, g, h}); };
  Value* a = b.CreateUnaryIntrinsic(Intr::fabs, x);
  a = AtMost(e, a, (p.count - 1) * p.step);
  Value* magic = k(0x1.8p23);
  Value* rounded = fma(a, k(1 / p.step), magic);
  Value* part = b.CreateBitCast(rounded, llvm::FixedVectorType::get(b.getInt32Ty(), kLanes));
  Value* r = fma(b.CreateFSub(rounded, magic), k(-p.step), a);

  std::vector<std::vector<double>> parts;
  for (int i = 0; i < p.count; ++i) parts.push_back(PartOf(p, i));
  auto coefficient = [&](int power) -> Value* {
    llvm::Constant* low = Register(b.getContext(), parts, power, 0);
    if (p.count == kLanes) return b.CreateIntrinsic(Intr::x86_avx512_permvar_sf_512, {}, {low, part});
    llvm::Constant* high = Register(b.getContext(), parts, power, kLanes);
    return b.CreateIntrinsic(Intr::x86_avx512_vpermi2var_ps_512, {}, {low, part, high});
  };
  Value* y = coefficient(p.degree);
  for (int power = p.degree - 1; power >= 0; --power) y = fma(y, r, coefficient(power));
  return b.CreateBinaryIntrinsic(Intr::copysign, y, x);
}

// e^x = 2^n * 2^(j/16) * e^r: the lanes' own 2^(j/16) make r so small that three terms do. For x in [-105, kExpHigh].
Value* Exp(EmitContext& e, Value* x) {
  auto& b = e.b;
  llvm::Type* type = x->getType();
  auto k = [&](double v) { return FloatConstant(type, v); };
  auto fma = [&](Value* f, Value* g, Value* h) -> Value* { return b.CreateIntrinsic(type, Intr::fma, {f, g, h}); };
  Value* magic = k(0x1.8p19);  // sums are rounded to sixteenths
  Value* rounded = fma(x, k(kLog2E), magic);
  Value* part = b.CreateBitCast(rounded, llvm::FixedVectorType::get(b.getInt32Ty(), kLanes));
  Value* n = b.CreateFSub(rounded, magic);
  Value* r = fma(n, k(-kLn2Low), fma(n, k(-kLn2High), x));
  std::vector<float> roots;
  for (int j = 0; j < kLanes; ++j) roots.push_back(static_cast<float>(std::exp2(j / 16.0)));
  Value* root = b.CreateIntrinsic(Intr::x86_avx512_permvar_sf_512, {},
                                  {llvm::ConstantDataVector::get(b.getContext(), roots), part});
  Value* small = fma(fma(r, k(kSixth), k(kHalf)), b.CreateFMul(r, r), r);  // e^r - 1
  Value* y = fma(root, small, root);
  constexpr int kCurrentRounding = 4;
  return b.CreateIntrinsic(type, Intr::x86_avx512_mask_scalef_ps_512,
                           {y, n, y, b.getInt16(-1), b.getInt32(kCurrentRounding)});
}

// By e^-|x|, which cannot overflow. Its sum with 1 is in [1, 2], where an estimate of 14 bits and one of Newton's steps
// give the reciprocal without special cases.
Value* Sigmoid(EmitContext& e, Value* x) {
  auto& b = e.b;
  llvm::Type* type = x->getType();
  llvm::Constant* one = FloatConstant(type, 1);
  Value* t = Exp(e, AtLeast(e, b.CreateFNeg(b.CreateUnaryIntrinsic(Intr::fabs, x)), kExpLow));
  Value* sum = b.CreateFAdd(t, one);
  Value* estimate = b.CreateIntrinsic(Intr::x86_avx512_rcp14_ps_512, {}, {sum, sum, b.getInt16(-1)});
  Value* error = b.CreateIntrinsic(type, Intr::fma, {b.CreateFNeg(sum), estimate, one});
  Value* reciprocal = b.CreateIntrinsic(type, Intr::fma, {error, estimate, estimate});
  Value* negative = b.CreateFCmpOLT(x, llvm::Constant::getNullValue(type));
  return b.CreateFMul(b.CreateSelect(negative, t, one), reciprocal);
}

bool HasTables(const EmitContext& e, Value* x) {
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(x->getType());
  return e.row.masks && vector && vector->getNumElements() == kLanes;
}

}  // namespace

Value* EmitBoundedExp(EmitContext& e, Value* x) {
  return HasTables(e, x) ? Exp(e, AtMost(e, x, kExpHigh)) : EmitVectorMath(e, ScalarOp::kExp, x);
}

Value* EmitByTable(EmitContext& e, ScalarOp op, Value* x) {
  if (!HasTables(e, x)) return nullptr;
  if (op == ScalarOp::kExp) return Exp(e, AtMost(e, AtLeast(e, x, kExpLow), kExpHigh));
  if (op == ScalarOp::kSigmoid) return Sigmoid(e, x);
  if (op == ScalarOp::kErf) return Evaluate(e, kErfParts, x);
  if (op == ScalarOp::kTanh) return Evaluate(e, kTanhParts, x);
  return nullptr;
}

}  // namespace belay
