// The choice of tiles and blocks of a matrix problem, from its shape and the target row alone.
#include <algorithm>
#include <cmath>

#include "backend/cpu/build_contract_matrix.h"

namespace belay {
namespace {

double Padded(const Dim& extent, int64_t multiple) {
  return static_cast<double>((extent.value() + multiple - 1) / multiple * multiple);
}

// Vector registers that a tile occupies: accumulators, one line of b, one broadcast.
int RegistersOf(int mr, int nv) { return mr * nv + nv + 1; }

}  // namespace

double Likely(const Dim& d) {
  constexpr int64_t kUnknownExtent = 256;
  return static_cast<double>(d.IsConst() ? d.value() : kUnknownExtent);
}

Dim MatrixProblem::LikelyM() const {
  constexpr int64_t kFewestRows = 24;  // with less, tiles for one image are too low for several
  return !m.IsConst() && image_rows >= kFewestRows ? Dim(image_rows) : m;
}

// Tile registers: two by two blocks of sums read least; few rows leave room for more columns.
MatrixTile ChooseRegisterTile(const Dim& m, const Dim& n, int64_t run) {
  constexpr int kLanes = 16, kRegisters = 8;
  MatrixTile best;
  double least = HUGE_VAL;
  for (int parts = 1; parts <= 2; ++parts) {
    for (int nv = 1; nv <= 4; ++nv) {
      if (parts * nv + parts + std::min(nv, 2) > kRegisters) continue;
      for (int rows = 1; rows <= kTileRows; ++rows) {
        const bool filled = m.IsConst() ? m.value() >= rows * parts || rows * parts == 1 : rows == kTileRows;
        if (!filled || run % rows != 0) continue;
        const double padded_m = m.IsConst() ? Padded(m, rows * parts) : Likely(m);
        const double columns = n.IsConst() ? Padded(n, nv * kLanes) : Likely(n);
        // A product of registers takes a cycle for each row, but at least ten; loads of rows and columns eight each.
        const double product = std::max(10.0, rows + 0.4);
        const double loads = 8.0 * (parts + nv) / (parts * nv);
        const double cost = std::max(1.0, padded_m) / rows * std::max(1.0, columns) * (product + 0.3 * loads);
        if (cost < least * 0.999) {
          least = cost;
          best = {rows * parts, nv, kLanes, rows};
        }
      }
    }
  }
  return best;
}

MatrixTile ChooseTile(const TargetRow& row, const MatrixProblem& p, int64_t run) {
  const Dim m = p.LikelyM(), &n = p.n;
  if (p.dot.Tiled()) return ChooseRegisterTile(m, n, run);
  const int lanes = std::max<int>(1, row.vector_bytes / static_cast<int>(ElementBytes(p.acc)));
  MatrixTile best;
  double least = HUGE_VAL;
  for (int nv = 1; nv <= 4; ++nv) {
    for (int mr = 1; mr <= kMostTileRows; ++mr) {
      if (RegistersOf(mr, nv) > row.vector_registers) continue;
      if (m.IsConst() && m.value() < mr && mr > 1) continue;
      if (run % mr != 0) continue;
      const double rows = m.IsConst() ? Padded(m, mr) : 1.05 * Likely(m);
      const double columns = n.IsConst() ? Padded(n, nv * lanes) : Likely(n);
      // Loads and multiply-adds both issue two a cycle; ten sums in flight hide their latency.
      const double loads = static_cast<double>(mr + nv) / (mr * nv);
      // b comes from the second-level cache, for every tile anew.
      const double stream = 1 + 0.05 * std::max(0, 6 - mr);
      const double slow = std::max({1.0, loads, 10.0 / (mr * nv)}) * (1 + 0.12 * loads) * stream;
      const double cost = std::max(1.0, rows) * std::max(1.0, columns) * slow;
      if (cost < least * 0.999) {
        least = cost;
        best = {mr, nv, lanes};
      }
    }
  }
  return best;
}

// True where all of b stays in the first-level cache, or close to it: chunks may be small, and steps run together.
bool HasSmallColumns(const MatrixProblem& p) {
  constexpr double kSmall = 64 * 1024;
  return p.b_constant && Likely(p.Words()) * Likely(p.n) * static_cast<double>(ElementBytes(p.acc)) <= kSmall;
}

void ChooseBlocks(MatrixProblem* p, int64_t row_bytes) {
  const double speed = p->dot.Tiled() ? 8 : 1;
  const double chunk = (HasSmallColumns(*p) ? 4e5 : 1e6) * speed;  // products of words
  const double large_chunk = (p->b_constant ? 16e6 : 80e6) * speed;
  const int mr = p->tile.mr, nr = p->tile.nr();
  const Dim m = p->LikelyM();
  const auto tiles_of = [&](double rows) { return static_cast<int64_t>(std::ceil(std::max(1.0, rows) / mr)); };
  const int64_t all_tiles = tiles_of(Likely(m));
  const int64_t all_panels = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(Likely(p->n) / nr)));
  // With few rows a panel's time is that of reading it: about 16 multiply-adds an element.
  const double busy_rows = std::max(16.0, std::min<double>(mr, Likely(m)));
  // Beside tile registers the epilogue counts: an output takes as long as many products.
  const double epilogue = p->dot.Tiled() ? 100.0 * nr * mr : 0;
  const double tile_work = std::max(1.0, Likely(p->Words())) * nr * (all_tiles == 1 ? busy_rows : mr) + epilogue;
  const auto work = [&] { return tile_work * static_cast<double>(p->block_tiles * p->block_panels); };
  // A b packed inside the kernel is packed again for every block of rows.
  double most_rows = p->b_constant && !p->dot.Tiled() ? 128 : 256;
  const bool narrow = row_bytes > 0 && !p->b_constant;
  if (narrow) {
    const double widest = std::max(Likely(p->n), Likely(p->k)) * static_cast<double>(ElementBytes(p->acc));
    most_rows = std::min(most_rows, std::max(16.0, static_cast<double>(row_bytes) / widest));
  }
  p->block_tiles = std::min(all_tiles, tiles_of(most_rows));
  const int64_t most_tiles = narrow ? p->block_tiles : all_tiles;
  p->block_panels = p->b_constant ? 1 : std::min<int64_t>(all_panels, 2);
  while (work() > large_chunk && p->block_panels > 2) --p->block_panels;
  while (work() > large_chunk && p->block_tiles > 4) p->block_tiles = (p->block_tiles + 1) / 2;
  while (work() < chunk && p->block_panels < all_panels) ++p->block_panels;
  while (work() < chunk && p->block_tiles < most_tiles) ++p->block_tiles;
  // Even blocks: the last one is as large as the others.
  const int64_t blocks = (all_tiles + p->block_tiles - 1) / p->block_tiles;
  if (m.IsConst()) p->block_tiles = (all_tiles + blocks - 1) / blocks;
  const int64_t panel_blocks = (all_panels + p->block_panels - 1) / p->block_panels;
  if (p->n.IsConst()) p->block_panels = (all_panels + panel_blocks - 1) / panel_blocks;
  // Two threads have as many rows each.
  const bool uneven = panel_blocks == 1 && blocks % 2 == 1 && blocks > 1 && blocks < 16 && p->batch.empty();
  if (m.IsConst() && uneven) p->block_tiles = (p->block_tiles + 1) / 2;
  // Rows and results come from other cores: that takes twice as long as b, which two threads read both where they
  // share no columns.
  const bool may_turn = p->b_constant || narrow;
  p->rows_first = may_turn && Likely(p->k) * Likely(p->n) <= 2 * Likely(m) * (Likely(p->k) + Likely(p->n));

  // A block of k keeps a panel's part, and the next one on its way, in the second-level cache.
  const int64_t bytes = p->b_constant ? 256 * 1024 : 128 * 1024;
  const double unit = p->taps > 1 ? Likely(p->TapWords()) : 1;
  const double unit_bytes = nr * static_cast<double>(ElementBytes(p->acc)) * std::max(1.0, unit);
  const double fits = static_cast<double>(bytes) / unit_bytes;
  const int64_t step = p->taps > 1 ? p->joined_taps : p->dot.step;
  p->k_block = std::max<int64_t>(1, static_cast<int64_t>(fits) / step) * step;
  const Dim units = p->taps > 1 ? Dim(p->taps) : p->TapWords();
  if (p->b_constant && all_tiles == 1) p->k_block = INT64_MAX / 2;  // nothing is read twice
  if (!units.IsConst() || units.value() <= p->k_block) return;
  const int64_t k_blocks = (units.value() + p->k_block - 1) / p->k_block;
  p->k_block = (units.value() + k_blocks * step - 1) / (k_blocks * step) * step;
}

}  // namespace belay
