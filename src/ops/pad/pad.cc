// Padding, repetition and filling.
#include <algorithm>
#include <cmath>

#include "graph/range.h"
#include "ops/gradient.h"

namespace belay {
namespace {

struct Margins {
  std::vector<Dim> lo, hi;
};

Margins NoMargins(int rank) { return {std::vector<Dim>(rank, Dim(0)), std::vector<Dim>(rank, Dim(0))}; }

// Pairs per dim, or (contiguous false) all begins and then all ends; `axes` names the dims.
Margins ReadMargins(const std::vector<Dim>& paddings, int rank, const std::vector<int64_t>& axes,
                    bool contiguous) {
  const int count = axes.empty() ? rank : static_cast<int>(axes.size());
  if (static_cast<int>(paddings.size()) != 2 * count) {
    Fail("paddings has {} elements, but needs {}", paddings.size(), 2 * count);
  }
  Margins m = NoMargins(rank);
  for (int i = 0; i < count; ++i) {
    const int d = axes.empty() ? i : NormalizeAxis(axes[i], rank, "axes");
    m.lo[d] = paddings[contiguous ? 2 * i : i];
    m.hi[d] = paddings[contiguous ? 2 * i + 1 : count + i];
  }
  return m;
}

// Positions along one dim of the padded tensor, mapped back into 0..n-1.
Tensor SourceIndex(Builder& b, const std::string& mode, const Dim& n, const Dim& lo, const Dim& hi) {
  Tensor at = b.Iota(DType::kI64, {n + lo + hi}, 0) - b.FromDim(DType::kI64, lo);
  Tensor extent = b.FromDim(DType::kI64, n);
  if (mode == "edge") return Min(Max(at, 0.0), extent - 1.0);
  if (mode == "wrap" || mode == "circular") return Mod(at, extent);
  if (mode == "symmetric" || mode == "SYMMETRIC") {
    Tensor period = extent * 2.0;
    Tensor m = Mod(at, period);
    return Min(m, period - 1.0 - m);
  }
  Tensor period = Max((extent - 1.0) * 2.0, 1.0);  // reflect: the edge itself is not repeated
  Tensor m = Mod(at, period);
  return Min(m, period - m);
}

Tensor PadBy(const Tensor& x, const std::string& mode, const Margins& m, const Tensor& fill) {
  if (mode == "constant") return Pad(x, m.lo, m.hi, fill);
  static const char* const kModes[] = {"edge",     "wrap",      "circular", "symmetric",
                                       "SYMMETRIC", "reflect", "REFLECT"};
  if (std::find(std::begin(kModes), std::end(kModes), mode) == std::end(kModes)) {
    Fail("mode is '{}'", mode);
  }
  Tensor y = x;
  for (int d = 0; d < x.rank(); ++d) {
    if (m.lo[d].IsConst(0) && m.hi[d].IsConst(0)) continue;
    y = GatherAxis(y, SourceIndex(x.builder(), mode, x.dim(d), m.lo[d], m.hi[d]), d, false);
  }
  return y;
}

Tensor ScalarOf(const Tensor& t) { return t.rank() == 0 ? t : Reshape(t, {}); }

Tensor Zero(const Tensor& x) { return x.builder().ScalarInt(DType::kI32, 0); }

Tensor FillOf(const Body& b, const Tensor& x) {
  if (!b.Has("constant_values")) return Cast(Zero(x), x.dtype());
  return Cast(ScalarOf(b.Raw("constant_values")), x.dtype());
}

std::vector<Dim> AsDims(const std::vector<int64_t>& values) { return {values.begin(), values.end()}; }

// x repeated: [a, b] -> [1, a, 1, b] -> [m0, a, m1, b] -> [m0 * a, m1 * b]
Tensor TileBy(const Tensor& x, std::vector<Dim> multiples) {
  Tensor y = x;
  if (static_cast<int>(multiples.size()) < x.rank()) {
    multiples.insert(multiples.begin(), x.rank() - multiples.size(), Dim(1));
  }
  const int rank = static_cast<int>(multiples.size());
  Shape from(rank - x.rank(), Dim(1));
  from.insert(from.end(), x.shape().begin(), x.shape().end());
  Shape split, wide, merged;
  for (int d = 0; d < rank; ++d) {
    if (multiples[d].IsConst() && multiples[d].value() < 0) {
      Fail("multiples[{}] is {}", d, multiples[d].value());
    }
    merged.push_back(multiples[d] * from[d]);
    if (!multiples[d].IsConst(1)) {
      split.push_back(Dim(1));
      wide.push_back(multiples[d]);
    }
    split.push_back(from[d]);
    wide.push_back(from[d]);
  }
  return Reshape(BroadcastTo(Reshape(y, split), wide), merged);
}

// Two-way broadcast: an extent of 1 or -1 in `shape` keeps x's.
Tensor ExpandTo(const Tensor& x, std::vector<Dim> shape) {
  const int extra = static_cast<int>(shape.size()) - x.rank();
  for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
    if (shape[d].IsConst(-1)) shape[d] = d < extra ? Dim(1) : x.dim(d - extra);
  }
  return BroadcastTo(x, BroadcastShapes(x.builder(), {x.shape(), shape}));
}

// The only element, where it is known to be a whole number; an expression of extents if need be.
std::optional<Dim> WholeNumber(const Body& b, const char* input) {
  const auto& contents = b.Raw(input).node()->contents;
  if (!contents || contents->size() != 1) return std::nullopt;
  return (*contents)[0];
}

Dim RangeLength(Builder& b, const Dim& from, const Dim& to, int64_t step, bool closed) {
  if (from.IsConst() && to.IsConst()) {
    const uint64_t count = StepsBetween(from.value(), to.value(), step, closed);
    if (count > INT64_MAX) Fail("from {} to {} there are {} steps of {}", from.value(), to.value(), count, step);
    return static_cast<int64_t>(count);
  }
  const Dim room = step > 0 ? to - from : from - to;
  const int64_t stride = std::abs(step);
  const Dim count = closed ? FloorDiv(room, stride) + Dim(1) : CeilDiv(room, stride);
  if (count.IsConst()) return std::max<int64_t>(count.value(), 0);  // symbols may cancel out
  if (!count.NonNegative() && b.Assume(Less(count, 0), false)) return 0;
  return count;
}

// 0, 1, ... as many as the bounds, computed while the graph runs, leave room for.
Tensor RuntimeRange(const Tensor& start, const Tensor& limit, const Tensor& delta, bool closed) {
  const DType wide = IsFloat(start.dtype()) ? DType::kF64 : DType::kI64;
  std::vector<int> ids;
  const Dim n = start.builder().NewBound("range", &ids);
  return Call("range", {Cast(start, wide), Cast(limit, wide), Cast(delta, wide)}, {{DType::kI64, {n}}},
              {{"closed", closed}}, ids)[0];
}

Tensor RangeSteps(Body& b, DType dtype) {
  Builder& builder = b.builder();
  const bool closed = b.Bool("is_closed");
  for (const char* input : {"start", "limit", "delta"}) (void)ScalarOf(b.Raw(input));  // one element each
  const auto from = WholeNumber(b, "start"), to = WholeNumber(b, "limit"), step = WholeNumber(b, "delta");
  if (from && to && step && step->IsConst()) {
    if (step->IsConst(0)) Fail("delta is 0");
    if (step->IsConst(INT64_MIN)) FailNotSupported("a delta of {}", step->value());
    return builder.Iota(DType::kI64, {RangeLength(builder, *from, *to, step->value(), closed)}, 0);
  }
  if (!b.IsKnownBefore("start") || !b.IsKnownBefore("limit") || !b.IsKnownBefore("delta")) {
    const auto scalar = [&](const char* input) { return Cast(ScalarOf(b.In(input)), dtype); };
    return RuntimeRange(scalar("start"), scalar("limit"), scalar("delta"), closed);
  }
  if (!IsFloat(dtype)) {
    const int64_t stride = b.ConstInts("delta")[0];
    if (stride == 0) Fail("delta is 0");
    if (stride == INT64_MIN) FailNotSupported("a delta of {}", stride);
    const Dim count = RangeLength(builder, b.Dims("start")[0], b.Dims("limit")[0], stride, closed);
    return builder.Iota(DType::kI64, {count}, 0);
  }
  const double stride = b.ConstFloats("delta")[0];
  if (stride == 0) Fail("delta is 0");
  const double steps = (b.ConstFloats("limit")[0] - b.ConstFloats("start")[0]) / stride;
  if (!(steps < 0x1p62)) Fail("from start to limit there are {} steps of delta", steps);
  const double whole = closed ? std::floor(steps) + 1 : std::ceil(steps);
  const Dim count = whole > 0 ? static_cast<int64_t>(whole) : 0;
  return builder.Iota(DType::kI64, {count}, 0);
}

void RangeBody(Body& b) {
  Tensor start = ScalarOf(b.In("start")), delta = ScalarOf(b.In("delta"));
  const DType dtype = Promote(start.dtype(), Promote(b.In("limit").dtype(), delta.dtype()));
  b.Out("y", Cast(start, dtype) + Cast(RangeSteps(b, dtype), dtype) * Cast(delta, dtype));
}

// What the padding repeated adds up; dy is as large as the padded tensor.
void PadGradient(Body& b, const Margins& m, const std::string& mode) {
  Tensor dy = b.In("x");
  Shape shape;
  for (int d = 0; d < dy.rank(); ++d) shape.push_back(dy.dim(d) - m.lo[d] - m.hi[d]);
  Tensor x = Placeholder(b.builder(), dy.dtype(), shape);
  b.Out("y", Gradient(PadBy(x, mode, m, b.builder().Scalar(dy.dtype(), 0)), dy, x));
}

// The paddings of `axes` among zeros for the other dims.
ModelEdge PaddingsOfAllDims(OnnxNode& n, ModelEdge paddings, ModelEdge axes) {
  const int64_t rank = n.InputRank(0);
  if (rank < 0) n.Fail("input axes is not constant, and the rank of the data is not known");
  const std::vector<int64_t> none(2 * rank, 0);
  ModelEdge zeros = n.Const(LiteralFromInts(DType::kI64, {2, rank}, none));
  ModelEdge pairs = n.Emit("Reshape", {paddings, n.ConstInts({2, -1})});
  ModelEdge at = n.Emit("Cast", {n.Emit("ConcatD", {axes, axes}, {{"concat_dim", int64_t{0}}})},
                        {{"dst_type", GeType(DType::kI64)}});
  ModelEdge all = n.Emit("ScatterElements", {zeros, n.Emit("Reshape", {at, n.ConstInts({2, -1})}), pairs},
                         {{"axis", int64_t{1}}});
  return n.Emit("Reshape", {all, n.ConstInts({-1})});
}

// Half of what the extents have too much, or too little, lies before the middle; the odd one behind it.
void OnnxCenterCropPad(OnnxNode& n) {
  AttrMap attrs = {{"paddings_contiguous", false}};
  ModelEdge extents = n.Emit("Shape", {n.Input(0)}, {{"dtype", GeType(DType::kI64)}});
  if (n.HasAttr("axes")) {
    attrs["axes"] = n.Ints("axes");
    extents = n.Emit("GatherV2", {extents, n.ConstInts(n.Ints("axes")), n.ConstInts({0})});
  }
  ModelEdge wanted = n.Emit("Cast", {n.Input(1)}, {{"dst_type", GeType(DType::kI64)}});
  ModelEdge more = n.Emit("Sub", {wanted, extents});
  ModelEdge before = n.Emit("Div", {more, n.ConstInts({2})});  // towards zero: crops round down, too
  ModelEdge paddings = n.Emit("ConcatD", {before, n.Emit("Sub", {more, before})}, {{"concat_dim", int64_t{0}}});
  n.Output(0, n.Emit("PadV3", {n.Input(0), paddings}, attrs));
}

}  // namespace

BELAY_OP(PadV3) {
  op.FromOnnx("CenterCropPad", 18, OnnxCenterCropPad);
  op.FromOnnx("Pad", 1, [](OnnxNode& n) {
    const char* pads = n.HasAttr("pads") ? "pads" : "paddings";
    const DType dtype = n.InputDType(0) == DType::kUndefined ? DType::kF32 : n.InputDType(0);
    ModelEdge value = n.ConstScalar(dtype, n.Float("value", 0));
    n.Output(0, n.Emit("PadV3", {n.Input(0), n.ConstInts(n.Ints(pads)), value},
                       {{"mode", n.Str("mode", "constant")}, {"paddings_contiguous", false}}));
  });
  op.FromOnnx("Pad", 11, [](OnnxNode& n) {
    AttrMap attrs = {{"mode", n.Str("mode", "constant")}, {"paddings_contiguous", false}};
    ModelEdge paddings = n.Input(1);
    if (LiteralPtr axes = n.HasInput(3) ? n.ConstInput(3) : nullptr) {
      attrs["axes"] = LiteralToInts(*axes);
    } else if (n.HasInput(3)) {
      paddings = PaddingsOfAllDims(n, paddings, n.Input(3));
    }
    std::vector<ModelEdge> inputs = {n.Input(0), paddings};
    if (n.HasInput(2)) inputs.push_back(n.Input(2));
    n.Output(0, n.Emit("PadV3", inputs, attrs));
  });
  op.Computes([](Body& b) {
    Tensor x = b.Raw("x");
    Margins m = ReadMargins(b.Dims("paddings"), x.rank(), HiddenInts(b, "axes"),
                            b.Bool("paddings_contiguous"));
    b.OutRaw("y", PadBy(x, b.Str("mode"), m, FillOf(b, x)));
  });
}
BELAY_OP(PadV2) {
  op.Computes([](Body& b) {
    Tensor x = b.Raw("x");
    b.OutRaw("y", PadBy(x, "constant", ReadMargins(b.Dims("paddings"), x.rank(), {}, true), FillOf(b, x)));
  });
}
BELAY_OP(Pad) {
  op.Computes([](Body& b) {
    Tensor x = b.Raw("x");
    b.OutRaw("y", PadBy(x, "constant", ReadMargins(b.Dims("paddings"), x.rank(), {}, true),
                        Cast(Zero(x), x.dtype())));
  });
}
BELAY_OP(MirrorPad) {
  op.Computes([](Body& b) {
    Tensor x = b.Raw("x");
    b.OutRaw("y", PadBy(x, b.Str("mode"), ReadMargins(b.Dims("paddings"), x.rank(), {}, true), Tensor()));
  });
}

BELAY_OP(PadV3Grad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    const int rank = b.Raw("x").rank();
    PadGradient(b, ReadMargins(b.Dims("paddings"), rank, {}, b.Bool("paddings_contiguous")), b.Str("mode"));
  });
}
BELAY_OP(MirrorPadGrad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    PadGradient(b, ReadMargins(b.Dims("paddings"), b.Raw("x").rank(), {}, true), b.Str("mode"));
  });
}

BELAY_OP(Tile) {
  op.FromOnnx("Tile", 1, [](OnnxNode& n) {
    if (n.opset() >= 6) return n.Output(0, n.Emit("Tile", {n.Input(0), n.Input(1)}));
    // Once: how often along which axis, both as tensors of one element.
    LiteralPtr axis = n.ConstInput(2);
    if (!axis || axis->NumElements() != 1 || n.InputRank(0) < 0) {
      n.Fail("the axis is not one constant number, or the rank of the input is not known");
    }
    const auto at = static_cast<int64_t>(LiteralToDoubles(*axis)[0]);
    const int rank = n.InputRank(0);
    if (at < 0 || at >= rank) n.Fail(fmt::format("axis is {}, but the rank is {}", at, rank));
    std::vector<ModelEdge> multiples(rank, n.ConstInts({1}));
    ModelEdge times = n.Emit("Cast", {n.Input(1)}, {{"dst_type", GeType(DType::kI64)}});
    multiples[at] = n.Emit("Reshape", {times, n.ConstInts({1})});
    n.Output(0, n.Emit("Tile", {n.Input(0), n.Emit("ConcatD", multiples, {{"concat_dim", int64_t{0}}})}));
  });
  op.Computes([](Body& b) { b.OutRaw("y", TileBy(b.Raw("x"), b.Dims("multiples"))); });
}
BELAY_OP(TileD) {
  op.Computes([](Body& b) { b.OutRaw("y", TileBy(b.Raw("x"), AsDims(b.Ints("multiples")))); });
}

BELAY_OP(Expand) {
  op.FromOnnx("Expand", 8).Computes([](Body& b) {
    b.OutRaw("y", ExpandTo(b.Raw("x"), b.Dims("shape")));
  });
}
BELAY_OP(ExpandD) {
  op.Computes([](Body& b) { b.OutRaw("y", ExpandTo(b.Raw("x"), AsDims(b.Ints("shape")))); });
}
BELAY_OP(BroadcastTo) {
  op.Computes([](Body& b) { b.OutRaw("y", ExpandTo(b.Raw("x"), b.Dims("shape"))); });
}
BELAY_OP(BroadcastToD) {
  op.Computes([](Body& b) { b.OutRaw("y", ExpandTo(b.Raw("x"), AsDims(b.Ints("shape")))); });
}

BELAY_OP(Fill) {
  op.FromOnnx("ConstantOfShape", 9, [](OnnxNode& n) {
    LiteralPtr value = n.HasAttr("value") ? n.TensorAttr("value") : nullptr;
    if (value && value->NumElements() != 1) {
      n.Fail(fmt::format("attribute value has {} elements, but must have one", value->NumElements()));
    }
    ModelEdge scalar = value ? n.Const(Literal::Copy(value->dtype, {}, value->data()))
                             : n.ConstScalar(DType::kF32, 0);
    n.Output(0, n.Emit("Fill", {n.Input(0), scalar}));
  });
  op.Computes([](Body& b) {
    b.OutRaw("y", b.builder().Full(b.Dims("dims"), ScalarOf(b.Raw("value"))));
  });
}
BELAY_OP(FillD) {
  op.Computes([](Body& b) {
    b.OutRaw("y", b.builder().Full(AsDims(b.Ints("dims")), ScalarOf(b.Raw("value"))));
  });
}

BELAY_OP(Range) {
  op.Dtypes("start", kNumbers).Dtypes("limit", kNumbers).Dtypes("delta", kNumbers);
  op.FromOnnx("Range", 11).Computes(RangeBody);
}

// 1 where the column is the row (plus an offset of ONNX's).
BELAY_OP(Eye) {
  op.Computes([](Body& b) {
    const int64_t rows = b.Int("num_rows"), columns = b.Int("num_columns");
    Shape shape = AsDims(b.Ints("batch_shape"));
    const int rank = static_cast<int>(shape.size()) + 2;
    shape.push_back(rows);
    shape.push_back(columns ? columns : rows);
    Builder& builder = b.builder();
    Tensor hit = Equal(builder.Iota(DType::kI64, shape, rank - 2), builder.Iota(DType::kI64, shape, rank - 1));
    b.OutRaw("y", Cast(hit, b.Type("dtype")));
  });
}

}  // namespace belay
