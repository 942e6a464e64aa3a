#include "backend_loops/harness.h"

namespace belay {
namespace {

// Sums of K terms: 2 * sqrt(K) * 2^-23 of the sum of magnitudes.
Tolerance SumTolerance(double k, double magnitude) {
  return {4, 2 * std::sqrt(k) * 0x1p-23 * k * magnitude};
}

TEST(Reduce, SumOverAxes) {
  std::mt19937 rng(1);
  for (DType d : {F, DType::kF64, DType::kF16, DType::kI32, DType::kI64}) {
    for (std::vector<int> axes :
         std::vector<std::vector<int>>{{2}, {1}, {0}, {1, 2}, {0, 2}, {0, 1}, {0, 1, 2}}) {
      for (auto dims : std::vector<std::vector<int64_t>>{
               {3, 5, 70}, {2, 40, 3}, {7, 1, 16}, {2, 3, 0}, {0, 4, 5}}) {
        SCOPED_TRACE(fmt::format("{} axes {} of {},{},{}", DTypeName(d), fmt::join(axes, ","),
                                 dims[0], dims[1], dims[2]));
        Fragment f;
        Tensor x = f.Input(d, {dims[0], dims[1], dims[2]});
        f.Output(Sum(x, axes, false));
        Check(f, RandomInputs(rng, f),
              SumTolerance(std::max<int64_t>(1, dims[0] * dims[1] * dims[2]), 4));
      }
    }
  }
}

TEST(Reduce, LongSumsOfEqualTermsStayAccurate) {
  for (bool along : {true, false}) {
    Fragment f;
    Tensor x = along ? f.Input(F, {1, 1000001}) : f.Input(F, {500001, 2});
    f.Output(Sum(x, {along ? 1 : 0}, false));
    int64_t n = along ? 1000001 : 500001;
    std::vector<double> ones(along ? n : 2 * n, 0.1);
    auto in = LiteralFromDoubles(F, along ? std::vector<int64_t>{1, n} : std::vector<int64_t>{n, 2},
                                 ones);
    Check(f, {in}, SumTolerance(static_cast<double>(n), 0.1));
  }
}

TEST(Reduce, KindsAndDtypes) {
  std::mt19937 rng(2);
  for (ReduceKind kind : {ReduceKind::kMax, ReduceKind::kMin, ReduceKind::kProd,
                          ReduceKind::kArgMax, ReduceKind::kArgMin}) {
    for (DType d : {F, DType::kF16, DType::kI8, DType::kU8, DType::kI32, DType::kI64}) {
      for (int axis : {0, 1}) {
        for (bool last : {false, true}) {
          SCOPED_TRACE(
              fmt::format("{} {} axis {} last {}", ReduceKindName(kind), DTypeName(d), axis, last));
          Fragment f;
          Tensor x = f.Input(d, {19, 83});
          f.Output(Reduce(kind, x, {axis}, false, last));
          Check(f, RandomInputs(rng, f, 0, 3),
                kind == ReduceKind::kProd ? Tolerance{200, 0} : Tolerance{});
        }
      }
    }
  }
}

TEST(Reduce, BoolAndNan) {
  std::mt19937 rng(3);
  for (ReduceKind kind : {ReduceKind::kAnd, ReduceKind::kOr}) {
    Fragment f;
    Tensor x = f.Input(DType::kBool, {5, 33});
    f.Output(Reduce(kind, x, {1}));
    Check(f, RandomInputs(rng, f));
  }
  for (ReduceKind kind : {ReduceKind::kMax, ReduceKind::kArgMax}) {
    Fragment f;
    Tensor x = f.Input(F, {2, 40});
    f.Output(Reduce(kind, x, {1}));
    std::vector<double> values(80, 1.0);
    values[17] = NAN;
    values[29] = NAN;
    Check(f, {LiteralFromDoubles(F, {2, 40}, values)});
  }
}

TEST(Reduce, Softmax) {
  std::mt19937 rng(4);
  for (auto [m, n] : {std::pair<int64_t, int64_t>{3, 7}, {2, 1000}, {40, 64}, {1, 1}, {5, 129}}) {
    Fragment f;
    Dim rows = f.Symbol(m);
    Tensor x = f.Input(F, {rows, n});
    Tensor e = Exp(x - MaxOver(x, {1}));
    f.Output(e / Sum(e, {1}));
    Check(f, RandomInputs(rng, f, -20, 20), {12, 1e-12});
  }
}

int64_t CountCalls(const Fragment& f, llvm::StringRef function) {
  llvm::LLVMContext context;
  llvm::Module module("test", context);
  KernelDraft draft;
  KernelSpec spec{f.graph, std::vector<bool>(f.graph->inputs.size()), "test"};
  EXPECT_TRUE(BuildLoops(spec, *FindTargetRow("avx512"), module, "kernel", &draft).ok());
  int64_t count = 0;
  for (const llvm::Function& called : module) {
    if (called.getName().starts_with(function)) count += called.getNumUses();
  }
  return count;
}

// The pass that divides takes them from where the pass that adds has put them.
TEST(Reduce, SoftmaxComputesExponentialsOnce) {
  Fragment sum, softmax;
  auto exponentials = [](Fragment& f) {
    Tensor x = f.Input(F, {5, 96});
    Tensor z = x - Reduce(ReduceKind::kMax, x, {1}, true);
    return Select(Less(z, -80.0), x * 0.0, Exp(Max(z, -80.0)));
  };
  sum.Output(Sum(exponentials(sum), {1}, true));
  Tensor e = exponentials(softmax);
  softmax.Output(e / Sum(e, {1}, true));
  const char* scale = "llvm.x86.avx512.mask.scalef";  // the end of each exponential
  EXPECT_GT(CountCalls(sum, scale), 0);
  EXPECT_EQ(CountCalls(softmax, scale), CountCalls(sum, scale));
}

// Two rows at a time, and the last alone: the values of a row do not depend on its neighbour.
TEST(Reduce, RowsInPairs) {
  std::mt19937 rng(14);
  for (int64_t rows : {1, 2, 3, 6, 7, 200}) {
    for (int64_t columns : {1, 5, 16, 70, 768}) {
      SCOPED_TRACE(fmt::format("{} rows of {}", rows, columns));
      Fragment f;  // values kept for each row, one arg reduction, one scalar of the row
      Tensor x = f.Input(F, {rows, columns}), shift = f.Input(F, {rows, 1});
      Tensor e = Exp(x - MaxOver(x, {1})) + shift;
      Tensor at = Cast(Reduce(ReduceKind::kArgMax, x, {1}, true), F);
      f.Output(e / Sum(e * e, {1}) + at);
      Check(f, RandomInputs(rng, f, 1, 4), {16, 1e-5});
      Fragment h;  // rows that indices choose
      Tensor table = h.Input(F, {9, columns}), ids = h.Input(DType::kI32, {rows});
      Tensor row = GatherAxis(table, ids, 0, false);
      h.Output(row - Mean(row, {1}));
      Check(h, RandomInputs(rng, h, 0, 8), SumTolerance(static_cast<double>(columns), 8));
      Fragment g;  // no loop over the columns of a result
      Dim symbol = g.Symbol(rows);
      Tensor y = g.Input(F, {symbol, columns});
      g.Output(Sum(y, {1}, false) + Reduce(ReduceKind::kMax, y * 2.0, {1}, false));
      Check(g, RandomInputs(rng, g), SumTolerance(static_cast<double>(columns), 4));
    }
  }
}

TEST(Reduce, SoftmaxOverOtherAxes) {
  std::mt19937 rng(5);
  for (int axis : {0, 1}) {
    Fragment f;
    Tensor x = f.Input(F, {6, 10, 37});
    Tensor e = Exp(x - MaxOver(x, {axis}));
    f.Output(e / Sum(e, {axis}));
    Check(f, RandomInputs(rng, f, -20, 20), {12, 1e-12});
  }
}

TEST(Reduce, LayerNorm) {
  std::mt19937 rng(6);
  for (bool dynamic : {false, true}) {
    for (int64_t n : {5, 64, 768}) {
      Fragment f;
      Dim cols = dynamic ? f.Symbol(n) : Dim(n);
      Tensor x = f.Input(F, {4, cols}), scale = f.Input(F, {cols}), bias = f.Input(F, {cols});
      Tensor mean = Mean(x, {1});
      Tensor d = x - mean;
      Tensor var = Mean(d * d, {1});
      f.Output(d * Map(ScalarOp::kRsqrt, var + 1e-5) * scale + bias);
      Check(f, RandomInputs(rng, f), {16, 2e-6});
    }
  }
}

TEST(Reduce, PrologueAndEpilogue) {
  std::mt19937 rng(7);
  Fragment f;
  Tensor x = f.Input(F, {6, 50}), y = f.Input(F, {6, 50});
  f.Output(Sqrt(Sum((x - y) * (x - y), {1}, false)) + 1.0);
  Check(f, RandomInputs(rng, f), {16, 0});
}

TEST(Pool, MaxAverageAndArg) {
  std::mt19937 rng(8);
  for (int64_t channels : {1, 3, 40}) {
    for (ReduceKind kind : {ReduceKind::kMax, ReduceKind::kSum, ReduceKind::kArgMax}) {
      SCOPED_TRACE(fmt::format("{} channels {}", ReduceKindName(kind), channels));
      Fragment f;
      Dim h = f.Symbol(13);
      Tensor x = f.Input(F, {2, h, 9, channels});
      Window w;
      w.kernel = {3, 2};
      w.strides = {2, 1};
      w.dilations = {1, 2};
      w.pads_lo = {1, 0};
      f.Output(Pool(kind, x, w, {1, 1}, false));
      Check(f, RandomInputs(rng, f), {8, 1e-5});
    }
  }
}

TEST(Contract, PlainLoops) {
  std::mt19937 rng(9);
  struct Case {
    DType in, acc;
  };
  for (Case c : {Case{F, F},
                 {DType::kF64, DType::kF64},
                 {DType::kU8, DType::kI32},
                 {DType::kI64, DType::kI64},
                 {DType::kF16, F}}) {
    Fragment f;
    Tensor x = f.Input(c.in, {2, 5, 33}), y = f.Input(c.in, {2, 33, 19});
    f.Output(MatMul(x, y, c.acc));
    Check(f, RandomInputs(rng, f, IsUnsignedInt(c.in) ? 0 : -4), SumTolerance(33, 16));
  }
}

TEST(Contract, Convolution) {
  std::mt19937 rng(10);
  for (int64_t groups : {1, 2, 6}) {
    for (DType d : {F, DType::kI8}) {
      Fragment f;
      Tensor x = f.Input(d, {2, 7, 8, 6}), k = f.Input(d, {3, 3, 6 / groups, 12});
      Window w;
      w.kernel = {3, 3};
      w.strides = {1, 2};
      w.dilations = {1, 1};
      w.pads_lo = {1, 0};
      w.groups = groups;
      f.Output(Conv(x, k, w, {1, 1}, d == F ? F : DType::kI32));
      Check(f, RandomInputs(rng, f), SumTolerance(54, 16));
    }
  }
}

}  // namespace
}  // namespace belay
