#include "import/onnx/graph_importer.h"

#include <algorithm>

#include "import/onnx/node.h"

namespace belay::onnx {
namespace {

template <typename T>
T OrThrow(Result<T> result) {
  if (!result.ok()) throw OpError{std::move(result).status()};
  return *std::move(result);
}

[[noreturn]] void Throw(Status status) { throw OpError{std::move(status)}; }

bool IsTaken(TypeProto::Kind kind) {
  return kind == TypeProto::Kind::kTensor || kind == TypeProto::Kind::kSequence || kind == TypeProto::Kind::kOptional;
}

const char* KindName(TypeProto::Kind kind) {
  switch (kind) {
    case TypeProto::Kind::kMap: return "a map";
    case TypeProto::Kind::kSparse: return "a sparse tensor";
    case TypeProto::Kind::kOpaque: return "an opaque type";
    default: return "no tensor";
  }
}

// The caller's extents, which may only fill what the model leaves open.
ValueType WithGivenShape(const std::string& name, ValueType type,
                         const std::vector<int64_t>& given) {
  if (type.ranked && type.dims.size() != given.size()) {
    Throw(InvalidArgument("input '{}': the given shape has rank {}, but the model says {}", name,
                          given.size(), type.dims.size()));
  }
  for (size_t i = 0; i < type.dims.size(); ++i) {
    if (type.dims[i] >= 0 && given[i] >= 0 && type.dims[i] != given[i]) {
      Throw(InvalidArgument("input '{}': extent {} is given as {}, but the model fixes it at {}",
                            name, i, given[i], type.dims[i]));
    }
  }
  std::vector<int64_t> dims = given;
  for (size_t i = 0; i < type.dims.size(); ++i) dims[i] = given[i] < 0 ? type.dims[i] : given[i];
  return ValueType::Of(type.dtype, std::move(dims));
}

}  // namespace

std::string DisplayName(const Node& node) {
  if (!node.name.empty()) return node.name;
  for (const std::string& name : node.outputs) {
    if (!name.empty()) return name;
  }
  return node.op;
}

std::string RuleKey(const Node& node) {
  return node.domain.empty() ? node.op : node.domain + "::" + node.op;
}

std::string NodeText(const Node& node) { return fmt::format("ONNX node {} ({})", DisplayName(node), node.op); }

int OpsetOf(const ImportContext& ctx, const Node& node) {
  const Opsets& opsets = node.opsets ? *node.opsets : ctx.model.opsets;
  auto it = opsets.find(node.domain);
  if (it == opsets.end()) {
    Throw(InvalidArgument("the model imports no opset of domain '{}'", node.domain.empty() ? "ai.onnx" : node.domain));
  }
  return static_cast<int>(std::clamp<int64_t>(it->second, 0, 1 << 20));
}

GraphImporter::GraphImporter(const ImportContext& ctx, GraphImporter* outer)
    : ctx_(ctx), outer_(outer), graph_(std::make_shared<ModelGraph>()) {}

void GraphImporter::Run(const Graph& graph, const std::vector<ValueType>& argument_types) {
  source_ = &graph;
  graph_->name = graph.name;
  for (const ValueInfo& v : graph.value_infos) declared_[v.name] = FromProto(v.type);
  for (const ValueInfo& v : graph.outputs) declared_[v.name] = FromProto(v.type);
  AddInitializers(graph);
  AddInputs(graph, argument_types);
  for (const Node& node : graph.nodes) ImportNode(this, node);
  if (!outer_ && !ctx_.options.out_nodes.empty()) {
    AddNamedOutputs(graph);
  } else {
    AddOutputs(graph);
  }
}

void GraphImporter::AddInitializers(const Graph& graph) {
  const std::set<std::string>& fed = ctx_.options.fed_initializers;
  for (const TensorProto& t : graph.initializers) {
    if (outer_ || !fed.count(t.name)) initializers_[t.name] = &t;
  }
  for (const SparseTensorProto& t : graph.sparse_initializers) {
    if (outer_ || !fed.count(t.values.name)) sparse_initializers_[t.values.name] = &t;
  }
}

void GraphImporter::AddInputs(const Graph& graph, const std::vector<ValueType>& argument_types) {
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const ValueInfo& input = graph.inputs[i];
    try {
      AddInput(input, i < argument_types.size() ? argument_types[i] : ValueType(), outer_ == nullptr);
    } catch (OpError& e) {
      if (outer_) throw;
      ctx_.problems->Add({"", "", "", e.status.message(), e.status.code()});
      AddStandIn(input.name, "input", {input.name}, {ValueType()});
    }
  }
}

void GraphImporter::AddInput(const ValueInfo& input, const ValueType& argument, bool top) {
  // An initializer of the same name is this input's default value; nobody feeds it.
  if (top && (initializers_.count(input.name) || sparse_initializers_.count(input.name))) return;
  ValueType type = Merge(FromProto(input.type), argument);
  const TypeProto::Kind kind = input.type.kind;
  if (!IsTaken(kind) && (top || kind != TypeProto::Kind::kNone))
    Throw(NotSupported("input '{}' is {}", input.name, KindName(kind)));
  if (top && type.dtype == DType::kUndefined) {
    Throw(InvalidArgument("input '{}' has element type {}, which is unknown", input.name,
                          input.type.elem_type));
  }
  auto given = ctx_.options.input_shapes.find(input.name);
  if (top && given != ctx_.options.input_shapes.end())
    type = WithGivenShape(input.name, type, given->second);
  if (values_.count(input.name)) Throw(InvalidArgument("two inputs are named '{}'", input.name));
  const int node = AddData(input.name, formal_inputs_++, type);
  values_[input.name] = {{node, 0}, type};
}

int GraphImporter::AddData(const std::string& name, int index, const ValueType& type) {
  ModelNode node;
  node.name = name;
  node.type = "Data";
  node.output_ports = {{"y", 0}};
  ModelDesc desc;
  desc.dtype = type.dtype;
  if (type.ranked) desc.dims = type.dims;
  node.output_descs = {desc};
  node.attrs["index"] = int64_t{index};
  if (ElementTypePtr element = ElementOf(type)) node.attrs["element"] = EncodeElement(element);
  return AddNode(std::move(node));
}

void GraphImporter::AddOutputs(const Graph& graph) {
  for (const ValueInfo& v : graph.outputs) {
    const TypeProto::Kind kind = v.type.kind;
    if (!outer_ && !IsTaken(kind) && kind != TypeProto::Kind::kNone) {
      Throw(NotSupported("output '{}' is {}", v.name, KindName(kind)));
    }
    try {
      graph_->outputs.push_back(Value(v.name));
    } catch (OpError& e) {
      if (outer_) throw;
      ctx_.problems->Add({"", "", "", e.status.message(), e.status.code()});
      continue;
    }
    graph_->output_names.push_back(v.name);
    output_types_.push_back(Type(v.name));
  }
}

void GraphImporter::AddNamedOutputs(const Graph& graph) {
  for (const auto& [name, number] : ctx_.options.out_nodes) {
    auto it = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                           [&name = name](const Node& n) { return n.name == name; });
    if (it == graph.nodes.end()) Throw(NotFound("output node '{}' is not in the model", name));
    if (number < 0 || number >= static_cast<int>(it->outputs.size())) {
      Throw(InvalidArgument("output node '{}' has {} outputs; number {} is asked for", name,
                            it->outputs.size(), number));
    }
    graph_->outputs.push_back(Value(it->outputs[number]));
    graph_->output_names.push_back(it->outputs[number]);
  }
}

bool GraphImporter::Knows(const std::string& name) {
  return values_.count(name) || Constant(name) || (outer_ && outer_->Knows(name));
}

ModelEdge GraphImporter::Value(const std::string& name) {
  auto it = values_.find(name);
  if (it != values_.end()) return it->second.edge;
  if (LiteralPtr value = Constant(name)) {
    const ModelEdge edge = AddConst(name, value);
    values_[name] = {edge, ValueType::Of(value->dtype, value->dims)};
    return edge;
  }
  if (outer_ && outer_->Knows(name)) {
    ValueType type = outer_->Type(name);
    const int node = AddData(name, formal_inputs_ + static_cast<int>(captures_.size()), type);
    captures_.push_back(name);
    values_[name] = {{node, 0}, type, outer_->IsAssumed(name)};
    return {node, 0};
  }
  auto missing = missing_.find(name);
  if (missing != missing_.end()) Throw(NotSupported("{}", missing->second));
  Throw(InvalidArgument("{}", WhyNoValue(name)));
}

std::string GraphImporter::WhyNoValue(const std::string& name) const {
  for (const GraphImporter* scope = this; scope; scope = scope->outer_) {
    for (const Node& node : scope->source_->nodes) {
      if (std::find(node.outputs.begin(), node.outputs.end(), name) == node.outputs.end()) continue;
      return fmt::format("value '{}' is made by {}, which stands behind its use: a cycle, or nodes out of order", name,
                         NodeText(node));
    }
  }
  return fmt::format("value '{}' is made by no node before its use", name);
}

// An outer scope's constant is this scope's too: the literal is shared, and rules see a number.
LiteralPtr GraphImporter::Constant(const std::string& name) {
  auto it = constants_.find(name);
  if (it != constants_.end()) return it->second;
  auto dense = initializers_.find(name);
  auto sparse = sparse_initializers_.find(name);
  LiteralPtr value;
  if (dense != initializers_.end()) {
    value = OrThrow(ToLiteral(*dense->second, ctx_.files));
  } else if (sparse != sparse_initializers_.end()) {
    value = OrThrow(ToLiteral(*sparse->second, ctx_.files));
  } else if (outer_ && !values_.count(name)) {
    return outer_->Constant(name);
  } else {
    return nullptr;
  }
  constants_[name] = value;
  return value;
}

LiteralPtr GraphImporter::ConstantAt(ModelEdge edge) const {
  if (edge.node < 0) return nullptr;
  const ModelNode& node = graph_->nodes[edge.node];
  if (node.type != "Const") return nullptr;
  auto it = node.attrs.find("value");
  const LiteralPtr* value = it == node.attrs.end() ? nullptr : std::get_if<LiteralPtr>(&it->second);
  return value ? *value : nullptr;
}

ValueType GraphImporter::Declared(const std::string& name) const {
  auto it = declared_.find(name);
  return it == declared_.end() ? ValueType() : it->second;
}

ValueType GraphImporter::Type(const std::string& name) {
  auto it = values_.find(name);
  if (it != values_.end()) return it->second.type;
  if (LiteralPtr value = Constant(name)) return ValueType::Of(value->dtype, value->dims);
  return outer_ ? outer_->Type(name) : ValueType();
}

void GraphImporter::SetValue(const std::string& name, ModelEdge edge, const ValueType& type, bool assumed) {
  if (values_.count(name)) Throw(InvalidArgument("value '{}' is made twice", name));
  ValueType full = Merge(type, Declared(name));
  if (LiteralPtr value = ConstantAt(edge)) full = ValueType::Of(value->dtype, value->dims);
  values_[name] = {edge, full, assumed};
  // For a compiler that refuses the node and goes on behind it.
  std::vector<ModelDesc>& descs = graph_->nodes[edge.node].output_descs;
  if (edge.output >= static_cast<int>(descs.size()) || descs[edge.output].dtype != DType::kUndefined) return;
  if (full.ranked && !IsRunValue(full.dtype)) descs[edge.output] = {full.dtype, ModelDesc().format, full.dims};
}

bool GraphImporter::IsAssumed(const std::string& name) const {
  auto it = values_.find(name);
  if (it != values_.end()) return it->second.assumed;
  return outer_ && !constants_.count(name) && outer_->IsAssumed(name);
}

// Rules and records may ask for the contents of short integer tensors.
bool GraphImporter::IsUnknown(const std::string& name) {
  if (name.empty() || !IsAssumed(name)) return false;
  const ValueType type = Type(name);
  return !type.ranked || type.dtype == DType::kUndefined || (IsInt(type.dtype) && type.rank() <= 1);
}

std::string GraphImporter::Where(const Node& node) const {
  const std::string text = NodeText(node);
  return outer_ && outer_->at_ ? outer_->Where(*outer_->at_) + ": " + text : text;
}

void GraphImporter::Refuse(const Node& node, const Status& status) {
  const bool unknown = std::any_of(node.inputs.begin(), node.inputs.end(),
                                   [this](const std::string& name) { return IsUnknown(name); });
  if (unknown) {
    ctx_.problems->unchecked.push_back(Where(node));
  } else {
    ctx_.problems->Add({DisplayName(node), RuleKey(node), Where(node), status.message(), status.code()});
  }
  StandIn(node);
}

void GraphImporter::StandIn(const Node& node) {
  std::vector<ValueType> types(node.outputs.size());
  try {
    TypeQuery query{node, OpsetOf(ctx_, node), {}, {}};
    for (const std::string& name : node.inputs) {
      query.inputs.push_back(name.empty() ? ValueType() : Type(name));
      query.constants.push_back(name.empty() ? nullptr : Constant(name));
    }
    types = InferTypes(query);
  } catch (OpError&) {  // then what the model declares has to do
  }
  for (size_t i = 0; i < types.size(); ++i) types[i] = Merge(Declared(node.outputs[i]), types[i]);
  AddStandIn(DisplayName(node), RuleKey(node), node.outputs, types);
}

void GraphImporter::AddStandIn(const std::string& name, const std::string& type,
                               const std::vector<std::string>& outputs, const std::vector<ValueType>& types) {
  ModelNode node;
  node.name = name;
  node.type = type;
  node.refused = true;
  for (size_t i = 0; i < outputs.size(); ++i) node.output_ports.push_back({"y", static_cast<int>(i)});
  node.output_descs.resize(outputs.size());
  const int made = AddNode(std::move(node));
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].empty() || values_.count(outputs[i])) continue;
    SetValue(outputs[i], {made, static_cast<int>(i)}, types[i], true);
  }
}

void GraphImporter::SetConstant(const std::string& name, LiteralPtr value) {
  constants_[name] = std::move(value);
}

ModelEdge GraphImporter::AddConst(const std::string& name, LiteralPtr value) {
  ModelNode node;
  node.name = name;
  node.type = "Const";
  node.output_ports = {{"y", 0}};
  ModelDesc desc;
  desc.dtype = value->dtype;
  desc.dims = value->dims;
  node.output_descs = {desc};
  node.attrs["value"] = std::move(value);
  return {AddNode(std::move(node)), 0};
}

int GraphImporter::AddNode(ModelNode node) {
  node.name = UniqueName(node.name);
  graph_->nodes.push_back(std::move(node));
  return static_cast<int>(graph_->nodes.size()) - 1;
}

std::string GraphImporter::UniqueName(const std::string& base) {
  auto [it, fresh] = used_names_.emplace(base, 0);
  if (fresh) return base;
  for (;;) {
    std::string name = fmt::format("{}_{}", base, ++it->second);
    if (used_names_.count(name)) continue;
    used_names_.emplace(name, 0);
    return name;
  }
}

void GraphImporter::ReorderCaptures(const std::vector<std::string>& order) {
  std::set<std::string> own(captures_.begin(), captures_.end());
  for (size_t k = 0; k < order.size(); ++k) {
    const int64_t index = formal_inputs_ + static_cast<int64_t>(k);
    if (own.count(order[k])) {
      graph_->nodes[values_[order[k]].edge.node].attrs["index"] = index;
    } else {
      AddData(order[k], static_cast<int>(index), outer_->Type(order[k]));  // a sibling uses it
    }
  }
  captures_ = order;
}

}  // namespace belay::onnx
