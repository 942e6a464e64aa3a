// Rows replaced or added to; and as_strided's counterpart for writing.
#include "ops/indexing.h"

namespace belay {
namespace {

// Not in place in spite of the names: the output is another tensor.
void RowsOp(OpRecord& op, ReduceKind kind, bool negate) {
  op.Dtypes("indices", kIndices).Computes([=](Body& b) {
    const Tensor v = b.In("v");
    b.Out("y", ScatterRows(b.In("x"), b.Raw("indices"), negate ? 0.0 - v : v, 0, kind));
  });
}

Tensor ViewPlaces(Body& b, const char* size, const char* stride, const char* offset) {
  const std::vector<Dim> sizes = b.Dims(size), strides = b.Dims(stride), start = b.Dims(offset);
  if (sizes.size() != strides.size() || start.size() != 1) {
    Fail("{} has {} entries, {} {} and {} {}", size, sizes.size(), stride, strides.size(), offset, start.size());
  }
  return StridedPlaces(b.builder(), sizes, strides, start[0]);
}

}  // namespace

BELAY_OP(InplaceUpdate) { RowsOp(op, ReduceKind::kNone, false); }
BELAY_OP(InplaceAdd) { RowsOp(op, ReduceKind::kSum, false); }
BELAY_OP(InplaceSub) { RowsOp(op, ReduceKind::kSum, true); }

BELAY_OP(InplaceIndexAdd) {
  op.Dtypes("indices", kIndices).Computes([](Body& b) {
    Tensor updates = b.In("updates");
    if (b.Has("alpha")) updates = updates * Reshape(b.In("alpha"), {});
    b.Out("var", ScatterRows(b.In("var"), b.Raw("indices"), updates, b.Int("axis"), ReduceKind::kSum));
  });
}

BELAY_OP(ViewCopy) {
  op.Computes([](Body& b) {
    Tensor dst = b.Raw("dst"), src = b.Raw("src");
    const Tensor to = ViewPlaces(b, "dst_size", "dst_stride", "dst_storage_offset");
    const Tensor from = ViewPlaces(b, "src_size", "src_stride", "src_storage_offset");
    Tensor values = Gather(Reshape(src, {NumElements(src.shape())}), {from}, {-1}, from.shape());
    Tensor flat = Reshape(dst, {NumElements(dst.shape())});
    b.OutRaw("dst", Reshape(Scatter(ReduceKind::kNone, flat, Reshape(values, to.shape()), {to}, {-1}), dst.shape()));
  });
}

}  // namespace belay
