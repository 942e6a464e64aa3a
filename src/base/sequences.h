// Sequences and optionals in memory, as they cross the public interface in a tensor of DT_RESOURCE and rank 0:
// numbers of 8 bytes, {kind (0 a sequence, 1 an optional), count}, then for each element {dtype, rank, extents...,
// bytes} and its bytes, padded to a multiple of 8. An element that is a sequence or optional itself has dtype
// DT_RESOURCE and rank 0.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/dtype.h"

namespace belay {

struct PackedElement {
  DType dtype = DType::kUndefined;
  std::vector<int64_t> dims;
  std::string_view bytes;  // as a tensor of its own would hold them
};
struct PackedSequence {
  bool optional = false;
  std::vector<PackedElement> elements;
};

std::vector<uint8_t> PackSequence(const PackedSequence& sequence);
// Views into `data`. False where the bytes are no sequence, or an element has not the bytes its extents need.
bool UnpackSequence(const void* data, size_t size, PackedSequence* sequence);

}  // namespace belay
