// Concatenation, splitting, stacking.
#include <algorithm>

#include "ops/support.h"

namespace belay {
namespace {

void ConcatBody(Body& b, int64_t axis) {
  std::vector<Tensor> parts = b.RawIns("x");
  if (parts.empty()) Fail("x has no instances");
  const int rank = parts[0].rank();
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].rank() != rank) {
      Fail("x0 has rank {}, but x{} has rank {}", rank, i, parts[i].rank());
    }
  }
  b.OutRaw(OutputName(b, 0), Concat(parts, NormalizeAxis(axis, rank, "concat_dim")));
}

int64_t OneInt(const Body& b, const char* input) {
  const std::vector<int64_t> values = b.ConstInts(input);
  if (values.size() != 1) Fail("{} has {} elements, but must have one", input, values.size());
  return values[0];
}

void EvenSplit(Body& b, int64_t axis_given) {
  Tensor x = b.Raw("x");
  const int axis = NormalizeAxis(axis_given, x.rank(), "split_dim");
  const int64_t parts = b.Int("num_split");
  if (parts < 1) Fail("num_split is {}, but must be positive", parts);
  const Dim extent = x.dim(axis);
  Dim size = FloorDiv(extent, parts);
  const bool divides = b.builder().Assume(Equal(Mod(extent, parts), 0), true);
  if (!divides) {
    // ONNX's num_outputs lets the last part be smaller.
    if (!HiddenInt(b, "uneven", 0)) {
      Fail("the extent {} of dim {} is not divisible by {}", extent.ToString(), axis, parts);
    }
    size = CeilDiv(extent, parts);
    if (!b.builder().Assume(Less(Dim(parts - 1) * size, extent + Dim(1)), true)) {
      Fail("the extent {} of dim {} is too small for {} parts of {}", extent.ToString(), axis, parts, size.ToString());
    }
  }
  std::vector<Tensor> out;
  for (int64_t i = 0; i < parts; ++i) {
    const Dim start = Dim(i) * size;
    out.push_back(Slice(x, axis, start, divides || i + 1 < parts ? size : extent - start));
  }
  b.Outs("y", out);
}

void SizedSplit(Body& b, std::vector<Dim> sizes, int64_t axis_given) {
  Tensor x = b.Raw("x");
  const int axis = NormalizeAxis(axis_given, x.rank(), "split_dim");
  int inferred = -1;
  Dim total(0);
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i].IsConst(-1) && inferred < 0) {
      inferred = static_cast<int>(i);
    } else if (sizes[i].IsConst() && sizes[i].value() < 0) {
      Fail("size_splits[{}] is {}", i, sizes[i].value());
    } else {
      total = total + sizes[i];
    }
  }
  if (inferred >= 0) {
    sizes[inferred] = x.dim(axis) - total;
  } else if (!b.builder().Assume(Equal(total, x.dim(axis)), true)) {
    Fail("size_splits add up to {}, but dim {} of x has {} elements", total.ToString(), axis,
         x.dim(axis).ToString());
  }
  std::vector<Tensor> out;
  Dim start(0);
  for (const Dim& size : sizes) {
    out.push_back(Slice(x, axis, start, size));
    start = start + size;
  }
  b.Outs("y", out);
}

void OnnxSplit(OnnxNode& n) {
  const int64_t axis = n.Int("axis", 0);
  const int outputs = n.output_count();
  std::vector<int64_t> attr = n.Ints("split");
  AttrMap attrs = {{"num_split", int64_t{outputs}}};
  if (n.HasInput(1) || !attr.empty()) {
    ModelEdge sizes = attr.empty() ? n.Input(1) : n.ConstInts(attr);
    ModelEdge dim = n.ConstInts({axis});
    return n.OutputAll(n.EmitN("SplitV", {n.Input(0), sizes, dim}, attrs, outputs));
  }
  if (n.opset() >= 18) attrs["uneven"] = int64_t{1};
  ModelEdge dim = n.ConstInts({axis}, DType::kI32);
  n.OutputAll(n.EmitN("Split", {dim, n.Input(0)}, attrs, outputs));
}

}  // namespace

BELAY_OP(Concat) {
  op.Computes([](Body& b) { ConcatBody(b, OneInt(b, "concat_dim")); });
}
BELAY_OP(ConcatV2) {
  op.Computes([](Body& b) { ConcatBody(b, OneInt(b, "concat_dim")); });
}
BELAY_OP(ConcatD) {
  op.FromOnnx("Concat", 1, [](OnnxNode& n) {
    std::vector<ModelEdge> inputs;
    for (int i = 0; i < n.input_count(); ++i) inputs.push_back(n.Input(i));
    const int64_t axis = n.Int("axis", n.opset() < 4 ? 1 : 0);
    n.Output(0, n.Emit("ConcatD", inputs, {{"concat_dim", axis}, {"N", int64_t{n.input_count()}}}));
  });
  op.Computes([](Body& b) { ConcatBody(b, b.Int("concat_dim")); });
}
BELAY_OP(ConcatV2D) {
  op.Computes([](Body& b) { ConcatBody(b, b.Int("concat_dim")); });
}

BELAY_OP(Split) {
  op.FromOnnx("Split", 1, OnnxSplit).Computes([](Body& b) { EvenSplit(b, OneInt(b, "split_dim")); });
}
BELAY_OP(SplitD) {
  op.Computes([](Body& b) { EvenSplit(b, b.Int("split_dim")); });
}
BELAY_OP(SplitV) {
  op.Computes([](Body& b) { SizedSplit(b, b.Dims("size_splits"), OneInt(b, "split_dim")); });
}
BELAY_OP(SplitVD) {
  op.Computes([](Body& b) {
    std::vector<Dim> sizes;
    for (int64_t size : b.Ints("size_splits")) sizes.push_back(size);
    SizedSplit(b, sizes, b.Int("split_dim"));
  });
}

BELAY_OP(Pack) {
  op.Computes([](Body& b) {
    std::vector<Tensor> parts = b.RawIns("x");
    if (parts.empty()) Fail("x has no instances");
    const int axis = InsertAxis(b.Int("axis"), parts[0].rank(), "axis");
    for (Tensor& part : parts) part = Unsqueeze(part, {axis});
    b.OutRaw("y", Concat(parts, axis));
  });
}
BELAY_OP(Unpack) {
  op.Computes([](Body& b) {
    Tensor x = b.Raw("x");
    const int axis = NormalizeAxis(b.Int("axis"), x.rank(), "axis");
    const int64_t count = b.Int("num");
    if (!b.builder().Assume(Equal(x.dim(axis), count), true)) {
      Fail("num is {}, but dim {} of x has {} elements", count, axis, x.dim(axis).ToString());
    }
    std::vector<Tensor> out;
    for (int64_t i = 0; i < count; ++i) out.push_back(Squeeze(Slice(x, axis, i, 1), {axis}));
    b.Outs("y", out);
  });
}

}  // namespace belay
