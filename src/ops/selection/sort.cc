// Sorting, and results whose extent depends on the data.
#include "ops/text.h"

namespace belay {
namespace {

void OutTopK(Body& b, const Dim& k) {
  Tensor x = b.In("x");
  const int axis = NormalizeAxis(b.Int("dim"), x.rank(), "dim");
  if (b.builder().Assume(Less(k, 0), false)) Fail("k is {}, but must not be negative", k.ToString());
  if (!b.builder().Assume(Less(k, x.dim(axis) + Dim(1)), true)) {
    Fail("k is {}, but dim {} of x has {} elements", k.ToString(), axis, x.dim(axis).ToString());
  }
  Sorted y = TopK(x, k, axis, b.Bool("largest"));
  b.Out("values", y.values);
  b.OutRaw("indices", Cast(y.indices, DType::kI32));
}

void TopKBody(Body& b) {
  const std::vector<Dim> k = b.Dims("k");
  if (k.size() != 1) Fail("k has {} elements, but must have one", k.size());
  OutTopK(b, k[0]);
}

void OnnxTopK(OnnxNode& n) {
  ModelEdge k = n.opset() < 10 ? n.ConstInts({n.Int("k", 0)}, DType::kI32)
                               : n.Emit("Cast", {n.Input(1)}, {{"dst_type", GeType(DType::kI32)}});
  std::vector<ModelEdge> y = n.EmitN("TopKV2", {n.Input(0), k},
                                     {{"dim", n.Int("axis", -1)},
                                      {"largest", n.Int("largest", 1) != 0},
                                      {"sorted", n.Int("sorted", 1) != 0}}, 0);
  n.Output(0, y[0]);
  if (n.HasOutput(1)) n.Output(1, n.Emit("Cast", {y[1]}, {{"dst_type", GeType(DType::kI64)}}));
}

// Where x is not 0: [n, rank], or [rank, n] when transposed.
Tensor Positions(const Tensor& x, bool transposed) {
  std::vector<int> ids;
  const Dim n = x.builder().NewBound("nonzero", &ids);
  const Dim rank(x.rank());
  const Shape shape = transposed ? Shape{rank, n} : Shape{n, rank};
  return Call("non_zero", {x}, {{DType::kI64, shape}}, {{"transpose", transposed}}, ids)[0];
}

struct UniqueParts {
  Tensor y, first, inverse, counts;
};

UniqueParts Unique(const Tensor& x, int axis, bool sorted) {
  std::vector<int> ids;
  const Dim n = x.builder().NewBound("unique", &ids);
  Shape shape = x.shape();
  const Dim all = shape[axis];
  shape[axis] = n;
  std::vector<Tensor> y =
      Call("unique", {x},
           {{x.dtype(), shape}, {DType::kI64, {n}}, {DType::kI64, {all}}, {DType::kI64, {n}}},
           {{"axis", axis}, {"sorted", sorted}}, ids);
  return {y[0], y[1], y[2], y[3]};
}

Tensor Flat(const Tensor& x) { return Reshape(x, {NumElements(x.shape())}); }

}  // namespace

BELAY_OP(TopKV2) {
  op.FromOnnx("TopK", 1, OnnxTopK).Dtypes("x", kNumbers).Computes(TopKBody);
}
BELAY_OP(TopK) { op.Dtypes("x", kNumbers).Computes(TopKBody); }
BELAY_OP(TopKD) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) { OutTopK(b, b.Int("k")); });
}

BELAY_OP(Sort) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("x");
    const int axis = NormalizeAxis(b.Int("axis"), x.rank(), "axis");
    Sorted y = TopK(x, x.dim(axis), axis, b.Bool("descending"));
    b.Out("y1", y.values);
    b.OutRaw("y2", Cast(y.indices, DType::kI32));
  });
}

BELAY_OP(NonZero) {
  op.FromOnnx("NonZero", 9, [](OnnxNode& n) {
    n.Output(0, n.Emit("NonZero", {n.Input(0)}, {{"transpose", true}, {"dtype", DType::kI64}}));
  });
  op.Dtypes("x", kAnyDtype).Computes([](Body& b) {
    b.OutRaw("y", Cast(Positions(b.In("x"), b.Bool("transpose")), b.Type("dtype")));
  });
}

BELAY_OP(Where) {
  // Compress keeps what its condition marks along an axis, or of the flat tensor.
  op.FromOnnx("Compress", 9, [](OnnxNode& n) {
    ModelEdge rows = n.Emit("Reshape", {n.Emit("Where", {n.Input(1)}), n.ConstInts({-1})});
    ModelEdge x = n.Input(0);
    if (!n.HasAttr("axis")) x = n.Emit("Reshape", {x, n.ConstInts({-1})});
    n.Output(0, n.Emit("GatherV2", {x, rows, n.ConstInts({n.Int("axis", 0)})}));
  });
  op.Dtypes("x", kAnyDtype).Computes([](Body& b) { b.OutRaw("y", Positions(b.In("x"), false)); });
}

BELAY_OP(MaskedSelect) {
  op.Dtypes("mask", kBools).Computes([](Body& b) {
    Tensor x = b.Raw("x"), mask = b.Raw("mask");
    const Shape shape = BroadcastShapes(b.builder(), {x.shape(), mask.shape()});
    Tensor at = Positions(Flat(BroadcastTo(mask, shape)), false);
    b.OutRaw("y", GatherAxis(Flat(BroadcastTo(x, shape)), Flat(at), 0, false));
  });
}

BELAY_OP(UniqueWithCountsExt2) {
  op.FromOnnx("Unique", 11, [](OnnxNode& n) {
    ModelEdge x = n.Input(0);
    if (!n.HasAttr("axis")) x = n.Emit("Reshape", {x, n.ConstInts({-1})});
    std::vector<ModelEdge> y = n.EmitN("UniqueWithCountsExt2", {x, n.ConstInts({n.Int("axis", 0)})},
                                       {{"sorted", n.Int("sorted", 1) != 0},
                                        {"return_inverse", true},
                                        {"out_idx", DType::kI64}}, 0);
    const int order[] = {0, 1, 3, 2};  // GE has the counts before the inverse
    for (int i = 0; i < 4; ++i) {
      if (n.HasOutput(i)) n.Output(i, y[order[i]]);
    }
  });
  op.Dtypes("x", kAnyOrTexts).Computes([](Body& b) {
    Tensor x = b.In("x");
    const std::vector<int64_t> given = b.ConstInts("axis");
    if (given.size() > 1) Fail("axis has {} elements, but at most one is taken", given.size());
    if (given.empty()) x = Flat(x);
    const int axis = NormalizeAxis(given.empty() ? 0 : given[0], x.rank(), "axis");
    const bool texts = x.dtype() == DType::kString;
    UniqueParts y = Unique(texts ? TextRanks(x) : x, axis, b.Bool("sorted"));
    const DType dtype = b.Type("out_idx");
    b.Out("y", texts ? GatherAxis(x, y.first, axis, false) : y.y);
    b.OutRaw("idx", Cast(y.first, dtype));
    b.OutRaw("count", Cast(y.counts, dtype));
    b.OutRaw("inverse_idx", Cast(y.inverse, dtype));
  });
}

// torch.unique of the flat tensor: indices are the inverse.
BELAY_OP(UniqueWithCountsAndSorting) {
  op.Dtypes("x", kAnyDtype).Computes([](Body& b) {
    UniqueParts y = Unique(Flat(b.In("x")), 0, b.Bool("sorted"));
    Tensor none = Full(b.builder(), {Dim(0)}, DType::kI64, 0);
    b.Out("y", y.y);
    const bool inverse = b.Bool("return_inverse"), counts = b.Bool("return_counts");
    b.OutRaw("indices", inverse ? Reshape(y.inverse, b.Raw("x").shape()) : none);
    b.OutRaw("counts", counts ? y.counts : none);
  });
}

}  // namespace belay
