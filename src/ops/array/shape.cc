// Operators about shapes: reshapes, and tensors that hold extents.
#include "ops/support.h"

namespace belay {
namespace {

// The extent for -1: what x has and the others do not. Equal factors cancel first, so that symbolic
// extents stay simple.
Dim RemainingExtent(const Shape& x, const Shape& others) {
  Shape from = x, to;
  for (const Dim& d : others) {
    bool cancelled = false;
    for (size_t i = 0; i < from.size() && !cancelled && !d.IsConst(0); ++i) {
      if (from[i] != d) continue;
      from.erase(from.begin() + i);
      cancelled = true;
    }
    if (!cancelled) to.push_back(d);
  }
  const Dim divisor = NumElements(to);
  if (divisor.IsConst(0)) Fail("shape has -1 beside an extent of 0");
  return divisor.IsConst(1) ? NumElements(from) : FloorDiv(NumElements(from), divisor);
}

Shape ResolveShape(const Tensor& x, const std::vector<Dim>& wanted, bool allow_zero) {
  Shape shape, known;
  int inferred = -1;
  for (size_t i = 0; i < wanted.size(); ++i) {
    Dim d = wanted[i];
    if (d.IsConst(0) && !allow_zero) {
      if (static_cast<int>(i) >= x.rank()) {
        Fail("shape[{}] is 0, which copies an extent, but x has rank {}", i, x.rank());
      }
      d = x.dim(static_cast<int>(i));
    }
    if (d.IsConst(-1)) {
      if (inferred >= 0) Fail("shape has -1 at {} and {}, but one is allowed", inferred, i);
      inferred = static_cast<int>(i);
    } else if (d.IsConst() && d.value() < 0) {
      Fail("shape[{}] is {}", i, d.value());
    } else {
      known.push_back(d);
    }
    shape.push_back(d);
  }
  if (inferred >= 0) shape[inferred] = RemainingExtent(x.shape(), known);
  return shape;
}

// Replaces dims axis..axis+num_axes-1 of x by `shape` (Caffe's partial reshape).
std::vector<Dim> WholeShape(const Body& b, const Tensor& x, std::vector<Dim> shape) {
  const int64_t axis = b.Int("axis"), count = b.Int("num_axes");
  if (axis == 0 && count == -1) return shape;
  const int64_t rank = x.rank(), from = axis < 0 ? axis + rank + 1 : axis;
  if (from < 0 || from > rank || count > rank - from) {
    Fail("axis {} and num_axes {} do not fit rank {}", axis, count, rank);
  }
  const int first = static_cast<int>(from), end = count < 0 ? x.rank() : first + static_cast<int>(count);
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i].IsConst(0) && first + static_cast<int>(i) < x.rank()) {
      shape[i] = x.dim(first + static_cast<int>(i));
    }
  }
  shape.insert(shape.begin(), x.shape().begin(), x.shape().begin() + first);
  shape.insert(shape.end(), x.shape().begin() + end, x.shape().end());
  return shape;
}

Tensor SqueezeAxes(const Tensor& x, const std::vector<int64_t>& axes) {
  if (!axes.empty()) return Squeeze(x, NormalizeAxes(axes, x.rank(), "axis"));
  std::vector<int> ones;
  for (int d = 0; d < x.rank(); ++d) {
    if (x.builder().Assume(Equal(x.dim(d), 1), false)) ones.push_back(d);
  }
  return Squeeze(x, ones);
}

Tensor UnsqueezeAxes(const Tensor& x, const std::vector<int64_t>& axes) {
  const int rank = x.rank() + static_cast<int>(axes.size());
  std::vector<int> places = NormalizeAxes(axes, rank, "axes");
  if (places.size() != axes.size()) Fail("axes names a dim twice");
  return Unsqueeze(x, places);
}

DType IndexDType(const Body& b) {
  const DType dtype = b.Type("dtype");
  if (dtype != DType::kI32 && dtype != DType::kI64) {
    Fail("dtype is {}, but must be i32 or i64", DTypeName(dtype));
  }
  return dtype;
}

}  // namespace

BELAY_OP(Reshape) {
  op.FromOnnx("Reshape", 1, [](OnnxNode& n) {
    ModelEdge shape = n.HasAttr("shape") || n.opset() < 5 ? n.ConstInts(n.Ints("shape")) : n.Input(1);
    n.Output(0, n.Emit("Reshape", {n.Input(0), shape}, {{"allowzero", n.Int("allowzero", 0)}}));
  });
  op.IsView().Computes([](Body& b) {
    Tensor x = b.Raw("x");
    const std::vector<Dim> shape = WholeShape(b, x, b.Dims("shape"));
    b.OutRaw("y", Reshape(x, ResolveShape(x, shape, HiddenInt(b, "allowzero", 0) != 0)));
  });
}

BELAY_OP(Flatten) {
  op.FromOnnx("Flatten").IsView().Computes([](Body& b) {
    Tensor x = b.Raw("x");
    const int axis = NormalizeAxis(b.Int("axis"), x.rank() + 1, "axis");
    const int64_t given = b.Int("axis");
    const int split = given < 0 ? static_cast<int>(given) + x.rank() : axis;
    Dim rows(1), columns(1);
    for (int d = 0; d < x.rank(); ++d) (d < split ? rows : columns) = (d < split ? rows : columns) * x.dim(d);
    b.OutRaw("y", Reshape(x, {rows, columns}));
  });
}

BELAY_OP(Squeeze) {
  op.FromOnnx("Squeeze", 1, {{"axes", "axis"}}).IsView().Computes([](Body& b) {
    b.OutRaw("y", SqueezeAxes(b.Raw("x"), b.Ints("axis")));
  });
}
BELAY_OP(SqueezeV2) {
  op.IsView().Computes([](Body& b) { b.OutRaw("y", SqueezeAxes(b.Raw("x"), b.Ints("axis"))); });
}
BELAY_OP(SqueezeV3) {
  op.FromOnnx("Squeeze", 13).IsView().Computes([](Body& b) {
    const std::vector<int64_t> axes = b.Has("axes") ? b.ConstInts("axes") : std::vector<int64_t>{};
    b.OutRaw("y", SqueezeAxes(b.Raw("x"), axes));
  });
}

BELAY_OP(Unsqueeze) {
  op.FromOnnx("Unsqueeze", 1).IsView().Computes([](Body& b) {
    b.OutRaw("y", UnsqueezeAxes(b.Raw("x"), b.Ints("axes")));
  });
}
BELAY_OP(UnsqueezeV2) {
  op.IsView().Computes([](Body& b) { b.OutRaw("y", UnsqueezeAxes(b.Raw("x"), b.Ints("axis"))); });
}
BELAY_OP(UnsqueezeV3) {
  op.FromOnnx("Unsqueeze", 13).IsView().Computes([](Body& b) {
    b.OutRaw("y", UnsqueezeAxes(b.Raw("x"), b.ConstInts("axes")));
  });
}
BELAY_OP(ExpandDims) {
  op.IsView().Computes([](Body& b) {
    const std::vector<int64_t> axis = b.ConstInts("axis");
    if (axis.size() != 1) Fail("axis has {} elements, but must have one", axis.size());
    b.OutRaw("y", UnsqueezeAxes(b.Raw("x"), axis));
  });
}

BELAY_OP(Shape) {
  op.FromOnnx("Shape", 1, [](OnnxNode& n) {
    ModelEdge shape = n.Emit("Shape", {n.Input(0)}, {{"dtype", GeType(DType::kI64)}});
    if (n.HasAttr("start") || n.HasAttr("end")) {
      ModelEdge begin = n.ConstInts({n.Int("start", 0)});
      ModelEdge end = n.ConstInts({n.Int("end", INT64_MAX)});
      shape = n.Emit("StridedSliceV2", {shape, begin, end});
    }
    n.Output(0, shape);
  });
  op.Computes([](Body& b) {
    b.OutRaw("y", b.builder().FromDims(IndexDType(b), b.Raw("x").shape()));
  });
}
BELAY_OP(Size) {
  op.FromOnnx("Size", 1, [](OnnxNode& n) {
    n.Output(0, n.Emit("Size", {n.Input(0)}, {{"dtype", GeType(DType::kI64)}}));
  });
  op.Computes([](Body& b) {
    b.OutRaw("y", b.builder().FromDim(IndexDType(b), NumElements(b.Raw("x").shape())));
  });
}
BELAY_OP(Rank) {
  op.Computes([](Body& b) { b.OutRaw("y", b.builder().ScalarInt(DType::kI32, b.Raw("x").rank())); });
}

}  // namespace belay
