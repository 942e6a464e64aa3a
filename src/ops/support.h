// What several operators share: axes, dtypes, windows and the older forms of ONNX attributes.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "graph/op_record.h"

namespace belay {

// Axes counted from the end become positive; each is checked against `rank`. Empty gives all of them
// when `empty_is_all`.
std::vector<int> NormalizeAxes(const std::vector<int64_t>& axes, int rank, const char* name,
                               bool empty_is_all = false);
std::vector<int> AxisRange(int first, int end);  // first..end-1
int InsertAxis(int64_t axis, int rank, const char* name);  // a place for a new dim: -rank-1..rank

// The dtype contractions of this dtype accumulate in.
DType AccumulatorOf(DType dtype);
// NumPy's result type of two dtypes, for the few operators whose operands may differ.
DType Promote(DType a, DType b);
double LowestOf(DType dtype);   // -inf for floats; not for small floats
double HighestOf(DType dtype);

// Shorthands over the primitives.
Tensor Relu(const Tensor& x);
Tensor Clamp(const Tensor& x, double lo, double hi);
Tensor Square(const Tensor& x);
Tensor Rsqrt(const Tensor& x);
Tensor Round(const Tensor& x);  // half to even
Tensor Sign(const Tensor& x);
Tensor Softplus(const Tensor& x);
Tensor GeluErf(const Tensor& x);
Tensor GeluTanh(const Tensor& x);
Tensor FastGelu(const Tensor& x);  // x * sigmoid(1.702 x)
// e^z where z is at most 0, as a softmax has it: what would be a denormal number, nothing against the
// largest, 1, is 0.
Tensor ExpFlushed(const Tensor& z);
Tensor Softmax(const Tensor& x, const std::vector<int>& axes);
Tensor ZeroLike(const Tensor& x);
Tensor SwapLast(const Tensor& x);        // the last two dims
Tensor MoveAxis(const Tensor& x, int from, int to);
// Reverse the order along an axis.
Tensor Flip(const Tensor& x, int axis);
// A [C] vector shaped to broadcast along `axis` of something with `rank` dims.
Tensor AlongAxis(const Tensor& vector, int axis, int rank);
Tensor Full(Builder& b, const Shape& shape, DType dtype, double value);
// The first k along an axis by size, equal ones in their order; indices are i64.
struct Sorted {
  Tensor values, indices;
};
Sorted TopK(const Tensor& x, const Dim& k, int axis, bool largest);
// x[begin:end:strides] along `axes`, with bounds that are only known while the graph runs.
Tensor SliceWhileRunning(const Tensor& x, const Tensor& begin, const Tensor& end,
                         const std::vector<int64_t>& axes, const std::vector<int64_t>& strides);
// The first `count` bits of u8 elements, low bits first: u8 0 or 1.
Tensor UnpackBits(const Tensor& bytes, const Dim& count);
// Adds up what a broadcast from `shape` to t's shape repeated: the way gradients go.
Tensor SumTo(const Tensor& t, const Shape& shape);

// Names of the node's ports, so that families of operators share one body.
const char* InputName(const Body& b, int i);
const char* OutputName(const Body& b, int i);
const char* InputName(const OpRecord& op, int i);

// An attribute outside the prototype that front ends set, e.g. auto_pad on convolutions.
std::string HiddenStr(const Body& b, const char* name, const std::string& fallback);
bool HiddenBool(const Body& b, const char* name, bool fallback);
int64_t HiddenInt(const Body& b, const char* name, int64_t fallback);
std::vector<int64_t> HiddenInts(const Body& b, const char* name);

// ONNX's number of an element type -> ours.
DType OnnxDType(int64_t number);
DType OnnxDTypeNamed(const std::string& name);  // "FLOAT", the form of opset 1..5
AttrValue GeType(DType dtype);  // as an Int attribute with ge::DataType's number

// Rules for ONNX operators whose shape recurs.
// Before opset 7 the second operand broadcast by `broadcast` and `axis`.
OnnxRuleFn LegacyBroadcast(const char* ge_op);
// N operands folded by a binary operator.
OnnxRuleFn FoldRule(const char* ge_op);
// The second operand aligned to the first by ONNX's `axis` attribute of opset 1..6.
ModelEdge LegacyAligned(OnnxNode& n);

}  // namespace belay
