#include "execute/blocks.h"

#include "backend/memory.h"
#include "gtest/gtest.h"

namespace belay {
namespace {

TEST(Blocks, SharesKeepABlockUntilTheLastGoes) {
  BlockPool pool;
  Block first = *Block::New(1000, &pool), second = first;
  void* const data = first.get();
  first.Reset();
  EXPECT_EQ(first.get(), nullptr);
  EXPECT_EQ(second.get(), data);
  EXPECT_NE(Block::New(1000, &pool)->get(), data);  // still taken
  second = Block();
  EXPECT_TRUE(second.get() == nullptr && !second.CanShare());
}

TEST(Blocks, AFreedBlockServesTheNextOfItsSize) {
  BlockPool pool;
  void* const data = Block::New(5000, &pool)->get();
  EXPECT_EQ(Block::New(4900, &pool)->get(), data);
  EXPECT_NE(Block::New(100, &pool)->get(), data);  // it would lie idle in most of it
}

TEST(Blocks, TrimFreesWhatWasNotUsedSinceTheLastOne) {
  BlockPool pool;
  { Block large = *Block::New(1 << 20, &pool), small = *Block::New(256, &pool); }
  EXPECT_EQ(pool.FreeBytes(), (1 << 20) + 256);
  pool.Trim();
  EXPECT_EQ(pool.FreeBytes(), (1 << 20) + 256);
  { Block small = *Block::New(256, &pool); }
  pool.Trim();
  EXPECT_EQ(pool.FreeBytes(), 256);
}

TEST(Blocks, OnlyTheSoleHolderReleasesARegisteredBlock) {
  BlockPool pool;
  Block first = *Block::NewRegistered(64, &pool), second = first;
  EXPECT_FALSE(first.CanRelease() || first.CanShare());
  second.Reset();
  ASSERT_TRUE(first.CanRelease());
  void* const data = first.Release();
  EXPECT_EQ(first.get(), nullptr);
  MemoryBlock found;
  EXPECT_TRUE(FindMemory(data, &found));
  EXPECT_TRUE(FreeMemory(data).ok());
}

TEST(Blocks, AViewIsSharedOnlyIfItLasts) {
  int number = 0;
  EXPECT_TRUE(Block::View(&number, /*lasting=*/true).CanShare());
  EXPECT_FALSE(Block::View(&number, /*lasting=*/false).CanShare());
}

}  // namespace
}  // namespace belay
