#include "backend/cpu/build_math_f32.h"

#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>

#include <limits>

#include "backend/cpu/build_jit.h"
#include "base/polynomials.h"

namespace belay {
namespace {

using llvm::Value;
namespace Intr = llvm::Intrinsic;

// Values of one f32 type, scalar or vector.
struct F32 {
  EmitContext& e;
  llvm::Type* type;
  llvm::Type* ints;

  F32(EmitContext& context, Value* like)
      : e(context), type(like->getType()), ints(context.b.getInt32Ty()) {
    if (auto* v = llvm::dyn_cast<llvm::FixedVectorType>(type)) {
      ints = llvm::FixedVectorType::get(ints, v->getNumElements());
    }
  }
  Value* K(double v) { return FloatConstant(type, v); }
  Value* I(int64_t v) { return IntConstant(ints, v); }
  Value* Fma(Value* a, Value* b, Value* c) {
    return e.b.CreateIntrinsic(type, Intr::fma, {a, b, c});
  }
  Value* Add(Value* a, Value* b) { return e.b.CreateFAdd(a, b); }
  Value* Sub(Value* a, Value* b) { return e.b.CreateFSub(a, b); }
  Value* Mul(Value* a, Value* b) { return e.b.CreateFMul(a, b); }
  Value* Div(Value* a, Value* b) { return e.b.CreateFDiv(a, b); }
  Value* Abs(Value* a) { return e.b.CreateUnaryIntrinsic(Intr::fabs, a); }
  Value* WithSignOf(Value* sign, Value* a) { return e.b.CreateBinaryIntrinsic(Intr::copysign, a, sign); }
  Value* Sel(Value* c, Value* a, Value* b) { return e.b.CreateSelect(c, a, b); }
  Value* Lt(Value* a, Value* b) { return e.b.CreateFCmpOLT(a, b); }
  Value* Gt(Value* a, Value* b) { return e.b.CreateFCmpOGT(a, b); }
  Value* Eq(Value* a, Value* b) { return e.b.CreateFCmpOEQ(a, b); }
  Value* Bits(Value* a) { return e.b.CreateBitCast(a, ints); }
  Value* Float(Value* a) { return e.b.CreateBitCast(a, type); }
  Value* Inf() { return llvm::ConstantFP::getInfinity(type); }
  Value* Nan() { return llvm::ConstantFP::getNaN(type); }
  // Highest power first.
  template <typename Coefficients>
  Value* PolyOf(Value* x, const Coefficients& c) {
    Value* p = K(*std::begin(c));
    for (auto it = std::begin(c) + 1; it != std::end(c); ++it) p = Fma(p, x, K(*it));
    return p;
  }
  Value* Poly(Value* x, std::initializer_list<double> c) { return PolyOf(x, c); }
  // x limited to [lo, hi]; NaN stays.
  Value* Clamp(Value* x, double lo, double hi) {
    x = Sel(Lt(x, K(lo)), K(lo), x);
    return Sel(Gt(x, K(hi)), K(hi), x);
  }

  // Nearest integer of a*x as a float and as bits whose low part is the integer.
  struct Nearest {
    Value* value;
    Value* bits;
  };
  static constexpr double kMagic = 0x1.8p23;
  Nearest Round(Value* x, double a) {
    Value* t = Fma(x, K(a), K(kMagic));
    return {Sub(t, K(kMagic)), e.b.CreateSub(Bits(t), Bits(K(kMagic)))};
  }
  Value* PowerOfTwo(Value* n) {  // n in [-126, 127]
    return Float(e.b.CreateShl(e.b.CreateAdd(n, I(127)), I(23)));
  }
  // p * 2^n for n in [-250, 250], rounded once.
  Value* Scale(Value* p, Nearest nearest) {
    auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
    if (vector && e.row.masks && vector->getNumElements() == 16) {
      constexpr int kCurrentRounding = 4;
      return e.b.CreateIntrinsic(
          type, Intr::x86_avx512_mask_scalef_ps_512,
          {p, nearest.value, p, e.b.getInt16(0xffff), e.b.getInt32(kCurrentRounding)});
    }
    Value* n = nearest.bits;
    Value* half = e.b.CreateAShr(n, I(1));
    return Mul(Mul(p, PowerOfTwo(half)), PowerOfTwo(e.b.CreateSub(n, half)));
  }

  // e^r - 1 on |r| <= ln2/2.
  Value* ExpM1Small(Value* r) { return Fma(Mul(r, r), PolyOf(r, kExpTail), r); }
  struct Reduced {
    Value* r;
    Nearest n;
  };
  Reduced ReduceExp(Value* x) {
    Nearest n = Round(x, kLog2E);
    Value* r = Fma(n.value, K(-kLn2High), x);
    return {Fma(n.value, K(-kLn2Low), r), n};
  }
  Value* Exp(Value* x) {
    x = Clamp(x, kExpLow, kExpHigh);
    Reduced d = ReduceExp(x);
    return Scale(Add(ExpM1Small(d.r), K(1)), d.n);
  }
  Value* Exp2(Value* x) {
    x = Clamp(x, -151, 129);
    Nearest n = Round(x, 1);
    return Scale(Add(ExpM1Small(Mul(Sub(x, n.value), K(0.693147180559945309))), K(1)), n);
  }
  Value* Expm1(Value* x) {
    Value* c = Clamp(x, -30, 89);
    Reduced d = ReduceExp(c);
    Value* q = ExpM1Small(d.r);
    // (2^(n-1) * q + (2^(n-1) - 1/2)) * 2: 2^128 alone would overflow.
    Value* s = PowerOfTwo(e.b.CreateSub(d.n.bits, I(1)));
    Value* y = Mul(Fma(q, s, Sub(s, K(0.5))), K(2));
    Value* zero_n = e.b.CreateICmpEQ(d.n.bits, I(0));
    // x itself has the sign of zero, which q loses.
    return Sel(Lt(Abs(x), K(0x1p-25)), x, Sel(zero_n, q, y));
  }

  struct Split {
    Value* m;  // in [sqrt(1/2), sqrt(2)) minus 1
    Value* exponent;
  };
  Split SplitForLog(Value* x) {
    Value* tiny = Lt(x, K(0x1p-126));
    Value* bits = Bits(Sel(tiny, Mul(x, K(0x1p23)), x));
    Value* base = I(0x3f3504f3);  // sqrt(1/2)
    Value* shifted = e.b.CreateSub(bits, base);
    Value* n = e.b.CreateAShr(shifted, I(23));
    Value* m = Float(e.b.CreateAdd(e.b.CreateAnd(shifted, I(0x7fffff)), base));
    Value* exponent = e.b.CreateSIToFP(n, type);
    return {Sub(m, K(1)), Sel(tiny, Sub(exponent, K(23)), exponent)};
  }
  Value* LogSpecial(Value* x, Value* y) {
    y = Sel(Eq(x, Inf()), Inf(), y);
    y = Sel(Eq(x, K(0)), K(-std::numeric_limits<double>::infinity()), y);
    return Sel(e.b.CreateFCmpULT(x, K(0)), Nan(), y);
  }
  // log(1+f) = f - f^2/2 + tail
  Value* LogTail(Value* f) {
    Value* p = Poly(
        f, {7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
            -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1});
    return Mul(Mul(f, Mul(f, f)), p);
  }
  Value* LogFinite(Value* x) {
    Split s = SplitForLog(x);
    Value* y = Fma(s.exponent, K(-2.12194440e-4), LogTail(s.m));
    y = Fma(Mul(s.m, s.m), K(-0.5), y);
    return Fma(s.exponent, K(0.693359375), Add(s.m, y));
  }
  Value* Log(Value* x) { return LogSpecial(x, LogFinite(x)); }
  Value* Log2(Value* x) {
    Split s = SplitForLog(x);
    // log2(e) = 1 + 0.4426950...: the leading 1 adds f without rounding.
    Value* y = Fma(Mul(s.m, s.m), K(-0.5), LogTail(s.m));
    Value* z = Mul(y, K(0.44269504088896341));
    z = Fma(s.m, K(0.44269504088896341), z);
    z = Add(z, y);
    z = Add(z, s.m);
    return LogSpecial(x, Add(z, s.exponent));
  }
  Value* Log1p(Value* x) {
    Value* u = Add(x, K(1));
    Value* lost = Div(Sub(x, Sub(u, K(1))), u);
    Value* y = Add(LogFinite(u), lost);
    y = LogSpecial(u, y);
    return Sel(Lt(Abs(x), K(1e-4)), Fma(Mul(x, x), K(-0.5), x), y);
  }

  Value* Sigmoid(Value* x) {
    Value* t = Exp(e.b.CreateFNeg(Abs(x)));
    Value* d = Add(t, K(1));
    return Div(Sel(Lt(x, K(0)), t, K(1)), d);
  }
  Value* Tanh(Value* x) {
    Value* a = Abs(x);
    Value* x2 = Mul(x, x);
    Value* small = Fma(Mul(x2, x), PolyOf(x2, kTanhTail), x);
    Value* big = Sub(K(1), Div(K(2), Add(Exp(Add(a, a)), K(1))));
    return WithSignOf(x, Sel(Lt(a, K(kTanhSmall)), small, big));
  }
  // Below 1: x * P(x^2); above: 1 - e^Q(|x|), Q a fit of log(erfc).
  Value* Erf(Value* x) {
    Value* a = Abs(x);
    Value* x2 = Mul(x, x);
    Value* p = Poly(x2, {7.85497131295e-5, -0.000801055543769, 0.00518837303535, -0.0268538391937,
                         0.11283585943, -0.376126259227, 0.128379167});
    Value* small = Fma(p, x, x);
    Value* c = Sel(Gt(a, K(4)), K(4), a);
    Value* q = Poly(c, {-2.16877089587e-5, 0.000441346690978, -0.00420461370144, 0.0252083980107,
                        -0.108418802915, -0.633219682094, -1.1295785313, 0.000188062943351});
    return Sel(Lt(a, K(1)), small, WithSignOf(x, Sub(K(1), Exp(q))));
  }

  struct SinCos {
    Value* sine;
    Value* cosine;
    Value* quadrant;  // in the two low bits
  };
  static constexpr double kTrigLimit = 40000;
  SinCos ReduceTrig(Value* x) {  // |x| <= kTrigLimit
    Value* t = Fma(x, K(0.636619772367581343), K(kMagic));
    Value* n = Sub(t, K(kMagic));
    Value* r = Fma(n, K(-1.57079637050628662109375), x);
    r = Fma(n, K(4.37113900018624283e-8), r);
    r = Fma(n, K(1.71512451613e-15), r);
    Value* r2 = Mul(r, r);
    Value* s = Poly(r2, {-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1});
    s = Fma(Mul(r2, r), s, r);
    Value* c = Poly(r2, {2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2, -0.5, 1});
    return {s, c, Bits(t)};
  }
  // y with the other sign where the top bit of `bits` is set.
  Value* Signed(Value* y, Value* bits) {
    return Float(e.b.CreateXor(Bits(y), e.b.CreateAnd(bits, I(int64_t{1} << 31))));
  }
  // Of |x|: the sums of the reduction would lose the sign of zero.
  Value* Trig(ScalarOp op, Value* x) {
    SinCos t = ReduceTrig(Abs(x));
    Value* odd = e.b.CreateICmpNE(e.b.CreateAnd(t.quadrant, I(1)), I(0));
    if (op == ScalarOp::kTan) {
      Value* y = Div(Sel(odd, t.cosine, t.sine), Sel(odd, t.sine, t.cosine));
      y = Signed(y, Bits(x));
      return Sel(odd, e.b.CreateFNeg(y), y);
    }
    if (op == ScalarOp::kCos) {
      Value* next = e.b.CreateAdd(t.quadrant, I(1));
      return Signed(Sel(odd, t.sine, t.cosine), e.b.CreateShl(next, I(30)));
    }
    return Signed(Sel(odd, t.cosine, t.sine), e.b.CreateXor(e.b.CreateShl(t.quadrant, I(30)), Bits(x)));
  }
};

// `fast` unless a lane is beyond the range reduction: then libm for all lanes.
Value* WithLargeArguments(EmitContext& e, ScalarOp op, Value* x, Value* fast) {
  F32 f(e, x);
  return FastUnlessAny(e.b, f.Gt(f.Abs(x), f.K(F32::kTrigLimit)), fast,
                       [&] { return CallLanes(e, "belay_map_f32", op, DType::kF32, x, nullptr); });
}

}  // namespace

Value* AnyLane(llvm::IRBuilder<>& b, Value* condition) {
  return condition->getType()->isVectorTy() ? b.CreateOrReduce(condition) : condition;
}

Value* FastUnlessAny(llvm::IRBuilder<>& b, Value* condition, Value* fast, const std::function<Value*()>& slow) {
  return EmitIf(b, AnyLane(b, condition), {fast}, [&]() -> std::vector<Value*> { return {slow()}; }, true)[0];
}

Value* EmitVectorMath(EmitContext& e, ScalarOp op, Value* x) {
  if (Value* y = EmitByTable(e, op, x)) return y;
  F32 f(e, x);
  switch (op) {
    case ScalarOp::kExp: return f.Exp(x);
    case ScalarOp::kExp2: return f.Exp2(x);
    case ScalarOp::kExpm1: return f.Expm1(x);
    case ScalarOp::kLog: return f.Log(x);
    case ScalarOp::kLog2: return f.Log2(x);
    case ScalarOp::kLog1p: return f.Log1p(x);
    case ScalarOp::kSigmoid: return f.Sigmoid(x);
    case ScalarOp::kTanh: return f.Tanh(x);
    case ScalarOp::kErf: return f.Erf(x);
    case ScalarOp::kSin:
    case ScalarOp::kCos:
    case ScalarOp::kTan: return WithLargeArguments(e, op, x, f.Trig(op, x));
    default: return nullptr;
  }
}

Value* CallLanes(EmitContext& e, const char* function, ScalarOp op, DType dtype, Value* x,
                 Value* y) {
  auto& b = e.b;
  llvm::Type* type = x->getType();
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  int64_t lanes = vector ? vector->getNumElements() : 1;
  llvm::Type* wide = type;
  bool ints = !IsFloat(dtype);
  if (ints)
    wide = vector ? llvm::cast<llvm::Type>(llvm::FixedVectorType::get(b.getInt64Ty(), lanes))
                  : b.getInt64Ty();
  auto widen = [&](Value* v) {
    if (!ints) return v;
    return IsUnsignedInt(dtype) ? b.CreateZExt(v, wide) : b.CreateSExt(v, wide);
  };
  llvm::BasicBlock& entry = b.GetInsertBlock()->getParent()->getEntryBlock();
  llvm::IRBuilder<> eb(&entry, entry.begin());
  llvm::AllocaInst* xs = eb.CreateAlloca(wide);
  llvm::AllocaInst* ys = y ? eb.CreateAlloca(wide) : xs;
  b.CreateStore(widen(x), xs);
  if (y) b.CreateStore(widen(y), ys);
  auto* signature = llvm::FunctionType::get(
      b.getVoidTy(), {b.getInt32Ty(), b.getPtrTy(), b.getPtrTy(), b.getInt64Ty()}, false);
  b.CreateCall(e.module.getOrInsertFunction(function, signature),
               {b.getInt32(static_cast<uint32_t>(op)), xs, ys, b.getInt64(lanes)});
  Value* result = b.CreateLoad(wide, xs);
  return ints ? b.CreateTrunc(result, type) : result;
}

}  // namespace belay
