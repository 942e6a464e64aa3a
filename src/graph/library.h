// Library functions: what kCall runs. Plain C++ on dense row-major buffers, for the irregular operators
// (sorting, compaction, recurrences) that are no loops over a map. The interpreter and every CPU backend
// call the same ones.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/run_values.h"

namespace belay {

struct LibraryBuffer {
  DType dtype = DType::kUndefined;
  std::vector<int64_t> dims;  // -1 on an output: one of the call's `binds`, known when it returns
  void* data = nullptr;       // nullptr on outputs with such an extent until Allocate()

  int64_t NumElements() const;
  template <typename T>
  T* as() const { return static_cast<T*>(data); }
};

struct LibraryCall {
  std::vector<LibraryBuffer> inputs, outputs;
  const std::vector<CallAttr>* attrs = nullptr;
  RunValues* values = nullptr;  // of the run
  std::vector<int64_t> bound;  // set by functions with binds: the symbols' values, in order
  std::function<void*(int output, int64_t bytes)> allocate;  // memory for such an output

  int64_t Attr(const char* name, int64_t fallback = 0) const;
  void* Allocate(int output, std::vector<int64_t> dims);
};

// A failure surfaces at synchronize with this text.
LibraryFn FindLibraryFunction(const std::string& name);  // empty: none of that name
// What a kCall runs.
LibraryFn FunctionOf(const Node& call);
// It knows that tensors of texts and sequences hold their numbers.
bool LibraryTakesRunValues(const std::string& name);

}  // namespace belay
