// What the compiler knows of values: whole numbers, in floats too, and no more than the type holds.
#include "graph/contents.h"

#include <gtest/gtest.h>

#include <limits>

#include "graph/builder.h"

namespace belay {
namespace {

struct Values : testing::Test {
  Graph graph;
  Builder b{&graph};
  Tensor Constant(DType dtype, const std::vector<double>& values) {
    return b.Constant(LiteralFromDoubles(dtype, {static_cast<int64_t>(values.size())}, values));
  }
};

TEST_F(Values, ExtentsStayKnownThroughFloats) {
  Tensor x = b.Wrap(graph.AddInput(0, {DType::kF32, {b.NewSymbol("n")}}));
  const Dim n = x.dim(0);
  Tensor extent = Cast(Reshape(b.FromDim(DType::kI64, n), {1}), DType::kF32);
  Tensor twice = Cast(extent * Constant(DType::kF32, {2}), DType::kI64);
  ASSERT_TRUE(twice.node()->contents);
  EXPECT_EQ(*twice.node()->contents, std::vector<Dim>{n * Dim(2)});
  Tensor half = extent / Constant(DType::kF32, {2});
  EXPECT_FALSE(half.node()->contents);
}

TEST_F(Values, FractionsAreUnknown) {
  EXPECT_FALSE(Constant(DType::kF32, {1, 2.5}).node()->contents);
  EXPECT_FALSE(Constant(DType::kF32, {-0.0}).node()->contents);
  EXPECT_TRUE(Constant(DType::kF32, {1, -2}).node()->contents);
  Tensor exact = Constant(DType::kF32, {6}) / Constant(DType::kF32, {3});
  ASSERT_TRUE(exact.node()->contents);
  EXPECT_EQ(*exact.node()->contents, std::vector<Dim>{2});
  EXPECT_FALSE((Constant(DType::kF32, {7}) / Constant(DType::kF32, {3})).node()->contents);
}

TEST_F(Values, TheLeastNumberIsNoFloatsWholeNumber) {
  Tensor x = b.Wrap(graph.AddInput(0, {DType::kI64, {1}}));
  x.node()->contents = {Dim(std::numeric_limits<int64_t>::min())};
  EXPECT_FALSE(Cast(x, DType::kF32).node()->contents);
  EXPECT_FALSE(Cast(x, DType::kF64).node()->contents);
}

TEST_F(Values, SumsMustFitTheirType) {
  Tensor x = b.Wrap(graph.AddInput(0, {DType::kI32, {2}}));
  x.node()->contents = {Dim(1 << 30), Dim(1 << 30)};
  EXPECT_FALSE(Sum(x, {0}, false).node()->contents);
}

TEST_F(Values, ProductsOfConstantsWrapAsTheirTypesDo) {
  using Dims = std::vector<Dim>;
  using Known = std::optional<Dims>;
  const auto product = [&](DType dtype, double x, double y) -> Known {
    return (Constant(dtype, {x}) * Constant(dtype, {y})).node()->contents;
  };
  EXPECT_EQ(product(DType::kI32, 46340, 46340), Known(Dims{2147395600}));
  EXPECT_EQ(product(DType::kI32, 46341, 46341), Known(Dims{-2147479015}));
  EXPECT_EQ(product(DType::kU32, 65536, 65536), Known(Dims{0}));
  EXPECT_EQ(product(DType::kI64, 2147483648, 2147483648), Known(Dims{int64_t{1} << 62}));
  EXPECT_EQ(product(DType::kU64, 2654435780, 3528531795), std::nullopt) << "more than an extent can be";
  EXPECT_EQ(product(DType::kF32, 4097, 4097), std::nullopt) << "rounded";
}

}  // namespace
}  // namespace belay
