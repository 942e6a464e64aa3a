// What a backend does for the compiler and the executor: compile a fragment to a kernel, launch it.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/cache_options.h"
#include "backend/memory.h"
#include "backend/stream.h"
#include "base/status.h"
#include "graph/graph.h"
#include "plan/kernel.h"

namespace belay {

// A result that is part of a larger tensor: its elements from `first` on along `axis`. All other extents of `whole` are
// the result's own.
struct ResultPlace {
  Shape whole;
  int axis = 0;
  Dim first;
};

// A fragment is a core graph: kInput nodes are buffers (dense, row-major), outputs are written. Kinds the compiler
// makes:
//  - loops: kMap, views, kGather, kIota, kConst scalars, kReduce over one common set of axes (rows), one output
//  - anchor: one kContract/kConv/kPool/kScatter/kScan, views or a gate before it, a kMap epilogue after it, one output
//  - call: a single kCall on inputs
// Symbols are the root graph's.
struct KernelSpec {
  std::shared_ptr<const Graph> fragment;
  std::vector<bool> constant_inputs;  // by input: known at compile time, may be packed
  std::string name;                   // for symbols and profiles
  bool plain_sums = false;            // contractions as the definition sums them, no faster algorithm
  // The result lies in this input's memory (see CanOverwrite); -1: apart from every input.
  int overwritten_input = -1;
  // The result's buffer is a larger tensor's, of which the kernel writes this part and reads nothing of it.
  std::optional<ResultPlace> place;
  // Where the step may run in a chain (plan/chain.h): how much the rows of one chunk may take. 0: it does not.
  int64_t handed_bytes = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual const char* name() const = 0;
  // All kernels of a plan together, so that equal fragments are compiled once and all cores are used.
  virtual Result<std::vector<CompiledKernel>> Compile(const std::vector<KernelSpec>& specs,
                                                      const CodeCacheOptions& cache = {}) = 0;
};

Backend& CpuBackend();  // generated code for this machine; BELAY_CPU=avx2|avx512|... forces a row
Backend& RefBackend();  // Interpret() on the fragment

}  // namespace belay
