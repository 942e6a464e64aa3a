#include "graph/gnode.h"

#include "api/graph/const_data.h"
#include "api/graph/graph_impl.h"
#include "graph/attr_value.h"

namespace ge {
namespace {

GNodePtr HandleOf(NodeImpl* node) {
  if (node == nullptr || node->graph == nullptr) return nullptr;
  return std::make_shared<GNode>(node->graph->Handle(node));
}

template <typename T>
graphStatus Take(const std::shared_ptr<NodeImpl>& impl, const AscendString& name, T* value) {
  if (impl == nullptr) return GRAPH_FAILED;
  const AttrData* data = impl->desc->FindAttr(name.GetString());
  return data != nullptr && FromAttr(*data, value) ? GRAPH_SUCCESS : GRAPH_FAILED;
}

template <typename T>
graphStatus Put(const std::shared_ptr<NodeImpl>& impl, const AscendString& name, const T& value) {
  if (impl == nullptr) return GRAPH_FAILED;
  impl->desc->attrs[name.GetString()] = ToAttr(value);
  return GRAPH_SUCCESS;
}

graphStatus Update(Port* port, const TensorDesc& desc) {
  if (port == nullptr) return GRAPH_FAILED;
  port->desc = desc;
  port->desc_set = true;
  return GRAPH_SUCCESS;
}

graphStatus Read(const Port* port, TensorDesc* desc) {
  if (port == nullptr) return GRAPH_FAILED;
  *desc = port->desc;
  return GRAPH_SUCCESS;
}

}  // namespace

GNode::GNode() = default;

graphStatus GNode::GetType(AscendString& type) const {
  if (impl_ == nullptr) return GRAPH_FAILED;
  type = AscendString(impl_->desc->type.c_str());
  return GRAPH_SUCCESS;
}
graphStatus GNode::GetName(AscendString& name) const {
  if (impl_ == nullptr) return GRAPH_FAILED;
  name = AscendString(impl_->desc->name.c_str());
  return GRAPH_SUCCESS;
}

std::pair<GNodePtr, int32_t> GNode::GetInDataNodesAndPortIndexs(const int32_t index) const {
  const Port* to = impl_ == nullptr ? nullptr : impl_->desc->inputs.At(index);
  const NodeImpl::Edge* edge = to == nullptr ? nullptr : impl_->FindEdge(to);
  if (edge == nullptr) return {nullptr, -1};
  return {HandleOf(edge->from), edge->from->desc->outputs.Find(edge->port->name)};
}

std::vector<GNodePtr> GNode::GetInControlNodes() const {
  std::vector<GNodePtr> found;
  if (impl_ == nullptr) return found;
  for (NodeImpl* node : impl_->control_inputs) found.push_back(HandleOf(node));
  return found;
}

std::vector<std::pair<GNodePtr, int32_t>> GNode::GetOutDataNodesAndPortIndexs(
    const int32_t index) const {
  std::vector<std::pair<GNodePtr, int32_t>> found;
  const Port* from = impl_ == nullptr ? nullptr : impl_->desc->outputs.At(index);
  if (from == nullptr || impl_->graph == nullptr) return found;
  for (const auto& node : impl_->graph->nodes) {
    for (const NodeImpl::Edge& edge : node->inputs) {
      if (edge.from != impl_.get() || edge.port != from) continue;
      found.emplace_back(HandleOf(node.get()), node->desc->inputs.Find(edge.to->name));
    }
  }
  return found;
}

std::vector<GNodePtr> GNode::GetOutControlNodes() const {
  std::vector<GNodePtr> found;
  if (impl_ == nullptr || impl_->graph == nullptr) return found;
  for (const auto& node : impl_->graph->nodes) {
    for (const NodeImpl* control : node->control_inputs) {
      if (control == impl_.get()) found.push_back(HandleOf(node.get()));
    }
  }
  return found;
}

graphStatus GNode::GetInputConstData(const int32_t index, Tensor& data) const {
  const Port* to = impl_ == nullptr ? nullptr : impl_->desc->inputs.At(index);
  const NodeImpl::Edge* edge = to == nullptr ? nullptr : impl_->FindEdge(to);
  if (edge == nullptr) return GRAPH_FAILED;
  return ConstDataOf(*edge->from->desc, &data) ? GRAPH_SUCCESS : GRAPH_NODE_WITHOUT_CONST_INPUT;
}

graphStatus GNode::GetInputIndexByName(const AscendString& name, int32_t& index) {
  if (impl_ == nullptr) return GRAPH_FAILED;
  index = impl_->desc->inputs.Find(name.GetString());
  return index >= 0 ? GRAPH_SUCCESS : GRAPH_FAILED;
}
graphStatus GNode::GetOutputIndexByName(const AscendString& name, int32_t& index) {
  if (impl_ == nullptr) return GRAPH_FAILED;
  index = impl_->desc->outputs.Find(name.GetString());
  return index >= 0 ? GRAPH_SUCCESS : GRAPH_FAILED;
}

size_t GNode::GetInputsSize() const {
  return impl_ == nullptr ? 0 : impl_->desc->inputs.instances.size();
}
size_t GNode::GetOutputsSize() const {
  return impl_ == nullptr ? 0 : impl_->desc->outputs.instances.size();
}
graphStatus GNode::GetInputDesc(const int32_t index, TensorDesc& tensor_desc) const {
  return Read(impl_ == nullptr ? nullptr : impl_->desc->inputs.At(index), &tensor_desc);
}
graphStatus GNode::UpdateInputDesc(const int32_t index, const TensorDesc& tensor_desc) {
  return Update(impl_ == nullptr ? nullptr : impl_->desc->inputs.At(index), tensor_desc);
}
graphStatus GNode::GetOutputDesc(const int32_t index, TensorDesc& tensor_desc) const {
  return Read(impl_ == nullptr ? nullptr : impl_->desc->outputs.At(index), &tensor_desc);
}
graphStatus GNode::UpdateOutputDesc(const int32_t index, const TensorDesc& tensor_desc) {
  return Update(impl_ == nullptr ? nullptr : impl_->desc->outputs.At(index), tensor_desc);
}

#define BELAY_NODE_ATTR(Type)                                                            \
  graphStatus GNode::GetAttr(const AscendString& name, Type& attr_value) const {         \
    return Take(impl_, name, &attr_value);                                               \
  }                                                                                      \
  graphStatus GNode::SetAttr(const AscendString& name, Type& attr_value) const {         \
    return Put(impl_, name, attr_value);                                                 \
  }
BELAY_NODE_ATTR(int64_t)
BELAY_NODE_ATTR(int32_t)
BELAY_NODE_ATTR(uint32_t)
BELAY_NODE_ATTR(float)
BELAY_NODE_ATTR(AscendString)
BELAY_NODE_ATTR(bool)
BELAY_NODE_ATTR(Tensor)
BELAY_NODE_ATTR(std::vector<int64_t>)
BELAY_NODE_ATTR(std::vector<int32_t>)
BELAY_NODE_ATTR(std::vector<uint32_t>)
BELAY_NODE_ATTR(std::vector<float>)
BELAY_NODE_ATTR(std::vector<AscendString>)
BELAY_NODE_ATTR(std::vector<bool>)
BELAY_NODE_ATTR(std::vector<Tensor>)
BELAY_NODE_ATTR(OpBytes)
BELAY_NODE_ATTR(std::vector<std::vector<int64_t>>)
BELAY_NODE_ATTR(std::vector<DataType>)
BELAY_NODE_ATTR(DataType)
BELAY_NODE_ATTR(AttrValue)

bool GNode::HasAttr(const AscendString& name) {
  return impl_ != nullptr && impl_->desc->FindAttr(name.GetString()) != nullptr;
}

graphStatus GNode::GetSubgraph(uint32_t index, GraphPtr& graph) const {
  std::vector<GraphPtr> graphs;
  if (GetALLSubgraphs(graphs) != GRAPH_SUCCESS || index >= graphs.size()) return GRAPH_FAILED;
  graph = graphs[index];
  return GRAPH_SUCCESS;
}
graphStatus GNode::GetALLSubgraphs(std::vector<GraphPtr>& graph_list) const {
  if (impl_ == nullptr) return GRAPH_FAILED;
  for (const auto& [name, graphs] : impl_->subgraphs) {
    graph_list.insert(graph_list.end(), graphs.begin(), graphs.end());
  }
  return GRAPH_SUCCESS;
}

}  // namespace ge
