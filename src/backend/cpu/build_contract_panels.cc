// Where the panels of b lie, and the packing of those that are no constants: [panel][words of k][nr].
#include "backend/cpu/build_contract_writer.h"

namespace belay {
namespace {

using llvm::Value;
using Values = std::vector<Value*>;

// lines[t] lane i becomes lines[i] lane t.
void Transpose(llvm::IRBuilder<>& b, Values* lines) {
  const int lanes = static_cast<int>(lines->size());
  llvm::SmallVector<int, 16> low, high;
  for (int t = 0; t < lanes; ++t) {
    low.push_back(t / 2 + (t % 2) * lanes);
    high.push_back(lanes / 2 + t / 2 + (t % 2) * lanes);
  }
  // log2(lanes) perfect shuffles of line t with line t + lanes/2 rotate the index bits into place.
  for (int step = 1; step < lanes; step *= 2) {
    Values next;
    for (int t = 0; t < lanes / 2; ++t) {
      next.push_back(b.CreateShuffleVector((*lines)[t], (*lines)[t + lanes / 2], low));
      next.push_back(b.CreateShuffleVector((*lines)[t], (*lines)[t + lanes / 2], high));
    }
    *lines = next;
  }
}

}  // namespace

Values MatrixWriter::Masks(Value* left) {
  Values masks;
  for (int v = 0; v < p.tile.nv; ++v) {
    masks.push_back(AllColumnsFull() ? nullptr : LaneMask(f.b, left, v * p.tile.lanes, p.tile.lanes));
  }
  return masks;
}

// The number of the chunk's b among the different ones.
Value* MatrixWriter::MatrixOfB() {
  auto& b = f.b;
  Value* index = f.Int(0);
  for (size_t d = 0; d < p.batch.size(); ++d) {
    if (p.b.strides[d].IsConst(0)) continue;
    index = b.CreateAdd(b.CreateMul(index, f.DimValue(p.batch[d])), block.coords[d]);
  }
  return index;
}

// A constant's panel: its corrections, if it has any, then its words.
Value* MatrixWriter::ConstantPanel(Value* panel) {
  auto& b = f.b;
  Value* index = b.CreateAdd(b.CreateMul(MatrixOfB(), f.DimValue(panels)), panel);
  return WordAt(f.Buffer(p.b.input), b.CreateMul(index, f.DimValue(p.PanelLines() * Dim(p.tile.nr()))));
}

MatrixWriter::Panel MatrixWriter::PanelAt(Value* index) {
  auto& b = f.b;
  Panel panel{index, nullptr, f.Int(p.tile.nr()), nullptr, nullptr, {}, {}};
  Value* column = b.CreateMul(index, f.Int(p.tile.nr()));
  panel.masks = Masks(b.CreateSub(f.DimValue(p.n), column));
  for (int v = 0; v < p.tile.nv; ++v) panel.columns.push_back(b.CreateAdd(column, f.Int(v * p.tile.lanes)));
  Value* k = WordsOf(k_begin);
  if (p.b_constant) {
    panel.words = ConstantPanel(index);
    if (p.dot.flips_a) {
      panel.corrections = panel.words;
      k = b.CreateAdd(k, f.Int(1));
    }
    panel.words = panel.constant = WordAt(panel.words, b.CreateMul(k, panel.stride));
  }
  if (Packs()) {
    panel.words = PackedAt(index);
  } else if (BInPlace()) {
    panel.stride = f.DimValue(p.b.strides[p.batch.size()]);
    Value* offset = b.CreateAdd(OperandOffset(f, p.b, block.coords), column);
    panel.words = WordAt(f.Buffer(p.b.input), b.CreateAdd(offset, b.CreateMul(k, panel.stride)));
  }
  return panel;
}

KeptMemory MatrixWriter::Kept() const {
  if (!Keeps()) return {};
  const int64_t words = BlocksOfK() * panels.value() * PackedPanelWords().value();
  return {BlocksOfK() * BlocksOfPanels(), words * WordBytes()};
}

// Has the block's panels packed: here and now, or by an earlier chunk.
void MatrixWriter::ProvidePanels() {
  packed_block = packed;
  if (!Keeps()) return PackPanels();
  auto& b = f.b;
  Value* has = b.CreateIsNotNull(kept);
  Value* k_block = InBlocksOfK() ? b.CreateUDiv(k_begin, f.Int(p.k_block)) : f.Int(0);
  Value* panel_block = b.CreateUDiv(first_panel, f.Int(p.block_panels));
  Value* place = b.CreateAdd(b.CreateMul(k_block, f.Int(BlocksOfPanels())), panel_block);
  Value* nothing = f.EntryAlloca(b.getInt64Ty(), 1, 8);
  Value* key = b.CreateSelect(has, b.CreateGEP(b.getInt64Ty(), kept, place), nothing);
  b.CreateAlignedStore(f.Int(0), nothing, llvm::Align(8));
  Value* wanted = b.CreateAdd(MatrixOfB(), f.Int(1));
  Value* found = b.CreateAlignedLoad(b.getInt64Ty(), key, llvm::Align(8));
  Value* index = b.CreateAdd(b.CreateMul(k_block, f.DimValue(panels)), first_panel);
  Value* words = b.CreateGEP(b.getInt8Ty(), kept, f.Int(Kept().KeyBytes()));
  words = WordAt(words, b.CreateMul(index, f.DimValue(PackedPanelWords())));
  packed_block = b.CreateSelect(has, words, packed);
  f.If(b.CreateICmpNE(found, wanted), {}, [&]() -> Values {
    PackPanels();
    b.CreateAlignedStore(wanted, key, llvm::Align(8));
    return {};
  });
}

Value* MatrixWriter::PackedAt(Value* panel) {
  return WordAt(packed_block, f.b.CreateMul(f.b.CreateSub(panel, first_panel), f.DimValue(PackedPanelWords())));
}

// The block's panels, row by row of b: wide reads, since rows are often far apart.
void MatrixWriter::PackPanels() {
  auto& b = f.b;
  if (p.b_constant) return ScalePanels();
  const Dim& k_stride = p.b.strides[p.batch.size()];
  const Dim& n_stride = p.b.strides[p.batch.size() + 1];
  if (k_stride.IsConst(1) && !n_stride.IsConst(1) && !p.factors) return PackRuns();
  Value *from = WordsOf(k_begin), *to = WordsOf(k_end);
  f.Loop(from, to, 1, {}, [&](Value* word, llvm::ArrayRef<Value*>) -> Values {
    f.Loop(first_panel, last_panel, 1, {}, [&](Value* panel, llvm::ArrayRef<Value*>) -> Values {
      Value* line = b.CreateMul(b.CreateSub(word, from), f.Int(p.tile.nr()));
      PackLine(panel, word, WordAt(PackedAt(panel), line));
      return {};
    });
    return {};
  });
}

// In all lanes.
Value* MatrixWriter::FactorOf(Value* k) {
  Value* factors = WordAt(f.Buffer(p.factors->input), OperandOffset(f, *p.factors, block.coords));
  return RowWord(factors, f.b.CreateMul(k, f.DimValue(p.factors->strides.back())));
}

// The block's constant panels times the factors.
void MatrixWriter::ScalePanels() {
  auto& b = f.b;
  f.Loop(first_panel, last_panel, 1, {}, [&](Value* panel, llvm::ArrayRef<Value*>) -> Values {
    Value* from = WordAt(ConstantPanel(panel), b.CreateMul(WordsOf(k_begin), f.Int(p.tile.nr())));
    f.Loop(WordsOf(k_begin), WordsOf(k_end), 1, {from, PackedAt(panel)}, [&](Value* k, llvm::ArrayRef<Value*> lines) {
      Value* factor = FactorOf(k);
      const llvm::Align align(WordBytes());
      for (int v = 0; v < p.tile.nv; ++v) {
        Value* column = f.Int(v * p.tile.lanes);
        Value* words = b.CreateAlignedLoad(vector(), WordAt(lines[0], column), align);
        b.CreateAlignedStore(b.CreateFMul(words, factor), WordAt(lines[1], column), align);
      }
      return Values{WordAt(lines[0], f.Int(p.tile.nr())), WordAt(lines[1], f.Int(p.tile.nr()))};
    });
    return {};
  });
}

bool PacksByWords(const MatrixOperand& b) {
  return b.strides.back().IsConst(1) || b.strides[b.strides.size() - 2].IsConst(1);
}

// Panels of a b whose columns are consecutive along k.
void MatrixWriter::PackRuns() {
  auto& b = f.b;
  Value* wide = f.Int(p.tile.nr());
  f.Loop(first_panel, last_panel, 1, {}, [&](Value* panel, llvm::ArrayRef<Value*>) -> Values {
    Value* column = b.CreateMul(panel, wide);
    TransposedRuns t;
    t.from = p.b.dtype;
    t.to = p.dot.b;
    t.group = p.dot.group;
    t.src_stride = f.DimValue(p.b.strides[p.batch.size() + 1]);
    Value* first = b.CreateMul(WordsOf(k_begin), f.Int(p.dot.group));
    Value* offset = b.CreateAdd(OperandOffset(f, p.b, block.coords), b.CreateMul(column, t.src_stride));
    t.src = ElementAt(f, p.b.dtype, f.Buffer(p.b.input), b.CreateAdd(offset, first));
    t.dst = PackedAt(panel);
    t.dst_stride = wide;
    t.length = b.CreateSub(Minimum(f, b.CreateMul(WordsOf(k_end), f.Int(p.dot.group)), f.DimValue(p.k)), first);
    t.runs = AllColumnsFull() ? wide : Minimum(f, b.CreateSub(f.DimValue(p.n), column), wide);
    t.lanes = p.tile.lanes;
    EmitTransposed(f, t);
    return {};
  });
}

// One line of one panel: `group` rows of b, interleaved. Rows behind the last one are zeros.
void MatrixWriter::PackLine(Value* panel, Value* word, Value* dst) {
  auto& b = f.b;
  EmitContext e{b, f.module, f.row};
  Value* k_stride = f.DimValue(p.b.strides[p.batch.size()]);
  Value* n_stride = f.DimValue(p.b.strides[p.batch.size() + 1]);
  Value* column = b.CreateMul(panel, f.Int(p.tile.nr()));
  const Values masks = Masks(b.CreateSub(f.DimValue(p.n), column));
  Value* offset = b.CreateAdd(OperandOffset(f, p.b, block.coords), b.CreateMul(column, n_stride));
  const bool whole = p.dot.FillsSteps(p.k);
  for (int v = 0; v < p.tile.nv; ++v) {
    Value* line = nullptr;
    for (int part = 0; part < p.dot.group; ++part) {
      Value* k = b.CreateAdd(b.CreateMul(word, f.Int(p.dot.group)), f.Int(part));
      Value* index = b.CreateAdd(b.CreateAdd(offset, b.CreateMul(k, k_stride)),
                                 b.CreateMul(f.Int(v * p.tile.lanes), n_stride));
      Value* mask = masks[v];
      if (!whole) {
        Value* inside = b.CreateVectorSplat(p.tile.lanes, b.CreateICmpSLT(k, f.DimValue(p.k)));
        mask = mask == nullptr ? inside : b.CreateAnd(mask, inside);
      }
      Value* at = ElementAt(f, p.b.dtype, f.Buffer(p.b.input), index);
      Value* x = LoadLanes(e, p.b.dtype, at, n_stride, mask, p.tile.lanes);
      x = EmitCast(e, p.b.dtype, p.dot.b, x);
      if (p.dot.group == 1) {
        line = p.factors ? b.CreateFMul(x, FactorOf(k)) : x;
        break;
      }
      x = b.CreateZExt(ToMemory(e, p.dot.b, x), RegisterType(e, DType::kI32, p.tile.lanes));
      x = b.CreateShl(x, IntConstant(x->getType(), part * BitWidth(p.dot.b)));
      line = line == nullptr ? x : b.CreateOr(line, x);
    }
    b.CreateAlignedStore(line, WordAt(dst, f.Int(v * p.tile.lanes)), llvm::Align(WordBytes()));
  }
}

void EmitTransposed(KernelFrame& f, const TransposedRuns& t) {
  auto& b = f.b;
  EmitContext e{b, f.module, f.row};
  const int wide = t.lanes * t.group;  // elements in a vector of words
  const int64_t bytes = ElementBytes(t.to) * t.group;
  f.Loop(f.Int(0), t.runs, t.lanes, {}, [&](Value* j, llvm::ArrayRef<Value*>) -> Values {
    Value* runs_left = b.CreateSub(t.runs, j);
    f.Loop(f.Int(0), t.length, wide, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
      Value* run_mask = LaneMask(b, b.CreateSub(t.length, i), 0, wide);
      Values lines;
      for (int r = 0; r < t.lanes; ++r) {
        Value* inside = b.CreateICmpSLT(f.Int(r), runs_left);
        Value* mask = b.CreateAnd(run_mask, b.CreateVectorSplat(wide, inside));
        Value* index = b.CreateAdd(b.CreateMul(b.CreateAdd(j, f.Int(r)), t.src_stride), i);
        Value* x = LoadLanes(e, t.from, ElementAt(f, t.from, t.src, index), f.Int(1), mask, wide);
        x = EmitCast(e, t.from, t.to, x);
        if (t.group != 1) x = b.CreateBitCast(ToMemory(e, t.to, x), RegisterType(e, DType::kI32, t.lanes));
        lines.push_back(x);
      }
      Transpose(b, &lines);
      Value* word = t.group == 1 ? i : b.CreateUDiv(i, f.Int(t.group));
      for (int r = 0; r < t.lanes; ++r) {
        Value* index = b.CreateAdd(b.CreateMul(b.CreateAdd(word, f.Int(r)), t.dst_stride), j);
        Value* at = b.CreateGEP(b.getIntNTy(static_cast<unsigned>(bytes * 8)), t.dst, index);
        b.CreateAlignedStore(lines[r], at, llvm::Align(static_cast<uint64_t>(bytes)));
      }
      return {};
    });
    return {};
  });
}

}  // namespace belay
