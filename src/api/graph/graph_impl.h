// The nodes and edges behind ge::Graph and ge::GNode.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/graph/op_desc.h"
#include "graph/gnode.h"
#include "graph/graph.h"

namespace ge {

class GraphImpl;
class OperatorImpl;

class NodeImpl {
 public:
  struct Edge {
    Port* to = nullptr;  // my input
    NodeImpl* from = nullptr;
    Port* port = nullptr;  // its output
  };

  std::shared_ptr<OpDesc> desc;
  GraphImpl* graph = nullptr;  // nullptr once removed
  std::vector<Edge> inputs;
  std::vector<NodeImpl*> control_inputs;
  std::vector<std::pair<std::string, std::vector<GraphPtr>>> subgraphs;  // by declared name

  const Edge* FindEdge(const Port* to) const;
};

class GraphImpl : public std::enable_shared_from_this<GraphImpl> {
 public:
  std::string name;
  bool valid = false;
  bool need_iteration = false;
  std::string rest, model_rest;  // of the file it was read from; see ge_proto.h
  bool has_end = false;  // was read with a NetOutput, so that no outputs are meant, too
  std::mutex claim_mutex;
  std::weak_ptr<void> claim;  // of the session that has the graph
  std::vector<std::pair<std::string, Operator>> ops;  // AddOp
  std::vector<std::unique_ptr<NodeImpl>> nodes;
  std::vector<std::unique_ptr<NodeImpl>> removed;  // a GNode may still name one
  std::vector<NodeImpl*> inputs;  // as SetInputs gave them
  std::vector<std::pair<NodeImpl*, int>> outputs;
  std::vector<NodeImpl*> targets;
  std::shared_ptr<void> name_by_abi[2];  // what GetName refers to, one per std::string

  void Build(const std::vector<Operator>& from);
  // Adds what is linked to an operator by now and was not when the graph was built; nothing when none of it is here.
  void Extend(const Operator& op);
  NodeImpl* Add(std::shared_ptr<OpDesc> desc);
  NodeImpl* Find(const OpDesc* desc) const;
  void Clear();
  void Remove(NodeImpl* node);
  GNode Handle(NodeImpl* node);
  // This level and below.
  void Collect(bool with_subgraphs, std::vector<GNode>* out);
  std::shared_ptr<GraphImpl> Clone() const;

 private:
  // Nodes for those of the operators, sources first, that have none. By operator.
  std::unordered_map<OperatorImpl*, NodeImpl*> AddLinked(const std::vector<OperatorImpl*>& sorted);
};

// Reaches the private parts for the rest of the library.
class GraphUtils {
 public:
  static const GraphImplPtr& Impl(const Graph& graph) { return graph.impl_; }
  static GraphImplPtr& Impl(Graph& graph) { return graph.impl_; }
};

class NodeAdapter {
 public:
  static const std::shared_ptr<NodeImpl>& Impl(const GNode& node) { return node.impl_; }
  static GNode Make(std::shared_ptr<NodeImpl> impl) {
    GNode node;
    node.impl_ = std::move(impl);
    return node;
  }
};

}  // namespace ge
