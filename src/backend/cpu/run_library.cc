#include "backend/cpu/run_library.h"

#include <algorithm>

#include "graph/library.h"

namespace belay {
namespace {

struct TensorSource {
  DType dtype;
  int rank;
  int first_param;  // its extents among the kernel's parameters
};

// What a call needs at run time, fixed when the kernel is made.
struct LibraryClosure {
  LibraryFn fn;
  std::string name;
  std::vector<CallAttr> attrs;
  std::vector<TensorSource> inputs, outputs;
};

void FillBuffers(const std::vector<TensorSource>& sources, const KernelCall& call,
                 size_t first_buffer, std::vector<LibraryBuffer>* buffers) {
  for (size_t i = 0; i < sources.size(); ++i) {
    const int64_t* dims = call.params + sources[i].first_param;
    buffers->push_back(
        {sources[i].dtype, {dims, dims + sources[i].rank}, call.buffers[first_buffer + i]});
  }
}

void FailRun(RunError* error, const std::string& text) {
  int32_t none = 0;
  if (error && error->set.compare_exchange_strong(none, 2)) error->text = text;
}

void RunLibraryCall(const KernelCall* call, int64_t begin, int64_t end) {
  if (begin >= end) return;
  const auto& closure = *static_cast<const LibraryClosure*>(call->closure);
  LibraryCall run;
  FillBuffers(closure.inputs, *call, 0, &run.inputs);
  FillBuffers(closure.outputs, *call, closure.inputs.size(), &run.outputs);
  run.attrs = &closure.attrs;
  run.values = call->values;
  std::string memory_error;
  run.allocate = [&](int output, int64_t bytes) -> void* {
    auto memory =
        AllocateMemory(MemoryKind::kDevice, static_cast<size_t>(std::max<int64_t>(bytes, 1)));
    if (!memory.ok()) {
      memory_error = memory.status().message();
      return nullptr;
    }
    if (call->allocated) call->allocated[output] = *memory;
    return *memory;
  };
  // Where some outputs' extents are only found by the call, the executor leaves all of them to us.
  for (size_t i = 0; i < run.outputs.size(); ++i) {
    LibraryBuffer& out = run.outputs[i];
    const bool known = std::find(out.dims.begin(), out.dims.end(), -1) == out.dims.end();
    if (!out.data && known)
      out.data = run.allocate(static_cast<int>(i), ByteSize(out.dtype, out.NumElements()));
  }
  if (!memory_error.empty()) return FailRun(call->error, closure.name + ": " + memory_error);
  Status status = closure.fn(run);
  if (!status.ok()) return FailRun(call->error, closure.name + ": " + status.message());
  if (!memory_error.empty()) return FailRun(call->error, closure.name + ": " + memory_error);
  if (call->bound) std::copy(run.bound.begin(), run.bound.end(), call->bound);
}

// Extents with a symbol that the call itself binds are not known before it runs.
Dim KnownExtent(const Dim& extent, const std::vector<int>& binds) {
  std::vector<int> ids;
  extent.CollectSymbols(&ids);
  for (int id : ids) {
    if (std::find(binds.begin(), binds.end(), id) != binds.end()) return -1;
  }
  return extent;
}

}  // namespace

Result<CompiledKernel> BuildLibraryCall(const KernelSpec& spec) {
  const Node* node = nullptr;
  for (const Node* n : TopologicalOrder(*spec.fragment)) {
    if (n->op == Op::kCall) node = n;
  }
  LibraryFn fn = FunctionOf(*node);
  if (!fn) return NotSupported("there is no library function '{}'", node->callee);
  auto closure = std::make_shared<LibraryClosure>();
  CompiledKernel kernel;
  closure->fn = std::move(fn);
  closure->name = node->callee;
  closure->attrs = node->attrs;
  auto add = [&](const TensorType& type, const std::vector<int>& binds,
                 std::vector<TensorSource>* list) {
    list->push_back(
        {type.dtype, static_cast<int>(type.shape.size()), static_cast<int>(kernel.params.size())});
    for (const Dim& d : type.shape) kernel.params.push_back(KnownExtent(d, binds));
  };
  // The fragment's inputs are the buffers; the call may read one of them twice.
  for (const Node* in : node->inputs) {
    if (in->op != Op::kInput)
      return Internal("the call of '{}' does not read inputs only", node->callee);
  }
  for (size_t i = 0; i < node->inputs.size(); ++i) {
    if (node->inputs[i]->index != static_cast<int>(i))
      return Internal("inputs of '{}' out of order", node->callee);
    add(node->inputs[i]->type, {}, &closure->inputs);
  }
  for (const TensorType& type : node->call_types) add(type, node->binds, &closure->outputs);
  kernel.fn = &RunLibraryCall;
  kernel.closure = closure.get();
  kernel.code = std::move(closure);
  kernel.chunks = 1;
  kernel.about = "library " + node->callee;
  return kernel;
}

}  // namespace belay
