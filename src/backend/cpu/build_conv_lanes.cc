// Convolutions with few outputs: vectors of output pixels of one row instead of vectors of outputs. A chunk first
// copies the rows of x that its windows cover, a channel at a time and with zeros around, so that each tap of a vector
// is one load; where windows advance by more than one pixel, every stride-th pixel lies in a plane of its own.
#include <algorithm>
#include <cmath>

#include "backend/cpu/build_contract_matrix.h"
#include "backend/cpu/build_conv.h"

namespace belay {
namespace {

using llvm::Value;
using Values = std::vector<Value*>;

constexpr int64_t kScratchBytes = 160 << 10;  // of a chunk's rows: well within a second-level cache
constexpr int64_t kMostScratchBytes = 1 << 20;
constexpr int64_t kUnrolledTaps = 8;

// One dim of the window. A 1-D convolution has a single row.
struct Axis {
  int64_t kernel = 1, stride = 1, dilation = 1;
  Dim pad = 0, in = 1, out = 1;
  int64_t Reach() const { return (kernel - 1) * dilation; }
};

struct LanesPlan {
  Axis y, x;
  int lanes = 1;
  int64_t channels = 0, outputs = 0;
  int64_t groups = 1, group = 1;  // passes over the window, and outputs of one
  int64_t nv = 1;                 // vectors of pixels
  int64_t rows = 1, pixels = 1;   // of the output, in one chunk
  int64_t tile() const { return nv * lanes; }
  int64_t InRows() const { return (rows - 1) * y.stride + y.Reach() + 1; }
  // Elements of one plane of one channel of one row.
  int64_t Plane() const { return (pixels + x.Reach() / x.stride + lanes) / lanes * lanes; }
  int64_t RowElements() const { return channels * x.stride * Plane(); }
  int64_t Bytes() const { return InRows() * RowElements() * 4; }
  double Depth() const { return static_cast<double>(channels * y.kernel * x.kernel); }
};

Axis AxisOf(const ConvShape& s, int d) {
  const Window& w = *s.window;
  return {w.kernel[d], w.strides[d], w.dilations[d], w.pads_lo[d], s.node->inputs[0]->shape()[d + 1],
          s.node->shape()[d + 1]};
}

// Outputs and vectors of a tile, for the fewest cycles of a row: two loads and two multiply-adds in each, ten sums in
// flight.
double ChooseLanesTile(LanesPlan* p, int registers) {
  const double width = std::max(1.0, Likely(p->x.out));
  double least = HUGE_VAL;
  for (int64_t groups = 1; groups <= p->outputs; ++groups) {
    const int64_t group = (p->outputs + groups - 1) / groups;
    for (int64_t nv = 1; nv <= 8; ++nv) {
      if (group * nv + nv + 1 > registers) continue;
      const auto sums = static_cast<double>(group * nv), loads = static_cast<double>(group + nv);
      const double step = std::max({sums / 2, loads / 2, 5.0}) * 1.1 + 0.5;
      const double tiles = std::ceil(width / static_cast<double>(nv * p->lanes));
      const double cost = tiles * static_cast<double>(groups) * step;
      if (cost >= least * 0.999) continue;
      least = cost;
      p->groups = groups, p->group = group, p->nv = nv;
    }
  }
  return least / width * p->Depth();
}

// Rows for blocks of so many pixels at most; gives the elements that are copied for a pixel.
double ChooseBlock(int64_t most_pixels, LanesPlan* p) {
  const int64_t tile = p->tile(), wanted = std::max<int64_t>(1, most_pixels / tile) * tile;
  p->pixels = p->x.out.IsConst() ? std::min(wanted, (p->x.out.value() + tile - 1) / tile * tile) : wanted;
  const int64_t most_rows = p->y.out.IsConst() ? std::clamp<int64_t>(p->y.out.value() / 4, 1, 16) : 8;
  p->rows = 1;
  while (p->rows < most_rows) {
    ++p->rows;
    if (p->Bytes() <= kScratchBytes) continue;
    --p->rows;
    break;
  }
  const double copied = static_cast<double>(p->channels * p->x.stride) * static_cast<double>(p->InRows());
  return copied / static_cast<double>(p->rows);
}

LanesPlan PlanLanes(const ConvShape& s, const TargetRow& row, double* cycles_of_pixel) {
  LanesPlan p;
  if (s.spatial == 2) p.y = AxisOf(s, 0);
  p.x = AxisOf(s, s.spatial - 1);
  p.lanes = std::max<int>(1, row.vector_bytes / 4);
  p.channels = s.channels.value(), p.outputs = s.outputs.value();
  *cycles_of_pixel = ChooseLanesTile(&p, row.vector_registers);
  double copied = ChooseBlock(384, &p);
  // Rows of open length may be short, and then only take room for more of them.
  LanesPlan narrow = p;
  if (const double less = ChooseBlock(128, &narrow); !p.x.out.IsConst() && less < copied / 2) {
    p = narrow;
    copied = less;
  }
  *cycles_of_pixel += 1.4 * copied + (p.outputs > 1 ? 20 : 1);
  return p;
}

struct Writer {
  KernelFrame& f;
  const ConvShape& s;
  const LanesPlan& p;
  Epilogue& epilogue;
  Value *rows = nullptr, *done = nullptr;  // scratch: [row][channel][phase][plane], [output][tile]
  Value *image = nullptr, *first_row = nullptr, *row_count = nullptr, *first_pixel = nullptr, *pixel_count = nullptr;

  llvm::FixedVectorType* vector() {
    return llvm::FixedVectorType::get(f.b.getFloatTy(), static_cast<unsigned>(p.lanes));
  }
  Value* Minimum(Value* x, Value* y) { return f.b.CreateSelect(f.b.CreateICmpSLT(x, y), x, y); }
  void Each(Value* count, int64_t step, const std::function<void(Value*)>& body) {
    f.Loop(f.Int(0), count, step, {}, [&](Value* i, llvm::ArrayRef<Value*>) -> Values {
      body(i);
      return {};
    });
  }
  Value* InsideX(Value* first);
  void CopyRow(Value* row);
  Values Taps(Value* x, Value* w, Values sums);
  Values Sums(Value* row, Value* pixel, int64_t group);
  void Finish(Value* row, Value* pixel, const Values& sums);
  void Chunk(Value* chunk);
};

// Which of the pixels first, first + stride, ... of x exist.
Value* Writer::InsideX(Value* first) {
  auto& b = f.b;
  llvm::SmallVector<llvm::Constant*, 16> steps;
  for (int i = 0; i < p.lanes; ++i) steps.push_back(b.getInt64(static_cast<uint64_t>(i * p.x.stride)));
  const auto lanes = static_cast<unsigned>(p.lanes);
  Value* at = b.CreateAdd(b.CreateVectorSplat(lanes, first), llvm::ConstantVector::get(steps));
  return b.CreateICmpULT(at, b.CreateVectorSplat(lanes, f.DimValue(p.x.in)));
}

// Row number `row` of those that the chunk's windows cover.
void Writer::CopyRow(Value* row) {
  auto& b = f.b;
  EmitContext e{b, f.module, f.row};
  const Dim y_stride = s.spatial == 2 ? s.x.strides[1] : Dim(0), x_stride = s.x.strides[s.spatial];
  Value* y = b.CreateSub(b.CreateMul(first_row, f.Int(p.y.stride)), f.DimValue(p.y.pad));
  y = b.CreateAdd(y, row);
  Value* exists = b.CreateVectorSplat(static_cast<unsigned>(p.lanes), b.CreateICmpULT(y, f.DimValue(p.y.in)));
  Value* line = b.CreateAdd(f.DimValue(s.x.offset), b.CreateMul(image, f.DimValue(s.x.strides[0])));
  line = b.CreateAdd(line, b.CreateMul(y, f.DimValue(y_stride)));
  Value* left = b.CreateSub(b.CreateMul(first_pixel, f.Int(p.x.stride)), f.DimValue(p.x.pad));
  Value* to_row = b.CreateMul(row, f.Int(p.RowElements()));
  // Whole tiles are computed.
  Value* tiles = b.CreateUDiv(b.CreateAdd(pixel_count, f.Int(p.tile() - 1)), f.Int(p.tile()));
  Value* used = b.CreateAdd(b.CreateMul(tiles, f.Int(p.tile())), f.Int(p.x.Reach() / p.x.stride));
  for (int64_t phase = 0; phase < p.x.stride; ++phase) {
    Each(used, p.lanes, [&](Value* i) {
      Value* from = b.CreateAdd(left, b.CreateAdd(b.CreateMul(i, f.Int(p.x.stride)), f.Int(phase)));
      Value* mask = b.CreateAnd(InsideX(from), exists);
      Value* at = b.CreateAdd(line, b.CreateMul(from, f.DimValue(x_stride)));
      Value* to = b.CreateAdd(to_row, b.CreateAdd(i, f.Int(phase * p.Plane())));
      Each(f.Int(p.channels), 1, [&](Value* c) {
        Value* source = b.CreateAdd(at, b.CreateMul(c, f.DimValue(s.x.strides.back())));
        Value* x = LoadLanes(e, DType::kF32, ElementAt(f, DType::kF32, f.Buffer(s.x.input), source),
                             f.DimValue(x_stride * Dim(p.x.stride)), mask, p.lanes);
        Value* place = b.CreateAdd(to, b.CreateMul(c, f.Int(p.x.stride * p.Plane())));
        b.CreateAlignedStore(x, ElementAt(f, DType::kF32, rows, place), llvm::Align(4));
      });
    });
  }
}

// One row of the window in one channel. x: the first pixel's first phase; w: the first tap's first output.
Values Writer::Taps(Value* x, Value* w, Values sums) {
  auto& b = f.b;
  const int64_t tap = s.w.strides[s.spatial - 1].value(), output = s.w.strides.back().value();
  const auto add = [&](Value* at, Value* weights, Values acc) {
    Values pixels;
    for (int64_t v = 0; v < p.nv; ++v) {
      Value* from = ElementAt(f, DType::kF32, at, f.Int(v * p.lanes));
      pixels.push_back(b.CreateAlignedLoad(vector(), from, llvm::Align(4)));
    }
    for (int64_t o = 0; o < p.group; ++o) {
      Value* weight = ElementAt(f, DType::kF32, weights, f.Int(o * output));
      Value* y = b.CreateAlignedLoad(b.getFloatTy(), weight, llvm::Align(4));
      y = b.CreateVectorSplat(static_cast<unsigned>(p.lanes), y);
      for (int64_t v = 0; v < p.nv; ++v) {
        Value*& sum = acc[static_cast<size_t>(o * p.nv + v)];
        sum = EmitMultiplyAdd(f, DType::kF32, pixels[static_cast<size_t>(v)], y, sum);
      }
    }
    return acc;
  };
  // Taps k, k + stride, ... lie in one plane, a dilation apart.
  for (int64_t k = 0; k < std::min(p.x.kernel, p.x.stride); ++k) {
    const int64_t reach = k * p.x.dilation, start = reach % p.x.stride * p.Plane() + reach / p.x.stride;
    const int64_t count = (p.x.kernel - k + p.x.stride - 1) / p.x.stride;
    const auto step = [&](Value* m, const Values& acc) {
      Value* at = b.CreateAdd(b.CreateMul(m, f.Int(p.x.dilation)), f.Int(start));
      Value* weights = b.CreateAdd(b.CreateMul(m, f.Int(p.x.stride * tap)), f.Int(k * tap));
      return add(ElementAt(f, DType::kF32, x, at), ElementAt(f, DType::kF32, w, weights), acc);
    };
    if (p.x.kernel <= kUnrolledTaps) {
      for (int64_t m = 0; m < count; ++m) sums = step(f.Int(m), sums);
    } else {
      sums = f.Loop(f.Int(0), f.Int(count), 1, sums, [&](Value* m, llvm::ArrayRef<Value*> acc) {
        return step(m, Values(acc.begin(), acc.end()));
      });
    }
  }
  return sums;
}

// Outputs [group * p.group, ...) of a tile of pixels; those that do not exist repeat the last ones.
Values Writer::Sums(Value* row, Value* pixel, int64_t group) {
  auto& b = f.b;
  const int64_t first = std::min(group * p.group, p.outputs - p.group);
  const int64_t window_row = s.spatial == 2 ? s.w.strides[0].value() : 0;
  Value* place = b.CreateAdd(b.CreateMul(row, f.Int(p.y.stride * p.RowElements())), pixel);
  Value* x = ElementAt(f, DType::kF32, rows, place);
  Value* w = ElementAt(f, DType::kF32, f.Buffer(s.w.input),
                       f.Int(s.w.offset.value() + first * s.w.strides.back().value()));
  const Values zero(static_cast<size_t>(p.group * p.nv), llvm::Constant::getNullValue(vector()));
  return f.Loop(f.Int(0), f.Int(p.y.kernel), 1, zero, [&](Value* t, llvm::ArrayRef<Value*> of_row) {
    Value* x_row = ElementAt(f, DType::kF32, x, b.CreateMul(t, f.Int(p.y.dilation * p.RowElements())));
    Value* w_row = ElementAt(f, DType::kF32, w, b.CreateMul(t, f.Int(window_row)));
    return f.Loop(f.Int(0), f.Int(p.channels), 1, of_row, [&](Value* c, llvm::ArrayRef<Value*> sums) {
      Value* x_channel = ElementAt(f, DType::kF32, x_row, b.CreateMul(c, f.Int(p.x.stride * p.Plane())));
      Value* w_channel = ElementAt(f, DType::kF32, w_row, b.CreateMul(c, f.Int(s.w.strides[s.spatial].value())));
      return Taps(x_channel, w_channel, Values(sums.begin(), sums.end()));
    });
  });
}

// The tile's existing pixels through the epilogue; sums of all outputs, by output and vector.
void Writer::Finish(Value* row, Value* pixel, const Values& sums) {
  auto& b = f.b;
  Values coords{image};
  if (s.spatial == 2) coords.push_back(b.CreateAdd(first_row, row));
  epilogue.BeginBlock(f, coords);
  Value* first = b.CreateAdd(first_pixel, pixel);
  Value* left = b.CreateSub(pixel_count, pixel);
  if (p.outputs == 1) {
    Values columns, masks;
    for (int64_t v = 0; v < p.nv; ++v) {
      columns.push_back(b.CreateAdd(first, f.Int(v * p.lanes)));
      masks.push_back(LaneMask(b, left, v * p.lanes, p.lanes));
    }
    epilogue.EmitRow(f, {f.Int(0), columns, masks, sums}, p.lanes);
    return;
  }
  for (int64_t o = 0; o < p.outputs; ++o) {
    for (int64_t v = 0; v < p.nv; ++v) {
      Value* to = ElementAt(f, DType::kF32, done, f.Int(o * p.tile() + v * p.lanes));
      b.CreateAlignedStore(sums[static_cast<size_t>(o * p.nv + v)], to, llvm::Align(4));
    }
  }
  EmitContext e{b, f.module, f.row};
  Value* mask = p.outputs == p.lanes ? nullptr : LaneMask(b, f.Int(p.outputs), 0, p.lanes);
  Each(Minimum(left, f.Int(p.tile())), 1, [&](Value* i) {
    Value* outputs = LoadLanes(e, DType::kF32, ElementAt(f, DType::kF32, done, i), f.Int(p.tile()), mask, p.lanes);
    epilogue.EmitRow(f, {b.CreateAdd(first, i), {f.Int(0)}, {mask}, {outputs}}, p.lanes);
  });
}

void Writer::Chunk(Value* chunk) {
  auto& b = f.b;
  Value* row_blocks = f.DimValue(CeilDiv(p.y.out, Dim(p.rows)));
  Value* pixel_blocks = f.DimValue(CeilDiv(p.x.out, Dim(p.pixels)));
  first_pixel = b.CreateMul(b.CreateURem(chunk, pixel_blocks), f.Int(p.pixels));
  chunk = b.CreateUDiv(chunk, pixel_blocks);
  first_row = b.CreateMul(b.CreateURem(chunk, row_blocks), f.Int(p.rows));
  image = b.CreateUDiv(chunk, row_blocks);
  row_count = Minimum(b.CreateSub(f.DimValue(p.y.out), first_row), f.Int(p.rows));
  pixel_count = Minimum(b.CreateSub(f.DimValue(p.x.out), first_pixel), f.Int(p.pixels));
  Value* covered = b.CreateMul(b.CreateSub(row_count, f.Int(1)), f.Int(p.y.stride));
  Each(b.CreateAdd(covered, f.Int(p.y.Reach() + 1)), 1, [&](Value* row) { CopyRow(row); });
  Each(row_count, 1, [&](Value* row) {
    Each(pixel_count, p.tile(), [&](Value* pixel) {
      Values all(static_cast<size_t>(p.outputs * p.nv));
      for (int64_t g = 0; g < p.groups; ++g) {
        const Values sums = Sums(row, pixel, g);
        const int64_t first = std::min(g * p.group, p.outputs - p.group);
        std::copy(sums.begin(), sums.end(), all.begin() + first * p.nv);
      }
      Finish(row, pixel, all);
    });
  });
}

}  // namespace

bool PrefersLanesOfPixels(const ConvShape& s, const TargetRow& row) {
  if (s.spatial > 2 || s.window->groups != 1 || !s.channels.IsConst() || !s.outputs.IsConst()) return false;
  if (s.x.dtype != DType::kF32 || s.w.dtype != DType::kF32 || s.node->type.dtype != DType::kF32) return false;
  const int64_t lanes = std::max<int64_t>(1, row.vector_bytes / 4);
  if (lanes < 4 || s.outputs.value() > lanes || s.outputs.value() < 1 || s.channels.value() < 1) return false;
  if (!s.w.offset.IsConst()) return false;
  for (const Dim& stride : s.w.strides) {
    if (!stride.IsConst()) return false;
  }
  double cycles = 0;
  const LanesPlan p = PlanLanes(s, row, &cycles);
  // Half the lanes of a tile of outputs are busy at best, and its rows are gathered where channels are few.
  const double direct = p.Depth() * 1.04 + (p.channels < 12 ? static_cast<double>(s.taps) : 0);
  return p.Bytes() <= kMostScratchBytes && cycles < 0.8 * direct;
}

Status BuildLanesOfPixels(const KernelSpec& spec, const ConvShape& s, const TargetRow& row, llvm::Module& module,
                          const std::string& symbol, KernelDraft* draft) {
  double cycles = 0;
  const LanesPlan p = PlanLanes(s, row, &cycles);
  Epilogue epilogue(spec, s.node);
  if (p.outputs == 1) {
    epilogue.FoldSingleColumn();
  } else {
    FoldedDims dims;
    dims.outer = s.spatial;
    epilogue.Fold(dims);
  }
  KernelFrame f(module, row, symbol, draft);
  f.TakesDenormalsAsZero(spec);
  Writer w{f, s, p, epilogue};
  const int64_t row_bytes = (p.Bytes() + 63) / 64 * 64;
  auto* type = llvm::FunctionType::get(f.b.getPtrTy(), {f.b.getInt64Ty()}, false);
  w.rows = f.b.CreateCall(f.Runtime("belay_scratch", type), {f.Int(row_bytes + p.outputs * p.tile() * 4)});
  w.done = f.b.CreateGEP(f.b.getInt8Ty(), w.rows, f.Int(row_bytes));
  f.Loop(f.begin, f.end, 1, {}, [&](Value* chunk, llvm::ArrayRef<Value*>) -> Values {
    w.Chunk(chunk);
    return {};
  });
  f.Finish();
  draft->chunks = s.node->shape()[0] * CeilDiv(p.y.out, Dim(p.rows)) * CeilDiv(p.x.out, Dim(p.pixels));
  const double pixels = std::min(Likely(p.x.out), static_cast<double>(p.pixels)) * static_cast<double>(p.rows);
  draft->ns_per_chunk = 50 + pixels * (cycles / 3 + epilogue.Cost() * static_cast<double>(p.outputs));
  draft->about = fmt::format("conv of {}x{} pixels in lanes, {} at a time, taps {}, K {}{}", p.rows, p.pixels, p.tile(),
                             s.taps, p.channels * s.taps, epilogue.Describe());
  return OkStatus();
}

}  // namespace belay
