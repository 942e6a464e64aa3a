// Sampling at given positions, and the grids of affine maps.
#include "ops/gradient.h"

namespace belay {
namespace {

struct Sampling {
  std::string mode, padding;
  bool align_corners = false;
};

// Back into [low, high] by mirrors at both ends.
Tensor Reflect(const Tensor& x, const Tensor& low, const Tensor& high) {
  Tensor range = Max(high - low, 1e-6), d = Abs(x - low);
  Tensor r = FMod(d, range * 2.0);
  return low + Select(Greater(r, range), range * 2.0 - r, r);
}

class Sampler {
 public:
  Sampler(const Tensor& x, const Tensor& grid, const Sampling& s) : x_(x), s_(s), b_(x.builder()) {
    const int spatial = x.rank() - 2;
    out_ = {x.dim(0), x.dim(1)};
    for (int d = 0; d < spatial; ++d) out_.push_back(grid.dim(d + 1));
    for (int d = 0; d < spatial; ++d) {
      // The grid's last dim names x, y, z: the innermost spatial dim first.
      Tensor c = Slice(grid, grid.rank() - 1, spatial - 1 - d, 1);
      c = Unsqueeze(Squeeze(c, {grid.rank() - 1}), {1});
      Tensor extent = Cast(b_.FromDim(DType::kI64, x.dim(d + 2)), c.dtype());
      extents_.push_back(extent);
      c = s.align_corners ? (c + 1.0) * 0.5 * (extent - 1.0) : ((c + 1.0) * extent - 1.0) * 0.5;
      if (s.mode == "nearest") c = Round(c);
      if (s.padding == "border") c = Min(Max(c, 0.0), extent - 1.0);
      if (s.padding == "reflection") c = Mirrored(c, extent);
      at_.push_back(c);
    }
  }

  Tensor Run() { return Collect(0, {}, Tensor()); }

 private:
  Tensor Mirrored(const Tensor& c, const Tensor& extent) const {
    Tensor low = s_.align_corners ? extent * 0.0 : extent * 0.0 - 0.5;
    Tensor high = s_.align_corners ? extent - 1.0 : extent - 0.5;
    return Select(Or(Less(c, low), Greater(c, high)), Reflect(c, low, high), c);
  }

  Tensor Weight(const Tensor& distance) const {
    Tensor d = Abs(distance);
    if (s_.mode != "bicubic") return Max(1.0 - d, 0.0);
    const double a = -0.75;
    Tensor near = (d * (a + 2) - (a + 3)) * d * d + 1.0;
    Tensor far = ((d * a - 5 * a) * d + 8 * a) * d - 4 * a;
    return Select(LessEqual(d, 1.0), near, Select(Less(d, 2.0), far, d * 0.0));
  }

  Tensor Pixel(const std::vector<Tensor>& positions) {
    std::vector<Tensor> indices;
    std::vector<int> axes = {0, 1};
    Tensor inside;
    for (size_t d = 0; d < positions.size(); ++d) {
      Tensor p = s_.padding == "reflection" ? Mirrored(positions[d], extents_[d]) : positions[d];
      Tensor last = extents_[d] - 1.0;
      Tensor fits = And(GreaterEqual(p, 0.0), LessEqual(p, last));
      inside = inside ? And(inside, fits) : fits;
      Tensor index = Cast(Min(Max(p, 0.0), last), DType::kI64);
      indices.push_back(BroadcastTo(index, out_));
      axes.push_back(-static_cast<int>(indices.size()));
    }
    Tensor value = Gather(x_, indices, axes, out_);
    return s_.padding == "zeros" ? Select(inside, value, ZeroLike(value)) : value;
  }

  // Every combination of taps along the dims from d on.
  Tensor Collect(size_t d, std::vector<Tensor> positions, const Tensor& weight) {
    if (d == at_.size()) return weight ? Pixel(positions) * weight : Pixel(positions);
    if (s_.mode == "nearest") {
      positions.push_back(at_[d]);
      return Collect(d + 1, positions, weight);
    }
    Tensor low = Floor(at_[d]), sum;
    const int first = s_.mode == "bicubic" ? -1 : 0, end = s_.mode == "bicubic" ? 3 : 2;
    for (int i = first; i < end; ++i) {
      Tensor position = low + static_cast<double>(i);
      Tensor w = Weight(at_[d] - position);
      std::vector<Tensor> more = positions;
      more.push_back(position);
      Tensor part = Collect(d + 1, more, weight ? weight * w : w);
      sum = sum ? sum + part : part;
    }
    return sum;
  }

  Tensor x_;
  Sampling s_;
  Builder& b_;
  Shape out_;
  std::vector<Tensor> extents_, at_;
};

Tensor Sampled(const Body& b, const Tensor& x, const Tensor& grid, int rank) {
  if (x.rank() != rank || grid.rank() != rank) {
    Fail("x and grid have ranks {} and {}, but need {}", x.rank(), grid.rank(), rank);
  }
  Sampling s{b.Str("interpolation_mode"), b.Str("padding_mode"), b.Bool("align_corners")};
  if (s.mode != "bilinear" && s.mode != "nearest" && s.mode != "bicubic") {
    Fail("interpolation_mode is '{}', but must be bilinear, nearest or bicubic", s.mode);
  }
  if (s.padding != "zeros" && s.padding != "border" && s.padding != "reflection") {
    Fail("padding_mode is '{}', but must be zeros, border or reflection", s.padding);
  }
  return Sampler(x, grid, s).Run();
}

void GridSampleBody(Body& b, int rank) {
  Tensor x = b.In("x");
  b.Out("y", Sampled(b, x, Cast(b.In("grid"), x.dtype()), rank));
}

void GridSampleGradient(Body& b, int rank) {
  Tensor x = b.In("x"), grid = Cast(b.In("grid"), x.dtype());
  std::vector<Tensor> g = Gradients({{Sampled(b, x, grid, rank), b.In("grad")}}, {x, grid});
  b.Out("dx", g[0]);
  b.Out("dgrid", g[1]);
}

void OnnxGridSample(OnnxNode& n) {
  std::string mode = n.Str("mode", "bilinear");
  if (mode == "linear") mode = "bilinear";
  if (mode == "cubic") mode = "bicubic";
  const int rank = n.InputRank(0) > 0 ? n.InputRank(0) : 4;
  if (rank != 4 && rank != 5) n.Fail(fmt::format("inputs of rank {} are not supported", rank));
  n.Output(0, n.Emit(rank == 5 ? "GridSampler3D" : "GridSampler2D", {n.Input(0), n.Input(1)},
                     {{"interpolation_mode", mode},
                      {"padding_mode", n.Str("padding_mode", "zeros")},
                      {"align_corners", n.Int("align_corners", 0) != 0}}));
}

// -1 .. 1 over n positions: the ends themselves, or the middles of n cells.
Tensor Line(Builder& b, const Dim& n, bool align_corners) {
  Tensor at = Cast(b.Iota(DType::kI64, {n}, 0), DType::kF32), count = Cast(b.FromDim(DType::kI64, n), DType::kF32);
  if (align_corners) return at * 2.0 / Max(count - 1.0, 1.0) - 1.0;
  return (at * 2.0 + 1.0) / count - 1.0;
}

}  // namespace

BELAY_OP(GridSampler2D) {
  op.FromOnnx("GridSample", 16, OnnxGridSample).Dtypes("x", kFloats).Computes([](Body& b) { GridSampleBody(b, 4); });
}
BELAY_OP(GridSampler3D) {
  op.Dtypes("x", kFloats).Computes([](Body& b) { GridSampleBody(b, 5); });
}

BELAY_OP(GridSampler2DGrad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) { GridSampleGradient(b, 4); });
}
BELAY_OP(GridSampler3DGrad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) { GridSampleGradient(b, 5); });
}

// theta [N, k, k+1] applied to the positions (x, y, [z], 1) of a regular grid.
BELAY_OP(AffineGrid) {
  op.FromOnnx("AffineGrid", 20, [](OnnxNode& n) {
    ModelEdge size = n.Emit("Cast", {n.Input(1)}, {{"dst_type", GeType(DType::kI32)}});
    n.Output(0, n.Emit("AffineGrid", {n.Input(0), size}, {{"align_corners", n.Int("align_corners", 0) != 0}}));
  });
  op.Dtypes("theta", kFloats).Computes([](Body& b) {
    Tensor theta = Cast(b.In("theta"), DType::kF32);
    const std::vector<Dim> size = b.Dims("output_size");
    const int spatial = static_cast<int>(size.size()) - 2;
    if (spatial != 2 && spatial != 3) Fail("output_size has {} elements, but needs 4 or 5", size.size());
    const Shape grid(size.begin() + 2, size.end());
    std::vector<Tensor> rows;
    Dim cells(1);
    for (const Dim& d : grid) cells = cells * d;
    for (int d = spatial - 1; d >= 0; --d) {
      Tensor line = AlongAxis(Line(b.builder(), grid[d], b.Bool("align_corners")), d, spatial);
      rows.push_back(Reshape(BroadcastTo(line, grid), {cells, Dim(1)}));
    }
    rows.push_back(Full(b.builder(), {cells, Dim(1)}, DType::kF32, 1));
    Tensor y = MatMul(Unsqueeze(Concat(rows, 1), {0}), SwapLast(theta), DType::kF32);
    Shape shape = {theta.dim(0)};
    shape.insert(shape.end(), grid.begin(), grid.end());
    shape.push_back(spatial);
    b.Out("y", Reshape(y, shape));
  });
}

}  // namespace belay
