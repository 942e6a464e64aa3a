// The register tile over a matrix problem out[batch..., m, n] = epilogue(sum_k a(m, k) * b[batch..., k, n]).
// Where the rows of `a` lie is a RowSource's business; b is packed in panels [n/nr][k][nr].
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backend/cpu/build_contract_epilogue.h"
#include "backend/cpu/build_jit.h"

namespace belay {

struct MatrixTile {
  int mr = 1, nv = 1, lanes = 1;  // mr rows, nv vectors of `lanes` columns
  int nr() const { return nv * lanes; }
};
// An extent, or a guess where it is symbolic.
double Likely(const Dim& extent);
// The tile with the least estimated work; unknown extents count as large.
MatrixTile ChooseTile(const TargetRow& row, DType acc, const Dim& m, const Dim& n);

struct MatrixProblem {
  DType acc = DType::kF32;
  std::vector<Dim> batch;
  Dim m, n, k;
  MatrixOperand b;          // strides: batch..., k, n
  bool b_constant = false;  // packed once, at load
  MatrixTile tile;
  int64_t taps = 1;         // the row source's, which make k together with its depth
  int64_t block_tiles = 1, block_panels = 1;  // tiles of rows and panels of columns in one chunk
  int64_t k_block = 1;      // taps, or elements of k where there is one tap, summed in one go
};
// Sets the blocks, so that chunks are large enough to hand out and fit the caches.
void ChooseBlocks(MatrixProblem* p);

// One chunk's rows, as values of the function being written.
struct MatrixBlock {
  std::vector<llvm::Value*> coords;  // of the batch
  llvm::Value* first_row = nullptr;
  llvm::Value* rows = nullptr;       // valid ones, at least 1
  llvm::Value* scratch = nullptr;    // the source's bytes
};

// The rows of `a`: for each tap, `depth` consecutive elements of the accumulator's type.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual Dim taps() const { return 1; }
  virtual Dim depth() const = 0;
  virtual Dim ScratchBytes(const MatrixProblem& p) const = 0;
  virtual void BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) = 0;
  // Addresses of the tile's mr rows; rows behind the last valid one may repeat it.
  virtual std::vector<llvm::Value*> Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block,
                                         llvm::Value* tile, llvm::Value* tap) = 0;
};

// Writes the kernel: chunk loop, blocks, tiles. `draft` gets chunks, cost and packs.
Status EmitMatrixKernel(KernelFrame& f, const MatrixProblem& p, RowSource& source, Epilogue& epilogue,
                        KernelDraft* draft);

// dst[i * dst_stride + j] = cast(src[j * src_stride + i]) for i < rows, j < columns; strides in elements. Writes
// whole vectors: dst has room for both counts rounded up to lanes.
void EmitTransposed(KernelFrame& f, DType from, DType to, llvm::Value* src, llvm::Value* src_stride,
                    llvm::Value* dst, llvm::Value* dst_stride, llvm::Value* rows, llvm::Value* columns, int lanes);
llvm::Value* EmitMultiplyAdd(KernelFrame& f, DType acc, llvm::Value* x, llvm::Value* y, llvm::Value* sum);
// Sums of index * stride over the leading dims, in elements, offset included.
llvm::Value* OperandOffset(KernelFrame& f, const MatrixOperand& operand, const std::vector<llvm::Value*>& coords);
llvm::Value* ElementAt(KernelFrame& f, DType dtype, llvm::Value* base, llvm::Value* index);
Dim RoundUp(const Dim& x, int64_t multiple);
int64_t ElementBytes(DType dtype);

// The packed copy of a constant b, made at load.
PackRequest PackPanels(const MatrixProblem& p);

}  // namespace belay
