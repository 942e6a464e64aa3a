// One ONNX graph, or a subgraph in the scope of its outer ones, being turned into a ModelGraph.
#pragma once
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/op_record.h"
#include "import/onnx/importer.h"
#include "import/onnx/tensor.h"
#include "import/onnx/types.h"

namespace belay::onnx {

struct ImportContext {
  const Model& model;
  const OnnxImportOptions& options;
  ExternalFiles* files;
  Problems* problems;
};

// A node's name for messages: its own, or that of its first output.
std::string DisplayName(const Node& node);
// "Conv", or "domain::Op" outside ai.onnx.
std::string RuleKey(const Node& node);
// "ONNX node conv1 (Conv)"
std::string NodeText(const Node& node);
// Throws OpError when the model imports no opset for the node's domain.
int OpsetOf(const ImportContext& ctx, const Node& node);

// What a node is refused for goes to the context's problems, and the node's outputs become what is declared of them.
// Errors that leave nothing to go on with are thrown as OpError.
class GraphImporter {
 public:
  GraphImporter(const ImportContext& ctx, GraphImporter* outer);

  // argument_types: what the calling node passes, for inputs that declare less.
  void Run(const Graph& graph, const std::vector<ValueType>& argument_types);
  std::shared_ptr<ModelGraph> graph() const { return graph_; }
  const Graph* source() const { return source_; }  // while it runs
  const std::vector<ValueType>& output_types() const { return output_types_; }

  // Outer values this subgraph uses; their Data nodes follow the formal inputs. `order` is a superset.
  const std::vector<std::string>& captures() const { return captures_; }
  void ReorderCaptures(const std::vector<std::string>& order);

  // For nodes.
  const ImportContext& context() const { return ctx_; }
  ModelEdge Value(const std::string& name);
  LiteralPtr Constant(const std::string& name);  // nullptr when it is none
  LiteralPtr ConstantAt(ModelEdge edge) const;
  ValueType Type(const std::string& name);
  // assumed: it depends on what a refused node would have made.
  void SetValue(const std::string& name, ModelEdge edge, const ValueType& type, bool assumed);
  bool IsAssumed(const std::string& name) const;
  void SetConstant(const std::string& name, LiteralPtr value);
  void SetMissing(const std::string& name, std::string why) { missing_[name] = std::move(why); }
  ModelEdge AddConst(const std::string& name, LiteralPtr value);
  int AddNode(ModelNode node);  // makes the name unique
  // The node that is imported now, for messages from inside its subgraphs.
  void Enter(const Node& node) { at_ = &node; }
  // Its problem, unless it reads something unknown.
  void Refuse(const Node& node, const Status& status);
  // Gives the node's outputs their declared types and nothing else.
  void StandIn(const Node& node);

 private:
  struct Known {
    ModelEdge edge;
    ValueType type;
    bool assumed = false;
  };
  void AddInputs(const Graph& graph, const std::vector<ValueType>& argument_types);
  void AddInput(const ValueInfo& input, const ValueType& argument, bool top);
  void AddStandIn(const std::string& name, const std::string& type, const std::vector<std::string>& outputs,
                  const std::vector<ValueType>& types);
  std::string Where(const Node& node) const;
  // What is assumed of the value says too little to judge those who read it.
  bool IsUnknown(const std::string& name);
  std::string WhyNoValue(const std::string& name) const;
  void AddInitializers(const Graph& graph);
  void AddOutputs(const Graph& graph);
  void AddNamedOutputs(const Graph& graph);
  int AddData(const std::string& name, int index, const ValueType& type);
  bool Knows(const std::string& name);
  ValueType Declared(const std::string& name) const;
  std::string UniqueName(const std::string& base);

  const ImportContext& ctx_;
  GraphImporter* outer_;
  const Graph* source_ = nullptr;
  const Node* at_ = nullptr;
  std::shared_ptr<ModelGraph> graph_;
  std::unordered_map<std::string, Known> values_;
  std::unordered_map<std::string, LiteralPtr> constants_;
  std::unordered_map<std::string, const TensorProto*> initializers_;  // converted when first used
  std::unordered_map<std::string, const SparseTensorProto*> sparse_initializers_;
  std::unordered_map<std::string, ValueType> declared_;
  std::unordered_map<std::string, std::string> missing_;  // values that a rule does not give
  std::unordered_map<std::string, int> used_names_;
  std::vector<std::string> captures_;
  std::vector<ValueType> output_types_;
  int formal_inputs_ = 0;
};

}  // namespace belay::onnx
