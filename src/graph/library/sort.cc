// Sorting and compaction.
#include <algorithm>
#include <cmath>
#include <cstring>
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

// Unsigned numbers in the order of the values: equal ones have equal bits.
template <typename T>
auto OrderedBits(T v) {
  using U = std::conditional_t<sizeof(T) <= 4, uint32_t, uint64_t>;
  constexpr U kSign = U{1} << (8 * sizeof(U) - 1);
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(v)) return ~U{0};
    v += T(0);  // no zero is negative
    U bits;
    std::memcpy(&bits, &v, sizeof bits);
    return bits ^ (kSign | (U{0} - (bits >> (8 * sizeof(U) - 1))));
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<U>(static_cast<std::make_signed_t<U>>(v)) ^ kSign;
  } else {
    return static_cast<U>(v);
  }
}

// An element's rank and, among equals, its place: in one number, where both fit.
struct WideEntry {
  uint64_t rank;
  int64_t place;
  bool operator<(const WideEntry& other) const {
    return rank != other.rank ? rank < other.rank : place < other.place;
  }
};
struct PackedEntry {
  uint64_t bits;
  PackedEntry() = default;
  PackedEntry(uint64_t rank, int64_t place) : bits(rank << 32 | static_cast<uint64_t>(place)) {}
  bool operator<(const PackedEntry& other) const { return bits < other.bits; }
};
int64_t PlaceOf(const WideEntry& e) { return e.place; }
int64_t PlaceOf(const PackedEntry& e) { return static_cast<int64_t>(e.bits & 0xffffffff); }

constexpr int64_t kFew = 8;  // a sorted list takes new ones in

// The k least of n entries, in order. `kept` is scratch and holds them on return.
template <typename Entry, typename EntryAt>
void LeastFew(int64_t n, int64_t k, const EntryAt& entry_at, std::vector<Entry>* kept) {
  kept->clear();
  for (int64_t i = 0; i < n; ++i) {
    const Entry e = entry_at(i);
    if (i >= k) {
      if (!(e < kept->back())) continue;
      kept->pop_back();
    }
    size_t at = kept->size();
    kept->push_back(e);
    for (; at > 0 && e < (*kept)[at - 1]; --at) (*kept)[at] = (*kept)[at - 1];
    (*kept)[at] = e;
  }
}
template <typename Entry, typename EntryAt>
void Least(int64_t n, int64_t k, const EntryAt& entry_at, std::vector<Entry>* kept) {
  const int64_t most = std::min(n, std::max<int64_t>(2 * k, 64));
  kept->resize(most);
  int64_t count = 0;
  Entry* list = kept->data();
  Entry limit{};
  bool limited = false;
  auto shrink = [&] {
    std::nth_element(list, list + k - 1, list + count);
    count = k, limit = list[k - 1], limited = true;
  };
  for (int64_t i = 0; i < n; ++i) {
    const Entry e = entry_at(i);
    if (limited && !(e < limit)) continue;
    if (count == most) shrink();
    list[count++] = e;
  }
  if (count > k) shrink();
  std::sort(list, list + k);
}

template <typename T, typename Entry>
void TopKLines(const Lines& l, int64_t k, bool largest, const T* x, T* values, int64_t* indices) {
  std::vector<Entry> kept;
  const uint64_t flipped = largest ? ~uint64_t{0} : 0;
  for (int64_t o = 0; o < l.outer; ++o) {
    for (int64_t i = 0; i < l.inner; ++i) {
      const T* line = x + o * l.n * l.inner + i;
      auto entry_at = [&](int64_t place) {
        const auto rank = OrderedBits(line[place * l.inner]);
        return Entry{static_cast<decltype(rank)>(rank ^ flipped), place};
      };
      k <= kFew ? LeastFew(l.n, k, entry_at, &kept) : Least(l.n, k, entry_at, &kept);
      for (int64_t j = 0; j < k; ++j) {
        const int64_t at = (o * k + j) * l.inner + i;
        indices[at] = PlaceOf(kept[j]);
        values[at] = line[indices[at] * l.inner];
      }
    }
  }
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
  if (k == 0) return OkStatus();
  const bool fits = sizeof(T) <= 4 && l.n <= int64_t{1} << 32;
  fits ? TopKLines<T, PackedEntry>(l, k, largest, x, values, indices)
       : TopKLines<T, WideEntry>(l, k, largest, x, values, indices);
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
  if (!out) return OkStatus();  // the caller has the reason
  const int64_t axis_step = transposed ? n : 1, step = transposed ? 1 : rank;
  const int64_t row = rank == 0 ? 1 : x.dims.back();
  std::vector<int64_t> at(rank, 0);  // of a row
  // Without a branch on the value: what is written for a zero, the next one writes over.
  for (int64_t found = 0; found < n; data += row) {
    for (int64_t i = 0; i < row && found < n; ++i) {
      for (int64_t d = 0; d < rank; ++d) out[d * axis_step + found * step] = d == rank - 1 ? i : at[d];
      found += data[i] != T(0);
    }
    for (int64_t d = rank - 2; d >= 0 && ++at[d] == x.dims[d]; --d) at[d] = 0;
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
  if (!y || !firsts || !counts) return OkStatus();  // the caller has the reason
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
