#include "import/onnx/node.h"

#include <algorithm>
#include <optional>

namespace belay::onnx {
namespace {

// The graphs of If, Loop and Scan, imported when a rule first asks.
struct NodeGraphs {
  std::vector<std::pair<std::string, std::unique_ptr<GraphImporter>>> by_name;
  std::vector<std::string> captures;  // of all of them

  GraphImporter* Find(const std::string& name) const {
    for (const auto& [key, importer] : by_name) {
      if (key == name) return importer.get();
    }
    return nullptr;
  }
};

class NodeView : public OnnxNode {
 public:
  NodeView(GraphImporter* importer, const Node& node, int opset)
      : importer_(*importer), node_(node), opset_(opset) {
    for (const std::string& name : node.inputs) {
      input_types_.push_back(name.empty() ? ValueType() : importer_.Type(name));
    }
  }

  int opset() const override { return opset_; }
  const std::string& op() const override { return node_.op; }
  int input_count() const override { return static_cast<int>(node_.inputs.size()); }
  bool HasInput(int i) const override {
    return i >= 0 && i < input_count() && !node_.inputs[i].empty();
  }
  ModelEdge Input(int i) const override {
    return HasInput(i) ? importer_.Value(node_.inputs[i]) : ModelEdge();
  }
  LiteralPtr ConstInput(int i) const override;
  int InputRank(int i) const override { return HasInput(i) ? input_types_[i].rank() : -1; }
  DType InputDType(int i) const override {
    return HasInput(i) ? input_types_[i].dtype : DType::kUndefined;
  }
  int output_count() const override { return static_cast<int>(node_.outputs.size()); }
  bool HasOutput(int i) const override {
    return i >= 0 && i < output_count() && !node_.outputs[i].empty();
  }

  bool HasAttr(const char* name) const override { return node_.Find(name) != nullptr; }
  int64_t Int(const char* name, int64_t fallback) const override {
    const Attribute* a = Typed(name, AttrType::kInt, "an int");
    return a ? a->i : fallback;
  }
  double Float(const char* name, double fallback) const override {
    const Attribute* a = Typed(name, AttrType::kFloat, "a float");
    return a ? a->f : fallback;
  }
  std::string Str(const char* name, const std::string& fallback) const override {
    const Attribute* a = Typed(name, AttrType::kString, "a string");
    return a ? a->s : fallback;
  }
  std::vector<int64_t> Ints(const char* name) const override {
    const Attribute* a = Typed(name, AttrType::kInts, "ints");
    return a ? a->ints : std::vector<int64_t>();
  }
  std::vector<double> Floats(const char* name) const override {
    const Attribute* a = Typed(name, AttrType::kFloats, "floats");
    return a ? std::vector<double>(a->floats.begin(), a->floats.end()) : std::vector<double>();
  }
  std::vector<std::string> Strs(const char* name) const override {
    const Attribute* a = Typed(name, AttrType::kStrings, "strings");
    return a ? a->strings : std::vector<std::string>();
  }
  LiteralPtr TensorAttr(const char* name) const override;
  std::vector<int64_t> TypeAttr(const char* name) const override {
    const Attribute* a = node_.Find(name);
    return a && a->tp ? EncodeElement(ElementOf(ValueType::Sequence(FromProto(*a->tp)))) : std::vector<int64_t>();
  }
  std::shared_ptr<ModelGraph> GraphAttr(const char* name) override;
  std::vector<ModelEdge> GraphCaptures(const char* name) override;
  std::shared_ptr<ModelGraph> GraphBetween(const std::vector<std::string>& inputs, const std::string& output) override;

  ModelEdge Emit(const char* ge_op, const std::vector<ModelEdge>& inputs, AttrMap attrs) override {
    std::vector<ModelEdge> outputs = EmitN(ge_op, inputs, std::move(attrs), 1);
    if (outputs.empty()) OnnxNode::Fail(fmt::format("{} has no output", ge_op));
    return outputs[0];
  }
  std::vector<ModelEdge> EmitN(const char* ge_op, const std::vector<ModelEdge>& inputs,
                               AttrMap attrs, int dynamic_outputs) override;
  void SetSubgraph(ModelEdge value, const char* name, std::shared_ptr<ModelGraph> graph) override {
    importer_.graph()->nodes[value.node].subgraphs[name].push_back(std::move(graph));
  }
  ModelEdge Const(LiteralPtr value) override {
    return importer_.AddConst(DisplayName(node_) + "/const", std::move(value));
  }
  void Output(int i, ModelEdge value) override { outputs_[i] = value; }

  // After the rule: hands its outputs to the graph.
  void Finish();
  bool ReadsAssumed() const {
    return std::any_of(node_.inputs.begin(), node_.inputs.end(),
                       [this](const std::string& name) { return importer_.IsAssumed(name); });
  }

 private:
  const Attribute* Typed(const char* name, AttrType type, const char* what) const {
    const Attribute* a = node_.Find(name);
    if (!a) return nullptr;
    if (a->type == type) return a;
    // Lists and their scalars are asked for alternately while a rule finds out which one it has.
    const bool list =
        type == AttrType::kInts || type == AttrType::kFloats || type == AttrType::kStrings;
    const bool empty_list = a->type == AttrType::kInts && a->ints.empty();
    const bool is_list =
        a->type == AttrType::kInts || a->type == AttrType::kFloats || a->type == AttrType::kStrings;
    if (list != is_list || empty_list) return nullptr;
    OnnxNode::Fail(fmt::format("attribute {} is not {}", name, what));
  }
  void PlaceInputs(const Prototype& proto, const std::vector<ModelEdge>& inputs,
                   ModelNode* to) const;
  NodeGraphs& Graphs();
  std::vector<ValueType> ArgumentTypes() const;
  std::vector<ValueType> ControlFlowTypes() const;
  std::vector<ValueType> OutputTypes() const;

  GraphImporter& importer_;
  const Node& node_;
  const int opset_;
  std::vector<ValueType> input_types_;
  std::map<int, ModelEdge> outputs_;
  std::optional<NodeGraphs> graphs_;
};

LiteralPtr NodeView::ConstInput(int i) const {
  if (!HasInput(i)) return nullptr;
  if (LiteralPtr value = importer_.Constant(node_.inputs[i])) return value;
  return importer_.ConstantAt(importer_.Value(node_.inputs[i]));
}

LiteralPtr NodeView::TensorAttr(const char* name) const {
  const Attribute* a = node_.Find(name);
  if (!a) return nullptr;
  Result<LiteralPtr> value = a->t ? ToLiteral(*a->t, importer_.context().files)
                             : a->sparse_tensor
                                 ? ToLiteral(*a->sparse_tensor, importer_.context().files)
                                 : Result<LiteralPtr>(InvalidArgument("it is no tensor"));
  if (!value.ok())
    throw OpError{std::move(value).status().Context(fmt::format("attribute {}", name))};
  return *value;
}

// What a Loop passes: iteration number, condition, carried values. Extents may change as it runs.
std::vector<ValueType> NodeView::ArgumentTypes() const {
  if (node_.op != "Loop") return {};
  std::vector<ValueType> types = {ValueType::Of(DType::kI64, {}), ValueType::Of(DType::kBool, {})};
  for (size_t i = 2; i < input_types_.size(); ++i) {
    types.push_back(input_types_[i]);
    types.back().dims.assign(input_types_[i].dims.size(), -1);
  }
  return types;
}

NodeGraphs& NodeView::Graphs() {
  if (graphs_) return *graphs_;
  graphs_.emplace();
  for (const Attribute& a : node_.attributes) {
    if (!a.g) continue;
    auto inner = std::make_unique<GraphImporter>(importer_.context(), &importer_);
    inner->Run(*a.g, ArgumentTypes());
    for (const std::string& name : inner->captures()) {
      auto& all = graphs_->captures;
      if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
    }
    graphs_->by_name.emplace_back(a.name, std::move(inner));
  }
  for (auto& [name, inner] : graphs_->by_name) inner->ReorderCaptures(graphs_->captures);
  return *graphs_;
}

std::shared_ptr<ModelGraph> NodeView::GraphAttr(const char* name) {
  GraphImporter* inner = Graphs().Find(name);
  if (!inner) OnnxNode::Fail(fmt::format("attribute {}, a graph, is missing", name));
  return inner->graph();
}

std::vector<ModelEdge> NodeView::GraphCaptures(const char*) {
  std::vector<ModelEdge> edges;
  for (const std::string& name : Graphs().captures) edges.push_back(importer_.Value(name));
  return edges;
}

namespace {

// The nodes that `output` needs when `inputs` are given, in the graph's order.
Graph PartBetween(const Graph& graph, const std::vector<std::string>& inputs, const std::string& output) {
  std::unordered_map<std::string, size_t> maker;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const std::string& name : graph.nodes[i].outputs) maker.emplace(name, i);
  }
  std::set<std::string> seen(inputs.begin(), inputs.end());
  std::set<size_t> needed;
  std::vector<std::string> open = {output};
  while (!open.empty()) {
    const std::string name = open.back();
    open.pop_back();
    auto made = maker.find(name);
    if (name.empty() || !seen.insert(name).second || made == maker.end()) continue;
    const Node& node = graph.nodes[made->second];
    needed.insert(made->second);
    open.insert(open.end(), node.inputs.begin(), node.inputs.end());
    const Attribute* target = node.op == "Gradient" ? node.Find("y") : nullptr;
    if (target) open.push_back(target->s);  // a derivative of a derivative needs what the first one derives
  }
  Graph part;
  part.name = output;
  for (size_t i : needed) part.nodes.push_back(graph.nodes[i]);
  for (const std::string& name : inputs) part.inputs.emplace_back().name = name;
  part.outputs.emplace_back().name = output;
  return part;
}

}  // namespace

std::shared_ptr<ModelGraph> NodeView::GraphBetween(const std::vector<std::string>& inputs, const std::string& output) {
  const Graph part = PartBetween(*importer_.source(), inputs, output);
  std::vector<ValueType> types;
  for (const std::string& name : inputs) types.push_back(importer_.Type(name));
  auto inner = std::make_unique<GraphImporter>(importer_.context(), &importer_);
  Problems& problems = *importer_.context().problems;
  const size_t said = problems.size();
  inner->Run(part, types);
  problems.Truncate(said);  // of nodes that have been imported before
  graphs_.emplace();
  graphs_->captures = inner->captures();
  inner->ReorderCaptures(graphs_->captures);
  graphs_->by_name.emplace_back(output, std::move(inner));
  return graphs_->by_name.back().second->graph();
}

// Positional over the prototype's ports; a dynamic port takes all that the later ports leave.
void NodeView::PlaceInputs(const Prototype& proto, const std::vector<ModelEdge>& inputs,
                           ModelNode* to) const {
  size_t next = 0;
  for (size_t p = 0; p < proto.inputs.size(); ++p) {
    const PortProto& port = proto.inputs[p];
    if (port.kind != PortKind::kDynamic) {
      to->input_ports.push_back({port.name, 0});
      to->inputs.push_back(next < inputs.size() ? inputs[next] : ModelEdge());
      ++next;
      continue;
    }
    const size_t later = proto.inputs.size() - p - 1;
    const size_t left = inputs.size() > next ? inputs.size() - next : 0;
    const size_t count = left > later ? left - later : 0;
    for (size_t k = 0; k < count; ++k) {
      to->input_ports.push_back({port.name, static_cast<int>(k)});
      to->inputs.push_back(inputs[next++]);
    }
  }
  while (next < inputs.size() && inputs[next].node < 0) ++next;
  if (next < inputs.size()) {
    OnnxNode::Fail(fmt::format("{} takes {} inputs, but {} are given", to->type,
                               proto.inputs.size(), inputs.size()));
  }
}

std::vector<ModelEdge> NodeView::EmitN(const char* ge_op, const std::vector<ModelEdge>& inputs,
                                       AttrMap attrs, int dynamic_outputs) {
  const Prototype* proto = FindPrototype(ge_op);
  if (!proto) throw OpError{Internal("the rule emits {}, which has no prototype", ge_op)};
  ModelNode to;
  to.name = DisplayName(node_);
  to.type = ge_op;
  to.origin = NodeText(node_);
  to.attrs = std::move(attrs);
  PlaceInputs(*proto, inputs, &to);
  for (const PortProto& port : proto->outputs) {
    const int count = port.kind == PortKind::kDynamic ? std::max(0, dynamic_outputs) : 1;
    for (int k = 0; k < count; ++k) to.output_ports.push_back({port.name, k});
  }
  to.output_descs.resize(to.output_ports.size());
  const int outputs = static_cast<int>(to.output_ports.size());
  const int node = importer_.AddNode(std::move(to));
  std::vector<ModelEdge> edges;
  for (int k = 0; k < outputs; ++k) edges.push_back({node, k});
  return edges;
}

std::vector<ValueType> NodeView::ControlFlowTypes() const {
  std::vector<ValueType> types(node_.outputs.size());
  if (!graphs_ || graphs_->by_name.empty()) return types;
  const auto loose = [](const ValueType& t, int more) {
    ValueType type = ValueType::OfRank(t.dtype, t.ranked ? t.rank() + more : -1);
    type.element = t.element;
    type.optional = t.optional;
    return type;
  };
  const std::vector<ValueType>& first = graphs_->by_name.front().second->output_types();
  size_t skip = 0, carried = types.size();
  if (node_.op == "Loop") {
    skip = 1;
    carried = node_.inputs.size() > 2 ? node_.inputs.size() - 2 : 0;
  } else if (node_.op == "Scan") {
    const int64_t scans = Int("num_scan_inputs", 0);
    carried = static_cast<size_t>(
        std::max<int64_t>(0, static_cast<int64_t>(node_.inputs.size()) - scans));
  }
  for (size_t i = 0; i < types.size() && i + skip < first.size(); ++i) {
    types[i] = loose(first[i + skip], i < carried ? 0 : 1);
    for (const auto& [name, inner] : graphs_->by_name) {
      const auto& other = inner->output_types();
      if (i + skip >= other.size() || other[i + skip].rank() != first[i + skip].rank())
        types[i].ranked = false;
    }
    if (!types[i].ranked) types[i].dims.clear();
  }
  return types;
}

std::vector<ValueType> NodeView::OutputTypes() const {
  if (graphs_ && node_.domain.empty() && node_.op != "SequenceMap") return ControlFlowTypes();
  TypeQuery query{node_, opset_, input_types_, {}};
  for (int i = 0; i < input_count(); ++i) query.constants.push_back(ConstInput(i));
  return InferTypes(query);
}

void NodeView::Finish() {
  std::vector<ValueType> types = OutputTypes();
  const bool assumed = ReadsAssumed();
  for (int i = 0; i < output_count(); ++i) {
    if (node_.outputs[i].empty()) continue;
    auto it = outputs_.find(i);
    if (it != outputs_.end() && it->second.node >= 0) {
      importer_.SetValue(node_.outputs[i], it->second, types[i], assumed);
    } else {
      importer_.SetMissing(node_.outputs[i], fmt::format("output {} of {}", i, NodeText(node_)));
    }
  }
}

template <typename T>
LiteralPtr FromList(DType dtype, const std::vector<T>& values, bool scalar) {
  const std::vector<int64_t> dims =
      scalar ? std::vector<int64_t>{} : std::vector<int64_t>{int64_t(values.size())};
  return Literal::Copy(dtype, dims, values.data());
}

// Constant is the reader's business: nothing is emitted until somebody uses the value.
LiteralPtr ConstantValue(const NodeView& view, const Node& node) {
  if (view.HasAttr("value")) return view.TensorAttr("value");
  if (view.HasAttr("sparse_value")) return view.TensorAttr("sparse_value");
  if (const Attribute* a = node.Find("value_float"))
    return FromList<float>(DType::kF32, {a->f}, true);
  if (const Attribute* a = node.Find("value_int"))
    return FromList<int64_t>(DType::kI64, {a->i}, true);
  if (const Attribute* a = node.Find("value_floats"))
    return FromList(DType::kF32, a->floats, false);
  if (const Attribute* a = node.Find("value_ints")) return FromList(DType::kI64, a->ints, false);
  if (const Attribute* a = node.Find("value_string")) return LiteralFromTexts({}, {a->s});
  if (const Attribute* a = node.Find("value_strings")) {
    return LiteralFromTexts({static_cast<int64_t>(a->strings.size())}, a->strings);
  }
  view.Fail("it has no value attribute");
}

void Apply(GraphImporter* importer, const Node& node) {
  const int opset = OpsetOf(importer->context(), node);
  if (node.op == "Constant" && node.domain.empty()) {
    NodeView view(importer, node, opset);
    if (view.HasOutput(0)) importer->SetConstant(node.outputs[0], ConstantValue(view, node));
    return;
  }
  const OnnxRule* rule = FindOnnxRule(RuleKey(node), opset);
  if (!rule) return importer->StandIn(node);  // importer.cc has said so
  if (node.outputs.empty()) throw OpError{InvalidArgument("it has no outputs")};
  NodeView view(importer, node, opset);
  rule->apply(view);
  view.Finish();
}

}  // namespace

void ImportNode(GraphImporter* importer, const Node& node) {
  importer->Enter(node);
  try {
    Apply(importer, node);
  } catch (OpError& e) {
    importer->Refuse(node, e.status);
  }
}

}  // namespace belay::onnx
