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
  kByteTiles,    // tile registers: words of 16 rows by words of 16 columns
  kBf16Tiles,    // the same of bf16, as kBf16Pairs
};

// Rows and panels are read in words of the accumulator's size: `group` consecutive elements of k.
struct MatrixDot {
  DotKind kind = DotKind::kMultiplyAdd;
  DType a = DType::kF32, b = DType::kF32;  // elements of rows and of panels
  int group = 1;
  bool flips_a = false;  // rows are signed and read as a + 128: panels begin with a line of -128 * sum_k b
  int step = 1;          // words that are summed together: rows and panels hold whole steps

  bool Tiled() const { return kind == DotKind::kByteTiles || kind == DotKind::kBf16Tiles; }
  // `elements` along k are whole steps of words, and known to be.
  bool FillsSteps(const Dim& elements) const {
    const int64_t whole = static_cast<int64_t>(group) * step;
    return whole == 1 || (elements.IsConst() && elements.value() % whole == 0);
  }
};
constexpr int kTileRows = 16, kTileWords = 16;  // of a tile register

struct DotOperands {
  DType a = DType::kF32, b = DType::kF32, acc = DType::kF32;
  bool a_runs = false;      // rows are consecutive along k
  bool b_runs = false;      // panels can be packed by words: b is consecutive along k or along n
  bool b_constant = false;
  Dim k = 0;                // products of one sum
};
MatrixDot ChooseDot(const TargetRow& row, const DotOperands& operands);
// sum + the products of words x of rows and y of a panel.
llvm::Value* EmitDot(KernelFrame& f, const MatrixDot& dot, DType acc, llvm::Value* x, llvm::Value* y,
                     llvm::Value* sum);
// sums += rows * columns, tile registers by number.
void EmitTileDot(KernelFrame& f, const MatrixDot& dot, int sums, int rows, int columns);
const char* DotName(const MatrixDot& dot);

}  // namespace belay
