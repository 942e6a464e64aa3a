// Depthwise convolutions whose rows have known extents: steps at their ends leave out what lies outside x, and a block
// of channels runs over all rows of a chunk.
#include <algorithm>

#include "backend/cpu/build_contract_matrix.h"
#include "backend/cpu/build_depthwise.h"

namespace belay {
namespace {

using llvm::Value;
using Values = std::vector<Value*>;

constexpr int64_t kMostEnds = 4;  // steps with code of their own

}  // namespace

bool DepthwiseWriter::HasFixedRows() const {
  const Dim& out = s.node->shape()[s.spatial];
  const Dim& in = s.node->inputs[0]->shape()[s.spatial];
  if (!out.IsConst() || !in.IsConst() || !s.window->pads_lo[last()].IsConst() || s.window->fill != 0) return false;
  if (!TapStride().IsConst() || out.value() < 1) return false;
  const std::vector<FixedStep> steps = FixedSteps();
  return std::count_if(steps.begin(), steps.end(), [](const FixedStep& step) { return !step.inner; }) <= kMostEnds;
}

bool DepthwiseWriter::IsInside(const FixedStep& step, int64_t pixel, int64_t tap) const {
  if (step.inner) return true;
  const int64_t in = (step.first + pixel) * stride() - s.window->pads_lo[last()].value() + tap * dilation();
  return in >= 0 && in < s.node->inputs[0]->shape()[s.spatial].value();
}

// Which of the step's `count` pixels has this tap at that column, counted from its first one's; -1 for none.
int64_t DepthwiseWriter::PixelOf(const FixedStep& step, int64_t column, int64_t tap, int64_t count) const {
  const int64_t distance = column - tap * dilation(), pixel = distance / stride();
  if (distance < 0 || distance % stride() != 0 || pixel >= count) return -1;
  return IsInside(step, pixel, tap) ? pixel : -1;
}

// Steps that need code of their own, and the others as one.
std::vector<DepthwiseWriter::FixedStep> DepthwiseWriter::FixedSteps() const {
  const int64_t width = s.node->shape()[s.spatial].value();
  std::vector<FixedStep> steps;
  for (int64_t first = 0; first < width; first += pixels) {
    FixedStep step{first, std::min(pixels, width - first), false};
    bool inside = step.count == pixels;
    for (int64_t k = 0; k < kernel(); ++k) inside = inside && IsInside(step, 0, k) && IsInside(step, step.count - 1, k);
    step.inner = inside;
    if (inside && !steps.empty() && steps.back().inner) {
      steps.back().count += step.count;
    } else {
      steps.push_back(step);
    }
  }
  return steps;
}

// x and the result stay in a core's second-level cache.
bool DepthwiseWriter::FitsCore() const {
  constexpr double kBytes = 1.5 * 1024 * 1024;
  const auto bytes = [](const Shape& shape, DType dtype) {
    return Likely(NumElements(shape)) * static_cast<double>(ElementBytes(dtype));
  };
  return bytes(s.node->inputs[0]->shape(), s.x.dtype) + bytes(s.node->shape(), s.x.dtype) <= kBytes;
}

// Vectors of channels whose rows stay in the first-level cache while a window moves down; all of them where x comes
// from further away than the second level, in whole rows.
int64_t DepthwiseWriter::BlockVectors() const {
  constexpr int64_t kBytes = 24 * 1024;
  if (!FitsCore()) return (channels + lanes - 1) / lanes;
  const Shape& x = s.node->inputs[0]->shape();
  const int64_t in = x[s.spatial].value() * (LeadingTaps() + 1) * ElementBytes(s.x.dtype);
  const int64_t out = s.node->shape()[s.spatial].value() * ElementBytes(acc);
  return std::clamp<int64_t>(kBytes / std::max<int64_t>(1, lanes * (in + out)), 1, 8);
}

void DepthwiseWriter::FindTaps() {
  auto& b = f.b;
  const Window& w = *s.window;
  const Shape& x = s.node->inputs[0]->shape();
  lows.clear();
  highs.clear();
  window = b.CreateAdd(f.DimValue(s.x.offset), b.CreateMul(coords[0], f.DimValue(s.x.strides[0])));
  const auto positive = [&](Value* v) { return b.CreateSelect(b.CreateICmpSLT(v, f.Int(0)), f.Int(0), v); };
  for (int d = 0; d < last(); ++d) {
    const auto taps = [&](Value* distance) {
      return b.CreateUDiv(b.CreateAdd(positive(distance), f.Int(w.dilations[d] - 1)), f.Int(w.dilations[d]));
    };
    Value* start = b.CreateSub(b.CreateMul(coords[d + 1], f.Int(w.strides[d])), f.DimValue(w.pads_lo[d]));
    Value* high = taps(b.CreateSub(f.DimValue(x[d + 1]), start));
    lows.push_back(taps(b.CreateNeg(start)));
    highs.push_back(b.CreateSelect(b.CreateICmpSLT(high, f.Int(w.kernel[d])), high, f.Int(w.kernel[d])));
    window = b.CreateAdd(window, b.CreateMul(start, f.DimValue(s.x.strides[d + 1])));
  }
}

// One row of taps: each column of x is loaded once.
Values DepthwiseWriter::SumLine(const FixedStep& step, const Line& at, Values sums) {
  const auto count = static_cast<int64_t>(sums.size());
  Values y(static_cast<size_t>(kernel()), nullptr);
  for (int64_t column = 0; column < Span(count); ++column) {
    Value* x = nullptr;
    for (int64_t k = 0; k < kernel(); ++k) {
      const int64_t pixel = PixelOf(step, column, k, count);
      if (pixel < 0) continue;
      if (y[k] == nullptr) y[k] = Load(s.w.dtype, at.w, f.DimValue(TapStride() * Dim(k)), at.mask);
      if (x == nullptr) x = Load(s.x.dtype, at.x, f.Int(column * pixel_stride), at.mask);
      sums[pixel] = EmitMultiplyAdd(f, acc, x, y[k], sums[pixel]);
    }
  }
  return sums;
}

Values DepthwiseWriter::SumTaps(const FixedStep& step, int dim, const Line& at, const Values& sums) {
  if (dim == last()) return SumLine(step, at, sums);
  auto& b = f.b;
  Dim taps = TapStride();
  for (int d = dim + 1; d <= last(); ++d) taps = taps * Dim(s.window->kernel[d]);
  Value* x_stride = f.DimValue(s.x.strides[dim + 1] * Dim(s.window->dilations[dim]));
  Values init = sums;
  init.push_back(ElementAt(f, s.x.dtype, at.x, b.CreateMul(lows[dim], x_stride)));
  init.push_back(ElementAt(f, s.w.dtype, at.w, b.CreateMul(lows[dim], f.DimValue(taps))));
  Values end = f.Loop(lows[dim], highs[dim], 1, init, [&](Value*, llvm::ArrayRef<Value*> carried) {
    Value *x = carried[sums.size()], *w = carried[sums.size() + 1];
    Values next = SumTaps(step, dim + 1, {x, w, at.mask}, Values(carried.begin(), carried.begin() + sums.size()));
    next.push_back(ElementAt(f, s.x.dtype, x, x_stride));
    next.push_back(ElementAt(f, s.w.dtype, w, f.DimValue(taps)));
    return next;
  });
  end.resize(sums.size());
  return end;
}

// Of `lanes` channels of the step's pixels, tap by tap.
Values DepthwiseWriter::SumPixels(const FixedStep& step, Value* first, Value* channel, Value* mask) {
  auto& b = f.b;
  EmitContext e{b, f.module, f.row};
  Value* column = b.CreateSub(b.CreateMul(first, f.Int(stride())), f.DimValue(s.window->pads_lo[last()]));
  Value* offset = b.CreateAdd(window, b.CreateAdd(b.CreateMul(column, f.Int(pixel_stride)), channel));
  Value* weights = ElementAt(f, s.w.dtype, f.Buffer(s.w.input), b.CreateAdd(f.DimValue(s.w.offset), channel));
  const Values zeros(PixelsOf(step), llvm::Constant::getNullValue(RegisterType(e, acc, lanes)));
  return SumTaps(step, 0, {ElementAt(f, s.x.dtype, f.Buffer(s.x.input), offset), weights, mask}, zeros);
}

// `lanes` channels of the step's pixels, from `first` on.
void DepthwiseWriter::FixedChannels(const FixedStep& step, Value* first, Value* channel, Value* mask) {
  if (!sums_words) return StorePixels(first, channel, mask, SumPixels(step, first, channel, mask));
  Values at = coords;
  for (const Values& sums : SumWords(step, first, channel, mask)) {
    epilogue.BeginBlock(f, at);
    StorePixels(first, channel, mask, sums);
    at.back() = f.b.CreateAdd(at.back(), f.Int(1));
  }
}

void DepthwiseWriter::StorePixels(Value* first, Value* channel, Value* mask, const Values& sums) {
  std::vector<Epilogue::Row> results;
  for (size_t p = 0; p < sums.size(); ++p) {
    results.push_back({f.b.CreateAdd(first, f.Int(static_cast<int64_t>(p))), {channel}, {mask}, {sums[p]}});
  }
  epilogue.EmitRows(f, results, lanes);
}

// Channels [begin, end) of a row, or those of the mask.
void DepthwiseWriter::FixedRow(Value* row, Value* begin, Value* end, Value* mask) {
  FindCoords(row);
  sums_words ? FindRows(ReadRows()) : FindTaps();
  for (const FixedStep& step : FixedSteps()) {
    const int64_t count = step.inner ? pixels : step.count;
    f.Loop(f.Int(step.first), f.Int(step.first + step.count), count, {}, [&](Value* first, llvm::ArrayRef<Value*>) {
      f.Loop(begin, end, lanes, {}, [&](Value* channel, llvm::ArrayRef<Value*>) -> Values {
        FixedChannels(step, first, channel, mask);
        return {};
      });
      return Values();
    });
  }
}

void DepthwiseWriter::FixedRows(Value* first, Value* last) {
  const int64_t whole = channels / lanes * lanes, block = BlockVectors() * lanes;
  const auto rows = [&](Value* begin, Value* end, Value* mask) {
    f.Loop(first, last, OutputRows(), {}, [&](Value* row, llvm::ArrayRef<Value*>) -> Values {
      Value* last_rows = f.b.CreateSub(last, f.Int(OutputRows()));
      row = f.b.CreateSelect(f.b.CreateICmpSLT(row, last_rows), row, last_rows);
      FixedRow(row, begin, end, mask);
      return {};
    });
    return Values();
  };
  f.Loop(f.Int(0), f.Int(whole), block, {}, [&](Value* begin, llvm::ArrayRef<Value*>) {
    Value* end = f.b.CreateAdd(begin, f.Int(block));
    return rows(begin, f.b.CreateSelect(f.b.CreateICmpSLT(end, f.Int(whole)), end, f.Int(whole)), nullptr);
  });
  if (whole != channels) rows(f.Int(whole), f.Int(channels), LaneMask(f.b, f.Int(channels - whole), 0, lanes));
}

}  // namespace belay
