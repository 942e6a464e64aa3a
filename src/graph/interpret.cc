#include "graph/interpret.h"

#include <algorithm>
#include <cstring>

#include "base/allocate.h"
#include "graph/interpret_ops.h"
#include "graph/library.h"

namespace belay {
namespace interpret {

Status NoDType(const Node& node, DType dtype) {
  const char* what = node.op == Op::kMap ? ScalarOpName(node.scalar) : ReduceKindName(node.reduce);
  return NotSupported("the interpreter has no {} on {}", what, DTypeName(dtype));
}

std::shared_ptr<Literal> NewLiteral(DType dtype, const Dims& dims) {
  if (dtype == DType::kString || BitWidth(dtype) % 8 != 0) return Literal::Allocate(dtype, dims);
  auto literal = std::make_shared<Literal>();
  literal->dtype = dtype;
  literal->dims = dims;
  const auto bytes = static_cast<size_t>(literal->ByteSize());
  const std::shared_ptr<void> memory = AllocatePassing(bytes + kReadBehind);
  std::memset(static_cast<char*>(memory.get()) + bytes, 0, kReadBehind);
  literal->owner = memory;
  literal->address = memory.get();
  return literal;
}

int64_t Count(const Dims& dims) {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

Dims DenseStrides(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (size_t d = dims.size(); d-- > 1;) strides[d - 1] = strides[d] * dims[d];
  return strides;
}

}  // namespace interpret

namespace {

using interpret::Case;
using interpret::Values;
using Run = Result<LiteralPtr> (*)(const Case&);

Run FindRun(Op op) {
  switch (op) {
    case Op::kMap: return interpret::Map;
    case Op::kIota: return interpret::Iota;
    case Op::kDims: return interpret::DimValues;
    case Op::kReshape: return interpret::Reshape;
    case Op::kTranspose:
    case Op::kBroadcast:
    case Op::kSlice: return interpret::View;
    case Op::kPad: return interpret::Pad;
    case Op::kConcat: return interpret::Concat;
    case Op::kGather: return interpret::Gather;
    case Op::kScatter: return interpret::Scatter;
    case Op::kReduce: return interpret::Reduce;
    case Op::kScan: return interpret::Scan;
    case Op::kPool: return interpret::Pool;
    case Op::kContract: return interpret::Contract;
    case Op::kConv: return interpret::Conv;
    default: return nullptr;
  }
}

std::vector<int64_t> EvaluateAll(const std::vector<Dim>& dims,
                                 const std::vector<int64_t>& symbols) {
  std::vector<int64_t> out;
  for (const Dim& d : dims) {
    out.push_back(d.IsConst() ? d.value() : d.Evaluate([&](int id) {
      return id < static_cast<int>(symbols.size()) ? symbols[id] : -1;
    }));
  }
  return out;
}

Status CheckExtents(const Node& node, const std::vector<int64_t>& dims) {
  for (size_t d = 0; d < dims.size(); ++d) {
    if (dims[d] < 0) {
      return InvalidArgument("dim {} ({}) would have {} elements", d, node.shape()[d].ToString(),
                             dims[d]);
    }
  }
  return OkStatus();
}

LibraryBuffer BufferOf(const Literal& x) { return {x.dtype, x.dims, const_cast<void*>(x.data())}; }

// An extent that the call itself decides is -1.
std::vector<int64_t> ExtentsBefore(const Node& node, const Shape& shape,
                                   const std::vector<int64_t>& symbols) {
  std::vector<int64_t> dims = EvaluateAll(shape, symbols);
  for (size_t d = 0; d < dims.size(); ++d) {
    std::vector<int> ids;
    shape[d].CollectSymbols(&ids);
    const bool bound = std::any_of(ids.begin(), ids.end(), [&](int id) {
      return std::find(node.binds.begin(), node.binds.end(), id) != node.binds.end();
    });
    if (bound) dims[d] = -1;
  }
  return dims;
}

Result<Values> RunCall(const Node& node, const Values& in, std::vector<int64_t>* symbols,
                       RunValues* values) {
  const LibraryFn fn = FunctionOf(node);
  if (!fn) return NotSupported("there is no library function {}", node.callee);
  LibraryCall call;
  call.attrs = &node.attrs;
  call.values = values;
  for (const LiteralPtr& x : in) call.inputs.push_back(BufferOf(*x));
  std::vector<TensorType> types = node.call_types;
  if (types.empty()) types = {node.type};
  std::vector<std::shared_ptr<Literal>> out(types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    const std::vector<int64_t> dims = ExtentsBefore(node, types[i].shape, *symbols);
    if (std::find(dims.begin(), dims.end(), -1) != dims.end()) {
      call.outputs.push_back({types[i].dtype, dims, nullptr});
      continue;
    }
    out[i] = Literal::Allocate(types[i].dtype, dims);
    call.outputs.push_back(BufferOf(*out[i]));
  }
  call.allocate = [&](int i, int64_t) {
    out[i] = Literal::Allocate(call.outputs[i].dtype, call.outputs[i].dims);
    return out[i]->mutable_data();
  };
  BELAY_RETURN_IF_ERROR(fn(call));
  for (size_t i = 0; i < node.binds.size() && i < call.bound.size(); ++i) {
    if (static_cast<int>(symbols->size()) <= node.binds[i]) symbols->resize(node.binds[i] + 1, -1);
    (*symbols)[node.binds[i]] = call.bound[i];
  }
  for (size_t i = 0; i < out.size(); ++i) {
    if (!out[i]) return Internal("{} left output {} without memory", node.callee, i);
  }
  return Values{out.begin(), out.end()};
}

bool IsTrue(const Literal& condition) { return condition.as<uint8_t>()[0] != 0; }

// Symbols that a branch or a turn of a loop decides: the extents of its values.
void BindExtents(const Node& node, const Values& values, std::vector<int64_t>* symbols) {
  for (size_t k = 0; k < node.call_types.size(); ++k) {
    const Shape& shape = node.call_types[k].shape;
    for (size_t d = 0; d < shape.size(); ++d) {
      for (int id : node.binds) {
        if (shape[d] != Dim::Symbol(id)) continue;
        if (static_cast<int>(symbols->size()) <= id) symbols->resize(id + 1, -1);
        (*symbols)[id] = values[k]->dims[d];
      }
    }
  }
}

Result<Values> RunIf(const Node& node, const Values& in, std::vector<int64_t>* symbols,
                     RunValues* values) {
  const Graph& branch = *node.subgraphs[IsTrue(*in[0]) ? 0 : 1];
  BELAY_TRY(Values results, InterpretFragment(branch, Values(in.begin() + 1, in.end()), symbols, values));
  BindExtents(node, results, symbols);
  return results;
}

Result<Values> RunWhile(const Node& node, const Values& in, std::vector<int64_t>* symbols,
                        RunValues* values) {
  Values carried = in;
  for (bool first = true;; first = false) {
    BindExtents(node, carried, symbols);
    BELAY_TRY(Values condition, InterpretFragment(*node.subgraphs[0], carried, symbols, values));
    if (!IsTrue(*condition[0])) {
      if (!first || AttrOf(node.attrs, kNeedsTurn, 0) == 0) return carried;
      return NotSupported("a loop without turns, whose result has another rank then");
    }
    BELAY_TRY(carried, InterpretFragment(*node.subgraphs[1], carried, symbols, values));
  }
}

Status CheckInput(const Node& input, const Literal& value, const std::vector<int64_t>& symbols) {
  const std::vector<int64_t> dims = EvaluateAll(input.shape(), symbols);
  if (value.dtype != input.type.dtype || value.dims != dims) {
    return InvalidArgument("input {} ({}) is {}{}, but must be {}", input.index, input.name,
                           DTypeName(value.dtype),
                           ToString(Shape(value.dims.begin(), value.dims.end())),
                           ToString(TensorType{input.type.dtype, Shape(dims.begin(), dims.end())}));
  }
  return OkStatus();
}

// By node: a broadcast that only maps read, which spread its operand themselves.
std::vector<char> BroadcastsInMaps(const Graph& graph) {
  std::vector<char> only_maps(graph.size(), 1);
  for (const Node* node : TopologicalOrder(graph)) {
    if (interpret::PassesBroadcasts(*node)) continue;
    for (const Node* input : node->inputs) only_maps[input->id] = 0;
  }
  for (const Node* output : graph.outputs) only_maps[output->id] = 0;
  for (const Store& s : graph.stores) only_maps[s.value->id] = 0;
  for (const auto& node : graph.nodes()) {
    if (node->op != Op::kBroadcast) only_maps[node->id] = 0;
  }
  return only_maps;
}

// Evaluates nodes in order and drops values after their last use.
class Evaluation {
 public:
  Evaluation(const Graph& graph, std::vector<int64_t>* symbols, RunValues* run_values)
      : graph_(graph), symbols_(symbols), run_values_(run_values), values_(graph.size()),
        uses_(UseCounts(graph)), passed_on_(BroadcastsInMaps(graph)) {}

  Result<Values> Run(const Values& inputs) {
    for (const Node* node : TopologicalOrder(graph_)) {
      BELAY_RETURN_IF_ERROR(Evaluate(*node, inputs));
    }
    Values out;
    for (const Node* node : graph_.outputs) out.push_back(values_[node->id].at(0));
    for (const Store& s : graph_.stores) out.push_back(values_[s.value->id].at(0));
    return out;
  }

 private:
  Status Evaluate(const Node& node, const Values& inputs) {
    Values& result = values_[node.id];
    if (node.op == Op::kInput) {
      if (node.index >= static_cast<int>(inputs.size()) || !inputs[node.index]) {
        return InvalidArgument("input {} ({}) has no value", node.index, node.name);
      }
      BELAY_RETURN_IF_ERROR(CheckInput(node, *inputs[node.index], *symbols_));
      result = {inputs[node.index]};
      return OkStatus();
    }
    if (node.op == Op::kGetOutput) {
      result = {values_[node.inputs[0]->id].at(node.index)};
    } else if (passed_on_[node.id]) {
      result = values_[node.inputs[0]->id];
    } else {
      Values in;
      for (const Node* input : node.inputs) in.push_back(values_[input->id].at(0));
      Result<Values> out = InterpretNode(node, in, symbols_, run_values_);
      if (!out.ok()) return std::move(out).status().Context("node '" + node.name + "'");
      result = *std::move(out);
    }
    for (const Node* input : node.inputs) {
      if (--uses_[input->id] == 0) values_[input->id].clear();
    }
    return OkStatus();
  }

  const Graph& graph_;
  std::vector<int64_t>* symbols_;
  RunValues* run_values_;
  std::vector<Values> values_;
  std::vector<int> uses_;
  const std::vector<char> passed_on_;
};

}  // namespace

Result<std::vector<LiteralPtr>> InterpretNode(const Node& node,
                                              const std::vector<LiteralPtr>& inputs,
                                              std::vector<int64_t>* symbols, RunValues* values) {
  switch (node.op) {
    case Op::kConst: return Values{node.literal};
    case Op::kCall: return RunCall(node, inputs, symbols, values);
    case Op::kIf: return RunIf(node, inputs, symbols, values);
    case Op::kWhile: return RunWhile(node, inputs, symbols, values);
    case Op::kFused: return InterpretFragment(*node.subgraphs[0], inputs, symbols, values);
    default: break;
  }
  Run run = FindRun(node.op);
  if (!run)
    return Internal("the interpreter does not know operation {}", static_cast<int>(node.op));
  Case c{node,
         inputs,
         EvaluateAll(node.shape(), *symbols),
         EvaluateAll(node.starts, *symbols),
         EvaluateAll(node.steps, *symbols),
         {}};
  if (node.window) c.pads_lo = EvaluateAll(node.window->pads_lo, *symbols);
  BELAY_RETURN_IF_ERROR(CheckExtents(node, c.dims));
  BELAY_TRY(LiteralPtr value, interpret::MovesWide(node) ? interpret::MoveWide(c, run) : run(c));
  return Values{std::move(value)};
}

Result<std::vector<LiteralPtr>> InterpretFragment(const Graph& graph,
                                                  const std::vector<LiteralPtr>& inputs,
                                                  std::vector<int64_t>* symbols,
                                                  RunValues* values) {
  return Evaluation(graph, symbols, values).Run(inputs);
}

Result<std::vector<LiteralPtr>> Interpret(const Graph& graph, const std::vector<LiteralPtr>& inputs,
                                          const std::vector<int64_t>& symbols,
                                          std::vector<int64_t>* all_symbols) {
  std::vector<int64_t> values = symbols;
  for (size_t id = values.size(); id < graph.symbols.size(); ++id) {
    const SymbolInfo& info = graph.symbols[id];
    const bool given = info.input >= 0 && info.input < static_cast<int>(inputs.size()) && inputs[info.input];
    if (given && info.dim == SymbolInfo::kBytes) {
      values.push_back(inputs[info.input]->ByteSize());
      continue;
    }
    const std::vector<int64_t> from = !given              ? std::vector<int64_t>()
                                      : info.element >= 0 ? LiteralToInts(*inputs[info.input])
                                                          : inputs[info.input]->dims;
    const size_t at = static_cast<size_t>(info.element >= 0 ? info.element : info.dim);
    values.push_back(at < from.size() ? from[at] : -1);
  }
  RunValues run_values;
  Result<std::vector<LiteralPtr>> out = InterpretFragment(graph, inputs, &values, &run_values);
  if (all_symbols) *all_symbols = std::move(values);
  return out;
}

}  // namespace belay
