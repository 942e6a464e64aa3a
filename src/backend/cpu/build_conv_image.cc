// Rows of convolutions that lie evenly spaced. A run of output pixels within one row of the image reads evenly spaced
// pixels for each tap: from x where the window never leaves it, else from a copy of the block's part of x with a
// border. For tile registers its pixels are filled up to whole steps of words; for vectors, where pixels of few
// channels lie one behind the other, a tap is a whole row of the window. Pictures in planes become pixels in the copy.
#include <algorithm>
#include <numeric>

#include "backend/cpu/build_contract_rows.h"
#include "backend/cpu/build_conv_rows.h"

namespace belay {
namespace {

using llvm::Value;
using Values = std::vector<Value*>;

// A convolution over rows and columns; one of fewer dims has a single row.
struct Plane {
  struct Axis {
    int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, pad = 0;
    Dim pitch = 0;  // of x, in elements
    // Input positions that `outputs` neighbours read.
    int64_t Reads(int64_t outputs) const { return (outputs - 1) * stride + (kernel - 1) * dilation + 1; }
    bool StaysInside() const { return pad == 0 && Reads(out) <= in; }
  };
  Axis rows, columns;
};

std::optional<Plane> PlaneOf(const ConvShape& s) {
  Plane plane;
  if (s.spatial > 2) return std::nullopt;
  const Shape &x = s.node->inputs[0]->shape(), &y = s.node->shape();
  for (int d = 0; d < s.spatial; ++d) {
    const Window& w = *s.window;
    if (!x[d + 1].IsConst() || !y[d + 1].IsConst() || !w.pads_lo[d].IsConst()) return std::nullopt;
    Plane::Axis& axis = d == s.spatial - 1 ? plane.columns : plane.rows;
    axis = {x[d + 1].value(), y[d + 1].value(), w.kernel[d], w.strides[d], w.dilations[d], w.pads_lo[d].value(),
            s.x.strides[d + 1]};
  }
  return plane;
}

// A row of the output, if a number of rows within these bounds divides it; else 0.
int64_t RunOf(const Plane& plane, int64_t fewest, int64_t most) {
  for (int64_t rows = fewest; rows <= most; ++rows) {
    if (plane.columns.out % rows == 0) return plane.columns.out;
  }
  return 0;
}

class ImageRows final : public RowSource {
 public:
  ImageRows(const ConvShape& s, const Plane& plane, const MatrixProblem& p) : s_(s), plane_(plane) {
    by_rows_ = !p.dot.Tiled();
    const bool whole = s.x.dtype == p.dot.a && p.dot.FillsSteps(s.group_channels) && p.joined_taps == 1;
    in_place_ = whole && !s.planes && plane.rows.StaysInside() && plane.columns.StaysInside();
  }
  bool AdvancesAddresses() const override { return true; }
  int64_t taps() const override { return by_rows_ ? plane_.rows.kernel : s_.taps; }
  Dim ScratchBytes(const MatrixProblem& p) const override {
    if (in_place_) return 0;
    const int64_t pixels = p.block_tiles * p.tile.mr;
    const int64_t rows = (pixels + plane_.columns.out - 1) / plane_.columns.out + 1;
    return Dim((plane_.rows.Reads(rows) * RowBytes(p) + kVectorBytes + 63) / 64 * 64);
  }
  void BeginBlock(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block) override {
    Value* image = block.coords[s_.window->groups != 1 ? 1 : 0];
    Value* x = ElementAt(f, s_.x.dtype, f.Buffer(s_.x.input), ImageOffset(f, s_, block, image));
    base_ = in_place_ ? x : block.scratch;
    first_row_ = in_place_ ? f.Int(0) : f.b.CreateUDiv(block.first_row, f.Int(plane_.columns.out));
    if (!in_place_) Copy(f, p, block, x);
  }
  Values Rows(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block, Value* tile, Value* tap) override {
    return RowsOfRun(f, Runs(f, p, block, tile, tap)[0], p.tile.mr);
  }
  Value* TapStep(KernelFrame& f, const MatrixProblem& p) const override {
    return by_rows_ ? f.b.CreateMul(RowStep(f, p), f.Int(plane_.rows.dilation)) : nullptr;
  }
  std::vector<Run> Runs(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block, Value* tile,
                        Value* tap) override {
    auto& b = f.b;
    Value* row_bytes = RowStep(f, p);
    const Dim pixel = in_place_ ? plane_.columns.pitch * Dim(ElementBytes(s_.x.dtype)) : Dim(PixelBytes(p));
    Value* pixel_bytes = f.DimValue(pixel);
    const int64_t taps_of_row = by_rows_ ? 1 : plane_.columns.kernel;
    Value* kernel_row = b.CreateUDiv(tap, f.Int(taps_of_row));
    Value* kernel_column = b.CreateURem(tap, f.Int(taps_of_row));
    Value* skip = b.CreateAdd(b.CreateMul(b.CreateMul(kernel_row, f.Int(plane_.rows.dilation)), row_bytes),
                              b.CreateMul(b.CreateMul(kernel_column, f.Int(plane_.columns.dilation)), pixel_bytes));
    Value* first = b.CreateAdd(block.first_row, b.CreateMul(tile, f.Int(p.tile.mr)));
    std::vector<Run> runs;
    const int length = RunLength(p);
    for (int i = 0; i < p.tile.mr; i += length) {
      Value* at = b.CreateAdd(first, f.Int(i));
      // Runs behind the last one repeat it, so that they stay inside x.
      if (in_place_) at = Least(f, at, f.DimValue(p.m - Dim(length)));
      Value* row = b.CreateSub(b.CreateUDiv(at, f.Int(plane_.columns.out)), first_row_);
      Value* column = b.CreateURem(at, f.Int(plane_.columns.out));
      Value* down = b.CreateMul(b.CreateMul(row, f.Int(plane_.rows.stride)), row_bytes);
      Value* right = b.CreateMul(b.CreateMul(column, f.Int(plane_.columns.stride)), pixel_bytes);
      Value* offset = b.CreateAdd(skip, b.CreateAdd(down, right));
      Value* stride = b.CreateMul(pixel_bytes, f.Int(plane_.columns.stride));
      runs.push_back({b.CreateGEP(b.getInt8Ty(), base_, offset), stride});
    }
    return runs;
  }

 private:
  static Value* Least(KernelFrame& f, Value* x, Value* y) {
    return f.b.CreateSelect(f.b.CreateICmpSLT(x, y), x, y);
  }
  // Bytes from one row of x, or of the copy, to the next.
  Value* RowStep(KernelFrame& f, const MatrixProblem& p) const {
    return in_place_ ? f.DimValue(plane_.rows.pitch * Dim(ElementBytes(s_.x.dtype))) : f.Int(RowBytes(p));
  }
  int RunLength(const MatrixProblem& p) const { return by_rows_ ? p.tile.mr : p.tile.register_rows; }
  // Of the copy.
  int64_t PixelBytes(const MatrixProblem& p) const {
    return (by_rows_ ? s_.group_channels : p.TapWords()).value() * ElementBytes(p.acc);
  }
  static constexpr int64_t kVectorBytes = 64;
  llvm::Align Alignment(const MatrixProblem& p) const { return llvm::Align(std::gcd(kVectorBytes, PixelBytes(p))); }
  int64_t Columns() const { return plane_.columns.Reads(plane_.columns.out); }
  int64_t RowBytes(const MatrixProblem& p) const { return Columns() * PixelBytes(p); }

  // The rows of x that the block reads.
  void Copy(KernelFrame& f, const MatrixProblem& p, const MatrixBlock& block, Value* x) {
    auto& b = f.b;
    const Plane::Axis& axis = plane_.rows;
    Value* last = b.CreateUDiv(b.CreateSub(b.CreateAdd(block.first_row, block.rows), f.Int(1)),
                               f.Int(plane_.columns.out));
    Value* between = b.CreateMul(b.CreateSub(last, first_row_), f.Int(axis.stride));
    Value* count = b.CreateAdd(between, f.Int(axis.Reads(1)));
    Value* start = b.CreateSub(b.CreateMul(first_row_, f.Int(axis.stride)), f.Int(axis.pad));
    f.Loop(f.Int(0), count, 1, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
      Value* in = b.CreateAdd(start, i);
      Value* dst = b.CreateGEP(b.getInt8Ty(), base_, b.CreateMul(i, f.Int(RowBytes(p))));
      Value* inside = b.CreateICmpULT(in, f.Int(axis.in));
      f.If(inside, {}, [&]() -> Values {
        CopyRow(f, p, ElementAt(f, s_.x.dtype, x, b.CreateMul(in, f.DimValue(axis.pitch))), dst);
        return {};
      });
      f.If(b.CreateNot(inside), {}, [&]() -> Values { return Fill(f, p, dst, RowBytes(p)), Values{}; });
      return {};
    });
  }

  // Pixels outside x; what is no byte is filled with 0.
  void Fill(KernelFrame& f, const MatrixProblem& p, Value* dst, int64_t bytes) const {
    Value* value = f.b.getInt8(static_cast<uint8_t>(s_.window->fill));
    if (bytes > 0) f.b.CreateMemSet(dst, value, f.Int(bytes), Alignment(p));
  }

  // One row of x between its borders.
  void CopyRow(KernelFrame& f, const MatrixProblem& p, Value* src, Value* dst) {
    auto& b = f.b;
    const Plane::Axis& axis = plane_.columns;
    const int64_t left = std::min(axis.pad, Columns());
    const int64_t copied = std::clamp<int64_t>(Columns() - left, 0, axis.in);
    const int64_t bytes = PixelBytes(p);
    Fill(f, p, dst, left * bytes);
    Value* body = b.CreateGEP(b.getInt8Ty(), dst, f.Int(left * bytes));
    const bool dense = s_.x.dtype == p.dot.a && p.dot.FillsSteps(s_.group_channels) && axis.pitch == s_.group_channels;
    if (s_.planes) {
      CopyPlanes(f, src, body, copied);
    } else if (p.joined_taps != 1) {
      CopyPixels(f, p, src, body, copied);
    } else if (dense) {
      CopyElements(f, p, src, body, copied * s_.group_channels.value());
    } else {
      f.Loop(f.Int(0), f.Int(copied), 1, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
        Value* pixel = ElementAt(f, s_.x.dtype, src, b.CreateMul(i, f.DimValue(axis.pitch)));
        Value* to = b.CreateGEP(b.getInt8Ty(), body, b.CreateMul(i, f.Int(bytes)));
        CopyElements(f, p, pixel, to, s_.group_channels.value());
        return {};
      });
    }
    const int64_t done = left + copied;
    Fill(f, p, b.CreateGEP(b.getInt8Ty(), dst, f.Int(done * bytes)), (Columns() - done) * bytes);
  }

  // Vectors of each colour become pixels; the last ones may be made twice.
  void CopyPlanes(KernelFrame& f, Value* src, Value* dst, int64_t count) {
    auto& b = f.b;
    EmitContext e{b, f.module, f.row};
    const int wide = std::max<int>(1, f.row.vector_bytes / static_cast<int>(sizeof(float)));
    const int colours = static_cast<int>(s_.group_channels.value());
    std::vector<int> follow(2 * wide), pixels(wide * colours);
    std::iota(follow.begin(), follow.end(), 0);
    for (int i = 0; i < wide * colours; ++i) pixels[i] = i % colours * wide + i / colours;
    const auto copy = [&](Value* first) {
      Values planes;
      for (int c = 0; c < 4; ++c) {
        Value* at = b.CreateAdd(first, f.DimValue(s_.x.strides.back() * Dim(std::min(c, colours - 1))));
        planes.push_back(LoadLanes(e, DType::kF32, ElementAt(f, DType::kF32, src, at), f.Int(1), nullptr, wide));
      }
      Value* low = b.CreateShuffleVector(planes[0], planes[1], follow);
      Value* high = b.CreateShuffleVector(planes[2], planes[3], follow);
      Value* to = ElementAt(f, DType::kF32, dst, b.CreateMul(first, f.Int(colours)));
      b.CreateAlignedStore(b.CreateShuffleVector(low, high, pixels), to, llvm::Align(sizeof(float)));
    };
    const int64_t whole = count / wide * wide;
    f.Loop(f.Int(0), f.Int(whole), wide, {}, [&](Value* first, llvm::ArrayRef<Value*>) -> Values {
      return copy(first), Values{};
    });
    if (whole < count) copy(f.Int(count - wide));
  }

  // Pixels that lie one behind the other, as many as a vector holds at once, each filled up with zeros. Up to a vector
  // behind the last one is overwritten.
  void CopyPixels(KernelFrame& f, const MatrixProblem& p, Value* src, Value* dst, int64_t count) {
    auto& b = f.b;
    EmitContext e{b, f.module, f.row};
    const int wide = static_cast<int>(kVectorBytes / ElementBytes(p.dot.a));
    const int64_t channels = s_.group_channels.value(), filled = p.TapWords().value() * p.dot.group;
    const int64_t together = wide / filled;
    std::vector<int> from(wide, wide);
    for (int64_t i = 0; i < together * channels; ++i) from[i / channels * filled + i % channels] = static_cast<int>(i);
    const auto copy = [&](Value* pixel, Value* valid) {
      Value* at = ElementAt(f, s_.x.dtype, src, b.CreateMul(pixel, f.Int(channels)));
      Value* mask = LaneMask(b, b.CreateMul(valid, f.Int(channels)), 0, wide);
      Value* x = LoadLanes(e, s_.x.dtype, at, f.Int(1), mask, wide);
      x = ToMemory(e, p.dot.a, EmitCast(e, s_.x.dtype, p.dot.a, x));
      x = b.CreateShuffleVector(x, llvm::Constant::getNullValue(x->getType()), from);
      b.CreateAlignedStore(x, ElementAt(f, p.dot.a, dst, b.CreateMul(pixel, f.Int(filled))), Alignment(p));
    };
    const int64_t whole = count / together * together;
    f.Loop(f.Int(0), f.Int(whole), together, {}, [&](Value* pixel, llvm::ArrayRef<Value*>) -> Values {
      return copy(pixel, f.Int(together)), Values{};
    });
    if (whole < count) copy(f.Int(whole), f.Int(count - whole));
  }

  // `count` elements, in steps of words (or vectors): zeros fill the last one.
  void CopyElements(KernelFrame& f, const MatrixProblem& p, Value* src, Value* dst, int64_t count) {
    auto& b = f.b;
    EmitContext e{b, f.module, f.row};
    const int wide = by_rows_ ? p.tile.lanes : p.dot.group * p.dot.step;
    const auto copy = [&](Value* k, Value* mask) {
      Value* x = LoadLanes(e, s_.x.dtype, ElementAt(f, s_.x.dtype, src, k), f.Int(1), mask, wide);
      x = ToMemory(e, p.dot.a, EmitCast(e, s_.x.dtype, p.dot.a, x));
      b.CreateAlignedStore(x, ElementAt(f, p.dot.a, dst, k), Alignment(p));
    };
    const int64_t whole = count / wide * wide;
    f.Loop(f.Int(0), f.Int(whole), wide, {}, [&](Value* k, llvm::ArrayRef<Value*>) -> Values {
      return copy(k, nullptr), Values{};
    });
    if (whole < count) copy(f.Int(whole), LaneMask(b, f.Int(count - whole), 0, wide));
  }

  const ConvShape& s_;
  const Plane plane_;
  bool by_rows_ = false;
  bool in_place_ = false;
  Value* base_ = nullptr;
  Value* first_row_ = nullptr;  // of the output, where the copy begins
};

}  // namespace

int64_t ImageRun(const ConvShape& s, const MatrixProblem& p) {
  const std::optional<Plane> plane = PlaneOf(s);
  if (!plane || !p.dot.Tiled() || !s.group_channels.IsConst()) return 0;
  // Filling each tap up must not cost more than copying whole windows.
  const int64_t step = p.dot.group * p.dot.step, channels = s.group_channels.value();
  const int64_t filled = (channels + step - 1) / step * step;
  if (filled > 2 * channels || (filled != channels && !p.b_constant)) return 0;
  constexpr int64_t kShortestRun = 9;  // fewer rows take a register as long
  return RunOf(*plane, kShortestRun, kTileRows);
}

int64_t ImageRunOfVectors(const ConvShape& s, const MatrixProblem& p) {
  const std::optional<Plane> plane = PlaneOf(s);
  if (!plane || p.dot.kind != DotKind::kMultiplyAdd || s.x.dtype != DType::kF32 || s.window->groups != 1) return 0;
  constexpr int64_t kFewChannels = 4;  // a tap of more is a loop that is long enough
  if (!s.group_channels.IsConst() || s.group_channels.value() > kFewChannels) return 0;
  if (s.window->fill != 0 || plane->columns.dilation != 1) return 0;
  if (plane->columns.pitch != (s.planes ? Dim(1) : s.group_channels)) return 0;
  static_assert(kMostRun == kMostTileRows);
  return RunOf(*plane, kFewestRun, kMostRun);
}

int64_t JoinedTaps(const ConvShape& s, const MatrixProblem& p, int64_t* words) {
  const std::optional<Plane> plane = PlaneOf(s);
  if (!plane || p.dot.kind != DotKind::kBf16Tiles || !p.b_constant || s.window->groups != 1) return 0;
  if (!s.group_channels.IsConst() || plane->columns.dilation != 1 || plane->columns.pitch != s.group_channels) return 0;
  *words = (s.group_channels.value() + p.dot.group - 1) / p.dot.group;
  constexpr int64_t kFewest = kTileWords * 3 / 4;
  const int64_t all = plane->columns.kernel * *words;
  return plane->columns.kernel > 1 && all >= kFewest && all <= kTileWords ? plane->columns.kernel : 0;
}

std::unique_ptr<RowSource> MakeImageRows(const ConvShape& s, const MatrixProblem& p) {
  return std::make_unique<ImageRows>(s, *PlaneOf(s), p);
}

}  // namespace belay
