#include "compile/lower.h"

#include <algorithm>

#include "graph/narrow.h"
#include "graph/op_record.h"

namespace belay {
namespace {

std::string Describe(const ModelNode& node) {
  std::string text = "node '" + node.name + "' (" + node.type + ")";
  return node.origin.empty() ? text : text + " from " + node.origin;
}

const OpRecord* RecordOf(const ModelNode& node) {
  return node.record ? node.record.get() : FindOpRecord(node.type);
}

bool IsData(const ModelNode& node) { return node.type == "Data"; }
bool IsSink(const ModelNode& node) { return node.type == "NetOutput"; }

void CollectUnknown(const ModelGraph& model, std::map<std::string, std::vector<std::string>>* out) {
  for (const ModelNode& node : model.nodes) {
    if (!IsData(node) && !IsSink(node) && !RecordOf(node)) (*out)[node.type].push_back(node.name);
    for (auto& [name, graphs] : node.subgraphs) {
      for (auto& g : graphs) CollectUnknown(*g, out);
    }
  }
}

Status CheckOperators(const ModelGraph& model) {
  std::map<std::string, std::vector<std::string>> unknown;
  CollectUnknown(model, &unknown);
  if (unknown.empty()) return OkStatus();
  std::string text;
  for (auto& [type, names] : unknown) {
    if (!text.empty()) text += "; ";
    text += type + (FindPrototype(type) ? "" : " (no such GE operator)") + " in node";
    for (size_t i = 0; i < names.size() && i < 4; ++i) text += (i ? ", '" : " '") + names[i] + "'";
    if (names.size() > 4) text += fmt::format(" and {} more", names.size() - 4);
  }
  return NotSupported("{} operator{} cannot be computed: {}", unknown.size(),
                      unknown.size() == 1 ? "" : "s", text);
}

bool IsComputed(DType dtype) { return IsFloat(dtype) || IsInt(dtype) || dtype == DType::kBool; }

// Kernels and the interpreter know whole bytes only; anything else must not pass as a wrong number.
Status CheckDtypes(const Graph& graph) {
  for (const Node* node : TopologicalOrder(graph)) {
    if (!IsComputed(node->type.dtype)) {
      return NotSupported("{} has dtype {}, which is not computed yet",
                          node->name.empty() ? "a tensor" : "'" + node->name + "'", DTypeName(node->type.dtype));
    }
    for (const auto& sub : node->subgraphs) BELAY_RETURN_IF_ERROR(CheckDtypes(*sub));
  }
  return OkStatus();
}

// Node numbers, producers first.
Result<std::vector<int>> Order(const ModelGraph& model) {
  const int n = static_cast<int>(model.nodes.size());
  std::vector<int> order, state(n, 0);
  std::vector<std::pair<int, size_t>> stack;
  for (int root = 0; root < n; ++root) {
    if (state[root]) continue;
    state[root] = 1;
    stack.emplace_back(root, 0);
    while (!stack.empty()) {
      auto& [i, next] = stack.back();
      const ModelNode& node = model.nodes[i];
      if (next == node.inputs.size() + node.control_inputs.size()) {
        state[i] = 2;
        order.push_back(i);
        stack.pop_back();
        continue;
      }
      const size_t k = next++;
      const int from = k < node.inputs.size() ? node.inputs[k].node
                                              : node.control_inputs[k - node.inputs.size()];
      if (from < 0) continue;
      if (from >= n) return InvalidArgument("{} reads node {}, which does not exist", Describe(node), from);
      if (state[from] == 1) return InvalidArgument("the graph has a cycle through {}", Describe(node));
      if (state[from] == 0) {
        state[from] = 1;
        stack.emplace_back(from, 0);
      }
    }
  }
  return order;
}

class Lowerer {
 public:
  Lowerer(Graph* graph, Graph* root) : builder_(graph, root) {}

  Builder& builder() { return builder_; }

  // `arguments` stand for the Data nodes by index.
  Status Run(const ModelGraph& model, const std::vector<Tensor>& arguments) {
    BELAY_TRY(std::vector<int> order, Order(model));
    values_.assign(model.nodes.size(), {});
    for (int i : order) {
      const ModelNode& node = model.nodes[i];
      if (IsSink(node)) continue;
      if (IsData(node)) {
        BELAY_TRY(int index, DataIndex(node));
        if (index >= static_cast<int>(arguments.size())) {
          return InvalidArgument("{} has index {}, but there are {} inputs", Describe(node), index,
                                 arguments.size());
        }
        values_[i] = {arguments[index]};
        continue;
      }
      Status status = LowerNode(model, node, &values_[i]);
      if (!status.ok()) return std::move(status).Context(Describe(node));
    }
    for (size_t k = 0; k < model.outputs.size(); ++k) {
      BELAY_TRY(Tensor value, Value(model, model.outputs[k]));
      builder_.graph().outputs.push_back(value.node());
    }
    builder_.graph().output_names = model.output_names;
    return OkStatus();
  }

  static Result<int> DataIndex(const ModelNode& node) {
    auto it = node.attrs.find("index");
    const int64_t* index = it == node.attrs.end() ? nullptr : std::get_if<int64_t>(&it->second);
    if (index && *index < 0) return InvalidArgument("{} has index {}", Describe(node), *index);
    return index ? static_cast<int>(*index) : 0;
  }

 private:
  Result<Tensor> Value(const ModelGraph& model, const ModelEdge& edge) {
    const ModelNode& from = model.nodes[edge.node];
    const std::vector<Tensor>& outputs = values_[edge.node];
    if (edge.output < 0 || edge.output >= static_cast<int>(outputs.size()) || !outputs[edge.output]) {
      return NotSupported("output {} of {} is not computed", edge.output, Describe(from));
    }
    return outputs[edge.output];
  }

  Status CheckInputs(const ModelNode& node, const Prototype& prototype, const OpRecord& record,
                     const std::vector<Tensor>& inputs) {
    for (const PortProto& port : prototype.inputs) {
      if (port.kind != PortKind::kRequired) continue;
      bool connected = false;
      for (size_t i = 0; i < node.input_ports.size(); ++i) {
        connected = connected || (node.input_ports[i].name == port.name && inputs[i]);
      }
      if (!connected) return InvalidArgument("input {} is required, but not connected", port.name);
    }
    for (auto& [name, allowed] : record.dtypes) {
      for (size_t i = 0; i < node.input_ports.size(); ++i) {
        if (node.input_ports[i].name != name || !inputs[i]) continue;
        const DType dtype = inputs[i].dtype();
        if (std::find(allowed.begin(), allowed.end(), dtype) != allowed.end()) continue;
        std::string names;
        for (DType d : allowed) names += std::string(names.empty() ? "" : ", ") + DTypeName(d);
        return InvalidArgument("input {} is {}, but must be one of {}", name, DTypeName(dtype), names);
      }
    }
    return OkStatus();
  }

  Status LowerNode(const ModelGraph& model, const ModelNode& node, std::vector<Tensor>* outputs) {
    const OpRecord& record = *RecordOf(node);
    std::vector<Tensor> inputs;
    for (const ModelEdge& edge : node.inputs) {
      if (edge.node < 0) {
        inputs.push_back(Tensor());
        continue;
      }
      BELAY_TRY(Tensor value, Value(model, edge));
      inputs.push_back(value);
    }
    BELAY_RETURN_IF_ERROR(CheckInputs(node, *record.prototype, record, inputs));
    Graph& graph = builder_.graph();
    const int first_new = graph.size();
    Body body(builder_, node, *record.prototype, std::move(inputs));
    body.lower_subgraph = [this](const ModelGraph& sub, const std::vector<TensorType>& types,
                                 const std::vector<Tensor>& known) { return LowerSubgraph(sub, types, known); };
    body.inline_subgraph = [this](const ModelGraph& sub, const std::vector<Tensor>& arguments) {
      Lowerer inner(&builder_.graph(), &builder_.root());
      return inner.RunInline(sub, arguments, &builder_);
    };
    try {
      record.computes(body);
    } catch (OpError& error) {
      return std::move(error.status);
    }
    for (int id = first_new; id < graph.size(); ++id) {
      if (graph.nodes()[id]->name.empty()) graph.nodes()[id]->name = node.name;
    }
    *outputs = body.TakeOutputs();
    return OkStatus();
  }

  std::vector<Tensor> RunInline(const ModelGraph& model, const std::vector<Tensor>& arguments, Builder* into) {
    const size_t before = builder_.graph().outputs.size();
    const std::vector<std::string> names = builder_.graph().output_names;
    Status status = Run(model, arguments);
    if (!status.ok()) throw OpError{std::move(status).Context("subgraph '" + model.name + "'")};
    std::vector<Tensor> results;
    std::vector<Node*>& outputs = builder_.graph().outputs;
    for (size_t k = before; k < outputs.size(); ++k) results.push_back(into->Wrap(outputs[k]));
    outputs.resize(before);
    builder_.graph().output_names = names;
    return results;
  }

  std::shared_ptr<Graph> LowerSubgraph(const ModelGraph& model, const std::vector<TensorType>& types,
                                       const std::vector<Tensor>& known) {
    auto graph = std::make_shared<Graph>();
    Lowerer inner(graph.get(), &builder_.root());
    std::vector<Tensor> arguments;
    for (size_t i = 0; i < types.size(); ++i) {
      Node* input = graph->AddInput(static_cast<int>(i), types[i]);
      const Node* outer = i < known.size() && known[i] ? known[i].node() : nullptr;
      if (outer) input->contents = outer->contents;
      arguments.push_back(outer && outer->literal ? inner.builder_.Constant(outer->literal)
                                                  : inner.builder_.Wrap(input));
    }
    Status status = inner.Run(model, arguments);
    if (!status.ok()) throw OpError{std::move(status).Context("subgraph '" + model.name + "'")};
    return graph;
  }

  Builder builder_;
  std::vector<std::vector<Tensor>> values_;
};

// Elements that share bytes are so only in users' memory.
bool IsPacked(DType dtype) { return IsNarrow(dtype) && BitWidth(dtype) < 8; }

Tensor AddArgument(Builder& b, int index, const TensorType& type, const std::string& name) {
  if (!IsPacked(type.dtype)) return b.Wrap(b.graph().AddInput(index, type, name));
  const TensorType bytes{DType::kU8, {PackedBytes(type.dtype, type.shape)}};
  return Unpack(b.Wrap(b.graph().AddInput(index, bytes, name)), type.dtype, type.shape);
}

// Few enough, and none below 0, as symbols never are.
bool FewCounts(const Literal& literal) {
  constexpr int64_t kFew = 16;
  if (!IsInt(literal.dtype) || literal.NumElements() > kFew) return false;
  const std::vector<int64_t> values = LiteralToInts(literal);
  return std::all_of(values.begin(), values.end(), [](int64_t v) { return v >= 0; });
}

std::vector<Dim> ContentSymbols(const std::string& name, int input, const Literal& contents, Graph* graph) {
  std::vector<Dim> symbols;
  for (int64_t value : LiteralToInts(contents)) {
    const int element = static_cast<int>(symbols.size());
    symbols.push_back(Dim::Symbol(static_cast<int>(graph->symbols.size())));
    graph->symbols.push_back({fmt::format("{}[{}]", name, element), input, -1, value, element});
  }
  return symbols;
}

void AddResults(Builder& b, std::vector<TensorType>* types) {
  for (Node*& output : b.graph().outputs) {
    types->push_back(output->type);
    if (IsPacked(output->type.dtype)) output = Pack(b.Wrap(output)).node();
  }
}

}  // namespace

Result<std::vector<const ModelNode*>> ModelInputs(const ModelGraph& model) {
  std::vector<const ModelNode*> inputs;
  for (const ModelNode& node : model.nodes) {
    if (!IsData(node)) continue;
    BELAY_TRY(int index, Lowerer::DataIndex(node));
    if (index >= static_cast<int>(model.nodes.size())) {
      return InvalidArgument("{} has index {}, but the graph has only {} nodes", Describe(node), index,
                             model.nodes.size());
    }
    if (index >= static_cast<int>(inputs.size())) inputs.resize(index + 1, nullptr);
    if (inputs[index]) {
      return InvalidArgument("{} and node '{}' both have index {}", Describe(node), inputs[index]->name,
                             index);
    }
    inputs[index] = &node;
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]) return InvalidArgument("no Data node has index {}", i);
  }
  return inputs;
}

Result<Lowered> Lower(const ModelGraph& model, const LowerOptions& options) {
  BELAY_RETURN_IF_ERROR(CheckOperators(model));
  if (model.outputs.empty()) return InvalidArgument("the graph has no outputs");
  BELAY_TRY(std::vector<const ModelNode*> inputs, ModelInputs(model));
  Lowered lowered;
  auto graph = std::make_unique<Graph>();
  Lowerer lowerer(graph.get(), graph.get());
  std::vector<Tensor> arguments;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ModelDesc& desc = inputs[i]->output_descs.empty() ? ModelDesc{} : inputs[i]->output_descs[0];
    const bool called = i < options.input_dims.size();
    TensorType type{desc.dtype, {}};
    std::vector<int64_t> dims = desc.dims;
    if (dims == std::vector<int64_t>{-2}) {
      if (!called) {
        lowered.needs_extents = true;
        return lowered;
      }
      dims.assign(options.input_dims[i].size(), -1);
    }
    for (size_t d = 0; d < dims.size(); ++d) {
      if (dims[d] >= 0) {
        type.shape.push_back(dims[d]);
        continue;
      }
      SymbolInfo symbol{fmt::format("{}.{}", inputs[i]->name, d), static_cast<int>(i), static_cast<int>(d)};
      if (called && d < options.input_dims[i].size()) symbol.hint = options.input_dims[i][d];
      type.shape.push_back(Dim::Symbol(static_cast<int>(graph->symbols.size())));
      graph->symbols.push_back(symbol);
    }
    if (desc.dtype == DType::kUndefined) {
      return InvalidArgument("{} declares no data type", Describe(*inputs[i]));
    }
    lowered.inputs.push_back(type);
    arguments.push_back(AddArgument(lowerer.builder(), static_cast<int>(i), type, inputs[i]->name));
    auto contents = options.input_contents.find(static_cast<int>(i));
    if (contents == options.input_contents.end()) continue;
    if (options.readable_inputs.count(static_cast<int>(i)) && FewCounts(*contents->second) && IsStatic(type.shape)) {
      arguments.back().node()->contents = ContentSymbols(inputs[i]->name, static_cast<int>(i), *contents->second,
                                                         graph.get());
      lowered.symbolic_inputs.insert(static_cast<int>(i));
    } else {
      arguments.back() = lowerer.builder().Constant(contents->second);
    }
  }
  try {
    BELAY_RETURN_IF_ERROR(lowerer.Run(model, arguments));
  } catch (NeedsContents& needs) {
    lowered.needs_contents = needs.graph_inputs;
    return lowered;
  } catch (NeedsExtents&) {
    lowered.needs_extents = true;
    return lowered;
  }
  AddResults(lowerer.builder(), &lowered.outputs);
  LowerToStorage(graph.get());
  BELAY_RETURN_IF_ERROR(CheckDtypes(*graph));
  lowered.graph = std::move(graph);
  return lowered;
}

}  // namespace belay
