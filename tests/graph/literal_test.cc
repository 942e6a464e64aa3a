#include "graph/literal.h"

#include <gtest/gtest.h>

#include "base/narrow.h"

namespace belay {
namespace {

class LiteralTypes : public testing::TestWithParam<DType> {};
TEST_P(LiteralTypes, SmallIntegersSurvive) {
  std::vector<int64_t> values = {0, 1, 3, 7, 5};
  if (GetParam() == DType::kBool) values = {0, 1, 1, 0, 1};
  const LiteralPtr x = LiteralFromInts(GetParam(), {5}, values);
  EXPECT_EQ(x->ByteSize(), ByteSize(GetParam(), 5));
  EXPECT_EQ(LiteralToDoubles(*x), std::vector<double>(values.begin(), values.end()));
  if (!IsFloat(GetParam()) && !FindSmallFloat(GetParam())) {
    EXPECT_EQ(LiteralToInts(*x), values);
  }
}
INSTANTIATE_TEST_SUITE_P(All, LiteralTypes,
                         testing::Values(DType::kF32, DType::kF64, DType::kF16, DType::kBF16,
                                         DType::kI8, DType::kI16, DType::kI32, DType::kI64,
                                         DType::kU8, DType::kU16, DType::kU32, DType::kU64,
                                         DType::kBool, DType::kI4, DType::kU4,
                                         DType::kF8E4M3, DType::kF8E5M2FNUZ, DType::kF6E2M3));

TEST(Literal, NegativeNibblesAndUnsignedBytes) {
  EXPECT_EQ(LiteralToInts(*LiteralFromInts(DType::kI4, {3}, {-8, 7, -1})),
            (std::vector<int64_t>{-8, 7, -1}));
  EXPECT_EQ(LiteralToInts(*LiteralFromInts(DType::kU8, {1}, {-1})), (std::vector<int64_t>{255}));
}

TEST(Literal, ZeroFilledAndAligned) {
  const auto x = Literal::Allocate(DType::kF32, {3, 5});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(x->data()) % 64, 0u);
  EXPECT_EQ(LiteralToDoubles(*x), std::vector<double>(15, 0));
  EXPECT_EQ(Literal::Allocate(DType::kString, {2})->strings->size(), 2u);
}

}  // namespace
}  // namespace belay
