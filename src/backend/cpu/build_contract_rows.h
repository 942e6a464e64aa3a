// Where the rows of a matrix problem's left side lie.
#pragma once
#include "backend/cpu/build_contract_matrix.h"

namespace belay {

std::vector<llvm::Value*> RowsOfRun(KernelFrame& f, const RowSource::Run& run, int count);
// A tile's rows, and runs of them, among rows of `width` words that begin at `base`.
std::vector<llvm::Value*> RowsOf(KernelFrame& f, const MatrixProblem& p, llvm::Value* base, const Dim& width,
                                 llvm::Value* tile);
std::vector<RowSource::Run> RunsOf(KernelFrame& f, const MatrixProblem& p, llvm::Value* base, const Dim& width,
                                   llvm::Value* tile);

// Rows read where they are: whole words of the dot's type; strides: batch..., m, k (1).
class StridedRows final : public RowSource {
 public:
  explicit StridedRows(MatrixOperand a) : a_(std::move(a)) {}
  bool AdvancesAddresses() const override { return true; }
  bool IsDense(const MatrixProblem& p) const override { return a_.strides[p.batch.size()] == p.k; }
  Dim ScratchBytes(const MatrixProblem& p) const override;
  void BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) override;
  llvm::Value* Repeated(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block, llvm::Value* tile) override;
  std::vector<llvm::Value*> Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block,
                                 llvm::Value* tile, llvm::Value* tap) override;
  std::vector<Run> Runs(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block, llvm::Value* tile,
                        llvm::Value* tap) override;

 private:
  // A tile's rows are found from one address: all are valid, or it lies in a block of more.
  bool AreEven(const MatrixProblem& p) const;
  // Runs must not leave the operand: the rows of a tile that is not full are copied.
  static bool CopiesLast(const MatrixProblem& p);
  void CopyLast(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block);
  MatrixOperand a_;
  llvm::Value* base_ = nullptr;
};

// Rows copied to scratch first: another dtype, columns that are not consecutive, or no whole words.
class CopiedRows final : public RowSource {
 public:
  explicit CopiedRows(MatrixOperand a) : a_(std::move(a)) {}
  Dim ScratchBytes(const MatrixProblem& p) const override;
  void BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) override;
  std::vector<llvm::Value*> Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block,
                                 llvm::Value* tile, llvm::Value* tap) override;
  std::vector<Run> Runs(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block, llvm::Value* tile,
                        llvm::Value* tap) override;

 private:
  // Words of one row.
  static Dim Width(const MatrixProblem& p) { return RoundUp(p.Words(), p.tile.lanes); }
  void CopyRow(KernelFrame& f, const MatrixProblem& p, llvm::Value* src, llvm::Value* dst);
  MatrixOperand a_;
  llvm::Value* base_ = nullptr;
};

}  // namespace belay
