// Transcendental functions of f32 in vector form, and calls of libm lane by lane for the rest.
#pragma once
#include "backend/cpu/build_math.h"

namespace belay {

// nullptr when there is no vector form.
llvm::Value* EmitVectorMath(EmitContext& e, ScalarOp op, llvm::Value* x);
// Vectors of functions that look coefficients up, build_math_table.cc; nullptr: none for this machine or width.
llvm::Value* EmitByTable(EmitContext& e, ScalarOp op, llvm::Value* x);
// e^x where x is at least -105 or NaN.
llvm::Value* EmitBoundedExp(EmitContext& e, llvm::Value* x);
llvm::Value* EmitVectorPow(EmitContext& e, llvm::Value* x, llvm::Value* y);  // within 1 ulp; specials as in C
// x = function(op, x, y, lanes) through memory; y may be null. Integers travel as i64.
llvm::Value* CallLanes(EmitContext& e, const char* function, ScalarOp op, DType dtype,
                       llvm::Value* x, llvm::Value* y);

}  // namespace belay
