// The language of op records: Tensor values and the functions that make core nodes. Shapes broadcast by
// NumPy's rules; every function checks its arguments and throws OpError (caught in compile/lower.cc),
// so that a record reads as the formula it is.
#pragma once
#include <initializer_list>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace belay {

// The only exception inside Belay; never leaves Lower().
struct OpError {
  Status status;
};
// A value is needed at compile time that depends on the contents of these graph inputs: the compiler
// defers to the first call and makes a variant for the contents it finds.
struct NeedsContents {
  std::vector<int> graph_inputs;
};
// Extents are needed as numbers: the compiler defers to the first call, whose extents are the hints.
struct NeedsExtents {};
template <typename... Args>
[[noreturn]] void Fail(fmt::format_string<Args...> format, Args&&... args) {
  throw OpError{Status(Code::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...))};
}
template <typename... Args>
[[noreturn]] void FailNotSupported(fmt::format_string<Args...> format, Args&&... args) {
  throw OpError{Status(Code::kNotSupported, fmt::format(format, std::forward<Args>(args)...))};
}

class Tensor;

// Makes nodes in one graph; owns the decisions about symbols.
class Builder {
 public:
  // `root` owns symbols and guards (differs from `graph` inside subgraphs). hints: by symbol id, -1 unknown.
  explicit Builder(Graph* graph, Graph* root = nullptr) : graph_(graph), root_(root ? root : graph) {
    if (graph_ != root_ && graph_->scope == 0) graph_->scope = root_->scopes++;
  }
  Graph& graph() { return *graph_; }
  Graph& root() { return *root_; }

  // Decides a condition on symbols now and records the decision as a guard. `likely` when no hint tells.
  bool Assume(const Dim& condition, bool likely);
  // The extent as a number; an open one makes the variant one for calls that agree with the call at hand.
  int64_t Fix(const Dim& extent);
  Dim NewSymbol(std::string name, int64_t hint = -1);  // bound at run time by a kCall
  Dim NewBound(std::string name, std::vector<int>* binds);  // one that a node sets in a run: its number joins `binds`

  Tensor Constant(LiteralPtr literal);
  Tensor Scalar(DType dtype, double value);
  Tensor ScalarInt(DType dtype, int64_t value);
  Tensor Ints(DType dtype, const std::vector<int64_t>& values);      // 1-D
  Tensor FromDims(DType dtype, const std::vector<Dim>& values);      // 1-D tensor of symbolic contents
  Tensor FromDim(DType dtype, const Dim& value);                     // rank 0
  Tensor Iota(DType dtype, const Shape& shape, int axis);
  Tensor Full(const Shape& shape, const Tensor& scalar);
  Tensor Wrap(Node* node);

 private:
  Graph* graph_;
  Graph* root_;
};

class Tensor {
 public:
  Tensor() = default;
  Tensor(Builder* b, Node* node) : b_(b), node_(node) {}
  explicit operator bool() const { return node_ != nullptr; }
  Node* node() const { return node_; }
  Builder& builder() const { return *b_; }
  DType dtype() const { return node_->type.dtype; }
  const Shape& shape() const { return node_->type.shape; }
  int rank() const { return node_->rank(); }
  const Dim& dim(int axis) const { return node_->type.shape[axis < 0 ? axis + rank() : axis]; }

 private:
  Builder* b_ = nullptr;
  Node* node_ = nullptr;
};

// Elementwise. Binary operands broadcast; a number takes the tensor's dtype.
Tensor Map(ScalarOp op, const std::vector<Tensor>& inputs);
Tensor Map(ScalarOp op, const Tensor& a, const Tensor& b);
#define BELAY_BINARY(Name, op)                                                                 \
  inline Tensor Name(const Tensor& a, const Tensor& b) { return Map(ScalarOp::op, a, b); }     \
  Tensor Name(const Tensor& a, double b);                                                      \
  Tensor Name(double a, const Tensor& b);
BELAY_BINARY(operator+, kAdd)
BELAY_BINARY(operator-, kSub)
BELAY_BINARY(operator*, kMul)
BELAY_BINARY(operator/, kDiv)
BELAY_BINARY(Max, kMax)
BELAY_BINARY(Min, kMin)
BELAY_BINARY(Pow, kPow)
BELAY_BINARY(FloorDiv, kFloorDiv)
BELAY_BINARY(Mod, kMod)
BELAY_BINARY(FMod, kFMod)
BELAY_BINARY(Equal, kEq)
BELAY_BINARY(NotEqual, kNe)
BELAY_BINARY(Less, kLt)
BELAY_BINARY(LessEqual, kLe)
BELAY_BINARY(Greater, kGt)
BELAY_BINARY(GreaterEqual, kGe)
BELAY_BINARY(And, kAnd)
BELAY_BINARY(Or, kOr)
BELAY_BINARY(Xor, kXor)
#undef BELAY_BINARY
inline Tensor Map(ScalarOp op, const Tensor& a) { return Map(op, std::vector<Tensor>{a}); }
Tensor operator-(const Tensor& a);
Tensor Not(const Tensor& a);
Tensor Abs(const Tensor& a);
Tensor Sqrt(const Tensor& a);
Tensor Exp(const Tensor& a);
Tensor Log(const Tensor& a);
Tensor Tanh(const Tensor& a);
Tensor Erf(const Tensor& a);
Tensor Sigmoid(const Tensor& a);
Tensor Floor(const Tensor& a);
Tensor Ceil(const Tensor& a);
Tensor Cast(const Tensor& a, DType dtype);  // no node when the dtype is the same
// The same bits as an element of another dtype of the same storage width; see base/narrow.h.
Tensor Bitcast(const Tensor& a, DType dtype);
Tensor Select(const Tensor& condition, const Tensor& a, const Tensor& b);

// Views.
Tensor Reshape(const Tensor& x, const Shape& shape);      // element counts must agree
Tensor Transpose(const Tensor& x, const std::vector<int>& perm);
Tensor BroadcastTo(const Tensor& x, const Shape& shape);  // NumPy rules, ranks may grow
Tensor Slice(const Tensor& x, int axis, const Dim& start, const Dim& size, const Dim& step = 1);
Tensor SliceAll(const Tensor& x, const std::vector<Dim>& starts, const std::vector<Dim>& sizes,
                const std::vector<Dim>& steps);
// lo/hi may be negative (crop); `interior` zeros go between elements.
Tensor Pad(const Tensor& x, const std::vector<Dim>& lo, const std::vector<Dim>& hi, const Tensor& fill,
           const std::vector<int64_t>& interior = {});
Tensor Concat(const std::vector<Tensor>& parts, int axis);
Tensor Fixed(const Tensor& x);  // with extents that are numbers; see Builder::Fix
Tensor Unsqueeze(const Tensor& x, const std::vector<int>& axes);  // positions in the result
Tensor Squeeze(const Tensor& x, const std::vector<int>& axes);    // extents must be 1 (a guard when symbolic)

// Reductions; keep leaves extents of 1.
Tensor Reduce(ReduceKind kind, const Tensor& x, std::vector<int> axes, bool keep = false, bool select_last = false);
Tensor Sum(const Tensor& x, const std::vector<int>& axes, bool keep = true);
Tensor Mean(const Tensor& x, const std::vector<int>& axes, bool keep = true);
Tensor MaxOver(const Tensor& x, const std::vector<int>& axes, bool keep = true);
Tensor Scan(ReduceKind kind, const Tensor& x, int axis, bool exclusive, bool reverse);

// Indexing. Indices must be in range; GatherAxis with wrap_negative adds the extent to negative ones.
// out[.., i.., ..] = x[.., indices[i..], ..] : `axis` is replaced by the indices' dims.
Tensor GatherAxis(const Tensor& x, const Tensor& indices, int axis, bool wrap_negative = true);
// The general form, see Op::kGather.
Tensor Gather(const Tensor& x, const std::vector<Tensor>& indices, const std::vector<int>& axes, const Shape& shape);
Tensor Scatter(ReduceKind kind, const Tensor& x, const Tensor& updates, const std::vector<Tensor>& indices,
               const std::vector<int>& axes);

// Contractions. Matrices in the last two dims, batch dims broadcast. acc: the result's dtype (f32 for halves).
Tensor MatMul(const Tensor& a, const Tensor& b, DType acc);
// Channels-last; hi pads give the output's extents: floor((in + lo + hi - ((k-1)*dilation+1)) / stride) + 1.
Tensor Conv(const Tensor& x, const Tensor& w, Window window, const std::vector<Dim>& pads_hi, DType acc);
Tensor Pool(ReduceKind kind, const Tensor& x, Window window, const std::vector<Dim>& pads_hi, bool ceil_mode);

// A library function (backend/cpu/library/*.cc); binds: how many run-time symbols it returns.
std::vector<Tensor> Call(const std::string& callee, const std::vector<Tensor>& inputs,
                         std::vector<TensorType> types, std::vector<CallAttr> attrs,
                         std::vector<int> binds = {});

// NumPy broadcast of shapes; extents that are not provably equal become guards.
Shape BroadcastShapes(Builder& b, const std::vector<Shape>& shapes);
// Normalises and checks an axis of something with `rank` dims: -rank..rank-1.
int NormalizeAxis(int64_t axis, int rank, const char* name);

}  // namespace belay
