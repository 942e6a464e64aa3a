// Memory of stepwise runs: counted blocks that values share, from a pool that lives as long as the graph's task.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "base/status.h"

namespace belay {

class BlockPool;

// A share of a block of memory, or a view of memory that others keep. For one thread at a time.
class Block {
 public:
  Block() = default;
  Block(const Block& other) : data_(other.data_), memory_(other.memory_), outlives_run_(other.outlives_run_) {
    if (memory_) ++memory_->users;
  }
  Block(Block&& other) noexcept { Swap(other); }
  Block& operator=(Block other) noexcept {
    Swap(other);
    return *this;
  }
  ~Block() { Reset(); }

  // Not freed. lasting: unchanged and alive as long as the run.
  static Block View(void* data, bool lasting);
  // What FreeMemory frees.
  static Block Registered(void* data, BlockPool* pool);
  static Result<Block> NewRegistered(int64_t bytes, BlockPool* pool);
  static Result<Block> New(int64_t bytes, BlockPool* pool);

  void* get() const { return data_; }
  // Nobody else has it, and FreeMemory frees it.
  bool CanRelease() const { return memory_ && memory_->registered && memory_->users == 1; }
  // Nobody writes to it or frees it while shares are held.
  bool CanShare() const { return memory_ ? !memory_->registered : outlives_run_; }
  // To the caller, who frees it; null when it is empty. Needs CanRelease otherwise.
  void* Release();
  void Reset();

 private:
  friend class BlockPool;
  struct Memory {
    void* data = nullptr;
    int64_t capacity = 0;
    BlockPool* pool = nullptr;
    int users = 0;
    bool registered = false;
    bool used = false;  // since the pool's last Trim
  };
  explicit Block(Memory* memory) : data_(memory->data), memory_(memory) { memory->users = 1; }
  void Swap(Block& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(memory_, other.memory_);
    std::swap(outlives_run_, other.outlives_run_);
  }

  void* data_ = nullptr;
  Memory* memory_ = nullptr;
  bool outlives_run_ = false;
};

// Free blocks for the next values of about their size: a loop's turns, and the next run, take no new memory.
// Outlives its blocks.
class BlockPool {
 public:
  BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool();
  // Frees what was not used since the last call.
  void Trim();
  int64_t FreeBytes() const;

 private:
  friend class Block;
  Block::Memory* Take(int64_t bytes);  // null on exhaustion
  Block::Memory* TakeHandle();
  void Give(Block::Memory* memory);

  std::vector<Block::Memory*> free_;     // by capacity
  std::vector<Block::Memory*> handles_;  // without memory
};

}  // namespace belay
