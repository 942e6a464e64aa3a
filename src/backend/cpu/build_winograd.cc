// 3x3 convolutions of stride 1 by Winograd's F(4,3): tiles of 4x4 outputs from 6x6 inputs with 36 products
// instead of 144. Interpolation points 0, +-3/4, +-3/2 and infinity: all constants are exact, and sums lose no
// more than plain ones (against +-1 and +-2, a fifth of the error).
// Chunk: a block of tiles by a group of output channels, in three phases:
//  V[36][tile][C] = B' d B;  M[36][tile][nr] = V * U, a panel of U at a time;  y = A' M A, through the epilogue

#include <algorithm>
#include <array>
#include <cmath>

#include "backend/cpu/build_contract_matrix.h"
#include "backend/cpu/build_conv.h"
#include "backend/cpu/winograd_filter.h"

namespace belay {
namespace {

using llvm::Value;
using Values = std::vector<Value*>;

using namespace winograd;  // NOLINT
constexpr double kP2 = kP * kP, kQ2 = kQ * kQ;

constexpr int64_t kLargeFilter = 1 << 20;   // bytes: for a second-level cache
constexpr int64_t kSharedFilter = 5 << 18;  // bytes: of which the next block still finds most there

// Sizes that are decided when the kernel is made.
struct WinogradPlan {
  MatrixTile tile;
  int64_t channels, outputs;
  int64_t block = 0;         // tiles of one chunk
  int64_t group_panels = 1;  // panels of one chunk
  Dim images, rows, columns;  // tiles: of the batch, down, across
  Dim Tiles() const { return images * rows * columns; }
  double LikelyTiles() const { return LikelyElements({images, rows, columns}); }
  int64_t groups() const { return (panels() + group_panels - 1) / group_panels; }
  Dim Chunks() const { return CeilDiv(Tiles(), Dim(block)) * Dim(groups()); }
  int64_t panels() const { return (outputs + tile.nr() - 1) / tile.nr(); }
  int64_t padded_channels() const { return (channels + tile.lanes - 1) / tile.lanes * tile.lanes; }
  int64_t filter_bytes() const { return panels() * tile.nr() * channels * kProducts * 4; }
  bool FilterIsLarge() const { return filter_bytes() > kLargeFilter; }
  int64_t padded_block() const { return (block + tile.mr - 1) / tile.mr * tile.mr; }
};

struct Writer {
  KernelFrame& f;
  const ConvShape& s;
  const WinogradPlan& p;
  Epilogue& epilogue;
  Value *zeros = nullptr, *v = nullptr, *m = nullptr, *done = nullptr;  // scratch
  Value* half = nullptr;                                                // of a tile, a vector of channels
  Value *first_tile = nullptr, *tiles = nullptr;                        // of the chunk; at least one

  llvm::FixedVectorType* vector() {
    return llvm::FixedVectorType::get(f.b.getFloatTy(), static_cast<unsigned>(p.tile.lanes));
  }
  Value* K(double value) { return llvm::ConstantFP::get(vector(), value); }
  Value* Fma(Value* x, double c, Value* y) { return EmitMultiplyAdd(f, DType::kF32, x, K(c), y); }
  Value* Load(Value* base, Value* index) {
    return f.b.CreateAlignedLoad(vector(), ElementAt(f, DType::kF32, base, index), llvm::Align(4));
  }
  void Store(Value* x, Value* base, Value* index) {
    f.b.CreateAlignedStore(x, ElementAt(f, DType::kF32, base, index), llvm::Align(4));
  }
  // A loop: six times the instructions cost more to compile than they save.
  void Each(int count, const std::function<void(Value*)>& body);
  // The transform's first half, by column and row of the tile.
  void StoreHalf(const Values& column, Value* j);
  Values LoadHalf(Value* row);
  // (tile of the chunk) -> image, tile row, tile column
  std::array<Value*, 3> Place(Value* tile);
  void Chunk(Value* chunk);
  void TransformInput(Value* tile);
  void Multiply(Value* panel);
  int64_t NextBytes() const;
  Values Products(Value* rows, Value* u, Value* row_tile);
  void TransformOutput(Value* tile, Value* panel);
  void StoreTile(Value* tile, Value* panel);
};

std::array<Value*, 3> Writer::Place(Value* tile) {
  auto& b = f.b;
  Value* at = b.CreateAdd(first_tile, tile);
  Value* column = b.CreateURem(at, f.DimValue(p.columns));
  at = b.CreateUDiv(at, f.DimValue(p.columns));
  return {b.CreateUDiv(at, f.DimValue(p.rows)), b.CreateURem(at, f.DimValue(p.rows)), column};
}

// B' applied to six values.
Values ApplyInput(Writer& w, const Values& d) {
  Value* even_q = w.Fma(d[2], -kQ2, d[4]);
  Value* odd_q = w.Fma(d[1], -kQ2, d[3]);
  Value* even_p = w.Fma(d[2], -kP2, d[4]);
  Value* odd_p = w.Fma(d[1], -kP2, d[3]);
  return {w.Fma(d[0], kP2 * kQ2, w.Fma(d[2], -(kP2 + kQ2), d[4])),
          w.Fma(odd_q, kP, even_q),
          w.Fma(odd_q, -kP, even_q),
          w.Fma(odd_p, kQ, even_p),
          w.Fma(odd_p, -kQ, even_p),
          w.Fma(d[1], kP2 * kQ2, w.Fma(d[3], -(kP2 + kQ2), d[5]))};
}

// A' applied to six values.
Values ApplyOutput(Writer& w, const Values& m) {
  auto& b = w.f.b;
  Value *sum_p = b.CreateFAdd(m[1], m[2]), *difference_p = b.CreateFSub(m[1], m[2]);
  Value *sum_q = b.CreateFAdd(m[3], m[4]), *difference_q = b.CreateFSub(m[3], m[4]);
  return {b.CreateFAdd(m[0], b.CreateFAdd(sum_p, sum_q)),
          w.Fma(difference_q, kQ, b.CreateFMul(difference_p, w.K(kP))),
          w.Fma(sum_q, kQ2, b.CreateFMul(sum_p, w.K(kP2))),
          w.Fma(difference_q, kQ * kQ2, w.Fma(difference_p, kP * kP2, m[5]))};
}

void Writer::Each(int count, const std::function<void(Value*)>& body) {
  f.Loop(f.Int(0), f.Int(count), 1, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
    body(i);
    return {};
  });
}

void Writer::StoreHalf(const Values& column, Value* j) {
  for (size_t i = 0; i < column.size(); ++i) {
    Value* at = f.b.CreateAdd(j, f.Int(static_cast<int64_t>(i) * kIn));
    f.b.CreateAlignedStore(column[i], f.b.CreateGEP(vector(), half, at), llvm::Align(4));
  }
}

Values Writer::LoadHalf(Value* row) {
  Values line;
  for (int j = 0; j < kIn; ++j) {
    Value* at = f.b.CreateAdd(f.b.CreateMul(row, f.Int(kIn)), f.Int(j));
    line.push_back(f.b.CreateAlignedLoad(vector(), f.b.CreateGEP(vector(), half, at), llvm::Align(4)));
  }
  return line;
}

// The tile's 36 input pixels through B' d B, a vector of channels at a time. Pixels outside x are zeros.
void Writer::TransformInput(Value* tile) {
  auto& b = f.b;
  const auto [image, row, column] = Place(tile);
  const Shape& x = s.node->inputs[0]->shape();
  Value* y0 = b.CreateSub(b.CreateMul(row, f.Int(kOut)), f.DimValue(s.window->pads_lo[0]));
  Value* x0 = b.CreateSub(b.CreateMul(column, f.Int(kOut)), f.DimValue(s.window->pads_lo[1]));
  Value* origin = b.CreateAdd(f.DimValue(s.x.offset), b.CreateMul(image, f.DimValue(s.x.strides[0])));
  llvm::AllocaInst* table = f.EntryAlloca(b.getPtrTy(), kProducts, 64);
  Values in_x, x_offset;
  for (int j = 0; j < kIn; ++j) {
    Value* at = b.CreateAdd(x0, f.Int(j));
    in_x.push_back(b.CreateICmpULT(at, f.DimValue(x[2])));
    x_offset.push_back(b.CreateMul(at, f.DimValue(s.x.strides[2])));
  }
  Each(kIn, [&](Value* i) {
    Value* at = b.CreateAdd(y0, i);
    Value* in_y = b.CreateICmpULT(at, f.DimValue(x[1]));
    Value* line = b.CreateAdd(origin, b.CreateMul(at, f.DimValue(s.x.strides[1])));
    for (int j = 0; j < kIn; ++j) {
      Value* address = ElementAt(f, DType::kF32, f.Buffer(s.x.input), b.CreateAdd(line, x_offset[j]));
      Value* pixel = b.CreateSelect(b.CreateAnd(in_y, in_x[j]), address, zeros);
      Value* entry = b.CreateGEP(b.getPtrTy(), table, b.CreateAdd(b.CreateMul(i, f.Int(kIn)), f.Int(j)));
      b.CreateAlignedStore(pixel, entry, llvm::Align(8));
    }
  });
  const int64_t plane = p.padded_block() * p.padded_channels();
  const int64_t whole = p.channels / p.tile.lanes * p.tile.lanes;
  const auto channels = [&](Value* c, Value* mask) {
    Each(kIn, [&](Value* j) {
      Values d;
      for (int i = 0; i < kIn; ++i) {
        Value* entry = b.CreateGEP(b.getPtrTy(), table, b.CreateAdd(j, f.Int(i * kIn)));
        Value* at = ElementAt(f, DType::kF32, b.CreateAlignedLoad(b.getPtrTy(), entry, llvm::Align(8)), c);
        EmitContext e{b, f.module, f.row};
        d.push_back(LoadLanes(e, DType::kF32, at, f.Int(1), mask, p.tile.lanes));
      }
      StoreHalf(ApplyInput(*this, d), j);
    });
    Value* to = b.CreateAdd(b.CreateMul(tile, f.Int(p.padded_channels())), c);
    Each(kIn, [&](Value* i) {
      const Values line = ApplyInput(*this, LoadHalf(i));
      Value* first = b.CreateAdd(to, b.CreateMul(i, f.Int(kIn * plane)));
      for (int j = 0; j < kIn; ++j) Store(line[static_cast<size_t>(j)], v, b.CreateAdd(first, f.Int(j * plane)));
    });
  };
  f.Loop(f.Int(0), f.Int(whole), p.tile.lanes, {}, [&](Value* c, llvm::ArrayRef<Value*>) -> Values {
    channels(c, nullptr);
    return {};
  });
  if (whole != p.channels) channels(f.Int(whole), LaneMask(b, f.Int(p.channels - whole), 0, p.tile.lanes));
}

// While the tiles of rows run over one product's filter they fetch the next one's, which follows it in memory: each
// step a line, or as many as all tiles together need.
int64_t Writer::NextBytes() const {
  const int64_t row_tiles = p.padded_block() / p.tile.mr;
  return (p.tile.nr() * 4 + row_tiles - 1) / row_tiles;
}

// One tile of rows by one product's filter. What moves with each channel is carried along: LLVM would multiply for it.
Values Writer::Products(Value* rows, Value* u, Value* row_tile) {
  auto& b = f.b;
  const int mr = p.tile.mr, nv = p.tile.nv, nr = p.tile.nr();
  const size_t count = static_cast<size_t>(mr * nv);
  Values start(count, llvm::Constant::getNullValue(vector()));
  start.push_back(u);
  Value* skip = b.CreateMul(b.CreateMul(row_tile, f.Int(p.channels)), f.Int(NextBytes()));
  skip = b.CreateAdd(skip, f.Int(p.channels * nr * 4));
  if (p.FilterIsLarge()) start.push_back(b.CreateGEP(b.getInt8Ty(), u, skip));
  Values sums = f.Loop(f.Int(0), f.Int(p.channels), 1, start, [&](Value* c, llvm::ArrayRef<Value*> carried) {
    Values next(carried.begin(), carried.begin() + static_cast<std::ptrdiff_t>(count)), y;
    Value* line = carried[count];
    for (int j = 0; j < nv; ++j) y.push_back(Load(line, f.Int(j * p.tile.lanes)));
    if (p.FilterIsLarge()) f.Prefetch(carried.back(), NextBytes(), KernelFrame::Cache::kSecond);
    for (int i = 0; i < mr; ++i) {
      Value* row = ElementAt(f, DType::kF32, rows, f.Int(i * p.padded_channels()));
      Value* x = b.CreateAlignedLoad(b.getFloatTy(), ElementAt(f, DType::kF32, row, c), llvm::Align(4));
      x = b.CreateVectorSplat(static_cast<unsigned>(p.tile.lanes), x);
      for (int j = 0; j < nv; ++j) {
        Value*& sum = next[static_cast<size_t>(i * nv + j)];
        sum = EmitMultiplyAdd(f, DType::kF32, x, y[static_cast<size_t>(j)], sum);
      }
    }
    next.push_back(ElementAt(f, DType::kF32, line, f.Int(nr)));
    if (p.FilterIsLarge()) next.push_back(b.CreateGEP(b.getInt8Ty(), carried.back(), f.Int(NextBytes())));
    return next;
  });
  sums.resize(count);
  return sums;
}

// M = V * U for one panel: 36 matrix products.
void Writer::Multiply(Value* panel) {
  auto& b = f.b;
  const int mr = p.tile.mr, nr = p.tile.nr();
  const int64_t u_plane = p.channels * nr;
  Value* u_panel = b.CreateMul(panel, f.Int(kProducts * u_plane));
  Value* row_tiles = b.CreateUDiv(b.CreateAdd(tiles, f.Int(mr - 1)), f.Int(mr));
  f.Loop(f.Int(0), f.Int(kProducts), 1, {}, [&](Value* product, llvm::ArrayRef<Value*>) -> Values {
    Value* u = ElementAt(f, DType::kF32, f.Buffer(s.w.input),
                         b.CreateAdd(u_panel, b.CreateMul(product, f.Int(u_plane))));
    f.Loop(f.Int(0), row_tiles, 1, {}, [&](Value* row_tile, llvm::ArrayRef<Value*>) -> Values {
      Value* first = b.CreateAdd(b.CreateMul(product, f.Int(p.padded_block())), b.CreateMul(row_tile, f.Int(mr)));
      Value* rows = ElementAt(f, DType::kF32, v, b.CreateMul(first, f.Int(p.padded_channels())));
      const Values sums = Products(rows, u, row_tile);
      Value* to = ElementAt(f, DType::kF32, m, b.CreateMul(first, f.Int(nr)));
      for (size_t i = 0; i < sums.size(); ++i) Store(sums[i], to, f.Int(static_cast<int64_t>(i) * p.tile.lanes));
      return {};
    });
    return {};
  });
}

// A' M A of one tile and panel into `done`: [4][4][nr].
void Writer::TransformOutput(Value* tile, Value*) {
  auto& b = f.b;
  const int nr = p.tile.nr();
  f.Loop(f.Int(0), f.Int(nr), p.tile.lanes, {}, [&](Value* column, llvm::ArrayRef<Value*>) -> Values {
    Value* from = b.CreateAdd(b.CreateMul(tile, f.Int(nr)), column);
    const int64_t plane = p.padded_block() * nr;
    Each(kIn, [&](Value* j) {
      Value* first = b.CreateAdd(from, b.CreateMul(j, f.Int(plane)));
      Values line;
      for (int i = 0; i < kIn; ++i) line.push_back(Load(m, b.CreateAdd(first, f.Int(i * kIn * plane))));
      StoreHalf(ApplyOutput(*this, line), j);
    });
    Each(kOut, [&](Value* i) {
      const Values line = ApplyOutput(*this, LoadHalf(i));
      Value* first = b.CreateAdd(column, b.CreateMul(i, f.Int(kOut * nr)));
      for (int j = 0; j < kOut; ++j) Store(line[static_cast<size_t>(j)], done, b.CreateAdd(first, f.Int(j * nr)));
    });
    return {};
  });
}

// The pixels of the tile that lie inside the output, through the epilogue.
void Writer::StoreTile(Value* tile, Value* panel) {
  auto& b = f.b;
  const int nr = p.tile.nr();
  const Shape& out = s.node->shape();
  const std::array<Value*, 3> place = Place(tile);
  Value *image = place[0], *row = place[1], *column = place[2];  // no bindings: Clang 14 captures none
  Value *y0 = b.CreateMul(row, f.Int(kOut)), *x0 = b.CreateMul(column, f.Int(kOut));
  const auto inside = [&](Value* first, const Dim& extent) {
    Value* left = b.CreateSub(f.DimValue(extent), first);
    return b.CreateSelect(b.CreateICmpSLT(left, f.Int(kOut)), left, f.Int(kOut));
  };
  Value *count_y = inside(y0, out[1]), *count_x = inside(x0, out[2]);
  Value* base = b.CreateMul(panel, f.Int(nr));
  Values columns, masks;
  for (int j = 0; j < p.tile.nv; ++j) {
    columns.push_back(b.CreateAdd(base, f.Int(j * p.tile.lanes)));
    Value* left = b.CreateSub(f.Int(p.outputs), base);
    masks.push_back(p.outputs % nr == 0 ? nullptr : LaneMask(b, left, j * p.tile.lanes, p.tile.lanes));
  }
  f.Loop(f.Int(0), count_y, 1, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
    epilogue.BeginBlock(f, {image, b.CreateAdd(y0, i)});
    f.Loop(f.Int(0), count_x, 1, {}, [&](Value* j, llvm::ArrayRef<Value*>) -> Values {
      Value* at = b.CreateMul(b.CreateAdd(b.CreateMul(i, f.Int(kOut)), j), f.Int(nr));
      Values sums;
      for (int k = 0; k < p.tile.nv; ++k) sums.push_back(Load(done, b.CreateAdd(at, f.Int(k * p.tile.lanes))));
      epilogue.EmitRow(f, {b.CreateAdd(x0, j), columns, masks, sums}, p.tile.lanes);
      return {};
    });
    return {};
  });
}

void Writer::Chunk(Value* chunk) {
  auto& b = f.b;
  const auto minimum = [&](Value* x, Value* y) { return b.CreateSelect(b.CreateICmpSLT(x, y), x, y); };
  first_tile = b.CreateMul(b.CreateUDiv(chunk, f.Int(p.groups())), f.Int(p.block));
  tiles = minimum(b.CreateSub(f.DimValue(p.Tiles()), first_tile), f.Int(p.block));
  Value* first_panel = b.CreateMul(b.CreateURem(chunk, f.Int(p.groups())), f.Int(p.group_panels));
  Value* last_panel = minimum(b.CreateAdd(first_panel, f.Int(p.group_panels)), f.Int(p.panels()));
  const auto each_tile = [&](const std::function<void(Value*)>& body) {
    f.Loop(f.Int(0), tiles, 1, {}, [&](Value* tile, llvm::ArrayRef<Value*>) -> Values {
      body(tile);
      return {};
    });
  };
  each_tile([&](Value* tile) { TransformInput(tile); });
  f.Loop(first_panel, last_panel, 1, {}, [&](Value* panel, llvm::ArrayRef<Value*>) -> Values {
    Multiply(panel);
    each_tile([&](Value* tile) {
      TransformOutput(tile, panel);
      StoreTile(tile, panel);
    });
    return {};
  });
}

// Steps of one vector multiply-add each that the two ways take, with what each achieves of the machine's rate.
struct Costs {
  double direct, winograd;
};

Costs EstimateCosts(const WinogradPlan& p, const Shape& out) {
  const double lanes = p.tile.lanes;
  const double products = static_cast<double>(p.channels) * static_cast<double>(p.panels() * p.tile.nr()) / lanes;
  const double pixels = LikelyElements({out[0], out[1], out[2]});
  const double tiles = p.LikelyTiles();
  const double blocks = std::ceil(tiles / static_cast<double>(p.block));
  const double rows = blocks * std::ceil(std::min<double>(tiles, p.block) / p.tile.mr) * p.tile.mr;
  Costs costs;
  costs.direct = pixels * kFilter * kFilter * products / 0.85;
  costs.winograd = rows * kProducts * products / 0.8;
  costs.winograd += tiles * 500 * static_cast<double>(p.groups() * p.channels + p.outputs) / lanes;
  // Steps a vector of the filter takes to arrive; a block reads all of it.
  costs.winograd += (p.FilterIsLarge() ? 16 : 2) * blocks * kProducts * products;
  return costs;
}

// spread: into more chunks than the caches ask for, for a few cores.
WinogradPlan PlanChunks(const ConvShape& s, const TargetRow& row, bool spread) {
  constexpr int64_t kBlockBytes = 1 << 20;  // of V: most of a second-level cache
  const Shape& out = s.node->shape();
  WinogradPlan p;
  p.channels = s.channels.value();
  p.outputs = s.outputs.value();
  p.images = out[0];
  p.rows = CeilDiv(out[1], Dim(kOut));
  p.columns = CeilDiv(out[2], Dim(kOut));
  const int64_t fits = std::clamp<int64_t>(kBlockBytes / (kProducts * 4 * p.channels), 16, 64);
  const bool known = p.rows.IsConst() && p.columns.IsConst();
  const int64_t all = known ? static_cast<int64_t>(p.LikelyTiles()) : fits;
  const bool is_shared = p.outputs * p.channels * kProducts * 4 <= kSharedFilter;
  const int64_t wanted_blocks = !is_shared || !spread ? 1 : std::clamp<int64_t>((all + 8) / 16, 1, 4);
  // Even blocks: the last one is as large as the others.
  const int64_t blocks = std::max((all + fits - 1) / fits, wanted_blocks);
  p.block = (all + blocks - 1) / blocks;
  MatrixProblem products;
  products.m = Dim(p.block);
  products.n = s.outputs;
  products.k = s.channels;
  p.tile = ChooseTile(row, products);
  // Where tiles are few, the channels are spread over the cores instead; the input is transformed once for each group.
  const int64_t wanted = std::max<int64_t>(1, 8 / blocks);
  const int64_t least_outputs = !spread ? 128 : blocks > 1 || p.outputs > 64 ? 64 : 32;
  p.group_panels = std::max((p.panels() + wanted - 1) / wanted, (least_outputs + p.tile.nr() - 1) / p.tile.nr());
  return p;
}

// One chunk occupies one thread, where plain sums would occupy several.
bool Pays(const WinogradPlan& p, const ConvShape& s) {
  const Costs costs = EstimateCosts(p, s.node->shape());
  return costs.winograd * (p.Chunks().IsConst(1) ? 1.5 : 1) < costs.direct;
}

// Spread where that pays, though each block reads the filter and each group transforms the input.
WinogradPlan PlanFor(const ConvShape& s, const TargetRow& row) {
  const WinogradPlan p = PlanChunks(s, row, true);
  return Pays(p, s) ? p : PlanChunks(s, row, false);
}

}  // namespace

bool PrefersWinograd(const KernelSpec& spec, const ConvShape& s, const TargetRow& row) {
  const Window& w = *s.window;
  if (spec.plain_sums || s.spatial != 2 || w.groups != 1 || s.node->type.dtype != DType::kF32) return false;
  for (int d = 0; d < 2; ++d) {
    if (w.kernel[d] != kFilter || w.strides[d] != 1 || w.dilations[d] != 1) return false;
  }
  if (s.x.dtype != DType::kF32 || s.w.dtype != DType::kF32) return false;
  if (!s.channels.IsConst() || !s.outputs.IsConst()) return false;
  if (!s.w.offset.IsConst() || !IsPackable(spec, s.w.input) || s.channels.value() < 16) return false;
  for (const Dim& stride : s.w.strides) {
    if (!stride.IsConst()) return false;
  }
  return Pays(PlanFor(s, row), s);
}

Status BuildWinograd(const KernelSpec& spec, const ConvShape& s, const TargetRow& row, llvm::Module& module,
                     const std::string& symbol, KernelDraft* draft) {
  const WinogradPlan p = PlanFor(s, row);
  Epilogue epilogue(spec, s.node);
  FoldedDims dims;
  dims.outer = 2;
  epilogue.Fold(dims);
  KernelFrame f(module, row, symbol, draft);
  f.TakesDenormalsAsZero(spec);
  Writer w{f, s, p, epilogue};
  const int64_t zero_bytes = p.padded_channels() * 4;
  const int64_t v_bytes = kProducts * p.padded_block() * p.padded_channels() * 4;
  const int64_t m_bytes = kProducts * p.padded_block() * p.tile.nr() * 4;
  const int64_t done_bytes = kOut * kOut * p.tile.nr() * 4;
  auto* type = llvm::FunctionType::get(f.b.getPtrTy(), {f.b.getInt64Ty()}, false);
  const auto aligned = [](int64_t bytes) { return (bytes + 63) / 64 * 64; };
  const auto behind = [&](Value* block, int64_t bytes) {
    return f.b.CreateGEP(f.b.getInt8Ty(), block, f.Int(aligned(bytes)));
  };
  const int64_t bytes = aligned(zero_bytes) + aligned(v_bytes) + aligned(m_bytes) + aligned(done_bytes);
  w.zeros = f.b.CreateCall(f.Runtime("belay_scratch", type), {f.Int(bytes)});
  w.v = behind(w.zeros, zero_bytes);
  w.m = behind(w.v, v_bytes);
  w.done = behind(w.m, m_bytes);
  w.half = f.EntryAlloca(w.vector(), kProducts, 64);
  f.b.CreateMemSet(w.zeros, f.b.getInt8(0), f.Int(zero_bytes), llvm::Align(64));
  f.AdvancesAddresses();
  f.Loop(f.begin, f.end, 1, {}, [&](Value* chunk, llvm::ArrayRef<Value*>) -> Values {
    w.Chunk(chunk);
    return {};
  });
  f.Finish();

  draft->chunks = p.Chunks();
  const double chunks = std::ceil(p.LikelyTiles() / static_cast<double>(p.block)) * static_cast<double>(p.groups());
  draft->ns_per_chunk = EstimateCosts(p, s.node->shape()).winograd / 6 / std::max(1.0, chunks);
  draft->about = fmt::format("winograd tile {}x{}, {} tiles, K {}{}", p.tile.mr, p.tile.nr(), p.block, p.channels,
                             epilogue.Describe());
  const FilterLayout l{s.w.offset.value(), s.w.strides[0].value(), s.w.strides[1].value(), s.w.strides[2].value(),
                       s.w.strides[3].value(), p.channels, p.outputs, p.tile.nr()};
  PackRequest pack;
  pack.input = s.w.input;
  pack.layout = fmt::format("winograd 4,3 nr {} at {} strides {} {} {} {} C {} O {}", l.nr, l.offset, l.y_stride,
                            l.x_stride, l.c_stride, l.o_stride, l.channels, l.outputs);
  pack.bytes = p.filter_bytes();
  pack.pack = [l](const void* src, void* dst) {
    PackFilter(l, static_cast<const float*>(src), static_cast<float*>(dst));
  };
  draft->packs.push_back(std::move(pack));
  return OkStatus();
}

}  // namespace belay
