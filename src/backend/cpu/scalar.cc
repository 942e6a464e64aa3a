#include "backend/cpu/scalar.h"

namespace belay {
namespace {

bool IsCompare(ScalarOp op) { return op >= ScalarOp::kEq && op <= ScalarOp::kGe; }

// The vector functions of build_math_f32.cc.
bool HasVectorForm(ScalarOp op) {
  switch (op) {
    case ScalarOp::kAsin:
    case ScalarOp::kAcos:
    case ScalarOp::kAtan:
    case ScalarOp::kSinh:
    case ScalarOp::kCosh:
    case ScalarOp::kAsinh:
    case ScalarOp::kAcosh:
    case ScalarOp::kAtanh: return false;
    default: return true;
  }
}

}  // namespace

bool CanComputeScalarOp(ScalarOp op, DType in, DType out) {
  if (!IsComputableDType(in) || !IsComputableDType(out)) return false;
  if (op == ScalarOp::kSelect || op == ScalarOp::kCast || IsCompare(op)) return true;
  if (op == ScalarOp::kBitcast) return BitWidth(in) == BitWidth(out);
  bool bits =
      op == ScalarOp::kAnd || op == ScalarOp::kOr || op == ScalarOp::kXor || op == ScalarOp::kNot;
  if (bits) return !IsFloat(in);
  if (in == DType::kBool) {
    return op == ScalarOp::kAdd || op == ScalarOp::kMul || op == ScalarOp::kSub ||
           op == ScalarOp::kMax || op == ScalarOp::kMin || op == ScalarOp::kAbs ||
           op == ScalarOp::kSign;
  }
  bool shift = op == ScalarOp::kShl || op == ScalarOp::kShr;
  if (shift) return IsInt(in);
  if (IsFloat(in)) return true;
  bool arithmetic = op <= ScalarOp::kMin || op == ScalarOp::kFma;
  bool rounding = op == ScalarOp::kFloor || op == ScalarOp::kCeil || op == ScalarOp::kRound ||
                  op == ScalarOp::kTrunc;
  return arithmetic || rounding || op == ScalarOp::kNeg || op == ScalarOp::kAbs ||
         op == ScalarOp::kSign;
}

double ScalarOpCost(ScalarOp op, DType dtype) {
  bool libm = op == ScalarOp::kPow || op == ScalarOp::kMod || op == ScalarOp::kFMod ||
              op == ScalarOp::kAtan2;
  if (op >= ScalarOp::kExp && op <= ScalarOp::kSigmoid) {
    return dtype == DType::kF64 || !HasVectorForm(op) ? 15 : 0.2;
  }
  if (op == ScalarOp::kPow && IsFloat(dtype) && dtype != DType::kF64) return 0.6;
  if (libm && IsFloat(dtype)) return 20;
  if (op == ScalarOp::kDiv || op == ScalarOp::kFloorDiv || op == ScalarOp::kSqrt ||
      op == ScalarOp::kRsqrt) {
    return IsFloat(dtype) ? 0.1 : 2;
  }
  return libm ? 3 : 0.02;
}

}  // namespace belay
