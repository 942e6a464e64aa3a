// Types of values in registers and in memory, and the conversions between dtypes.
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "backend/cpu/build_math.h"

namespace belay {
namespace {

using llvm::Value;
namespace Intr = llvm::Intrinsic;

// f32 with its last bit set when inexact, so that a second rounding to fewer bits sees what was
// lost.
Value* RoundToOdd(EmitContext& e, Value* d) {
  auto& b = e.b;
  int lanes = LanesOf(d);
  llvm::Type* f32 = WithLanes(b.getFloatTy(), lanes);
  llvm::Type* i32 = WithLanes(b.getInt32Ty(), lanes);
  Value* f = b.CreateFPTrunc(d, f32);
  Value* back = b.CreateFPExt(f, d->getType());
  Value* abs_back = b.CreateUnaryIntrinsic(Intr::fabs, back);
  Value* bits = b.CreateBitCast(f, i32);
  Value* beyond = b.CreateFCmpOGT(abs_back, b.CreateUnaryIntrinsic(Intr::fabs, d));
  Value* odd = b.CreateOr(b.CreateSub(bits, b.CreateZExt(beyond, i32)), IntConstant(i32, 1));
  Value* fix = b.CreateAnd(b.CreateFCmpONE(back, d),
                           b.CreateFCmpONE(abs_back, llvm::ConstantFP::getInfinity(d->getType())));
  return b.CreateBitCast(b.CreateSelect(fix, odd, bits), f32);
}

// bf16 bits of an f32 by integer arithmetic.
Value* ToBFloatBitsSoft(EmitContext& e, Value* f) {
  auto& b = e.b;
  int lanes = LanesOf(f);
  llvm::Type* i32 = WithLanes(b.getInt32Ty(), lanes);
  Value* bits = b.CreateBitCast(f, i32);
  Value* high = b.CreateLShr(bits, IntConstant(i32, 16));
  Value* lsb = b.CreateAnd(high, IntConstant(i32, 1));
  Value* rounded = b.CreateLShr(b.CreateAdd(b.CreateAdd(bits, IntConstant(i32, 0x7fff)), lsb),
                                IntConstant(i32, 16));
  Value* quiet = b.CreateOr(high, IntConstant(i32, 0x40));
  return b.CreateTrunc(b.CreateSelect(b.CreateFCmpUNO(f, f), quiet, rounded), WithLanes(b.getInt16Ty(), lanes));
}

Value* ToBFloatBits(EmitContext& e, Value* f) {
  if (!e.may_branch) return ToBFloatBitsSoft(e, f);
  const QuickBits quick = QuickBFloatBits(e, f);
  if (quick.wrong == nullptr) return quick.bits;
  return FastUnlessAny(e.b, quick.wrong, quick.bits, [&] { return ToBFloatBitsSoft(e, f); });
}

// f16 bits of an f32 without hardware.
Value* ToHalfBitsSoft(EmitContext& e, Value* f) {
  auto& b = e.b;
  int lanes = LanesOf(f);
  llvm::Type* i32 = WithLanes(b.getInt32Ty(), lanes);
  auto k = [&](int64_t v) { return IntConstant(i32, v); };
  Value* bits = b.CreateBitCast(f, i32);
  Value* sign = b.CreateAnd(b.CreateLShr(bits, k(16)), k(0x8000));
  Value* a = b.CreateAnd(bits, k(0x7fffffff));
  Value* lsb = b.CreateAnd(b.CreateLShr(a, k(13)), k(1));
  Value* normal = b.CreateLShr(b.CreateAdd(b.CreateAdd(a, k(0xfff - (112 << 23))), lsb), k(13));
  // Adding 0.5 aligns the denormal's bits with the low bits of the sum.
  Value* sum = b.CreateFAdd(b.CreateBitCast(a, f->getType()), FloatConstant(f->getType(), 0.5));
  Value* denormal = b.CreateSub(b.CreateBitCast(sum, i32), k(0x3f000000));
  Value* r = b.CreateSelect(b.CreateICmpULT(a, k(0x38800000)), denormal, normal);
  r = b.CreateSelect(b.CreateICmpUGE(a, k(0x477ff000)), k(0x7c00), r);
  r = b.CreateSelect(b.CreateICmpUGT(a, k(0x7f800000)), k(0x7e00), r);
  return b.CreateOr(r, sign);
}

Value* FromHalfBitsSoft(EmitContext& e, Value* h) {  // h: i32 lanes
  auto& b = e.b;
  llvm::Type* i32 = h->getType();
  llvm::Type* f32 = WithLanes(b.getFloatTy(), LanesOf(h));
  auto k = [&](int64_t v) { return IntConstant(i32, v); };
  Value* shifted = b.CreateShl(b.CreateAnd(h, k(0x7fff)), k(13));
  Value* scaled = b.CreateFMul(b.CreateBitCast(shifted, f32), FloatConstant(f32, 0x1p112));
  Value* bits = b.CreateBitCast(scaled, i32);
  Value* special = b.CreateICmpUGE(shifted, k(0x7c00 << 13));
  bits = b.CreateSelect(special, b.CreateOr(shifted, k(0x7f800000)), bits);
  return b.CreateBitCast(b.CreateOr(bits, b.CreateShl(b.CreateAnd(h, k(0x8000)), k(16))), f32);
}

// The bf16 that FromHalfBits made this value of, if it did.
Value* KnownBFloatBits(Value* f) {
  auto* cast = llvm::dyn_cast<llvm::BitCastInst>(f);
  auto* shift = cast ? llvm::dyn_cast<llvm::BinaryOperator>(cast->getOperand(0)) : nullptr;
  if (shift == nullptr || shift->getOpcode() != llvm::Instruction::Shl) return nullptr;
  if (shift->getOperand(1) != IntConstant(shift->getType(), 16)) return nullptr;
  auto* wide = llvm::dyn_cast<llvm::ZExtInst>(shift->getOperand(0));
  return wide && wide->getSrcTy()->getScalarSizeInBits() == 16 ? wide->getOperand(0) : nullptr;
}

Value* HalfBits(EmitContext& e, DType dtype, Value* f) {  // i16 lanes
  auto& b = e.b;
  if (Value* known = dtype == DType::kBF16 ? KnownBFloatBits(f) : nullptr) return known;
  if (dtype == DType::kBF16) return ToBFloatBits(e, f);
  llvm::Type* i16 = WithLanes(b.getInt16Ty(), LanesOf(f));
  if (!e.row.f16) return b.CreateTrunc(ToHalfBitsSoft(e, f), i16);
  return b.CreateBitCast(b.CreateFPTrunc(f, WithLanes(b.getHalfTy(), LanesOf(f))), i16);
}

Value* FromHalfBits(EmitContext& e, DType dtype, Value* bits) {
  auto& b = e.b;
  int lanes = LanesOf(bits);
  llvm::Type* i32 = WithLanes(b.getInt32Ty(), lanes);
  llvm::Type* f32 = WithLanes(b.getFloatTy(), lanes);
  if (dtype == DType::kBF16) {
    return b.CreateBitCast(b.CreateShl(b.CreateZExt(bits, i32), IntConstant(i32, 16)), f32);
  }
  if (!e.row.f16) return FromHalfBitsSoft(e, b.CreateZExt(bits, i32));
  return b.CreateFPExt(b.CreateBitCast(bits, WithLanes(b.getHalfTy(), lanes)), f32);
}

// The i32 nearest to a number of its range, the even one of two.
Value* NearestInt(EmitContext& e, Value* v) {
  auto& b = e.b;
  const int lanes = LanesOf(v);
  llvm::Type* i32 = WithLanes(b.getInt32Ty(), lanes);
  const bool converts = e.row.x86 && v->getType()->getScalarType()->isFloatTy();  // as the current direction says
  if (converts && lanes == 4) return b.CreateIntrinsic(Intr::x86_sse2_cvtps2dq, {}, {v});
  if (converts && lanes == 8) return b.CreateIntrinsic(Intr::x86_avx_cvt_ps2dq_256, {}, {v});
  if (converts && lanes == 16) {
    constexpr int kCurrentDirection = 4;
    return b.CreateIntrinsic(Intr::x86_avx512_mask_cvtps2dq_512, {},
                             {v, llvm::Constant::getNullValue(i32), b.getInt16(0xffff), b.getInt32(kCurrentDirection)});
  }
  return b.CreateFPToSI(b.CreateUnaryIntrinsic(Intr::roundeven, v), i32);
}

// The whole number that an f32 is in all lanes, if it is one. For bounds of what is rounded later, the nearest one:
// rounding keeps order.
std::optional<double> WholeConstant(Value* v, bool rounding = false) {
  const llvm::ConstantFP* number = SplatFloat(v);
  if (number == nullptr || !number->getType()->isFloatTy() || number->isNaN()) return std::nullopt;
  const double value = number->getValueAPF().convertToFloat(), whole = std::nearbyint(value);
  return rounding || value == whole ? std::optional(whole) : std::nullopt;
}

// x between whole bounds; NaN becomes `nan`, which lies between them.
struct Clipped {
  Value* x;
  double low, high, nan;
};
// Takes maxima and minima by constants off x, which is rounded or not, into the bounds, which come last.
Clipped WithoutClips(Clipped all, bool rounding = false) {
  for (;;) {
    auto* pick = llvm::dyn_cast<llvm::SelectInst>(all.x);
    auto* compare = pick ? llvm::dyn_cast<llvm::FCmpInst>(pick->getCondition()) : nullptr;
    if (compare == nullptr || compare->getOperand(0) != pick->getTrueValue()) return all;
    if (compare->getOperand(1) != pick->getFalseValue()) return all;
    const std::optional<double> bound = WholeConstant(pick->getTrueValue(), rounding);
    Clipped inner{pick->getFalseValue(), all.low, all.high, all.nan};
    if (bound && compare->getPredicate() == llvm::CmpInst::FCMP_OGT) {
      inner.low = std::max(inner.low, *bound);
    } else if (bound && compare->getPredicate() == llvm::CmpInst::FCMP_OLT) {
      inner.high = std::min(inner.high, *bound);
    } else {
      return all;
    }
    if (inner.low > inner.nan || inner.high < inner.nan) return all;
    all = inner;
  }
}

// v = x + offset, a whole number of a byte's size.
struct Sum {
  Value* x;
  double offset;
};
Sum WithoutOffset(Value* v) {
  auto* sum = llvm::dyn_cast<llvm::BinaryOperator>(v);
  if (sum == nullptr || sum->getOpcode() != llvm::Instruction::FAdd) return {v, 0};
  const std::optional<double> number = WholeConstant(sum->getOperand(1));
  return number && std::fabs(*number) <= 255 ? Sum{sum->getOperand(0), *number} : Sum{v, 0};
}

// What becomes an i8, u8, i16 or u16, whose ranges are exact in floats and within i32: the whole number near x, or the
// one towards 0, plus the offset.
struct ShortNumber {
  Clipped number;
  bool rounds;
  double offset;
};
ShortNumber ShortNumberOf(DType to, Value* v) {
  const double bits = BitWidth(to), most = std::exp2(IsUnsignedInt(to) ? bits : bits - 1) - 1;
  const Clipped all = WithoutClips({v, IsUnsignedInt(to) ? 0 : -most - 1, most, 0});
  const Sum sum = WithoutOffset(all.x);
  // Whole bounds may come before the rounding, and behind them the conversion rounds.
  Clipped below = WithoutClips({sum.x, all.low - sum.offset, all.high - sum.offset, -sum.offset});
  auto* round = llvm::dyn_cast<llvm::IntrinsicInst>(below.x);
  if (round == nullptr || round->getIntrinsicID() != Intr::roundeven) return {all, false, 0};
  below.x = round->getArgOperand(0);
  return {WithoutClips(below, true), true, sum.offset};
}

// x from the lower bound on; comparisons with NaN are false, so that it becomes that bound or is replaced before.
Value* FromLow(EmitContext& e, const Clipped& c) {
  auto& b = e.b;
  Value* v = c.x;
  llvm::Type* type = v->getType();
  if (c.low != c.nan) v = b.CreateSelect(b.CreateFCmpORD(v, v), v, FloatConstant(type, c.nan));
  llvm::Constant* floor = FloatConstant(type, c.low);
  return b.CreateSelect(b.CreateFCmpOGT(v, floor), v, floor);
}

// In i32, the offset not yet added.
Value* WholeNumber(EmitContext& e, const ShortNumber& n, Value* v) {
  return n.rounds ? NearestInt(e, v) : e.b.CreateFPToSI(v, WithLanes(e.b.getInt32Ty(), LanesOf(v)));
}

Value* SaturateToShort(EmitContext& e, DType to, Value* v) {
  auto& b = e.b;
  const ShortNumber n = ShortNumberOf(to, v);
  llvm::Constant* ceiling = FloatConstant(v->getType(), n.number.high);
  v = FromLow(e, n.number);
  v = b.CreateSelect(b.CreateFCmpOLT(v, ceiling), v, ceiling);
  Value* wide = WholeNumber(e, n, v);
  if (n.offset != 0) wide = b.CreateAdd(wide, IntConstant(wide->getType(), static_cast<int64_t>(n.offset)));
  return b.CreateTrunc(wide, RegisterType(e, to, LanesOf(v)));
}

// To integers of 32 and 64 bits. LLVM's saturating conversions go through scalars where these are vectors.
Value* SaturateToInt(EmitContext& e, DType to, Value* v) {
  auto& b = e.b;
  llvm::Type* type = RegisterType(e, to, LanesOf(v));
  const bool is_f64 = v->getType()->getScalarType()->isDoubleTy();
  const int bits = BitWidth(to), digits = IsUnsignedInt(to) ? bits : bits - 1;
  const double beyond = std::exp2(digits), low = IsUnsignedInt(to) ? 0 : -beyond;
  const bool exact = is_f64 && bits == 32;  // the largest integer is a number
  const double high = exact ? beyond - 1 : beyond * (1 - (is_f64 ? 0x1p-53 : 0x1p-24));
  llvm::Constant *floor = FloatConstant(v->getType(), low), *ceiling = FloatConstant(v->getType(), high);
  if (low != 0) v = b.CreateSelect(b.CreateFCmpORD(v, v), v, ZeroLike(v));
  v = b.CreateSelect(b.CreateFCmpOGT(v, floor), v, floor);  // NaN becomes 0 here if that is the least
  Value* within = b.CreateSelect(b.CreateFCmpOLT(v, ceiling), v, ceiling);
  Value* whole = IsUnsignedInt(to) ? b.CreateFPToUI(within, type) : b.CreateFPToSI(within, type);
  if (exact) return whole;
  Value* largest = IntConstant(type, IsUnsignedInt(to) ? -1 : static_cast<int64_t>(~uint64_t{0} >> (65 - bits)));
  return b.CreateSelect(b.CreateFCmpOGT(v, ceiling), largest, whole);
}

}  // namespace

QuickBits QuickBFloatBits(EmitContext& e, Value* f) {
  if (!e.row.bf16_dot || LanesOf(f) != 16) return {ToBFloatBitsSoft(e, f), nullptr};
  constexpr uint32_t kDenormal = 0x20;
  Value* wrong = e.b.CreateIntrinsic(Intr::x86_avx512_fpclass_ps_512, {}, {f, e.b.getInt32(kDenormal)});
  Value* bits = e.b.CreateIntrinsic(Intr::x86_avx512bf16_cvtneps2bf16_512, {}, {f});
  return {e.b.CreateBitCast(bits, WithLanes(e.b.getInt16Ty(), 16)), wrong};
}

bool PacksBytes(const TargetRow& row, DType to, int lanes) {
  return row.x86 && BitWidth(to) == 8 && to != DType::kBool && lanes > 4 && lanes * 4 == row.vector_bytes;
}

// Packing saturates, so that a type's own lower bound needs no maximum: what is below i32, and NaN, converts to its
// least.
Value* PackBytes(EmitContext& e, DType to, llvm::ArrayRef<Value*> vectors) {
  auto& b = e.b;
  const int lanes = LanesOf(vectors[0]);
  const double least = IsUnsignedInt(to) ? 0 : -128;
  llvm::SmallVector<Value*, 4> halves;
  for (size_t i = 0; i < vectors.size(); i += 2) {
    Value* whole[2];
    double offsets[2];
    for (size_t j = 0; j < 2; ++j) {
      const ShortNumber n = ShortNumberOf(to, vectors[std::min(i + j, vectors.size() - 1)]);
      Value* x = n.number.x;
      llvm::Constant* ceiling = FloatConstant(x->getType(), n.number.high);
      if (n.number.low + n.offset != least) {
        x = FromLow(e, n.number);
      } else if (n.number.low != n.number.nan) {
        x = b.CreateSelect(b.CreateFCmpORD(x, x), x, FloatConstant(x->getType(), n.number.nan));
      }
      x = b.CreateSelect(b.CreateFCmpOLT(ceiling, x), ceiling, x);
      whole[j] = WholeNumber(e, n, x);
      offsets[j] = n.offset;
    }
    Value* words = b.CreateIntrinsic(lanes == 16 ? Intr::x86_avx512_packssdw_512 : Intr::x86_avx2_packssdw, {},
                                     {whole[0], whole[1]});
    if (offsets[0] != 0 || offsets[1] != 0) {
      llvm::SmallVector<llvm::Constant*, 32> addends;
      for (int k = 0; k < 2 * lanes; ++k) {
        addends.push_back(IntConstant(b.getInt16Ty(), static_cast<int64_t>(offsets[k / 4 % 2])));
      }
      words = b.CreateBinaryIntrinsic(Intr::sadd_sat, words, llvm::ConstantVector::get(addends));
    }
    halves.push_back(words);
  }
  const Intr::ID wide = IsUnsignedInt(to) ? Intr::x86_avx512_packuswb_512 : Intr::x86_avx512_packsswb_512;
  const Intr::ID narrow = IsUnsignedInt(to) ? Intr::x86_avx2_packuswb : Intr::x86_avx2_packsswb;
  Value* bytes = b.CreateIntrinsic(lanes == 16 ? wide : narrow, {}, {halves.front(), halves.back()});
  // Both packed parts of 128 bits apart: four bytes of each vector in turn.
  llvm::SmallVector<int, 16> order;
  for (int v = 0; v < static_cast<int>(vectors.size()); ++v) {
    for (int quarter = 0; quarter < lanes / 4; ++quarter) order.push_back(quarter * 4 + v);
  }
  Value* dwords = b.CreateBitCast(bytes, WithLanes(b.getInt32Ty(), lanes));
  dwords = b.CreateShuffleVector(dwords, order);
  return b.CreateBitCast(dwords, WithLanes(b.getInt8Ty(), lanes * static_cast<int>(vectors.size())));
}

// Quarters of the table in registers: one instruction looks up in two of them, and a byte's first bit says in which.
Value* EmitLookUp(EmitContext& e, const std::array<uint8_t, 256>& table, Value* bytes) {
  auto& b = e.b;
  const int count = LanesOf(bytes);
  llvm::SmallVector<int, 64> lanes(64, llvm::PoisonMaskElem);
  std::iota(lanes.begin(), lanes.begin() + count, 0);
  Value* places = count == 64 ? bytes : b.CreateShuffleVector(bytes, lanes);
  const auto quarter = [&](size_t i) {
    return llvm::ConstantDataVector::get(b.getContext(), llvm::ArrayRef<uint8_t>(table).slice(64 * i, 64));
  };
  const auto half = [&](size_t i) {
    return b.CreateIntrinsic(Intr::x86_avx512_vpermi2var_qi_512, {}, {quarter(i), places, quarter(i + 1)});
  };
  Value* found = b.CreateSelect(b.CreateICmpSLT(places, ZeroLike(places)), half(2), half(0));
  lanes.resize(static_cast<size_t>(count));
  return count == 64 ? found : b.CreateShuffleVector(found, lanes);
}

int LanesOf(Value* v) {
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(v->getType());
  return vector ? static_cast<int>(vector->getNumElements()) : 1;
}

llvm::Type* WithLanes(llvm::Type* element, int lanes) {
  return lanes == 1 ? element : llvm::FixedVectorType::get(element, lanes);
}

llvm::Type* RegisterType(EmitContext& e, DType dtype, int lanes) {
  if (dtype == DType::kF64) return WithLanes(e.b.getDoubleTy(), lanes);
  if (IsFloat(dtype)) return WithLanes(e.b.getFloatTy(), lanes);
  return WithLanes(e.b.getIntNTy(dtype == DType::kBool ? 1 : BitWidth(dtype)), lanes);
}

llvm::Type* MemoryType(EmitContext& e, DType dtype, int lanes) {
  if (dtype == DType::kF32 || dtype == DType::kF64) return RegisterType(e, dtype, lanes);
  return WithLanes(e.b.getIntNTy(BitWidth(dtype)), lanes);
}

Value* FromMemory(EmitContext& e, DType dtype, Value* value) {
  if (dtype == DType::kBool) return e.b.CreateICmpNE(value, ZeroLike(value));
  return IsHalf(dtype) ? FromHalfBits(e, dtype, value) : value;
}

Value* ToMemory(EmitContext& e, DType dtype, Value* value) {
  if (dtype == DType::kBool) return e.b.CreateZExt(value, MemoryType(e, dtype, LanesOf(value)));
  return IsHalf(dtype) ? HalfBits(e, dtype, value) : value;
}

Value* RoundToHalf(EmitContext& e, DType dtype, Value* value) {
  return IsHalf(dtype) ? FromHalfBits(e, dtype, HalfBits(e, dtype, value)) : value;
}

Value* EmitCast(EmitContext& e, DType from, DType to, Value* v) {
  auto& b = e.b;
  if (from == to) return v;
  int lanes = LanesOf(v);
  llvm::Type* type = RegisterType(e, to, lanes);
  if (to == DType::kBool)
    return IsFloat(from) ? b.CreateFCmpUNE(v, ZeroLike(v)) : b.CreateICmpNE(v, ZeroLike(v));
  if (IsFloat(from) && IsFloat(to)) {
    if (to == DType::kF64) return b.CreateFPExt(v, type);
    if (from != DType::kF64) return RoundToHalf(e, to, v);
    return IsHalf(to) ? RoundToHalf(e, to, RoundToOdd(e, v)) : b.CreateFPTrunc(v, type);
  }
  if (IsFloat(from) && BitWidth(to) <= 16) return SaturateToShort(e, to, v);
  if (IsFloat(from)) return SaturateToInt(e, to, v);
  if (IsFloat(to)) {
    // bf16 keeps 8 bits of values that f32 already rounds.
    bool wide = to == DType::kBF16 && BitWidth(from) >= 32;
    llvm::Type* through = wide ? RegisterType(e, DType::kF64, lanes) : type;
    Value* f = HasNoSign(from) ? b.CreateUIToFP(v, through) : b.CreateSIToFP(v, through);
    return wide ? RoundToHalf(e, to, RoundToOdd(e, f)) : RoundToHalf(e, to, f);
  }
  return HasNoSign(from) ? b.CreateZExtOrTrunc(v, type) : b.CreateSExtOrTrunc(v, type);
}

}  // namespace belay
