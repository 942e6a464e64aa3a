// The reference backend: a kernel is the interpreter on its fragment.
#include <cstring>

#include "backend/backend.h"
#include "graph/interpret.h"

namespace belay {
namespace {

struct Closure {
  std::shared_ptr<const Graph> fragment;
  std::optional<ResultPlace> place;
  std::vector<int> symbols;  // ids, in the order of CompiledKernel::params
};

void AddDims(const std::vector<Dim>& dims, std::vector<int>* ids) {
  for (const Dim& d : dims) d.CollectSymbols(ids);
}

void CollectSymbols(const Graph& graph, std::vector<int>* ids) {
  for (const Node* node : TopologicalOrder(graph)) {
    AddDims(node->shape(), ids);
    AddDims(node->starts, ids);
    AddDims(node->steps, ids);
    if (node->window) AddDims(node->window->pads_lo, ids);
    for (const TensorType& type : node->call_types) AddDims(type.shape, ids);
    for (const auto& sub : node->subgraphs) CollectSymbols(*sub, ids);
  }
}

LiteralPtr Wrap(const TensorType& type, const void* data, const std::vector<int64_t>& symbols) {
  auto literal = std::make_shared<Literal>();
  literal->dtype = type.dtype;
  for (const Dim& d : type.shape) literal->dims.push_back(d.Evaluate(symbols));
  literal->address = data;
  return literal;
}

void Deliver(const KernelCall& call, size_t output, size_t buffer, const Literal& value) {
  const size_t bytes = static_cast<size_t>(value.ByteSize());
  void* target = call.buffers[buffer];
  if (!target) {
    Result<void*> memory = AllocateMemory(MemoryKind::kDevice, bytes ? bytes : 1);
    if (!memory.ok()) {
      call.error->text = memory.status().message();
      call.error->set = 2;
      return;
    }
    target = call.allocated[output] = *memory;
  }
  if (bytes) std::memcpy(target, value.data(), bytes);
}

void DeliverTo(const ResultPlace& place, std::byte* target, const Literal& value,
               const std::vector<int64_t>& symbols) {
  int64_t rows = 1, inner = 1;
  for (int d = 0; d < static_cast<int>(value.dims.size()); ++d) {
    (d < place.axis ? rows : inner) *= value.dims[static_cast<size_t>(d)];
  }
  if (rows * inner == 0) return;
  const int64_t extent = value.dims[static_cast<size_t>(place.axis)];
  const int64_t bytes = ByteSize(value.dtype, inner), index = bytes / extent;  // of a row, of one index along the axis
  const int64_t pitch = place.whole[static_cast<size_t>(place.axis)].Evaluate(symbols) * index;
  target += place.first.Evaluate(symbols) * index;
  const auto* source = static_cast<const std::byte*>(value.data());
  for (int64_t r = 0; r < rows; ++r) std::memcpy(target + r * pitch, source + r * bytes, static_cast<size_t>(bytes));
}

void RunClosure(const KernelCall* call, int64_t, int64_t) {
  const auto& closure = *static_cast<const Closure*>(call->closure);
  const Graph& fragment = *closure.fragment;
  std::vector<int64_t> symbols;
  for (size_t i = 0; i < closure.symbols.size(); ++i) {
    const size_t id = static_cast<size_t>(closure.symbols[i]);
    if (symbols.size() <= id) symbols.resize(id + 1, 0);
    symbols[id] = call->params[i];
  }
  std::vector<LiteralPtr> inputs;
  for (size_t i = 0; i < fragment.inputs.size(); ++i) {
    inputs.push_back(Wrap(fragment.inputs[i]->type, call->buffers[i], symbols));
  }
  const Node* root = fragment.outputs[0];
  const bool is_call = root->op == Op::kCall;
  Result<std::vector<LiteralPtr>> out = is_call ? InterpretNode(*root, inputs, &symbols, call->values)
                                                : Interpret(fragment, inputs, symbols);
  if (!out.ok()) {
    call->error->text = out.status().message();
    call->error->set = 2;
    return;
  }
  for (size_t i = 0; i < root->binds.size(); ++i) call->bound[i] = symbols[root->binds[i]];
  if (closure.place) {
    return DeliverTo(*closure.place, static_cast<std::byte*>(call->buffers[inputs.size()]), *(*out)[0], symbols);
  }
  for (size_t k = 0; k < out->size(); ++k) Deliver(*call, k, inputs.size() + k, *(*out)[k]);
}

class Ref final : public Backend {
 public:
  const char* name() const override { return "ref"; }
  Result<std::vector<CompiledKernel>> Compile(const std::vector<KernelSpec>& specs,
                                              const CodeCacheOptions&) override {
    std::vector<CompiledKernel> kernels;
    for (const KernelSpec& spec : specs) {
      auto closure = std::make_shared<Closure>();
      closure->fragment = spec.fragment;
      CollectSymbols(*spec.fragment, &closure->symbols);
      closure->place = spec.place;
      if (spec.place) {
        AddDims(spec.place->whole, &closure->symbols);
        AddDims({spec.place->first}, &closure->symbols);
      }
      CompiledKernel kernel;
      kernel.fn = RunClosure;
      for (int id : closure->symbols) kernel.params.push_back(Dim::Symbol(id));
      kernel.closure = closure.get();
      kernel.code = closure;
      kernel.about = "interpreted";
      kernels.push_back(std::move(kernel));
    }
    return kernels;
  }
};

}  // namespace

Backend& RefBackend() {
  static Ref* const backend = new Ref();
  return *backend;
}

}  // namespace belay
