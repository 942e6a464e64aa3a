#include "backend/cpu/build_conv.h"

#include <algorithm>

#include "backend/cpu/build_contract_matrix.h"
#include "backend/cpu/build_contract_rows.h"
#include "graph/strided.h"

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

// What both ways to find a convolution's rows share.
class ConvRows : public RowSource {
 public:
  ConvRows(const ConvShape& s, Dim m, bool groups) : s_(s), walk_(s, std::move(m)), groups_(groups) {}

 protected:
  // The element offset of a pixel's image and of the block's group.
  Value* ImageOffset(KernelFrame& f, const MatrixBlock& block, Value* image) const {
    auto& b = f.b;
    Value* offset = b.CreateAdd(f.DimValue(s_.x.offset), b.CreateMul(image, f.DimValue(s_.x.strides[0])));
    if (!groups_) return offset;
    return b.CreateAdd(offset, b.CreateMul(block.coords[0], f.DimValue(s_.group_channels)));
  }
  Values FirstPixel(KernelFrame& f, const MatrixBlock& block) const {
    llvm::ArrayRef<Value*> outer(block.coords);
    return walk_.First(f, groups_ ? outer.drop_front() : outer, block.first_row);
  }
  const ConvShape& s_;
  PixelWalk walk_;
  bool groups_;
};

// A table of the block's input pixels: [tile][tap][row of the tile]; pixels outside x are a row of zeros.
class TableRows final : public ConvRows {
 public:
  using ConvRows::ConvRows;
  int64_t taps() const override { return s_.taps; }
  Dim ScratchBytes(const MatrixProblem& p) const override {
    return ZeroBytes(p) + RoundUp(Dim(p.block_tiles * p.tile.mr * s_.taps * 8), 64);
  }
  void BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) override {
    auto& b = f.b;
    const int mr = p.tile.mr;
    b.CreateMemSet(block.scratch, b.getInt8(0), f.DimValue(ZeroBytes(p)), llvm::Align(64));
    table_ = b.CreateGEP(b.getInt8Ty(), block.scratch, f.DimValue(ZeroBytes(p)));
    Value* tiles = b.CreateUDiv(b.CreateAdd(block.rows, f.Int(mr - 1)), f.Int(mr));
    Value* x = f.Buffer(s_.x.input);
    f.Loop(f.Int(0), b.CreateMul(tiles, f.Int(mr)), 1, FirstPixel(f, block),
           [&](Value* i, llvm::ArrayRef<Value*> pixel) {
             Value* tile = b.CreateUDiv(i, f.Int(mr));
             Value* slot = b.CreateAdd(b.CreateMul(tile, f.Int(mr * s_.taps)), b.CreateURem(i, f.Int(mr)));
             Values coords(pixel.begin(), pixel.end());
             ForTaps(f, s_, coords, s_.spatial, 0, {f.Int(0), ImageOffset(f, block, pixel[0]), b.getTrue()},
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
  Dim ZeroBytes(const MatrixProblem& p) const { return RoundUp(p.TapWords() * Dim(ElementBytes(p.acc)), 64); }
  Value* table_ = nullptr;
};

// Windows copied one behind the other: few channels, or another dtype. Where the window's last dim is
// contiguous in x, it is copied in one run.
class WindowRows final : public ConvRows {
 public:
  WindowRows(const ConvShape& s, Dim m, bool groups) : ConvRows(s, std::move(m), groups) {
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
      ForTaps(f, s_, coords, looped, 0, {f.Int(0), ImageOffset(f, block, pixel[0]), b.getTrue()},
              [&](const TapPlace& at) { CopyRun(f, p, coords, at, row); });
      if (p.Words() * Dim(p.dot.group) != p.k) ClearBehind(f, p, row);
      return walk_.Next(f, pixel, b.getTrue());
    });
  }
  Values Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock&, Value* tile, Value*) override {
    Value* first = f.b.CreateMul(tile, f.Int(p.tile.mr));
    Values rows;
    for (int i = 0; i < p.tile.mr; ++i) {
      Value* row = f.b.CreateAdd(first, f.Int(i));
      rows.push_back(ElementAt(f, p.acc, base_, f.b.CreateMul(row, f.DimValue(p.Words()))));
    }
    return rows;
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

bool IsPointwise(const ConvShape& s) {
  const Window& w = *s.window;
  for (int d = 0; d < s.spatial; ++d) {
    if (w.kernel[d] != 1 || w.strides[d] != 1 || !w.pads_lo[d].IsConst(0)) return false;
    if (s.node->shape()[d + 1] != s.node->inputs[0]->shape()[d + 1]) return false;
  }
  return w.groups == 1;
}

constexpr int64_t kFewWords = 12;

std::unique_ptr<RowSource> MakeRows(const ConvShape& s, const MatrixProblem& p, int outer, bool groups) {
  const Dim& channels = s.group_channels;
  const bool whole = p.dot.group == 1 || (channels.IsConst() && channels.value() % p.dot.group == 0);
  const bool in_place = s.x.dtype == p.dot.a && whole;
  if (in_place && IsPointwise(s)) {
    MatrixOperand a = s.x;
    std::optional<Dim> row = MergedStride(s.node->shape(), a.strides, outer, s.spatial + 1);
    if (row) {
      a.strides.assign(s.x.strides.begin(), s.x.strides.begin() + outer);
      a.strides.push_back(*row);
      a.strides.push_back(1);
      return std::make_unique<StridedRows>(a);
    }
  }
  const bool few = channels.IsConst() && channels.value() < kFewWords * p.dot.group;
  if (few || !in_place) return std::make_unique<WindowRows>(s, p.m, groups);
  return std::make_unique<TableRows>(s, p.m, groups);
}

}  // namespace

std::string AnalyzeConv(const Node* node, ConvShape* s) {
  s->node = node;
  s->window = node->window.get();
  s->spatial = node->rank() - 2;
  if (s->spatial < 1) return "no spatial dims";
  std::optional<MatrixOperand> x = ResolveOperand(node->inputs[0]), w = ResolveOperand(node->inputs[1]);
  if (!x || !w) return "an operand is not a strided input";
  s->x = *x;
  s->w = *w;
  s->channels = node->inputs[0]->shape().back();
  const Shape& weights = node->inputs[1]->shape();
  s->group_channels = weights[s->spatial];
  s->outputs = weights[s->spatial + 1];
  if (!s->x.strides.back().IsConst(1) && !s->channels.IsConst(1)) return "channels are not consecutive";
  s->taps = 1;
  for (int64_t k : s->window->kernel) s->taps *= k;
  if (s->window->groups != 1 && !s->outputs.IsConst()) return "groups of unknown size";
  if (!MergedStride(weights, s->w.strides, 0, s->spatial + 1)) return "the filter is not evenly strided";
  return "";
}

Status BuildConv(const KernelSpec& spec, const Node* anchor, const TargetRow& row, llvm::Module& module,
                 const std::string& symbol, KernelDraft* draft) {
  ConvShape s;
  const std::string reason = AnalyzeConv(anchor, &s);
  if (!reason.empty()) return NotSupported("convolution: {}", reason);
  if (IsDepthwise(s)) return BuildDepthwise(spec, s, row, module, symbol, draft);
  Epilogue epilogue(*spec.fragment, anchor);
  FoldedDims dims;
  dims.outer = epilogue.UnmergedDims();
  epilogue.Fold(dims);
  const bool groups = s.window->groups != 1;
  MatrixProblem p;
  p.acc = anchor->type.dtype;
  const Shape& out = anchor->shape();
  p.batch.assign(out.begin(), out.begin() + dims.outer);
  p.m = 1;
  for (int d = dims.outer; d < s.spatial + 1; ++d) p.m = p.m * out[d];
  p.n = s.outputs;
  p.k = s.group_channels * Dim(s.taps);
  p.b = s.w;
  const Dim n_stride = s.w.strides.back();
  p.b.strides.assign(static_cast<size_t>(dims.outer), Dim(0));
  p.b.strides.push_back(*MergedStride(anchor->inputs[1]->shape(), s.w.strides, 0, s.spatial + 1));
  p.b.strides.push_back(n_stride);
  if (groups) {
    p.n = Dim(s.outputs.value() / s.window->groups);
    p.batch.insert(p.batch.begin(), Dim(s.window->groups));
    p.b.strides.insert(p.b.strides.begin(), n_stride * p.n);
    epilogue.SplitColumns(s.window->groups);
  }
  p.b_constant = IsPackable(spec, s.w.input) && p.k.IsConst() && p.n.IsConst() && s.w.offset.IsConst();
  p.dot = ChooseDot(row, {s.x.dtype, s.w.dtype, p.acc, true, p.b_constant || PacksByWords(p.b), p.b_constant});
  p.tile = ChooseTile(row, p.acc, p.m, p.n);
  std::unique_ptr<RowSource> rows = MakeRows(s, p, dims.outer, groups);
  p.taps = rows->taps();
  ChooseBlocks(&p);
  KernelFrame f(module, row, symbol, draft);
  draft->about = fmt::format("conv tile {}x{} of {}, taps {}, K {}{}", p.tile.mr, p.tile.nr(), DotName(p.dot), s.taps,
                             p.k.ToString(), epilogue.Describe());
  return EmitMatrixKernel(f, p, *rows, epilogue, draft);
}

}  // namespace belay
