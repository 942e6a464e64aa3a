// Seeds for random numbers that the user gave none for.
#include <atomic>

#include "graph/library.h"

namespace belay {

// One u64 of a counter of the process: every run of every such operator has its own.
Status LibraryNextSeed(LibraryCall& call) {
  static std::atomic<uint64_t> next{1};
  *call.outputs[0].as<uint64_t>() = next.fetch_add(1, std::memory_order_relaxed);
  return OkStatus();
}

}  // namespace belay
