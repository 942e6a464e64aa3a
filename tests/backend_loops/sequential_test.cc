#include "backend_loops/harness.h"

namespace belay {
namespace {

TEST(Scan, KindsAxesAndFlags) {
  std::mt19937 rng(1);
  for (DType d : {DType::kF32, DType::kF16, DType::kI32, DType::kF64}) {
    for (ReduceKind kind : {ReduceKind::kSum, ReduceKind::kProd, ReduceKind::kMax}) {
      for (int axis : {0, 1, 2}) {
        bool exclusive = rng() & 1, reverse = rng() & 1;
        if (kind == ReduceKind::kMax) exclusive = false;
        SCOPED_TRACE(fmt::format("{} {} axis {} {} {}", DTypeName(d), ReduceKindName(kind), axis,
                                 exclusive, reverse));
        Fragment f;
        Dim rows = f.Symbol(5);
        Tensor x = f.Input(d, {rows, 9, 21});
        f.Output(Scan(kind, x, axis, exclusive, reverse));
        Check(f, RandomInputs(rng, f, -2, 2), {2, 1e-6});
      }
    }
  }
}

TEST(Scatter, KindsAndWindows) {
  std::mt19937 rng(2);
  for (ReduceKind kind :
       {ReduceKind::kNone, ReduceKind::kSum, ReduceKind::kMax, ReduceKind::kProd}) {
    for (DType d : {DType::kF32, DType::kF16, DType::kI64, DType::kU8}) {
      SCOPED_TRACE(fmt::format("{} {}", ReduceKindName(kind), DTypeName(d)));
      // The interpreter keeps sums wide; a kernel rounds at every update that hits an element.
      bool rounds = IsFloat(d) && (kind == ReduceKind::kSum || kind == ReduceKind::kProd);
      Tolerance t{rounds ? 6.0 : 0.0, 0};
      Fragment rows;  // whole rows
      Tensor x = rows.Input(d, {7, 21}), u = rows.Input(d, {9, 21}),
             i = rows.Input(DType::kI64, {9, 1});
      rows.Output(Scatter(kind, x, u, {i}, {-1, 1}));
      auto inputs = RandomInputs(rng, rows, 0, 3);
      inputs[2] = RandomLiteral(rng, DType::kI64, {9, 1}, 0, 7);
      Check(rows, inputs, t);
      Fragment points;
      x = points.Input(d, {7, 21});
      u = points.Input(d, {40});
      i = points.Input(DType::kI32, {40});
      Tensor j = points.Input(DType::kI32, {40});
      points.Output(Scatter(kind, x, u, {i, j}, {-1, -2}));
      inputs = RandomInputs(rng, points, 0, 3);
      inputs[2] = RandomLiteral(rng, DType::kI32, {40}, 0, 7);
      inputs[3] = RandomLiteral(rng, DType::kI32, {40}, 0, 21);
      Check(points, inputs, t);
    }
  }
}

TEST(Scatter, IndexOutOfRange) {
  std::mt19937 rng(3);
  for (int64_t extent : {0, 5}) {
    Fragment f;
    Dim n = f.Symbol(extent);
    Tensor x = f.Input(DType::kF32, {n}), u = f.Input(DType::kF32, {4}),
           i = f.Input(DType::kI64, {4});
    f.Output(Scatter(ReduceKind::kSum, x, u, {i}, {-1}));
    auto inputs = RandomInputs(rng, f);
    inputs[2] = LiteralFromInts(DType::kI64, {4}, {extent, 0, -3, 1});
    KernelSpec spec{f.graph, {false, false, false}, "scatter"};
    for (const TargetRow* row : RunnableRows()) {
      auto kernels = CompileJobs({{&BuildLoops, &spec}}, *row);
      ASSERT_TRUE(kernels.ok()) << kernels.status().ToString();
      RunError error;
      RunCompiled((*kernels)[0], f, inputs, true, 1, &error);
      EXPECT_EQ(error.set.load(), 1);
      EXPECT_EQ(error.index, extent);
      EXPECT_EQ(error.limit, extent);
    }
  }
}

}  // namespace
}  // namespace belay
