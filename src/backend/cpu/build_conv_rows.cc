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

// One position of the window's leading dims for an output pixel: element offset in x, inside or not.
struct TapPlace {
  Value* tap;     // its number among the looped taps
  Value* offset;
  Value* inside;  // i1
};

// Calls `body` for each combination of the first `dims` window dims, in row-major order.
void ForTaps(KernelFrame& f, const ConvShape& s, const Values& pixel, int dims, int d, const TapPlace& at,
             const std::function<void(const TapPlace&)>& body) {
  if (d == dims) return body(at);
  auto& b = f.b;
  const Window& w = *s.window;
  const Shape& x = s.node->inputs[0]->shape();
  Value* start = b.CreateSub(b.CreateMul(pixel[d + 1], f.Int(w.strides[d])), f.DimValue(w.pads_lo[d]));
  f.Loop(f.Int(0), f.Int(w.kernel[d]), 1, {}, [&](Value* k, llvm::ArrayRef<Value*>) -> Values {
    Value* in = b.CreateAdd(start, b.CreateMul(k, f.Int(w.dilations[d])));
    TapPlace next;
    next.tap = b.CreateAdd(b.CreateMul(at.tap, f.Int(w.kernel[d])), k);
    next.offset = b.CreateAdd(at.offset, b.CreateMul(in, f.DimValue(s.x.strides[d + 1])));
    next.inside = b.CreateAnd(at.inside, b.CreateICmpULT(in, f.DimValue(x[d + 1])));
    ForTaps(f, s, pixel, dims, d + 1, next, body);
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

// A table of the block's input pixels: [tile][tap][row of the tile]; pixels outside x share a row.
class TableRows final : public ConvRows {
 public:
  using ConvRows::ConvRows;
  bool Copies() const override { return false; }
  int64_t taps() const override { return s_.taps; }
  Dim ScratchBytes(const MatrixProblem& p) const override {
    return OutsideBytes(p) + RoundUp(Dim(p.block_tiles * p.tile.mr * s_.taps * 8), 64);
  }
  void BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) override {
    auto& b = f.b;
    const int mr = p.tile.mr;
    // What is no byte is filled with 0.
    Value* fill = b.getInt8(static_cast<uint8_t>(s_.window->fill));
    b.CreateMemSet(block.scratch, fill, f.DimValue(OutsideBytes(p)), llvm::Align(64));
    table_ = b.CreateGEP(b.getInt8Ty(), block.scratch, f.DimValue(OutsideBytes(p)));
    Value* tiles = b.CreateUDiv(b.CreateAdd(block.rows, f.Int(mr - 1)), f.Int(mr));
    Value* x = f.Buffer(s_.x.input);
    f.Loop(f.Int(0), b.CreateMul(tiles, f.Int(mr)), 1, FirstPixel(f, block),
           [&](Value* i, llvm::ArrayRef<Value*> pixel) {
             Value* tile = b.CreateUDiv(i, f.Int(mr));
             Value* slot = b.CreateAdd(b.CreateMul(tile, f.Int(mr * s_.taps)), b.CreateURem(i, f.Int(mr)));
             Values coords(pixel.begin(), pixel.end());
             ForTaps(f, s_, coords, s_.spatial, 0, {f.Int(0), ImageOffset(f, s_, block, pixel[0]), b.getTrue()},
                     [&](const TapPlace& at) {
                       Value* address = ElementAt(f, s_.x.dtype, x, at.offset);
                       Value* entry = b.CreateAdd(slot, b.CreateMul(at.tap, f.Int(mr)));
                       b.CreateAlignedStore(b.CreateSelect(at.inside, address, block.scratch),
                                            b.CreateGEP(b.getPtrTy(), table_, entry), llvm::Align(8));
                     });
             return walk_.Next(f, pixel, b.CreateICmpSLT(b.CreateAdd(i, f.Int(1)), block.rows));
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
  Dim OutsideBytes(const MatrixProblem& p) const { return RoundUp(p.TapWords() * Dim(ElementBytes(p.acc)), 64); }
  Value* table_ = nullptr;
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
      Values coords(pixel.begin(), pixel.end());
      Value* row = ElementAt(f, p.acc, base_, b.CreateMul(i, f.DimValue(p.Words())));
      ForTaps(f, s_, coords, looped, 0, {f.Int(0), ImageOffset(f, s_, block, pixel[0]), b.getTrue()},
              [&](const TapPlace& at) { CopyRun(f, p, coords, at, row); });
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
  void CopyRun(KernelFrame& f, const MatrixProblem& p, const Values& pixel, const TapPlace& at, Value* row) {
    auto& b = f.b;
    const int last = s_.spatial - 1;
    const Dim run = merged_ ? s_.group_channels * Dim(s_.window->kernel[last]) : s_.group_channels;
    Inside in{f.Int(0), f.DimValue(run), f.DimValue(run)};
    Value* offset = at.offset;
    if (merged_) {
      Value* start = b.CreateSub(b.CreateMul(pixel[last + 1], f.Int(s_.window->strides[last])),
                                 f.DimValue(s_.window->pads_lo[last]));
      const Dim& extent = s_.node->inputs[0]->shape()[last + 1];
      Value* channels = f.DimValue(s_.group_channels);
      in.low = b.CreateMul(b.CreateNeg(start), channels);
      in.high = b.CreateMul(b.CreateSub(f.DimValue(extent), start), channels);
      in.high = b.CreateSelect(b.CreateICmpSLT(in.high, in.length), in.high, in.length);
      offset = b.CreateAdd(offset, b.CreateMul(start, f.DimValue(s_.x.strides[last + 1])));
    }
    in.high = b.CreateSelect(at.inside, in.high, f.Int(-1));
    Value* dst = ElementAt(f, p.dot.a, row, b.CreateMul(at.tap, in.length));
    Value* src = ElementAt(f, s_.x.dtype, f.Buffer(s_.x.input), offset);
    if (p.dot.group == 1) return CopyMasked(f, p, in, src, dst);
    // Nearly all runs lie inside.
    Value* all = b.CreateAnd(b.CreateICmpSLE(in.low, f.Int(0)), b.CreateICmpEQ(in.high, in.length));
    f.If(all, {}, [&]() -> Values { return CopyWhole(f, p, run, src, dst), Values{}; });
    f.If(b.CreateNot(all), {}, [&]() -> Values { return CopyMasked(f, p, in, src, dst), Values{}; });
  }

  void CopyVector(KernelFrame& f, const MatrixProblem& p, Value* src, Value* dst, Value* k, Value* mask) {
    EmitContext e{f.b, f.module, f.row};
    Value* x = LoadLanes(e, s_.x.dtype, ElementAt(f, s_.x.dtype, src, k), f.Int(1), mask, Wide(p));
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
