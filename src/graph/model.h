// ModelGraph: what users and importers build, nodes of GE operators by name. The compiler lowers it to
// the core Graph (graph.h) by running each op record; nothing after that sees it.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/dtype.h"
#include "base/status.h"
#include "graph/literal.h"

namespace belay {

class ModelGraph;
class OpRecord;
struct TensorType;

using AttrValue = std::variant<std::monostate, int64_t, double, bool, std::string, DType, LiteralPtr,
                               std::vector<int64_t>, std::vector<double>, std::vector<bool>,
                               std::vector<std::string>, std::vector<DType>, std::vector<LiteralPtr>,
                               std::vector<std::vector<int64_t>>, std::vector<uint8_t>>;
using AttrMap = std::map<std::string, AttrValue>;

// What the user declared about a tensor. dims: -1 unknown extent; {-2} unknown rank.
struct ModelDesc {
  DType dtype = DType::kUndefined;
  int32_t format = 2;  // ge::Format number; 2 = ND
  std::vector<int64_t> dims = {-2};
};

struct ModelEdge {
  int node = -1;  // -1: an optional input left out
  int output = 0;
  bool operator==(const ModelEdge&) const = default;
};

// An input or output instance: prototype port and, for dynamic ports, the instance number.
struct ModelPort {
  std::string name;   // "x1", or "x" for instance k of dynamic port x
  int instance = 0;
};

struct ModelNode {
  std::string name, type;           // unique name; GE op type
  std::vector<ModelEdge> inputs;    // one per input_ports entry
  std::vector<ModelPort> input_ports;
  std::vector<int32_t> input_formats;  // per input port, ge::Format numbers as declared there; may be empty
  std::vector<ModelPort> output_ports;
  std::vector<ModelDesc> output_descs;  // per output port; may be unknown except on Data
  std::vector<int> control_inputs;
  AttrMap attrs;                    // only what was set; defaults come from the prototype
  std::map<std::string, std::vector<std::shared_ptr<ModelGraph>>> subgraphs;  // by prototype name
  std::string origin;               // "ONNX node conv1 (Conv)"; empty when built by hand
  bool refused = false;             // by the importer, which said why: only what output_descs say of it is known
  std::shared_ptr<const OpRecord> record;  // of an operator the program brought; null: the table's
};

// Memory of the session that a node stands for.
struct VariableDecl {
  std::string name;
  DType dtype = DType::kUndefined;
  std::vector<int64_t> dims;
  LiteralPtr initial;  // nullptr: none until a graph assigns it
};

// Data nodes carry attr "index" (input position); Const/Constant carry attr "value" (LiteralPtr).
// In a subgraph, Data index k is the k-th argument of the calling node.
class ModelGraph {
 public:
  std::string name;
  std::vector<ModelNode> nodes;   // any order; cycles are refused by the compiler
  std::vector<ModelEdge> outputs;
  bool may_be_empty = false;      // no outputs and no writes are what the user meant
  std::vector<int> targets;       // nodes that run before outputs are read, though nothing reads them
  std::vector<std::string> output_names;  // user's names; may be empty
};

bool IsData(const ModelNode& node);  // one that stands for an input
// `wanted`, or with the first number behind it that makes a name not taken yet; it is then.
std::string UniqueName(const std::string& wanted, std::set<std::string>* taken);
std::vector<int64_t> DescribedDims(const TensorType& type);  // extents that are no numbers are -1
std::string Describe(const ModelNode& node);  // for messages: "node 'a' (Add) from ..."
// Node numbers, producers first; refuses cycles and edges from nodes that do not exist.
Result<std::vector<int>> TopologicalOrder(const ModelGraph& model);

// What inference found, by node and output; an undefined dtype where it found nothing. Nodes of subgraphs are in it.
using ModelTypes = std::map<const ModelNode*, std::vector<TensorType>>;
// A copy whose descriptions say these types; extents that are no numbers are -1.
std::shared_ptr<ModelGraph> WithTypes(const ModelGraph& model, const ModelTypes& types);

}  // namespace belay
