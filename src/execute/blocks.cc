#include "execute/blocks.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "backend/memory.h"
#include "base/allocate.h"

namespace belay {
namespace {

// Four sizes between powers of two: values that grow from turn to turn leave few blocks behind.
int64_t SizeClass(int64_t bytes) {
  const auto wanted = static_cast<uint64_t>(std::max<int64_t>(bytes, 256));
  const uint64_t step = std::bit_floor(wanted) / 4;
  return static_cast<int64_t>((wanted + step - 1) / step * step);
}

}  // namespace

Block Block::View(void* data, bool lasting) {
  Block block;
  block.data_ = data;
  block.outlives_run_ = lasting;
  return block;
}

Block Block::Registered(void* data, BlockPool* pool) {
  if (!data) return Block();
  Memory* memory = pool->TakeHandle();
  memory->data = data;
  memory->registered = true;
  return Block(memory);
}

Result<Block> Block::NewRegistered(int64_t bytes, BlockPool* pool) {
  BELAY_TRY(void* data, AllocateMemory(MemoryKind::kDevice, static_cast<size_t>(std::max<int64_t>(bytes, 1))));
  return Registered(data, pool);
}

Result<Block> Block::New(int64_t bytes, BlockPool* pool) {
  Memory* memory = pool->Take(bytes);
  if (!memory) return OutOfMemory("no memory for {} bytes of scratch", bytes);
  return Block(memory);
}

void* Block::Release() {
  if (!memory_) return nullptr;
  BELAY_CHECK(CanRelease());
  void* data = std::exchange(memory_->data, nullptr);
  Reset();
  return data;
}

void Block::Reset() {
  if (memory_ && --memory_->users == 0) memory_->pool->Give(memory_);
  memory_ = nullptr;
  data_ = nullptr;
}

Block::Memory* BlockPool::TakeHandle() {
  if (handles_.empty()) return new Block::Memory{.pool = this};
  Block::Memory* memory = handles_.back();
  handles_.pop_back();
  return memory;
}

Block::Memory* BlockPool::Take(int64_t bytes) {
  const auto smaller = [](const Block::Memory* m, int64_t wanted) { return m->capacity < wanted; };
  const auto at = std::lower_bound(free_.begin(), free_.end(), bytes, smaller);
  const int64_t capacity = SizeClass(bytes);
  if (at != free_.end() && (*at)->capacity <= 2 * capacity) {
    Block::Memory* memory = *at;
    free_.erase(at);
    memory->used = true;
    return memory;
  }
  void* data = std::aligned_alloc(64, (static_cast<size_t>(capacity) + kReadBehind + 63) / 64 * 64);
  if (!data) return nullptr;
  Block::Memory* memory = TakeHandle();
  memory->data = data;
  memory->capacity = capacity;
  memory->used = true;
  return memory;
}

// Blocks of AllocateMemory are not kept: freeing them tells everybody else that their addresses are gone.
void BlockPool::Give(Block::Memory* memory) {
  if (memory->data && !memory->registered) {
    const auto smaller = [](int64_t wanted, const Block::Memory* m) { return wanted < m->capacity; };
    free_.insert(std::upper_bound(free_.begin(), free_.end(), memory->capacity, smaller), memory);
    return;
  }
  if (memory->data) FreeUnshared(memory->data);
  *memory = {.pool = this};
  handles_.push_back(memory);
}

void BlockPool::Trim() {
  std::erase_if(free_, [](Block::Memory* memory) {
    if (std::exchange(memory->used, false)) return false;
    std::free(memory->data);
    delete memory;
    return true;
  });
}

int64_t BlockPool::FreeBytes() const {
  int64_t bytes = 0;
  for (const Block::Memory* memory : free_) bytes += memory->capacity;
  return bytes;
}

BlockPool::~BlockPool() {
  for (Block::Memory* memory : free_) {
    std::free(memory->data);
    delete memory;
  }
  for (Block::Memory* memory : handles_) delete memory;
}

}  // namespace belay
