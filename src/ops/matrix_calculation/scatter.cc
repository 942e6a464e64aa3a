// Operators that write indexed updates into one of their inputs.
#include <algorithm>

#include "ops/indexing.h"
#include "ops/quant.h"

namespace belay {
namespace {

// Moves keep halves as they are; sums of them are rounded once, after the last update.
Tensor Operand(const Body& b, const char* name, ReduceKind kind) {
  const bool computes = kind == ReduceKind::kSum || kind == ReduceKind::kProd;
  return computes ? b.In(name) : b.Raw(name);
}

void RowsOp(OpRecord& op, ReduceKind kind, bool negate = false) {
  op.Dtypes("indices", kIndices).Computes([=](Body& b) {
    const Tensor updates = Operand(b, "updates", kind);
    b.Out("var", ScatterRows(Operand(b, "var", kind), b.Raw("indices"), negate ? 0.0 - updates : updates, 0, kind));
  });
}

void NdOp(OpRecord& op, ReduceKind kind, bool negate = false) {
  op.Dtypes("indices", kIndices).Computes([=](Body& b) {
    const Tensor updates = Operand(b, "updates", kind);
    b.Out("var", ScatterNdInto(Operand(b, "var", kind), b.Raw("indices"), negate ? 0.0 - updates : updates, kind));
  });
}

void CheckReduce(const Body& b) {
  const std::string reduce = b.Str("reduce");
  if (reduce != "update" && reduce != "none") FailNotSupported("reduce '{}', only update", reduce);
}

// One number, one for each place along `axis`, or a tensor that broadcasts.
Tensor AlongQuantAxis(const Tensor& t, int axis, int rank) {
  if (t.rank() == rank || t.rank() == 0) return t;
  if (t.rank() != 1) Fail("a scale has rank {}, but must have 1 or {}", t.rank(), rank);
  return t.dim(0).IsConst(1) ? Reshape(t, {}) : AlongAxis(t, axis, rank);
}

// int8 updates: round(x / scale + zero point), or times the scale.
Tensor QuantisedUpdates(const Body& b) {
  const Tensor x = b.In("updates");
  const int axis = NormalizeAxis(b.Int("quant_axis"), x.rank(), "quant_axis");
  const Tensor scale = AlongQuantAxis(b.In("quant_scales"), axis, x.rank());
  Tensor y = b.Bool("reciprocal_scale") ? x * scale : x / scale;
  if (b.Has("quant_zero_points")) {
    y = y + AlongQuantAxis(Cast(b.In("quant_zero_points"), y.dtype()), axis, x.rank());
  }
  return Quantised(y, DType::kI8);
}

// x[indices...] (+)= value; indexed_sizes says by 1 or 0 which dims `indices` are for.
void IndexPut(Body& b) {
  const Tensor x = b.Raw("x");
  const std::vector<int64_t> mask = b.ConstInts("indexed_sizes");
  const std::vector<Tensor> indices = b.RawIns("indices");
  const int64_t marked = static_cast<int64_t>(mask.size()) - std::count(mask.begin(), mask.end(), 0);
  if (marked == 0 || marked != static_cast<int64_t>(indices.size()) || static_cast<int>(mask.size()) > x.rank()) {
    Fail("indexed_sizes marks {} of {} dims, but there are {} indices and x has rank {}", marked, mask.size(),
         indices.size(), x.rank());
  }
  const IndexSpace space = SpaceOf(x, indices, mask);
  const ReduceKind kind = b.Bool("accumulate") ? ReduceKind::kSum : ReduceKind::kNone;
  const Tensor value = BroadcastTo(Operand(b, "value", kind), space.shape);
  b.Out("x", Scatter(kind, Operand(b, "x", kind), value, space.at, space.axes));
}

}  // namespace

BELAY_OP(ScatterUpdate) { RowsOp(op, ReduceKind::kNone); }
BELAY_OP(ScatterAdd) { RowsOp(op, ReduceKind::kSum); }
BELAY_OP(ScatterMul) { RowsOp(op, ReduceKind::kProd); }
BELAY_OP(ScatterMin) { RowsOp(op, ReduceKind::kMin); }
BELAY_OP(ScatterMax) { RowsOp(op, ReduceKind::kMax); }
BELAY_OP(ScatterSub) { RowsOp(op, ReduceKind::kSum, /*negate=*/true); }
// Divided once by the product of all divisors of an element.
BELAY_OP(ScatterDiv) {
  op.Dtypes("indices", kIndices).Computes([](Body& b) {
    Tensor var = b.In("var"), ones = Full(b.builder(), var.shape(), var.dtype(), 1);
    b.Out("var", var / ScatterRows(ones, b.Raw("indices"), b.In("updates"), 0, ReduceKind::kProd));
  });
}

BELAY_OP(ScatterNdUpdate) { NdOp(op, ReduceKind::kNone); }
BELAY_OP(ScatterNdAdd) { NdOp(op, ReduceKind::kSum); }
BELAY_OP(ScatterNdMax) { NdOp(op, ReduceKind::kMax); }
BELAY_OP(ScatterNdMin) { NdOp(op, ReduceKind::kMin); }
BELAY_OP(ScatterNdSub) { NdOp(op, ReduceKind::kSum, /*negate=*/true); }

BELAY_OP(ScatterElementsV2) {
  op.Dtypes("indices", kIndices).Computes([](Body& b) {
    const ReduceKind kind = ReductionOf(b.Str("reduction"));
    b.Out("var", ScatterAlong(Operand(b, "var", kind), b.Raw("indices"), Operand(b, "updates", kind), b.Int("axis"),
                              kind));
  });
}

// A cache of keys or values: see ScatterAt.
BELAY_OP(Scatter) {
  op.Dtypes("indices", kIndices).Computes([](Body& b) {
    CheckReduce(b);
    b.OutRaw("var", ScatterAt(b.Raw("var"), b.Raw("indices"), b.Raw("updates"), b.Int("axis")));
  });
}
BELAY_OP(QuantUpdateScatter) {
  op.Dtypes("var", {DType::kI8}).Dtypes("indices", kIndices).Computes([](Body& b) {
    CheckReduce(b);
    b.OutRaw("var", ScatterAt(b.Raw("var"), b.Raw("indices"), QuantisedUpdates(b), b.Int("axis")));
  });
}

// Tensors of a list, each with its own place and row of updates; mask 0 leaves one as it is.
BELAY_OP(ScatterList) {
  op.Dtypes("indice", kIndices).Dtypes("mask", {DType::kU8}).Computes([](Body& b) {
    CheckReduce(b);
    std::vector<Tensor> vars = b.RawIns("var");
    const Tensor indices = b.Raw("indice"), updates = b.Raw("updates");
    if (indices.rank() != 1) FailNotSupported("indice of rank {} (only 1)", indices.rank());
    for (size_t k = 0; k < vars.size(); ++k) {
      Tensor& var = vars[k];
      auto entry = [&](const Tensor& t) { return Slice(t, 0, static_cast<int64_t>(k), 1); };
      const int axis = NormalizeAxis(b.Int("axis"), var.rank(), "axis") + 1;
      Tensor y = Squeeze(ScatterAt(Unsqueeze(var, {0}), entry(indices), entry(updates), axis), {0});
      var = b.Has("mask") ? Select(Reshape(NotEqual(entry(b.Raw("mask")), 0.0), {}), y, var) : y;
    }
    b.Outs("var", vars);
  });
}

BELAY_OP(IndexPutV2) { op.Computes(IndexPut); }

}  // namespace belay
