// A compiled kernel as the plan holds it: code, the formulas it is launched with, and what it is given.
#pragma once
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "graph/dim.h"

namespace belay {

class RunValues;

// First error of a run, written by kernels: an index outside its tensor.
struct RunError {
  std::atomic<int32_t> set{0};  // 0 none, 1 index out of range, 2 failed call
  int64_t index = 0, limit = 0;
  int32_t step = -1;            // filled by the executor
  std::string text;             // kFailedCall
};

// One launch. Buffers: the fragment's inputs in order, then its outputs.
struct KernelCall {
  void* const* buffers;
  const int64_t* params;   // values of CompiledKernel::params, in order
  RunError* error;
  const void* closure;     // CompiledKernel::closure
  int64_t* bound = nullptr;  // kCall with binds: the kernel stores the symbols' values here
  void** allocated = nullptr;  // kCall with binds: outputs the kernel allocated itself (AllocateMemory), by output
  RunValues* values = nullptr;  // of the run, for kCall
  void* kept = nullptr;         // CompiledKernel::kept, of the calling thread and this run; or none
};
// Does chunks [begin, end). Chunks are independent of each other and write disjoint bytes.
using KernelFn = void (*)(const KernelCall* call, int64_t begin, int64_t end);

// A constant input wanted in the kernel's own layout: made once at load.
struct PackRequest {
  int input = 0;
  std::string layout;   // equal strings and equal constants share one packed copy
  int64_t bytes = 0;
  std::function<void(const void* src, void* dst)> pack;
};

// How chunks go through a result [pixels..., channels] of known extents, for steps that run interleaved
// (plan/chain.h); the pixels of matrices are their rows. `chunks` consecutive ones are a group; group g writes the
// pixels of its place in memory order, all channels of them.
struct PixelOrder {
  int64_t chunks = 0;    // 0: no promise
  int64_t pixels = 0;    // of one group; the last one of a span may have fewer
  int64_t span = 0;      // pixels after which groups begin anew
  int64_t channels = 0;  // elements of one pixel

  int64_t GroupsInSpan() const { return (span + pixels - 1) / pixels; }
};

// What a thread may keep from one call to the next of the same run, as packed columns: so many i64, 0 before the first
// call, then so many bytes.
struct KeptMemory {
  int64_t keys = 0, bytes = 0;

  int64_t KeyBytes() const { return (keys * 8 + 63) / 64 * 64; }
  int64_t Bytes() const { return KeyBytes() + bytes; }
};

struct CompiledKernel {
  KernelFn fn = nullptr;
  std::shared_ptr<const void> code;   // keeps fn alive
  const void* closure = nullptr;
  std::vector<Dim> params;            // evaluated at bind time
  Dim chunks = 1;                     // units of parallel work; 0 when there is nothing to do
  double ns_per_chunk = 0;            // estimate; the executor batches chunks and stays serial when small
  std::vector<PackRequest> packs;
  PixelOrder order;
  KeptMemory kept;                    // optional: a call without it does all anew
  std::string about;                  // one line for dumps: "tile 8x48, K 768, epilogue add+relu"
};

}  // namespace belay
