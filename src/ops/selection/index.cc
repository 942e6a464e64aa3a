// Operators that look for positions, or put values at them.
#include "ops/const_input.h"
#include "ops/indexing.h"

namespace belay {
namespace {

int64_t OneInt(const Body& b, const char* input) {
  const std::vector<int64_t> values = b.ConstInts(input);
  if (values.size() != 1) Fail("{} has {} elements, but must have one", input, values.size());
  return values[0];
}

void ArgBody(Body& b, ReduceKind kind, int64_t axis_given, DType dtype) {
  Tensor x = b.In("x");
  const int axis = NormalizeAxis(axis_given, x.rank(), "dimension");
  const bool last = HiddenInt(b, "select_last_index", 0) != 0;
  b.OutRaw(OutputName(b, 0), Cast(Reduce(kind, x, {axis}, false, last), dtype));
}

OnnxRuleFn OnnxArg(const char* ge_op) {
  return [ge_op](OnnxNode& n) {
    const int64_t axis = n.Int("axis", 0);
    ModelEdge y = n.Emit(ge_op, {n.Input(0), n.ConstInts({axis})},
                         {{"dtype", DType::kI64}, {"select_last_index", n.Int("select_last_index", 0)}});
    // A negative place counts from the end of the result, which has the rank of x: so does axis.
    n.Output(0, n.Int("keepdims", 1) ? n.Emit("ExpandDims", {y, n.ConstInts({axis})}) : y);
  };
}

Tensor AsScalar(const Tensor& t) { return t.rank() == 0 ? t : Reshape(t, {}); }

void OnnxScatterNd(OnnxNode& n) {
  const std::string reduction = n.Str("reduction", "none");
  n.Output(0, n.Emit("TensorScatterUpdate", {n.Input(0), n.Input(1), n.Input(2)},
                     {{"reduction", reduction}}));
}

void CumulativeOp(OpRecord& op, ReduceKind kind) {
  op.Dtypes("x", kNumbers).Computes([kind](Body& b) {
    Tensor x = b.In("x");
    const int axis = NormalizeAxis(OneInt(b, "axis"), x.rank(), "axis");
    b.Out("y", Scan(kind, x, axis, b.Bool("exclusive"), b.Bool("reverse")));
  });
}

// Keeps the part of each matrix where column - row <= / >= diagonal.
Tensor Triangle(const Tensor& x, bool upper, const Tensor& diagonal) {
  if (x.rank() < 2) Fail("x has rank {}, but needs 2 or more", x.rank());
  Builder& b = x.builder();
  const Shape matrix = {x.dim(-2), x.dim(-1)};
  Tensor offset = b.Iota(DType::kI64, matrix, 1) - b.Iota(DType::kI64, matrix, 0);
  Tensor keep = upper ? GreaterEqual(offset, diagonal) : LessEqual(offset, diagonal);
  return Select(keep, x, ZeroLike(x));
}

void TriangleBody(Body& b, bool upper) {
  b.OutRaw("y", Triangle(b.Raw("x"), upper, b.builder().ScalarInt(DType::kI64, b.Int("diagonal"))));
}

}  // namespace

BELAY_OP(ArgMaxV2) {
  op.FromOnnx("ArgMax", 1, OnnxArg("ArgMaxV2")).Dtypes("x", kNumbers).Computes([](Body& b) {
    ArgBody(b, ReduceKind::kArgMax, OneInt(b, "dimension"), b.Type("dtype"));
  });
}
BELAY_OP(ArgMin) {
  op.FromOnnx("ArgMin", 1, OnnxArg("ArgMin")).Dtypes("x", kNumbers).Computes([](Body& b) {
    ArgBody(b, ReduceKind::kArgMin, OneInt(b, "dimension"), b.Type("dtype"));
  });
}
BELAY_OP(ArgMaxD) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    ArgBody(b, ReduceKind::kArgMax, b.Int("dimension"), DType::kI32);
  });
}

BELAY_OP(OneHot) {
  op.FromOnnx("OneHot", 9, [](OnnxNode& n) {
    ModelEdge depth = n.Emit("Cast", {n.Input(1)}, {{"dst_type", GeType(DType::kI64)}});
    ModelEdge index = n.Emit("Cast", {n.Input(0)}, {{"dst_type", GeType(DType::kI64)}});
    ModelEdge off = n.Emit("GatherV2", {n.Input(2), n.ConstInts({0}), n.ConstInts({0})});
    ModelEdge on = n.Emit("GatherV2", {n.Input(2), n.ConstInts({1}), n.ConstInts({0})});
    n.Output(0, n.Emit("OneHot", {index, depth, on, off},
                       {{"axis", n.Int("axis", -1)}, {"wrap_negative", int64_t{1}}}));
  });
  op.Dtypes("x", kIntegers).Computes([](Body& b) {
    Tensor x = b.Raw("x");
    const std::vector<Dim> depth = b.Dims("depth");
    if (depth.size() != 1) Fail("depth has {} elements, but must have one", depth.size());
    const int axis = InsertAxis(b.Int("axis"), x.rank(), "axis");
    if (HiddenInt(b, "wrap_negative", 0)) x = WrapNegative(x, depth[0]);
    Tensor wide = Unsqueeze(x, {axis});
    Shape shape(x.rank() + 1, Dim(1));
    shape[axis] = depth[0];
    Tensor hit = Equal(Cast(wide, DType::kI64), b.builder().Iota(DType::kI64, shape, axis));
    b.OutRaw("y", Select(hit, AsScalar(b.Raw("on_value")), AsScalar(b.Raw("off_value"))));
  });
}

BELAY_OP(ScatterElements) {
  op.FromOnnx("ScatterElements", 11).FromOnnx("Scatter", 9);
  op.Dtypes("indices", kIndices).Computes([](Body& b) {
    b.OutRaw("y", ScatterAlong(b.Raw("data"), b.Raw("indices"), b.Raw("updates"), b.Int("axis"),
                               ReductionOf(b.Str("reduction"))));
  });
}
BELAY_OP(TensorScatterUpdate) {
  op.FromOnnx("ScatterND", 11, OnnxScatterNd).Dtypes("indices", kIndices).Computes([](Body& b) {
    b.OutRaw("y", ScatterNdInto(b.Raw("x"), b.Raw("indices"), b.Raw("updates"),
                                ReductionOf(HiddenStr(b, "reduction", "none"))));
  });
}
// What no index names is zero; repeated indices add.
BELAY_OP(ScatterNd) {
  op.Dtypes("indices", kIndices).Computes([](Body& b) {
    Tensor x = b.Raw("x");
    Tensor data = Full(b.builder(), b.Dims("shape"), x.dtype(), 0);
    b.OutRaw("y", ScatterNdInto(data, b.Raw("indices"), x, ReduceKind::kSum));
  });
}
BELAY_OP(TensorScatterAdd) {
  op.Dtypes("indices", kIndices).Computes([](Body& b) {
    b.OutRaw("y", ScatterNdInto(b.Raw("x"), b.Raw("indices"), b.Raw("updates"), ReduceKind::kSum));
  });
}

BELAY_OP(Cumsum) {
  op.FromOnnx("CumSum", 11);
  CumulativeOp(op, ReduceKind::kSum);
}
BELAY_OP(Cumprod) {
  op.FromOnnx("CumProd", 26);
  CumulativeOp(op, ReduceKind::kProd);
}

BELAY_OP(Tril) {
  op.Computes([](Body& b) { TriangleBody(b, false); });
}
BELAY_OP(Triu) {
  op.FromOnnx("Trilu", 14, [](OnnxNode& n) {
    const bool upper = n.Int("upper", 1) != 0;
    const std::optional<int64_t> k = n.HasInput(1) ? ConstInt(n, 1) : 0;
    if (k) {
      return n.Output(0, n.Emit(upper ? "Triu" : "Tril", {n.Input(0)}, {{"diagonal", *k}}));
    }
    // The offset is only known at run time: column - row against it.
    ModelEdge shape = n.Emit("Shape", {n.Input(0)}, {{"dtype", GeType(DType::kI64)}});
    auto line = [&](int64_t from_end, int64_t axis) {
      auto scalar = [&](int64_t value) { return n.Const(LiteralFromInts(DType::kI64, {}, {value})); };
      ModelEdge extent = n.Emit("GatherV2", {shape, scalar(from_end), n.ConstInts({0})});
      return n.Emit("ExpandDims", {n.Emit("Range", {scalar(0), extent, scalar(1)}), n.ConstInts({axis})});
    };
    ModelEdge offset = n.Emit("Sub", {line(-1, 0), line(-2, 1)});
    ModelEdge keep = n.Emit(upper ? "GreaterEqual" : "LessEqual", {offset, n.Input(1)});
    n.Output(0, n.Emit("SelectV2", {keep, n.Input(0), n.Emit("ZerosLike", {n.Input(0)})}));
  });
  op.Computes([](Body& b) { TriangleBody(b, true); });
}

// Each run of seq_lengths[i] leading elements along seq_dim is reversed.
BELAY_OP(ReverseSequence) {
  op.FromOnnx("ReverseSequence", 10, [](OnnxNode& n) {
    n.Output(0, n.Emit("ReverseSequence", {n.Input(0), n.Input(1)},
                       {{"seq_dim", n.Int("time_axis", 0)}, {"batch_dim", n.Int("batch_axis", 1)}}));
  });
  op.Dtypes("seq_lengths", kIndices).Computes([](Body& b) {
    Tensor x = b.Raw("x"), lengths = Cast(b.Raw("seq_lengths"), DType::kI64);
    const int seq = NormalizeAxis(b.Int("seq_dim"), x.rank(), "seq_dim");
    const int batch = NormalizeAxis(b.Int("batch_dim"), x.rank(), "batch_dim");
    if (seq == batch) Fail("seq_dim and batch_dim are both {}", seq);
    Shape line(x.rank(), Dim(1));
    line[seq] = x.dim(seq);
    Tensor at = b.builder().Iota(DType::kI64, line, seq), length = AlongAxis(lengths, batch, x.rank());
    Tensor from = Select(Less(at, length), length - 1.0 - at, at);
    std::vector<int> axes = AxisRange(0, x.rank());
    axes[seq] = -1;
    b.OutRaw("y", Gather(x, {BroadcastTo(from, x.shape())}, axes, x.shape()));
  });
}

}  // namespace belay
