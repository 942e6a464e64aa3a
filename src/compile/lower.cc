#include "compile/lower.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "compile/memories.h"
#include "compile/variables.h"
#include "graph/element_type.h"
#include "graph/narrow.h"

namespace belay {
namespace {

const OpRecord* RecordOf(const ModelNode& node) {
  return node.record ? node.record.get() : FindOpRecord(node.type);
}

bool IsSink(const ModelNode& node) { return node.type == "NetOutput"; }

void CollectUnknown(const ModelGraph& model, const std::string& outer, Problems* problems) {
  for (const ModelNode& node : model.nodes) {
    if (node.refused) continue;
    if (!IsData(node) && !IsSink(node) && !RecordOf(node)) {
      const std::string op = node.type + (FindPrototype(node.type) ? "" : " (no such GE operator)");
      problems->Add({node.name, op, outer + Describe(node), "", Code::kNotSupported, true});
    }
    for (auto& [name, graphs] : node.subgraphs) {
      for (auto& g : graphs) {
        CollectUnknown(*g, fmt::format("{}{}: subgraph '{}': ", outer, Describe(node), g->name), problems);
      }
    }
  }
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

// Where the symbols of a message come from: " (s0: dim 1 of 'x', here 7)". Nothing where it has none.
std::string OriginOfSymbols(const std::string& message, const Graph& root) {
  const auto in_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '\''; };
  std::string text;
  std::set<int> said;
  for (size_t at = message.find('s'); at != std::string::npos; at = message.find('s', at + 1)) {
    size_t end = at + 1;
    while (end < message.size() && std::isdigit(static_cast<unsigned char>(message[end]))) ++end;
    const bool whole = (at == 0 || !in_name(message[at - 1])) && (end == message.size() || !in_name(message[end]));
    if (!whole || end == at + 1 || end > at + 9) continue;
    const int id = std::stoi(message.substr(at + 1, end - at - 1));
    if (id >= static_cast<int>(root.symbols.size()) || !said.insert(id).second) continue;
    const SymbolInfo& symbol = root.symbols[id];
    if (symbol.input < 0 || symbol.input >= static_cast<int>(root.inputs.size())) continue;
    const std::string what = symbol.element >= 0                ? fmt::format("element {}", symbol.element)
                             : symbol.dim == SymbolInfo::kBytes ? "size in bytes"
                                                                : fmt::format("dim {}", symbol.dim);
    text += fmt::format("{}s{}: {} of '{}'", text.empty() ? " (" : "; ", id, what, root.inputs[symbol.input]->name);
    if (symbol.hint >= 0) text += fmt::format(", here {}", symbol.hint);
  }
  return text.empty() ? "" : text + ")";
}

class Lowerer {
 public:
  // Refusals go to `problems` and lowering goes on. defer: nor does it stop where a call must be known.
  struct Report {
    Problems* problems;
    bool defer;
    std::function<Status(const NeedsContents&)> known_to_calls;
    ModelTypes* types;  // takes what inference finds; may be nullptr
  };
  Lowerer(Graph* graph, Graph* root, const Report& report, std::string where = "")
      : builder_(graph, root), report_(report), where_(std::move(where)) {}

  Builder& builder() { return builder_; }

  // `arguments` stand for the Data nodes by index; the last of them for variables, by these names.
  Result<LoweredSubgraph> Run(const ModelGraph& model, const std::vector<Tensor>& arguments,
                              const std::vector<std::string>& variables) {
    BELAY_TRY(std::vector<int> order, TopologicalOrder(model));
    for (const Tensor& t : arguments) memories_.Add(t);  // memory k is argument k
    data_count_ = arguments.size() - variables.size();
    for (size_t v = 0; v < variables.size(); ++v) variables_[variables[v]] = static_cast<int>(data_count_ + v);
    values_.assign(model.nodes.size(), {});
    seen_.assign(model.nodes.size(), {});
    for (int i : order) TryNode(model, i);
    const bool top = &builder_.graph() == &builder_.root();
    if (top && (!report_.problems->empty() || !report_.problems->deferred.empty())) return LoweredSubgraph();
    RecordTypes(model);
    return Results(model);
  }

  static Result<int> DataIndex(const ModelNode& node) {
    auto it = node.attrs.find("index");
    const int64_t* index = it == node.attrs.end() ? nullptr : std::get_if<int64_t>(&it->second);
    if (index && *index < 0) return InvalidArgument("{} has index {}", Describe(node), *index);
    return index ? static_cast<int>(*index) : 0;
  }

 private:
  // What stands for a refused node's output; no graph has such an input.
  static constexpr int kStandIn = -1;

  std::string Where(const ModelNode& node) const { return where_ + Describe(node); }

  void TryNode(const ModelGraph& model, int i) {
    const ModelNode& node = model.nodes[i];
    if (node.refused) return StandIn(model, i);
    if (ReadsUnknown(node)) return Pass(model, i, &report_.problems->unchecked);
    const bool known = IsData(node) || IsSink(node) || RecordOf(node);
    if (!known) return StandIn(model, i);  // CollectUnknown has said so
    try {
      const Status status = RunNode(model, i);
      if (!status.ok()) Refuse(model, i, status);
    } catch (NeedsContents& needs) {
      const bool of_stand_in = std::count(needs.graph_inputs.begin(), needs.graph_inputs.end(), kStandIn) > 0;
      const Status can_wait = of_stand_in ? OkStatus() : report_.known_to_calls(needs);
      if (!can_wait.ok()) return Refuse(model, i, can_wait);
      if (!of_stand_in && !report_.defer) throw;
      Pass(model, i, of_stand_in ? &report_.problems->unchecked : &report_.problems->deferred);
    } catch (NeedsExtents&) {
      if (!report_.defer && report_.problems->empty()) throw;
      Pass(model, i, &report_.problems->deferred);
    }
  }

  bool ReadsUnknown(const ModelNode& node) const {
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](const ModelEdge& edge) {
      if (edge.node < 0 || !unknown_.count(edge.node)) return false;
      const std::vector<LoweredValue>& outputs = values_[edge.node];
      return edge.output < 0 || edge.output >= static_cast<int>(outputs.size()) || !outputs[edge.output].tensor;
    });
  }

  void Refuse(const ModelGraph& model, int i, const Status& status) {
    const ModelNode& node = model.nodes[i];
    const std::string what = status.message() + OriginOfSymbols(status.message(), builder_.root());
    report_.problems->Add({node.name, node.type, Where(node), what, status.code()});
    StandIn(model, i);
  }

  // Nothing can be said of the node: it follows a refused one, or needs to know a call.
  void Pass(const ModelGraph& model, int i, std::vector<std::string>* list) {
    list->push_back(Where(model.nodes[i]));
    StandIn(model, i);
  }

  // Outputs of the declared types, with contents that nobody knows.
  void StandIn(const ModelGraph& model, int i) {
    const ModelNode& node = model.nodes[i];
    unknown_.insert(i);
    values_[i].assign(node.output_ports.size(), {});
    for (size_t k = 0; k < node.output_descs.size() && k < values_[i].size(); ++k) {
      const ModelDesc& desc = node.output_descs[k];
      if (desc.dtype == DType::kUndefined || desc.dims == std::vector<int64_t>{-2}) continue;
      TensorType type{desc.dtype, {}};
      for (int64_t d : desc.dims) {
        if (d >= 0) {
          type.shape.push_back(d);
          continue;
        }
        type.shape.push_back(Dim::Symbol(static_cast<int>(builder_.root().symbols.size())));
        builder_.root().symbols.push_back({node.name, 0, 0});  // as if a call could tell
      }
      Node* value = builder_.graph().Add(Op::kInput, {}, type);
      value->index = kStandIn;
      values_[i][k].tensor = builder_.Wrap(value);
    }
  }

  Result<LoweredValue*> Value(const ModelGraph& model, const ModelEdge& edge) {
    const ModelNode& from = model.nodes[edge.node];
    std::vector<LoweredValue>& outputs = values_[edge.node];
    if (edge.output < 0 || edge.output >= static_cast<int>(outputs.size()) || !outputs[edge.output].tensor) {
      if (unknown_.count(edge.node)) throw NeedsContents{{kStandIn}};
      return NotSupported("output {} of {} is not computed", edge.output, Describe(from));
    }
    return &outputs[edge.output];
  }

  Memories::Seen SeenBefore(const ModelNode& node) const {
    Memories::Seen seen;
    for (const ModelEdge& edge : node.inputs) {
      if (edge.node >= 0) Memories::Merge(seen_[edge.node], &seen);
    }
    for (int from : node.control_inputs) Memories::Merge(seen_[from], &seen);
    return seen;
  }

  Status RunNode(const ModelGraph& model, int i) {
    const ModelNode& node = model.nodes[i];
    seen_[i] = SeenBefore(node);
    if (IsSink(node)) return OkStatus();
    if (IsData(node)) {
      BELAY_TRY(int index, DataIndex(node));
      if (index >= static_cast<int>(data_count_)) {
        return InvalidArgument("its index is {}, but there are {} inputs", index, data_count_);
      }
      values_[i] = {{memories_.At(index, 0), index}};
      if (!values_[i][0].tensor) StandIn(model, i);
      return OkStatus();
    }
    BELAY_TRY(std::optional<VariableDecl> variable, DeclaredVariable(node));
    if (!variable) return LowerNode(model, i);
    const int memory = variables_.at(variable->name);
    values_[i] = {{memories_.At(memory, 0), memory}};
    return OkStatus();
  }

  // What outputs and written arguments are when everything has run that an output or a target waits for.
  Result<LoweredSubgraph> Results(const ModelGraph& model) {
    Memories::Seen seen;
    for (const ModelEdge& edge : model.outputs) Memories::Merge(seen_[edge.node], &seen);
    for (int target : model.targets) Memories::Merge(seen_[target], &seen);
    for (size_t i = 0; i < model.nodes.size(); ++i) {
      if (IsSink(model.nodes[i])) Memories::Merge(seen_[i], &seen);
    }
    LoweredSubgraph result;
    for (const ModelEdge& edge : model.outputs) {
      BELAY_TRY(LoweredValue* value, Value(model, edge));
      result.outputs.push_back(ReadValue(memories_, *value, Memories::Find(seen, value->memory)).node());
      const bool argument = value->memory >= 0 && value->memory < static_cast<int>(data_count_ + variables_.size());
      result.same_as.push_back(argument ? value->memory : -1);
    }
    for (size_t k = 0; k < data_count_ + variables_.size(); ++k) {
      const int latest = memories_.Latest(static_cast<int>(k));
      result.written.push_back(latest ? memories_.At(static_cast<int>(k), latest).node() : nullptr);
    }
    return result;
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

  // The node may write the memory behind this input.
  static bool MayWrite(const ModelNode& node, const OpRecord& record, const ModelPort& port) {
    if (!node.subgraphs.empty() || FindOutput(*record.prototype, port.name) >= 0) return true;
    return std::find(record.writes.begin(), record.writes.end(), port.name) != record.writes.end();
  }

  // A writer reads what lies there now, everybody else what was written before.
  Result<std::vector<Tensor>> ReadInputs(const ModelGraph& model, const ModelNode& node, Memories::Seen* seen) {
    const OpRecord& record = *RecordOf(node);
    std::vector<Tensor> inputs(node.inputs.size());
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      if (node.inputs[k].node < 0) continue;
      BELAY_TRY(LoweredValue* value, Value(model, node.inputs[k]));
      inputs[k] = value->tensor;
      if (value->memory < 0) continue;
      if (MayWrite(node, record, node.input_ports[k])) memories_.SeeLatest(value->memory, seen);
      inputs[k] = ReadValue(memories_, *value, Memories::Find(*seen, value->memory));
    }
    return inputs;
  }

  Status LowerNode(const ModelGraph& model, int i) {
    const ModelNode& node = model.nodes[i];
    const OpRecord& record = *RecordOf(node);
    BELAY_TRY(std::vector<Tensor> inputs, ReadInputs(model, node, &seen_[i]));
    BELAY_RETURN_IF_ERROR(CheckInputs(node, *record.prototype, record, inputs));
    BELAY_TRY(std::set<std::string> inside, VariablesInside(node));
    const std::vector<std::string> names(inside.begin(), inside.end());
    std::vector<Tensor> captures;
    for (const std::string& name : names) {
      const int memory = variables_.at(name);
      memories_.SeeLatest(memory, &seen_[i]);
      captures.push_back(memories_.At(memory, memories_.Latest(memory)));
    }
    Graph& graph = builder_.graph();
    const int first_new = graph.size();
    Body body(builder_, node, *record.prototype, std::move(inputs), std::move(captures));
    const auto inside_of = [&](const ModelGraph& sub) {
      return fmt::format("{}: subgraph '{}': ", Where(node), sub.name);
    };
    body.lower_subgraph = [&](const ModelGraph& sub, const std::vector<TensorType>& types,
                              const std::vector<Tensor>& known) {
      return LowerSubgraph(sub, types, known, names, inside_of(sub));
    };
    body.inline_subgraph = [&](const ModelGraph& sub, const std::vector<Tensor>& arguments) {
      Lowerer inner(&builder_.graph(), &builder_.root(), report_, inside_of(sub));
      Result<LoweredSubgraph> lowered = inner.Run(sub, arguments, names);
      if (lowered.ok()) return *std::move(lowered);
      throw OpError{std::move(lowered).status().Context("subgraph '" + sub.name + "'")};
    };
    try {
      record.computes(body);
      BELAY_RETURN_IF_ERROR(TakeResults(model, i, names, &body));
    } catch (OpError& error) {
      return std::move(error.status);
    }
    const auto keep = node.attrs.find("_keep_dtype");
    const bool keeps = keep != node.attrs.end() && keep->second == AttrValue(int64_t{1});
    for (int id = first_new; id < graph.size(); ++id) {
      Node& made = *graph.nodes()[id];
      if (made.name.empty()) made.name = node.name;
      if (keeps && IsProduct(&made)) made.flags |= kKeepsOperands;
    }
    return OkStatus();
  }

  // Outputs, what was written, and which outputs are memory.
  Status TakeResults(const ModelGraph& model, int i, const std::vector<std::string>& captured, Body* body) {
    const ModelNode& node = model.nodes[i];
    std::vector<LoweredValue>& outputs = values_[i];
    for (Tensor& t : body->TakeOutputs()) outputs.push_back({t});
    std::vector<Tensor> writes = body->writes();
    std::vector<std::pair<int, int>> same = body->same_memory();  // output port, input port or capture
    for (size_t o = 0; o < node.output_ports.size(); ++o) {
      for (size_t k = 0; k < node.input_ports.size(); ++k) {
        const ModelPort &out = node.output_ports[o], &in = node.input_ports[k];
        if (out.name != in.name || out.instance != in.instance || !outputs[o].tensor || !body->inputs()[k]) continue;
        writes[k] = outputs[o].tensor;
        same.emplace_back(static_cast<int>(o), static_cast<int>(k));
      }
    }
    std::vector<int> memory(writes.size(), -1);
    for (size_t k = 0; k < writes.size(); ++k) {
      const bool is_input = k < node.inputs.size();
      if (!is_input) memory[k] = variables_.at(captured[k - node.inputs.size()]);
      if (is_input && node.inputs[k].node >= 0) {
        BELAY_TRY(LoweredValue* value, Value(model, node.inputs[k]));
        // From now on what was a mere value has readers before and after a write.
        if (writes[k] && value->memory < 0) value->memory = memories_.Add(value->tensor);
        memory[k] = value->memory;
      }
      if (!writes[k]) continue;
      const Shape shape = is_input ? body->inputs()[k].shape() : memories_.At(memory[k], 0).shape();
      const std::string what = is_input ? "input " + node.input_ports[k].name
                                        : "variable '" + captured[k - node.inputs.size()] + "'";
      seen_[i][memory[k]] = memories_.Write(memory[k], writes[k], shape, what);
    }
    if (RecordOf(node)->is_view && !outputs.empty()) same.emplace_back(0, 0);
    for (auto& [o, k] : same) {
      if (memory[k] < 0) continue;
      outputs[o].memory = memory[k];
      outputs[o].version = Memories::Find(seen_[i], memory[k]);
    }
    return OkStatus();
  }

  LoweredSubgraph LowerSubgraph(const ModelGraph& model, const std::vector<TensorType>& types,
                                const std::vector<Tensor>& known, const std::vector<std::string>& variables,
                                const std::string& where) {
    auto graph = std::make_shared<Graph>();
    Lowerer inner(graph.get(), &builder_.root(), report_, where);
    std::vector<Tensor> arguments;
    for (size_t i = 0; i < types.size(); ++i) {
      Node* input = graph->AddInput(static_cast<int>(i), types[i]);
      const Node* outer = i < known.size() && known[i] ? known[i].node() : nullptr;
      if (outer) input->contents = outer->contents;
      arguments.push_back(outer && outer->literal ? inner.builder_.Constant(outer->literal)
                                                  : inner.builder_.Wrap(input));
    }
    Result<LoweredSubgraph> lowered = inner.Run(model, arguments, variables);
    if (!lowered.ok()) throw OpError{std::move(lowered).status().Context("subgraph '" + model.name + "'")};
    graph->outputs = lowered->outputs;
    graph->output_names = model.output_names;
    lowered->graph = std::move(graph);
    return *std::move(lowered);
  }

  void RecordTypes(const ModelGraph& model) {
    for (size_t i = 0; report_.types && i < model.nodes.size(); ++i) {
      std::vector<TensorType>& types = (*report_.types)[&model.nodes[i]];
      types.clear();
      for (const LoweredValue& value : values_[i]) {
        types.push_back(value.tensor ? value.tensor.node()->type : TensorType{});
      }
    }
  }

  Builder builder_;
  const Report report_;
  const std::string where_;  // of the graph, for messages
  std::set<int> unknown_;    // nodes whose outputs are stand-ins, or nothing
  Memories memories_;
  size_t data_count_ = 0;
  std::map<std::string, int> variables_;  // their memories
  std::vector<std::vector<LoweredValue>> values_;
  std::vector<Memories::Seen> seen_;      // by node, once it has run
};

ElementTypePtr ElementOf(const ModelNode& data) {
  auto it = data.attrs.find("element");
  const auto* numbers = it == data.attrs.end() ? nullptr : std::get_if<std::vector<int64_t>>(&it->second);
  return numbers ? DecodeElement(*numbers) : nullptr;
}

// Elements that share bytes are so only in users' memory.
bool IsPacked(DType dtype) { return IsNarrow(dtype) && BitWidth(dtype) < 8; }

Tensor AddArgument(Builder& b, int index, const TensorType& type, const std::string& name) {
  if (IsRunValue(type.dtype)) {
    SymbolInfo size{name + ".bytes", index, SymbolInfo::kBytes};
    const TensorType bytes{DType::kU8, {Dim::Symbol(static_cast<int>(b.graph().symbols.size()))}};
    b.graph().symbols.push_back(std::move(size));
    const char* read = type.dtype == DType::kString ? "text_read" : "sequence_read";
    return Call(read, {b.Wrap(b.graph().AddInput(index, bytes, name))}, {type}, {})[0];
  }
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

// written: by input; nullptr where it stays as it is.
void AddStores(Builder& b, const std::vector<Node*>& written) {
  for (size_t k = 0; k < written.size(); ++k) {
    const Node* input = b.graph().inputs[k];
    if (!written[k] || written[k] == input) continue;
    Tensor value = b.Wrap(written[k]);
    if (IsPacked(value.dtype())) value = Pack(value);
    b.graph().stores.push_back({static_cast<int>(k), Reshape(value, input->shape()).node()});
  }
}

void AddResults(Builder& b, std::vector<TensorType>* types) {
  for (Node*& output : b.graph().outputs) {
    types->push_back(output->type);
    if (IsPacked(output->type.dtype)) output = Pack(b.Wrap(output)).node();
    if (IsRunValue(output->type.dtype)) {
      std::vector<int> binds;
      const Dim size = b.NewBound("bytes", &binds);
      const char* write = output->type.dtype == DType::kString ? "text_write" : "sequence_write";
      output = Call(write, {b.Wrap(output)}, {{DType::kU8, {size}}}, {}, binds)[0].node();
    }
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

namespace {

using Report = Lowerer::Report;

// The argument of input `i`; an empty one where a call must tell its rank first.
Result<Tensor> AddDataInput(const ModelNode& input, int i, const LowerOptions& options, Builder& b, Lowered* lowered) {
  const ModelDesc& desc = input.output_descs.empty() ? ModelDesc{} : input.output_descs[0];
  const bool called = i < static_cast<int>(options.input_dims.size());
  TensorType type{desc.dtype, {}};
  std::vector<int64_t> dims = desc.dims;
  if (desc.dtype == DType::kUndefined) return InvalidArgument("{} declares no data type", Describe(input));
  if (desc.dtype == DType::kResource) {
    type.element = ElementOf(input);
    dims.clear();
  }
  if (dims == std::vector<int64_t>{-2}) {
    if (!called) return Tensor();
    dims.assign(options.input_dims[i].size(), -1);
  }
  Graph& graph = b.graph();
  for (size_t d = 0; d < dims.size(); ++d) {
    if (dims[d] >= 0) {
      type.shape.push_back(dims[d]);
      continue;
    }
    SymbolInfo symbol{fmt::format("{}.{}", input.name, d), i, static_cast<int>(d)};
    if (called && d < options.input_dims[i].size()) symbol.hint = options.input_dims[i][d];
    type.shape.push_back(Dim::Symbol(static_cast<int>(graph.symbols.size())));
    graph.symbols.push_back(symbol);
  }
  lowered->inputs.push_back(type);
  Tensor argument = AddArgument(b, i, type, input.name);
  auto contents = options.input_contents.find(i);
  if (contents == options.input_contents.end()) return argument;
  if (!options.readable_inputs.count(i) || !FewCounts(*contents->second) || !IsStatic(type.shape)) {
    return b.Constant(contents->second);
  }
  argument.node()->contents = ContentSymbols(input.name, i, *contents->second, &graph);
  lowered->symbolic_inputs.insert(i);
  return argument;
}

// Contents of variables and of what is no tensor of numbers are known to no call.
Status KnownToCalls(const NeedsContents& needs, const std::vector<const ModelNode*>& inputs, const Graph& graph) {
  for (int i : needs.graph_inputs) {
    if (i >= static_cast<int>(inputs.size())) {
      return NotSupported("the contents of variable '{}' decide a shape or an attribute", graph.inputs[i]->name);
    }
    if (!IsRunValue(inputs[i]->output_descs[0].dtype)) continue;
    return NotSupported("the contents of input '{}', which is no tensor of numbers, decide the graph's structure",
                        inputs[i]->name);
  }
  return OkStatus();
}

Result<Lowered> LowerModel(const ModelGraph& model, const LowerOptions& options, Problems* problems) {
  BELAY_TRY(std::vector<const ModelNode*> inputs, ModelInputs(model));
  BELAY_TRY(std::vector<VariableDecl> variables, CollectVariables(model));
  Lowered lowered;
  auto graph = std::make_unique<Graph>();
  const bool defer = options.problems != nullptr;
  Lowerer lowerer(graph.get(), graph.get(),
                  {problems, defer, [&](const NeedsContents& needs) { return KnownToCalls(needs, inputs, *graph); },
                   options.types});
  std::vector<Tensor> arguments;
  for (size_t i = 0; i < inputs.size(); ++i) {
    BELAY_TRY(Tensor argument, AddDataInput(*inputs[i], static_cast<int>(i), options, lowerer.builder(), &lowered));
    lowered.needs_extents = lowered.needs_extents || !argument;
    if (!argument && defer) problems->deferred.push_back(Describe(*inputs[i]));
    arguments.push_back(argument);
  }
  if (lowered.needs_extents && !defer) return lowered;
  for (const VariableDecl& v : variables) {
    const int index = static_cast<int>(arguments.size());
    lowered.inputs.push_back({v.dtype, Shape(v.dims.begin(), v.dims.end())});
    arguments.push_back(AddArgument(lowerer.builder(), index, lowered.inputs.back(), v.name));
    graph->variables.push_back(v.name);
  }
  try {
    BELAY_TRY(LoweredSubgraph result, lowerer.Run(model, arguments, graph->variables));
    if (!problems->empty() || !problems->deferred.empty()) return lowered;
    graph->outputs = result.outputs;
    graph->output_names = model.output_names;
    AddStores(lowerer.builder(), result.written);
  } catch (NeedsContents& needs) {
    lowered.needs_contents = needs.graph_inputs;
    return lowered;
  } catch (NeedsExtents&) {
    lowered.needs_extents = true;
    return lowered;
  }
  if (graph->outputs.empty() && graph->stores.empty() && !model.may_be_empty) {
    return InvalidArgument("the graph has no outputs");
  }
  AddResults(lowerer.builder(), &lowered.outputs);
  LowerToStorage(graph.get());
  BELAY_RETURN_IF_ERROR(CheckDtypes(*graph));
  lowered.graph = std::move(graph);
  return lowered;
}

}  // namespace

Result<Lowered> Lower(const ModelGraph& model, const LowerOptions& options) {
  Problems own;
  Problems* problems = options.problems ? options.problems : &own;
  CollectUnknown(model, "", problems);
  Result<Lowered> lowered = LowerModel(model, options, problems);
  if (!lowered.ok()) problems->Add({"", "", "", lowered.status().message(), lowered.status().code()});
  if (!problems->empty()) return problems->ToStatus();
  return lowered;
}

}  // namespace belay
