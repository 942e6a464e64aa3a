// Random contractions and convolutions with random epilogues.
#include <gtest/gtest.h>

#include <algorithm>

#include "backend_contract/kernel_case.h"

namespace belay {
namespace {

class Draw {
 public:
  explicit Draw(uint32_t seed) : random_(seed) {}
  int64_t Between(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }
  bool Chance(int percent) { return Between(1, 100) <= percent; }
  // Mostly small, now and then beyond a block.
  int64_t Extent() { return Chance(5) ? Between(0, 1) : Chance(20) ? Between(60, 150) : Between(1, 40); }

 private:
  std::mt19937 random_;
};

Tensor RandomEpilogue(KernelCase& c, Draw& draw, Tensor y) {
  const auto operand = [&] {
    Shape shape = y.shape();
    for (Dim& d : shape) {
      if (draw.Chance(50)) d = 1;
    }
    if (draw.Chance(30)) shape = {y.dim(-1)};
    return c.Input(DType::kF32, shape, draw.Chance(50));
  };
  for (int64_t count = draw.Between(0, 3); count > 0; --count) {
    switch (draw.Between(0, 6)) {
      case 0: y = y + operand(); break;
      case 1: y = y * operand(); break;
      case 2: y = Max(y, 0.0); break;
      case 3: y = Min(Max(y, -3.0), operand()); break;
      case 4: y = Sigmoid(y); break;
      case 5: y = y * 0.5 + y; break;
      default: y = Select(GreaterEqual(y, operand()), y, operand()); break;
    }
  }
  return y;
}

TEST(RandomKernels, Contractions) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    KernelCase c(seed);
    const auto extent = [&] {
      const int64_t e = draw.Extent();
      return draw.Chance(30) ? c.Dynamic(e) : Dim(e);
    };
    const Dim m = extent(), k = extent(), n = extent();
    Shape batch;
    for (int64_t rank = draw.Between(0, 2); rank > 0; --rank) batch.push_back(Dim(draw.Between(1, 3)));
    const auto matrix = [&](const Dim& rows, const Dim& columns, bool constant) {
      Shape shape;
      for (const Dim& d : batch) shape.push_back(draw.Chance(40) ? Dim(1) : d);
      if (draw.Chance(40)) shape.clear();
      const bool turned = draw.Chance(40);
      shape.push_back(turned ? columns : rows);
      shape.push_back(turned ? rows : columns);
      constant = constant && IsStatic(shape);
      Tensor t = c.Input(DType::kF32, shape, constant);
      if (!turned) return t;
      std::vector<int> perm(shape.size());
      for (size_t d = 0; d < perm.size(); ++d) perm[d] = static_cast<int>(d);
      std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
      return Transpose(t, perm);
    };
    Tensor a = matrix(m, k, false), b = matrix(k, n, draw.Chance(60));
    c.Output(RandomEpilogue(c, draw, MatMul(a, b, DType::kF32)));
    c.Check(static_cast<double>(k.Evaluate(c.symbols())));
    if (HasFailure()) return;
  }
}

TEST(RandomKernels, Convolutions) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    KernelCase c(seed);
    const auto extent = [&](int64_t e) { return draw.Chance(40) ? c.Dynamic(e) : Dim(e); };
    const int64_t spatial = draw.Between(1, 3);
    const int64_t groups = draw.Chance(30) ? draw.Between(2, 4) : 1;
    int64_t channels = groups * draw.Between(1, 20), outputs = groups * draw.Between(1, 30), parts = groups;
    if (draw.Chance(25)) parts = outputs = channels = draw.Between(2, 40);  // depthwise
    Window window;
    window.groups = parts;
    Shape x{extent(draw.Between(1, 3))}, w;
    std::vector<Dim> hi;
    double depth = static_cast<double>(channels / parts);
    for (int64_t d = 0; d < spatial; ++d) {
      const int64_t kernel = draw.Between(1, spatial == 3 ? 3 : 4), dilation = draw.Chance(70) ? 1 : 2;
      window.kernel.push_back(kernel);
      window.dilations.push_back(dilation);
      window.strides.push_back(draw.Chance(60) ? 1 : draw.Between(2, 3));
      window.pads_lo.push_back(Dim(draw.Between(0, 2)));
      hi.push_back(Dim(draw.Between(0, 2)));
      x.push_back(extent((kernel - 1) * dilation + draw.Between(1, spatial == 3 ? 5 : 14)));
      w.push_back(Dim(kernel));
      depth *= static_cast<double>(kernel);
    }
    x.push_back(Dim(channels));
    w.push_back(Dim(channels / parts));
    w.push_back(Dim(outputs));
    Tensor image = c.Input(DType::kF32, x);
    Tensor filter = c.Input(DType::kF32, w, draw.Chance(60));
    c.Output(RandomEpilogue(c, draw, Conv(image, filter, window, hi, DType::kF32)));
    c.Check(depth);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace belay
