// Device and pinned-host memory: one registry from address to block.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/status.h"

namespace belay {

enum class MemoryKind : uint8_t { kDevice, kHost };  // kHost: aclrtMallocHost

struct MemoryBlock {
  void* base = nullptr;
  size_t size = 0;  // as asked for, without padding
  MemoryKind kind = MemoryKind::kDevice;
  bool operator==(const MemoryBlock&) const = default;
};

// 64-byte aligned, at least 32 readable spare bytes behind `size`. Content undefined.
Result<void*> AllocateMemory(MemoryKind kind, size_t size);
// Never waits: a block that queued work may still use lives until the streams have passed this point.
Status FreeMemory(void* base);
// For a live block that no queued work knows: it is given back at once.
void FreeUnshared(void* base);
// The live block that contains `address`; false when it belongs to none (ordinary host memory).
bool FindMemory(const void* address, MemoryBlock* block);
// Changes whenever a block is allocated or freed: a cached FindMemory answer holds while this stays equal.
uint64_t MemoryGeneration();

}  // namespace belay
