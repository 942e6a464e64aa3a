// The scratch memory of one call of an operator's function: what kAllocate of its context points to.
#pragma once
#include <cstddef>
#include <cstdlib>
#include <vector>

namespace gert {

class HostWorkspace {
 public:
  HostWorkspace() = default;
  HostWorkspace(const HostWorkspace&) = delete;
  HostWorkspace& operator=(const HostWorkspace&) = delete;
  ~HostWorkspace() { Free(); }

  void* Malloc(size_t size) {
    constexpr size_t kAlignment = 64;
    if (size > SIZE_MAX - kAlignment) return nullptr;
    void* const block = std::aligned_alloc(kAlignment, (size + kAlignment) / kAlignment * kAlignment);
    if (block != nullptr) blocks_.push_back(block);
    return block;
  }
  void Free() {
    for (void* block : blocks_) std::free(block);
    blocks_.clear();
  }

 private:
  std::vector<void*> blocks_;
};

}  // namespace gert
