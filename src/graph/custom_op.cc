#include "graph/custom_op.h"

#include <algorithm>

#include "graph/library.h"
#include "graph/op_record.h"
#include "graph/shape_formula.h"

namespace belay {
namespace {

constexpr size_t kMinSamples = 3;  // fewer do not make a formula

// An input without its place in the graph, so that it can be asked about later.
struct Input {
  bool there = false;
  TensorType type;
  LiteralPtr literal;
  std::optional<std::vector<Dim>> contents;

  bool HasValue() const { return literal != nullptr || contents.has_value(); }
};

std::vector<int64_t> Evaluate(const Shape& shape, const std::vector<int64_t>& symbols) {
  std::vector<int64_t> dims;
  for (const Dim& d : shape) dims.push_back(d.Evaluate(symbols));
  return dims;
}

// The inference function, with inputs whose extents are expressions.
class Inference {
 public:
  Inference(const Body& b, std::shared_ptr<const CustomOp> op)
      : op_(std::move(op)), outputs_(b.node().output_ports.size()) {
    for (const Tensor& t : b.inputs()) {
      inputs_.emplace_back();
      if (t) inputs_.back() = {true, t.node()->type, t.node()->literal, t.node()->contents};
    }
  }

  const std::vector<Input>& inputs() const { return inputs_; }

  std::vector<int> Symbols() const {
    std::vector<int> ids;
    for (const Shape& shape : Shapes()) {
      for (const Dim& d : shape) d.CollectSymbols(&ids);
    }
    return ids;
  }

  // Where the extents of results may come from: extents and contents of the inputs.
  std::vector<Shape> Shapes() const {
    std::vector<Shape> shapes;
    for (const Input& input : inputs_) {
      shapes.push_back(input.type.shape);
      if (input.contents) shapes.push_back(*input.contents);
    }
    return shapes;
  }

  Status Ask(const std::vector<int64_t>& symbols, PlainCall* call) const {
    for (const Input& input : inputs_) {
      PlainTensor t;
      if (input.there) {
        t = {input.type.dtype, Evaluate(input.type.shape, symbols), input.literal};
        if (!t.value && input.contents) {
          t.value = LiteralFromInts(t.dtype, t.dims, Evaluate(*input.contents, symbols));
        }
      }
      call->inputs.push_back(std::move(t));
    }
    call->outputs.resize(outputs_);
    BELAY_RETURN_IF_ERROR(op_->infer(*call));
    for (size_t k = 0; k < outputs_; ++k) {
      if (call->outputs[k].dtype == DType::kUndefined) {
        return InvalidArgument("its inference gives output {} no data type", k);
      }
      for (int64_t d : call->outputs[k].dims) {
        if (d < -1) return NotSupported("its inference gives output {} no rank ({})", k, d);
      }
    }
    return OkStatus();
  }

 private:
  std::shared_ptr<const CustomOp> op_;
  std::vector<Input> inputs_;
  size_t outputs_;
};

bool IsOpen(const PlainCall& call) {
  return std::any_of(call.outputs.begin(), call.outputs.end(), [](const PlainTensor& t) {
    return std::find(t.dims.begin(), t.dims.end(), -1) != t.dims.end();
  });
}

bool SameForm(const PlainCall& a, const PlainCall& b) {
  for (size_t k = 0; k < a.outputs.size(); ++k) {
    if (a.outputs[k].dtype != b.outputs[k].dtype || a.outputs[k].dims.size() != b.outputs[k].dims.size()) return false;
  }
  return true;
}

std::vector<TensorType> TypesOf(const PlainCall& call) {
  std::vector<TensorType> types;
  for (const PlainTensor& t : call.outputs) types.push_back({t.dtype, Shape(t.dims.begin(), t.dims.end())});
  return types;
}

// Formulas for the outputs' extents; none where the answers have no common form.
std::optional<std::vector<TensorType>> FindTypes(const Inference& inference, const Graph& root,
                                                 const std::vector<int>& symbols) {
  std::vector<std::vector<int64_t>> samples;
  std::vector<PlainCall> answers;
  for (std::vector<int64_t>& sample : SampleExtents(root, symbols)) {
    PlainCall call;
    if (!inference.Ask(sample, &call).ok()) continue;
    if (IsOpen(call) || (!answers.empty() && !SameForm(answers[0], call))) return std::nullopt;
    samples.push_back(std::move(sample));
    answers.push_back(std::move(call));
  }
  if (samples.size() < kMinSamples) return std::nullopt;
  std::vector<TensorType> types = TypesOf(answers[0]);
  for (size_t k = 0; k < types.size(); ++k) {
    for (size_t d = 0; d < types[k].shape.size(); ++d) {
      std::vector<int64_t> wanted;
      for (const PlainCall& answer : answers) wanted.push_back(answer.outputs[k].dims[d]);
      std::optional<Dim> formula = FindFormula(inference.Shapes(), samples, wanted);
      if (!formula) return std::nullopt;
      types[k].shape[d] = *formula;
    }
  }
  return types;
}

// A plan with these types is for calls whose extents the function agrees on.
void GuardTypes(Builder& b, Inference inference, std::vector<TensorType> types) {
  Guard guard;
  guard.condition = Dim(1);
  guard.test = std::make_shared<const std::function<bool(const std::vector<int64_t>&)>>(
      [inference = std::move(inference), types = std::move(types)](const std::vector<int64_t>& symbols) {
        PlainCall call;
        if (!inference.Ask(symbols, &call).ok()) return false;
        for (size_t k = 0; k < types.size(); ++k) {
          if (call.outputs[k].dtype != types[k].dtype) return false;
          if (call.outputs[k].dims != Evaluate(types[k].shape, symbols)) return false;
        }
        return true;
      });
  b.root().guards.push_back(std::move(guard));
}

// What the kernel of one node does. Types are those of the operator, whatever kernels keep the elements in.
struct CustomCall {
  std::shared_ptr<const CustomOp> op;
  std::vector<DType> inputs;  // by port; kUndefined: not there
  std::vector<DType> outputs;
  bool infers = false;  // extents come up now

  Status operator()(LibraryCall& run) const {
    if (infers) BELAY_RETURN_IF_ERROR(Infer(run));
    std::vector<PlainBuffer> in, out;
    for (DType dtype : inputs) {
      if (dtype == DType::kUndefined) continue;
      const LibraryBuffer& b = run.inputs[in.size()];
      in.push_back({dtype, b.dims, b.data});
    }
    for (const LibraryBuffer& b : run.outputs) out.push_back({outputs[out.size()], b.dims, b.data});
    return op->compute(in, out);
  }

 private:
  // With the contents that a run has; gets the outputs' memory.
  Status Infer(LibraryCall& run) const {
    PlainCall call;
    size_t next = 0;
    for (DType dtype : inputs) {
      PlainTensor t;
      if (dtype != DType::kUndefined) {
        const LibraryBuffer& buffer = run.inputs[next++];
        auto value = std::make_shared<Literal>();
        value->dtype = t.dtype = dtype;
        value->dims = t.dims = buffer.dims;
        value->address = buffer.data;
        t.value = std::move(value);
      }
      call.inputs.push_back(std::move(t));
    }
    call.outputs.resize(run.outputs.size());
    BELAY_RETURN_IF_ERROR(op->infer(call));
    for (size_t k = 0; k < run.outputs.size(); ++k) {
      const PlainTensor& t = call.outputs[k];
      const bool open = std::any_of(t.dims.begin(), t.dims.end(), [](int64_t d) { return d < 0; });
      if (open || t.dims.size() != run.outputs[k].dims.size() || t.dtype != outputs[k]) {
        return NotSupported("its inference does not give the extents of output {}, not even from the data", k);
      }
      if (!run.outputs[k].data) run.Allocate(static_cast<int>(k), t.dims);
      run.bound.insert(run.bound.end(), t.dims.begin(), t.dims.end());
    }
    return OkStatus();
  }
};

class Lowering {
 public:
  Lowering(Body& b, std::shared_ptr<const CustomOp> op) : b_(b), op_(op), inference_(b, op) {}

  void Run() {
    std::vector<int> unknown;
    for (int port : op_->reads_values) {
      const Input& input = inference_.inputs()[port];
      if (input.there && !input.HasValue()) unknown.push_back(port);
    }
    if (!unknown.empty()) b_.NeedContents(unknown);
    const std::vector<int> symbols = inference_.Symbols();
    if (symbols.empty()) return Static();
    const PlainCall some = SomeAnswer(symbols);
    const Graph& root = b_.builder().root();
    const bool ahead = std::all_of(symbols.begin(), symbols.end(), [&](int id) { return root.symbols[id].input >= 0; });
    if (!ahead || IsOpen(some)) return AtRunTime(some);
    if (auto types = FindTypes(inference_, root, symbols)) {
      GuardTypes(b_.builder(), inference_, *types);
      return Emit(std::move(*types), {});
    }
    if (!HintsKnown(symbols)) throw NeedsExtents{};
    // A plan for these extents alone.
    for (int id : symbols) (void)b_.builder().Assume(Equal(Dim::Symbol(id), Dim(root.symbols[id].hint)), true);
    Emit(TypesOf(some), {});
  }

 private:
  bool HintsKnown(const std::vector<int>& symbols) const {
    const std::vector<SymbolInfo>& infos = b_.builder().root().symbols;
    return std::all_of(symbols.begin(), symbols.end(), [&](int id) { return infos[id].hint >= 0; });
  }

  [[noreturn]] void Refuse(const Status& status, const PlainCall& call) {
    if (!call.missed.empty()) b_.NeedContents(call.missed);
    throw OpError{status};
  }

  void Static() {
    PlainCall call;
    Status status = inference_.Ask({}, &call);
    if (!status.ok()) Refuse(status, call);
    if (IsOpen(call)) return AtRunTime(call);
    Emit(TypesOf(call), {});
  }

  // For the extents of the call at hand, else for any that are taken.
  PlainCall SomeAnswer(const std::vector<int>& symbols) {
    Status last;
    PlainCall call;
    for (const std::vector<int64_t>& sample : SampleExtents(b_.builder().root(), symbols)) {
      call = PlainCall();
      last = inference_.Ask(sample, &call);
      if (last.ok()) return call;
      if (HintsKnown(symbols)) Refuse(last, call);
    }
    const std::vector<SymbolInfo>& infos = b_.builder().root().symbols;
    const bool told_by_call = std::all_of(symbols.begin(), symbols.end(), [&](int id) { return infos[id].input >= 0; });
    if (told_by_call) throw NeedsExtents{};
    Refuse(last, call);
  }

  // Every extent is a symbol that the call binds: its own function infers once more, now with all contents.
  void AtRunTime(const PlainCall& some) {
    std::vector<TensorType> types;
    std::vector<int> binds;
    for (const PlainTensor& t : some.outputs) {
      types.push_back({t.dtype, {}});
      for (size_t d = 0; d < t.dims.size(); ++d) {
        std::string name = fmt::format("{}.{}", b_.node().name, binds.size());
        types.back().shape.push_back(b_.builder().NewBound(std::move(name), &binds));
      }
    }
    Emit(std::move(types), std::move(binds));
  }

  void Emit(std::vector<TensorType> types, std::vector<int> binds) {
    if (types.empty()) FailNotSupported("an operator without outputs");
    std::vector<Node*> inputs;
    CustomCall custom{op_, {}, {}, !binds.empty()};
    for (const Tensor& t : b_.inputs()) {
      custom.inputs.push_back(t ? t.dtype() : DType::kUndefined);
      if (t) inputs.push_back(t.node());
    }
    for (const TensorType& type : types) custom.outputs.push_back(type.dtype);
    for (const auto* list : {&custom.inputs, &custom.outputs}) {
      for (DType dtype : *list) {
        if (dtype != DType::kUndefined && BitWidth(dtype) < 8) {
          FailNotSupported("a program's own operator on {}", DTypeName(dtype));
        }
      }
    }
    Graph& graph = b_.builder().graph();
    Node* call = graph.Add(Op::kCall, std::move(inputs), types[0]);
    call->callee = b_.node().type;
    call->call_types = types;
    call->binds = std::move(binds);
    call->function = std::make_shared<const LibraryFn>(std::move(custom));
    if (types.size() == 1) return b_.OutPort(0, b_.builder().Wrap(call));
    for (size_t k = 0; k < types.size(); ++k) {
      Node* get = graph.Add(Op::kGetOutput, {call}, types[k]);
      get->index = static_cast<int>(k);
      b_.OutPort(k, b_.builder().Wrap(get));
    }
  }

  Body& b_;
  std::shared_ptr<const CustomOp> op_;
  Inference inference_;
};

}  // namespace

std::shared_ptr<const OpRecord> MakeCustomRecord(CustomType type) {
  auto record = std::make_shared<OpRecord>();
  record->type = type.type;
  record->prototype = type.prototype.get();
  record->dtypes = type.dtypes;
  record->Computes([type](Body& b) {
    std::vector<bool> there;
    for (const Tensor& t : b.inputs()) there.push_back(static_cast<bool>(t));
    Result<CustomOp> functions = type.functions(there);
    if (!functions.ok()) throw OpError{std::move(functions).status()};
    Lowering(b, std::make_shared<const CustomOp>(*std::move(functions))).Run();
  });
  return record;
}

}  // namespace belay
