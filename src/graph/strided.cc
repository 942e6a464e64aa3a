#include "graph/strided.h"

namespace belay {
namespace {

// Strides of `to` over the elements that `from` with `strides` lists in row-major order.
std::optional<std::vector<Dim>> ReshapeStrides(const Shape& from, const std::vector<Dim>& strides,
                                               const Shape& to) {
  std::vector<Dim> out(to.size(), Dim(0));
  size_t i = 0, j = 0;
  while (i < from.size() || j < to.size()) {
    if (i < from.size() && from[i].IsConst(1)) {
      ++i;
      continue;
    }
    if (j < to.size() && to[j].IsConst(1)) {
      ++j;
      continue;
    }
    if (i >= from.size() || j >= to.size()) return std::nullopt;
    // The shortest runs [i, i2) and [j, j2) with equal element counts.
    size_t i2 = i + 1, j2 = j + 1;
    Dim a = from[i], b = to[j];
    while (a != b) {
      const bool a_divides = (FloorDiv(b, a) * a == b);
      if (a_divides && i2 < from.size()) {
        a = a * from[i2++];
      } else if (j2 < to.size()) {
        b = b * to[j2++];
      } else if (i2 < from.size()) {
        a = a * from[i2++];
      } else {
        return std::nullopt;
      }
    }
    for (size_t k = i2 - 1; k > i; --k) {  // the run must be contiguous in itself
      if (from[k - 1].IsConst(1)) continue;
      if (strides[k - 1] != strides[k] * from[k]) return std::nullopt;
    }
    Dim stride = strides[i2 - 1];
    for (size_t k = j2; k-- > j;) {
      out[k] = stride;
      stride = stride * to[k];
    }
    i = i2;
    j = j2;
  }
  return out;
}

}  // namespace

std::vector<Dim> DenseStrides(const Shape& shape) {
  std::vector<Dim> strides(shape.size(), Dim(1));
  for (size_t k = shape.size(); k-- > 1;) strides[k - 1] = strides[k] * shape[k];
  return strides;
}

std::optional<StridedView> ViewOf(const Node* node, const Node* stop) {
  const bool view = node != stop && (node->op == Op::kReshape || node->op == Op::kTranspose ||
                                     node->op == Op::kBroadcast || node->op == Op::kSlice);
  if (!view) return StridedView{node, 0, DenseStrides(node->shape())};
  std::optional<StridedView> in = ViewOf(node->inputs[0], stop);
  if (!in) return std::nullopt;
  const Shape& from = node->inputs[0]->shape();
  StridedView out{in->base, in->offset, {}};
  if (node->op == Op::kReshape) {
    auto strides = ReshapeStrides(from, in->strides, node->shape());
    if (!strides) return std::nullopt;
    out.strides = *strides;
    return out;
  }
  for (int d = 0; d < node->rank(); ++d) {
    if (node->op == Op::kTranspose) {
      out.strides.push_back(in->strides[node->axes[d]]);
    } else if (node->op == Op::kBroadcast) {
      const bool repeats = from[d].IsConst(1) && !node->shape()[d].IsConst(1);
      out.strides.push_back(repeats ? Dim(0) : in->strides[d]);
    } else {
      out.offset = out.offset + node->starts[d] * in->strides[d];
      out.strides.push_back(in->strides[d] * node->steps[d]);
    }
  }
  return out;
}

bool FillLines(DType dtype, const Dim& elements) {
  constexpr int64_t kLineBits = 512;
  const Dim bits = elements * Dim(BitWidth(dtype));
  return bits.IsConst() && bits.value() % kLineBits == 0;
}

}  // namespace belay
