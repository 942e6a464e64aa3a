#include "backend/cpu/build_contract_rows.h"

namespace belay {

using llvm::Value;
using Values = std::vector<Value*>;

void StridedRows::BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) {
  Value* row = f.b.CreateMul(block.first_row, f.DimValue(a_.strides[p.batch.size()]));
  base_ = ElementAt(f, p.acc, f.Buffer(a_.input), f.b.CreateAdd(OperandOffset(f, a_, block.coords), row));
}

std::vector<Value*> StridedRows::Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block,
                                      Value* tile, Value*) {
  auto& b = f.b;
  Value* first = b.CreateMul(tile, f.Int(p.tile.mr));
  Value* last = b.CreateSub(block.rows, f.Int(1));
  std::vector<Value*> rows;
  for (int i = 0; i < p.tile.mr; ++i) {
    Value* row = b.CreateAdd(first, f.Int(i));
    row = b.CreateSelect(b.CreateICmpSLT(row, last), row, last);
    rows.push_back(ElementAt(f, p.acc, base_, b.CreateMul(row, f.DimValue(a_.strides[p.batch.size()]))));
  }
  return rows;
}

Dim CopiedRows::ScratchBytes(const MatrixProblem& p) const {
  const int64_t rows = (p.block_tiles * p.tile.mr + p.tile.lanes - 1) / p.tile.lanes * p.tile.lanes;
  return RoundUp(Width(p) * Dim(rows * ElementBytes(p.acc)), 64);
}

void CopiedRows::BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) {
  auto& b = f.b;
  const Dim& m_stride = a_.strides[p.batch.size()];
  const Dim& k_stride = a_.strides[p.batch.size() + 1];
  Value* skip = b.CreateMul(block.first_row, f.DimValue(m_stride));
  Value* offset = b.CreateAdd(OperandOffset(f, a_, block.coords), skip);
  Value* src = ElementAt(f, a_.dtype, f.Buffer(a_.input), offset);
  base_ = block.scratch;
  Value* width = f.DimValue(Width(p));
  if (m_stride.IsConst(1)) {
    EmitTransposed(f, a_.dtype, p.acc, src, f.DimValue(k_stride), base_, width, block.rows, f.DimValue(k_),
                   p.tile.lanes);
    return;
  }
  EmitContext e{b, f.module, f.row};
  f.Loop(f.Int(0), block.rows, 1, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
    f.Loop(f.Int(0), f.DimValue(k_), p.tile.lanes, {}, [&](Value* k, llvm::ArrayRef<Value*>) -> Values {
      Value* at = b.CreateAdd(b.CreateMul(i, f.DimValue(m_stride)), b.CreateMul(k, f.DimValue(k_stride)));
      Value* mask = LaneMask(b, b.CreateSub(f.DimValue(k_), k), 0, p.tile.lanes);
      Value* x = LoadLanes(e, a_.dtype, ElementAt(f, a_.dtype, src, at), f.DimValue(k_stride), mask, p.tile.lanes);
      Value* to = ElementAt(f, p.acc, base_, b.CreateAdd(b.CreateMul(i, width), k));
      b.CreateAlignedStore(EmitCast(e, a_.dtype, p.acc, x), to, llvm::Align(ElementBytes(p.acc)));
      return {};
    });
    return {};
  });
}

std::vector<Value*> CopiedRows::Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock&, Value* tile,
                                     Value*) {
  auto& b = f.b;
  Value* first = b.CreateMul(tile, f.Int(p.tile.mr));
  std::vector<Value*> rows;
  for (int i = 0; i < p.tile.mr; ++i) {  // rows behind the last valid one are scratch as well
    rows.push_back(ElementAt(f, p.acc, base_, b.CreateMul(b.CreateAdd(first, f.Int(i)), f.DimValue(Width(p)))));
  }
  return rows;
}

}  // namespace belay
