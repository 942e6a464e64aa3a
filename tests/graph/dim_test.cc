#include "graph/dim.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "graph/range.h"

namespace belay {
namespace {

int64_t FloorDivInt(int64_t a, int64_t b) {
  if (b == 0) return 0;
  const int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

// An expression as a Dim and as its value for given symbols. Expressions that divide by zero are
// left out: s/s is 1 to the algebra whatever s is.
struct Pair {
  Dim dim;
  int64_t value;
};

class RandomDims {
 public:
  RandomDims(uint64_t seed, std::vector<int64_t> symbols)
      : random_(seed), symbols_(std::move(symbols)) {}

  bool divides_by_zero() const { return divides_by_zero_; }

  Pair Make(int depth) {
    if (depth == 0 || Pick(5) == 0) {
      if (Pick(2) == 0) {
        const int64_t v = static_cast<int64_t>(Pick(15)) - 4;
        return {v, v};
      }
      const int id = static_cast<int>(Pick(symbols_.size()));
      return {Dim::Symbol(id), symbols_[id]};
    }
    const Pair a = Make(depth - 1), b = Make(depth - 1);
    const uint64_t kind = Pick(10);
    divides_by_zero_ = divides_by_zero_ || (b.value == 0 && (kind == 3 || kind == 4 || kind == 9));
    switch (kind) {
      case 0: return {a.dim + b.dim, a.value + b.value};
      case 1: return {a.dim - b.dim, a.value - b.value};
      case 2: return {a.dim * b.dim, a.value * b.value};
      case 3: return {FloorDiv(a.dim, b.dim), FloorDivInt(a.value, b.value)};
      case 4:
        return {Mod(a.dim, b.dim), b.value ? a.value - FloorDivInt(a.value, b.value) * b.value : 0};
      case 5: return {Min(a.dim, b.dim), std::min(a.value, b.value)};
      case 6: return {Max(a.dim, b.dim), std::max(a.value, b.value)};
      case 7: return {Equal(a.dim, b.dim), a.value == b.value};
      case 8: return {Less(a.dim, b.dim), a.value < b.value};
      default: return {TruncDiv(a.dim, b.dim), b.value ? a.value / b.value : 0};
    }
  }

 private:
  uint64_t Pick(uint64_t n) { return random_() % n; }
  std::mt19937_64 random_;
  bool divides_by_zero_ = false;
  const std::vector<int64_t> symbols_;
};

TEST(Dim, ExpressionsHaveTheirValue) {
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    const std::vector<int64_t> symbols = {static_cast<int64_t>(seed % 11),
                                          static_cast<int64_t>(seed % 7),
                                          static_cast<int64_t>(seed % 5) + 1};
    RandomDims random(seed, symbols);
    const Pair p = random.Make(3);
    if (random.divides_by_zero()) continue;
    ASSERT_EQ(p.dim.Evaluate(symbols), p.value) << "seed " << seed << ": " << p.dim.ToString();
  }
}

TEST(Dim, SubstitutionKeepsTheValue) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const std::vector<int64_t> symbols = {3, static_cast<int64_t>(seed % 9), 4};
    RandomDims random(seed, symbols);
    const Pair p = random.Make(3);
    if (random.divides_by_zero()) continue;
    const Dim put = p.dim.Substitute([&](int id) { return Dim(symbols[id]); });
    ASSERT_TRUE(put.IsConst()) << p.dim.ToString() << " became " << put.ToString();
    ASSERT_EQ(put.value(), p.value) << p.dim.ToString();
  }
}

TEST(Dim, NonNegativeIsNeverWrong) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    for (int64_t s = 0; s < 4; ++s) {
      const std::vector<int64_t> symbols = {s, 2 * s, 5 - s};
      RandomDims random(seed, symbols);
      const Pair p = random.Make(2);
      if (!random.divides_by_zero() && p.dim.NonNegative()) {
        ASSERT_GE(p.value, 0) << p.dim.ToString();
      }
    }
  }
}

TEST(Dim, EqualPolynomialsAreOne) {
  const Dim s = Dim::Symbol(0), t = Dim::Symbol(1);
  EXPECT_EQ((s + t) * (s - t), s * s - t * t);
  EXPECT_EQ(s + s + Dim(1) - s, s + Dim(1));
  EXPECT_TRUE((s - s).IsConst(0));
  EXPECT_EQ(FloorDiv(s * Dim(6) + Dim(3), 3), s * Dim(2) + Dim(1));
  EXPECT_NE(s, t);
}

TEST(Dim, ConstantsFold) {
  EXPECT_TRUE(FloorDiv(-7, 2).IsConst(-4));
  EXPECT_TRUE(TruncDiv(-7, 2).IsConst(-3));
  EXPECT_TRUE(CeilDiv(7, 2).IsConst(4));
  EXPECT_TRUE(Mod(-7, 3).IsConst(2));
  EXPECT_TRUE(FloorDiv(5, 0).IsConst(0));
  EXPECT_TRUE(Select(Less(1, 2), 10, 20).IsConst(10));
  EXPECT_TRUE(Abs(-3).IsConst(3));
}

// Hostile pads and extents: numbers wrap as the elements of i64 tensors do.
TEST(Dim, NumbersWrap) {
  const int64_t most = std::numeric_limits<int64_t>::max(), least = std::numeric_limits<int64_t>::min();
  const Dim s = Dim::Symbol(0);
  EXPECT_EQ(Dim(most) + Dim(8), Dim(least + 7));
  EXPECT_EQ(Dim(most) * Dim(2), Dim(-2));
  EXPECT_EQ((s * Dim(most) + s * Dim(most)).Evaluate({1}), -2);
  EXPECT_EQ((s * s).Evaluate({int64_t{1} << 32}), 0);
  EXPECT_EQ(FloorDiv(Dim(least), Dim(-1)), Dim(least));
  EXPECT_EQ(TruncDiv(Dim(least), Dim(-1)), Dim(least));
}

TEST(Range, StepsOfAnyBounds) {
  const int64_t most = std::numeric_limits<int64_t>::max(), least = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(StepsBetween(0, 6, 2, false), 3u);
  EXPECT_EQ(StepsBetween(0, 6, 2, true), 4u);
  EXPECT_EQ(StepsBetween(5, 0, -2, false), 3u);
  EXPECT_EQ(StepsBetween(6, 0, 2, true), 0u);
  EXPECT_EQ(StepsBetween(0, 6, most, false), 1u);
  EXPECT_EQ(StepsBetween(0, 6, least, false), 0u);
  EXPECT_EQ(StepsBetween(6, 0, least, false), 1u);
  EXPECT_EQ(StepsBetween(least, most, 1, false), ~uint64_t{0});
  EXPECT_EQ(StepsBetween(most, least, -1, true), ~uint64_t{0});
}

TEST(Dim, ShapesPrint) {
  const Dim s = Dim::Symbol(0);
  EXPECT_EQ(ToString(Shape{2, s, s * Dim(2) + Dim(3)}), "[2,s0,2*s0+3]");
  EXPECT_EQ(NumElements(Shape{2, s, 3}), s * Dim(6));
  EXPECT_TRUE(IsStatic(Shape{2, 3}));
  EXPECT_FALSE(IsStatic(Shape{2, s}));
}

TEST(Dim, GuessesOfOpenExtents) {
  const Dim batch = Dim::Symbol(0), height = Dim::Symbol(1);
  EXPECT_EQ((FloorDiv(height - Dim(1), 32) + Dim(1)).Guess(), 8);
  EXPECT_EQ((height - Dim(300)).Guess(), 1);
  EXPECT_EQ(LikelyElements({batch, height, 3}), 768);
  EXPECT_EQ(LikelyElements({2, height}), 512);
  EXPECT_GT(LikelyElements(Shape(9, height * height)), 1e38);
}

TEST(Dim, RewritesAtomsFromInside) {
  const Dim s = Dim::Symbol(0), half = FloorDiv(s, 2);
  const Dim made = (half * s + Mod(s, 3)).Rewrite([&](const Dim::AtomRep& atom, const Dim& now) {
    if (atom.kind == Dim::Atom::kSymbol) return Dim::Symbol(1) * Dim(4);
    return now == Dim::Symbol(1) * Dim(2) ? Dim(7) : now;
  });
  EXPECT_EQ(made, Dim::Symbol(1) * Dim(28) + Mod(Dim::Symbol(1) * Dim(4), 3));
}

}  // namespace
}  // namespace belay
