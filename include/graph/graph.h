#ifndef GRAPH_GRAPH_H_
#define GRAPH_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/gnode.h"
#include "graph/graph_buffer.h"
#include "graph/operator.h"
#include "graph/tensor.h"
#include "graph/types.h"

namespace ge {

class Graph;
class GraphImpl;
using GraphImplPtr = std::shared_ptr<GraphImpl>;
using GraphPtr = std::shared_ptr<Graph>;
using ConstGraphPtr = std::shared_ptr<const Graph>;

// Copies share the graph. It is valid once SetInputs, a parser, a load or AddNodeByOp filled it.
class Graph {
  friend class GraphUtils;

 public:
  explicit Graph(const std::string& name);
  explicit Graph(const char* name);
  Graph() = default;
  ~Graph() = default;

  Graph& SetInputs(const std::vector<Operator>& inputs);
  Graph& SetOutputs(const std::vector<Operator>& outputs);
  Graph& SetOutputs(const std::vector<std::pair<Operator, std::vector<size_t>>>& output_indexs);
  Graph& SetOutputs(const std::vector<std::pair<Operator, std::string>>& outputs);
  Graph& SetOutputs(const std::vector<std::pair<Operator, AscendString>>& outputs);
  Graph& SetTargets(const std::vector<Operator>& targets);
  bool IsValid() const;
  graphStatus AddOp(const Operator& op);
  graphStatus FindOpByName(const std::string& name, Operator& op) const;
  graphStatus FindOpByName(const char* name, Operator& op) const;
  graphStatus FindOpByType(const std::string& type, std::vector<Operator>& ops) const;
  graphStatus FindOpByType(const char* type, std::vector<Operator>& ops) const;
  graphStatus GetAllOpName(std::vector<std::string>& op_name) const;
  graphStatus GetAllOpName(std::vector<AscendString>& names) const;
  graphStatus SaveToFile(const std::string& file_name) const;
  graphStatus SaveToFile(const char* file_name) const;
  graphStatus LoadFromFile(const std::string& file_name);
  graphStatus LoadFromFile(const char* file_name);
  graphStatus LoadFromSerializedModelArray(const void* serialized_model, size_t size);
  graphStatus SaveToMem(GraphBuffer& graph_buffer) const;
  graphStatus LoadFromMem(const GraphBuffer& graph_buffer);
  graphStatus LoadFromMem(const uint8_t* data, const size_t len);
  const std::string& GetName() const;
  graphStatus GetName(AscendString& name) const;
  void SetNeedIteration(bool need_iteration);
  std::vector<GNode> GetAllNodes() const;
  std::vector<GNode> GetDirectNode() const;
  graphStatus RemoveNode(GNode& node);
  graphStatus RemoveNode(GNode& node, bool contain_subgraph);
  graphStatus RemoveEdge(GNode& src_node, const int32_t src_port_index, GNode& dst_node,
                         const int32_t dst_port_index);
  GNode AddNodeByOp(const Operator& op);
  graphStatus AddDataEdge(GNode& src_node, const int32_t src_port_index, GNode& dst_node,
                          const int32_t dst_port_index);
  graphStatus AddControlEdge(GNode& src_node, GNode& dst_node);
  graphStatus CopyFrom(const Graph& src_graph);
  static GraphPtr ConstructFromInputs(const std::vector<Operator>& inputs,
                                      const AscendString& name);

 private:
  GraphImplPtr impl_;
};

}  // namespace ge

#endif  // GRAPH_GRAPH_H_
