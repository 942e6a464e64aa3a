// The register tile over a matrix problem out[batch..., m, n] = epilogue(sum_k a(m, k) * b[batch..., k, n]).
// Where the rows of `a` lie is a RowSource's business; b is packed in panels [n/nr][words of k][nr].
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backend/cpu/build_contract_dot.h"
#include "backend/cpu/build_contract_epilogue.h"
#include "backend/cpu/build_jit.h"

namespace belay {

struct MatrixTile {
  int mr = 1, nv = 1, lanes = 1;  // mr rows, nv vectors of `lanes` columns
  int register_rows = 1;          // of the mr rows: those of one tile register
  int nr() const { return nv * lanes; }
};
constexpr int kMostTileRows = 11;  // in vector registers
// An extent, or a guess where it is symbolic.
double Likely(const Dim& extent);
struct MatrixProblem {
  DType acc = DType::kF32;
  MatrixDot dot;
  std::vector<Dim> batch;
  Dim m, n, k;
  int64_t image_rows = 0;   // where m is that of open many images: of one
  MatrixOperand b;          // strides: batch..., k, n
  bool b_constant = false;  // packed once, at load
  std::optional<MatrixOperand> factors;  // f32, one for each row of b; strides: batch..., 0, k
  bool lifts_tiny = false;  // of a constant b (tiny_weights.h)
  MatrixTile tile;
  int64_t taps = 1;         // of the row source; each is k / taps elements deep
  int64_t joined_taps = 1;  // of them: a product of tile registers takes their words, which are neighbours in rows
  int64_t block_tiles = 1, block_panels = 1;  // tiles of rows and panels of columns in one chunk
  // Chunks next to each other work on the same rows: threads share b rather than rows, which the next layer reads.
  bool rows_first = false;
  bool keeps_panels = false;  // where b is packed in the kernel: for a thread's next chunk with the same columns
  int64_t k_block = 1;      // taps, or words of k where there is one tap, summed in one go

  // m, or what tiles and blocks are chosen for: a batch of open size is likely of one.
  Dim LikelyM() const;
  // Words of k; each tap is filled up with zeros.
  Dim TapWords() const;
  Dim Words() const { return TapWords() * Dim(taps); }
  // Of k in one product of tile registers.
  int64_t RegisterWords() const { return joined_taps == 1 ? kTileWords : joined_taps * TapWords().value(); }
  // Lines of a constant panel: its corrections, then its words.
  Dim PanelLines() const { return Words() + Dim(dot.flips_a ? 1 : 0); }
};
// The tile with the least estimated work; unknown extents count as large.
// `run`: what the rows of a tile, or of a tile register, have to divide; 0 for nothing.
MatrixTile ChooseTile(const TargetRow& row, const MatrixProblem& p, int64_t run = 0);
// Sets the blocks, so that chunks are large enough to hand out and fit the caches. row_bytes: what a block's rows of
// `a` or of the result should take at most; 0: anything.
void ChooseBlocks(MatrixProblem* p, int64_t row_bytes = 0);

bool HasSmallColumns(const MatrixProblem& p);

// One chunk's rows, as values of the function being written.
struct MatrixBlock {
  std::vector<llvm::Value*> coords;  // of the batch
  llvm::Value* first_row = nullptr;
  llvm::Value* rows = nullptr;       // valid ones, at least 1
  llvm::Value* scratch = nullptr;    // the source's bytes
};

// The rows of `a`: for each tap, consecutive words of elements of the dot's type.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual int64_t taps() const { return 1; }
  virtual Dim ScratchBytes(const MatrixProblem& p) const = 0;
  virtual void BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) = 0;
  virtual bool AdvancesAddresses() const { return false; }            // see KernelFrame
  virtual bool IsDense(const MatrixProblem&) const { return false; }  // rows follow each other, with all of k
  // Evenly spaced rows: the first one's address, bytes from one to the next.
  struct Run {
    llvm::Value *first, *stride;
  };
  // For tile registers: a run for each `register_rows` of the tile's rows, all of which can be read. Only of sources
  // that are made for dots with tiles.
  virtual std::vector<Run> Runs(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block, llvm::Value* tile,
                                llvm::Value* tap);
  // Bytes from the rows of a tap to those of the next one, where a tile's rows are one run; else nullptr.
  virtual llvm::Value* TapStep(KernelFrame&, const MatrixProblem&) const { return nullptr; }
  // How many rows of the tile before this one it has again, so that its last is a valid one: of the last tile, whose
  // rows stay evenly spaced then.
  virtual llvm::Value* Repeated(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block, llvm::Value* tile);
  // Addresses of the tile's mr rows; rows behind the last valid one may repeat it.
  virtual std::vector<llvm::Value*> Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block,
                                         llvm::Value* tile, llvm::Value* tap) = 0;
};

// Writes the kernel: chunk loop, blocks, tiles. `draft` gets chunks, cost and packs.
Status EmitMatrixKernel(KernelFrame& f, const MatrixProblem& p, RowSource& source, Epilogue& epilogue,
                        KernelDraft* draft);

// For a b of the same columns for every batch: the order of the chunks through the result's rows.
PixelOrder OrderOfRows(const MatrixProblem& p);

// Words of `group` elements: dst[i * dst_stride + j] = word i of run j, which begins at src[j * src_stride]. Writes
// whole vectors: dst has room for both counts rounded up to lanes; words behind a run's length are zeros.
struct TransposedRuns {
  DType from, to;
  int group = 1, lanes = 1;
  llvm::Value *src, *src_stride;  // in elements
  llvm::Value *dst, *dst_stride;  // in words
  llvm::Value *length, *runs;     // elements of one run; how many
};
void EmitTransposed(KernelFrame& f, const TransposedRuns& t);
llvm::Value* EmitMultiplyAdd(KernelFrame& f, DType acc, llvm::Value* x, llvm::Value* y, llvm::Value* sum);
// Sums of index * stride over the leading dims, in elements, offset included.
llvm::Value* OperandOffset(KernelFrame& f, const MatrixOperand& operand, const std::vector<llvm::Value*>& coords);
llvm::Value* ElementAt(KernelFrame& f, DType dtype, llvm::Value* base, llvm::Value* index);
Dim RoundUp(const Dim& x, int64_t multiple);
int64_t ElementBytes(DType dtype);

// Words can be read without a gather: b is consecutive along k or along n.
bool PacksByWords(const MatrixOperand& b);
// The packed copy of a constant b, made at load.
PackRequest PackPanels(const MatrixProblem& p);

}  // namespace belay
