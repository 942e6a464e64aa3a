// Sorting and compaction.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "graph/library/dispatch.h"

namespace belay {
namespace {

// NaN counts as larger than everything, so that the order is total.
template <typename T>
bool IsLess(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a)) return false;
    if (std::isnan(b)) return true;
  }
  return a < b;
}

struct Lines {  // x seen as [outer, n, inner] around an axis
  int64_t outer = 1, n = 1, inner = 1;
};
Lines LinesOf(const std::vector<int64_t>& dims, int64_t axis) {
  Lines l;
  for (size_t d = 0; d < dims.size(); ++d) {
    (static_cast<int64_t>(d) < axis ? l.outer : static_cast<int64_t>(d) == axis ? l.n : l.inner) *= dims[d];
  }
  return l;
}

template <typename T>
Status TopK(LibraryCall& call) {
  const int64_t axis = call.Attr("axis");
  const bool largest = call.Attr("largest", 1) != 0;
  const Lines l = LinesOf(call.inputs[0].dims, axis);
  const int64_t k = call.outputs[0].dims[axis];
  const T* x = call.inputs[0].as<T>();
  T* values = call.outputs[0].as<T>();
  int64_t* indices = call.outputs[1].as<int64_t>();
  if (k > l.n) return InvalidArgument("k is {}, but dim {} has {} elements", k, axis, l.n);
  std::vector<int64_t> order(l.n);
  for (int64_t o = 0; o < l.outer; ++o) {
    for (int64_t i = 0; i < l.inner; ++i) {
      const T* line = x + o * l.n * l.inner + i;
      std::iota(order.begin(), order.end(), int64_t{0});
      auto before = [&](int64_t a, int64_t b) {  // equal values keep their order
        const T va = line[a * l.inner], vb = line[b * l.inner];
        if (largest ? IsLess(vb, va) : IsLess(va, vb)) return true;
        if (largest ? IsLess(va, vb) : IsLess(vb, va)) return false;
        return a < b;
      };
      std::partial_sort(order.begin(), order.begin() + k, order.end(), before);
      for (int64_t j = 0; j < k; ++j) {
        const int64_t at = (o * k + j) * l.inner + i;
        values[at] = line[order[j] * l.inner];
        indices[at] = order[j];
      }
    }
  }
  return OkStatus();
}

template <typename T>
Status NonZero(LibraryCall& call) {
  const LibraryBuffer& x = call.inputs[0];
  const int64_t rank = static_cast<int64_t>(x.dims.size()), count = x.NumElements();
  const T* data = x.as<T>();
  const bool transposed = call.Attr("transpose") != 0;  // [rank, n]
  const int64_t n = std::count_if(data, data + count, [](T v) { return v != T(0); });
  call.bound = {n};
  auto* out = static_cast<int64_t*>(
      call.Allocate(0, transposed ? std::vector<int64_t>{rank, n} : std::vector<int64_t>{n, rank}));
  int64_t found = 0;
  for (int64_t flat = 0; flat < count; ++flat) {
    if (data[flat] == T(0)) continue;
    int64_t rest = flat;
    for (int64_t d = rank - 1; d >= 0; --d) {
      out[transposed ? d * n + found : found * rank + d] = rest % x.dims[d];
      rest /= x.dims[d];
    }
    ++found;
  }
  return OkStatus();
}

// Slices along the axis (elements, when x is flat): values, first positions, inverse, counts.
template <typename T>
Status Unique(LibraryCall& call) {
  const LibraryBuffer& x = call.inputs[0];
  const int64_t axis = call.Attr("axis");
  const bool sorted = call.Attr("sorted", 1) != 0;
  const Lines l = LinesOf(x.dims, axis);
  const T* data = x.as<T>();
  auto at = [&](int64_t slice, int64_t e) {
    return data[((e / l.inner) * l.n + slice) * l.inner + e % l.inner];
  };
  auto compare = [&](int64_t a, int64_t b) {
    for (int64_t e = 0; e < l.outer * l.inner; ++e) {
      if (IsLess(at(a, e), at(b, e))) return -1;
      if (IsLess(at(b, e), at(a, e))) return 1;
    }
    return 0;
  };
  std::vector<int64_t> order(l.n);
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return compare(a, b) < 0; });
  std::vector<int64_t> first, group(l.n);  // by group in sorted order
  for (int64_t i = 0; i < l.n; ++i) {
    if (i == 0 || compare(order[i - 1], order[i]) != 0) first.push_back(order[i]);
    group[order[i]] = static_cast<int64_t>(first.size()) - 1;
  }
  const int64_t n = static_cast<int64_t>(first.size());
  std::vector<int64_t> place(n);  // of a group in the result
  std::iota(place.begin(), place.end(), int64_t{0});
  if (!sorted) {
    std::vector<int64_t> by_first(n);
    std::iota(by_first.begin(), by_first.end(), int64_t{0});
    std::sort(by_first.begin(), by_first.end(), [&](int64_t a, int64_t b) { return first[a] < first[b]; });
    for (int64_t i = 0; i < n; ++i) place[by_first[i]] = i;
  }
  call.bound = {n};
  std::vector<int64_t> dims = x.dims;
  dims[axis] = n;
  T* y = static_cast<T*>(call.Allocate(0, dims));
  auto* firsts = static_cast<int64_t*>(call.Allocate(1, {n}));
  auto* counts = static_cast<int64_t*>(call.Allocate(3, {n}));
  int64_t* inverse = call.outputs[2].as<int64_t>();
  for (int64_t g = 0; g < n; ++g) {
    firsts[place[g]] = first[g];
    counts[place[g]] = 0;
    for (int64_t e = 0; e < l.outer * l.inner; ++e) {
      y[((e / l.inner) * n + place[g]) * l.inner + e % l.inner] = at(first[g], e);
    }
  }
  for (int64_t i = 0; i < l.n; ++i) {
    inverse[i] = place[group[i]];
    ++counts[inverse[i]];
  }
  return OkStatus();
}

// Gaussian elimination with row pivots, in f64.
template <typename T>
Status Determinant(LibraryCall& call) {
  const std::vector<int64_t>& dims = call.inputs[0].dims;
  const int64_t n = dims.back(), matrices = call.outputs[0].NumElements();
  std::vector<double> m(n * n);
  for (int64_t b = 0; b < matrices; ++b) {
    const T* x = call.inputs[0].as<T>() + b * n * n;
    std::copy(x, x + n * n, m.begin());
    double det = 1;
    for (int64_t c = 0; c < n && det != 0; ++c) {
      int64_t pivot = c;
      for (int64_t r = c + 1; r < n; ++r) {
        if (std::abs(m[r * n + c]) > std::abs(m[pivot * n + c])) pivot = r;
      }
      if (pivot != c) {
        for (int64_t k = 0; k < n; ++k) std::swap(m[c * n + k], m[pivot * n + k]);
        det = -det;
      }
      det *= m[c * n + c];
      for (int64_t r = c + 1; r < n && det != 0; ++r) {
        const double factor = m[r * n + c] / m[c * n + c];
        for (int64_t k = c; k < n; ++k) m[r * n + k] -= factor * m[c * n + k];
      }
    }
    call.outputs[0].as<T>()[b] = static_cast<T>(det);
  }
  return OkStatus();
}

}  // namespace

Status LibraryTopK(LibraryCall& call) {
  return DispatchNumber(call.inputs[0].dtype, [&](auto t) { return TopK<typename decltype(t)::type>(call); });
}
Status LibraryNonZero(LibraryCall& call) {
  return DispatchNumber(call.inputs[0].dtype, [&](auto t) { return NonZero<typename decltype(t)::type>(call); });
}
Status LibraryUnique(LibraryCall& call) {
  return DispatchNumber(call.inputs[0].dtype, [&](auto t) { return Unique<typename decltype(t)::type>(call); });
}
Status LibraryDeterminant(LibraryCall& call) {
  return DispatchNumber(call.inputs[0].dtype, [&](auto t) { return Determinant<typename decltype(t)::type>(call); });
}

}  // namespace belay
