#include "backend/memory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "backend/stream.h"

namespace belay {
namespace {

bool Guarded(const char* mode) {
  const char* text = getenv("BELAY_GUARD");
  return text != nullptr && std::string(text) == mode;
}

TEST(Memory, BlocksAreAlignedWritableAndFound) {
  for (size_t size : {size_t{1}, size_t{64}, size_t{100}, size_t{4096}, size_t{5} << 20}) {
    Result<void*> made = AllocateMemory(MemoryKind::kDevice, size);
    ASSERT_TRUE(made.ok());
    auto* base = static_cast<uint8_t*>(*made);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(base) % 64, 0u);
    memset(base, 7, size);
    MemoryBlock block;
    ASSERT_TRUE(FindMemory(base, &block));
    EXPECT_EQ(block, (MemoryBlock{base, size, MemoryKind::kDevice}));
    ASSERT_TRUE(FindMemory(base + size - 1, &block));
    EXPECT_EQ(block.base, base);
    EXPECT_FALSE(FindMemory(base + size, &block));
    EXPECT_FALSE(FindMemory(base - 1, &block));
    ASSERT_TRUE(FreeMemory(base).ok());
    EXPECT_FALSE(FindMemory(base, &block));
  }
}

TEST(Memory, SpareBytesBehindTheBlockAreReadable) {
  if (Guarded("end")) GTEST_SKIP() << "the guard page takes the place of the spare bytes";
  Result<void*> made = AllocateMemory(MemoryKind::kDevice, 64);
  ASSERT_TRUE(made.ok());
  volatile uint8_t* base = static_cast<uint8_t*>(*made);
  int sum = 0;
  for (int i = 0; i < 32; ++i) sum += base[64 + i] != 0;
  EXPECT_GE(sum, 0);
  EXPECT_TRUE(FreeMemory(*made).ok());
}

TEST(Memory, UnknownAddressesAreRefused) {
  int on_stack = 0;
  MemoryBlock block;
  EXPECT_FALSE(FindMemory(&on_stack, &block));
  EXPECT_EQ(FreeMemory(&on_stack).code(), Code::kNotFound);
  Result<void*> made = AllocateMemory(MemoryKind::kHost, 128);
  ASSERT_TRUE(made.ok());
  ASSERT_TRUE(FindMemory(*made, &block));
  EXPECT_EQ(block.kind, MemoryKind::kHost);
  EXPECT_EQ(FreeMemory(static_cast<char*>(*made) + 64).code(), Code::kNotFound);
  EXPECT_TRUE(FreeMemory(*made).ok());
  EXPECT_EQ(FreeMemory(*made).code(), Code::kNotFound);
}

TEST(Memory, TooMuchIsOutOfMemory) {
  EXPECT_EQ(AllocateMemory(MemoryKind::kDevice, SIZE_MAX).status().code(), Code::kOutOfMemory);
  EXPECT_EQ(AllocateMemory(MemoryKind::kDevice, size_t{1} << 60).status().code(), Code::kOutOfMemory);
}

TEST(Memory, GenerationMovesWithTheSetOfBlocks) {
  uint64_t start = MemoryGeneration();
  Result<void*> made = AllocateMemory(MemoryKind::kDevice, 8);
  ASSERT_TRUE(made.ok());
  uint64_t with = MemoryGeneration();
  EXPECT_NE(start, with);
  EXPECT_EQ(with, MemoryGeneration());
  ASSERT_TRUE(FreeMemory(*made).ok());
  EXPECT_NE(with, MemoryGeneration());
}

struct WriteTask final : Task {
  WriteTask(std::atomic<bool>* open, uint8_t* to, size_t size) : open(open), to(to), size(size) {}
  Status Run() override {
    while (!*open) std::this_thread::yield();
    memset(to, 3, size);
    return OkStatus();
  }
  void Done() override { delete this; }
  std::atomic<bool>* open;
  uint8_t* to;
  size_t size;
};

TEST(Memory, AFreedBlockLivesWhileQueuedWorkMayUseIt) {
  auto stream = MakeStream();
  for (size_t size : {size_t{256}, size_t{4} << 20}) {
    Result<void*> made = AllocateMemory(MemoryKind::kDevice, size);
    ASSERT_TRUE(made.ok());
    std::atomic<bool> open{false};
    ASSERT_TRUE(stream->Push(new WriteTask(&open, static_cast<uint8_t*>(*made), size)).ok());
    ASSERT_TRUE(FreeMemory(*made).ok());
    MemoryBlock block;
    EXPECT_FALSE(FindMemory(*made, &block));
    Result<void*> other = AllocateMemory(MemoryKind::kDevice, size);
    ASSERT_TRUE(other.ok());
    EXPECT_NE(*other, *made);
    open = true;
    ASSERT_TRUE(stream->Synchronize().ok());
    ASSERT_TRUE(FreeMemory(*other).ok());
  }
}

TEST(Memory, ConcurrentUse) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 1; i < 300; ++i) {
        Result<void*> made = AllocateMemory(MemoryKind::kDevice, i * 16);
        ASSERT_TRUE(made.ok());
        MemoryBlock block;
        EXPECT_TRUE(FindMemory(static_cast<char*>(*made) + i, &block));
        EXPECT_EQ(block.base, *made);
        EXPECT_TRUE(FreeMemory(*made).ok());
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(MemoryDeathTest, GuardPages) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  if (!Guarded("end") && !Guarded("start")) GTEST_SKIP() << "BELAY_GUARD is not set";
  Result<void*> made = AllocateMemory(MemoryKind::kDevice, 100);
  ASSERT_TRUE(made.ok());
  auto* base = static_cast<volatile uint8_t*>(*made);
  if (Guarded("start")) {
    EXPECT_DEATH(base[-1] = 1, "");
  } else {
    EXPECT_DEATH(base[128] = 1, "");
    // The bytes between the block's end and the page are checked when it is freed.
    EXPECT_DEATH(
        {
          base[100] = 1;
          (void)FreeMemory(*made);
        },
        "");
  }
  EXPECT_TRUE(FreeMemory(*made).ok());
}

}  // namespace
}  // namespace belay
