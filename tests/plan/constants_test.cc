#include "plan/constants.h"

#include <cstring>
#include <map>
#include <vector>

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
  ASSERT_NE(a->data(), b->data());
  LiteralPtr held = ShareLiteral(a);
  EXPECT_EQ(ShareLiteral(b)->data(), held->data());
  EXPECT_NE(ShareLiteral(other)->data(), held->data());
  a.reset();
  held.reset();
  EXPECT_EQ(ShareLiteral(b)->data(), b->data());
}

// Two that differ in one element only, wherever it lies, are two.
TEST(Constants, EveryElementCounts) {
  LiteralPtr held = ShareLiteral(Ramp(5));
  for (int64_t i = 0; i < 512; ++i) {
    LiteralPtr other = Ramp(5);
    static_cast<float*>(const_cast<void*>(other->data()))[i] += 0.5f;
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

// Keeps everything, and counts.
class MemoryStore final : public ConstantStore {
 public:
  std::shared_ptr<const void> Find(const ContentHash& key, int64_t bytes) override {
    const auto at = kept_.find(key);
    if (at == kept_.end() || static_cast<int64_t>(at->second.size()) != bytes) return nullptr;
    ++found;
    return Mapped(at->second);
  }
  std::shared_ptr<const void> Keep(const ContentHash& key, const void* data, int64_t bytes) override {
    const auto* begin = static_cast<const char*>(data);
    return Mapped(kept_[key] = std::vector<char>(begin, begin + bytes));
  }
  int found = 0;
  size_t size() const { return kept_.size(); }

 private:
  static std::shared_ptr<const void> Mapped(const std::vector<char>& bytes) {
    auto copy = std::make_shared<std::vector<char>>(bytes);
    return {copy, copy->data()};
  }
  std::map<ContentHash, std::vector<char>> kept_;
};

// 80 KB that are made when they are asked for.
LiteralPtr LateRamp(float first, int* made) {
  std::vector<double> values;
  for (int i = 0; i < 20000; ++i) values.push_back(first + i);
  const LiteralPtr eager = LiteralFromDoubles(DType::kF32, {20000}, values);
  auto literal = std::make_shared<Literal>();
  literal->dtype = eager->dtype;
  literal->dims = eager->dims;
  literal->late = std::make_shared<LateBytes>(HashOf(*eager), [eager, made]() -> std::shared_ptr<const void> {
    ++*made;
    return {eager, eager->data()};
  });
  return literal;
}

TEST(Constants, WhatAStoreHoldsIsNeverMade) {
  constexpr int64_t kBytes = 80000;
  MemoryStore store;
  int made = 0, packs = 0;
  auto pack = [&](const void* src, void* dst) { ++packs, std::memcpy(dst, src, kBytes); };
  const auto packed = [&](float first, const char* layout) {
    return SharePacked(*LateRamp(first, &made), layout, kBytes, pack, &store);
  };
  auto first = packed(1, "rows");
  EXPECT_EQ(packed(1, "rows"), first);  // held: not even looked for
  EXPECT_EQ(store.found, 0);
  EXPECT_NE(packed(1, "columns"), first);
  EXPECT_NE(packed(2, "rows"), first);
  EXPECT_EQ(made, 3);
  EXPECT_EQ(packs, 3);
  EXPECT_EQ(CountConstants().mapped_bytes, kBytes);
  first.reset();
  EXPECT_EQ(CountConstants().mapped_bytes, 0);
  first = packed(1, "rows");
  EXPECT_EQ(std::memcmp(first.get(), LateRamp(1, &made)->data(), kBytes), 0);
  EXPECT_EQ(store.found, 1);
  EXPECT_EQ(packs, 3);
  const LiteralPtr eager = Held(LateRamp(1, &made));
  EXPECT_EQ(SharePacked(*eager, "rows", kBytes, pack, &store), first);  // by contents, wherever they come from
}

TEST(Constants, LateOnesAreReadPlainlyFromAStoreOrMade) {
  MemoryStore store;
  int made = 0;
  for (ConstantStore* used : {static_cast<ConstantStore*>(nullptr), static_cast<ConstantStore*>(&store)}) {
    made = 0;
    LiteralPtr plain = ShareLiteral(LateRamp(1, &made), used);
    ASSERT_FALSE(plain->late);
    EXPECT_EQ(plain->as<float>()[19999], 20000.f);
    EXPECT_EQ(ShareLiteral(LateRamp(1, &made), used)->data(), plain->data());
    EXPECT_EQ(made, 1);
    plain.reset();
    EXPECT_EQ(ShareLiteral(LateRamp(1, &made), used)->as<float>()[1], 2.f);
    EXPECT_EQ(made, used ? 1 : 2);
  }
  EXPECT_EQ(store.size(), 1u);
}

}  // namespace
}  // namespace belay
