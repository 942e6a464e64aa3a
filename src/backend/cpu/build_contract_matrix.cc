// A matrix kernel's chunks, tiles and results.
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>

#include <algorithm>

#include "backend/cpu/build_contract_writer.h"

namespace belay {

using llvm::Value;
using Values = std::vector<Value*>;

void MatrixWriter::DecodeChunk(Value* chunk) {
  auto& b = f.b;
  const int64_t block_rows = p.block_tiles * p.tile.mr;
  Value* row_blocks = f.DimValue(CeilDiv(p.m, block_rows));
  Value* panel_blocks = f.DimValue(CeilDiv(panels, p.block_panels));
  Value* inner = p.rows_first ? panel_blocks : row_blocks;
  Value* outer = p.rows_first ? row_blocks : panel_blocks;
  Value* inner_block = b.CreateURem(chunk, inner);
  Value* rest = b.CreateUDiv(chunk, inner);
  Value* outer_block = b.CreateURem(rest, outer);
  Value* row_block = p.rows_first ? outer_block : inner_block;
  Value* panel_block = p.rows_first ? inner_block : outer_block;
  rest = b.CreateUDiv(rest, outer);
  block.coords.assign(p.batch.size(), nullptr);
  for (size_t d = p.batch.size(); d-- > 0;) {
    Value* extent = f.DimValue(p.batch[d]);
    block.coords[d] = d == 0 ? rest : b.CreateURem(rest, extent);
    if (d != 0) rest = b.CreateUDiv(rest, extent);
  }
  block.first_row = b.CreateMul(row_block, f.Int(block_rows));
  block.rows = Minimum(f, b.CreateSub(f.DimValue(p.m), block.first_row), f.Int(block_rows));
  first_panel = b.CreateMul(panel_block, f.Int(p.block_panels));
  last_panel = Minimum(f, b.CreateAdd(first_panel, f.Int(p.block_panels)), f.DimValue(panels));
}

void MatrixWriter::Chunk(Value* chunk) {
  auto& b = f.b;
  DecodeChunk(chunk);
  source.BeginBlock(f, p, block);
  epilogue.BeginBlock(f, block.coords);
  Value* units = f.DimValue(Units());
  k_begin = f.Int(0);
  k_end = units;
  if (!InBlocksOfK()) return SumBlock();
  b.CreateMemSet(partial, b.getInt8(0), f.Int(PartialBytes()), llvm::Align(64));
  // At least one block, so that an empty sum is stored as well.
  Value* stop = b.CreateSelect(b.CreateICmpSLT(units, f.Int(1)), f.Int(1), units);
  f.Loop(f.Int(0), stop, p.k_block, {}, [&](Value* k, llvm::ArrayRef<Value*>) -> Values {
    k_begin = k;
    k_end = Minimum(f, b.CreateAdd(k, f.Int(p.k_block)), units);
    SumBlock();
    return {};
  });
}

// The sums over [k_begin, k_end) of all the chunk's tiles.
void MatrixWriter::SumBlock() {
  auto& b = f.b;
  if (Packs()) ProvidePanels();
  Value* tiles = b.CreateUDiv(b.CreateAdd(block.rows, f.Int(p.tile.mr - 1)), f.Int(p.tile.mr));
  if (StoresBesideSums()) return SumBlockOfTiles(tiles);
  f.Loop(first_panel, last_panel, 1, {}, [&](Value* index, llvm::ArrayRef<Value*>) -> Values {
    const Panel panel = PanelAt(index);
    f.Loop(f.Int(0), tiles, 1, {}, [&](Value* tile, llvm::ArrayRef<Value*>) -> Values {
      Tile(tile, panel);
      return {};
    });
    return {};
  });
}

void MatrixWriter::Tile(Value* tile, const Panel& panel) {
  auto& b = f.b;
  const llvm::Align align(VectorBytes());
  const int64_t vectors = TileVectors();
  Value* slot = partial;
  if (InBlocksOfK()) {
    Value* index = b.CreateMul(b.CreateSub(panel.index, first_panel), f.Int(p.block_tiles));
    slot = b.CreateGEP(vector(), partial, b.CreateMul(b.CreateAdd(index, tile), f.Int(vectors)));
  }
  if (p.dot.Tiled()) {
    SumTiles(tile, slot, panel, [](Value* nothing) { return nothing; });
  } else {
    const Values starts = InBlocksOfK() ? VectorsAt(slot, vectors) : Starts(panel);
    Values sums = Sums(tile, starts, panel);
    for (int64_t i = 0; i < vectors; ++i) {
      b.CreateAlignedStore(sums[i], b.CreateGEP(vector(), slot, f.Int(i)), align);
    }
  }
  const auto store = [&]() -> Values {
    Value* repeated = source.Repeated(f, p, block, tile);
    StoreRows(tile, slot, panel, repeated, b.CreateAdd(repeated, ValidRows(tile)));
    return {};
  };
  if (InBlocksOfK()) f.If(b.CreateICmpSGE(k_end, f.DimValue(Units())), {}, store);
  else store();
}

MatrixWriter::Values MatrixWriter::VectorsAt(Value* base, int64_t count) {
  Values vectors;
  for (int64_t i = 0; i < count; ++i) {
    Value* at = f.b.CreateGEP(vector(), base, f.Int(i));
    vectors.push_back(f.b.CreateAlignedLoad(vector(), at, llvm::Align(VectorBytes())));
  }
  return vectors;
}

MatrixWriter::Values MatrixWriter::Starts(const Panel& panel) {
  const auto columns = static_cast<size_t>(p.tile.nv);
  Values starts(columns, llvm::Constant::getNullValue(vector()));
  if (panel.corrections != nullptr) starts = VectorsAt(panel.corrections, p.tile.nv);
  if (starts_sums) {
    const Values more = epilogue.Starts(f, panel.columns, panel.masks, p.tile.lanes);
    for (size_t v = 0; v < columns; ++v) starts[v] = f.b.CreateAdd(starts[v], more[v]);
  }
  for (size_t i = columns; i < static_cast<size_t>(TileVectors()); ++i) starts.push_back(starts[i - columns]);
  return starts;
}

Value* MatrixWriter::ValidRows(Value* tile) {
  return Minimum(f, f.b.CreateSub(block.rows, f.b.CreateMul(tile, f.Int(p.tile.mr))), f.Int(p.tile.mr));
}

void MatrixWriter::StoreRows(Value* tile, Value* from, const Panel& panel, Value* begin, Value* end) {
  auto& b = f.b;
  Value* first = b.CreateAdd(block.first_row, b.CreateMul(tile, f.Int(p.tile.mr)));
  first = b.CreateSub(first, source.Repeated(f, p, block, tile));
  Values corrections;
  if (InBlocksOfK() && panel.corrections != nullptr) corrections = VectorsAt(panel.corrections, p.tile.nv);
  Value* slot = b.CreateGEP(vector(), from, b.CreateMul(begin, f.Int(p.tile.nv)));
  f.Loop(b.CreateAdd(first, begin), b.CreateAdd(first, end), 1, {slot}, [&](Value* row, llvm::ArrayRef<Value*> at) {
    Values sums = VectorsAt(at[0], p.tile.nv);
    for (size_t v = 0; v < corrections.size(); ++v) sums[v] = b.CreateAdd(sums[v], corrections[v]);
    epilogue.PrefetchRow(f, b.CreateAdd(row, f.Int(p.tile.mr)), panel.columns, p.tile.lanes);
    epilogue.EmitRow(f, {row, panel.columns, panel.masks, sums}, p.tile.lanes);
    return Values{b.CreateGEP(vector(), at[0], f.Int(p.tile.nv))};
  });
}

namespace {

double ChunkNs(const TargetRow& row, const MatrixProblem& p, const Epilogue& epilogue) {
  const double rows = static_cast<double>(p.block_tiles) * p.tile.mr;
  const double columns = static_cast<double>(p.block_panels) * p.tile.nr();
  const double lanes = static_cast<double>(row.vector_bytes) / static_cast<double>(ElementBytes(p.acc));
  constexpr double kTilesPerNs = 400;
  const double madds_per_ns = p.dot.Tiled() ? kTilesPerNs : 6 * lanes;
  return 50 + rows * columns * (Likely(p.Words()) / madds_per_ns + epilogue.Cost());
}

}  // namespace

Value* RowSource::Repeated(KernelFrame& f, const MatrixProblem&, const MatrixBlock&, Value*) { return f.Int(0); }

std::vector<RowSource::Run> RowSource::Runs(KernelFrame&, const MatrixProblem&, const MatrixBlock&, Value*, Value*) {
  BELAY_CHECK(false);
}

Value* EmitMultiplyAdd(KernelFrame& f, DType acc, Value* x, Value* y, Value* sum) {
  if (!IsFloat(acc)) return f.b.CreateAdd(f.b.CreateMul(x, y), sum);
  if (!f.row.fma) return f.b.CreateFAdd(f.b.CreateFMul(x, y), sum);
  return f.b.CreateIntrinsic(x->getType(), llvm::Intrinsic::fma, {x, y, sum});
}

Dim MatrixProblem::TapWords() const { return RoundUp(CeilDiv(k, taps * dot.group), dot.step); }

int64_t ElementBytes(DType dtype) { return std::max(1, BitWidth(dtype) / 8); }

Dim RoundUp(const Dim& x, int64_t multiple) { return CeilDiv(x, multiple) * Dim(multiple); }

Value* ElementAt(KernelFrame& f, DType dtype, Value* base, Value* index) {
  return f.b.CreateGEP(f.b.getIntNTy(static_cast<unsigned>(ElementBytes(dtype) * 8)), base, index);
}

Value* OperandOffset(KernelFrame& f, const MatrixOperand& operand, const Values& coords) {
  Value* offset = f.DimValue(operand.offset);
  for (size_t d = 0; d < coords.size(); ++d) {
    if (operand.strides[d].IsConst(0)) continue;
    offset = f.b.CreateAdd(offset, f.b.CreateMul(coords[d], f.DimValue(operand.strides[d])));
  }
  return offset;
}

PixelOrder OrderOfRows(const MatrixProblem& p) {
  if (!p.m.IsConst() || !p.n.IsConst()) return {};
  const int64_t panels = (p.n.value() + p.tile.nr() - 1) / p.tile.nr();
  const int64_t panel_blocks = (panels + p.block_panels - 1) / p.block_panels;
  if (panel_blocks != 1 && !p.rows_first) return {};
  return {panel_blocks, p.block_tiles * p.tile.mr, p.m.value(), p.n.value()};
}

Status EmitMatrixKernel(KernelFrame& f, const MatrixProblem& p, RowSource& source, Epilogue& epilogue,
                        KernelDraft* draft) {
  MatrixWriter w{f, p, source, epilogue, CeilDiv(p.n, p.tile.nr())};
  const Dim packed_bytes =
      w.Packs() ? RoundUp(w.PackedPanelWords() * Dim(p.block_panels * w.WordBytes()), 64) : Dim(0);
  const int64_t partial_bytes = (w.PartialBytes() + 63) / 64 * 64;
  const Dim source_bytes = source.ScratchBytes(p);
  const Dim bytes = packed_bytes + Dim(partial_bytes) + source_bytes;
  w.partial = w.packed = w.block.scratch = llvm::ConstantPointerNull::get(f.b.getPtrTy());
  if (!bytes.IsConst(0)) {
    auto* type = llvm::FunctionType::get(f.b.getPtrTy(), {f.b.getInt64Ty()}, false);
    w.partial = f.b.CreateCall(f.Runtime("belay_scratch", type), {f.DimValue(bytes)});
    w.packed = f.b.CreateGEP(f.b.getInt8Ty(), w.partial, f.Int(partial_bytes));
    w.block.scratch = f.b.CreateGEP(f.b.getInt8Ty(), w.packed, f.DimValue(packed_bytes));
  }
  if (!w.InBlocksOfK()) {
    const int64_t vectors = (w.StoresBesideSums() ? 2 : 1) * w.TileVectors();
    w.partial = f.EntryAlloca(w.vector(), static_cast<int>(vectors), static_cast<int>(w.VectorBytes()));
  }
  w.starts_sums = !p.dot.Tiled() && !w.InBlocksOfK() && epilogue.UseStarts();
  if (w.Keeps()) w.kept = f.Kept();
  if (p.dot.Tiled()) w.LoadTileShapes();
  if (p.b_constant && !p.dot.Tiled() && source.AdvancesAddresses()) f.AdvancesAddresses();
  f.Loop(f.begin, f.end, 1, {}, [&](Value* chunk, llvm::ArrayRef<Value*>) -> Values {
    w.Chunk(chunk);
    return {};
  });
  if (p.dot.Tiled()) f.b.CreateIntrinsic(llvm::Intrinsic::x86_tilerelease, {}, {});
  f.Finish();

  Dim chunks = CeilDiv(p.m, p.block_tiles * p.tile.mr) * CeilDiv(w.panels, p.block_panels);
  for (const Dim& d : p.batch) chunks = chunks * d;
  draft->chunks = chunks;
  draft->kept = w.Kept();
  draft->ns_per_chunk = ChunkNs(f.row, p, epilogue);
  if (p.b_constant) draft->packs.push_back(PackPanels(p));
  return OkStatus();
}

}  // namespace belay
