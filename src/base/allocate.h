// Memory for tensors that are about to be written.
#pragma once
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace belay {

// Kernels read whole vectors: so many bytes behind a tensor's last are memory, too.
inline constexpr size_t kReadBehind = 64;

// At least `bytes`, aligned to 64, of any contents. Throws std::bad_alloc.
std::shared_ptr<void> AllocateForWriting(size_t bytes);

// Large blocks that are needed for a moment, one after the other: the system gives their pages once, not every time.
// For many threads.
class PassingBlocks : public std::enable_shared_from_this<PassingBlocks> {
 public:
  static std::shared_ptr<PassingBlocks> Make();
  ~PassingBlocks();
  PassingBlocks(const PassingBlocks&) = delete;
  PassingBlocks& operator=(const PassingBlocks&) = delete;

  // While one lives, AllocatePassing on this thread takes its blocks here.
  class Scope {
   public:
    explicit Scope(PassingBlocks* blocks);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    PassingBlocks* before_;
  };
  // Blocks in use may outlive it.
  std::shared_ptr<void> Allocate(size_t bytes);

 private:
  struct Block {
    void* memory;
    size_t bytes;
  };
  PassingBlocks() = default;
  Block Take(size_t bytes);  // null: there is none that fits
  void Give(Block block);

  std::mutex mutex_;
  std::vector<Block> free_;
};

// AllocateForWriting, or from the thread's PassingBlocks.
std::shared_ptr<void> AllocatePassing(size_t bytes);

}  // namespace belay
