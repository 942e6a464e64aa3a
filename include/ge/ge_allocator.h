#ifndef INC_EXTERNAL_GE_GE_ALLOCATOR_H_
#define INC_EXTERNAL_GE_GE_ALLOCATOR_H_

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace ge {

class MemBlock;

// Device memory that the program provides.
class Allocator {
 public:
  Allocator() = default;
  virtual ~Allocator() = default;
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // nullptr makes the call that needs the memory fail.
  virtual MemBlock* Malloc(size_t size) = 0;
  virtual void Free(MemBlock* block) = 0;
  // Like Malloc, at addr where that is possible.
  virtual MemBlock* MallocAdvise(size_t size, void* addr) {
    (void)addr;
    return Malloc(size);
  }
};

using AllocatorPtr = std::shared_ptr<Allocator>;

// A counted block; the last Free gives it back. The count is not atomic.
class MemBlock {
 public:
  MemBlock(Allocator& allocator, void* addr, size_t block_size)
      : allocator_(allocator), addr_(addr), count_(1U), block_size_(block_size) {}
  virtual ~MemBlock() = default;

  const void* GetAddr() const { return addr_; }
  void* GetAddr() { return addr_; }
  size_t GetSize() const { return block_size_; }
  void SetSize(const size_t mem_size) { block_size_ = mem_size; }
  void Free() {
    if (GetCount() > 0U) {
      if (SubCount() == 0U) allocator_.Free(this);
    }
  }
  size_t AddCount() { return ++count_; }
  size_t SubCount() { return --count_; }
  size_t GetCount() const { return count_; }

 private:
  Allocator& allocator_;
  void* addr_;
  size_t count_;
  size_t block_size_;
};

}  // namespace ge

#endif  // INC_EXTERNAL_GE_GE_ALLOCATOR_H_
