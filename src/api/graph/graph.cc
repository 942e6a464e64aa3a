#include "graph/graph.h"

#include <algorithm>

#include "api/graph/graph_impl.h"
#include "api/graph/operator_impl.h"
#include "base/log.h"

namespace ge {
namespace {

const char* NameOf(const GraphImplPtr& impl) { return impl == nullptr ? "" : impl->name.c_str(); }

// The node of an operator, which may have been linked since SetInputs; a line in the log when it has none.
NodeImpl* NodeOf(const GraphImplPtr& impl, const Operator& op, const char* what) {
  if (op.IsEmpty()) {
    BELAY_LOG(Warning, "graph '{}': an empty operator cannot be {}", NameOf(impl), what);
    return nullptr;
  }
  const OpDesc& desc = *OperatorImpl::Of(op)->desc;
  NodeImpl* node = impl->Find(&desc);
  if (node == nullptr) {
    impl->Extend(op);
    node = impl->Find(&desc);
  }
  if (node == nullptr) {
    BELAY_LOG(Warning, "graph '{}': operator '{}' is not linked to its inputs, so cannot be {}",
              NameOf(impl), desc.name, what);
  }
  return node;
}

void AddAllOutputs(const GraphImplPtr& impl, NodeImpl* node) {
  const int count = static_cast<int>(node->desc->outputs.instances.size());
  for (int port = 0; port < count; ++port) impl->outputs.emplace_back(node, port);
}

// False, with a line in the log, while SetOutputs and SetTargets have nothing to act on.
bool Ready(const GraphImplPtr& impl, const char* call) {
  if (impl != nullptr && impl->valid) return true;
  BELAY_LOG(Error, "graph '{}': {} does nothing before SetInputs", NameOf(impl), call);
  return false;
}

bool InGraph(const GraphImplPtr& impl, const GNode& node) {
  const auto& inner = NodeAdapter::Impl(node);
  return impl != nullptr && inner != nullptr && inner->graph == impl.get();
}

}  // namespace

Graph::Graph(const char* name) {
  if (name == nullptr) return;
  impl_ = std::make_shared<GraphImpl>();
  impl_->name = name;
}

Graph& Graph::SetInputs(const std::vector<Operator>& inputs) {
  if (impl_ == nullptr || inputs.empty()) {
    BELAY_LOG(Error, "graph '{}': SetInputs needs at least one operator", NameOf(impl_));
    return *this;
  }
  impl_->Build(inputs);
  return *this;
}

Graph& Graph::SetOutputs(const std::vector<Operator>& outputs) {
  if (!Ready(impl_, "SetOutputs")) return *this;
  impl_->outputs.clear();
  for (const Operator& op : outputs) {
    if (NodeImpl* node = NodeOf(impl_, op, "an output")) AddAllOutputs(impl_, node);
  }
  return *this;
}

Graph& Graph::SetOutputs(const std::vector<std::pair<Operator, std::vector<size_t>>>& output_indexs) {
  if (!Ready(impl_, "SetOutputs")) return *this;
  impl_->outputs.clear();
  for (const auto& [op, ports] : output_indexs) {
    NodeImpl* node = NodeOf(impl_, op, "an output");
    if (node == nullptr) continue;
    if (ports.empty()) AddAllOutputs(impl_, node);
    for (size_t port : ports) {
      if (node->desc->outputs.At(static_cast<int64_t>(port)) != nullptr) {
        impl_->outputs.emplace_back(node, static_cast<int>(port));
      } else {
        BELAY_LOG(Warning, "graph '{}': operator '{}' has no output {}", NameOf(impl_),
                  node->desc->name, port);
      }
    }
  }
  return *this;
}

Graph& Graph::SetOutputs(const std::vector<std::pair<Operator, AscendString>>& outputs) {
  if (!Ready(impl_, "SetOutputs")) return *this;
  impl_->outputs.clear();
  for (const auto& [op, name] : outputs) {
    NodeImpl* node = NodeOf(impl_, op, "an output");
    if (node == nullptr) continue;
    if (name.GetLength() == 0) {
      AddAllOutputs(impl_, node);
      continue;
    }
    const int port = node->desc->outputs.Find(name.GetString());
    if (port >= 0) {
      impl_->outputs.emplace_back(node, port);
    } else {
      BELAY_LOG(Error, "graph '{}': operator '{}' has no output '{}'", NameOf(impl_),
                node->desc->name, name.GetString());
    }
  }
  return *this;
}

Graph& Graph::SetTargets(const std::vector<Operator>& targets) {
  if (!Ready(impl_, "SetTargets")) return *this;
  impl_->targets.clear();
  for (const Operator& op : targets) {
    if (NodeImpl* node = NodeOf(impl_, op, "a target")) impl_->targets.push_back(node);
  }
  return *this;
}

bool Graph::IsValid() const { return impl_ != nullptr && impl_->valid; }

graphStatus Graph::AddOp(const Operator& op) {
  AscendString name;
  if (impl_ == nullptr || op.GetName(name) != GRAPH_SUCCESS) return GRAPH_FAILED;
  for (const auto& [known, other] : impl_->ops) {
    if (known == name.GetString()) return GRAPH_FAILED;
  }
  impl_->ops.emplace_back(name.GetString(), op);
  return GRAPH_SUCCESS;
}

graphStatus Graph::FindOpByName(const char* name, Operator& op) const {
  if (impl_ == nullptr || name == nullptr) return GRAPH_FAILED;
  for (const auto& [known, found] : impl_->ops) {
    if (known == name) {
      op = found;
      return GRAPH_SUCCESS;
    }
  }
  op = Operator("NULL");
  return GRAPH_FAILED;
}

graphStatus Graph::FindOpByType(const char* type, std::vector<Operator>& ops) const {
  if (impl_ == nullptr || type == nullptr) return GRAPH_FAILED;
  for (const auto& [name, op] : impl_->ops) {
    if (OperatorImpl::Of(op)->desc->type == type) ops.push_back(op);
  }
  return GRAPH_SUCCESS;
}

graphStatus Graph::GetAllOpName(std::vector<AscendString>& names) const {
  if (impl_ == nullptr) return GRAPH_FAILED;
  for (const auto& [name, op] : impl_->ops) names.emplace_back(name.c_str());
  return GRAPH_SUCCESS;
}

graphStatus Graph::GetName(AscendString& name) const {
  if (impl_ == nullptr) return GRAPH_FAILED;
  name = AscendString(impl_->name.c_str());
  return GRAPH_SUCCESS;
}

void Graph::SetNeedIteration(bool need_iteration) {
  if (impl_ != nullptr) impl_->need_iteration = need_iteration;
}

std::vector<GNode> Graph::GetAllNodes() const {
  std::vector<GNode> nodes;
  if (impl_ != nullptr) impl_->Collect(true, &nodes);
  return nodes;
}
std::vector<GNode> Graph::GetDirectNode() const {
  std::vector<GNode> nodes;
  if (impl_ != nullptr) impl_->Collect(false, &nodes);
  return nodes;
}

graphStatus Graph::RemoveNode(GNode& node) { return RemoveNode(node, false); }
graphStatus Graph::RemoveNode(GNode& node, bool contain_subgraph) {
  if (!InGraph(impl_, node)) return GRAPH_FAILED;
  NodeImpl* inner = NodeAdapter::Impl(node).get();
  impl_->Remove(inner);
  if (contain_subgraph) inner->subgraphs.clear();
  return GRAPH_SUCCESS;
}

graphStatus Graph::RemoveEdge(GNode& src_node, const int32_t src_port_index, GNode& dst_node,
                              const int32_t dst_port_index) {
  if (!InGraph(impl_, src_node) || !InGraph(impl_, dst_node)) return GRAPH_FAILED;
  NodeImpl* src = NodeAdapter::Impl(src_node).get();
  NodeImpl* dst = NodeAdapter::Impl(dst_node).get();
  if (dst_port_index == -1) {
    return std::erase(dst->control_inputs, src) > 0 ? GRAPH_SUCCESS : GRAPH_FAILED;
  }
  const Port* from = src->desc->outputs.At(src_port_index);
  const Port* to = dst->desc->inputs.At(dst_port_index);
  if (from == nullptr || to == nullptr) return GRAPH_FAILED;
  const size_t erased = std::erase_if(dst->inputs, [&](const NodeImpl::Edge& edge) {
    return edge.to == to && edge.from == src && edge.port == from;
  });
  return erased > 0 ? GRAPH_SUCCESS : GRAPH_FAILED;
}

GNode Graph::AddNodeByOp(const Operator& op) {
  if (impl_ == nullptr || op.IsEmpty()) return GNode();
  const std::shared_ptr<OpDesc>& desc = OperatorImpl::Of(op)->desc;
  if (impl_->Find(desc.get()) != nullptr) {
    BELAY_LOG(Error, "graph '{}': operator '{}' is a node of it already", NameOf(impl_), desc->name);
    return GNode();
  }
  return impl_->Handle(impl_->Add(desc));
}

graphStatus Graph::AddDataEdge(GNode& src_node, const int32_t src_port_index, GNode& dst_node,
                               const int32_t dst_port_index) {
  if (!InGraph(impl_, src_node) || !InGraph(impl_, dst_node)) return GRAPH_FAILED;
  NodeImpl* src = NodeAdapter::Impl(src_node).get();
  NodeImpl* dst = NodeAdapter::Impl(dst_node).get();
  Port* from = src->desc->outputs.At(src_port_index);
  Port* to = dst->desc->inputs.At(dst_port_index);
  if (from == nullptr || to == nullptr || dst->FindEdge(to) != nullptr) return GRAPH_FAILED;
  dst->inputs.push_back({to, src, from});
  if (!to->desc_set) to->desc = from->desc;
  return GRAPH_SUCCESS;
}

graphStatus Graph::AddControlEdge(GNode& src_node, GNode& dst_node) {
  if (!InGraph(impl_, src_node) || !InGraph(impl_, dst_node)) return GRAPH_FAILED;
  NodeImpl* src = NodeAdapter::Impl(src_node).get();
  std::vector<NodeImpl*>& controls = NodeAdapter::Impl(dst_node)->control_inputs;
  if (std::find(controls.begin(), controls.end(), src) == controls.end()) controls.push_back(src);
  return GRAPH_SUCCESS;
}

graphStatus Graph::CopyFrom(const Graph& src_graph) {
  if (impl_ == nullptr || src_graph.impl_ == nullptr || !src_graph.impl_->valid) return GRAPH_FAILED;
  const std::string name = impl_->name;
  impl_ = src_graph.impl_->Clone();
  impl_->name = name;
  return GRAPH_SUCCESS;
}

GraphPtr Graph::ConstructFromInputs(const std::vector<Operator>& inputs, const AscendString& name) {
  if (inputs.empty()) return nullptr;
  GraphPtr graph = std::make_shared<Graph>(name.GetString());
  graph->SetInputs(inputs);
  return graph->IsValid() ? graph : nullptr;
}

}  // namespace ge
