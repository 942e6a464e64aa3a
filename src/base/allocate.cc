#include "base/allocate.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace belay {
namespace {

constexpr size_t kLine = 64, kPage = 4096, kLarge = size_t{1} << 20;

thread_local PassingBlocks* passing = nullptr;

size_t Rounded(size_t bytes) {
  const size_t unit = bytes >= kLarge ? kPage : kLine;
  return (bytes + unit - 1) / unit * unit;
}

void* AllocateRounded(size_t bytes) {
  void* memory = std::aligned_alloc(bytes >= kLarge ? kPage : kLine, bytes);
  if (!memory) throw std::bad_alloc();
  // All pages in one call: a fault for each takes as long as filling it. Older systems refuse; nothing is lost.
  if (bytes >= kLarge) madvise(memory, bytes, MADV_POPULATE_WRITE);
  return memory;
}

}  // namespace

std::shared_ptr<void> AllocateForWriting(size_t bytes) {
  return {AllocateRounded(Rounded(bytes)), [](void* p) { std::free(p); }};
}

std::shared_ptr<void> AllocatePassing(size_t bytes) {
  return passing && bytes >= kLarge ? passing->Allocate(bytes) : AllocateForWriting(bytes);
}

PassingBlocks::Scope::Scope(PassingBlocks* blocks) : before_(passing) { passing = blocks; }
PassingBlocks::Scope::~Scope() { passing = before_; }

std::shared_ptr<PassingBlocks> PassingBlocks::Make() { return std::shared_ptr<PassingBlocks>(new PassingBlocks); }

PassingBlocks::~PassingBlocks() {
  for (const Block& block : free_) std::free(block.memory);
}

std::shared_ptr<void> PassingBlocks::Allocate(size_t bytes) {
  bytes = Rounded(bytes);
  Block block = Take(bytes);
  if (!block.memory) block = {AllocateRounded(bytes), bytes};
  std::weak_ptr<PassingBlocks> home = weak_from_this();
  return {block.memory, [home, block](void*) {
            if (const std::shared_ptr<PassingBlocks> blocks = home.lock()) blocks->Give(block);
            else std::free(block.memory);
          }};
}

// The smallest that fits. One much larger than what is asked for now is in the way: who works from large to small needs
// it no more.
PassingBlocks::Block PassingBlocks::Take(size_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto at = std::find_if(free_.begin(), free_.end(), [&](const Block& b) { return b.bytes >= bytes; });
  if (at == free_.end()) return {nullptr, 0};
  const Block block = *at;
  free_.erase(at);
  if (block.bytes / 4 <= bytes) return block;
  std::free(block.memory);
  return {nullptr, 0};
}

void PassingBlocks::Give(Block block) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto at = std::find_if(free_.begin(), free_.end(), [&](const Block& b) { return b.bytes >= block.bytes; });
  try {
    free_.insert(at, block);
  } catch (const std::bad_alloc&) {
    std::free(block.memory);
  }
}

}  // namespace belay
