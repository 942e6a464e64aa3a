#include "backend/cpu/build_contract_matrix.h"

#include <llvm/IR/Intrinsics.h>

#include <algorithm>

namespace belay {
namespace {

using llvm::Value;
using Values = std::vector<Value*>;

Value* Minimum(KernelFrame& f, Value* x, Value* y) { return f.b.CreateSelect(f.b.CreateICmpSLT(x, y), x, y); }

// Everything one kernel is written with.
struct Writer {
  KernelFrame& f;
  const MatrixProblem& p;
  RowSource& source;
  Epilogue& epilogue;
  Dim panels;                  // of n
  Value* packed = nullptr;     // scratch: panels of a b that is not constant
  Value* partial = nullptr;    // scratch: accumulators between blocks of k; or one tile's on the stack
  MatrixBlock block;
  Value* first_panel = nullptr;
  Value* last_panel = nullptr;  // behind the block's
  // The block of k being summed, in units: taps where the source has several, else elements.
  Value* k_begin = nullptr;
  Value* k_end = nullptr;

  llvm::Type* vector() { return RegisterTypeOf(p.tile.lanes); }
  llvm::Type* RegisterTypeOf(int lanes) {
    EmitContext e{f.b, f.module, f.row};
    return RegisterType(e, p.acc, lanes);
  }

  bool AllColumnsFull() const { return p.n.IsConst() && p.n.value() % p.tile.nr() == 0; }
  // b read where it is: with few rows packing costs more than it saves.
  bool BInPlace() const {
    const auto& s = p.b.strides;
    return !p.b_constant && p.b.dtype == p.acc && s.back().IsConst(1) && p.m.IsConst() &&
           p.m.value() <= 2 * p.tile.mr;
  }
  bool Packs() const { return !p.b_constant && !BInPlace(); }
  bool HasTaps() const { return !source.taps().IsConst(1); }
  Dim Units() const { return HasTaps() ? source.taps() : source.depth(); }
  Dim UnitElements() const { return HasTaps() ? source.depth() : Dim(1); }
  bool InBlocksOfK() const { return !Units().IsConst() || Units().value() > p.k_block; }
  Dim BlockElements() const { return (InBlocksOfK() ? Dim(p.k_block) : Units()) * UnitElements(); }
  Dim PackedPanelElements() const { return RoundUp(BlockElements(), p.tile.lanes) * Dim(p.tile.nr()); }
  int64_t VectorBytes() const { return p.tile.lanes * ElementBytes(p.acc); }
  int64_t PartialBytes() const {
    return InBlocksOfK() ? p.block_panels * p.block_tiles * p.tile.mr * p.tile.nv * VectorBytes() : 0;
  }
  Value* ElementsOf(Value* units) { return f.b.CreateMul(units, f.DimValue(UnitElements())); }

  void Chunk(Value* chunk);
  void DecodeChunk(Value* chunk);
  void SumBlock();
  Value* PanelAddress(Value* panel);
  void PackPanels();
  void PackPanel(Value* panel, Value* k, Value* dst, Value* dst_k);
  Values Masks(Value* left);
  void Tile(Value* tile, Value* panel, Value* b, Value* b_stride, const Values& columns, const Values& masks);
  Values Sums(Value* tile, const Values& init, Value* b, Value* b_stride, const Values& masks);
  void StoreRows(Value* tile, Value* from, const Values& columns, const Values& masks);
  bool PanelIsLarge() const {
    constexpr double kLarge = 96 * 1024;
    return Likely(p.k) * p.tile.nr() * static_cast<double>(ElementBytes(p.acc)) > kLarge;
  }
  Value* NextBlockSlice(Value* tile, Value* b);
  void PrefetchNext(Value* slice, Value* step);
  void PrefetchAhead(Value* line, Value* b_stride);
  int64_t NextBytesPerStep() const;
};

void Writer::DecodeChunk(Value* chunk) {
  auto& b = f.b;
  const int64_t block_rows = p.block_tiles * p.tile.mr;
  Value* row_blocks = f.DimValue(CeilDiv(p.m, block_rows));
  Value* panel_blocks = f.DimValue(CeilDiv(panels, p.block_panels));
  Value* row_block = b.CreateURem(chunk, row_blocks);
  Value* rest = b.CreateUDiv(chunk, row_blocks);
  Value* panel_block = b.CreateURem(rest, panel_blocks);
  rest = b.CreateUDiv(rest, panel_blocks);
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

void Writer::Chunk(Value* chunk) {
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
void Writer::SumBlock() {
  auto& b = f.b;
  if (Packs()) PackPanels();
  Value* tiles = b.CreateUDiv(b.CreateAdd(block.rows, f.Int(p.tile.mr - 1)), f.Int(p.tile.mr));
  f.Loop(first_panel, last_panel, 1, {}, [&](Value* panel, llvm::ArrayRef<Value*>) -> Values {
    Value* column = b.CreateMul(panel, f.Int(p.tile.nr()));
    Values columns, masks = Masks(b.CreateSub(f.DimValue(p.n), column));
    for (int v = 0; v < p.tile.nv; ++v) columns.push_back(b.CreateAdd(column, f.Int(v * p.tile.lanes)));
    Value* panel_address = PanelAddress(panel);
    Value* stride = BInPlace() ? f.DimValue(p.b.strides[p.batch.size()]) : f.Int(p.tile.nr());
    f.Loop(f.Int(0), tiles, 1, {}, [&](Value* tile, llvm::ArrayRef<Value*>) -> Values {
      Tile(tile, panel, panel_address, stride, columns, masks);
      return {};
    });
    return {};
  });
}

Values Writer::Masks(Value* left) {
  Values masks;
  for (int v = 0; v < p.tile.nv; ++v) {
    masks.push_back(AllColumnsFull() ? nullptr : LaneMask(f.b, left, v * p.tile.lanes, p.tile.lanes));
  }
  return masks;
}

// Where the panel's [k][nr] elements lie, from k_begin on.
Value* Writer::PanelAddress(Value* panel) {
  auto& b = f.b;
  Value* k = ElementsOf(k_begin);
  if (p.b_constant) {
    Value* index = f.Int(0);
    for (size_t d = 0; d < p.batch.size(); ++d) {
      if (p.b.strides[d].IsConst(0)) continue;
      index = b.CreateAdd(b.CreateMul(index, f.DimValue(p.batch[d])), block.coords[d]);
    }
    index = b.CreateAdd(b.CreateMul(index, f.DimValue(panels)), panel);
    index = b.CreateAdd(b.CreateMul(index, f.DimValue(p.k)), k);
    return ElementAt(f, p.acc, f.Buffer(p.b.input), b.CreateMul(index, f.Int(p.tile.nr())));
  }
  if (BInPlace()) {
    Value* index = b.CreateAdd(OperandOffset(f, p.b, block.coords), b.CreateMul(panel, f.Int(p.tile.nr())));
    index = b.CreateAdd(index, b.CreateMul(k, f.DimValue(p.b.strides[p.batch.size()])));
    return ElementAt(f, p.acc, f.Buffer(p.b.input), index);
  }
  Value* index = b.CreateMul(b.CreateSub(panel, first_panel), f.DimValue(PackedPanelElements()));
  return ElementAt(f, p.acc, packed, index);
}

// The block's panels, row by row of b: wide reads, since rows are often far apart.
void Writer::PackPanels() {
  auto& b = f.b;
  Value* k0 = ElementsOf(k_begin);
  Value* k1 = ElementsOf(k_end);
  const Dim& k_stride = p.b.strides[p.batch.size()];
  const Dim& n_stride = p.b.strides[p.batch.size() + 1];
  const auto each_panel = [&](const std::function<void(Value* panel, Value* dst)>& body) {
    f.Loop(first_panel, last_panel, 1, {}, [&](Value* panel, llvm::ArrayRef<Value*>) -> Values {
      Value* index = b.CreateMul(b.CreateSub(panel, first_panel), f.DimValue(PackedPanelElements()));
      body(panel, ElementAt(f, p.acc, packed, index));
      return {};
    });
  };
  if (k_stride.IsConst(1) && !n_stride.IsConst(1)) {
    Value* wide = f.Int(p.tile.nr());
    each_panel([&](Value* panel, Value* dst) {
      Value* column = b.CreateMul(panel, wide);
      Value* offset = b.CreateAdd(OperandOffset(f, p.b, block.coords), b.CreateMul(column, f.DimValue(n_stride)));
      Value* src = ElementAt(f, p.b.dtype, f.Buffer(p.b.input), b.CreateAdd(offset, k0));
      Value* left = b.CreateSub(f.DimValue(p.n), column);
      EmitTransposed(f, p.b.dtype, p.acc, src, f.DimValue(n_stride), dst, wide, b.CreateSub(k1, k0),
                     AllColumnsFull() ? wide : Minimum(f, left, wide), p.tile.lanes);
    });
    return;
  }
  f.Loop(k0, k1, 1, {}, [&](Value* k, llvm::ArrayRef<Value*>) -> Values {
    each_panel([&](Value* panel, Value* dst) { PackPanel(panel, k, dst, b.CreateSub(k, k0)); });
    return {};
  });
}

// One line of one panel.
void Writer::PackPanel(Value* panel, Value* k, Value* dst, Value* dst_k) {
  auto& b = f.b;
  EmitContext e{b, f.module, f.row};
  Value* k_stride = f.DimValue(p.b.strides[p.batch.size()]);
  Value* n_stride = f.DimValue(p.b.strides[p.batch.size() + 1]);
  Value* column = b.CreateMul(panel, f.Int(p.tile.nr()));
  const Values masks = Masks(b.CreateSub(f.DimValue(p.n), column));
  Value* offset = b.CreateAdd(OperandOffset(f, p.b, block.coords), b.CreateMul(column, n_stride));
  offset = b.CreateAdd(offset, b.CreateMul(k, k_stride));
  for (int v = 0; v < p.tile.nv; ++v) {
    Value* index = b.CreateAdd(offset, b.CreateMul(f.Int(v * p.tile.lanes), n_stride));
    Value* at = ElementAt(f, p.b.dtype, f.Buffer(p.b.input), index);
    Value* x = LoadLanes(e, p.b.dtype, at, n_stride, masks[v], p.tile.lanes);
    Value* to = b.CreateAdd(b.CreateMul(dst_k, f.Int(p.tile.nr())), f.Int(v * p.tile.lanes));
    b.CreateAlignedStore(EmitCast(e, p.b.dtype, p.acc, x), ElementAt(f, p.acc, dst, to),
                         llvm::Align(ElementBytes(p.acc)));
  }
}

constexpr int64_t kCacheLine = 64;

void EmitPrefetch(KernelFrame& f, Value* address, int locality) {
  f.b.CreateIntrinsic(llvm::Intrinsic::prefetch, {f.b.getPtrTy()},
                      {address, f.b.getInt32(0), f.b.getInt32(static_cast<uint32_t>(locality)), f.b.getInt32(1)});
}

// While tiles run over a block of constant panels they fetch the next block, which follows it in memory, into
// the second-level cache: each step of k this many bytes, so that all tiles together fetch it once.
int64_t Writer::NextBytesPerStep() const {
  if (!p.b_constant || p.block_tiles < 2) return 0;
  return (p.tile.nr() * ElementBytes(p.acc) + p.block_tiles - 1) / p.block_tiles;
}

Value* Writer::NextBlockSlice(Value* tile, Value* panel) {
  if (NextBytesPerStep() == 0) return nullptr;
  auto& b = f.b;
  Value* steps = ElementsOf(b.CreateSub(k_end, k_begin));
  Value* block_bytes = b.CreateMul(steps, f.Int(p.tile.nr() * ElementBytes(p.acc)));
  Value* skip = b.CreateMul(b.CreateMul(steps, tile), f.Int(NextBytesPerStep()));
  return b.CreateGEP(b.getInt8Ty(), panel, b.CreateAdd(block_bytes, skip));
}

void Writer::PrefetchNext(Value* slice, Value* step) {
  constexpr int kSecondLevel = 2;
  auto& b = f.b;
  for (int64_t i = 0; i < NextBytesPerStep(); i += kCacheLine) {
    Value* at = b.CreateAdd(b.CreateMul(step, f.Int(NextBytesPerStep())), f.Int(i));
    EmitPrefetch(f, b.CreateGEP(b.getInt8Ty(), slice, at), kSecondLevel);
  }
}

// The panel's line some steps ahead.
void Writer::PrefetchAhead(Value* line, Value* b_stride) {
  constexpr int64_t kAhead = 8;
  constexpr int kFirstLevel = 3;
  Value* ahead = ElementAt(f, p.acc, line, f.b.CreateMul(b_stride, f.Int(kAhead)));
  for (int64_t at = 0; at < p.tile.nr() * ElementBytes(p.acc); at += kCacheLine) {
    EmitPrefetch(f, f.b.CreateGEP(f.b.getInt8Ty(), ahead, f.Int(at)), kFirstLevel);
  }
}

// The accumulators of one tile, in registers.
Values Writer::Sums(Value* tile, const Values& init, Value* panel, Value* b_stride, const Values& masks) {
  auto& b = f.b;
  const llvm::Align align(ElementBytes(p.acc));
  llvm::Type* element = RegisterTypeOf(1);
  const bool masked = BInPlace() && !AllColumnsFull();
  Value* next = NextBlockSlice(tile, panel);
  // Tiles of few rows read b faster than the hardware's prefetcher brings it from the second level.
  const bool ahead = p.tile.mr < 8 && PanelIsLarge();
  const auto run = [&](const Values& rows, const Values& start, Value* at, Value* count, Value* done) {
    return f.Loop(f.Int(0), count, 1, start, [&](Value* k, llvm::ArrayRef<Value*> carried) {
      Values sums(carried.begin(), carried.end()), y;
      Value* line = ElementAt(f, p.acc, at, b.CreateMul(k, b_stride));
      for (int v = 0; v < p.tile.nv; ++v) {
        Value* address = ElementAt(f, p.acc, line, f.Int(v * p.tile.lanes));
        y.push_back(masked ? static_cast<Value*>(b.CreateMaskedLoad(vector(), address, align, masks[v],
                                                                    llvm::Constant::getNullValue(vector())))
                           : b.CreateAlignedLoad(vector(), address, align));
      }
      if (next != nullptr) PrefetchNext(next, b.CreateAdd(done, k));
      if (ahead) PrefetchAhead(line, b_stride);
      for (int i = 0; i < p.tile.mr; ++i) {
        Value* x = b.CreateAlignedLoad(element, ElementAt(f, p.acc, rows[i], k), align);
        x = b.CreateVectorSplat(p.tile.lanes, x);
        for (int v = 0; v < p.tile.nv; ++v) {
          Value*& sum = sums[i * p.tile.nv + v];
          sum = EmitMultiplyAdd(f, p.acc, x, y[v], sum);
        }
      }
      return sums;
    });
  };
  if (!HasTaps()) {
    Values rows = source.Rows(f, p, block, tile, f.Int(0));
    for (Value*& row : rows) row = ElementAt(f, p.acc, row, k_begin);
    return run(rows, init, panel, b.CreateSub(k_end, k_begin), f.Int(0));
  }
  Value* depth = f.DimValue(source.depth());
  return f.Loop(k_begin, k_end, 1, init, [&](Value* tap, llvm::ArrayRef<Value*> carried) {
    Value* done = b.CreateMul(b.CreateSub(tap, k_begin), depth);
    return run(source.Rows(f, p, block, tile, tap), Values(carried.begin(), carried.end()),
               ElementAt(f, p.acc, panel, b.CreateMul(done, b_stride)), depth, done);
  });
}

void Writer::Tile(Value* tile, Value* panel, Value* at, Value* b_stride, const Values& columns,
                  const Values& masks) {
  auto& b = f.b;
  const llvm::Align align(VectorBytes());
  const int64_t vectors = p.tile.mr * p.tile.nv;
  Value* slot = partial;
  Values init(static_cast<size_t>(vectors), llvm::Constant::getNullValue(vector()));
  if (InBlocksOfK()) {
    Value* index = b.CreateMul(b.CreateSub(panel, first_panel), f.Int(p.block_tiles));
    slot = b.CreateGEP(vector(), partial, b.CreateMul(b.CreateAdd(index, tile), f.Int(vectors)));
    for (int64_t i = 0; i < vectors; ++i) {
      init[i] = b.CreateAlignedLoad(vector(), b.CreateGEP(vector(), slot, f.Int(i)), align);
    }
  }
  Values sums = Sums(tile, init, at, b_stride, masks);
  for (int64_t i = 0; i < vectors; ++i) {
    b.CreateAlignedStore(sums[i], b.CreateGEP(vector(), slot, f.Int(i)), align);
  }
  if (!InBlocksOfK()) return StoreRows(tile, slot, columns, masks);
  f.If(b.CreateICmpSGE(k_end, f.DimValue(Units())), {}, [&]() -> Values {
    StoreRows(tile, slot, columns, masks);
    return {};
  });
}

// A finished tile's rows through the epilogue.
void Writer::StoreRows(Value* tile, Value* from, const Values& columns, const Values& masks) {
  auto& b = f.b;
  const llvm::Align align(VectorBytes());
  Value* done = b.CreateMul(tile, f.Int(p.tile.mr));
  Value* first = b.CreateAdd(block.first_row, done);
  Value* valid = Minimum(f, b.CreateSub(block.rows, done), f.Int(p.tile.mr));
  f.Loop(f.Int(0), valid, 1, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
    Values row;
    Value* at = b.CreateGEP(vector(), from, b.CreateMul(i, f.Int(p.tile.nv)));
    for (int v = 0; v < p.tile.nv; ++v) {
      row.push_back(b.CreateAlignedLoad(vector(), b.CreateGEP(vector(), at, f.Int(v)), align));
    }
    epilogue.EmitRow(f, b.CreateAdd(first, i), columns, masks, row, p.tile.lanes);
    return {};
  });
}

double ChunkNs(const TargetRow& row, const MatrixProblem& p, const Epilogue& epilogue) {
  const double rows = static_cast<double>(p.block_tiles) * p.tile.mr;
  const double columns = static_cast<double>(p.block_panels) * p.tile.nr();
  const double lanes = static_cast<double>(row.vector_bytes) / static_cast<double>(ElementBytes(p.acc));
  const double madds_per_ns = 6 * lanes;
  return 50 + rows * columns * (Likely(p.k) / madds_per_ns + epilogue.Cost());
}

}  // namespace

Value* EmitMultiplyAdd(KernelFrame& f, DType acc, Value* x, Value* y, Value* sum) {
  if (!IsFloat(acc)) return f.b.CreateAdd(f.b.CreateMul(x, y), sum);
  if (!f.row.fma) return f.b.CreateFAdd(f.b.CreateFMul(x, y), sum);
  return f.b.CreateIntrinsic(x->getType(), llvm::Intrinsic::fma, {x, y, sum});
}

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

void EmitTransposed(KernelFrame& f, DType from, DType to, Value* src, Value* src_stride, Value* dst,
                    Value* dst_stride, Value* rows, Value* columns, int lanes) {
  auto& b = f.b;
  EmitContext e{b, f.module, f.row};
  f.Loop(f.Int(0), columns, lanes, {}, [&](Value* j, llvm::ArrayRef<Value*>) -> Values {
    Value* columns_left = b.CreateSub(columns, j);
    f.Loop(f.Int(0), rows, lanes, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
      Value* row_mask = LaneMask(b, b.CreateSub(rows, i), 0, lanes);
      Values lines;
      for (int t = 0; t < lanes; ++t) {
        Value* inside = b.CreateICmpSLT(f.Int(t), columns_left);
        Value* mask = b.CreateAnd(row_mask, b.CreateVectorSplat(lanes, inside));
        Value* index = b.CreateAdd(b.CreateMul(b.CreateAdd(j, f.Int(t)), src_stride), i);
        Value* x = LoadLanes(e, from, ElementAt(f, from, src, index), f.Int(1), mask, lanes);
        lines.push_back(EmitCast(e, from, to, x));
      }
      // log2(lanes) perfect shuffles of line t with line t + lanes/2 rotate the index bits into place.
      llvm::SmallVector<int, 16> low, high;
      for (int t = 0; t < lanes; ++t) {
        low.push_back(t / 2 + (t % 2) * lanes);
        high.push_back(lanes / 2 + t / 2 + (t % 2) * lanes);
      }
      for (int step = 1; step < lanes; step *= 2) {
        Values next;
        for (int t = 0; t < lanes / 2; ++t) {
          next.push_back(b.CreateShuffleVector(lines[t], lines[t + lanes / 2], low));
          next.push_back(b.CreateShuffleVector(lines[t], lines[t + lanes / 2], high));
        }
        lines = next;
      }
      for (int t = 0; t < lanes; ++t) {
        Value* index = b.CreateAdd(b.CreateMul(b.CreateAdd(i, f.Int(t)), dst_stride), j);
        b.CreateAlignedStore(lines[t], ElementAt(f, to, dst, index), llvm::Align(ElementBytes(to)));
      }
      return {};
    });
    return {};
  });
}

Status EmitMatrixKernel(KernelFrame& f, const MatrixProblem& p, RowSource& source, Epilogue& epilogue,
                        KernelDraft* draft) {
  Writer w{f, p, source, epilogue};
  w.panels = CeilDiv(p.n, p.tile.nr());
  const Dim packed_bytes =
      w.Packs() ? RoundUp(w.PackedPanelElements() * Dim(p.block_panels * ElementBytes(p.acc)), 64) : Dim(0);
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
    w.partial = f.EntryAlloca(w.vector(), p.tile.mr * p.tile.nv, static_cast<int>(w.VectorBytes()));
  }
  f.Loop(f.begin, f.end, 1, {}, [&](Value* chunk, llvm::ArrayRef<Value*>) -> Values {
    w.Chunk(chunk);
    return {};
  });
  f.Finish();

  Dim chunks = CeilDiv(p.m, p.block_tiles * p.tile.mr) * CeilDiv(w.panels, p.block_panels);
  for (const Dim& d : p.batch) chunks = chunks * d;
  draft->chunks = chunks;
  draft->ns_per_chunk = ChunkNs(f.row, p, epilogue);
  if (p.b_constant) draft->packs.push_back(PackPanels(p));
  return OkStatus();
}

}  // namespace belay
