#include "backend/cpu/build_math.h"

#include <llvm/IR/Intrinsics.h>

#include <cmath>
#include <cstring>

#include "backend/cpu/build_math_f32.h"
#include "base/half.h"

namespace belay {
namespace {

using llvm::Value;
using CmpInst = llvm::CmpInst;
namespace Intr = llvm::Intrinsic;

// Quotient that never traps: x/0 is 0, MIN/-1 wraps. `remainder` of a division by 0 is 0.
struct IntDivision {
  Value* quotient;
  Value* remainder;
};
IntDivision DivideInts(EmitContext& e, DType dtype, Value* x, Value* y) {
  auto& b = e.b;
  Value* zero = ZeroLike(x);
  Value* by_zero = b.CreateICmpEQ(y, zero);
  if (IsUnsignedInt(dtype)) {
    Value* safe = b.CreateSelect(by_zero, IntConstant(x->getType(), 1), y);
    Value* q = b.CreateUDiv(x, safe);
    Value* r = b.CreateSub(x, b.CreateMul(q, safe));
    return {b.CreateSelect(by_zero, zero, q), b.CreateSelect(by_zero, zero, r)};
  }
  // Dividing by 1 instead of -1 gives -x by a negation, which wraps.
  Value* by_minus_one = b.CreateICmpEQ(y, IntConstant(x->getType(), -1));
  Value* safe = b.CreateSelect(b.CreateOr(by_zero, by_minus_one), IntConstant(x->getType(), 1), y);
  Value* q = b.CreateSDiv(x, safe);
  Value* r = b.CreateSub(x, b.CreateMul(q, safe));
  q = b.CreateSelect(by_minus_one, b.CreateNeg(x), q);
  return {b.CreateSelect(by_zero, zero, q), b.CreateSelect(by_zero, zero, r)};
}

// A remainder of x by y with y's sign from one with x's.
Value* SignedLikeDivisor(EmitContext& e, Value* r, Value* y) {
  auto& b = e.b;
  Value* wrong =
      b.CreateAnd(b.CreateICmpNE(r, ZeroLike(r)), b.CreateICmpSLT(b.CreateXor(r, y), ZeroLike(r)));
  return b.CreateSelect(wrong, b.CreateAdd(r, y), r);
}

Value* FloorDivideInts(EmitContext& e, DType dtype, Value* x, Value* y) {
  auto& b = e.b;
  IntDivision d = DivideInts(e, dtype, x, y);
  if (IsUnsignedInt(dtype)) return d.quotient;
  Value* inexact = b.CreateAnd(b.CreateICmpNE(d.remainder, ZeroLike(x)),
                               b.CreateICmpSLT(b.CreateXor(d.remainder, y), ZeroLike(x)));
  return b.CreateAdd(d.quotient, b.CreateSExt(inexact, x->getType()));
}

// Shifts by the width or more (or a negative amount) give 0, or the sign.
Value* Shift(EmitContext& e, ScalarOp op, DType dtype, Value* x, Value* amount) {
  auto& b = e.b;
  int bits = x->getType()->getScalarSizeInBits();
  Value* in_range = b.CreateICmpULT(amount, IntConstant(x->getType(), bits));
  if (op == ScalarOp::kShr && !HasNoSign(dtype)) {
    return b.CreateAShr(x, b.CreateSelect(in_range, amount, IntConstant(x->getType(), bits - 1)));
  }
  Value* safe = b.CreateSelect(in_range, amount, ZeroLike(x));
  Value* shifted = op == ScalarOp::kShl ? b.CreateShl(x, safe) : b.CreateLShr(x, safe);
  return b.CreateSelect(in_range, shifted, ZeroLike(x));
}

Value* EmitIntBinary(EmitContext& e, ScalarOp op, DType dtype, Value* x, Value* y) {
  auto& b = e.b;
  bool u = HasNoSign(dtype);
  if (dtype == DType::kBool) {
    switch (op) {
      case ScalarOp::kAdd:
      case ScalarOp::kMax: return b.CreateOr(x, y);
      case ScalarOp::kMul:
      case ScalarOp::kMin: return b.CreateAnd(x, y);
      case ScalarOp::kSub: return b.CreateXor(x, y);
      default: break;
    }
  }
  switch (op) {
    case ScalarOp::kAdd: return b.CreateAdd(x, y);
    case ScalarOp::kSub: return b.CreateSub(x, y);
    case ScalarOp::kMul: return b.CreateMul(x, y);
    case ScalarOp::kDiv: return DivideInts(e, dtype, x, y).quotient;
    case ScalarOp::kFloorDiv: return FloorDivideInts(e, dtype, x, y);
    case ScalarOp::kFMod: return DivideInts(e, dtype, x, y).remainder;
    case ScalarOp::kMod: {
      Value* r = DivideInts(e, dtype, x, y).remainder;
      return u ? r : SignedLikeDivisor(e, r, y);
    }
    case ScalarOp::kMax: return b.CreateBinaryIntrinsic(u ? Intr::umax : Intr::smax, x, y);
    case ScalarOp::kMin: return b.CreateBinaryIntrinsic(u ? Intr::umin : Intr::smin, x, y);
    case ScalarOp::kAnd: return b.CreateAnd(x, y);
    case ScalarOp::kOr: return b.CreateOr(x, y);
    case ScalarOp::kXor: return b.CreateXor(x, y);
    case ScalarOp::kShl:
    case ScalarOp::kShr: return Shift(e, op, dtype, x, y);
    case ScalarOp::kPow: return CallLanes(e, "belay_pow_i64", op, dtype, x, y);
    default: return nullptr;
  }
}

bool IsNumberConstant(Value* v) {
  const llvm::ConstantFP* c = SplatFloat(v);
  return c != nullptr && !c->isNaN();
}

// NaN if either is NaN, in one comparison when a side is a number.
Value* FloatExtreme(EmitContext& e, bool max, Value* x, Value* y) {
  auto& b = e.b;
  if (IsNumberConstant(y)) std::swap(x, y);
  Value* first = max ? b.CreateFCmpOGT(x, y) : b.CreateFCmpOLT(x, y);
  Value* picked = b.CreateSelect(first, x, y);
  if (IsNumberConstant(x)) return picked;
  return b.CreateSelect(b.CreateFCmpUNO(x, x), x, picked);
}

// x / c as x times the two parts of 1/c: a division takes as long as a score of products. Correctly rounded where c has
// few digits, because no x / c is then close to the middle of two floats; else within half an ulp and 2^-23 of one.
Value* Quotient(EmitContext& e, DType dtype, Value* x, Value* y) {
  auto& b = e.b;
  const llvm::ConstantFP* c = SplatFloat(y);
  if (c == nullptr || dtype == DType::kF64 || !e.row.fma) return b.CreateFDiv(x, y);
  const double divisor = c->getValueAPF().convertToFloat();
  if (!(std::fabs(divisor) > 0x1p-100 && std::fabs(divisor) < 0x1p100)) return b.CreateFDiv(x, y);
  float high = static_cast<float>(1 / divisor);
  if (high * divisor == 1) return b.CreateFMul(x, FloatConstant(x->getType(), high));
  // Towards 0, so that both parts have one sign: infinities and zeros keep theirs.
  if (std::fabs(high) > std::fabs(1 / divisor)) high = std::nextafter(high, 0.0f);
  Value* rest = b.CreateFMul(x, FloatConstant(x->getType(), 1 / divisor - high));
  return b.CreateIntrinsic(x->getType(), Intr::fma, {x, FloatConstant(x->getType(), high), rest});
}

Value* FloatPow(EmitContext& e, DType dtype, Value* x, Value* y) {
  auto& b = e.b;
  if (const llvm::ConstantFP* c = SplatFloat(y)) {
    if (c->isExactlyValue(1.0)) return x;
    if (c->isExactlyValue(2.0)) return b.CreateFMul(x, x);
    if (c->isExactlyValue(-1.0)) return b.CreateFDiv(FloatConstant(x->getType(), 1), x);
    if (c->isExactlyValue(3.0)) return b.CreateFMul(b.CreateFMul(x, x), x);
  }
  return dtype == DType::kF64 ? CallLanes(e, "belay_map_f64", ScalarOp::kPow, dtype, x, y) : EmitVectorPow(e, x, y);
}

Value* EmitFloatBinary(EmitContext& e, ScalarOp op, DType dtype, Value* x, Value* y) {
  auto& b = e.b;
  switch (op) {
    case ScalarOp::kAdd: return b.CreateFAdd(x, y);
    case ScalarOp::kSub: return b.CreateFSub(x, y);
    case ScalarOp::kMul: return b.CreateFMul(x, y);
    case ScalarOp::kDiv: return Quotient(e, dtype, x, y);
    case ScalarOp::kFloorDiv:
      return b.CreateUnaryIntrinsic(Intr::floor, RoundToHalf(e, dtype, b.CreateFDiv(x, y)));
    case ScalarOp::kMax: return FloatExtreme(e, true, x, y);
    case ScalarOp::kMin: return FloatExtreme(e, false, x, y);
    case ScalarOp::kCopySign: return b.CreateBinaryIntrinsic(Intr::copysign, x, y);
    case ScalarOp::kPow: return FloatPow(e, dtype, x, y);
    case ScalarOp::kMod:
    case ScalarOp::kFMod:
    case ScalarOp::kAtan2:
      return CallLanes(e, dtype == DType::kF64 ? "belay_map_f64" : "belay_map_f32", op, dtype, x,
                       y);
    default: return nullptr;
  }
}

Value* EmitCompare(EmitContext& e, ScalarOp op, DType dtype, Value* x, Value* y) {
  bool f = IsFloat(dtype), u = HasNoSign(dtype);
  CmpInst::Predicate p;
  switch (op) {
    case ScalarOp::kEq: p = f ? CmpInst::FCMP_OEQ : CmpInst::ICMP_EQ; break;
    case ScalarOp::kNe: p = f ? CmpInst::FCMP_UNE : CmpInst::ICMP_NE; break;
    case ScalarOp::kLt:
      p = f ? CmpInst::FCMP_OLT : u ? CmpInst::ICMP_ULT : CmpInst::ICMP_SLT;
      break;
    case ScalarOp::kLe:
      p = f ? CmpInst::FCMP_OLE : u ? CmpInst::ICMP_ULE : CmpInst::ICMP_SLE;
      break;
    case ScalarOp::kGt:
      p = f ? CmpInst::FCMP_OGT : u ? CmpInst::ICMP_UGT : CmpInst::ICMP_SGT;
      break;
    default: p = f ? CmpInst::FCMP_OGE : u ? CmpInst::ICMP_UGE : CmpInst::ICMP_SGE; break;
  }
  return f ? e.b.CreateFCmp(p, x, y) : e.b.CreateICmp(p, x, y);
}

Value* EmitIntUnary(EmitContext& e, ScalarOp op, DType dtype, Value* x) {
  auto& b = e.b;
  bool u = HasNoSign(dtype);
  switch (op) {
    case ScalarOp::kNeg: return b.CreateNeg(x);
    case ScalarOp::kNot: return b.CreateNot(x);
    case ScalarOp::kAbs:
      return u ? x : b.CreateIntrinsic(x->getType(), Intr::abs, {x, b.getFalse()});
    case ScalarOp::kSign: {
      if (dtype == DType::kBool) return x;
      Value* nonzero = b.CreateZExt(b.CreateICmpNE(x, ZeroLike(x)), x->getType());
      if (u) return nonzero;
      return b.CreateOr(
          b.CreateAShr(x, IntConstant(x->getType(), x->getType()->getScalarSizeInBits() - 1)),
          nonzero);
    }
    case ScalarOp::kFloor:
    case ScalarOp::kCeil:
    case ScalarOp::kRound:
    case ScalarOp::kTrunc: return x;
    default: return nullptr;
  }
}

Value* EmitFloatUnary(EmitContext& e, ScalarOp op, DType dtype, Value* x) {
  auto& b = e.b;
  llvm::Type* t = x->getType();
  switch (op) {
    case ScalarOp::kNeg: return b.CreateFNeg(x);
    case ScalarOp::kAbs: return b.CreateUnaryIntrinsic(Intr::fabs, x);
    case ScalarOp::kSign: {
      Value* r = b.CreateSelect(b.CreateFCmpOGT(x, ZeroLike(x)), FloatConstant(t, 1), x);
      return b.CreateSelect(b.CreateFCmpOLT(x, ZeroLike(x)), FloatConstant(t, -1), r);
    }
    case ScalarOp::kFloor: return b.CreateUnaryIntrinsic(Intr::floor, x);
    case ScalarOp::kCeil: return b.CreateUnaryIntrinsic(Intr::ceil, x);
    case ScalarOp::kRound: return b.CreateUnaryIntrinsic(Intr::roundeven, x);
    case ScalarOp::kTrunc: return b.CreateUnaryIntrinsic(Intr::trunc, x);
    case ScalarOp::kSqrt: return b.CreateUnaryIntrinsic(Intr::sqrt, x);
    case ScalarOp::kRsqrt:
      return b.CreateFDiv(FloatConstant(t, 1), b.CreateUnaryIntrinsic(Intr::sqrt, x));
    case ScalarOp::kRecip: return b.CreateFDiv(FloatConstant(t, 1), x);
    case ScalarOp::kIsNan: return b.CreateFCmpUNO(x, x);
    case ScalarOp::kIsInf:
      return b.CreateFCmpOEQ(b.CreateUnaryIntrinsic(Intr::fabs, x),
                             llvm::ConstantFP::getInfinity(t));
    default: break;
  }
  if (op < ScalarOp::kExp || op > ScalarOp::kSigmoid) return nullptr;
  if (dtype == DType::kF64) return CallLanes(e, "belay_map_f64", op, dtype, x, nullptr);
  if (Value* fast = EmitVectorMath(e, op, x)) return fast;
  return CallLanes(e, "belay_map_f32", op, DType::kF32, x, nullptr);
}

bool IsCompare(ScalarOp op) { return op >= ScalarOp::kEq && op <= ScalarOp::kGe; }

// Results that are one of the operands (or exact) need no rounding to half.
bool KeepsHalf(ScalarOp op) {
  switch (op) {
    case ScalarOp::kMax:
    case ScalarOp::kMin:
    case ScalarOp::kSelect:
    case ScalarOp::kNeg:
    case ScalarOp::kAbs:
    case ScalarOp::kSign:
    case ScalarOp::kCopySign:
    case ScalarOp::kFloor:
    case ScalarOp::kCeil:
    case ScalarOp::kRound:
    case ScalarOp::kTrunc:
    case ScalarOp::kFMod: return true;
    default: return false;
  }
}

Value* EmitBitcast(EmitContext& e, DType in, DType out, Value* x) {
  if (in == DType::kBool || out == DType::kBool) return EmitCast(e, in, out, x);
  Value* bits = ToMemory(e, in, x);
  return FromMemory(e, out, e.b.CreateBitCast(bits, MemoryType(e, out, LanesOf(x))));
}

Value* EmitFmaOp(EmitContext& e, DType dtype, llvm::ArrayRef<Value*> v) {
  auto& b = e.b;
  if (!IsFloat(dtype)) return b.CreateAdd(b.CreateMul(v[0], v[1]), v[2]);
  return b.CreateIntrinsic(v[0]->getType(), Intr::fma, {v[0], v[1], v[2]});
}

}  // namespace

Value* EmitScalarOp(EmitContext& e, ScalarOp op, DType in, DType out, llvm::ArrayRef<Value*> v) {
  Value* r = nullptr;
  if (op == ScalarOp::kSelect) return e.b.CreateSelect(v[0], v[1], v[2]);
  if (op == ScalarOp::kCast) return EmitCast(e, in, out, v[0]);
  if (op == ScalarOp::kBitcast) return EmitBitcast(e, in, out, v[0]);
  if (op == ScalarOp::kFma) r = EmitFmaOp(e, in, v);
  else if (IsCompare(op)) return EmitCompare(e, op, in, v[0], v[1]);
  else if (v.size() == 2)
    r = IsFloat(in) ? EmitFloatBinary(e, op, in, v[0], v[1]) : EmitIntBinary(e, op, in, v[0], v[1]);
  else r = IsFloat(in) ? EmitFloatUnary(e, op, in, v[0]) : EmitIntUnary(e, op, in, v[0]);
  BELAY_CHECK(r != nullptr);
  return IsHalf(out) && !KeepsHalf(op) ? RoundToHalf(e, out, r) : r;
}

Value* EmitScalarOp(EmitContext& e, const Node& node, llvm::ArrayRef<Value*> operands) {
  const Node* first = node.inputs[node.scalar == ScalarOp::kSelect ? 1 : 0];
  return EmitScalarOp(e, node.scalar, first->type.dtype, node.type.dtype, operands);
}

Value* EmitReduceStep(EmitContext& e, ReduceKind kind, DType dtype, Value* acc, Value* value) {
  ScalarOp op = ScalarOp::kAdd;
  switch (kind) {
    case ReduceKind::kProd: op = ScalarOp::kMul; break;
    case ReduceKind::kMax: op = ScalarOp::kMax; break;
    case ReduceKind::kMin: op = ScalarOp::kMin; break;
    case ReduceKind::kAnd: op = ScalarOp::kAnd; break;
    case ReduceKind::kOr: op = ScalarOp::kOr; break;
    default: break;
  }
  return EmitScalarOp(e, op, dtype, dtype, {acc, value});
}

const llvm::ConstantFP* SplatFloat(Value* v) {
  auto* c = llvm::dyn_cast<llvm::Constant>(v);
  if (c != nullptr && c->getType()->isVectorTy()) c = c->getSplatValue();
  return llvm::dyn_cast_or_null<llvm::ConstantFP>(c);
}

llvm::Constant* FloatConstant(llvm::Type* type, double value) {
  return llvm::ConstantFP::get(type, value);
}
llvm::Constant* IntConstant(llvm::Type* type, int64_t value) {
  return llvm::ConstantInt::get(type, static_cast<uint64_t>(value), true);
}

llvm::Constant* ReduceIdentity(EmitContext& e, ReduceKind kind, DType dtype, int lanes) {
  llvm::Type* type = RegisterType(e, dtype, lanes);
  int bits = type->getScalarSizeInBits();
  auto all_ones = [&] { return llvm::Constant::getAllOnesValue(type); };
  switch (kind) {
    case ReduceKind::kProd: return IsFloat(dtype) ? FloatConstant(type, 1) : IntConstant(type, 1);
    case ReduceKind::kAnd: return all_ones();
    case ReduceKind::kMax:
    case ReduceKind::kMin: {
      bool max = kind == ReduceKind::kMax;
      if (IsFloat(dtype)) return llvm::ConstantFP::getInfinity(type, max);
      if (HasNoSign(dtype)) return max ? llvm::Constant::getNullValue(type) : all_ones();
      llvm::APInt limit =
          max ? llvm::APInt::getSignedMinValue(bits) : llvm::APInt::getSignedMaxValue(bits);
      return llvm::ConstantInt::get(type, limit);
    }
    default: return llvm::Constant::getNullValue(type);
  }
}

Value* EmitReduceLanes(EmitContext& e, ReduceKind kind, DType dtype, Value* vector) {
  auto& b = e.b;
  for (int n = LanesOf(vector); n > 1; n /= 2) {
    llvm::SmallVector<int, 64> low, high;
    for (int i = 0; i < n / 2; ++i) {
      low.push_back(i);
      high.push_back(i + n / 2);
    }
    Value* x = b.CreateShuffleVector(vector, low);
    Value* y = b.CreateShuffleVector(vector, high);
    vector = EmitReduceStep(e, kind, dtype, x, y);
  }
  return vector->getType()->isVectorTy() ? b.CreateExtractElement(vector, uint64_t{0}) : vector;
}

llvm::Constant* LiteralConstant(EmitContext& e, const Literal& literal, int64_t index, int lanes) {
  DType d = literal.dtype;
  llvm::Type* type = RegisterType(e, d, lanes);
  const auto* bytes = static_cast<const char*>(literal.data()) + index * BitWidth(d) / 8;
  if (d == DType::kF64) {
    double v;
    std::memcpy(&v, bytes, 8);
    return FloatConstant(type, v);
  }
  uint64_t raw = 0;
  std::memcpy(&raw, bytes, BitWidth(d) / 8);
  if (d == DType::kBool) return IntConstant(type, raw != 0);
  if (!IsFloat(d)) return llvm::ConstantInt::get(type, raw);
  float f = d == DType::kF32   ? std::bit_cast<float>(static_cast<uint32_t>(raw))
            : d == DType::kF16 ? HalfToFloat(static_cast<uint16_t>(raw))
                               : BFloatToFloat(static_cast<uint16_t>(raw));
  llvm::Constant* c = llvm::ConstantFP::get(e.module.getContext(), llvm::APFloat(f));
  return lanes == 1 ? c : llvm::ConstantVector::getSplat(llvm::ElementCount::getFixed(lanes), c);
}

Value* CorrectedQuotient(EmitContext& e, Value* x, Value* divisor, Value* reciprocal) {
  auto& b = e.b;
  Value* q = b.CreateFMul(x, reciprocal);
  Value* rest = b.CreateIntrinsic(x->getType(), Intr::fma, {b.CreateFNeg(q), divisor, x});
  Value* exact = b.CreateIntrinsic(x->getType(), Intr::fma, {rest, reciprocal, q});
  // The correction is NaN at infinity and loses the sign of zero.
  return b.CreateSelect(b.CreateFCmpONE(exact, FloatConstant(x->getType(), 0)), exact, q);
}

}  // namespace belay
