// Where the rows of a contraction's left side lie.
#pragma once
#include "backend/cpu/build_contract_matrix.h"

namespace belay {

// Rows read where they are: whole words of the dot's type; strides: batch..., m, k (1).
class StridedRows final : public RowSource {
 public:
  explicit StridedRows(MatrixOperand a) : a_(std::move(a)) {}
  Dim ScratchBytes(const MatrixProblem&) const override { return 0; }
  void BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) override;
  std::vector<llvm::Value*> Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block,
                                 llvm::Value* tile, llvm::Value* tap) override;

 private:
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

 private:
  // Words of one row.
  static Dim Width(const MatrixProblem& p) { return RoundUp(p.Words(), p.tile.lanes); }
  void CopyRow(KernelFrame& f, const MatrixProblem& p, llvm::Value* src, llvm::Value* dst);
  MatrixOperand a_;
  llvm::Value* base_ = nullptr;
};

}  // namespace belay
