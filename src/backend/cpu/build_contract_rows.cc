#include "backend/cpu/build_contract_rows.h"

namespace belay {

using llvm::Value;
using Values = std::vector<Value*>;

// Of one address, so that constant strides become parts of instructions.
std::vector<Value*> RowsOfRun(KernelFrame& f, const RowSource::Run& run, int count) {
  std::vector<Value*> rows;
  for (int i = 0; i < count; ++i) {
    rows.push_back(f.b.CreateGEP(f.b.getInt8Ty(), run.first, f.b.CreateMul(run.stride, f.Int(i))));
  }
  return rows;
}

// Rows behind the last valid one are scratch as well.
std::vector<Value*> RowsOf(KernelFrame& f, const MatrixProblem& p, Value* base, const Dim& width, Value* tile) {
  Value* first = f.b.CreateMul(tile, f.Int(p.tile.mr));
  Value* start = ElementAt(f, p.acc, base, f.b.CreateMul(first, f.DimValue(width)));
  return RowsOfRun(f, {start, f.DimValue(width * Dim(ElementBytes(p.acc)))}, p.tile.mr);
}

std::vector<RowSource::Run> RunsOf(KernelFrame& f, const MatrixProblem& p, Value* base, const Dim& width, Value* tile) {
  Value* stride = f.DimValue(width * Dim(ElementBytes(p.acc)));
  Value* first = f.b.CreateMul(tile, f.Int(p.tile.mr));
  std::vector<RowSource::Run> runs;
  for (int i = 0; i < p.tile.mr; i += p.tile.register_rows) {
    Value* row = f.b.CreateAdd(first, f.Int(i));
    runs.push_back({f.b.CreateGEP(f.b.getInt8Ty(), base, f.b.CreateMul(row, stride)), stride});
  }
  return runs;
}

bool StridedRows::CopiesLast(const MatrixProblem& p) {
  return p.dot.Tiled() && !(p.m.IsConst() && p.m.value() % p.tile.mr == 0);
}

Dim StridedRows::ScratchBytes(const MatrixProblem& p) const {
  return CopiesLast(p) ? p.Words() * Dim(p.tile.mr * ElementBytes(p.acc)) : Dim(0);
}

void StridedRows::BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) {
  Value* row = f.b.CreateMul(block.first_row, f.DimValue(a_.strides[p.batch.size()]));
  base_ = ElementAt(f, a_.dtype, f.Buffer(a_.input), f.b.CreateAdd(OperandOffset(f, a_, block.coords), row));
  if (CopiesLast(p)) CopyLast(f, p, block);
}

void StridedRows::CopyLast(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) {
  auto& b = f.b;
  Value* left = b.CreateURem(block.rows, f.Int(p.tile.mr));
  Value* first = b.CreateSub(block.rows, left);
  Value* words = f.DimValue(p.Words());
  auto* vector = llvm::FixedVectorType::get(b.getInt32Ty(), kTileWords);
  f.Loop(f.Int(0), left, 1, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
    Value* row = b.CreateMul(b.CreateAdd(first, i), f.DimValue(a_.strides[p.batch.size()]));
    Value* src = ElementAt(f, a_.dtype, base_, row);
    Value* dst = ElementAt(f, p.acc, block.scratch, b.CreateMul(i, words));
    f.Loop(f.Int(0), words, kTileWords, {}, [&](Value* k, llvm::ArrayRef<Value*>) -> Values {
      Value* x = b.CreateAlignedLoad(vector, ElementAt(f, p.acc, src, k), llvm::Align(1));
      b.CreateAlignedStore(x, ElementAt(f, p.acc, dst, k), llvm::Align(4));
      return {};
    });
    return {};
  });
}

std::vector<RowSource::Run> StridedRows::Runs(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block,
                                              Value* tile, Value*) {
  auto& b = f.b;
  const int64_t bytes = ElementBytes(a_.dtype);
  Value* stride = b.CreateMul(f.DimValue(a_.strides[p.batch.size()]), f.Int(bytes));
  Value* first = b.CreateMul(tile, f.Int(p.tile.mr));
  std::vector<Run> runs;
  for (int i = 0; i < p.tile.mr; i += p.tile.register_rows) {
    Value* skip = b.CreateMul(b.CreateAdd(first, f.Int(i)), stride);
    runs.push_back({b.CreateGEP(b.getInt8Ty(), base_, skip), stride});
  }
  if (!CopiesLast(p)) return runs;
  Value* full = b.CreateICmpSLE(b.CreateAdd(first, f.Int(p.tile.mr)), block.rows);
  const std::vector<Run> copied = RunsOf(f, p, block.scratch, p.Words(), f.Int(0));
  for (size_t i = 0; i < runs.size(); ++i) {
    runs[i].first = b.CreateSelect(full, runs[i].first, copied[i].first);
    runs[i].stride = b.CreateSelect(full, stride, copied[i].stride);
  }
  return runs;
}

bool StridedRows::AreEven(const MatrixProblem& p) const {
  if (p.dot.Tiled() || !p.m.IsConst() || !a_.strides[p.batch.size()].IsConst()) return false;
  const int64_t m = p.m.value(), block_rows = p.block_tiles * p.tile.mr;
  return m % p.tile.mr == 0 || m % block_rows >= p.tile.mr;
}

Value* StridedRows::Repeated(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block, Value* tile) {
  if (!AreEven(p) || p.m.value() % p.tile.mr == 0) return f.Int(0);
  auto& b = f.b;
  Value* end = b.CreateMul(b.CreateAdd(tile, f.Int(1)), f.Int(p.tile.mr));
  return b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, b.CreateSub(end, block.rows), f.Int(0));
}

std::vector<Value*> StridedRows::Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block,
                                      Value* tile, Value*) {
  auto& b = f.b;
  const Dim& stride = a_.strides[p.batch.size()];
  Value* first = b.CreateMul(tile, f.Int(p.tile.mr));
  if (AreEven(p)) {
    first = b.CreateSub(first, Repeated(f, p, block, tile));
    Value* start = ElementAt(f, a_.dtype, base_, b.CreateMul(first, f.DimValue(stride)));
    return RowsOfRun(f, {start, f.DimValue(stride * Dim(ElementBytes(a_.dtype)))}, p.tile.mr);
  }
  Value* last = b.CreateSub(block.rows, f.Int(1));
  std::vector<Value*> rows;
  for (int i = 0; i < p.tile.mr; ++i) {
    Value* row = b.CreateAdd(first, f.Int(i));
    row = b.CreateSelect(b.CreateICmpSLT(row, last), row, last);
    rows.push_back(ElementAt(f, a_.dtype, base_, b.CreateMul(row, f.DimValue(stride))));
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
  if (m_stride.IsConst(1) && p.dot.group == 1) {
    TransposedRuns t{a_.dtype, p.dot.a, 1, p.tile.lanes, src, f.DimValue(k_stride), base_, width, block.rows,
                     f.DimValue(p.k)};
    return EmitTransposed(f, t);
  }
  f.Loop(f.Int(0), block.rows, 1, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
    CopyRow(f, p, ElementAt(f, a_.dtype, src, b.CreateMul(i, f.DimValue(m_stride))),
            ElementAt(f, p.acc, base_, b.CreateMul(i, width)));
    return {};
  });
}

// Whole vectors of words; what lies behind k is zeros.
void CopiedRows::CopyRow(KernelFrame& f, const MatrixProblem& p, Value* src, Value* dst) {
  auto& b = f.b;
  EmitContext e{b, f.module, f.row};
  const int wide = p.tile.lanes * p.dot.group;
  Value* stride = f.DimValue(a_.strides[p.batch.size() + 1]);
  const auto copy = [&](Value* k, Value* mask) -> Values {
    Value* at = ElementAt(f, a_.dtype, src, b.CreateMul(k, stride));
    Value* x = EmitCast(e, a_.dtype, p.dot.a, LoadLanes(e, a_.dtype, at, stride, mask, wide));
    b.CreateAlignedStore(ToMemory(e, p.dot.a, x), ElementAt(f, p.dot.a, dst, k), llvm::Align(ElementBytes(p.dot.a)));
    return {};
  };
  const Dim whole = FloorDiv(p.k, wide) * Dim(wide);
  Value* end = f.DimValue(whole);
  f.Loop(f.Int(0), end, wide, {}, [&](Value* k, llvm::ArrayRef<Value*>) { return copy(k, nullptr); });
  if (whole == p.k) return;
  Value* left = f.DimValue(p.k - whole);
  f.If(b.CreateICmpSGT(left, f.Int(0)), {}, [&] { return copy(end, LaneMask(b, left, 0, wide)); });
}

std::vector<Value*> CopiedRows::Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock&, Value* tile,
                                     Value*) {
  return RowsOf(f, p, base_, Width(p), tile);
}

std::vector<RowSource::Run> CopiedRows::Runs(KernelFrame& f, const MatrixProblem& p, const MatrixBlock&, Value* tile,
                                             Value*) {
  return RunsOf(f, p, base_, Width(p), tile);
}

}  // namespace belay
