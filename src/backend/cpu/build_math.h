// Arithmetic of ScalarOp as LLVM values, scalar or vector alike. In registers bool is i1, f16 and
// bf16 are f32 values that a half represents (every half result is rounded once), the rest is
// itself.
#pragma once
#include <array>
#include <llvm/ADT/ArrayRef.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <functional>

#include "backend/cpu/scalar.h"
#include "backend/cpu/target.h"
#include "graph/graph.h"

namespace belay {

struct EmitContext {
  llvm::IRBuilder<>& b;
  llvm::Module& module;
  const TargetRow& row;
  // False where what is emitted next shall overlap with it: all in one block.
  bool may_branch = true;
};

inline llvm::Constant* ZeroLike(llvm::Value* value) { return llvm::Constant::getNullValue(value->getType()); }
inline bool HasNoSign(DType dtype) { return IsUnsignedInt(dtype) || dtype == DType::kBool; }
int LanesOf(llvm::Value* value);  // 1 for a scalar
llvm::Type* WithLanes(llvm::Type* element, int lanes);
// lanes 1 is the scalar type.
llvm::Type* RegisterType(EmitContext& e, DType dtype, int lanes);
llvm::Type* MemoryType(EmitContext& e, DType dtype, int lanes);
// x / divisor from the rounded reciprocal, normal numbers both, and one correction: correctly rounded.
llvm::Value* CorrectedQuotient(EmitContext& e, llvm::Value* x, llvm::Value* divisor, llvm::Value* reciprocal);
// Between what a load gives or a store takes (MemoryType) and the register form.
llvm::Value* FromMemory(EmitContext& e, DType dtype, llvm::Value* value);
llvm::Value* ToMemory(EmitContext& e, DType dtype, llvm::Value* value);

// A kMap node's operation on operands in register form, all scalar or all vectors of equal length.
// `in` is the dtype of the first operand that is not kSelect's condition; `out` the result's.
llvm::Value* EmitScalarOp(EmitContext& e, ScalarOp op, DType in, DType out,
                          llvm::ArrayRef<llvm::Value*> operands);
llvm::Value* EmitScalarOp(EmitContext& e, const Node& node, llvm::ArrayRef<llvm::Value*> operands);
llvm::Value* EmitCast(EmitContext& e, DType from, DType to, llvm::Value* value);
// Two to four vectors of f32 as one of bytes, in their order: EmitCast's numbers in fewer instructions, where there
// are such.
bool PacksBytes(const TargetRow& row, DType to, int lanes);
llvm::Value* PackBytes(EmitContext& e, DType to, llvm::ArrayRef<llvm::Value*> vectors);
// For each byte of a vector of up to 64, what `table` has there: of rows with byte_tables.
llvm::Value* EmitLookUp(EmitContext& e, const std::array<uint8_t, 256>& table, llvm::Value* bytes);
// bf16 bits, i16 lanes, by the hardware's conversion, and the lanes where they are wrong: it flushes denormals.
// `wrong` is nullptr where nothing can be.
struct QuickBits {
  llvm::Value* bits;
  llvm::Value* wrong;
};
QuickBits QuickBFloatBits(EmitContext& e, llvm::Value* f32);

// Whether a condition holds in any lane.
llvm::Value* AnyLane(llvm::IRBuilder<>& b, llvm::Value* condition);
// `fast` unless the condition holds, in any lane: then what `slow` computes.
llvm::Value* FastUnlessAny(llvm::IRBuilder<>& b, llvm::Value* condition, llvm::Value* fast,
                           const std::function<llvm::Value*()>& slow);
// Rounds an f32 register value to what `dtype` (f16, bf16) holds; others unchanged.
llvm::Value* RoundToHalf(EmitContext& e, DType dtype, llvm::Value* value);

// acc (reduce)= value, and the neutral element; kSum kProd kMax kMin kAnd kOr.
llvm::Value* EmitReduceStep(EmitContext& e, ReduceKind kind, DType dtype, llvm::Value* acc,
                            llvm::Value* value);
llvm::Constant* ReduceIdentity(EmitContext& e, ReduceKind kind, DType dtype, int lanes);
// All lanes of a vector to one scalar, in a fixed tree order.
llvm::Value* EmitReduceLanes(EmitContext& e, ReduceKind kind, DType dtype, llvm::Value* vector);

// The number that a scalar or all lanes of a vector are, if it is a constant; nullptr otherwise.
const llvm::ConstantFP* SplatFloat(llvm::Value* value);
llvm::Constant* FloatConstant(llvm::Type* type, double value);
llvm::Constant* IntConstant(llvm::Type* type, int64_t value);
// A scalar or the splat of it, by `like`'s type. The literal's bits, element `index`.
llvm::Constant* LiteralConstant(EmitContext& e, const Literal& literal, int64_t index, int lanes);

}  // namespace belay
