// Graphs to and from ge.proto: SaveToFile, LoadFromSerializedModelArray and their kin.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <unordered_map>

#include "api/graph/ge_proto.h"
#include "api/graph/graph_impl.h"
#include "api/graph/operator_factory_impl.h"
#include "base/error_report.h"
#include "base/log.h"
#include "graph/graph_buffer.h"

namespace ge {

using belay::InvalidArgument;
using belay::OkStatus;
using belay::Result;
using belay::Status;

class Buffer {
 public:
  std::string bytes;
};

GraphBuffer::GraphBuffer() : buffer_(std::make_shared<Buffer>()) {}
GraphBuffer::~GraphBuffer() = default;
const std::uint8_t* GraphBuffer::GetData() const {
  return reinterpret_cast<const std::uint8_t*>(buffer_->bytes.data());
}
std::size_t GraphBuffer::GetSize() const { return buffer_->bytes.size(); }

namespace {

constexpr int kMaxDepth = 64;  // subgraphs in subgraphs

graphStatus Report(const Status& status, const char* call) {
  if (status.ok()) return GRAPH_SUCCESS;
  belay::ReportError({"EU0001", status.message(), call, belay::CodeName(status.code()), ""});
  BELAY_LOG(Error, "{}: {}", call, status.message());
  return GRAPH_FAILED;
}

// --- Writing ---------------------------------------------------------------------------------

class Writer {
 public:
  ModelProto Write(const GraphImpl& root) {
    ModelProto model;
    model.name = root.name;
    model.rest = root.model_rest;
    Add(root, root.name, &model);
    return model;
  }

 private:
  static std::string Source(const NodeImpl* node, int port) {
    return node->desc->name + ":" + std::to_string(port);
  }

  // No type: nobody said what the tensor is.
  static DescProto Describe(const Port& port) {
    DescProto proto = {port.name, port.desc, port.rest};
    if (!port.desc_set) proto.desc.SetDataType(DT_UNDEFINED);
    return proto;
  }

  void Add(const GraphImpl& graph, const std::string& name, ModelProto* model) {
    names_.insert(name);
    const size_t index = model->graphs.size();
    model->graphs.emplace_back();
    GraphProto proto;
    proto.name = name;
    proto.rest = graph.rest;
    for (const NodeImpl* node : graph.inputs) {
      if (node->desc->type == "Data") proto.inputs.push_back(Source(node, 0));
    }
    for (const auto& [node, port] : graph.outputs) proto.outputs.push_back(Source(node, port));
    for (const auto& node : graph.nodes) proto.ops.push_back(Convert(*node, model));
    if (graph.has_end && graph.outputs.empty()) {
      proto.ops.emplace_back();
      proto.ops.back().name = proto.ops.back().type = "NetOutput";
    }
    model->graphs[index] = std::move(proto);
  }

  OpProto Convert(const NodeImpl& node, ModelProto* model) {
    const OpDesc& desc = *node.desc;
    OpProto op;
    op.name = desc.name;
    op.type = desc.type;
    op.rest = desc.rest;
    for (const auto& [name, data] : desc.attrs) op.attrs.emplace_back(name, data);
    for (const PortPtr& port : desc.inputs.instances) {
      const NodeImpl::Edge* edge = node.FindEdge(port.get());
      // Trailing and middle gaps both need their empty entry: entries match descriptions by position.
      op.inputs.push_back(
          edge == nullptr ? "" : Source(edge->from, edge->from->desc->outputs.Find(edge->port->name)));
      op.input_descs.push_back(Describe(*port));
    }
    for (const NodeImpl* control : node.control_inputs) op.inputs.push_back(Source(control, -1));
    for (const PortPtr& port : desc.outputs.instances) {
      op.output_descs.push_back(Describe(*port));
    }
    for (const auto& [ir_name, graphs] : node.subgraphs) {
      for (const GraphPtr& graph : graphs) {
        const GraphImplPtr& inner = GraphUtils::Impl(*graph);
        if (inner == nullptr) continue;
        std::string name = inner->name;
        for (int i = 1; names_.count(name) != 0; ++i) name = inner->name + "_" + std::to_string(i);
        op.subgraph_names.push_back(name);
        Add(*inner, name, model);
      }
    }
    return op;
  }

  std::set<std::string> names_;
};

// --- Reading ---------------------------------------------------------------------------------

// "src:1" in its parts; the port is -1 for control.
Status ParseSource(const std::string& text, std::string* node, int* port) {
  const size_t colon = text.rfind(':');
  const std::string number = colon == std::string::npos ? "" : text.substr(colon + 1);
  const size_t digits = !number.empty() && number[0] == '-' ? 1 : 0;
  if (number.size() == digits || number.size() > digits + 9 ||
      number.find_first_not_of("0123456789", digits) != std::string::npos) {
    return InvalidArgument("input '{}' is not of the form NODE:PORT", text);
  }
  *node = text.substr(0, colon);
  *port = std::stoi(number);
  return OkStatus();
}

// The dynamic port and instance that "x12" names; null when there is none.
const IrPort* DynamicPort(const Ports& ports, const std::string& name, int* instance) {
  const size_t digits = name.find_last_not_of("0123456789") + 1;
  if (digits == name.size() || name.size() - digits > 6) return nullptr;
  for (const IrPort& port : ports.declared) {
    // The digits may belong to the port's own name: "x1" of which "x10" is instance 0.
    if (port.kind != belay::PortKind::kDynamic || port.name.size() < digits ||
        port.name.size() >= name.size() || name.compare(0, port.name.size(), port.name) != 0) {
      continue;
    }
    *instance = std::stoi(name.substr(port.name.size()));
    return &port;
  }
  return nullptr;
}

// Makes the instances that `count` entries need and says which is which. Names decide where all are
// known and distinct; else the entries stand in the order of the declarations, the first dynamic port
// taking what the others leave.
Result<std::vector<Port*>> Match(Ports* ports, const std::vector<DescProto>& descs, size_t count) {
  std::vector<std::string> names;
  std::map<std::string, int> instances;
  std::set<std::string> distinct;
  bool all_known = descs.size() >= count;
  for (size_t i = 0; i < count && all_known; ++i) {
    int instance = 0;
    const std::string& name = descs[i].name;
    if (const IrPort* port = DynamicPort(*ports, name, &instance)) {
      ++instances[port->name];
    } else {
      all_known = !name.empty() && ports->Find(name) >= 0;
    }
    all_known = all_known && distinct.insert(name).second;
    names.push_back(name);
  }
  if (all_known) {
    for (const auto& [name, number] : instances) ports->AddInstances(name, number);
  } else {
    names.clear();
    const auto dynamic = std::find_if(ports->declared.begin(), ports->declared.end(), [](const IrPort& p) {
      return p.kind == belay::PortKind::kDynamic;
    });
    const size_t others = ports->instances.size();
    if (dynamic != ports->declared.end() && count > others) {
      ports->AddInstances(dynamic->name, static_cast<uint32_t>(count - others));
    }
    for (size_t i = ports->instances.size(); i < count; ++i) {
      // More than the table has, or a type it does not have: the ports are what the file says.
      const bool named = i < descs.size() && !descs[i].name.empty() && ports->Find(descs[i].name) < 0;
      ports->instances.push_back(std::make_shared<Port>());
      Port& port = *ports->instances.back();
      port.name = port.ir_name = named ? descs[i].name : "__" + std::to_string(i);
    }
    for (size_t i = 0; i < count; ++i) names.push_back(ports->instances[i]->name);
  }
  std::vector<Port*> matched;
  for (const std::string& name : names) {
    Port* port = ports->Get(name);
    if (port == nullptr) return InvalidArgument("instance '{}' without those before it", name);
    matched.push_back(port);
  }
  return matched;
}

// Files write types and numbers for each other; the declaration says which is meant.
AttrData AsDeclared(const OpDesc& op, const std::string& name, AttrData data) {
  for (const IrAttr& attr : op.ir_attrs) {
    if (attr.name != name) continue;
    if (attr.type == "Type" && std::holds_alternative<int64_t>(data)) {
      return static_cast<DataType>(std::get<int64_t>(data));
    }
    if (attr.type == "Int" && std::holds_alternative<DataType>(data)) {
      return static_cast<int64_t>(std::get<DataType>(data));
    }
    if (const auto* ints = std::get_if<std::vector<int64_t>>(&data)) {
      if (ints->empty() && attr.type.rfind("List", 0) == 0) return ParseAttrDefault(attr.type, "");
      if (attr.type == "ListType") {
        std::vector<DataType> types;
        for (int64_t number : *ints) types.push_back(static_cast<DataType>(number));
        return types;
      }
    }
  }
  return data;
}

class Loader {
 public:
  explicit Loader(const ModelProto& model) : model_(model) {
    for (const GraphProto& graph : model.graphs) by_name_.emplace(graph.name, &graph);
  }

  Status Load(const GraphProto& proto, int depth, GraphImpl* graph) {
    if (depth > kMaxDepth) return InvalidArgument("subgraphs are nested more than {} deep", kMaxDepth);
    graph->name = proto.name;
    graph->rest = proto.rest;
    graph->valid = true;
    std::unordered_map<std::string, Made> made;
    std::vector<Made*> order;
    for (const OpProto& op : proto.ops) {
      auto [it, fresh] = made.emplace(op.name, Made());
      if (!fresh) return InvalidArgument("two nodes are named '{}'", op.name);
      BELAY_RETURN_IF_ERROR(
          Make(op, depth, graph, &it->second).Context(fmt::format("node '{}' ({})", op.name, op.type)));
      order.push_back(&it->second);
    }
    for (size_t i = 0; i < order.size(); ++i) {
      const OpProto& op = proto.ops[i];
      BELAY_RETURN_IF_ERROR(
          Link(op, made, order[i]).Context(fmt::format("node '{}' ({})", op.name, op.type)));
    }
    for (const std::string& input : proto.inputs) {
      auto it = made.find(input.substr(0, input.rfind(':')));
      if (it != made.end()) graph->inputs.push_back(it->second.node);
    }
    return SetOutputs(proto, made, graph);
  }

 private:
  struct Made {
    NodeImpl* node = nullptr;
    std::vector<Port*> inputs, outputs;  // by the position of the file's entries
  };
  using MadeMap = std::unordered_map<std::string, Made>;

  static size_t DataInputs(const OpProto& op) {
    return std::count_if(op.inputs.begin(), op.inputs.end(), [](const std::string& input) {
      return input.size() < 3 || input.compare(input.size() - 3, 3, ":-1") != 0;
    });
  }

  static void Describe(const std::vector<DescProto>& descs, const std::vector<Port*>& ports) {
    for (size_t i = 0; i < descs.size() && i < ports.size(); ++i) {
      ports[i]->desc = descs[i].desc;
      ports[i]->desc_set = descs[i].desc.GetDataType() != DT_UNDEFINED;
      ports[i]->rest = descs[i].rest;
    }
  }

  Status Make(const OpProto& op, int depth, GraphImpl* graph, Made* made) {
    auto desc = std::make_shared<OpDesc>();
    desc->name = op.name;
    desc->type = op.type;
    desc->rest = op.rest;
    DeclareType(desc.get());
    for (const std::string& name : op.unreadable_attrs) {
      BELAY_LOG(Warning, "node '{}': attribute '{}' is of a kind no operator has: only kept", op.name, name);
    }
    for (const auto& [name, data] : op.attrs) desc->attrs[name] = AsDeclared(*desc, name, data);
    BELAY_TRY(made->inputs, Match(&desc->inputs, op.input_descs, DataInputs(op)));
    BELAY_TRY(made->outputs, Match(&desc->outputs, op.output_descs, op.output_descs.size()));
    Describe(op.input_descs, made->inputs);
    Describe(op.output_descs, made->outputs);
    if (made->outputs.empty()) {
      for (const PortPtr& port : desc->outputs.instances) made->outputs.push_back(port.get());
    }
    std::vector<Subgraphs> declared = std::move(desc->subgraphs);
    desc->subgraphs.clear();  // no builders to ask: the graphs are here
    made->node = graph->Add(desc);
    return AddSubgraphs(op, declared, depth, made->node);
  }

  // Declared subgraphs in order; a dynamic one takes all that are left.
  Status AddSubgraphs(const OpProto& op, const std::vector<Subgraphs>& declared, int depth, NodeImpl* node) {
    size_t ir = 0;
    for (const std::string& name : op.subgraph_names) {
      auto it = by_name_.find(name);
      if (it == by_name_.end()) return InvalidArgument("the model has no subgraph '{}'", name);
      if (!used_.insert(name).second) return InvalidArgument("subgraph '{}' is called twice", name);
      GraphPtr graph = std::make_shared<Graph>(name.c_str());
      BELAY_RETURN_IF_ERROR(Load(*it->second, depth + 1, GraphUtils::Impl(*graph).get())
                                .Context(fmt::format("subgraph '{}'", name)));
      const std::string ir_name = ir < declared.size() ? declared[ir].ir_name : "subgraph";
      if (node->subgraphs.empty() || node->subgraphs.back().first != ir_name) {
        node->subgraphs.emplace_back(ir_name, std::vector<GraphPtr>());
      }
      node->subgraphs.back().second.push_back(std::move(graph));
      if (ir < declared.size() && !declared[ir].dynamic) ++ir;
    }
    return OkStatus();
  }

  static Result<std::pair<NodeImpl*, Port*>> Resolve(const MadeMap& made, const std::string& text) {
    std::string name;
    int number = 0;
    BELAY_RETURN_IF_ERROR(ParseSource(text, &name, &number));
    auto it = made.find(name);
    if (it == made.end()) return InvalidArgument("'{}' names no node", text);
    const std::vector<Port*>& outputs = it->second.outputs;
    if (number == -1) return std::pair<NodeImpl*, Port*>(it->second.node, nullptr);
    if (number < 0 || static_cast<size_t>(number) >= outputs.size()) {
      return InvalidArgument("'{}': the node has {} outputs", text, outputs.size());
    }
    return std::pair<NodeImpl*, Port*>(it->second.node, outputs[number]);
  }

  static Status Link(const OpProto& op, const MadeMap& made, Made* to) {
    size_t position = 0;
    for (const std::string& input : op.inputs) {
      if (input.empty()) {
        ++position;
        continue;
      }
      BELAY_TRY(auto source, Resolve(made, input));
      if (source.second == nullptr) {
        to->node->control_inputs.push_back(source.first);
      } else {
        to->node->inputs.push_back({to->inputs[position++], source.first, source.second});
      }
    }
    return OkStatus();
  }

  // From the list of the graph, or else from the inputs of NetOutput, which then has done its work.
  static Status SetOutputs(const GraphProto& proto, const MadeMap& made, GraphImpl* graph) {
    NodeImpl* end = nullptr;
    for (const auto& node : graph->nodes) {
      if (node->desc->type == "NetOutput") end = node.get();
    }
    auto add = [graph](NodeImpl* node, const Port* port) {
      graph->outputs.emplace_back(node, node->desc->outputs.Find(port->name));
    };
    for (const std::string& output : proto.outputs) {
      BELAY_TRY(auto source, Resolve(made, output));
      if (source.first != end && source.second != nullptr) add(source.first, source.second);
    }
    if (end == nullptr) return OkStatus();
    if (graph->outputs.empty()) {
      for (const NodeImpl::Edge& edge : end->inputs) add(edge.from, edge.port);
    }
    graph->Remove(end);
    graph->has_end = true;
    return OkStatus();
  }

  const ModelProto& model_;
  std::map<std::string, const GraphProto*> by_name_;
  std::set<std::string> used_;  // each has one caller, so loading ends
};

Result<std::string> Serialize(const GraphImplPtr& impl) try {
  if (impl == nullptr || !impl->valid) return belay::FailedPrecondition("the graph has no nodes");
  return SerializeModel(Writer().Write(*impl));
} catch (const std::bad_alloc&) {
  return belay::OutOfMemory("serialising a graph");
} catch (const std::exception& e) {
  return belay::FailedPrecondition("serialising a graph: {}", e.what());
}

Status Replace(GraphImplPtr* impl, std::string_view bytes) try {
  BELAY_TRY(ModelProto model, ParseModel(bytes));
  auto loaded = std::make_shared<GraphImpl>();
  BELAY_RETURN_IF_ERROR(Loader(model).Load(model.graphs[0], 0, loaded.get()));
  if (*impl == nullptr) *impl = std::make_shared<GraphImpl>();
  (*impl)->Clear();
  (*impl)->name = loaded->name;
  (*impl)->valid = true;
  (*impl)->has_end = loaded->has_end;
  (*impl)->rest = std::move(loaded->rest);
  (*impl)->model_rest = std::move(model.rest);
  (*impl)->nodes = std::move(loaded->nodes);
  (*impl)->inputs = std::move(loaded->inputs);
  (*impl)->outputs = std::move(loaded->outputs);
  for (const auto& node : (*impl)->nodes) node->graph = impl->get();
  for (auto& node : loaded->removed) (*impl)->removed.push_back(std::move(node));
  return OkStatus();
} catch (const std::bad_alloc&) {
  return belay::OutOfMemory("reading a serialised graph of {} bytes", bytes.size());
} catch (const std::exception& e) {
  return belay::Internal("reading a serialised graph of {} bytes: {}", bytes.size(), e.what());
}

}  // namespace

graphStatus Graph::SaveToFile(const char* file_name) const {
  if (file_name == nullptr) return GRAPH_FAILED;
  auto bytes = Serialize(impl_);
  if (!bytes.ok()) return Report(bytes.status(), "Graph::SaveToFile");
  std::ofstream file(file_name, std::ios::binary | std::ios::trunc);
  file.write((*bytes).data(), static_cast<std::streamsize>((*bytes).size()));
  file.close();
  if (file.good()) return GRAPH_SUCCESS;
  return Report(InvalidArgument("'{}' cannot be written", file_name), "Graph::SaveToFile");
}

graphStatus Graph::LoadFromFile(const char* file_name) {
  if (file_name == nullptr) return GRAPH_FAILED;
  std::ifstream file(file_name, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.good() && !file.eof()) {
    return Report(InvalidArgument("'{}' cannot be read", file_name), "Graph::LoadFromFile");
  }
  return Report(Replace(&impl_, bytes), "Graph::LoadFromFile");
}

graphStatus Graph::LoadFromSerializedModelArray(const void* serialized_model, size_t size) {
  if (serialized_model == nullptr || size == 0) return GRAPH_FAILED;
  return Report(Replace(&impl_, {static_cast<const char*>(serialized_model), size}),
                "Graph::LoadFromSerializedModelArray");
}

graphStatus Graph::SaveToMem(GraphBuffer& graph_buffer) const {
  auto bytes = Serialize(impl_);
  if (!bytes.ok()) return Report(bytes.status(), "Graph::SaveToMem");
  graph_buffer.buffer_->bytes = *std::move(bytes);
  return GRAPH_SUCCESS;
}

graphStatus Graph::LoadFromMem(const GraphBuffer& graph_buffer) {
  return LoadFromMem(graph_buffer.GetData(), graph_buffer.GetSize());
}
graphStatus Graph::LoadFromMem(const uint8_t* data, const size_t len) {
  if (data == nullptr || len == 0) return GRAPH_FAILED;
  return Report(Replace(&impl_, {reinterpret_cast<const char*>(data), len}), "Graph::LoadFromMem");
}

}  // namespace ge
