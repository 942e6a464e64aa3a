// Reductions, scans and pooling. Floats accumulate in double and round once per result.
#include <algorithm>
#include <limits>
#include <memory>

#include "graph/interpret_ops.h"
#include "graph/number.h"

namespace belay::interpret {
namespace {

// Wide: double for floats, uint64_t/int64_t for integers (which wrap when stored), bool for bool.
template <typename T>
using WideOf = std::conditional_t<
    kIsFloatType<T>, double,
    std::conditional_t<std::is_same_v<T, bool>, bool,
                       std::conditional_t<std::is_unsigned_v<T>, uint64_t, int64_t>>>;

template <typename T>
WideOf<T> Load(T v) {
  if constexpr (kIsFloatType<T>) {
    return LoadDouble(v);
  } else {
    return v;
  }
}

template <typename T>
T Store(WideOf<T> v) {
  if constexpr (kIsFloatType<T>) {
    return StoreDouble<T>(v);
  } else {
    return static_cast<T>(v);
  }
}

// What the reduction of nothing gives.
template <typename T>
WideOf<T> Identity(ReduceKind kind) {
  switch (kind) {
    case ReduceKind::kProd: return 1;
    case ReduceKind::kAnd: return static_cast<WideOf<T>>(-1);
    case ReduceKind::kMax:
      if constexpr (kIsFloatType<T>) {
        return -std::numeric_limits<double>::infinity();
      } else {
        return std::numeric_limits<T>::min();
      }
    case ReduceKind::kMin:
      if constexpr (kIsFloatType<T>) {
        return std::numeric_limits<double>::infinity();
      } else {
        return std::numeric_limits<T>::max();
      }
    default: return 0;
  }
}

template <typename Wide>
Wide Step(ReduceKind kind, Wide x, Wide y) {
  if constexpr (std::is_same_v<Wide, double>) {
    switch (kind) {
      case ReduceKind::kSum: return x + y;
      case ReduceKind::kProd: return x * y;
      case ReduceKind::kMax: return std::isnan(x) || x > y ? x : y;
      default: return std::isnan(x) || x < y ? x : y;
    }
  } else if constexpr (std::is_same_v<Wide, bool>) {
    const bool any =
        kind == ReduceKind::kSum || kind == ReduceKind::kMax || kind == ReduceKind::kOr;
    return any ? x || y : x && y;
  } else {
    switch (kind) {
      case ReduceKind::kSum:
        return static_cast<Wide>(static_cast<uint64_t>(x) + static_cast<uint64_t>(y));
      case ReduceKind::kProd:
        return static_cast<Wide>(static_cast<uint64_t>(x) * static_cast<uint64_t>(y));
      case ReduceKind::kMax: return x > y ? x : y;
      case ReduceKind::kMin: return x < y ? x : y;
      case ReduceKind::kAnd: return x & y;
      default: return x | y;
    }
  }
}

bool HasKind(ReduceKind kind, DType dtype) {
  const bool bits = kind == ReduceKind::kAnd || kind == ReduceKind::kOr;
  return kind != ReduceKind::kNone && !(bits && IsFloat(dtype));
}

bool IsArg(ReduceKind kind) { return kind == ReduceKind::kArgMax || kind == ReduceKind::kArgMin; }

// Whether candidate `v` replaces the best so far; a NaN replaces any number and is never replaced.
template <typename Wide>
bool Better(ReduceKind kind, bool last_of_equals, Wide best, Wide v) {
  if constexpr (std::is_same_v<Wide, double>) {
    if (std::isnan(best)) return last_of_equals && std::isnan(v);
    if (std::isnan(v)) return true;
  }
  if (last_of_equals && v == best) return true;
  return kind == ReduceKind::kArgMax ? v > best : v < best;
}

// For each output element the flat index of the extreme along the axis.
template <typename T>
void ArgReduce(const Case& c, const T* x, int64_t* out) {
  const Dims& dims = c.in[0]->dims;
  const int axis = c.node.axes[0];
  const int64_t extent = dims[axis];
  int64_t inner = 1;
  for (size_t d = axis + 1; d < dims.size(); ++d) inner *= dims[d];
  const int64_t n = Count(c.dims);
  for (int64_t i = 0; i < n; ++i) {
    const T* row = x + i / inner * extent * inner + i % inner;
    int64_t best = 0;
    for (int64_t k = 1; k < extent; ++k) {
      if (Better(c.node.reduce, c.node.flags & kSelectLast, Load(row[best * inner]),
                 Load(row[k * inner])))
        best = k;
    }
    out[i] = best;
  }
}

template <typename T>
void ReduceAll(const Case& c, const T* x, T* out) {
  const Dims& dims = c.in[0]->dims;
  std::vector<char> reduced(dims.size(), 0);
  for (int axis : c.node.axes) reduced[axis] = 1;
  Dims strides(dims.size(), 0);
  int64_t stride = 1;
  for (size_t d = dims.size(); d-- > 0;) {
    if (reduced[d]) continue;
    strides[d] = stride;
    stride *= dims[d];
  }
  // std::vector<bool> has no plain elements.
  using Wide = WideOf<T>;
  const int64_t n = Count(c.dims);
  std::unique_ptr<Wide[]> sums(new Wide[n]);
  std::fill_n(sums.get(), n, Identity<T>(c.node.reduce));
  ForEachOffset(dims, strides, 0,
                [&](int64_t at) { sums[at] = Step<Wide>(c.node.reduce, sums[at], Load(*x++)); });
  for (int64_t i = 0; i < n; ++i) out[i] = Store<T>(sums[i]);
}

template <typename T>
void ScanAll(const Case& c, const T* x, T* out) {
  const Dims& dims = c.dims;
  const int axis = c.node.axes[0];
  const int64_t extent = dims[axis];
  int64_t inner = 1;
  for (size_t d = axis + 1; d < dims.size(); ++d) inner *= dims[d];
  const int64_t rows = extent ? Count(dims) / extent : 0;
  const bool reverse = c.node.flags & kReverse, exclusive = c.node.flags & kExclusive;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t base = r / inner * extent * inner + r % inner;
    WideOf<T> acc = Identity<T>(c.node.reduce);
    for (int64_t k = 0; k < extent; ++k) {
      const int64_t at = base + (reverse ? extent - 1 - k : k) * inner;
      const WideOf<T> next = Step<WideOf<T>>(c.node.reduce, acc, Load(x[at]));
      out[at] = Store<T>(exclusive ? acc : next);
      acc = next;
    }
  }
}

// The cells of x under the window at one output position: fn(flat spatial index).
template <typename Fn>
void ForEachCell(const Window& w, const Dims& pads, const Dims& spatial, const Dims& position,
                 Fn fn) {
  ForEachIndex(w.kernel, [&](const Dims& k) {
    int64_t at = 0;
    for (size_t d = 0; d < spatial.size(); ++d) {
      const int64_t p = position[d] * w.strides[d] - pads[d] + k[d] * w.dilations[d];
      if (p < 0 || p >= spatial[d]) return;
      at = at * spatial[d] + p;
    }
    fn(at);
  });
}

template <typename T, typename Out>
void PoolAll(const Case& c, const T* x, Out* out) {
  const Dims& in = c.in[0]->dims;
  const Dims spatial(in.begin() + 1, in.end() - 1),
      out_spatial(c.dims.begin() + 1, c.dims.end() - 1);
  const int64_t channels = in.back(), image = Count(spatial) * channels;
  const bool arg = IsArg(c.node.reduce);
  for (int64_t n = 0; n < c.dims[0]; ++n) {
    const T* base = x + n * image;
    ForEachIndex(out_spatial, [&](const Dims& position) {
      for (int64_t ch = 0; ch < channels; ++ch) {
        WideOf<T> acc = Identity<T>(c.node.reduce);
        int64_t best = -1;
        ForEachCell(*c.node.window, c.pads_lo, spatial, position, [&](int64_t cell) {
          const WideOf<T> v = Load(base[cell * channels + ch]);
          if (!arg) {
            acc = Step<WideOf<T>>(c.node.reduce, acc, v);
          } else if (best < 0 || Better(c.node.reduce, c.node.flags & kSelectLast, acc, v)) {
            acc = v;
            best = cell;
          }
        });
        if (arg) {
          *out++ = static_cast<Out>(best < 0 ? 0 : best);
        } else if constexpr (std::is_same_v<T, Out>) {
          *out++ = Store<T>(acc);
        }
      }
    });
  }
}

}  // namespace

Result<LiteralPtr> Reduce(const Case& c) {
  const Literal& x = *c.in[0];
  auto out = Literal::Allocate(c.node.type.dtype, c.dims);
  if (!HasKind(c.node.reduce, x.dtype)) return NoDType(c.node, x.dtype);
  const bool known = VisitNumber(x.dtype, [&]<typename T>(T) {
    if (IsArg(c.node.reduce)) {
      ArgReduce(c, x.as<T>(), static_cast<int64_t*>(out->mutable_data()));
    } else {
      ReduceAll(c, x.as<T>(), static_cast<T*>(out->mutable_data()));
    }
  });
  if (!known) return NoDType(c.node, x.dtype);
  return LiteralPtr(out);
}

Result<LiteralPtr> Scan(const Case& c) {
  const Literal& x = *c.in[0];
  auto out = Literal::Allocate(c.node.type.dtype, c.dims);
  if (!HasKind(c.node.reduce, x.dtype) || IsArg(c.node.reduce)) return NoDType(c.node, x.dtype);
  const bool known = VisitNumber(
      x.dtype, [&]<typename T>(T) { ScanAll(c, x.as<T>(), static_cast<T*>(out->mutable_data())); });
  if (!known) return NoDType(c.node, x.dtype);
  return LiteralPtr(out);
}

Result<LiteralPtr> Pool(const Case& c) {
  const Literal& x = *c.in[0];
  auto out = Literal::Allocate(c.node.type.dtype, c.dims);
  if (!HasKind(c.node.reduce, x.dtype)) return NoDType(c.node, x.dtype);
  const bool known = VisitNumber(x.dtype, [&]<typename T>(T) {
    if (IsArg(c.node.reduce)) {
      PoolAll(c, x.as<T>(), static_cast<int64_t*>(out->mutable_data()));
    } else {
      PoolAll(c, x.as<T>(), static_cast<T*>(out->mutable_data()));
    }
  });
  if (!known) return NoDType(c.node, x.dtype);
  return LiteralPtr(out);
}

}  // namespace belay::interpret
