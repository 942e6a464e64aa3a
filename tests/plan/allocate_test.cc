#include "base/allocate.h"

#include <cstdint>
#include <cstring>
#include <thread>

#include "gtest/gtest.h"

namespace belay {
namespace {

constexpr size_t kBytes = size_t{4} << 20;

TEST(Allocate, BlocksAreAlignedAndWritable) {
  for (size_t bytes : {size_t{1}, size_t{100}, kBytes + 1}) {
    const std::shared_ptr<void> block = AllocateForWriting(bytes), passing = AllocatePassing(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.get()) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(passing.get()) % 64, 0u);
    std::memset(block.get(), 1, bytes);
    std::memset(passing.get(), 1, bytes);
  }
}

TEST(Allocate, APassingBlockServesTheNextThatFits) {
  const std::shared_ptr<PassingBlocks> blocks = PassingBlocks::Make();
  const PassingBlocks::Scope scope(blocks.get());
  std::shared_ptr<void> first = AllocatePassing(kBytes);
  void* const data = first.get();
  std::shared_ptr<void> second = AllocatePassing(kBytes);
  EXPECT_NE(second.get(), data);
  first.reset();
  first = AllocatePassing(kBytes / 2);
  EXPECT_EQ(first.get(), data);
  first.reset();
  first = AllocatePassing(kBytes + 4096);  // larger
  std::memset(first.get(), 1, kBytes + 4096);
  EXPECT_NE(AllocateForWriting(kBytes).get(), data);  // which is free, but not for what stays
}

// Other threads give back what they did not take, also when the blocks' owner is gone.
TEST(Allocate, PassingBlocksMayOutliveTheirOwner) {
  std::shared_ptr<PassingBlocks> blocks = PassingBlocks::Make();
  std::shared_ptr<void> first = blocks->Allocate(kBytes), second = blocks->Allocate(kBytes);
  void* const data = first.get();
  std::thread([block = std::move(first)]() mutable { block.reset(); }).join();
  first = blocks->Allocate(kBytes);
  EXPECT_EQ(first.get(), data);
  blocks.reset();
  std::memset(first.get(), 1, kBytes);
  std::memset(second.get(), 1, kBytes);
}

}  // namespace
}  // namespace belay
