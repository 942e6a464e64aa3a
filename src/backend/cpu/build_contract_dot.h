// How matrix kernels sum products: what rows and panels hold, and the instruction that takes both.
#pragma once
#include "backend/cpu/build_jit.h"
#include "graph/graph.h"

namespace belay {

enum class DotKind : uint8_t {
  kMultiplyAdd,  // one product a lane; operands are widened to the accumulator's type
  kI16Pairs,     // bytes widened to i16, two products a lane
  kBytes,        // four products a lane, one side signed and the other not
  kBf16Pairs,    // two products a lane; denormal operands and sums count as 0
};

// Rows and panels are read in words of the accumulator's size: `group` consecutive elements of k.
struct MatrixDot {
  DotKind kind = DotKind::kMultiplyAdd;
  DType a = DType::kF32, b = DType::kF32;  // elements of rows and of panels
  int group = 1;
  bool flips_a = false;  // rows are signed and read as a + 128: panels begin with a line of -128 * sum_k b
};

struct DotOperands {
  DType a = DType::kF32, b = DType::kF32, acc = DType::kF32;
  bool a_runs = false;      // rows are consecutive along k
  bool b_runs = false;      // panels can be packed by words: b is consecutive along k or along n
  bool b_constant = false;
};
MatrixDot ChooseDot(const TargetRow& row, const DotOperands& operands);
// sum + the products of words x of rows and y of a panel.
llvm::Value* EmitDot(KernelFrame& f, const MatrixDot& dot, DType acc, llvm::Value* x, llvm::Value* y,
                     llvm::Value* sum);
const char* DotName(const MatrixDot& dot);

}  // namespace belay
