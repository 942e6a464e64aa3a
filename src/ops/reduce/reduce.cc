// Reductions over axes, given as an input or (the D forms) as an attribute.
#include "ops/support.h"

namespace belay {
namespace {

using Formula = Tensor (*)(const Tensor&, const std::vector<int>&, bool);

Tensor SumOf(const Tensor& x, const std::vector<int>& axes, bool keep) { return Sum(x, axes, keep); }
Tensor MeanOf(const Tensor& x, const std::vector<int>& axes, bool keep) {
  return Mean(x, axes, keep);
}
template <ReduceKind kind>
Tensor ReduceOf(const Tensor& x, const std::vector<int>& axes, bool keep) {
  if (x.dtype() != DType::kBool) return Reduce(kind, x, axes, keep);
  return Reduce(kind == ReduceKind::kMax   ? ReduceKind::kOr
                : kind == ReduceKind::kMin ? ReduceKind::kAnd
                                           : kind,
                x, axes, keep);
}
Tensor LogSumOf(const Tensor& x, const std::vector<int>& axes, bool keep) {
  return Log(Sum(x, axes, keep));
}
// An infinite maximum must not be subtracted from itself.
Tensor LogSumExpOf(const Tensor& x, const std::vector<int>& axes, bool keep) {
  Tensor max = MaxOver(x, axes, true);
  Tensor shift = Select(Map(ScalarOp::kIsInf, max), ZeroLike(max), max);
  Tensor log_sum = Log(Sum(Exp(x - shift), axes, true)) + shift;
  return keep ? log_sum : Squeeze(log_sum, axes);
}

void ReduceBody(Body& b, const std::vector<int64_t>& given, bool empty_is_all, Formula formula) {
  Tensor x = b.In("x");
  std::vector<int> axes = NormalizeAxes(given, x.rank(), "axes", empty_is_all);
  if (axes.empty() && given.empty() && !empty_is_all) return b.OutRaw("y", b.Raw("x"));
  b.Out("y", formula(x, axes, b.Bool("keep_dims")));
}

// No axes at all reduce everything when the node says so (ONNX); in GE an empty list reduces nothing.
bool EmptyIsAll(const Body& b) { return HiddenInt(b, "empty_axes_is_all", 0) != 0; }

void WithAxesInput(OpRecord& op, const std::vector<DType>& dtypes, Formula formula) {
  op.Dtypes("x", dtypes).Computes([formula](Body& b) {
    ReduceBody(b, b.ConstInts("axes"), EmptyIsAll(b), formula);
  });
}

void WithAxesAttr(OpRecord& op, const std::vector<DType>& dtypes, const char* attr, Formula formula) {
  op.Dtypes("x", dtypes).Computes([formula, attr](Body& b) {
    ReduceBody(b, b.Ints(attr), true, formula);
  });
}

// ONNX: axes were an attribute until `input_since`.
OnnxRuleFn OnnxReduce(const char* ge_op, int input_since) {
  return [ge_op, input_since](OnnxNode& n) {
    const bool as_input = n.opset() >= input_since;
    ModelEdge axes = as_input && n.HasInput(1) ? n.Input(1) : n.ConstInts(n.Ints("axes"));
    const bool noop = as_input && n.Int("noop_with_empty_axes", 0) != 0;
    AttrMap attrs = {{"keep_dims", n.Int("keepdims", 1) != 0},
                     {"empty_axes_is_all", int64_t{noop ? 0 : 1}}};
    n.Output(0, n.Emit(ge_op, {n.Input(0), axes}, std::move(attrs)));
  };
}

// reduce(f(x)) and then g: the norms that have no axes input in GE.
void OnnxNorm(OpRecord& op, const char* onnx, const char* before, const char* after) {
  op.FromOnnx(onnx, 1, [before, after](OnnxNode& n) {
    const bool as_input = n.opset() >= 18;
    ModelEdge axes = as_input && n.HasInput(1) ? n.Input(1) : n.ConstInts(n.Ints("axes"));
    const bool noop = as_input && n.Int("noop_with_empty_axes", 0) != 0;
    ModelEdge y = n.Emit("ReduceSum", {n.Emit(before, {n.Input(0)}), axes},
                         {{"keep_dims", n.Int("keepdims", 1) != 0},
                          {"empty_axes_is_all", int64_t{noop ? 0 : 1}}});
    n.Output(0, after ? n.Emit(after, {y}) : y);
  });
}

}  // namespace

#define BELAY_REDUCE_OP(Name, dtypes, onnx, input_since, formula)     \
  BELAY_OP(Name) {                                                    \
    WithAxesInput(op, dtypes, formula);                               \
    if (input_since) op.FromOnnx(onnx, 1, OnnxReduce(#Name, input_since)); \
  }
#define BELAY_REDUCE_D_OP(Name, dtypes, formula) \
  BELAY_OP(Name) { WithAxesAttr(op, dtypes, "axes", formula); }

BELAY_OP(ReduceSum) {
  WithAxesInput(op, kNumbers, SumOf);
  op.FromOnnx("ReduceSum", 1, OnnxReduce("ReduceSum", 13));
  OnnxNorm(op, "ReduceL1", "Abs", nullptr);
  OnnxNorm(op, "ReduceL2", "Square", "Sqrt");
  OnnxNorm(op, "ReduceSumSquare", "Square", nullptr);
}
BELAY_REDUCE_OP(ReduceMean, kNumbers, "ReduceMean", 18, MeanOf)
BELAY_OP(ReduceMax) {
  WithAxesInput(op, kAnyDtype, ReduceOf<ReduceKind::kMax>);
  op.FromOnnx("ReduceMax", 1, OnnxReduce("ReduceMax", 18));
  op.FromOnnx("GlobalMaxPool", 1, [](OnnxNode& n) {
    if (n.InputRank(0) < 0) n.Fail("the rank of the input is not known");
    std::vector<int64_t> axes;
    for (int d = 2; d < n.InputRank(0); ++d) axes.push_back(d);
    n.Output(0, n.Emit("ReduceMax", {n.Input(0), n.ConstInts(axes)}, {{"keep_dims", true}}));
  });
}
BELAY_REDUCE_OP(ReduceMin, kAnyDtype, "ReduceMin", 18, ReduceOf<ReduceKind::kMin>)
BELAY_REDUCE_OP(ReduceProd, kNumbers, "ReduceProd", 18, ReduceOf<ReduceKind::kProd>)
BELAY_REDUCE_OP(ReduceAll, kBools, "", 0, ReduceOf<ReduceKind::kAnd>)
BELAY_REDUCE_OP(ReduceAny, kBools, "", 0, ReduceOf<ReduceKind::kOr>)
BELAY_REDUCE_OP(ReduceLogSum, kFloats, "ReduceLogSum", 18, LogSumOf)
BELAY_REDUCE_OP(ReduceLogSumExp, kFloats, "ReduceLogSumExp", 18, LogSumExpOf)

BELAY_REDUCE_D_OP(ReduceSumD, kNumbers, SumOf)
BELAY_REDUCE_D_OP(ReduceMeanD, kNumbers, MeanOf)
BELAY_REDUCE_D_OP(ReduceMaxD, kNumbers, ReduceOf<ReduceKind::kMax>)
BELAY_REDUCE_D_OP(ReduceMinD, kNumbers, ReduceOf<ReduceKind::kMin>)
BELAY_REDUCE_D_OP(ReduceProdD, kNumbers, ReduceOf<ReduceKind::kProd>)
BELAY_REDUCE_D_OP(ReduceAllD, kBools, ReduceOf<ReduceKind::kAnd>)
BELAY_REDUCE_D_OP(ReduceAnyD, kBools, ReduceOf<ReduceKind::kOr>)

BELAY_OP(SquareSumV1) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("x");
    const std::vector<int> axes = NormalizeAxes(b.Ints("axis"), x.rank(), "axis", true);
    b.Out("y", Sum(Square(x), axes, b.Bool("keep_dims")));
  });
}
BELAY_OP(EuclideanNorm) {
  WithAxesInput(op, kNumbers, [](const Tensor& x, const std::vector<int>& axes, bool keep) {
    return Sqrt(Sum(Square(x), axes, keep));
  });
}

}  // namespace belay
