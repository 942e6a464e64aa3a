// Where the rows of a contraction's left side lie.
#pragma once
#include "backend/cpu/build_contract_matrix.h"

namespace belay {

// Rows read where they are; strides: batch..., m, k (1).
class StridedRows final : public RowSource {
 public:
  StridedRows(MatrixOperand a, Dim k) : a_(std::move(a)), k_(std::move(k)) {}
  Dim depth() const override { return k_; }
  Dim ScratchBytes(const MatrixProblem&) const override { return 0; }
  void BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) override;
  std::vector<llvm::Value*> Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block,
                                 llvm::Value* tile, llvm::Value* tap) override;

 private:
  MatrixOperand a_;
  Dim k_;
  llvm::Value* base_ = nullptr;
};

// Rows copied to scratch first: another dtype, or columns that are not consecutive.
class CopiedRows final : public RowSource {
 public:
  CopiedRows(MatrixOperand a, Dim k) : a_(std::move(a)), k_(std::move(k)) {}
  Dim depth() const override { return k_; }
  Dim ScratchBytes(const MatrixProblem& p) const override;
  void BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) override;
  std::vector<llvm::Value*> Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block,
                                 llvm::Value* tile, llvm::Value* tap) override;

 private:
  Dim Width(const MatrixProblem& p) const { return RoundUp(k_, p.tile.lanes); }
  MatrixOperand a_;
  Dim k_;
  llvm::Value* base_ = nullptr;
};

}  // namespace belay
