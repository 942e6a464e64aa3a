// What an address is to acl's copies.
#pragma once
#include "backend/memory.h"

namespace belay::acl {

enum class AddressKind { kDevice, kPinned, kPageable };

// Fills `block` except for pageable memory, which belongs to no block.
AddressKind KindOf(const void* pointer, MemoryBlock* block);

}  // namespace belay::acl
