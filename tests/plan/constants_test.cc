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

// Two that differ in one element only, wherever it lies, are two.
TEST(Constants, EveryElementCounts) {
  LiteralPtr held = ShareLiteral(Ramp(5));
  for (int64_t i = 0; i < 512; ++i) {
    LiteralPtr other = Ramp(5);
    static_cast<float*>(const_cast<void*>(other->data))[i] += 0.5f;
    EXPECT_EQ(ShareLiteral(other), other) << i;
  }
  EXPECT_EQ(ShareLiteral(Ramp(5)), held);
  const LiteralPtr turned = LiteralFromDoubles(DType::kF32, {2, 256}, LiteralToDoubles(*held));
  EXPECT_EQ(ShareLiteral(turned), turned);  // other extents
}

TEST(Constants, PackedCopiesLieInMemoryOncePerLayout) {
  LiteralPtr a = Ramp(3), b = Ramp(3);
  auto pack = [&](const void* src, void* dst) { std::memcpy(dst, src, 2048); };
  auto first = SharePacked(*a, "rows", 2048, pack);
  EXPECT_EQ(SharePacked(*b, "rows", 2048, pack), first);
  EXPECT_NE(SharePacked(*Ramp(4), "rows", 2048, pack), first);
  EXPECT_NE(SharePacked(*a, "columns", 2048, pack), first);
  const ConstantUse use = CountConstants();
  EXPECT_EQ(use.packed, 1u);
  EXPECT_EQ(use.packed_bytes, 2048);
  first.reset();
  EXPECT_EQ(CountConstants().packed, 0u);
}

}  // namespace
}  // namespace belay
