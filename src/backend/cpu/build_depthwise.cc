// Depthwise convolutions, and their rows of any extents: a window row outside x is read from a block of its fill with
// the row's own layout.
#include "backend/cpu/build_depthwise.h"

#include <llvm/IR/Intrinsics.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/cpu/build_contract_matrix.h"
#include "backend/cpu/tiny_weights.h"

namespace belay {
namespace {

using llvm::Value;
using Values = std::vector<Value*>;

constexpr int64_t kMostTaps = 64;     // unrolled
constexpr int64_t kMostPixels = 6;    // accumulators of one step
constexpr int64_t kFewestPixels = 3;

// places[pixel][tap]: where the pixel's window element lies, channel 0.
std::vector<Values> InnerPlaces(DepthwiseWriter& w, Value* first, int64_t count) {
  const Values lines = w.LinePlaces(first);
  std::vector<Values> places(static_cast<size_t>(count));
  for (int64_t p = 0; p < count; ++p) {
    for (int64_t t = 0; t < w.LeadingTaps(); ++t) {
      for (int64_t k = 0; k < w.kernel(); ++k) {
        Value* index = w.f.Int((p * w.stride() + k * w.dilation()) * w.pixel_stride);
        places[p].push_back(ElementAt(w.f, w.s.x.dtype, lines[t], index));
      }
    }
  }
  return places;
}

// One pixel anywhere in the row.
std::vector<Values> BorderPlaces(DepthwiseWriter& w, Value* pixel) {
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

}  // namespace

// By row of the window: where it lies at the first column of the pixel `first`, channel 0; outside x its fill.
Values DepthwiseWriter::LinePlaces(Value* first) const {
  auto& b = f.b;
  Value* column = b.CreateSub(b.CreateMul(first, f.Int(stride())), f.DimValue(s.window->pads_lo[last()]));
  Value* offset = b.CreateMul(column, f.Int(pixel_stride));
  Values places;
  for (size_t t = 0; t < rows.size(); t += 2) {
    places.push_back(b.CreateSelect(rows[t + 1], ElementAt(f, s.x.dtype, rows[t], offset), outside));
  }
  return places;
}

bool DepthwiseWriter::PacksFilter(const KernelSpec& spec) const {
  if (!IsPackable(spec, s.w.input) || !s.w.offset.IsConst(0) || !TapStride().IsConst(channels)) return false;
  return NumElements(spec.fragment->inputs[s.w.input]->shape()) == Dim(s.taps * channels);
}

Value* DepthwiseWriter::Load(DType dtype, Value* base, Value* index, Value* mask) {
  EmitContext e{f.b, f.module, f.row};
  return EmitCast(e, dtype, acc, LoadLanes(e, dtype, ElementAt(f, dtype, base, index), f.Int(1), mask, lanes));
}

// `lanes` channels of the step's pixels.
void DepthwiseWriter::Channels(Value* first, Value* channel, Value* mask, const std::vector<Values>& places) {
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

void DepthwiseWriter::Step(Value* first, const std::vector<Values>& places) {
  const int64_t whole = channels / lanes * lanes;
  f.Loop(f.Int(0), f.Int(whole), lanes, {}, [&](Value* channel, llvm::ArrayRef<Value*>) -> Values {
    Channels(first, channel, nullptr, places);
    return {};
  });
  if (whole == channels) return;
  Channels(first, f.Int(whole), LaneMask(f.b, f.Int(channels - whole), 0, lanes), places);
}

// Of the window's first `count` rows, for the output row at `coords`; behind them come those of the next output row.
void DepthwiseWriter::FindRows(int64_t count) {
  auto& b = f.b;
  const Window& w = *s.window;
  const Shape& x = s.node->inputs[0]->shape();
  rows.clear();
  Value* image = b.CreateAdd(f.DimValue(s.x.offset), b.CreateMul(coords[0], f.DimValue(s.x.strides[0])));
  for (int64_t t = 0; t < count; ++t) {
    Value* offset = image;
    Value* inside = b.getTrue();
    int64_t rest = t;
    for (int d = last(); d-- > 0; rest /= w.kernel[d]) {
      const int64_t k = d == 0 ? rest : rest % w.kernel[d];
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
Value* DepthwiseWriter::Outside(const std::string& symbol) {
  EmitContext e{f.b, f.module, f.row};
  const auto elements = static_cast<uint64_t>(Span(pixels) * pixel_stride);
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

void DepthwiseWriter::FindCoords(Value* row) {
  auto& b = f.b;
  const Shape& out = s.node->shape();
  coords.assign(static_cast<size_t>(s.spatial), nullptr);
  for (size_t d = coords.size(); d-- > 0;) {
    coords[d] = d == 0 ? row : b.CreateURem(row, f.DimValue(out[d]));
    if (d != 0) row = b.CreateUDiv(row, f.DimValue(out[d]));
  }
  epilogue.BeginBlock(f, coords);
}

void DepthwiseWriter::Row(Value* row) {
  auto& b = f.b;
  const Shape& out = s.node->shape();
  FindCoords(row);
  FindRows(LeadingTaps());
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

namespace {

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

// Long chunks read few rows twice; two threads have as many each.
int64_t RowsOfChunk(const Dim& rows, double row_ns) {
  constexpr double kChunkNs = 12000;
  const double fit = std::max(1.0, kChunkNs / row_ns);
  if (!rows.IsConst()) return static_cast<int64_t>(fit);
  const auto pairs = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(static_cast<double>(rows.value()) / fit / 2)));
  return std::max<int64_t>(1, (rows.value() + 2 * pairs - 1) / (2 * pairs));
}

// Whole pairs, and none alone in the last chunk.
int64_t RowsOfPairs(int64_t rows, int64_t of_chunk) {
  int64_t fit = (of_chunk + 1) / 2 * 2;
  while (rows % fit == 1) fit += 2;
  return fit;
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
void LiftFilter(const KernelSpec& spec, const DepthwiseWriter& w, KernelDraft* draft) {
  const ConvShape& s = w.s;
  if (spec.plain_sums || s.w.dtype != DType::kF32 || !w.PacksFilter(spec)) return;
  const int64_t count = s.taps * w.channels;
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
  Epilogue epilogue(spec, s.node);
  epilogue.UseTable(spec, row);
  FoldedDims dims;
  dims.outer = s.spatial;
  epilogue.Fold(dims);
  KernelFrame f(module, row, symbol, draft);
  f.TakesDenormalsAsZero(spec);
  DepthwiseWriter w{f, s, epilogue, s.node->type.dtype, 0, s.window->groups, s.x.strides[s.spatial].value()};
  w.lanes = std::max<int>(1, row.vector_bytes / static_cast<int>(ElementBytes(w.acc)));
  const Dim& out = s.node->shape()[s.spatial];
  const Dim& in = s.node->inputs[0]->shape()[s.spatial];
  const Dim& pad = s.window->pads_lo[w.last()];
  w.inner_begin = Max(0, Min(out, CeilDiv(pad, Dim(w.stride()))));
  const Dim fit = FloorDiv(in - Dim(1 + (w.kernel() - 1) * w.dilation()) + pad, Dim(w.stride())) + Dim(1);
  w.inner_end = Max(w.inner_begin, Min(out, fit));
  if (out.IsConst()) w.pixels = ChooseFixedPixels(out.value(), row.vector_registers);
  const bool fixed = w.HasFixedRows();
  w.sums_words = fixed && w.CanSumWords(spec);
  if (!fixed) w.pixels = ChoosePixels(w.inner_end - w.inner_begin);
  if (!fixed || w.sums_words) w.outside = w.Outside(symbol);
  if (fixed) f.AdvancesAddresses();
  Dim rows = 1;
  for (int d = 0; d < s.spatial; ++d) rows = rows * s.node->shape()[d];
  const double width = out.IsConst() ? static_cast<double>(out.value()) : 32;
  const bool blocks = fixed && w.FitsCore();
  const auto products = static_cast<double>(w.sums_words ? 2 * w.WordTaps() : s.taps);
  const double element_ns = products / (blocks ? 5.5 * w.lanes : 24) + epilogue.Cost();
  const double row_ns = std::max(1.0, width * static_cast<double>(w.channels) * element_ns);
  const int64_t few_rows = std::max<int64_t>(1, static_cast<int64_t>(8000 / row_ns));
  int64_t block_rows = blocks ? RowsOfChunk(rows, row_ns) : few_rows;
  if (w.PairsRows()) block_rows = RowsOfPairs(rows.value(), block_rows);
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
  if (w.sums_words) draft->packs.push_back(w.PackWords());
  draft->about = fmt::format("depthwise {} taps{}, {} pixels x {} channels{}", s.taps, w.sums_words ? " as words" : "",
                             w.pixels, w.lanes, epilogue.Describe());
  return OkStatus();
}

}  // namespace belay
