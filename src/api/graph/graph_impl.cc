#include "api/graph/graph_impl.h"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "api/graph/operator_impl.h"

namespace ge {
namespace {

// Everything linked to the given operators, in the order it is found.
std::vector<OperatorImpl*> Reach(const std::vector<Operator>& from) {
  std::vector<OperatorImpl*> found;
  std::unordered_set<OperatorImpl*> seen;
  auto add = [&](OperatorImpl* op) {
    if (seen.insert(op).second) found.push_back(op);
  };
  for (const Operator& op : from) {
    if (!op.IsEmpty()) add(OperatorImpl::Of(op).get());
  }
  for (size_t i = 0; i < found.size(); ++i) {
    OperatorImpl* op = found[i];
    for (const OperatorImpl::Link& link : op->inputs) add(link.from);
    for (OperatorImpl* control : op->control_inputs) add(control);
    for (OperatorImpl* user : op->users) add(user);
  }
  return found;
}

// Sources before users, otherwise as found; what stands in a cycle comes last.
std::vector<OperatorImpl*> Sorted(const std::vector<OperatorImpl*>& found) {
  std::unordered_map<OperatorImpl*, size_t> waiting;
  std::deque<OperatorImpl*> ready;
  for (OperatorImpl* op : found) {
    waiting[op] = op->inputs.size() + op->control_inputs.size();
    if (waiting[op] == 0) ready.push_back(op);
  }
  std::vector<OperatorImpl*> sorted;
  while (!ready.empty()) {
    OperatorImpl* op = ready.front();
    ready.pop_front();
    sorted.push_back(op);
    for (OperatorImpl* user : op->users) {
      if (--waiting[user] == 0) ready.push_back(user);
    }
  }
  for (OperatorImpl* op : found) {
    if (waiting[op] != 0) sorted.push_back(op);
  }
  return sorted;
}

}  // namespace

const NodeImpl::Edge* NodeImpl::FindEdge(const Port* to) const {
  for (const Edge& edge : inputs) {
    if (edge.to == to) return &edge;
  }
  return nullptr;
}

void GraphImpl::Clear() {
  for (auto& node : nodes) {
    node->graph = nullptr;
    removed.push_back(std::move(node));
  }
  nodes.clear();
  has_end = false;
  rest.clear();
  model_rest.clear();
  inputs.clear();
  outputs.clear();
  targets.clear();
}

NodeImpl* GraphImpl::Add(std::shared_ptr<OpDesc> desc) {
  auto node = std::make_unique<NodeImpl>();
  node->desc = std::move(desc);
  node->graph = this;
  for (const Subgraphs& graphs : node->desc->subgraphs) {
    std::vector<GraphPtr> built;
    for (const SubgraphBuilder& builder : graphs.builders) {
      if (builder) built.push_back(std::make_shared<Graph>(builder()));
    }
    if (!built.empty()) node->subgraphs.emplace_back(graphs.ir_name, std::move(built));
  }
  valid = true;
  nodes.push_back(std::move(node));
  return nodes.back().get();
}

std::unordered_map<OperatorImpl*, NodeImpl*> GraphImpl::AddLinked(const std::vector<OperatorImpl*>& sorted) {
  std::unordered_map<const OpDesc*, NodeImpl*> present;
  for (const auto& node : nodes) present[node->desc.get()] = node.get();
  std::unordered_map<OperatorImpl*, NodeImpl*> made;
  std::vector<OperatorImpl*> fresh;
  for (OperatorImpl* op : sorted) {
    auto it = present.find(op->desc.get());
    if (it == present.end()) fresh.push_back(op);
    made[op] = it == present.end() ? Add(op->desc) : it->second;
  }
  for (OperatorImpl* op : fresh) {
    for (const OperatorImpl::Link& link : op->inputs) {
      made[op]->inputs.push_back({link.to, made[link.from], link.port});
    }
    for (OperatorImpl* control : op->control_inputs) made[op]->control_inputs.push_back(made[control]);
  }
  return made;
}

void GraphImpl::Build(const std::vector<Operator>& from) {
  Clear();
  const auto made = AddLinked(Sorted(Reach(from)));
  for (const Operator& op : from) {
    if (!op.IsEmpty()) inputs.push_back(made.at(OperatorImpl::Of(op).get()));
  }
  valid = true;
}

void GraphImpl::Extend(const Operator& op) {
  const std::vector<OperatorImpl*> linked = Reach({op});
  std::unordered_set<const OpDesc*> present;
  for (const auto& node : nodes) present.insert(node->desc.get());
  const bool touches = std::any_of(linked.begin(), linked.end(), [&](const OperatorImpl* other) {
    return present.count(other->desc.get()) != 0;
  });
  if (touches) (void)AddLinked(Sorted(linked));
}

NodeImpl* GraphImpl::Find(const OpDesc* desc) const {
  for (const auto& node : nodes) {
    if (node->desc.get() == desc) return node.get();
  }
  return nullptr;
}

void GraphImpl::Remove(NodeImpl* node) {
  for (const auto& other : nodes) {
    std::erase_if(other->inputs, [node](const NodeImpl::Edge& edge) { return edge.from == node; });
    std::erase(other->control_inputs, node);
  }
  node->inputs.clear();
  node->control_inputs.clear();
  node->graph = nullptr;
  std::erase(inputs, node);
  std::erase(targets, node);
  std::erase_if(outputs, [node](const auto& output) { return output.first == node; });
  auto it = std::find_if(nodes.begin(), nodes.end(), [node](const auto& n) { return n.get() == node; });
  removed.push_back(std::move(*it));
  nodes.erase(it);
}

GNode GraphImpl::Handle(NodeImpl* node) {
  return NodeAdapter::Make(std::shared_ptr<NodeImpl>(shared_from_this(), node));
}

void GraphImpl::Collect(bool with_subgraphs, std::vector<GNode>* out) {
  for (const auto& node : nodes) out->push_back(Handle(node.get()));
  if (!with_subgraphs) return;
  for (const auto& node : nodes) {
    for (const auto& [name, graphs] : node->subgraphs) {
      for (const GraphPtr& graph : graphs) {
        if (GraphUtils::Impl(*graph) != nullptr) GraphUtils::Impl(*graph)->Collect(true, out);
      }
    }
  }
}

std::shared_ptr<GraphImpl> GraphImpl::Clone() const {
  auto copy = std::make_shared<GraphImpl>();
  copy->name = name;
  copy->valid = valid;
  copy->need_iteration = need_iteration;
  copy->has_end = has_end;
  copy->rest = rest;
  copy->model_rest = model_rest;
  std::unordered_map<const NodeImpl*, NodeImpl*> made;
  for (const auto& node : nodes) {
    auto twin = std::make_unique<NodeImpl>();
    twin->graph = copy.get();
    twin->desc = node->desc->Clone();
    for (const auto& [ir_name, graphs] : node->subgraphs) {
      std::vector<GraphPtr> copies;
      for (const GraphPtr& graph : graphs) {
        copies.push_back(std::make_shared<Graph>());
        const GraphImplPtr& inner = GraphUtils::Impl(*graph);
        if (inner != nullptr) GraphUtils::Impl(*copies.back()) = inner->Clone();
      }
      twin->subgraphs.emplace_back(ir_name, std::move(copies));
    }
    made[node.get()] = twin.get();
    copy->nodes.push_back(std::move(twin));
  }
  for (const auto& node : nodes) {
    NodeImpl* twin = made[node.get()];
    for (const NodeImpl::Edge& edge : node->inputs) {
      NodeImpl* from = made[edge.from];
      twin->inputs.push_back({twin->desc->inputs.Get(edge.to->name), from,
                              from->desc->outputs.Get(edge.port->name)});
    }
    for (NodeImpl* control : node->control_inputs) twin->control_inputs.push_back(made[control]);
  }
  for (NodeImpl* node : inputs) copy->inputs.push_back(made[node]);
  for (NodeImpl* node : targets) copy->targets.push_back(made[node]);
  for (const auto& [node, port] : outputs) copy->outputs.emplace_back(made[node], port);
  return copy;
}

}  // namespace ge
