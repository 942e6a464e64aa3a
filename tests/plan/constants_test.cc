#include "plan/constants.h"

#include <cstring>

#include "gtest/gtest.h"

namespace belay {
namespace {

LiteralPtr Ramp(float first) {
  std::vector<double> values;
  for (int i = 0; i < 512; ++i) values.push_back(first + i);
  return LiteralFromDoubles(DType::kF32, {512}, values);
}

TEST(Constants, EqualContentsLieInMemoryOnceWhileOneIsHeld) {
  LiteralPtr a = Ramp(1), b = Ramp(1), other = Ramp(2);
  ASSERT_NE(a->data, b->data);
  LiteralPtr held = ShareLiteral(a);
  EXPECT_EQ(ShareLiteral(b)->data, held->data);
  EXPECT_NE(ShareLiteral(other)->data, held->data);
  a.reset();
  held.reset();
  EXPECT_EQ(ShareLiteral(b)->data, b->data);
}

TEST(Constants, PackedOncePerLayout) {
  LiteralPtr a = Ramp(3), b = Ramp(3);
  int packs = 0;
  auto pack = [&](const void* src, void* dst) {
    ++packs;
    std::memcpy(dst, src, 2048);
  };
  auto first = SharePacked(*a, "rows", 2048, pack);
  auto second = SharePacked(*b, "rows", 2048, pack);
  EXPECT_EQ(first, second);
  EXPECT_EQ(packs, 1);
  auto third = SharePacked(*a, "columns", 2048, pack);
  EXPECT_NE(third, first);
  EXPECT_EQ(packs, 2);
}

}  // namespace
}  // namespace belay
