#include "backend/cpu/build_contract_matrix.h"

#include <llvm/IR/Intrinsics.h>

#include <algorithm>
#include <cmath>

namespace belay {
namespace {

using llvm::Value;
using Values = std::vector<Value*>;

constexpr int64_t kUnknownExtent = 256;

double Likely(const Dim& d) { return static_cast<double>(d.IsConst() ? d.value() : kUnknownExtent); }

Value* Minimum(KernelFrame& f, Value* x, Value* y) { return f.b.CreateSelect(f.b.CreateICmpSLT(x, y), x, y); }

// Everything one kernel is written with.
struct Writer {
  KernelFrame& f;
  const MatrixProblem& p;
  RowSource& source;
  Epilogue& epilogue;
  Dim panels;       // of n
  Dim panel_bytes;  // scratch for one panel of a b that is not constant
  Value* scratch = nullptr;
  Value* sums = nullptr;  // the tile's accumulators on their way to the epilogue
  MatrixBlock block;

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

  // More than the first-level cache and its prefetcher keep ahead of.
  bool PanelIsLarge() const {
    constexpr double kLarge = 96 * 1024;
    return Likely(p.k) * p.tile.nr() * static_cast<double>(ElementBytes(p.acc)) > kLarge;
  }
  void Prefetch(Value* line, Value* b_stride);

  void Chunk(Value* chunk);
  Value* PanelAddress(Value* panel);
  void PackPanel(Value* panel, Value* dst);
  void Tile(Value* tile, Value* b, Value* b_stride, const Values& columns, const Values& masks);
  Values Sums(Value* tile, Value* b, Value* b_stride, const Values& masks);
};

void Writer::Chunk(Value* chunk) {
  auto& b = f.b;
  const int64_t block_rows = p.block_tiles * p.tile.mr;
  Value* m = f.DimValue(p.m);
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
  block.rows = Minimum(f, b.CreateSub(m, block.first_row), f.Int(block_rows));
  block.scratch = b.CreateGEP(b.getInt8Ty(), scratch, f.DimValue(panel_bytes));
  source.BeginBlock(f, p, block);
  epilogue.BeginBlock(f, block.coords);

  Value* tiles = b.CreateUDiv(b.CreateAdd(block.rows, f.Int(p.tile.mr - 1)), f.Int(p.tile.mr));
  Value* first = b.CreateMul(panel_block, f.Int(p.block_panels));
  Value* last = Minimum(f, b.CreateAdd(first, f.Int(p.block_panels)), f.DimValue(panels));
  f.Loop(first, last, 1, {}, [&](Value* panel, llvm::ArrayRef<Value*>) -> Values {
    Value* column = b.CreateMul(panel, f.Int(p.tile.nr()));
    Value* left = b.CreateSub(f.DimValue(p.n), column);
    Values columns, masks;
    for (int v = 0; v < p.tile.nv; ++v) {
      columns.push_back(b.CreateAdd(column, f.Int(v * p.tile.lanes)));
      masks.push_back(AllColumnsFull() ? nullptr : LaneMask(b, left, v * p.tile.lanes, p.tile.lanes));
    }
    Value* panel_address = PanelAddress(panel);
    Value* stride = BInPlace() ? f.DimValue(p.b.strides[p.batch.size()]) : f.Int(p.tile.nr());
    f.Loop(f.Int(0), tiles, 1, {}, [&](Value* tile, llvm::ArrayRef<Value*>) -> Values {
      Tile(tile, panel_address, stride, columns, masks);
      return {};
    });
    return {};
  });
}

// Where the panel's [k][nr] elements lie; packs them first when b is not constant.
Value* Writer::PanelAddress(Value* panel) {
  auto& b = f.b;
  if (p.b_constant) {
    Value* index = f.Int(0);
    for (size_t d = 0; d < p.batch.size(); ++d) {
      if (p.b.strides[d].IsConst(0)) continue;
      index = b.CreateAdd(b.CreateMul(index, f.DimValue(p.batch[d])), block.coords[d]);
    }
    index = b.CreateAdd(b.CreateMul(index, f.DimValue(panels)), panel);
    index = b.CreateMul(index, f.DimValue(p.k * Dim(p.tile.nr())));
    return ElementAt(f, p.acc, f.Buffer(p.b.input), index);
  }
  if (BInPlace()) {
    Value* index = b.CreateAdd(OperandOffset(f, p.b, block.coords), b.CreateMul(panel, f.Int(p.tile.nr())));
    return ElementAt(f, p.acc, f.Buffer(p.b.input), index);
  }
  PackPanel(panel, scratch);
  return scratch;
}

void Writer::PackPanel(Value* panel, Value* dst) {
  auto& b = f.b;
  EmitContext e{b, f.module, f.row};
  const Dim& k_stride = p.b.strides[p.batch.size()];
  const Dim& n_stride = p.b.strides[p.batch.size() + 1];
  Value* column = b.CreateMul(panel, f.Int(p.tile.nr()));
  Value* left = b.CreateSub(f.DimValue(p.n), column);
  Value* offset = b.CreateAdd(OperandOffset(f, p.b, block.coords), b.CreateMul(column, f.DimValue(n_stride)));
  Value* src = ElementAt(f, p.b.dtype, f.Buffer(p.b.input), offset);
  if (k_stride.IsConst(1) && !n_stride.IsConst(1)) {
    Value* wide = f.Int(p.tile.nr());
    EmitTransposed(f, p.b.dtype, p.acc, src, f.DimValue(n_stride), dst, wide, f.DimValue(p.k),
                   AllColumnsFull() ? wide : Minimum(f, left, wide), p.tile.lanes);
    return;
  }
  Values masks;
  for (int v = 0; v < p.tile.nv; ++v) {
    masks.push_back(AllColumnsFull() ? nullptr : LaneMask(b, left, v * p.tile.lanes, p.tile.lanes));
  }
  f.Loop(f.Int(0), f.DimValue(p.k), 1, {}, [&](Value* k, llvm::ArrayRef<Value*>) -> Values {
    for (int v = 0; v < p.tile.nv; ++v) {
      Value* step = b.CreateMul(f.Int(v * p.tile.lanes), f.DimValue(n_stride));
      Value* at = ElementAt(f, p.b.dtype, src, b.CreateAdd(b.CreateMul(k, f.DimValue(k_stride)), step));
      Value* x = LoadLanes(e, p.b.dtype, at, f.DimValue(n_stride), masks[v], p.tile.lanes);
      Value* to = ElementAt(f, p.acc, dst, b.CreateAdd(b.CreateMul(k, f.Int(p.tile.nr())), f.Int(v * p.tile.lanes)));
      b.CreateAlignedStore(EmitCast(e, p.b.dtype, p.acc, x), to, llvm::Align(ElementBytes(p.acc)));
    }
    return {};
  });
}

// The panel's line some steps ahead: 2..6 % on panels that come from beyond the second-level cache.
void Writer::Prefetch(Value* line, Value* b_stride) {
  constexpr int64_t kAhead = 8, kCacheLine = 64;
  auto& b = f.b;
  Value* ahead = ElementAt(f, p.acc, line, b.CreateMul(b_stride, f.Int(kAhead)));
  for (int64_t at = 0; at < p.tile.nr() * ElementBytes(p.acc); at += kCacheLine) {
    Value* address = b.CreateGEP(b.getInt8Ty(), ahead, f.Int(at));
    b.CreateIntrinsic(llvm::Intrinsic::prefetch, {b.getPtrTy()},
                      {address, b.getInt32(0), b.getInt32(3), b.getInt32(1)});
  }
}

// The accumulators of one tile, in registers.
Values Writer::Sums(Value* tile, Value* panel, Value* b_stride, const Values& masks) {
  auto& b = f.b;
  const llvm::Align align(ElementBytes(p.acc));
  llvm::Type* element = RegisterTypeOf(1);
  const bool masked = BInPlace() && !AllColumnsFull();
  Values zeros(p.tile.mr * p.tile.nv, llvm::Constant::getNullValue(vector()));
  const auto run = [&](Value* tap, const Values& init, Value* at) {
    Values rows = source.Rows(f, p, block, tile, tap);
    return f.Loop(f.Int(0), f.DimValue(source.depth()), 1, init, [&](Value* k, llvm::ArrayRef<Value*> carried) {
      Values sums(carried.begin(), carried.end()), y;
      Value* line = ElementAt(f, p.acc, at, b.CreateMul(k, b_stride));
      for (int v = 0; v < p.tile.nv; ++v) {
        Value* address = ElementAt(f, p.acc, line, f.Int(v * p.tile.lanes));
        y.push_back(masked ? static_cast<Value*>(b.CreateMaskedLoad(vector(), address, align, masks[v],
                                                                    llvm::Constant::getNullValue(vector())))
                           : b.CreateAlignedLoad(vector(), address, align));
      }
      if (PanelIsLarge()) Prefetch(line, b_stride);
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
  if (source.taps().IsConst(1)) return run(f.Int(0), zeros, panel);
  Value* tap_elements = b.CreateMul(f.DimValue(source.depth()), b_stride);
  return f.Loop(f.Int(0), f.DimValue(source.taps()), 1, zeros, [&](Value* tap, llvm::ArrayRef<Value*> carried) {
    return run(tap, Values(carried.begin(), carried.end()), ElementAt(f, p.acc, panel, b.CreateMul(tap, tap_elements)));
  });
}

void Writer::Tile(Value* tile, Value* panel, Value* b_stride, const Values& columns, const Values& masks) {
  auto& b = f.b;
  Values sums = Sums(tile, panel, b_stride, masks);
  Value* done = b.CreateMul(tile, f.Int(p.tile.mr));
  Value* first = b.CreateAdd(block.first_row, done);
  if (p.tile.mr == 1) {
    epilogue.EmitRow(f, first, columns, masks, sums, p.tile.lanes);
    return;
  }
  const llvm::Align align(p.tile.lanes * ElementBytes(p.acc));
  for (size_t i = 0; i < sums.size(); ++i) {
    b.CreateAlignedStore(sums[i], b.CreateGEP(vector(), this->sums, f.Int(static_cast<int64_t>(i))), align);
  }
  Value* valid = Minimum(f, b.CreateSub(block.rows, done), f.Int(p.tile.mr));
  f.Loop(f.Int(0), valid, 1, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
    Values row;
    Value* at = b.CreateGEP(vector(), this->sums, b.CreateMul(i, f.Int(p.tile.nv)));
    for (int v = 0; v < p.tile.nv; ++v) {
      row.push_back(b.CreateAlignedLoad(vector(), b.CreateGEP(vector(), at, f.Int(v)), align));
    }
    epilogue.EmitRow(f, b.CreateAdd(first, i), columns, masks, row, p.tile.lanes);
    return {};
  });
}

// Vector registers that a tile occupies: accumulators, one line of b, one broadcast.
int RegistersOf(int mr, int nv) { return mr * nv + nv + 1; }

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

MatrixTile ChooseTile(const TargetRow& row, DType acc, const Dim& m, const Dim& n) {
  const int lanes = std::max<int>(1, row.vector_bytes / static_cast<int>(ElementBytes(acc)));
  MatrixTile best;
  double least = HUGE_VAL;
  for (int nv = 1; nv <= 4; ++nv) {
    for (int mr = 1; mr <= 12; ++mr) {
      if (RegistersOf(mr, nv) > row.vector_registers) continue;
      if (m.IsConst() && m.value() < mr && mr > 1) continue;
      const double rows = m.IsConst() ? static_cast<double>((m.value() + mr - 1) / mr * mr) : 1.05 * kUnknownExtent;
      const int nr = nv * lanes;
      const double columns = n.IsConst() ? static_cast<double>((n.value() + nr - 1) / nr * nr) : kUnknownExtent;
      // Loads and multiply-adds both issue two a cycle; ten sums in flight hide their latency.
      const double loads = static_cast<double>(mr + nv) / (mr * nv);
      const double slow = std::max({1.0, loads, 10.0 / (mr * nv)}) * (1 + 0.12 * loads);
      const double cost = std::max(1.0, rows) * std::max(1.0, columns) * slow;
      if (cost < least * 0.999) {
        least = cost;
        best = {mr, nv, lanes};
      }
    }
  }
  return best;
}

void ChooseBlocks(MatrixProblem* p) {
  constexpr double kChunk = 1e6, kLargeChunk = 16e6;  // multiply-adds
  const int mr = p->tile.mr, nr = p->tile.nr();
  const auto tiles_of = [&](double rows) { return static_cast<int64_t>(std::ceil(std::max(1.0, rows) / mr)); };
  const int64_t all_tiles = tiles_of(Likely(p->m));
  const int64_t all_panels = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(Likely(p->n) / nr)));
  // With few rows a panel's time is that of reading it: about 16 multiply-adds an element.
  const double busy_rows = std::max(16.0, std::min<double>(mr, Likely(p->m)));
  const double tile_work = std::max(1.0, Likely(p->k)) * nr * (all_tiles == 1 ? busy_rows : mr);
  // A b packed inside the kernel is packed again for every block of rows.
  const double rows = p->b_constant ? 128 : 512;
  p->block_tiles = std::min(all_tiles, tiles_of(rows));
  p->block_panels = 1;
  while (tile_work * p->block_tiles > kLargeChunk && p->block_tiles > 4) p->block_tiles = (p->block_tiles + 1) / 2;
  while (tile_work * p->block_tiles * p->block_panels < kChunk && p->block_panels < all_panels) ++p->block_panels;
  while (tile_work * p->block_tiles * p->block_panels < kChunk && p->block_tiles < all_tiles) ++p->block_tiles;
  // Even blocks: the last one is as large as the others.
  const int64_t blocks = (all_tiles + p->block_tiles - 1) / p->block_tiles;
  if (p->m.IsConst()) p->block_tiles = (all_tiles + blocks - 1) / blocks;
  const int64_t panel_blocks = (all_panels + p->block_panels - 1) / p->block_panels;
  if (p->n.IsConst()) p->block_panels = (all_panels + panel_blocks - 1) / panel_blocks;
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
  const bool packs = !p.b_constant && !w.BInPlace();
  const Dim panel = RoundUp(p.k, p.tile.lanes) * Dim(p.tile.nr() * ElementBytes(p.acc));
  w.panel_bytes = packs ? RoundUp(panel, 64) : Dim(0);
  const Dim scratch_bytes = w.panel_bytes + source.ScratchBytes(p);
  if (scratch_bytes.IsConst(0)) {
    w.scratch = llvm::ConstantPointerNull::get(f.b.getPtrTy());
  } else {
    auto* type = llvm::FunctionType::get(f.b.getPtrTy(), {f.b.getInt64Ty()}, false);
    w.scratch = f.b.CreateCall(f.Runtime("belay_scratch", type), {f.DimValue(scratch_bytes)});
  }
  if (p.tile.mr > 1) {
    w.sums = f.EntryAlloca(w.vector(), p.tile.mr * p.tile.nv, static_cast<int>(p.tile.lanes * ElementBytes(p.acc)));
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
