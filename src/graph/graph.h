// The core IR: about 30 operations on tensors with symbolic extents. Every node has one output;
// calls with several are followed by kGetOutput nodes.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/status.h"
#include "graph/dim.h"
#include "graph/literal.h"

namespace belay {

class Graph;

enum class Op : uint8_t {
  kInput,      // index: position; a graph's argument
  kConst,      // literal
  kIota,       // type.shape; value = coordinate along axes[0]
  kDims,       // small static shape; element k (row-major) has the value of starts[k]
  kMap,        // elementwise `scalar` of inputs that all have exactly the output's shape
  kReshape,    // views: no arithmetic, only index mapping
  kTranspose,  // out[i_0..] with out dim k = in dim axes[k]
  kBroadcast,  // same rank; in extents are 1 or equal the out extent
  kSlice,      // out[i] = in[starts + i*steps], per dim; always in range (steps may be negative)
  // inputs {x, fill scalar}: p = i - starts; x[p/steps] where p >= 0, steps divides p, p/steps in range; else fill
  kPad,
  kConcat,  // along axes[0]
  // inputs {data, idx...}; data dim j has coordinate axes[j] >= 0 ? i[axes[j]] : idx[-axes[j]-1][i];
  // idx have the output's shape, i64/i32
  kGather,
  // inputs {data, updates, idx...}: out = data; for each u in updates' index space, in row-major order:
  // out[coord(u)] (reduce)= updates[u]; axes as in kGather; reduce kNone overwrites
  kScatter,
  // over `axes`, which vanish; reduce kArgMax/kArgMin give i64 of the first hit (last with flag) and take one axis
  kReduce,
  kScan,  // cumulative `reduce` along axes[0]; flags kExclusive, kReverse
  // reduce over windows: x [N, spatial..., C]; out [N, spatial'..., C]; window; cells outside x are skipped;
  // kArgMax gives i64 flat spatial index within its image
  kPool,
  // a [batch..., M, K] x b [batch..., K, N] -> [batch..., M, N]; out dtype is the accumulator's: f32, f64, i32, i64
  kContract,
  // x [N, spatial..., C], w [spatial..., C/groups, O] -> [N, spatial'..., O]; window; out dtype as kContract
  kConv,
  kCall,       // library function `callee` on dense buffers, with `attrs`; outputs in `call_types`
  kGetOutput,  // index: which output of the kCall/kIf/kWhile input
  kIf,         // inputs {cond, captures...}; subgraphs {then, else} take the captures
  kWhile,      // inputs {carried...}; subgraphs {cond, body} take the carried values; outputs carried
  kFused,      // subgraphs {fragment}: one kernel; made by the fusion pass
};

enum class ScalarOp : uint8_t {
  // binary: T,T -> T. Integer add/sub/mul wrap. kDiv on integers truncates; x/0 is 0.
  kAdd, kSub, kMul, kDiv, kFloorDiv, kMod /*sign of divisor*/, kFMod /*sign of dividend*/, kPow,
  kMax, kMin,  // NaN if either is NaN
  kAnd, kOr, kXor,  // bitwise; logical on bool
  kShl, kShr, kAtan2, kCopySign,
  // comparisons: T,T -> bool
  kEq, kNe, kLt, kLe, kGt, kGe,
  kSelect,  // bool,T,T -> T
  kCast,    // T -> U. float -> int truncates, saturates at the range, NaN is 0; int -> int wraps; to bool: != 0
  kBitcast,  // same width; of narrow types, that of their storage (base/narrow.h)
  // unary T -> T
  kNeg, kAbs, kSign, kNot /*bitwise; logical on bool*/, kFloor, kCeil, kRound /*half to even*/, kTrunc, kSqrt, kRsqrt,
  kRecip, kExp, kExp2, kExpm1, kLog, kLog2, kLog1p, kSin, kCos, kTan, kAsin, kAcos, kAtan, kSinh, kCosh, kTanh,
  kAsinh, kAcosh, kAtanh, kErf, kSigmoid,
  kIsNan, kIsInf,  // float -> bool
  kFma,  // a*b+c, rounded once
};
const char* ScalarOpName(ScalarOp op);  // "add", "select", ...

enum class ReduceKind : uint8_t { kNone, kSum, kProd, kMax, kMin, kAnd, kOr, kArgMax, kArgMin };
const char* ReduceKindName(ReduceKind kind);

enum NodeFlags : uint8_t {
  kExclusive = 1, kReverse = 2,  // kScan
  kSelectLast = 4,               // kArgMax/kArgMin: the last of equals
  kKeepsOperands = 128,          // kContract, kConv: operands are not rounded to less, the user's node says _keep_dtype
};

// Convolution and pooling windows, one entry per spatial dim, channels-last.
struct Window {
  std::vector<int64_t> kernel, strides, dilations;
  std::vector<Dim> pads_lo;  // what lies behind the end follows from the output's extents
  int64_t groups = 1;        // kConv; groups == C == O/multiplier is depthwise
  int64_t fill = 0;          // kConv: what cells outside x count as; not 0 for integers only, within x's dtype
  bool operator==(const Window&) const = default;
};

// What a sequence or optional holds, as far as it is known.
struct ElementType {
  static constexpr int kAnyRank = -1, kNone = -2;
  bool optional = false;
  DType dtype = DType::kUndefined;             // kResource: see `element`
  int rank = kNone;                            // kNone: there are no elements yet
  std::shared_ptr<const ElementType> element;  // what the elements hold
};

struct TensorType {
  DType dtype = DType::kUndefined;
  Shape shape;
  std::shared_ptr<const ElementType> element = nullptr;  // of kResource; nullptr: nothing is known
  bool operator==(const TensorType& other) const { return dtype == other.dtype && shape == other.shape; }
};
std::string ToString(const TensorType& type);  // "f32[2,s0]"

using CallAttr = std::pair<std::string, int64_t>;
int64_t AttrOf(const std::vector<CallAttr>& attrs, std::string_view name, int64_t fallback);
// Of a kWhile: without a turn, some result would have another rank than its type says.
inline constexpr char kNeedsTurn[] = "needs_turn";
struct LibraryCall;
using LibraryFn = std::function<Status(LibraryCall& call)>;  // see graph/library.h

struct Node {
  int id = 0;
  Op op = Op::kInput;
  ScalarOp scalar = ScalarOp::kAdd;
  ReduceKind reduce = ReduceKind::kNone;
  uint8_t flags = 0;
  int index = 0;                 // kInput, kGetOutput
  std::vector<Node*> inputs;
  TensorType type;               // kCall, kIf, kWhile: of output 0
  std::vector<int> axes;
  std::vector<Dim> starts, steps;  // kSlice, kPad
  LiteralPtr literal;
  std::shared_ptr<const Window> window;
  std::string callee;
  std::shared_ptr<const LibraryFn> function;  // kCall: what it runs, where the library has no `callee`
  std::vector<CallAttr> attrs;  // kCall; kWhile: kNeedsTurn
  std::vector<TensorType> call_types;             // kCall, kIf, kWhile: all outputs
  std::vector<int> binds;                         // kCall: symbols whose values it returns, in order
  std::vector<std::shared_ptr<Graph>> subgraphs;
  std::vector<Node*> control;                     // nodes that must run before this one
  // kFused: the result takes over the memory of this node (a graph input or another such result), one of its own
  // inputs or not; whoever else reads that runs before. nullptr: memory of its own. Set by the last pass.
  Node* home = nullptr;
  std::string name;                               // the user's node, for messages
  std::string note;                               // kFused: why its result is written to memory
  // Known contents of a small integer tensor, row-major.
  std::optional<std::vector<Dim>> contents;

  const Shape& shape() const { return type.shape; }
  int rank() const { return static_cast<int>(type.shape.size()); }
};

// Where a symbol's value comes from at run time.
struct SymbolInfo {
  std::string name;
  static constexpr int kBytes = -2;
  int input = -1, dim = -1;  // extent `dim` (or size in bytes) of graph input `input`; -1: bound by a kCall
  int64_t hint = -1;         // a likely value; -1 unknown
  int element = -1;          // from 0: this element of the input's contents, instead of an extent
};

// When a run ends, the memory of graph input `input` holds `value`.
struct Store {
  int input = 0;
  Node* value = nullptr;
};

// A decision the compiler took about symbols; a call for which it does not hold needs another variant.
struct Guard {
  Dim condition;  // 1 or 0
  bool expected = true;
  std::vector<int> scopes{0};  // Graph::scope of the graphs that rely on it
  // Instead of the condition: what only a function can tell about a call's symbols.
  std::shared_ptr<const std::function<bool(const std::vector<int64_t>& symbols)>> test;
  bool Holds(const std::vector<int64_t>& symbols) const;
  // Holds a symbol that is bound while the graph runs.
  bool DependsOnRun(const std::vector<SymbolInfo>& symbols) const;
};

class Graph {
 public:
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;

  Node* Add(Op op, std::vector<Node*> inputs, TensorType type);
  Node* AddInput(int index, TensorType type, std::string name = "");
  const std::deque<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  int size() const { return static_cast<int>(nodes_.size()); }  // ids are below this

  std::vector<Node*> inputs;   // kInput nodes by position
  std::vector<Node*> outputs;
  std::vector<std::string> output_names;
  std::vector<Store> stores;           // at most one per input; none in subgraphs
  std::vector<std::string> variables;  // the last inputs are memory that outlives the run, by these names
  int scope = 0;             // its number among the graphs under one root; the root is 0
  int scopes = 1;            // the root's: numbers given so far
  std::vector<SymbolInfo> symbols;  // by id; empty in fragments and subgraphs (they use the root's)
  std::vector<Guard> guards;

 private:
  std::deque<std::unique_ptr<Node>> nodes_;
};

// Nodes that outputs and stores need, inputs before users (control edges too), and who binds a symbol before who uses
// it. Inputs of the graph always come first.
std::vector<Node*> TopologicalOrder(const Graph& graph);
// Adds the symbols that a node's extents and those of its subgraphs hold, one as often as it is found.
void CollectSymbols(const Node& node, std::vector<int>* ids);
// The node and all that it reads, directly or not.
std::vector<const Node*> NodesBehind(const Graph& graph, const Node* node);
// How many nodes (and graph outputs and stores) read each node, by id, among the live ones.
std::vector<int> UseCounts(const Graph& graph);

// Symbols, guards and names of `graph`, and none of its nodes.
std::unique_ptr<Graph> EmptyLike(const Graph& graph);
// Copies live nodes into a new graph, asking `rewrite` for each: it returns the node (of the new graph)
// that stands for `node`, or nullptr for a plain copy. `mapped(n)` is the new node of an old input.
using Rewrite = std::function<Node*(Graph& out, const Node& node,
                                    const std::function<Node*(const Node*)>& mapped)>;
std::unique_ptr<Graph> RewriteGraph(const Graph& graph, const Rewrite& rewrite);
// A copy of `node` in `out` with other inputs, without control edges and home.
Node* CopyNode(Graph& out, const Node& node, std::vector<Node*> inputs);

// The node whose memory `node` is under another shape.
Node* ThroughReshapes(Node* node);
inline const Node* ThroughReshapes(const Node* node) { return ThroughReshapes(const_cast<Node*>(node)); }
// Another view of the same elements.
inline bool IsView(const Node* n) {
  return n->op == Op::kReshape || n->op == Op::kTranspose || n->op == Op::kBroadcast || n->op == Op::kSlice;
}
inline bool IsMap(const Node* n, ScalarOp op) { return n->op == Op::kMap && n->scalar == op; }
inline bool IsProduct(const Node* n) { return n->op == Op::kContract || n->op == Op::kConv; }
// A convolution of one group that reads one pixel of x for each of its result, and no border.
bool IsPointwise(const Node& conv);
// A convolution of f32 over pictures whose few colours lie in planes of their own (a kTranspose of N C H W), with
// results enough for vectors: kernels read them there. Tiles of pixels take kFewestRun to kMostRun of a row at once,
// and all of a row together.
constexpr int64_t kFewestRun = 7, kMostRun = 11;
bool ReadsPlanes(const Node& conv);
// The image of a pointwise convolution of f32 as pixels times a number for each of their channels, as squeeze-and-
// excite makes it: kernels multiply the filter instead, which is smaller.
struct GatedImage {
  Node *pixels, *gate;  // the map's operands; the gate is spread over all pixels of an image
};
std::optional<GatedImage> FindGate(const Node& conv);
// The contraction or convolution of a fragment; nullptr where there is none or several.
const Node* OnlyProduct(const Graph& fragment);
// A kernel of this fragment may write its result over its input `input`: every element is read before it is
// written and not again, or (a kScatter) stays as it is.
bool CanOverwrite(const Graph& fragment, int input);
// Nodes that `node` waits for, by id: through inputs and control edges.
std::vector<char> Ancestors(const Graph& graph, const Node* node);

std::string PrintGraph(const Graph& graph);              // text form, graph/text.cc
Result<std::unique_ptr<Graph>> ParseGraph(const std::string& text);
Status VerifyGraph(const Graph& graph);                  // what a legal graph is, graph/verify.cc

}  // namespace belay
