// Rows of convolutions for register tiles: a table of pixels, or copied windows.
#include "backend/cpu/build_conv_rows.h"

#include "backend/cpu/build_contract_rows.h"

namespace belay {
namespace {

using llvm::Value;
using Values = std::vector<Value*>;

// Output pixels of a block as coordinates: image, spatial....
struct PixelWalk {
  const ConvShape& shape;
  Dim rows;                   // of the matrix problem: pixels behind each outer coordinate
  std::vector<Dim> extents;   // image, spatial...

  PixelWalk(const ConvShape& s, Dim m) : shape(s), rows(std::move(m)) {
    extents.assign(s.node->shape().begin(), s.node->shape().end() - 1);
  }
  // Coordinates of the block's first pixel. `outer` are the leading coordinates that are no rows.
  Values First(KernelFrame& f, llvm::ArrayRef<Value*> outer, Value* first_row) const {
    auto& b = f.b;
    Value* pixel = f.Int(0);
    for (size_t d = 0; d < outer.size(); ++d) {
      pixel = b.CreateAdd(b.CreateMul(pixel, f.DimValue(extents[d])), outer[d]);
    }
    pixel = b.CreateAdd(b.CreateMul(pixel, f.DimValue(rows)), first_row);
    Values coords(extents.size());
    for (size_t d = extents.size(); d-- > 0;) {
      coords[d] = d == 0 ? pixel : b.CreateURem(pixel, f.DimValue(extents[d]));
      if (d != 0) pixel = b.CreateUDiv(pixel, f.DimValue(extents[d]));
    }
    return coords;
  }
  // The next pixel's, or the same when `more` is false.
  Values Next(KernelFrame& f, llvm::ArrayRef<Value*> coords, Value* more) const {
    auto& b = f.b;
    Values next(coords.begin(), coords.end());
    Value* carry = more;
    for (size_t d = coords.size(); d-- > 0;) {
      Value* up = b.CreateAdd(coords[d], b.CreateZExt(carry, b.getInt64Ty()));
      if (d == 0) {
        next[d] = up;
      } else {
        carry = b.CreateICmpEQ(up, f.DimValue(extents[d]));
        next[d] = b.CreateSelect(carry, f.Int(0), up);
      }
    }
    return next;
  }
};

// Where windows begin in x, which may be outside: a position in each spatial dim, of one window or of a vector of them.
using WindowStart = Values;

WindowStart StartOf(KernelFrame& f, const ConvShape& s, llvm::ArrayRef<Value*> pixel) {
  auto& b = f.b;
  WindowStart start;
  for (int d = 0; d < s.spatial; ++d) {
    Value* first = b.CreateMul(pixel[d + 1], f.Int(s.window->strides[d]));
    start.push_back(b.CreateSub(first, f.DimValue(s.window->pads_lo[d])));
  }
  return start;
}

// The element offset in x of a window's first pixel, from its image's on.
Value* OffsetOf(KernelFrame& f, const ConvShape& s, const WindowStart& start, Value* offset) {
  for (int d = 0; d < s.spatial; ++d) {
    offset = f.b.CreateAdd(offset, f.b.CreateMul(start[d], f.DimValue(s.x.strides[d + 1])));
  }
  return offset;
}

// One position in the window's leading dims.
struct TapPlace {
  Value* tap;     // its number among the looped taps
  Value* offset;  // in elements of x, from the window's first pixel
  Values inside;  // i1, or a vector of them, by window
};

// Calls `body` for each combination of the first `dims` window dims, in row-major order.
void ForTaps(KernelFrame& f, const ConvShape& s, llvm::ArrayRef<WindowStart> windows, int dims, int d,
             const TapPlace& at, const std::function<void(const TapPlace&)>& body) {
  if (d == dims) return body(at);
  auto& b = f.b;
  const Window& w = *s.window;
  const Dim& extent = s.node->inputs[0]->shape()[d + 1];
  f.Loop(f.Int(0), f.Int(w.kernel[d]), 1, {}, [&](Value* k, llvm::ArrayRef<Value*>) -> Values {
    Value* reach = b.CreateMul(k, f.Int(w.dilations[d]));
    TapPlace next;
    next.tap = b.CreateAdd(b.CreateMul(at.tap, f.Int(w.kernel[d])), k);
    next.offset = b.CreateAdd(at.offset, b.CreateMul(reach, f.DimValue(s.x.strides[d + 1])));
    for (size_t i = 0; i < windows.size(); ++i) {
      Value* start = windows[i][d];
      const auto like_start = [&](Value* x) {
        auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(start->getType());
        return vector == nullptr ? x : b.CreateVectorSplat(vector->getNumElements(), x);
      };
      Value* in = b.CreateICmpULT(b.CreateAdd(start, like_start(reach)), like_start(f.DimValue(extent)));
      next.inside.push_back(d == 0 ? in : b.CreateAnd(at.inside[i], in));
    }
    ForTaps(f, s, windows, dims, d + 1, next, body);
    return {};
  });
}

// What both ways to find rows share.
class ConvRows : public RowSource {
 public:
  ConvRows(const ConvShape& s, Dim m) : s_(s), walk_(s, std::move(m)) {}

 protected:
  Values FirstPixel(KernelFrame& f, const MatrixBlock& block) const {
    llvm::ArrayRef<Value*> outer(block.coords);
    return walk_.First(f, s_.window->groups != 1 ? outer.drop_front() : outer, block.first_row);
  }
  const ConvShape& s_;
  PixelWalk walk_;
};

// A table of the block's input pixels: [tile][tap][row of the tile]; pixels outside x share a row. Its entries are
// made a vector of rows at a time, from where each row's window begins.
class TableRows final : public ConvRows {
 public:
  using ConvRows::ConvRows;
  bool AdvancesAddresses() const override { return true; }
  int64_t taps() const override { return s_.taps; }
  Dim ScratchBytes(const MatrixProblem& p) const override {
    return OutsideBytes(p) + Dim(TableBytes(p) + StartBytes(p) * (s_.spatial + 1));
  }
  void BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) override {
    auto& b = f.b;
    // What is no byte is filled with 0.
    Value* fill = b.getInt8(static_cast<uint8_t>(s_.window->fill));
    b.CreateMemSet(block.scratch, fill, f.DimValue(OutsideBytes(p)), llvm::Align(64));
    table_ = b.CreateGEP(b.getInt8Ty(), block.scratch, f.DimValue(OutsideBytes(p)));
    starts_ = b.CreateGEP(b.getInt8Ty(), table_, f.Int(TableBytes(p)));
    Value* tiles = b.CreateUDiv(b.CreateAdd(block.rows, f.Int(p.tile.mr - 1)), f.Int(p.tile.mr));
    StoreStarts(f, p, block, b.CreateMul(tiles, f.Int(p.tile.mr)));
    f.Loop(f.Int(0), tiles, 1, {}, [&](Value* tile, llvm::ArrayRef<Value*>) -> Values {
      StoreEntries(f, p, block, tile);
      return {};
    });
  }
  Values Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock&, Value* tile, Value* tap) override {
    auto& b = f.b;
    Value* line = b.CreateMul(b.CreateAdd(b.CreateMul(tile, f.Int(s_.taps)), tap), f.Int(p.tile.mr));
    Values rows;
    for (int i = 0; i < p.tile.mr; ++i) {
      Value* entry = b.CreateGEP(b.getPtrTy(), table_, b.CreateAdd(line, f.Int(i)));
      rows.push_back(b.CreateAlignedLoad(b.getPtrTy(), entry, llvm::Align(8)));
    }
    return rows;
  }

 private:
  static constexpr int64_t kVectorBytes = 64;  // at most, of entries written at once
  Dim OutsideBytes(const MatrixProblem& p) const { return RoundUp(p.TapWords() * Dim(ElementBytes(p.acc)), 64); }
  // Whole vectors are read and written: what is behind a tile's rows belongs to the next tap or tile.
  static int64_t WithVector(int64_t entries) { return (entries * 8 + kVectorBytes + 63) / 64 * 64; }
  int64_t TableBytes(const MatrixProblem& p) const { return WithVector(p.block_tiles * p.tile.mr * s_.taps); }
  static int64_t StartBytes(const MatrixProblem& p) { return WithVector(p.block_tiles * p.tile.mr); }
  Value* Start(KernelFrame& f, const MatrixProblem& p, int d, Value* i) const {
    Value* at = f.b.CreateAdd(f.Int(d * (StartBytes(p) / 8)), i);
    return f.b.CreateGEP(f.b.getInt64Ty(), starts_, at);
  }

  // By pixel: its window's position in each spatial dim, then its address.
  void StoreStarts(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block, Value* count) {
    auto& b = f.b;
    f.Loop(f.Int(0), count, 1, FirstPixel(f, block), [&](Value* i, llvm::ArrayRef<Value*> pixel) {
      WindowStart start = StartOf(f, s_, pixel);
      Value* offset = OffsetOf(f, s_, start, ImageOffset(f, s_, block, pixel[0]));
      start.push_back(ElementAt(f, s_.x.dtype, f.Buffer(s_.x.input), offset));
      for (int d = 0; d <= s_.spatial; ++d) b.CreateAlignedStore(start[d], Start(f, p, d, i), llvm::Align(8));
      return walk_.Next(f, pixel, b.CreateICmpSLT(b.CreateAdd(i, f.Int(1)), block.rows));
    });
  }

  void StoreEntries(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block, Value* tile) {
    auto& b = f.b;
    const int mr = p.tile.mr, lanes = f.row.vector_bytes / 8;
    auto* vector = llvm::FixedVectorType::get(b.getInt64Ty(), lanes);
    const auto splat = [&](Value* x) { return b.CreateVectorSplat(lanes, x); };
    Value* row = b.CreateMul(tile, f.Int(mr));
    std::vector<WindowStart> windows;
    for (int i = 0; i < mr; i += lanes) {
      windows.emplace_back();
      for (int d = 0; d <= s_.spatial; ++d) {
        Value* from = Start(f, p, d, b.CreateAdd(row, f.Int(i)));
        windows.back().push_back(b.CreateAlignedLoad(vector, from, llvm::Align(8)));
      }
    }
    Value* outside = splat(b.CreatePtrToInt(block.scratch, b.getInt64Ty()));
    ForTaps(f, s_, windows, s_.spatial, 0, {f.Int(0), f.Int(0), {}}, [&](const TapPlace& at) {
      Value* bytes = splat(b.CreateMul(at.offset, f.Int(ElementBytes(s_.x.dtype))));
      Value* entry = b.CreateAdd(b.CreateMul(row, f.Int(s_.taps)), b.CreateMul(at.tap, f.Int(mr)));
      for (size_t i = 0; i < windows.size(); ++i) {
        Value* address = b.CreateSelect(at.inside[i], b.CreateAdd(windows[i].back(), bytes), outside);
        Value* to = b.CreateGEP(b.getInt64Ty(), table_, b.CreateAdd(entry, f.Int(static_cast<int64_t>(i) * lanes)));
        b.CreateAlignedStore(address, to, llvm::Align(8));
      }
    });
  }

  Value *table_ = nullptr, *starts_ = nullptr;
};

// Windows copied one behind the other: few channels, or another dtype. Where the window's last dim is
// contiguous in x, it is copied in one run.
class WindowRows final : public ConvRows {
 public:
  WindowRows(const ConvShape& s, Dim m) : ConvRows(s, std::move(m)) {
    const int last = s.spatial - 1;
    merged_ = s.window->dilations[last] == 1 && s.x.strides[s.spatial] == s.group_channels &&
              s.window->groups == 1;
  }
  Dim ScratchBytes(const MatrixProblem& p) const override {
    return RoundUp((p.Words() * Dim(p.block_tiles * p.tile.mr) + Dim(p.tile.lanes)) * Dim(ElementBytes(p.acc)), 64);
  }
  void BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) override {
    auto& b = f.b;
    base_ = block.scratch;
    const int looped = s_.spatial - (merged_ ? 1 : 0);
    f.Loop(f.Int(0), block.rows, 1, FirstPixel(f, block), [&](Value* i, llvm::ArrayRef<Value*> pixel) {
      const WindowStart start = StartOf(f, s_, pixel);
      Value* offset = OffsetOf(f, s_, start, ImageOffset(f, s_, block, pixel[0]));
      Value* row = ElementAt(f, p.acc, base_, b.CreateMul(i, f.DimValue(p.Words())));
      ForTaps(f, s_, start, looped, 0, {f.Int(0), offset, {b.getTrue()}},
              [&](const TapPlace& at) { CopyRun(f, p, start, at, row); });
      if (p.Words() * Dim(p.dot.group) != p.k) ClearBehind(f, p, row);
      return walk_.Next(f, pixel, b.getTrue());
    });
  }
  Values Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock&, Value* tile, Value*) override {
    return RowsOf(f, p, base_, p.Words(), tile);
  }
  std::vector<Run> Runs(KernelFrame& f, const MatrixProblem& p, const MatrixBlock&, Value* tile, Value*) override {
    return RunsOf(f, p, base_, p.Words(), tile);
  }

 private:
  // Of one run: its elements that lie inside x.
  struct Inside {
    Value *low, *high, *length;
  };

  // Whole vectors: what is written behind a run is overwritten by the next one.
  void CopyRun(KernelFrame& f, const MatrixProblem& p, const WindowStart& start, const TapPlace& at, Value* row) {
    auto& b = f.b;
    const int last = s_.spatial - 1;
    const Dim run = merged_ ? s_.group_channels * Dim(s_.window->kernel[last]) : s_.group_channels;
    Inside in{f.Int(0), f.DimValue(run), f.DimValue(run)};
    if (merged_) {
      const Dim& extent = s_.node->inputs[0]->shape()[last + 1];
      Value* channels = f.DimValue(s_.group_channels);
      in.low = b.CreateMul(b.CreateNeg(start[last]), channels);
      in.high = b.CreateMul(b.CreateSub(f.DimValue(extent), start[last]), channels);
      in.high = b.CreateSelect(b.CreateICmpSLT(in.high, in.length), in.high, in.length);
    }
    in.high = b.CreateSelect(at.inside[0], in.high, f.Int(-1));
    Value* dst = ElementAt(f, p.dot.a, row, b.CreateMul(at.tap, in.length));
    Value* src = ElementAt(f, s_.x.dtype, f.Buffer(s_.x.input), at.offset);
    if (p.dot.group == 1) return CopyMasked(f, p, in, src, dst);
    // Nearly all runs lie inside.
    Value* all = b.CreateAnd(b.CreateICmpSLE(in.low, f.Int(0)), b.CreateICmpEQ(in.high, in.length));
    f.If(all, {}, [&]() -> Values { return CopyWhole(f, p, run, src, dst), Values{}; });
    f.If(b.CreateNot(all), {}, [&]() -> Values { return CopyMasked(f, p, in, src, dst), Values{}; });
  }

  void CopyVector(KernelFrame& f, const MatrixProblem& p, Value* src, Value* dst, Value* k, Value* mask) {
    EmitContext e{f.b, f.module, f.row};
    Value* stride = f.DimValue(s_.planes ? s_.x.strides.back() : Dim(1));
    Value* from = ElementAt(f, s_.x.dtype, src, f.b.CreateMul(k, stride));
    Value* x = LoadLanes(e, s_.x.dtype, from, stride, mask, Wide(p));
    if (s_.window->fill != 0 && mask != nullptr) {
      x = f.b.CreateSelect(mask, x, IntConstant(x->getType(), s_.window->fill));
    }
    f.b.CreateAlignedStore(ToMemory(e, p.dot.a, EmitCast(e, s_.x.dtype, p.dot.a, x)), ElementAt(f, p.dot.a, dst, k),
                           llvm::Align(ElementBytes(p.dot.a)));
  }

  void CopyMasked(KernelFrame& f, const MatrixProblem& p, const Inside& in, Value* src, Value* dst) {
    auto& b = f.b;
    f.Loop(f.Int(0), in.length, Wide(p), {}, [&](Value* k, llvm::ArrayRef<Value*>) -> Values {
      Value* mask = LaneMask(b, b.CreateSub(in.high, k), 0, Wide(p));
      if (merged_) mask = b.CreateAnd(mask, b.CreateNot(LaneMask(b, b.CreateSub(in.low, k), 0, Wide(p))));
      CopyVector(f, p, src, dst, k, mask);
      return {};
    });
  }

  void CopyWhole(KernelFrame& f, const MatrixProblem& p, const Dim& run, Value* src, Value* dst) {
    const Dim whole = FloorDiv(run, Wide(p)) * Dim(Wide(p));
    Value* end = f.DimValue(whole);
    f.Loop(f.Int(0), end, Wide(p), {}, [&](Value* k, llvm::ArrayRef<Value*>) -> Values {
      CopyVector(f, p, src, dst, k, nullptr);
      return {};
    });
    if (whole == run) return;
    CopyVector(f, p, src, dst, end, LaneMask(f.b, f.DimValue(run - whole), 0, Wide(p)));
  }

  // Zeros from k to the end of a row's last word.
  void ClearBehind(KernelFrame& f, const MatrixProblem& p, Value* row) {
    const auto count = static_cast<unsigned>(p.tile.lanes * ElementBytes(p.acc));
    auto* bytes = llvm::FixedVectorType::get(f.b.getInt8Ty(), count);
    f.b.CreateAlignedStore(llvm::Constant::getNullValue(bytes), ElementAt(f, p.dot.a, row, f.DimValue(p.k)),
                           llvm::Align(1));
  }

  static int Wide(const MatrixProblem& p) { return p.tile.lanes * p.dot.group; }
  bool merged_ = false;
  Value* base_ = nullptr;
};

}  // namespace

Value* ImageOffset(KernelFrame& f, const ConvShape& s, const MatrixBlock& block, Value* image) {
  auto& b = f.b;
  Value* offset = b.CreateAdd(f.DimValue(s.x.offset), b.CreateMul(image, f.DimValue(s.x.strides[0])));
  if (s.window->groups == 1) return offset;
  return b.CreateAdd(offset, b.CreateMul(block.coords[0], f.DimValue(s.group_channels)));
}

std::unique_ptr<RowSource> MakeTableRows(const ConvShape& s, const Dim& m) {
  return std::make_unique<TableRows>(s, m);
}

std::unique_ptr<RowSource> MakeWindowRows(const ConvShape& s, const Dim& m) {
  return std::make_unique<WindowRows>(s, m);
}

}  // namespace belay
