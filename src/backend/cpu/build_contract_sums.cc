// The products of one tile: a loop over words of k with all accumulators in registers.
#include "backend/cpu/build_contract_rows.h"
#include "backend/cpu/build_contract_writer.h"

namespace belay {

using llvm::Value;
using Values = std::vector<Value*>;

bool MatrixWriter::PanelIsLarge() const {
  constexpr double kLarge = 96 * 1024;
  return Likely(p.Words()) * p.tile.nr() * static_cast<double>(WordBytes()) > kLarge;
}

// While tiles run over a block of constant panels they fetch the next block, which follows it in memory, into
// the second-level cache: each step of k this many bytes, so that all tiles together fetch it once.
int64_t MatrixWriter::NextBytesPerStep() const {
  if (!p.b_constant || p.block_tiles < 2) return 0;
  return (p.tile.nr() * WordBytes() + p.block_tiles - 1) / p.block_tiles;
}

Value* MatrixWriter::NextBlockSlice(Value* tile, Value* panel) {
  if (NextBytesPerStep() == 0) return nullptr;
  auto& b = f.b;
  Value* steps = WordsOf(b.CreateSub(k_end, k_begin));
  Value* block_bytes = b.CreateMul(steps, f.Int(p.tile.nr() * WordBytes()));
  Value* skip = b.CreateMul(b.CreateMul(steps, tile), f.Int(NextBytesPerStep()));
  return b.CreateGEP(b.getInt8Ty(), panel, b.CreateAdd(block_bytes, skip));
}

void MatrixWriter::PrefetchNext(Value* slice, Value* step, int64_t bytes) {
  auto& b = f.b;
  Value* at = b.CreateGEP(b.getInt8Ty(), slice, b.CreateMul(step, f.Int(NextBytesPerStep())));
  f.Prefetch(at, bytes, KernelFrame::Cache::kSecond);
}

// The panel's line some steps ahead.
void MatrixWriter::PrefetchAhead(Value* line, Value* stride) {
  constexpr int64_t kAhead = 8;
  Value* ahead = WordAt(line, f.b.CreateMul(stride, f.Int(kAhead)));
  f.Prefetch(ahead, p.tile.nr() * WordBytes(), KernelFrame::Cache::kFirst);
}

// A tile fetches the next one's rows: where they come from far, the hardware's prefetchers are too late.
bool MatrixWriter::FetchesRows() const {
  constexpr double kFar = 512 * 1024;
  const double bytes = Likely(p.m) * Likely(p.Words()) * static_cast<double>(WordBytes());
  return bytes > kFar && !HasTaps() && p.k.IsConst() && !InBlocksOfK() && source.IsDense(p);
}

// A word of a row in all lanes.
Value* MatrixWriter::RowWord(Value* row, Value* word) {
  auto& b = f.b;
  const llvm::Align align(ElementBytes(p.dot.a));
  Value* x = b.CreateAlignedLoad(RegisterTypeOf(1), WordAt(row, word), align);
  x = b.CreateVectorSplat(p.tile.lanes, x);
  constexpr int64_t kSignBits = 0x80808080;
  return p.dot.flips_a ? b.CreateXor(x, IntConstant(x->getType(), kSignBits)) : x;
}

// `count` words of k. `start`: the sums, the panel's line of the first word and, where it is fetched, the next block's
// part; the result: all of them behind the last word. What moves a line with each word is carried along: LLVM would
// multiply for it.
Values MatrixWriter::SumRun(const Values& rows, const Values& start, const Panel& panel, Value* count) {
  auto& b = f.b;
  const llvm::Align align(WordBytes());
  const bool masked = BInPlace() && !AllColumnsFull();
  // Tiles of few rows read b faster than the hardware's prefetcher brings it from the second level.
  const bool ahead = p.tile.mr < 8 && PanelIsLarge();
  const auto results = static_cast<size_t>(TileVectors());
  Values init = start;
  const bool fetches = FetchesRows();
  if (fetches) init.push_back(WordAt(rows[0], f.DimValue(p.Words() * Dim(p.tile.mr))));
  Values end = f.Loop(f.Int(0), count, 1, init, [&](Value* k, llvm::ArrayRef<Value*> carried) {
    Values sums(carried.begin(), carried.begin() + results), y;
    Value* line = carried[results];
    for (int v = 0; v < p.tile.nv; ++v) {
      Value* address = WordAt(line, f.Int(v * p.tile.lanes));
      y.push_back(masked ? static_cast<Value*>(b.CreateMaskedLoad(vector(), address, align, panel.masks[v],
                                                                  llvm::Constant::getNullValue(vector())))
                         : b.CreateAlignedLoad(vector(), address, align));
    }
    Value* next = start.size() > results + 1 ? carried[results + 1] : nullptr;
    if (next) f.Prefetch(next, NextBytesPerStep(), KernelFrame::Cache::kSecond);
    if (fetches) f.Prefetch(carried.back(), 1, KernelFrame::Cache::kFirst);
    if (ahead) PrefetchAhead(line, panel.stride);
    for (int i = 0; i < p.tile.mr; ++i) {
      Value* x = RowWord(rows[i], k);
      for (int v = 0; v < p.tile.nv; ++v) {
        Value*& sum = sums[i * p.tile.nv + v];
        sum = EmitDot(f, p.dot, p.acc, x, y[v], sum);
      }
    }
    sums.push_back(WordAt(line, panel.stride));
    if (next) sums.push_back(b.CreateGEP(b.getInt8Ty(), next, f.Int(NextBytesPerStep())));
    if (fetches) sums.push_back(WordAt(carried.back(), f.Int(p.tile.mr)));
    return sums;
  });
  end.resize(start.size());
  return end;
}

Values MatrixWriter::Sums(Value* tile, const Values& init, const Panel& panel) {
  auto& b = f.b;
  Values start = init;
  start.push_back(panel.words);
  if (Value* next = NextBlockSlice(tile, panel.constant)) start.push_back(next);
  Values end;
  if (Value* step = HasTaps() ? source.TapStep(f, p) : nullptr) {
    const RowSource::Run run = source.Runs(f, p, block, tile, k_begin)[0];
    start.push_back(run.first);
    end = f.Loop(k_begin, k_end, 1, start, [&](Value*, llvm::ArrayRef<Value*> carried) {
      Value* first = carried.back();
      const Values rows = RowsOfRun(f, {first, run.stride}, p.tile.mr);
      Values sums = SumRun(rows, carried.drop_back().vec(), panel, f.DimValue(p.TapWords()));
      sums.push_back(b.CreateGEP(b.getInt8Ty(), first, step));
      return sums;
    });
  } else if (HasTaps()) {
    end = f.Loop(k_begin, k_end, 1, start, [&](Value* tap, llvm::ArrayRef<Value*> carried) {
      return SumRun(source.Rows(f, p, block, tile, tap), carried.vec(), panel, f.DimValue(p.TapWords()));
    });
  } else {
    Values rows = source.Rows(f, p, block, tile, f.Int(0));
    for (Value*& row : rows) row = WordAt(row, k_begin);
    end = SumRun(rows, start, panel, b.CreateSub(k_end, k_begin));
  }
  end.resize(init.size());
  return end;
}

}  // namespace belay
