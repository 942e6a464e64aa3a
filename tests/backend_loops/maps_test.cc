#include "backend_loops/harness.h"

namespace belay {
namespace {

TEST(Maps, AddRelu) {
  std::mt19937 rng(1);
  for (int64_t n : {0, 1, 3, 16, 31, 64, 1000, 40000}) {
    Fragment f;
    Tensor x = f.Input(F, {n}), y = f.Input(F, {n});
    f.Output(Max(x + y, 0.0));
    Check(f, RandomInputs(rng, f));
  }
}

TEST(Maps, BroadcastBias) {
  std::mt19937 rng(2);
  for (auto [m, n] : {std::pair<int64_t, int64_t>{5, 7}, {33, 64}, {1, 3}, {200, 130}}) {
    Fragment f;
    Tensor x = f.Input(F, {m, n}), bias = f.Input(F, {n}), scale = f.Input(F, {m, 1});
    f.Output(x * scale + bias);
    Check(f, RandomInputs(rng, f));
  }
}

TEST(Maps, DynamicExtents) {
  std::mt19937 rng(3);
  for (int64_t rows : {0, 1, 9}) {
    for (int64_t cols : {1, 15, 33, 5000}) {
      Fragment f;
      Dim m = f.Symbol(rows), n = f.Symbol(cols);
      Tensor x = f.Input(F, {m, n}), bias = f.Input(F, {n});
      f.Output(Max(x + bias, 0.0));
      Check(f, RandomInputs(rng, f));
    }
  }
}

TEST(Maps, Transpose) {
  std::mt19937 rng(4);
  Fragment f;
  Tensor x = f.Input(F, {70, 90});
  f.Output(Transpose(x, {1, 0}));
  Check(f, RandomInputs(rng, f));
  Fragment g;
  Tensor y = g.Input(DType::kI8, {3, 5, 7, 20});
  g.Output(Transpose(y, {0, 2, 3, 1}));
  Check(g, RandomInputs(rng, g));
}

// Colours become the innermost: vectors of pixels are written as whole lines, their tails pixel by pixel.
TEST(Maps, InterleavedColours) {
  std::mt19937 rng(21);
  for (DType d : {F, DType::kU8, DType::kBF16, DType::kF16, DType::kF64}) {
    for (int64_t colours : {2, 3}) {
      for (int64_t pixels : {1, 15, 64, 333, 30000}) {
        SCOPED_TRACE(fmt::format("{} {}x{}", DTypeName(d), colours, pixels));
        Fragment f, g;
        f.Output(Transpose(f.Input(d, {2, colours, pixels}), {0, 2, 1}));
        Check(f, RandomInputs(rng, f));
        Tensor x = g.Input(F, {colours, g.Symbol(pixels)}), shift = g.Input(F, {colours, 1});
        g.Output(Cast(Transpose(x + shift, {1, 0}), d));
        Check(g, RandomInputs(rng, g));
      }
    }
  }
}

TEST(Maps, PadSliceConcat) {
  std::mt19937 rng(5);
  for (DType d : {F, DType::kU8, DType::kF16, DType::kI64, DType::kBool}) {
    Fragment f;
    Tensor x = f.Input(d, {5, 9}), y = f.Input(d, {5, 4});
    Tensor padded = Pad(x, {1, 2}, {0, 3}, f.b.Scalar(d, 1));
    f.Output(Slice(padded, 1, 1, 6, 2));
    Check(f, RandomInputs(rng, f));
    Fragment g;
    x = g.Input(d, {5, 9});
    y = g.Input(d, {5, 4});
    g.Output(Concat({x, y, x}, 1));
    Check(g, RandomInputs(rng, g));
    Fragment h;
    x = h.Input(d, {5, 9});
    y = h.Input(d, {5, 4});
    h.Output(Max(Concat({x, y}, 1), Concat({y, x}, 1)));
    Check(h, RandomInputs(rng, h));
    Fragment r;
    x = r.Input(d, {5, 19});
    r.Output(Slice(x, 1, 18, 19, -1));
    Check(r, RandomInputs(rng, r));
  }
}

// Nothing behind the last lane may be read: it is the end of its buffer.
TEST(Maps, LanesApart) {
  std::mt19937 rng(12);
  for (DType d : {F, DType::kU8, DType::kF16, DType::kI64}) {
    for (int64_t step : {2, 3, 4, 5}) {
      Fragment f;
      Tensor x = f.Input(d, {3, 2 + 149 * step});
      f.Output(Slice(x, 1, 1, 150, step));
      Check(f, RandomInputs(rng, f));
      Fragment g;
      Tensor y = g.Input(d, {192, step});
      g.Output(Transpose(y, {1, 0}));
      Check(g, RandomInputs(rng, g));
    }
  }
}

TEST(Maps, InteriorPad) {
  std::mt19937 rng(6);
  Fragment f;
  Tensor x = f.Input(F, {4, 6});
  f.Output(Pad(x, {1, 2}, {1, -1}, f.b.Scalar(F, 7), {1, 2}));
  Check(f, RandomInputs(rng, f));
}

TEST(Maps, ReshapeInside) {
  std::mt19937 rng(7);
  Fragment f;
  Tensor x = f.Input(F, {6, 10}), y = f.Input(F, {4, 15});
  f.Output(Reshape(Max(x, 0.5), {4, 15}) + y);
  Check(f, RandomInputs(rng, f));
  Fragment g;
  Tensor a = g.Input(F, {2, 3, 4}), c = g.Input(F, {3, 1}), z = g.Input(F, {2, 12});
  g.Output(Reshape(a + c, {2, 12}) * z);
  Check(g, RandomInputs(rng, g));
}

TEST(Maps, Gather) {
  std::mt19937 rng(8);
  for (DType index : {DType::kI32, DType::kI64}) {
    Fragment f;
    Tensor x = f.Input(F, {11, 37}), i = f.Input(index, {6});
    f.Output(GatherAxis(x, i, 0, false));
    auto inputs = RandomInputs(rng, f);
    inputs[1] = RandomLiteral(rng, index, {6}, 0, 11);
    Check(f, inputs);
    Fragment g;
    x = g.Input(F, {11, 37});
    i = g.Input(index, {20});
    g.Output(GatherAxis(x, i, 1, true));
    inputs = RandomInputs(rng, g);
    inputs[1] = RandomLiteral(rng, index, {20}, -37, 37);
    Check(g, inputs);
  }
}

TEST(Maps, IndexOutOfRange) {
  std::mt19937 rng(9);
  Fragment f;
  Tensor x = f.Input(F, {11, 37}), i = f.Input(DType::kI32, {6});
  f.Output(GatherAxis(x, i, 0, false));
  auto inputs = RandomInputs(rng, f);
  inputs[1] = LiteralFromInts(DType::kI32, {6}, {0, 10, 11, 3, -1, 2});
  KernelSpec spec{f.graph, {false, false}, "gather"};
  for (const TargetRow* row : RunnableRows()) {
    auto kernels = CompileJobs({{&BuildLoops, &spec}}, *row);
    ASSERT_TRUE(kernels.ok());
    RunError error;
    RunCompiled((*kernels)[0], f, inputs, true, 1 << 30, &error);
    EXPECT_EQ(error.set.load(), 1);
    EXPECT_EQ(error.index, 11);
    EXPECT_EQ(error.limit, 11);
  }
}

TEST(Maps, IotaAndSelect) {
  std::mt19937 rng(10);
  Fragment f;
  Tensor x = f.Input(F, {9, 21});
  Tensor row = f.b.Iota(DType::kI32, {9, 21}, 0), col = f.b.Iota(DType::kI32, {9, 21}, 1);
  f.Output(Select(Less(row, col), x, f.b.Scalar(F, -1)));
  Check(f, RandomInputs(rng, f));
}

TEST(Maps, CastsAndIntegers) {
  std::mt19937 rng(11);
  std::vector<DType> all = {F,           DType::kF64, DType::kF16, DType::kBF16, DType::kI8,
                            DType::kU8,  DType::kI16, DType::kU16, DType::kI32,  DType::kU32,
                            DType::kI64, DType::kU64, DType::kBool};
  for (DType from : all) {
    for (DType to : all) {
      if (from == to) continue;
      SCOPED_TRACE(fmt::format("{} to {}", DTypeName(from), DTypeName(to)));
      Fragment f;
      Tensor x = f.Input(from, {37});
      f.Output(Cast(x, to));
      bool wide = IsFloat(from) || BitWidth(from) >= 32;
      Check(f, RandomInputs(rng, f, wide ? -400 : 0, wide ? 70000 : 120));
    }
  }
}

// The hardware's conversion flushes denormals: each alone among normal numbers, so that whole vectors are looked at.
TEST(Maps, CastsToBFloat) {
  std::vector<double> numbers = {NAN,     HUGE_VAL, -HUGE_VAL, 3.4e38,  -3.4e38, 1.00390625, 1.01171875,
                                 0x1p-126, -0.0,    0x1p-127,  0x1p-133, 0x1p-134, 0x1.8p-134, -0x1.fffp-127};
  std::mt19937 rng(13);
  while (numbers.size() < 400) {
    const bool denormal = rng() % 16 == 0;
    numbers.push_back(std::ldexp(1 + 0x1p-32 * rng(), denormal ? -140 + static_cast<int>(rng() % 14) : 3));
  }
  Fragment f;
  f.Output(Cast(f.Input(F, {400}), DType::kBF16));
  Check(f, {LiteralFromDoubles(F, {400}, numbers)});
}

// Rounding, zero point and saturation at once.
TEST(Maps, RoundedToShortIntegers) {
  std::vector<double> numbers = {NAN, HUGE_VAL, -HUGE_VAL, 1e10, -1e10, 0.49999997, -0.49999997, 32767.5, 65535.5};
  for (double v = -300; v <= 300; v += 0.25) numbers.push_back(v);
  const auto count = static_cast<int64_t>(numbers.size());
  LiteralPtr x = LiteralFromDoubles(F, {count}, numbers);
  for (DType to : {DType::kI8, DType::kU8, DType::kI16, DType::kU16}) {
    for (double zero : {0.0, 5.0, -128.0, 130.0, 255.0, 0.5, 1e9}) {
      SCOPED_TRACE(fmt::format("{} + {}", DTypeName(to), zero));
      Fragment f;
      Tensor rounded = Map(ScalarOp::kRound, f.Input(F, {count}));
      f.Output(Cast(zero == 0 ? rounded : rounded + zero, to));
      Check(f, {x});
    }
  }
}

// Bounds before a cast that saturates are its own where they are whole.
TEST(Maps, ClippedToShortIntegers) {
  struct Bounds {
    double low, high;
  };
  std::vector<double> numbers = {NAN, HUGE_VAL, -HUGE_VAL, 1e10, -1e10};
  for (double v = -300; v <= 300; v += 0.25) numbers.push_back(v);
  const auto count = static_cast<int64_t>(numbers.size());
  LiteralPtr x = LiteralFromDoubles(F, {count}, numbers);
  for (DType to : {DType::kI8, DType::kU8, DType::kI16}) {
    for (const Bounds& bounds : {Bounds{0, 255}, {-128, 127}, {3, 100}, {-0.5, 99.5}, {300, 400}, {20, 10}}) {
      for (bool low_first : {true, false}) {
        SCOPED_TRACE(fmt::format("{} in {} to {}", DTypeName(to), bounds.low, bounds.high));
        Fragment f, g;
        const auto clip = [&](const Tensor& t) {
          return low_first ? Min(Max(t, bounds.low), bounds.high) : Max(Min(t, bounds.high), bounds.low);
        };
        f.Output(Cast(clip(f.Input(F, {count})), to));
        g.Output(Cast(clip(Map(ScalarOp::kRound, g.Input(F, {count})) + 7.0), to));
        Check(f, {x});
        Check(g, {x});
      }
    }
  }
}

TEST(Maps, IntegerDivision) {
  std::mt19937 rng(12);
  for (DType d : {DType::kI8, DType::kU8, DType::kI32, DType::kI64, DType::kU64}) {
    for (ScalarOp op : {ScalarOp::kDiv, ScalarOp::kFloorDiv, ScalarOp::kMod, ScalarOp::kFMod,
                        ScalarOp::kPow, ScalarOp::kShl, ScalarOp::kShr, ScalarOp::kMul}) {
      SCOPED_TRACE(fmt::format("{} {}", ScalarOpName(op), DTypeName(d)));
      Fragment f;
      Tensor x = f.Input(d, {100}), y = f.Input(d, {100});
      f.Output(Map(op, x, y));
      Check(f, RandomInputs(rng, f, IsSignedInt(d) ? -9 : 0, 9));
    }
  }
  Fragment f;
  Tensor x = f.Input(DType::kI32, {2}), y = f.Input(DType::kI32, {2});
  f.Output(x / y);
  Check(f, {LiteralFromInts(DType::kI32, {2}, {INT32_MIN, 5}),
            LiteralFromInts(DType::kI32, {2}, {-1, 0})});
}

}  // namespace
}  // namespace belay
