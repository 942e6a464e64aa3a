#include "import/onnx/functions.h"

#include "graph/op_record.h"

namespace belay::onnx {
namespace {

constexpr int kMaxCallDepth = 32;
constexpr int64_t kMaxNodes = 200000;  // functions that call each other twice grow exponentially

// One call being written out.
struct Instance {
  std::string prefix;
  std::map<std::string, std::string> names;
  const Function& function;
  const Node& call;
  std::shared_ptr<const Opsets> opsets;

  std::string Name(const std::string& name) const {
    if (name.empty()) return name;
    auto it = names.find(name);
    return it == names.end() ? prefix + name : it->second;
  }
};

std::shared_ptr<Graph> CopyGraph(const Graph& graph, const Instance& in);

const Attribute* CallAttribute(const Instance& in, const std::string& name) {
  if (const Attribute* a = in.call.Find(name)) return a;
  for (const Attribute& a : in.function.default_attributes) {
    if (a.name == name) return &a;
  }
  return nullptr;
}

Node CopyNode(const Node& node, const Instance& in) {
  Node copy = node;
  copy.name = in.prefix + node.name;
  copy.opsets = in.opsets;
  copy.attributes.clear();
  for (std::string& name : copy.inputs) name = in.Name(name);
  for (std::string& name : copy.outputs) name = in.Name(name);
  for (const Attribute& a : node.attributes) {
    if (!a.ref_attr_name.empty()) {
      const Attribute* given = CallAttribute(in, a.ref_attr_name);
      if (!given) continue;  // an optional attribute that the caller leaves out
      copy.attributes.push_back(*given);
      copy.attributes.back().name = a.name;
      continue;
    }
    Attribute& to = copy.attributes.emplace_back(a);
    if (to.g) to.g = CopyGraph(*to.g, in);
    for (auto& g : to.graphs) g = CopyGraph(*g, in);
  }
  return copy;
}

std::shared_ptr<Graph> CopyGraph(const Graph& graph, const Instance& in) {
  auto copy = std::make_shared<Graph>(graph);
  for (Node& n : copy->nodes) n = CopyNode(n, in);
  for (TensorProto& t : copy->initializers) t.name = in.Name(t.name);
  for (SparseTensorProto& t : copy->sparse_initializers) t.values.name = in.Name(t.values.name);
  for (ValueInfo& v : copy->inputs) v.name = in.Name(v.name);
  for (ValueInfo& v : copy->outputs) v.name = in.Name(v.name);
  for (ValueInfo& v : copy->value_infos) v.name = in.Name(v.name);
  return copy;
}

class Inliner {
 public:
  explicit Inliner(const Model& model) : model_(model) {
    for (const Function& f : model.functions) by_name_[{f.domain, f.name, f.overload}] = &f;
  }

  Status Expand(std::vector<Node>* nodes, int depth) {
    if (depth > kMaxCallDepth)
      return InvalidArgument("functions call each other deeper than {} levels", kMaxCallDepth);
    std::vector<Node> out;
    for (Node& node : *nodes) {
      BELAY_RETURN_IF_ERROR(ExpandGraphs(&node, depth));
      const Function* f = Find(node);
      if (!f) {
        if (++written_ > kMaxNodes)
          return InvalidArgument("functions expand to more than {} nodes", kMaxNodes);
        out.push_back(std::move(node));
        continue;
      }
      std::vector<Node> body;
      BELAY_RETURN_IF_ERROR(Instantiate(*f, node, &body));
      BELAY_RETURN_IF_ERROR(Expand(&body, depth + 1));
      for (Node& n : body) out.push_back(std::move(n));
    }
    *nodes = std::move(out);
    return OkStatus();
  }

 private:
  const Function* Find(const Node& node) const {
    auto it = by_name_.find({node.domain, node.op, node.overload});
    if (it == by_name_.end()) return nullptr;
    // An operator that we know is faster whole than as the function that spells it out.
    const std::string key = node.domain.empty() ? node.op : node.domain + "::" + node.op;
    const Opsets& opsets = node.opsets ? *node.opsets : model_.opsets;
    auto opset = opsets.find(node.domain);
    const bool known = opset != opsets.end() && FindOnnxRule(key, static_cast<int>(opset->second));
    return known ? nullptr : it->second;
  }

  Status ExpandGraphs(Node* node, int depth) {
    for (Attribute& a : node->attributes) {
      if (a.g) BELAY_RETURN_IF_ERROR(Expand(&a.g->nodes, depth + 1));
      for (auto& g : a.graphs) BELAY_RETURN_IF_ERROR(Expand(&g->nodes, depth + 1));
    }
    return OkStatus();
  }

  Status Instantiate(const Function& f, const Node& call, std::vector<Node>* body) {
    if (call.inputs.size() > f.inputs.size() || call.outputs.size() > f.outputs.size()) {
      return InvalidArgument(
          "node '{}' calls function {} with {} inputs and {} outputs; it has {} and {}", call.name,
          f.name, call.inputs.size(), call.outputs.size(), f.inputs.size(), f.outputs.size());
    }
    const std::string id = fmt::format("{}#{}/", call.name.empty() ? f.name : call.name, ++calls_);
    Instance in{id, {}, f, call, std::make_shared<Opsets>(f.opsets)};
    for (size_t i = 0; i < f.inputs.size(); ++i) {
      in.names[f.inputs[i]] = i < call.inputs.size() ? call.inputs[i] : "";
    }
    std::vector<Node> forwards;  // outputs that are inputs
    for (size_t i = 0; i < call.outputs.size(); ++i) {
      if (call.outputs[i].empty()) continue;
      if (in.names.count(f.outputs[i])) {
        Node& forward = forwards.emplace_back();
        forward.op = "Identity";
        forward.inputs = {in.names[f.outputs[i]]};
        forward.outputs = {call.outputs[i]};
      } else {
        in.names[f.outputs[i]] = call.outputs[i];
      }
    }
    for (const Node& n : f.nodes) body->push_back(CopyNode(n, in));
    for (Node& n : forwards) body->push_back(std::move(n));
    return OkStatus();
  }

  const Model& model_;
  std::map<std::tuple<std::string, std::string, std::string>, const Function*> by_name_;
  int64_t written_ = 0;
  int calls_ = 0;
};

}  // namespace

Status InlineFunctions(Model* model) {
  if (model->functions.empty()) return OkStatus();
  return Inliner(*model).Expand(&model->graph.nodes, 0);
}

}  // namespace belay::onnx
