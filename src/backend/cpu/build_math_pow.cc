// Powers of f32 in vectors: 2^(y * log2|x|) in f64, so that the one rounding is that of the result.
#include <llvm/IR/Intrinsics.h>

#include <limits>

#include "backend/cpu/build_math_f32.h"

namespace belay {
namespace {

using llvm::Value;
namespace Intr = llvm::Intrinsic;

constexpr double kInf = std::numeric_limits<double>::infinity();

// Values of f64, as many lanes as `like` has.
struct F64 {
  llvm::IRBuilder<>& b;
  llvm::Type *type, *ints;

  F64(EmitContext& e, Value* like) : b(e.b) {
    type = WithLanes(b.getDoubleTy(), LanesOf(like));
    ints = WithLanes(b.getInt64Ty(), LanesOf(like));
  }
  Value* K(double v) { return FloatConstant(type, v); }
  Value* Fma(Value* x, Value* y, Value* z) { return b.CreateIntrinsic(type, Intr::fma, {x, y, z}); }
  Value* Bits(Value* x) { return b.CreateBitCast(x, ints); }
  Value* Float(Value* bits) { return b.CreateBitCast(bits, type); }
  Value* Poly(Value* x, std::initializer_list<double> c) {  // highest power first
    Value* p = K(*c.begin());
    for (auto it = c.begin() + 1; it != c.end(); ++it) p = Fma(p, x, K(*it));
    return p;
  }
  static constexpr double kMagic = 0x1.8p52;  // a small integer added to its bits is added to its value

  // log2 of a normal number m * 2^n: n + 2/ln2 * atanh(s), s = (m-1)/(m+1), m in [sqrt(1/2), sqrt(2)).
  Value* Log2(Value* x) {
    Value* base = IntConstant(ints, 0x3fe6a09e667f3bcd);  // sqrt(1/2)
    Value* shifted = b.CreateSub(Bits(x), base);
    Value* n = b.CreateAShr(shifted, IntConstant(ints, 52));
    Value* m = Float(b.CreateAdd(b.CreateAnd(shifted, IntConstant(ints, (int64_t{1} << 52) - 1)), base));
    Value* s = b.CreateFDiv(b.CreateFSub(m, K(1)), b.CreateFAdd(m, K(1)));
    Value* p = Poly(b.CreateFMul(s, s), {1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1});
    Value* whole = b.CreateFSub(Float(b.CreateAdd(n, Bits(K(kMagic)))), K(kMagic));
    return Fma(b.CreateFMul(s, K(2.88539008177792681)), p, whole);
  }
  Value* Exp2(Value* x) {  // as far as f32 goes; NaN stays
    x = b.CreateSelect(b.CreateFCmpOLT(x, K(-200)), K(-200), x);
    x = b.CreateSelect(b.CreateFCmpOGT(x, K(200)), K(200), x);
    Value* t = b.CreateFAdd(x, K(kMagic));
    Value* r = b.CreateFMul(b.CreateFSub(x, b.CreateFSub(t, K(kMagic))), K(0.693147180559945309));
    Value* p = Poly(r, {1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1});
    Value* n = b.CreateSub(Bits(t), Bits(K(kMagic)));
    return Float(b.CreateAdd(Bits(p), b.CreateShl(n, IntConstant(ints, 52))));
  }
};

// log2|x|; -inf of 0, inf of inf, NaN of NaN.
Value* Log2Abs(F64& f, Value* x) {
  auto& b = f.b;
  Value* a = b.CreateUnaryIntrinsic(Intr::fabs, b.CreateFPExt(x, f.type));  // of a denormal, too, a normal number
  Value* y = b.CreateSelect(b.CreateFCmpULT(a, f.K(kInf)), f.Log2(a), a);
  y = b.CreateSelect(b.CreateFCmpOEQ(a, f.K(0)), f.K(-kInf), y);
  return b.CreateSelect(b.CreateFCmpUNO(a, a), a, y);
}

Value* IsWhole(llvm::IRBuilder<>& b, Value* y) {
  return b.CreateFCmpOEQ(b.CreateUnaryIntrinsic(Intr::floor, y), y);
}

}  // namespace

Value* EmitVectorPow(EmitContext& e, Value* x, Value* y) {
  auto& b = e.b;
  F64 f(e, x);
  auto k = [&](double v) { return FloatConstant(x->getType(), v); };
  llvm::Type* ints = WithLanes(b.getInt32Ty(), LanesOf(x));
  Value* log = Log2Abs(f, x);
  // x^0 and (+-1)^y are 1, whatever the other is; a NaN with x = -1 comes below.
  Value* is_one = b.CreateOr(b.CreateFCmpOEQ(log, f.K(0)), b.CreateFCmpOEQ(y, k(0)));
  Value* exponent = b.CreateSelect(is_one, f.K(0), b.CreateFMul(b.CreateFPExt(y, f.type), log));
  Value* size = b.CreateFPTrunc(f.Exp2(exponent), x->getType());
  Value* whole = IsWhole(b, y);
  Value* odd = b.CreateAnd(whole, b.CreateNot(IsWhole(b, b.CreateFMul(y, k(0.5)))));
  Value* sign = b.CreateAnd(b.CreateBitCast(x, ints), IntConstant(ints, int64_t{1} << 31));
  sign = b.CreateSelect(odd, sign, IntConstant(ints, 0));
  Value* power = b.CreateBitCast(b.CreateOr(b.CreateBitCast(size, ints), sign), x->getType());
  Value* no_number = b.CreateAnd(b.CreateFCmpOLT(x, k(0)), b.CreateFCmpOGT(x, k(-kInf)));
  no_number = b.CreateAnd(no_number, b.CreateNot(b.CreateOr(whole, b.CreateFCmpOEQ(y, k(0)))));
  return b.CreateSelect(no_number, llvm::ConstantFP::getNaN(x->getType()), power);
}

}  // namespace belay
