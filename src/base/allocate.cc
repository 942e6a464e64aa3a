#include "base/allocate.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace belay {

void* AllocateForWriting(size_t bytes) {
  constexpr size_t kLine = 64, kPage = 4096, kLarge = size_t{1} << 20;
  const bool large = bytes >= kLarge;
  const size_t unit = large ? kPage : kLine, rounded = (bytes + unit - 1) / unit * unit;
  void* memory = std::aligned_alloc(unit, rounded);
  if (!memory) throw std::bad_alloc();
  // All pages in one call: a fault for each takes as long as filling it. Older systems refuse; nothing is lost.
  if (large) madvise(memory, rounded, MADV_POPULATE_WRITE);
  return memory;
}

}  // namespace belay
