// Products in AMX registers: sums first, then a row run for each of a tile's parts, then columns.
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>

#include "backend/cpu/build_contract_writer.h"

namespace belay {
namespace {

using llvm::Value;
namespace Intr = llvm::Intrinsic;

constexpr int kRegisters = 8;

// The numbers of the registers.
struct Registers {
  int parts, nv;
  int Sum(int part, int v) const { return part * nv + v; }
  int Rows(int part) const { return parts * nv + part; }
  int Columns(int v) const { return parts * nv + parts + v % 2; }
};

Registers RegistersOf(const MatrixTile& tile) { return {tile.mr / tile.register_rows, tile.nv}; }

}  // namespace

void MatrixWriter::LoadTileShapes() {
  struct Shapes {
    uint8_t palette = 1, start = 0, zeros[14] = {};
    uint16_t bytes[16] = {};
    uint8_t rows[16] = {};
  } shapes;
  const Registers r = RegistersOf(p.tile);
  for (int t = 0; t < kRegisters; ++t) {
    const bool rows = t >= r.Rows(0) && t < r.Columns(0), columns = t >= r.Columns(0);
    shapes.bytes[t] = static_cast<uint16_t>(WordBytes() * (rows ? p.RegisterWords() : kTileWords));
    shapes.rows[t] = static_cast<uint8_t>(columns ? p.RegisterWords() : p.tile.register_rows);
  }
  const llvm::StringRef bytes(reinterpret_cast<const char*>(&shapes), sizeof shapes);
  auto* data = llvm::ConstantDataArray::getRaw(bytes, bytes.size(), f.b.getInt8Ty());
  auto* constant = new llvm::GlobalVariable(f.module, data->getType(), true, llvm::GlobalValue::InternalLinkage, data,
                                            f.function->getName() + "_tiles");
  constant->setAlignment(llvm::Align(64));
  f.b.CreateIntrinsic(Intr::x86_ldtilecfg, {}, {constant});
}

// Steps of k in a tile, 0 where they are not known.
int64_t MatrixWriter::StepsOfTile() const { return p.Words().IsConst() ? p.Words().value() / p.RegisterWords() : 0; }

// So many with each step of k store a tile while the next is summed.
int64_t MatrixWriter::RowsPerStep() const {
  constexpr int64_t kSomeSteps = 8;
  return CeilDiv(Dim(p.tile.mr), StepsOfTile() > 0 ? StepsOfTile() : kSomeSteps).value();
}

// `count` words of k from the runs' first elements on.
Value* MatrixWriter::SumTileRun(const std::vector<RowSource::Run>& runs, Value* at, Value* count, Value* next,
                                Beside beside, Value* done) {
  auto& b = f.b;
  const Registers r = RegistersOf(p.tile);
  const auto load = [&](int number, Value* address, Value* stride) {
    b.CreateIntrinsic(Intr::x86_tileloadd64, {}, {b.getInt8(static_cast<uint8_t>(number)), address, stride});
  };
  const int64_t words = p.RegisterWords();
  return f.Loop(f.Int(0), count, words, {done}, [&](Value* k, llvm::ArrayRef<Value*> before) -> Values {
    Value* line = WordAt(at, b.CreateMul(k, f.Int(p.tile.nr())));
    if (next != nullptr) PrefetchNext(next, k, NextBytesPerStep() * words);
    for (int v = 0; v < p.tile.nv; ++v) {
      load(r.Columns(v), WordAt(line, f.Int(v * p.tile.lanes)), f.Int(p.tile.nr() * WordBytes()));
      for (int part = 0; part < r.parts; ++part) {
        if (v == 0) load(r.Rows(part), WordAt(runs[part].first, k), runs[part].stride);
        EmitTileDot(f, p.dot, r.Sum(part, v), r.Rows(part), r.Columns(v));
      }
    }
    return {beside(before[0])};
  })[0];
}

Value* MatrixWriter::SumTiles(Value* tile, Value* slot, const Panel& panel, Beside beside) {
  auto& b = f.b;
  const Registers r = RegistersOf(p.tile);
  Value* stride = f.Int(p.tile.nv * VectorBytes());
  const auto each_sum = [&](Intr::ID id, bool in_memory) {
    for (int part = 0; part < r.parts; ++part) {
      for (int v = 0; v < p.tile.nv; ++v) {
        llvm::SmallVector<Value*, 3> operands{b.getInt8(static_cast<uint8_t>(r.Sum(part, v)))};
        Value* at = b.CreateGEP(vector(), slot, f.Int(part * p.tile.register_rows * p.tile.nv + v));
        if (in_memory) operands.append({at, stride});
        b.CreateIntrinsic(id, {}, operands);
      }
    }
  };
  each_sum(InBlocksOfK() ? Intr::x86_tileloadd64 : Intr::x86_tilezero, InBlocksOfK());
  Value* next = NextBlockSlice(tile, panel.constant);
  Value* done = f.Int(0);
  if (!HasTaps()) {
    std::vector<RowSource::Run> runs = source.Runs(f, p, block, tile, f.Int(0));
    for (RowSource::Run& run : runs) run.first = WordAt(run.first, k_begin);
    done = SumTileRun(runs, panel.words, b.CreateSub(k_end, k_begin), next, beside, done);
  } else {
    Value* depth = f.DimValue(p.TapWords());
    Value* count = f.DimValue(p.TapWords() * Dim(p.joined_taps));
    const auto sum_tap = [&](Value* tap, llvm::ArrayRef<Value*> before) -> Values {
      Value* words = b.CreateMul(b.CreateSub(tap, k_begin), depth);
      Value* at = WordAt(panel.words, b.CreateMul(words, panel.stride));
      Value* slice = next;
      if (next != nullptr) slice = b.CreateGEP(b.getInt8Ty(), next, b.CreateMul(words, f.Int(NextBytesPerStep())));
      return {SumTileRun(source.Runs(f, p, block, tile, tap), at, count, slice, beside, before[0])};
    };
    done = f.Loop(k_begin, k_end, p.joined_taps, {done}, sum_tap)[0];
  }
  each_sum(Intr::x86_tilestored64, true);
  return done;
}

// The sums of a block whose k is whole. Each tile's wait in one of two places while the next one is summed.
void MatrixWriter::SumBlockOfTiles(Value* tiles) {
  auto& b = f.b;
  struct Waiting {
    Value *panel, *tile, *rows, *place;
  };
  const auto slot_at = [&](Value* place) {
    return b.CreateGEP(vector(), partial, b.CreateMul(place, f.Int(TileVectors())));
  };
  const auto store = [&](const Waiting& w, const Panel& panel, Value* begin, Value* end) {
    StoreRows(w.tile, slot_at(w.place), panel, begin, end);
  };
  const auto sum = [&](Value* tile, const Panel& panel, const Waiting& w) -> Waiting {
    const Panel before = PanelAt(w.panel);
    Value* place = b.CreateXor(w.place, f.Int(1));
    Value* stored = SumTiles(tile, slot_at(place), panel, [&](Value* done) {
      Value* until = Minimum(f, b.CreateAdd(done, f.Int(RowsPerStep())), w.rows);
      store(w, before, done, until);
      return until;
    });
    if (StepsOfTile() == 0) store(w, before, stored, w.rows);
    return {panel.index, tile, ValidRows(tile), place};
  };
  const Values none = {first_panel, f.Int(0), f.Int(0), f.Int(1)};
  const Values last = f.Loop(first_panel, last_panel, 1, none, [&](Value* index, llvm::ArrayRef<Value*> outer) {
    const Panel panel = PanelAt(index);
    return f.Loop(f.Int(0), tiles, 1, Values(outer.begin(), outer.end()),
                  [&](Value* tile, llvm::ArrayRef<Value*> w) -> Values {
                    const Waiting now = sum(tile, panel, {w[0], w[1], w[2], w[3]});
                    return {now.panel, now.tile, now.rows, now.place};
                  });
  });
  store({last[0], last[1], last[2], last[3]}, PanelAt(last[0]), f.Int(0), last[2]);
}

}  // namespace belay
