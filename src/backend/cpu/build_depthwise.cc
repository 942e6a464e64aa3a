// Depthwise convolutions: vectors of channels, several output pixels of one row at once. Where a row's extents are
// known, steps at its ends leave out what lies outside x, and a block of channels runs over all rows of a chunk. Else
// a window row outside x is read from a block of its fill with the row's own layout.
#include <llvm/IR/Intrinsics.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/cpu/build_contract_matrix.h"
#include "backend/cpu/build_conv.h"
#include "backend/cpu/tiny_weights.h"

namespace belay {
namespace {

using llvm::Value;
using Values = std::vector<Value*>;

constexpr int64_t kMostTaps = 64;     // unrolled
constexpr int64_t kMostPixels = 6;    // accumulators of one step
constexpr int64_t kFewestPixels = 3;
constexpr int64_t kMostEnds = 4;      // steps with code of their own

struct Writer {
  KernelFrame& f;
  const ConvShape& s;
  Epilogue& epilogue;
  DType acc;
  int lanes;
  int64_t channels, pixel_stride;  // elements of x from one pixel of a row to the next
  int64_t pixels = 4;              // of one step
  Dim inner_begin, inner_end;      // output pixels of a row whose windows lie inside it
  Value* outside = nullptr;         // pixels
  Values rows;                     // of x, for each position of the window's leading dims
  Values coords;

  int last() const { return s.spatial - 1; }
  int64_t kernel() const { return s.window->kernel[last()]; }
  int64_t stride() const { return s.window->strides[last()]; }
  int64_t dilation() const { return s.window->dilations[last()]; }
  int64_t LeadingTaps() const { return s.taps / kernel(); }
  // Pixels of x that one step reads from a row.
  int64_t Span() const { return (pixels - 1) * stride() + (kernel() - 1) * dilation() + 1; }

  Value* Outside(const std::string& symbol);
  void FindCoords(Value* row);
  void FindRows();
  void Row(Value* row);
  void Step(Value* first, const std::vector<Values>& places);
  void Channels(Value* first, Value* channel, Value* mask, const std::vector<Values>& places);
  Value* Load(DType dtype, Value* base, Value* index, Value* mask);
  Dim TapStride() const { return *MergedStride(s.node->inputs[1]->shape(), s.w.strides, 0, s.spatial + 1); }

  // Rows of known extents.
  struct FixedStep {
    int64_t first, count;
    bool inner;  // one of several that lie inside: `first` is the first one's
  };
  struct Line {
    Value *x, *w;  // at the step's first column, which may lie outside, and a row of taps; the channel's
    Value* mask;
  };
  Values lows, highs;  // of the taps inside x, for each of the window's leading dims
  Value* window = nullptr;  // offset of the window's first row in x, perhaps outside
  bool HasFixedRows() const;
  bool FitsCore() const;
  int64_t BlockVectors() const;
  std::vector<FixedStep> FixedSteps() const;
  bool IsInside(const FixedStep& step, int64_t pixel, int64_t tap) const;
  void FindTaps();
  void FixedRows(Value* first, Value* last);
  void FixedRow(Value* row, Value* begin, Value* end, Value* mask);
  void FixedChannels(const FixedStep& step, Value* first, Value* channel, Value* mask);
  Values SumTaps(const FixedStep& step, int dim, const Line& at, const Values& sums);
  Values SumLine(const FixedStep& step, const Line& at, Values sums);
};

// places[pixel][tap]: where the pixel's window element lies, channel 0.
std::vector<Values> InnerPlaces(Writer& w, Value* first, int64_t count) {
  auto& b = w.f.b;
  Value* in = b.CreateSub(b.CreateMul(first, w.f.Int(w.stride())), w.f.DimValue(w.s.window->pads_lo[w.last()]));
  Value* offset = b.CreateMul(in, w.f.Int(w.pixel_stride));
  Values bases;
  for (int64_t t = 0; t < w.LeadingTaps(); ++t) {
    Value* inside = w.rows[2 * t + 1];
    Value* at = ElementAt(w.f, w.s.x.dtype, w.rows[2 * t], offset);
    bases.push_back(b.CreateSelect(inside, at, w.outside));
  }
  std::vector<Values> places(static_cast<size_t>(count));
  for (int64_t p = 0; p < count; ++p) {
    for (int64_t t = 0; t < w.LeadingTaps(); ++t) {
      for (int64_t k = 0; k < w.kernel(); ++k) {
        Value* index = w.f.Int((p * w.stride() + k * w.dilation()) * w.pixel_stride);
        places[p].push_back(ElementAt(w.f, w.s.x.dtype, bases[t], index));
      }
    }
  }
  return places;
}

// One pixel anywhere in the row.
std::vector<Values> BorderPlaces(Writer& w, Value* pixel) {
  auto& b = w.f.b;
  Value* start = b.CreateSub(b.CreateMul(pixel, w.f.Int(w.stride())), w.f.DimValue(w.s.window->pads_lo[w.last()]));
  Value* extent = w.f.DimValue(w.s.node->inputs[0]->shape()[w.last() + 1]);
  std::vector<Values> places(1);
  for (int64_t t = 0; t < w.LeadingTaps(); ++t) {
    for (int64_t k = 0; k < w.kernel(); ++k) {
      Value* in = b.CreateAdd(start, w.f.Int(k * w.dilation()));
      Value* inside = b.CreateAnd(w.rows[2 * t + 1], b.CreateICmpULT(in, extent));
      Value* at = ElementAt(w.f, w.s.x.dtype, w.rows[2 * t], b.CreateMul(in, w.f.Int(w.pixel_stride)));
      places[0].push_back(b.CreateSelect(inside, at, w.outside));
    }
  }
  return places;
}

Value* Writer::Load(DType dtype, Value* base, Value* index, Value* mask) {
  EmitContext e{f.b, f.module, f.row};
  return EmitCast(e, dtype, acc, LoadLanes(e, dtype, ElementAt(f, dtype, base, index), f.Int(1), mask, lanes));
}

// `lanes` channels of the step's pixels.
void Writer::Channels(Value* first, Value* channel, Value* mask, const std::vector<Values>& places) {
  auto& b = f.b;
  EmitContext e{b, f.module, f.row};
  Value* weights = ElementAt(f, s.w.dtype, f.Buffer(s.w.input), f.DimValue(s.w.offset));
  const Dim tap_stride = TapStride();
  Values sums(places.size(), llvm::Constant::getNullValue(RegisterType(e, acc, lanes)));
  for (int64_t t = 0; t < s.taps; ++t) {
    Value* y = Load(s.w.dtype, weights, b.CreateAdd(channel, f.DimValue(tap_stride * Dim(t))), mask);
    for (size_t p = 0; p < places.size(); ++p) {
      Value* x = Load(s.x.dtype, places[p][t], channel, mask);
      sums[p] = EmitMultiplyAdd(f, acc, x, y, sums[p]);
    }
  }
  std::vector<Epilogue::Row> rows;
  for (size_t p = 0; p < places.size(); ++p) {
    rows.push_back({b.CreateAdd(first, f.Int(static_cast<int64_t>(p))), {channel}, {mask}, {sums[p]}});
  }
  epilogue.EmitRows(f, rows, lanes);
}

void Writer::Step(Value* first, const std::vector<Values>& places) {
  const int64_t whole = channels / lanes * lanes;
  f.Loop(f.Int(0), f.Int(whole), lanes, {}, [&](Value* channel, llvm::ArrayRef<Value*>) -> Values {
    Channels(first, channel, nullptr, places);
    return {};
  });
  if (whole == channels) return;
  Channels(first, f.Int(whole), LaneMask(f.b, f.Int(channels - whole), 0, lanes), places);
}

// Addresses of the window's rows and whether they lie inside, for the output row at `coords`.
void Writer::FindRows() {
  auto& b = f.b;
  const Window& w = *s.window;
  const Shape& x = s.node->inputs[0]->shape();
  rows.clear();
  Value* image = b.CreateAdd(f.DimValue(s.x.offset), b.CreateMul(coords[0], f.DimValue(s.x.strides[0])));
  for (int64_t t = 0; t < LeadingTaps(); ++t) {
    Value* offset = image;
    Value* inside = b.getTrue();
    int64_t rest = t;
    for (int d = last(); d-- > 0; rest /= w.kernel[d]) {
      const int64_t k = rest % w.kernel[d];
      Value* start = b.CreateSub(b.CreateMul(coords[d + 1], f.Int(w.strides[d])), f.DimValue(w.pads_lo[d]));
      Value* in = b.CreateAdd(start, f.Int(k * w.dilations[d]));
      offset = b.CreateAdd(offset, b.CreateMul(in, f.DimValue(s.x.strides[d + 1])));
      inside = b.CreateAnd(inside, b.CreateICmpULT(in, f.DimValue(x[d + 1])));
    }
    rows.push_back(ElementAt(f, s.x.dtype, f.Buffer(s.x.input), offset));
    rows.push_back(inside);
  }
}

// A span of fill.
Value* Writer::Outside(const std::string& symbol) {
  EmitContext e{f.b, f.module, f.row};
  const auto elements = static_cast<uint64_t>(Span() * pixel_stride);
  auto* block = llvm::ArrayType::get(MemoryType(e, s.x.dtype, 1), elements);
  llvm::Constant* fill = llvm::Constant::getNullValue(block);
  if (s.window->fill != 0) {  // of bytes
    fill = llvm::ConstantDataArray::getString(
        f.module.getContext(), std::string(elements, static_cast<char>(s.window->fill)), false);
  }
  auto* pixels = new llvm::GlobalVariable(f.module, block, true, llvm::GlobalValue::InternalLinkage, fill,
                                          symbol + "_outside");
  pixels->setAlignment(llvm::Align(64));
  return pixels;
}

void Writer::FindCoords(Value* row) {
  auto& b = f.b;
  const Shape& out = s.node->shape();
  coords.assign(static_cast<size_t>(s.spatial), nullptr);
  for (size_t d = coords.size(); d-- > 0;) {
    coords[d] = d == 0 ? row : b.CreateURem(row, f.DimValue(out[d]));
    if (d != 0) row = b.CreateUDiv(row, f.DimValue(out[d]));
  }
  epilogue.BeginBlock(f, coords);
}

void Writer::Row(Value* row) {
  auto& b = f.b;
  const Shape& out = s.node->shape();
  FindCoords(row);
  FindRows();
  Value* begin = f.DimValue(inner_begin);
  Value* steps = f.DimValue(FloorDiv(inner_end - inner_begin, Dim(pixels)));
  Value* end = b.CreateAdd(begin, b.CreateMul(steps, f.Int(pixels)));
  f.Loop(begin, end, pixels, {}, [&](Value* pixel, llvm::ArrayRef<Value*>) -> Values {
    Step(pixel, InnerPlaces(*this, pixel, pixels));
    return {};
  });
  // What lies before and behind the whole steps, in one loop: the code is there once.
  Value* outside = b.CreateSub(f.DimValue(out[last() + 1]), b.CreateSub(end, begin));
  f.Loop(f.Int(0), outside, 1, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
    Value* skipped = b.CreateAdd(i, b.CreateSub(end, begin));
    Value* pixel = b.CreateSelect(b.CreateICmpSLT(i, begin), i, skipped);
    Step(pixel, BorderPlaces(*this, pixel));
    return {};
  });
}

bool Writer::HasFixedRows() const {
  const Dim& out = s.node->shape()[s.spatial];
  const Dim& in = s.node->inputs[0]->shape()[s.spatial];
  if (!out.IsConst() || !in.IsConst() || !s.window->pads_lo[last()].IsConst() || s.window->fill != 0) return false;
  if (!TapStride().IsConst() || out.value() < 1) return false;
  const std::vector<FixedStep> steps = FixedSteps();
  return std::count_if(steps.begin(), steps.end(), [](const FixedStep& step) { return !step.inner; }) <= kMostEnds;
}

bool Writer::IsInside(const FixedStep& step, int64_t pixel, int64_t tap) const {
  if (step.inner) return true;
  const int64_t in = (step.first + pixel) * stride() - s.window->pads_lo[last()].value() + tap * dilation();
  return in >= 0 && in < s.node->inputs[0]->shape()[s.spatial].value();
}

// Steps that need code of their own, and the others as one.
std::vector<Writer::FixedStep> Writer::FixedSteps() const {
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
bool Writer::FitsCore() const {
  constexpr double kBytes = 1.5 * 1024 * 1024;
  const auto bytes = [](const Shape& shape, DType dtype) {
    return Likely(NumElements(shape)) * static_cast<double>(ElementBytes(dtype));
  };
  return bytes(s.node->inputs[0]->shape(), s.x.dtype) + bytes(s.node->shape(), s.x.dtype) <= kBytes;
}

// Vectors of channels whose rows stay in the first-level cache while a window moves down; all of them where x comes
// from further away than the second level, in whole rows.
int64_t Writer::BlockVectors() const {
  constexpr int64_t kBytes = 24 * 1024;
  if (!FitsCore()) return (channels + lanes - 1) / lanes;
  const Shape& x = s.node->inputs[0]->shape();
  const int64_t in = x[s.spatial].value() * (LeadingTaps() + 1) * ElementBytes(s.x.dtype);
  const int64_t out = s.node->shape()[s.spatial].value() * ElementBytes(acc);
  return std::clamp<int64_t>(kBytes / std::max<int64_t>(1, lanes * (in + out)), 1, 8);
}

void Writer::FindTaps() {
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
Values Writer::SumLine(const FixedStep& step, const Line& at, Values sums) {
  const auto count = static_cast<int64_t>(sums.size());
  Values y(static_cast<size_t>(kernel()), nullptr);
  for (int64_t column = 0; column <= (count - 1) * stride() + (kernel() - 1) * dilation(); ++column) {
    Value* x = nullptr;
    for (int64_t k = 0; k < kernel(); ++k) {
      const int64_t distance = column - k * dilation(), pixel = distance / stride();
      if (distance < 0 || distance % stride() != 0 || pixel >= count || !IsInside(step, pixel, k)) continue;
      if (y[k] == nullptr) y[k] = Load(s.w.dtype, at.w, f.DimValue(TapStride() * Dim(k)), at.mask);
      if (x == nullptr) x = Load(s.x.dtype, at.x, f.Int(column * pixel_stride), at.mask);
      sums[pixel] = EmitMultiplyAdd(f, acc, x, y[k], sums[pixel]);
    }
  }
  return sums;
}

Values Writer::SumTaps(const FixedStep& step, int dim, const Line& at, const Values& sums) {
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

// `lanes` channels of the step's pixels, from `first` on.
void Writer::FixedChannels(const FixedStep& step, Value* first, Value* channel, Value* mask) {
  auto& b = f.b;
  EmitContext e{b, f.module, f.row};
  Value* column = b.CreateSub(b.CreateMul(first, f.Int(stride())), f.DimValue(s.window->pads_lo[last()]));
  Value* offset = b.CreateAdd(window, b.CreateAdd(b.CreateMul(column, f.Int(pixel_stride)), channel));
  Value* weights = ElementAt(f, s.w.dtype, f.Buffer(s.w.input), b.CreateAdd(f.DimValue(s.w.offset), channel));
  const int64_t count = step.inner ? pixels : step.count;
  const Values zeros(static_cast<size_t>(count), llvm::Constant::getNullValue(RegisterType(e, acc, lanes)));
  const Values sums = SumTaps(step, 0, {ElementAt(f, s.x.dtype, f.Buffer(s.x.input), offset), weights, mask}, zeros);
  std::vector<Epilogue::Row> rows;
  for (int64_t p = 0; p < count; ++p) {
    rows.push_back({b.CreateAdd(first, f.Int(p)), {channel}, {mask}, {sums[p]}});
  }
  epilogue.EmitRows(f, rows, lanes);
}

// Channels [begin, end) of a row, or those of the mask.
void Writer::FixedRow(Value* row, Value* begin, Value* end, Value* mask) {
  FindCoords(row);
  FindTaps();
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

void Writer::FixedRows(Value* first, Value* last) {
  const int64_t whole = channels / lanes * lanes, block = BlockVectors() * lanes;
  const auto rows = [&](Value* begin, Value* end, Value* mask) {
    f.Loop(first, last, 1, {}, [&](Value* row, llvm::ArrayRef<Value*>) -> Values {
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

// Of rows whose width is known: few kinds of steps, long ones.
int64_t ChooseFixedPixels(int64_t width, int registers) {
  const int64_t most = registers >= 32 ? 8 : 6;
  if (width <= most) return width;
  int64_t best = most;
  for (int64_t p = most; p >= 4; --p) {
    if ((width + p - 1) / p * p < (width + best - 1) / best * best) best = p;
  }
  return best;
}

// Long chunks read few rows twice; two threads have one each.
int64_t RowsOfChunk(const Dim& rows, double row_ns) {
  constexpr double kChunkNs = 12000;
  const double fit = std::max(1.0, kChunkNs / row_ns);
  if (!rows.IsConst()) return static_cast<int64_t>(fit);
  const auto chunks = std::max<int64_t>(2, static_cast<int64_t>(std::ceil(static_cast<double>(rows.value()) / fit)));
  return std::max<int64_t>(1, (rows.value() + chunks - 1) / chunks);
}

int64_t ChoosePixels(const Dim& inner) {
  if (!inner.IsConst()) return 4;
  int64_t best = 4;
  double least = 1e30;
  for (int64_t p = kMostPixels; p >= kFewestPixels; --p) {
    const int64_t n = inner.value();
    const double together = static_cast<double>(n / p * p) * (1 + 0.3 / static_cast<double>(p));
    const double cost = together + 2.0 * static_cast<double>(n % p);
    if (cost < least) {
      least = cost;
      best = p;
    }
  }
  return best;
}

// The filter as it is, but for tiny weights.
void LiftFilter(const KernelSpec& spec, const Writer& w, KernelDraft* draft) {
  const ConvShape& s = w.s;
  if (spec.plain_sums || s.w.dtype != DType::kF32 || !IsPackable(spec, s.w.input)) return;
  if (!s.w.offset.IsConst(0) || !w.TapStride().IsConst(w.channels)) return;
  const int64_t count = s.taps * w.channels;
  if (NumElements(spec.fragment->inputs[s.w.input]->shape()) != Dim(count)) return;
  draft->packs.push_back({s.w.input, "lifted", count * int64_t{sizeof(float)}, [count](const void* src, void* dst) {
                            std::memcpy(dst, src, static_cast<size_t>(count) * sizeof(float));
                            LiftTinyWeights(static_cast<float*>(dst), count);
                          }});
}

}  // namespace

bool IsDepthwise(const ConvShape& s) {
  if (!s.group_channels.IsConst(1) || !s.outputs.IsConst(s.window->groups) || s.taps > kMostTaps) return false;
  if (s.window->groups < 2 || !s.w.strides.back().IsConst(1)) return false;
  if (!s.x.strides.back().IsConst(1) || !s.x.strides[s.spatial].IsConst()) return false;
  return s.x.strides[s.spatial].value() >= s.window->groups;
}

Status BuildDepthwise(const KernelSpec& spec, const ConvShape& s, const TargetRow& row, llvm::Module& module,
                      const std::string& symbol, KernelDraft* draft) {
  Epilogue epilogue(*spec.fragment, s.node);
  FoldedDims dims;
  dims.outer = s.spatial;
  epilogue.Fold(dims);
  KernelFrame f(module, row, symbol, draft);
  f.TakesDenormalsAsZero(spec);
  Writer w{f, s, epilogue, s.node->type.dtype, 0, s.window->groups, s.x.strides[s.spatial].value()};
  w.lanes = std::max<int>(1, row.vector_bytes / static_cast<int>(ElementBytes(w.acc)));
  const Dim& out = s.node->shape()[s.spatial];
  const Dim& in = s.node->inputs[0]->shape()[s.spatial];
  const Dim& pad = s.window->pads_lo[w.last()];
  w.inner_begin = Max(0, Min(out, CeilDiv(pad, Dim(w.stride()))));
  const Dim fit = FloorDiv(in - Dim(1 + (w.kernel() - 1) * w.dilation()) + pad, Dim(w.stride())) + Dim(1);
  w.inner_end = Max(w.inner_begin, Min(out, fit));
  if (out.IsConst()) w.pixels = ChooseFixedPixels(out.value(), row.vector_registers);
  const bool fixed = w.HasFixedRows();
  if (!fixed) {
    w.pixels = ChoosePixels(w.inner_end - w.inner_begin);
    w.outside = w.Outside(symbol);
  } else {
    f.AdvancesAddresses();
  }
  Dim rows = 1;
  for (int d = 0; d < s.spatial; ++d) rows = rows * s.node->shape()[d];
  const double width = out.IsConst() ? static_cast<double>(out.value()) : 32;
  const bool blocks = fixed && w.FitsCore();
  const double element_ns = static_cast<double>(s.taps) / (blocks ? 5.5 * w.lanes : 24) + epilogue.Cost();
  const double row_ns = std::max(1.0, width * static_cast<double>(w.channels) * element_ns);
  const int64_t few_rows = std::max<int64_t>(1, static_cast<int64_t>(8000 / row_ns));
  const int64_t block_rows = blocks ? RowsOfChunk(rows, row_ns) : few_rows;
  f.Loop(f.begin, f.end, 1, {}, [&](Value* chunk, llvm::ArrayRef<Value*>) -> Values {
    Value* first = f.b.CreateMul(chunk, f.Int(block_rows));
    Value* last = f.b.CreateAdd(first, f.Int(block_rows));
    last = f.b.CreateSelect(f.b.CreateICmpSLT(last, f.DimValue(rows)), last, f.DimValue(rows));
    if (fixed) {
      w.FixedRows(first, last);
      return {};
    }
    f.Loop(first, last, 1, {}, [&](Value* r, llvm::ArrayRef<Value*>) -> Values {
      w.Row(r);
      return {};
    });
    return {};
  });
  f.Finish();
  draft->chunks = CeilDiv(rows, block_rows);
  draft->ns_per_chunk = 50 + row_ns * static_cast<double>(block_rows);
  if (rows.IsConst() && out.IsConst() && s.outputs.IsConst()) {
    draft->order = {1, block_rows * out.value(), rows.value() * out.value(), s.outputs.value()};
  }
  LiftFilter(spec, w, draft);
  draft->about = fmt::format("depthwise {} taps, {} pixels x {} channels{}", s.taps, w.pixels, w.lanes,
                             epilogue.Describe());
  return OkStatus();
}

}  // namespace belay
