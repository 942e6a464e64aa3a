// Reading at indices.
#include "ops/support.h"

namespace belay {
namespace {

// x[..batch.., ..., indices, ...]: the first `batch` dims of both belong together.
Tensor GatherBatched(const Tensor& x, const Tensor& indices, int axis, int batch) {
  if (batch == 0) return GatherAxis(x, indices, axis);
  if (batch > axis || batch > indices.rank()) {
    Fail("batch_dims is {}, but axis is {} and indices have rank {}", batch, axis, indices.rank());
  }
  Tensor extent = x.builder().FromDim(indices.dtype(), x.dim(axis));
  Tensor idx = Select(Less(indices, 0.0), indices + extent, indices);
  Shape shape(x.shape().begin(), x.shape().begin() + axis);
  shape.insert(shape.end(), idx.shape().begin() + batch, idx.shape().end());
  shape.insert(shape.end(), x.shape().begin() + axis + 1, x.shape().end());
  const int inner = idx.rank() - batch;
  Shape spread(shape.size(), Dim(1));
  for (int d = 0; d < batch; ++d) spread[d] = idx.dim(d);
  for (int d = 0; d < inner; ++d) spread[axis + d] = idx.dim(batch + d);
  std::vector<int> axes;
  for (int d = 0; d < x.rank(); ++d) axes.push_back(d < axis ? d : d == axis ? -1 : d - 1 + inner);
  return Gather(x, {BroadcastTo(Reshape(idx, spread), shape)}, axes, shape);
}

void GatherBody(Body& b, int64_t axis_given, int64_t batch_given) {
  Tensor x = b.Raw("x"), indices = b.Raw("indices");
  const int axis = NormalizeAxis(axis_given, x.rank(), "axis");
  const int batch = batch_given < 0 ? static_cast<int>(batch_given) + indices.rank()
                                    : static_cast<int>(batch_given);
  b.OutRaw("y", GatherBatched(x, indices, axis, batch));
}

// out has the shape of index; along `axis` it reads where index says.
Tensor GatherAlong(const Tensor& x, const Tensor& index, int64_t axis_given) {
  if (x.rank() != index.rank()) Fail("x has rank {}, but index {}", x.rank(), index.rank());
  if (x.rank() == 0) return x;
  const int axis = NormalizeAxis(axis_given, x.rank(), "dim");
  Tensor extent = x.builder().FromDim(index.dtype(), x.dim(axis));
  Tensor idx = Select(Less(index, 0.0), index + extent, index);
  std::vector<int> axes;
  for (int d = 0; d < x.rank(); ++d) axes.push_back(d == axis ? -1 : d);
  return Gather(x, {idx}, axes, index.shape());
}

// The last dim of indices holds coordinates of x's dims batch, batch+1, ...
Tensor GatherNd(const Tensor& x, const Tensor& indices, int batch) {
  const int lead = indices.rank() - 1;
  if (indices.rank() < 1 || !indices.dim(-1).IsConst()) {
    Fail("indices has shape {}, but its last extent must be known", ToString(indices.shape()));
  }
  const int depth = static_cast<int>(indices.dim(-1).value());
  if (batch < 0 || batch > lead || batch + depth > x.rank()) {
    Fail("indices address {} dims after {} batch dims, but x has rank {}", depth, batch, x.rank());
  }
  Shape shape(indices.shape().begin(), indices.shape().end() - 1);
  shape.insert(shape.end(), x.shape().begin() + batch + depth, x.shape().end());
  Shape spread(indices.shape().begin(), indices.shape().end() - 1);
  spread.resize(shape.size(), Dim(1));
  std::vector<Tensor> coordinates;
  std::vector<int> axes;
  for (int d = 0; d < x.rank(); ++d) {
    if (d < batch) {
      axes.push_back(d);
    } else if (d < batch + depth) {
      Tensor at = Squeeze(Slice(indices, lead, d - batch, 1), {lead});
      Tensor extent = x.builder().FromDim(at.dtype(), x.dim(d));
      at = Select(Less(at, 0.0), at + extent, at);
      coordinates.push_back(BroadcastTo(Reshape(at, spread), shape));
      axes.push_back(-static_cast<int>(coordinates.size()));
    } else {
      axes.push_back(lead + d - batch - depth);
    }
  }
  return Gather(x, coordinates, axes, shape);
}

}  // namespace

BELAY_OP(GatherV2) {
  op.FromOnnx("Gather", 1, [](OnnxNode& n) {
    n.Output(0, n.Emit("GatherV2", {n.Input(0), n.Input(1), n.ConstInts({n.Int("axis", 0)})},
                       {{"negative_index_support", true}}));
  });
  op.Dtypes("indices", kIndices).Computes([](Body& b) {
    const std::vector<int64_t> axis = b.ConstInts("axis");
    if (axis.size() != 1) Fail("axis has {} elements, but must have one", axis.size());
    GatherBody(b, axis[0], b.Int("batch_dims"));
  });
}
BELAY_OP(GatherV2D) {
  op.Dtypes("indices", kIndices).Computes([](Body& b) { GatherBody(b, b.Int("axis"), 0); });
}
BELAY_OP(Gather) {
  op.Dtypes("indices", kIndices).Computes([](Body& b) {
    GatherBody(b, b.Int("batch_dims"), b.Int("batch_dims"));
  });
}

BELAY_OP(GatherElements) {
  op.FromOnnx("GatherElements", 11, {{"axis", "dim"}}).Dtypes("index", kIndices);
  op.Computes([](Body& b) { b.OutRaw("y", GatherAlong(b.Raw("x"), b.Raw("index"), b.Int("dim"))); });
}
BELAY_OP(GatherD) {
  op.Dtypes("index", kIndices).Computes([](Body& b) {
    const std::vector<int64_t> dim = b.ConstInts("dim");
    if (dim.size() != 1) Fail("dim has {} elements, but must have one", dim.size());
    b.OutRaw("y", GatherAlong(b.Raw("x"), b.Raw("index"), dim[0]));
  });
}
BELAY_OP(GatherNd) {
  op.FromOnnx("GatherND", 11, [](OnnxNode& n) {
    n.Output(0, n.Emit("GatherNd", {n.Input(0), n.Input(1)},
                       {{"negative_index_support", true}, {"batch_dims", n.Int("batch_dims", 0)}}));
  });
  op.Dtypes("indices", kIndices).Computes([](Body& b) {
    const int batch = static_cast<int>(HiddenInt(b, "batch_dims", 0));
    b.OutRaw("y", GatherNd(b.Raw("x"), b.Raw("indices"), batch));
  });
}

BELAY_OP(SelectV2) {
  op.FromOnnx("Where", 9).Dtypes("condition", kBools).Computes([](Body& b) {
    b.OutRaw("result", Select(b.Raw("condition"), b.Raw("then"), b.Raw("else")));
  });
}
// A condition of rank 1 selects rows.
BELAY_OP(Select) {
  op.Dtypes("condition", kBools).Computes([](Body& b) {
    Tensor condition = b.Raw("condition"), x1 = b.Raw("x1");
    if (condition.rank() == 1 && x1.rank() > 1) condition = AlongAxis(condition, 0, x1.rank());
    b.OutRaw("y", Select(condition, x1, b.Raw("x2")));
  });
}

}  // namespace belay
