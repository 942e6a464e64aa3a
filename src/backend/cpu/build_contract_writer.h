// What one matrix kernel is written with; its parts stand in build_contract_matrix.cc (chunks, tiles, results),
// _panels.cc (b), _sums.cc and _amx.cc (products).
#pragma once
#include <algorithm>

#include "backend/cpu/build_contract_matrix.h"

namespace belay {

struct MatrixWriter {
  using Values = std::vector<llvm::Value*>;

  KernelFrame& f;
  const MatrixProblem& p;
  RowSource& source;
  Epilogue& epilogue;
  Dim panels;                        // of n
  llvm::Value* packed = nullptr;     // scratch: panels of a b that is not constant
  llvm::Value* kept = nullptr;       // KernelCall::kept, where panels may be kept
  llvm::Value* packed_block = nullptr;  // the panels at hand, of either
  llvm::Value* partial = nullptr;    // scratch: accumulators between blocks of k; or one or two tiles' on the stack
  bool starts_sums = false;          // see Epilogue
  MatrixBlock block;
  llvm::Value* first_panel = nullptr;
  llvm::Value* last_panel = nullptr;  // behind the block's
  // The block of k being summed, in units: taps where the source has several, else words.
  llvm::Value* k_begin = nullptr;
  llvm::Value* k_end = nullptr;

  // One panel's place: where its words from k_begin on lie, the words from one line to the next, its line of
  // corrections (or nullptr), where a constant's words lie (or nullptr), scaled or not.
  struct Panel {
    llvm::Value* index;
    llvm::Value* words;
    llvm::Value* stride;
    llvm::Value* corrections;
    llvm::Value* constant;
    Values columns, masks;
  };

  llvm::Type* vector() { return RegisterTypeOf(p.tile.lanes); }
  llvm::Type* RegisterTypeOf(int lanes) {
    EmitContext e{f.b, f.module, f.row};
    return RegisterType(e, p.acc, lanes);
  }

  bool AllColumnsFull() const { return p.n.IsConst() && p.n.value() % p.tile.nr() == 0; }
  // b read where it is: with few rows packing costs more than it saves.
  bool BInPlace() const {
    const auto& s = p.b.strides;
    return !p.b_constant && !p.factors && p.dot.group == 1 && p.b.dtype == p.acc && s.back().IsConst(1) &&
           p.m.IsConst() && p.m.value() <= 2 * p.tile.mr;
  }
  bool Packs() const { return p.factors || (!p.b_constant && !BInPlace()); }
  // All panels of one b stay where the thread finds them again.
  bool Keeps() const {
    const auto is_const = [](const Dim& d) { return d.IsConst(); };
    return p.keeps_panels && Packs() && !p.factors && p.n.IsConst() && p.k.IsConst() &&
           std::all_of(p.batch.begin(), p.batch.end(), is_const);
  }
  int64_t BlocksOfK() const { return InBlocksOfK() ? (Units().value() + p.k_block - 1) / p.k_block : 1; }
  int64_t BlocksOfPanels() const { return (panels.value() + p.block_panels - 1) / p.block_panels; }
  KeptMemory Kept() const;
  bool HasTaps() const { return p.taps != 1; }
  Dim Units() const { return HasTaps() ? Dim(p.taps) : p.TapWords(); }
  Dim UnitWords() const { return HasTaps() ? p.TapWords() : Dim(1); }
  bool InBlocksOfK() const { return !Units().IsConst() || Units().value() > p.k_block; }
  Dim BlockWords() const { return (InBlocksOfK() ? Dim(p.k_block) : Units()) * UnitWords(); }
  Dim PackedPanelWords() const { return RoundUp(BlockWords(), p.tile.lanes) * Dim(p.tile.nr()); }
  int64_t WordBytes() const { return ElementBytes(p.acc); }
  int64_t VectorBytes() const { return p.tile.lanes * WordBytes(); }
  int64_t TileVectors() const { return static_cast<int64_t>(p.tile.mr) * p.tile.nv; }
  int64_t PartialBytes() const {
    return InBlocksOfK() ? p.block_panels * p.block_tiles * TileVectors() * VectorBytes() : 0;
  }
  // Tile registers sum while vector registers bring the sums before through the epilogue.
  bool StoresBesideSums() const { return p.dot.Tiled() && !InBlocksOfK(); }
  llvm::Value* WordsOf(llvm::Value* units) { return f.b.CreateMul(units, f.DimValue(UnitWords())); }
  llvm::Value* WordAt(llvm::Value* base, llvm::Value* index) { return ElementAt(f, p.acc, base, index); }

  void Chunk(llvm::Value* chunk);
  void DecodeChunk(llvm::Value* chunk);
  void SumBlock();
  void Tile(llvm::Value* tile, const Panel& panel);
  // Rows [begin, end) of a tile whose sums stand at `from`, through the epilogue.
  // `count` registers from `base` on.
  Values VectorsAt(llvm::Value* base, int64_t count);
  // Where a tile's sums of whole k begin.
  Values Starts(const Panel& panel);
  void StoreRows(llvm::Value* tile, llvm::Value* from, const Panel& panel, llvm::Value* begin, llvm::Value* end);
  llvm::Value* ValidRows(llvm::Value* tile);

  // build_contract_panels.cc
  Panel PanelAt(llvm::Value* index);
  void ProvidePanels();
  void PackPanels();
  Values Masks(llvm::Value* left);

  // build_contract_sums.cc: the accumulators of one tile, in registers.
  Values Sums(llvm::Value* tile, const Values& init, const Panel& panel);
  // build_contract_amx.cc: the same in tile registers, from and to `slot`. `beside` writes what vector registers do at
  // each step of k; it takes what it gave at the step before, 0 at first, and the last is the result.
  using Beside = llvm::function_ref<llvm::Value*(llvm::Value*)>;
  llvm::Value* SumTiles(llvm::Value* tile, llvm::Value* slot, const Panel& panel, Beside beside);
  void SumBlockOfTiles(llvm::Value* tiles);
  void LoadTileShapes();  // what the registers hold, for the whole kernel

 private:
  llvm::Value* MatrixOfB();
  llvm::Value* ConstantPanel(llvm::Value* index);
  void PackRuns();
  void ScalePanels();
  llvm::Value* FactorOf(llvm::Value* k);
  void PackLine(llvm::Value* panel, llvm::Value* word, llvm::Value* dst);
  llvm::Value* PackedAt(llvm::Value* panel);
  llvm::Value* SumTileRun(const std::vector<RowSource::Run>& runs, llvm::Value* at, llvm::Value* count,
                          llvm::Value* next, Beside beside, llvm::Value* done);
  int64_t StepsOfTile() const;
  int64_t RowsPerStep() const;
  Values SumRun(const Values& rows, const Values& start, const Panel& panel, llvm::Value* count);
  llvm::Value* RowWord(llvm::Value* row, llvm::Value* word);
  bool PanelIsLarge() const;
  bool FetchesRows() const;
  llvm::Value* NextBlockSlice(llvm::Value* tile, llvm::Value* panel);
  void PrefetchNext(llvm::Value* slice, llvm::Value* step, int64_t bytes);
  void PrefetchAhead(llvm::Value* line, llvm::Value* stride);
  int64_t NextBytesPerStep() const;
};

inline llvm::Value* Minimum(KernelFrame& f, llvm::Value* x, llvm::Value* y) {
  return f.b.CreateSelect(f.b.CreateICmpSLT(x, y), x, y);
}

}  // namespace belay
