// Slices: NumPy's start:end:step per dim, with TensorFlow's masks.
#include <algorithm>
#include <limits>

#include "ops/gradient.h"

namespace belay {
namespace {

constexpr int64_t kHuge = int64_t{1} << 31;  // no extent reaches it: INT_MAX ends mean "to the end"

struct Span {
  Dim start, size, step;
};

// Extents that a run decides (loops, NonZero) change from turn to turn: what is done with them must hold for
// all values, not be a guard.
bool DecidedByRun(Builder& b, const Dim& d) {
  std::vector<int> ids;
  d.CollectSymbols(&ids);
  return std::any_of(ids.begin(), ids.end(), [&](int id) { return b.root().symbols[id].input < 0; });
}

// `at` moved into 0..n (or -1..n-1 for negative steps), as NumPy clamps it.
Dim Clamped(Builder& b, Dim at, const Dim& n, bool backwards) {
  const Dim low = backwards ? Dim(-1) : Dim(0), high = backwards ? n - Dim(1) : n;
  if (at.IsConst() && at.value() >= kHuge - 1) return high;
  if (at.IsConst() && at.value() <= -kHuge + 1) return low;
  if (DecidedByRun(b, at) || DecidedByRun(b, n)) {
    if (at == n) return high;
    if (at.IsConst(0) && !backwards) return at;
    const Dim wrapped = at.NonNegative() ? at : Select(Less(at, 0), at + n, at), clipped = Min(wrapped, high);
    return !backwards && clipped.NonNegative() ? clipped : Max(low, clipped);
  }
  const bool negative =
      at.IsConst() ? at.value() < 0 : !at.NonNegative() && b.Assume(Less(at, 0), false);
  if (negative) {
    at = at + n;
    if (at.NonNegative()) return at;
    return b.Assume(Less(at, 0), false) ? low : at;
  }
  if (at == n && !backwards) return n;
  if (at.IsConst(0) && !backwards) return at;
  return b.Assume(Less(high, at), false) ? high : at;
}

Span NumpySpan(Builder& b, const Dim& start, const Dim& end, int64_t step, const Dim& n) {
  if (step == 0) Fail("a stride is 0");
  step = std::clamp(step, -kHuge, kHuge);  // beyond any extent already
  const bool backwards = step < 0;
  const Dim from = Clamped(b, start, n, backwards), to = Clamped(b, end, n, backwards);
  Dim room = backwards ? from - to : to - from;
  if (room.IsConst()) {
    room = std::max<int64_t>(room.value(), 0);
  } else if (DecidedByRun(b, room)) {
    room = room.NonNegative() ? room : Max(room, 0);
  } else if (!room.NonNegative() && b.Assume(Less(room, 0), false)) {
    room = 0;
  }
  const int64_t stride = backwards ? -step : step;
  return {from, stride == 1 ? room : CeilDiv(room, stride), step};
}

struct Masks {
  int64_t begin = 0, end = 0, ellipsis = 0, new_axis = 0, shrink = 0;
};

Masks MasksOf(const Body& b) {
  return {b.Int("begin_mask"), b.Int("end_mask"), b.Int("ellipsis_mask"), b.Int("new_axis_mask"),
          b.Int("shrink_axis_mask")};
}

// TensorFlow's strided slice: entry i of begin/end/strides treats the next dim of x, except where a
// mask bit says ellipsis or new axis.
Tensor MaskedSlice(const Tensor& x, const std::vector<Dim>& begin, const std::vector<Dim>& end,
                   const std::vector<int64_t>& strides, const Masks& masks) {
  Builder& b = x.builder();
  const int entries = static_cast<int>(begin.size());
  if (end.size() != begin.size() || strides.size() != begin.size()) {
    Fail("begin, end and strides have {}, {} and {} elements", begin.size(), end.size(),
         strides.size());
  }
  auto bit = [](int64_t mask, int i) { return i < 64 && ((mask >> i) & 1) != 0; };
  int consumed = 0;
  for (int i = 0; i < entries; ++i) {
    consumed += !bit(masks.ellipsis, i) && (!bit(masks.new_axis, i));
  }
  if (consumed > x.rank()) Fail("begin has {} elements, but x has rank {}", consumed, x.rank());
  std::vector<Dim> starts(x.rank(), Dim(0)), sizes = x.shape(), steps(x.rank(), Dim(1));
  Shape shape;
  int dim = 0;
  for (int i = 0; i < entries; ++i) {
    if (bit(masks.ellipsis, i)) {
      for (int k = x.rank() - consumed; k > 0; --k) shape.push_back(x.dim(dim++));
      continue;
    }
    if (bit(masks.new_axis, i)) {
      shape.push_back(Dim(1));
      continue;
    }
    const Dim n = x.dim(dim);
    if (bit(masks.shrink, i)) {
      const bool negative = begin[i].IsConst() ? begin[i].value() < 0
                                               : !begin[i].NonNegative() &&
                                                     b.Assume(Less(begin[i], 0), false);
      const Dim at = negative ? begin[i] + n : begin[i];
      if (!b.Assume(Less(at, n), true) || !b.Assume(Less(-1, at), true)) {
        Fail("begin[{}] is {}, but dim {} has {} elements", i, begin[i].ToString(), dim,
             n.ToString());
      }
      starts[dim] = at;
      sizes[dim] = 1;
    } else {
      const Dim whole_start = strides[i] < 0 ? n - Dim(1) : Dim(0);
      const Dim whole_end = strides[i] < 0 ? Dim(-kHuge) : n;
      Span span = NumpySpan(b, bit(masks.begin, i) ? whole_start : begin[i],
                            bit(masks.end, i) ? whole_end : end[i], strides[i], n);
      starts[dim] = span.start;
      sizes[dim] = span.size;
      steps[dim] = span.step;
      shape.push_back(span.size);
    }
    ++dim;
  }
  for (; dim < x.rank(); ++dim) shape.push_back(x.dim(dim));
  return Reshape(SliceAll(x, starts, sizes, steps), shape);
}

std::vector<Dim> AsDims(const std::vector<int64_t>& values) {
  return std::vector<Dim>(values.begin(), values.end());
}

// begin, end and strides of some axes.
Tensor AxesSlice(const Tensor& x, const std::vector<Dim>& begin, const std::vector<Dim>& end,
                 const std::vector<int64_t>& axes, const std::vector<int64_t>& strides) {
  if (end.size() != begin.size() || axes.size() != begin.size() || strides.size() != begin.size()) {
    Fail("begin, end, axes and strides have {}, {}, {} and {} elements", begin.size(), end.size(),
         axes.size(), strides.size());
  }
  std::vector<Dim> starts(x.rank(), Dim(0)), sizes = x.shape(), steps(x.rank(), Dim(1));
  for (size_t i = 0; i < axes.size(); ++i) {
    const int axis = NormalizeAxis(axes[i], x.rank(), "axes");
    Span span = NumpySpan(x.builder(), begin[i], end[i], strides[i], x.dim(axis));
    starts[axis] = span.start;
    sizes[axis] = span.size;
    steps[axis] = span.step;
  }
  return SliceAll(x, starts, sizes, steps);
}

}  // namespace

BELAY_OP(StridedSlice) {
  op.Computes([](Body& b) {
    b.OutRaw("y", MaskedSlice(b.Raw("x"), b.Dims("begin"), b.Dims("end"), b.ConstInts("strides"),
                              MasksOf(b)));
  });
}

// dy between zeros, in a tensor of the given shape.
BELAY_OP(StridedSliceGrad) {
  op.Dtypes("dy", kFloats).Computes([](Body& b) {
    Tensor dy = b.In("dy"), x = Placeholder(b.builder(), dy.dtype(), b.Dims("shape"));
    Tensor y = MaskedSlice(x, b.Dims("begin"), b.Dims("end"), b.ConstInts("strides"), MasksOf(b));
    b.Out("output", Gradient(y, Reshape(dy, y.shape()), x));
  });
}

BELAY_OP(StridedSliceD) {
  op.Computes([](Body& b) {
    b.OutRaw("y", MaskedSlice(b.Raw("x"), AsDims(b.Ints("begin")), AsDims(b.Ints("end")),
                              b.Ints("strides"), MasksOf(b)));
  });
}

BELAY_OP(StridedSliceV2) {
  op.FromOnnx("Slice", 1, [](OnnxNode& n) {
    if (n.opset() >= 10) {
      std::vector<ModelEdge> inputs;
      for (int i = 0; i < 5; ++i) inputs.push_back(i < n.input_count() ? n.Input(i) : ModelEdge{});
      return n.Output(0, n.Emit("StridedSliceV2", inputs));
    }
    std::vector<ModelEdge> inputs = {n.Input(0), n.ConstInts(n.Ints("starts")),
                                     n.ConstInts(n.Ints("ends"))};
    if (n.HasAttr("axes")) inputs.push_back(n.ConstInts(n.Ints("axes")));
    n.Output(0, n.Emit("StridedSliceV2", inputs));
  });
  op.Computes([](Body& b) {
    Tensor x = b.Raw("x");
    const Masks masks = MasksOf(b);
    const bool masked = masks.begin || masks.end || masks.ellipsis || masks.new_axis || masks.shrink;
    const Dim entries = NumElements(b.Raw("begin").shape());
    const bool known = b.IsKnownBefore("begin") && b.IsKnownBefore("end");
    if (!known && !masked && entries.IsConst()) {
      std::vector<int64_t> axes, strides(entries.value(), 1);
      for (int64_t i = 0; i < entries.value(); ++i) axes.push_back(i);
      if (b.Has("axes")) axes = b.ConstInts("axes");
      if (b.Has("strides")) strides = b.ConstInts("strides");
      if (axes.size() != strides.size()) Fail("axes and strides have {} and {} elements", axes.size(), strides.size());
      return b.OutRaw("y", SliceWhileRunning(x, b.Raw("begin"), b.Raw("end"), axes, strides));
    }
    const std::vector<Dim> begin = b.Dims("begin"), end = b.Dims("end");
    std::vector<int64_t> strides(begin.size(), 1);
    if (b.Has("strides")) strides = b.ConstInts("strides");
    if (!b.Has("axes")) return b.OutRaw("y", MaskedSlice(x, begin, end, strides, masks));
    if (masked) {
      FailNotSupported("masks together with the input axes");
    }
    b.OutRaw("y", AxesSlice(x, begin, end, b.ConstInts("axes"), strides));
  });
}

// offsets and size per dim; a size of -1 goes to the end.
BELAY_OP(Slice) {
  op.Computes([](Body& b) {
    Tensor x = b.Raw("x");
    const std::vector<Dim> offsets = b.Dims("offsets"), given = b.Dims("size");
    if (static_cast<int>(offsets.size()) != x.rank() || given.size() != offsets.size()) {
      Fail("offsets and size have {} and {} elements, but x has rank {}", offsets.size(),
           given.size(), x.rank());
    }
    std::vector<Dim> sizes, steps(x.rank(), Dim(1));
    for (int d = 0; d < x.rank(); ++d) {
      sizes.push_back(given[d].IsConst(-1) ? x.dim(d) - offsets[d] : given[d]);
      if (!b.builder().Assume(Less(-1, offsets[d]), true) ||
          !b.builder().Assume(Less(offsets[d] + sizes[d], x.dim(d) + Dim(1)), true)) {
        Fail("offsets[{}] is {} and size[{}] is {}, but dim {} has {} elements", d,
             offsets[d].ToString(), d, given[d].ToString(), d, x.dim(d).ToString());
      }
    }
    b.OutRaw("y", SliceAll(x, offsets, sizes, steps));
  });
}

BELAY_OP(ReverseV2) {
  op.Computes([](Body& b) {
    Tensor x = b.Raw("x");
    for (int axis : NormalizeAxes(b.ConstInts("axis"), x.rank(), "axis")) x = Flip(x, axis);
    b.OutRaw("y", x);
  });
}

}  // namespace belay
