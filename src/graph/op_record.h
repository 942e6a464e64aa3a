// Op records: one per operator type. From a record follow dtype checks, inference (running Computes on
// types), the ONNX rule, the interpreter's answer, the kernels and the coverage row. Names, kinds,
// attributes and defaults are in data/ops/*.tsv and are not repeated.
#pragma once
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "graph/builder.h"
#include "graph/model.h"
#include "graph/prototype.h"

namespace belay {

// A subgraph as core nodes. Its arguments are the calling node's instances of one input, then the variables used
// inside it (Body::Arguments).
struct LoweredSubgraph {
  std::shared_ptr<Graph> graph;  // nullptr: the nodes are in the calling graph
  std::vector<Node*> outputs;
  std::vector<Node*> written;    // by argument: what its memory holds in the end; nullptr: as before
  std::vector<int> same_as;      // by output: the argument whose memory it is, -1 none
};

// What a record's Computes sees: one node's attributes and inputs as core tensors.
class Body {
 public:
  virtual ~Body() = default;
  Builder& builder() { return b_; }
  const ModelNode& node() const { return node_; }

  bool Has(const char* input) const;
  // The input as it is declared: halves stay halves. Fails when it is absent.
  Tensor Raw(const char* input) const;
  Tensor Optional(const char* input) const;  // Raw, or no tensor where it is absent
  // The input ready for arithmetic: f16/bf16 are lifted to f32, so that a whole op rounds once, in Out.
  Tensor In(const char* input) const;
  std::vector<Tensor> Ins(const char* input) const;     // a dynamic input's instances, lifted
  std::vector<Tensor> RawIns(const char* input) const;
  // False where only a run tells the contents: loops, branches and library functions make them, or, in a subgraph, its
  // arguments. Others are known now, or once the contents of the graph's inputs are.
  bool IsKnownBefore(const char* input) const;
  // Contents of a small integer input. Dims: symbolic if need be. ConstInts: numbers (see NeedsContents).
  std::vector<Dim> Dims(const char* input) const;
  std::vector<int64_t> ConstInts(const char* input) const;
  std::vector<double> ConstFloats(const char* input) const;
  // Gives up for now: the contents of these inputs (by port) must be known.
  [[noreturn]] void NeedContents(const std::vector<int>& ports) const;

  // Attributes by prototype name, with the prototype's default. Required ones must be set.
  int64_t Int(const char* attr) const;
  double Float(const char* attr) const;
  bool Bool(const char* attr) const;
  std::string Str(const char* attr) const;
  DType Type(const char* attr) const;
  std::vector<int64_t> Ints(const char* attr) const;
  std::vector<double> Floats(const char* attr) const;
  std::vector<std::string> Strs(const char* attr) const;
  LiteralPtr Value(const char* attr) const;  // a Tensor attribute
  bool HasAttr(const char* attr) const;      // set by the user
  // "NCHW" and its like where the node declares such a format for its first input, else empty. Str("data_format") is
  // this rather than the attribute: front ends leave that at its default and say the layout with their tensors.
  std::string Layout() const;

  // Sets an output. A float result is rounded to the dtype of the first input that is a float of the declared
  // kind (or to `dtype`): records compute in f32 and say nothing about halves.
  void Out(const char* output, Tensor value);
  void OutAs(const char* output, Tensor value, DType dtype);
  void OutRaw(const char* output, Tensor value);               // exactly as it is
  void Outs(const char* output, const std::vector<Tensor>& values);  // a dynamic output
  void OutPort(size_t port, Tensor value) { outputs_.at(port) = value; }
  int OutCount(const char* output) const;                      // instances the node declares
  bool Wants(const char* output) const;                        // somebody reads it
  // From here on the memory behind the input holds `value`, rounded to its dtype. An output that has the name of an
  // input does the same by itself; others must be named in the record's Writes().
  void Write(const char* input, Tensor value);

  // For control flow: what a subgraph may read, see LoweredSubgraph.
  std::vector<Tensor> Arguments(const char* input) const;
  void WriteArgument(const char* input, size_t argument, Tensor value);
  // The instance of `output` is the memory of that argument.
  void SameMemory(const char* output, int instance, const char* input, size_t argument);
  const std::vector<Tensor>& captures() const { return captures_; }

  // implementation, filled by compile/lower.cc
  Body(Builder& b, const ModelNode& node, const Prototype& prototype, std::vector<Tensor> inputs,
       std::vector<Tensor> captures = {});
  std::vector<Tensor> TakeOutputs();  // by output port; unset ones are empty Tensors
  const std::vector<Tensor>& inputs() const { return inputs_; }
  // By input port, then capture: the value written; empty Tensors where none.
  const std::vector<Tensor>& writes() const { return writes_; }
  const std::vector<std::pair<int, int>>& same_memory() const { return same_memory_; }  // output port, as above
  // Lowers a subgraph attribute with these arguments into a core graph (control flow). `known`, by argument:
  // values of the calling graph whose contents the subgraph may rely on; others are empty Tensors.
  std::function<LoweredSubgraph(const ModelGraph&, const std::vector<TensorType>&, const std::vector<Tensor>& known)>
      lower_subgraph;
  // The same with the nodes put into the calling graph.
  std::function<LoweredSubgraph(const ModelGraph&, const std::vector<Tensor>&)> inline_subgraph;

 private:
  const AttrValue* Find(const char* attr) const;
  const AttrProto& Proto(const char* attr) const;
  int InputIndex(const char* input) const;
  int ArgumentIndex(const char* input, size_t argument) const;  // into writes_
  Builder& b_;
  const ModelNode& node_;
  const Prototype& prototype_;
  std::vector<Tensor> inputs_;
  std::vector<Tensor> captures_;
  std::vector<Tensor> outputs_;
  std::vector<Tensor> writes_;
  std::vector<std::pair<int, int>> same_memory_;
};

// An ONNX node being turned into GE nodes; implemented by import/onnx.
class OnnxNode {
 public:
  virtual ~OnnxNode() = default;
  virtual int opset() const = 0;              // of the node's domain
  virtual const std::string& op() const = 0;  // ONNX operator name
  virtual int input_count() const = 0;
  virtual bool HasInput(int i) const = 0;     // present and not the empty name
  virtual ModelEdge Input(int i) const = 0;   // node -1 when absent
  virtual LiteralPtr ConstInput(int i) const = 0;  // an initializer's or Constant's value, else nullptr
  virtual int InputRank(int i) const = 0;     // from value_info or inference; -1 unknown
  virtual DType InputDType(int i) const = 0;  // kUndefined when unknown
  virtual int output_count() const = 0;
  virtual bool HasOutput(int i) const = 0;

  virtual bool HasAttr(const char* name) const = 0;
  virtual int64_t Int(const char* name, int64_t fallback) const = 0;
  virtual double Float(const char* name, double fallback) const = 0;
  virtual std::string Str(const char* name, const std::string& fallback) const = 0;
  virtual std::vector<int64_t> Ints(const char* name) const = 0;  // empty when absent
  virtual std::vector<double> Floats(const char* name) const = 0;
  virtual std::vector<std::string> Strs(const char* name) const = 0;
  virtual LiteralPtr TensorAttr(const char* name) const = 0;
  // What a sequence of the type that the attribute names would hold, see EncodeElement.
  virtual std::vector<int64_t> TypeAttr(const char* name) const = 0;
  virtual std::shared_ptr<ModelGraph> GraphAttr(const char* name) = 0;  // imported; captures appended as inputs
  // Outer values it uses, in that order. All graphs of one node share one list, so that If's branches take the same.
  virtual std::vector<ModelEdge> GraphCaptures(const char* name) = 0;

  // What computes the value `output` of the node's graph from `inputs`, named there, as a graph of its own; what it
  // uses besides is captured (GraphCaptures).
  virtual std::shared_ptr<ModelGraph> GraphBetween(const std::vector<std::string>& inputs,
                                                   const std::string& output) = 0;

  // Emission. Inputs are positional over the prototype's ports; a dynamic port takes all that the later ports leave.
  virtual ModelEdge Emit(const char* ge_op, const std::vector<ModelEdge>& inputs, AttrMap attrs = {}) = 0;
  virtual std::vector<ModelEdge> EmitN(const char* ge_op, const std::vector<ModelEdge>& inputs, AttrMap attrs,
                                       int dynamic_outputs) = 0;  // all outputs
  // Gives the emitted node that `value` comes from a subgraph under the prototype's name.
  virtual void SetSubgraph(ModelEdge value, const char* name, std::shared_ptr<ModelGraph> graph) = 0;
  virtual ModelEdge Const(LiteralPtr value) = 0;
  ModelEdge ConstInts(const std::vector<int64_t>& values, DType dtype = DType::kI64);  // 1-D
  ModelEdge ConstScalar(DType dtype, double value);                                    // rank 0
  virtual void Output(int i, ModelEdge value) = 0;
  void OutputAll(const std::vector<ModelEdge>& values);  // those that the node has; refuses more than there are values
  [[noreturn]] void Fail(const std::string& what) const;  // "attribute axis is 7, but ..."
};
using OnnxRuleFn = std::function<void(OnnxNode& n)>;

struct OnnxRule {
  std::string op;      // ONNX operator; "domain::Op" outside ai.onnx
  int since = 1;       // used for opsets >= since, until the next rule of the same op
  OnnxRuleFn apply;
};

class OpRecord {
 public:
  std::string type;
  const Prototype* prototype = nullptr;
  std::vector<std::pair<std::string, std::vector<DType>>> dtypes;  // allowed, per input name
  std::vector<OnnxRule> onnx;
  std::function<void(Body&)> computes;
  std::vector<std::string> writes;  // inputs that are written though no output has their name
  bool is_view = false;             // output 0 is the memory of input 0 under another shape
  std::function<VariableDecl(Body&)> declares;  // the node is a variable; nothing to compute

  // Allowed dtypes of an input (others are refused by name); inputs without a line take any.
  OpRecord& Dtypes(const char* input, std::vector<DType> allowed);
  // Inputs and outputs by position; attributes renamed {onnx, ge} (those not listed keep their name if the prototype
  // has it).
  OpRecord& FromOnnx(const char* op, int since = 1, std::vector<std::pair<const char*, const char*>> attrs = {});
  OpRecord& FromOnnx(const char* op, int since, OnnxRuleFn rule);
  OpRecord& Computes(std::function<void(Body&)> computes);
  OpRecord& Writes(std::vector<std::string> inputs);
  OpRecord& IsView();
  OpRecord& Declares(std::function<VariableDecl(Body&)> declares);
};

struct OpRegistryRow {
  const char* type;
  void (*fill)(OpRecord&);
};
extern const OpRegistryRow kOpRegistry[];  // generated from src/ops
extern const int kOpRegistrySize;

const OpRecord* FindOpRecord(const std::string& type);  // nullptr: no record yet
const OnnxRule* FindOnnxRule(const std::string& op, int opset);  // the newest with since <= opset
std::vector<const OpRecord*> AllOpRecords();
std::vector<std::string> OnnxOpsOf(const OpRecord& record);

#define BELAY_OP(Name) void BelayOp_##Name(OpRecord& op)

// Sets of dtypes for Dtypes().
extern const std::vector<DType> kFloats;    // f32 f16 bf16 f64
extern const std::vector<DType> kNumbers;   // floats and all integers
extern const std::vector<DType> kIntegers;
extern const std::vector<DType> kIndices;   // i32 i64
extern const std::vector<DType> kBools;
extern const std::vector<DType> kAnyDtype;  // numbers and bool

}  // namespace belay
