// Operations that only move elements: iota, views, pads, concatenation, indexing.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>
#include <utility>

#include "graph/interpret_ops.h"
#include "graph/number.h"

namespace belay::interpret {
namespace {

// Bytes of one element; 0 for types that share bytes.
size_t ElementBytes(DType dtype) {
  const int bits = BitWidth(dtype);
  return bits % 8 ? 0 : static_cast<size_t>(bits / 8);
}

// Neighbours become one dimension where the strides allow it: the same elements in the same order.
void MergeDimensions(Dims* dims, Dims* strides) {
  Dims d, s;
  for (size_t i = 0; i < dims->size(); ++i) {
    const int64_t extent = (*dims)[i], stride = (*strides)[i];
    if (extent == 1) continue;
    if (!d.empty() && s.back() == stride * extent) {
      d.back() *= extent;
      s.back() = stride;
    } else {
      d.push_back(extent);
      s.push_back(stride);
    }
  }
  *dims = std::move(d);
  *strides = std::move(s);
}

// Where a row of a copy begins: what differs in the last dimension only.
struct Row {
  int64_t from, to;
};

// The rows in the source's order.
class Rows {
 public:
  Rows(const Dims& dims, const Dims& strides, int64_t offset)
      : dims_(dims), strides_(strides), to_strides_(DenseStrides(dims)), index_(dims.size()), row_{offset, 0} {
    order_.resize(dims.size() - 1);
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::stable_sort(order_.begin(), order_.end(),
                     [&](size_t a, size_t b) { return std::abs(strides[a]) > std::abs(strides[b]); });
    left_ = Count(dims) / dims.back();
  }
  void Next(int64_t most, std::vector<Row>* rows) {
    for (rows->clear(); left_ > 0 && most > 0; --left_, --most) {
      rows->push_back(row_);
      for (size_t k = order_.size(); k-- > 0;) {
        const size_t d = order_[k];
        row_.from += strides_[d];
        row_.to += to_strides_[d];
        if (++index_[d] < dims_[d]) break;
        row_.from -= strides_[d] * dims_[d];
        row_.to -= to_strides_[d] * dims_[d];
        index_[d] = 0;
      }
    }
  }

 private:
  const Dims &dims_, &strides_;
  const Dims to_strides_;
  std::vector<size_t> order_;  // of dimensions
  Dims index_;
  Row row_;
  int64_t left_ = 0;
};

constexpr int64_t kSide = 16;

// Of so many vectors of as many elements.
template <typename T, size_t... kI>
void TransposeVectors(T* v, std::index_sequence<kI...>) {
  constexpr size_t kCount = sizeof...(kI);
  typedef T Vector __attribute__((vector_size(sizeof(T) * kCount)));
  Vector in[kCount], out[kCount];
  std::memcpy(in, v, sizeof in);
  for (size_t done = 1; done < kCount; done *= 2) {
    for (size_t i = 0; i < kCount / 2; ++i) {
      const Vector x = in[i], y = in[i + kCount / 2];
      out[2 * i] = __builtin_shufflevector(x, y, (kI / 2 + kI % 2 * kCount)...);
      out[2 * i + 1] = __builtin_shufflevector(x, y, (kI / 2 + kI % 2 * kCount + kCount / 2)...);
    }
    std::memcpy(in, out, sizeof in);
  }
  std::memcpy(v, in, sizeof in);
}

// square[r][c] = from[c * column_step + r]
template <typename T>
void TransposeDense(const T* from, int64_t column_step, T (&square)[kSide][kSide]) {
  constexpr int64_t kPart = 16 / sizeof(T);
  for (int64_t c = 0; c < kSide; c += kPart) {
    for (int64_t r = 0; r < kSide; r += kPart) {
      T part[kPart][kPart];
      for (int64_t k = 0; k < kPart; ++k) std::memcpy(part[k], from + (c + k) * column_step + r, sizeof part[k]);
      TransposeVectors(part[0], std::make_index_sequence<kPart>());
      for (int64_t k = 0; k < kPart; ++k) std::memcpy(&square[r + k][c], part[k], sizeof part[k]);
    }
  }
}

// Squares of elements: whole lines of the source are read, whole ones of the result written.
template <typename T>
void TransposeRows(const std::vector<Row>& rows, int64_t columns, int64_t column_step, const T* from, T* to) {
  T square[kSide][kSide];
  const auto count = static_cast<int64_t>(rows.size());
  std::vector<char> dense;  // by square
  for (int64_t r0 = 0; r0 < count; r0 += kSide) {
    const Row* row = rows.data() + r0;
    bool follow = r0 + kSide <= count && sizeof(T) <= 8;
    for (int64_t r = 1; r < kSide && follow; ++r) follow = row[r].from == row[0].from + r;
    dense.push_back(follow);
  }
  for (int64_t c0 = 0; c0 < columns; c0 += kSide) {
    const int64_t wide = std::min(kSide, columns - c0);
    for (int64_t r0 = 0; r0 < count; r0 += kSide) {
      const int64_t high = std::min(kSide, count - r0);
      const Row* row = rows.data() + r0;
      const T* corner = from + c0 * column_step;
      T* first = to + c0;
      if (wide == kSide && dense[r0 / kSide]) {
        if constexpr (sizeof(T) <= 8) TransposeDense(corner + row->from, column_step, square);
        for (int64_t r = 0; r < kSide; ++r) std::memcpy(first + row[r].to, square[r], sizeof square[r]);
        continue;
      }
      for (int64_t c = 0; c < wide; ++c) {
        for (int64_t r = 0; r < high; ++r) square[r][c] = corner[c * column_step + row[r].from];
      }
      for (int64_t r = 0; r < high; ++r) std::copy_n(square[r], wide, first + row[r].to);
    }
  }
}

// Some other dimension's neighbours lie closer in the source than the last one's.
bool IsTransposed(const Dims& strides) {
  const int64_t last = std::abs(strides.back());
  return std::any_of(strides.begin(), strides.end(), [&](int64_t s) { return s != 0 && std::abs(s) < last; });
}

template <typename T>
void CopyStridedAs(Dims dims, Dims strides, int64_t offset, const void* src, void* dst) {
  const T* from = static_cast<const T*>(src);
  T* to = static_cast<T*>(dst);
  if (Count(dims) == 0) return;
  MergeDimensions(&dims, &strides);
  if (dims.empty() || !IsTransposed(strides)) {
    return ForEachOffset(dims, strides, offset, [&](int64_t at) { *to++ = from[at]; });
  }
  constexpr int64_t kMostRows = 1 << 14;
  Rows all(dims, strides, offset);
  std::vector<Row> rows;
  for (all.Next(kMostRows, &rows); !rows.empty(); all.Next(kMostRows, &rows)) {
    TransposeRows(rows, dims.back(), strides.back(), from, to);
  }
}

struct Wide16 {
  uint64_t a, b;
};

// dst (dense, of extents dims) = src[offset + sum(index * strides)].
void CopyStrided(const Dims& dims, const Dims& strides, int64_t offset, size_t element,
                 const void* src, void* dst) {
  switch (element) {
    case 1: return CopyStridedAs<uint8_t>(dims, strides, offset, src, dst);
    case 2: return CopyStridedAs<uint16_t>(dims, strides, offset, src, dst);
    case 4: return CopyStridedAs<uint32_t>(dims, strides, offset, src, dst);
    case 8: return CopyStridedAs<uint64_t>(dims, strides, offset, src, dst);
    default: return CopyStridedAs<Wide16>(dims, strides, offset, src, dst);
  }
}

template <typename T>
void SpreadAs(const Dims& dims, const Dims& strides, int64_t first, int64_t count, const void* src, void* dst) {
  const T* from = static_cast<const T*>(src);
  T* to = static_cast<T*>(dst);
  const int64_t inner = dims.empty() ? 1 : dims.back(), step = dims.empty() ? 0 : strides.back();
  while (count > 0) {
    int64_t at = 0, row = first / inner;
    for (size_t d = dims.size(); d-- > 1; row /= dims[d - 1]) at += row % dims[d - 1] * strides[d - 1];
    const int64_t column = dims.empty() ? 0 : first % inner, n = dims.empty() ? count : std::min(count, inner - column);
    at += column * step;
    if (step == 0) std::fill_n(to, n, from[at]);
    else if (step == 1) std::copy_n(from + at, n, to);
    else for (int64_t i = 0; i < n; ++i) to[i] = from[at + i * step];
    to += n;
    first += n;
    count -= n;
  }
}

// Coordinates in the data of a kGather or kScatter for one index of the space that the indices
// have.
class Coordinates {
 public:
  Coordinates(const Node& node, const Values& in, size_t first_index)
      : node_(node), data_dims_(in[0]->dims), strides_(DenseStrides(in[0]->dims)) {
    for (size_t i = first_index; i < in.size(); ++i) indices_.push_back(LiteralToInts(*in[i]));
  }
  Status Locate(const Dims& index, int64_t flat, int64_t* at) const {
    *at = 0;
    for (size_t d = 0; d < data_dims_.size(); ++d) {
      const int axis = node_.axes[d];
      const int64_t p = axis >= 0 ? index[axis] : indices_[-axis - 1][flat];
      if (p < 0 || p >= data_dims_[d]) {
        return InvalidArgument("index {} is outside axis {} with extent {}", p, d, data_dims_[d]);
      }
      *at += p * strides_[d];
    }
    return OkStatus();
  }

 private:
  const Node& node_;
  const Dims& data_dims_;
  const Dims strides_;
  std::vector<std::vector<int64_t>> indices_;
};

double CombineDoubles(ReduceKind kind, double x, double y) {
  switch (kind) {
    case ReduceKind::kSum: return x + y;
    case ReduceKind::kProd: return x * y;
    case ReduceKind::kMax: return std::isnan(x) || x > y ? x : y;
    case ReduceKind::kMin: return std::isnan(x) || x < y ? x : y;
    default: return y;
  }
}

template <typename T>
T CombineInts(ReduceKind kind, T x, T y) {
  switch (kind) {
    case ReduceKind::kSum:
      return static_cast<T>(static_cast<uint64_t>(x) + static_cast<uint64_t>(y));
    case ReduceKind::kProd:
      return static_cast<T>(static_cast<uint64_t>(x) * static_cast<uint64_t>(y));
    case ReduceKind::kMax: return x > y ? x : y;
    case ReduceKind::kMin: return x < y ? x : y;
    case ReduceKind::kAnd: return x & y;
    case ReduceKind::kOr: return x | y;
    default: return y;
  }
}

Status ScatterReduce(const Case& c, const Coordinates& coordinates, Literal* out) {
  Status failure;
  const bool known = VisitNumber(out->dtype, [&]<typename T>(T) {
    T* data = static_cast<T*>(out->mutable_data());
    const T* updates = c.in[1]->as<T>();
    std::vector<double> sums;  // floats are rounded once, after the last update
    if constexpr (kIsFloatType<T>) sums = LiteralToDoubles(*out);
    int64_t flat = 0;
    ForEachIndex(c.in[1]->dims, [&](const Dims& index) {
      int64_t at = 0;
      Status status = failure.ok() ? coordinates.Locate(index, flat, &at) : failure;
      if (!status.ok()) {
        failure = status;
        return;
      }
      if constexpr (kIsFloatType<T>) {
        sums[at] = CombineDoubles(c.node.reduce, sums[at], LoadDouble(updates[flat]));
      } else {
        data[at] = CombineInts<T>(c.node.reduce, data[at], updates[flat]);
      }
      ++flat;
    });
    if constexpr (kIsFloatType<T>) {
      for (size_t i = 0; i < sums.size(); ++i) data[i] = StoreDouble<T>(sums[i]);
    }
  });
  return known ? failure : NoDType(c.node, out->dtype);
}

bool IsPacked(DType dtype) { return dtype == DType::kString || BitWidth(dtype) % 8 != 0; }

}  // namespace

Status CheckBroadcast(const Dims& from, const Dims& to) {
  if (from.size() != to.size()) return Internal("a broadcast from {} to {} dimensions", from.size(), to.size());
  for (size_t d = 0; d < to.size(); ++d) {
    if (from[d] != 1 && from[d] != to[d]) {
      return InvalidArgument("extent {} of dim {} does not broadcast to {}", from[d], d, to[d]);
    }
  }
  return OkStatus();
}

Spread::Spread(const Literal& x, const Dims& dims)
    : dims_(dims), strides_(DenseStrides(x.dims)), data_(x.data()), element_(ElementBytes(x.dtype)) {
  for (size_t d = 0; d < dims.size(); ++d) strides_[d] = x.dims[d] == 1 ? 0 : strides_[d];
  MergeDimensions(&dims_, &strides_);
}

int64_t Spread::Period() const {
  size_t d = 0;
  while (d < dims_.size() && strides_[d] == 0) ++d;
  return std::accumulate(dims_.begin() + d, dims_.end(), int64_t{1}, std::multiplies<>());
}

void Spread::Copy(int64_t first, int64_t count, void* to) const {
  switch (element_) {
    case 1: return SpreadAs<uint8_t>(dims_, strides_, first, count, data_, to);
    case 2: return SpreadAs<uint16_t>(dims_, strides_, first, count, data_, to);
    case 4: return SpreadAs<uint32_t>(dims_, strides_, first, count, data_, to);
    case 8: return SpreadAs<uint64_t>(dims_, strides_, first, count, data_, to);
    default: return SpreadAs<Wide16>(dims_, strides_, first, count, data_, to);
  }
}

Result<LiteralPtr> MoveWide(const Case& c, Result<LiteralPtr> (*move)(const Case&)) {
  const DType dtype = c.node.type.dtype;
  Values wide = c.in;
  std::vector<std::string> pool;
  for (LiteralPtr& x : wide) {
    if (x->dtype != dtype) continue;
    if (dtype != DType::kString) {
      x = Unpacked(*x);
      continue;
    }
    std::vector<int64_t> ids;
    for (const std::string& text : *x->strings) {
      ids.push_back(static_cast<int64_t>(pool.size()));
      pool.push_back(text);
    }
    x = LiteralFromInts(DType::kI64, x->dims, ids);
  }
  BELAY_TRY(LiteralPtr moved, move(Case{c.node, wide, c.dims, c.starts, c.steps, c.pads_lo}));
  if (dtype != DType::kString) return Packed(*moved, dtype);
  auto out = Literal::Allocate(dtype, moved->dims);
  for (int64_t i = 0; i < moved->NumElements(); ++i)
    (*out->strings)[i] = pool[moved->as<int64_t>()[i]];
  return LiteralPtr(out);
}

bool MovesWide(const Node& node) {
  const bool moves = node.op >= Op::kTranspose && node.op <= Op::kScatter;
  const bool selects = IsMap(&node, ScalarOp::kSelect);
  return (moves || selects) && IsPacked(node.type.dtype);
}

Result<LiteralPtr> Iota(const Case& c) {
  auto out = Literal::Allocate(c.node.type.dtype, c.dims);
  const bool known = VisitNumber(out->dtype, [&]<typename T>(T) {
    T* to = static_cast<T*>(out->mutable_data());
    ForEachIndex(c.dims, [&](const Dims& index) { *to++ = StoreInt<T>(index[c.node.axes[0]]); });
  });
  if (!known) return NoDType(c.node, out->dtype);
  return LiteralPtr(out);
}

Result<LiteralPtr> DimValues(const Case& c) {
  return LiteralFromInts(c.node.type.dtype, c.dims, c.starts);
}

Result<LiteralPtr> Reshape(const Case& c) {
  const Literal& x = *c.in[0];
  if (x.NumElements() != Count(c.dims)) {
    return InvalidArgument("cannot reshape {} elements to {}", x.NumElements(), Count(c.dims));
  }
  auto out = std::make_shared<Literal>(x);
  out->dims = c.dims;
  return LiteralPtr(out);
}

Result<LiteralPtr> View(const Case& c) {
  const Literal& x = *c.in[0];
  const size_t element = ElementBytes(x.dtype);
  if (element == 0) return NoDType(c.node, x.dtype);
  if (c.node.op == Op::kBroadcast) BELAY_RETURN_IF_ERROR(CheckBroadcast(x.dims, c.dims));
  const Dims in_strides = DenseStrides(x.dims);
  Dims strides(c.dims.size());
  int64_t offset = 0;
  for (size_t d = 0; d < c.dims.size(); ++d) {
    if (c.node.op == Op::kTranspose) {
      strides[d] = in_strides[c.node.axes[d]];
    } else if (c.node.op == Op::kBroadcast) {
      strides[d] = x.dims[d] == 1 ? 0 : in_strides[d];
    } else {
      if (Count(c.dims) == 0) continue;
      const int64_t last = c.starts[d] + (c.dims[d] - 1) * c.steps[d];
      if (std::min(c.starts[d], last) < 0 || std::max(c.starts[d], last) >= x.dims[d]) {
        return InvalidArgument("slice of dim {} from {} to {} leaves its {} elements", d,
                               c.starts[d], last, x.dims[d]);
      }
      if (c.dims[d] > 1) strides[d] = in_strides[d] * c.steps[d];
      offset += in_strides[d] * c.starts[d];
    }
  }
  auto out = NewLiteral(x.dtype, c.dims);
  if (out->data()) CopyStrided(c.dims, strides, offset, element, x.data(), out->mutable_data());
  return LiteralPtr(out);
}

Result<LiteralPtr> Pad(const Case& c) {
  const Literal& x = *c.in[0];
  const size_t element = ElementBytes(x.dtype);
  if (element == 0) return NoDType(c.node, x.dtype);
  const Dims strides = DenseStrides(x.dims);
  auto out = Literal::Allocate(x.dtype, c.dims);
  char* to = static_cast<char*>(out->mutable_data());
  ForEachIndex(c.dims, [&](const Dims& index) {
    int64_t at = 0;
    bool inside = true;
    for (size_t d = 0; d < index.size() && inside; ++d) {
      const int64_t p = index[d] - c.starts[d];
      inside = p >= 0 && p % c.steps[d] == 0 && p / c.steps[d] < x.dims[d];
      at += p / c.steps[d] * strides[d];
    }
    const char* from = inside ? x.as<char>() + at * element : c.in[1]->as<char>();
    std::memcpy(to, from, element);
    to += element;
  });
  return LiteralPtr(out);
}

Result<LiteralPtr> Concat(const Case& c) {
  const size_t element = ElementBytes(c.in[0]->dtype);
  if (element == 0) return NoDType(c.node, c.in[0]->dtype);
  auto out = Literal::Allocate(c.in[0]->dtype, c.dims);
  const int axis = c.node.axes[0];
  int64_t outer = 1;
  for (int d = 0; d < axis; ++d) outer *= c.dims[d];
  char* to = static_cast<char*>(out->mutable_data());
  for (int64_t i = 0; i < outer; ++i) {
    for (const LiteralPtr& part : c.in) {
      const int64_t run = part->NumElements() / outer * static_cast<int64_t>(element);
      if (run == 0) continue;
      std::memcpy(to, part->as<char>() + i * run, static_cast<size_t>(run));
      to += run;
    }
  }
  return LiteralPtr(out);
}

Result<LiteralPtr> Gather(const Case& c) {
  const Literal& x = *c.in[0];
  const size_t element = ElementBytes(x.dtype);
  if (element == 0) return NoDType(c.node, x.dtype);
  const Coordinates coordinates(c.node, c.in, 1);
  auto out = Literal::Allocate(x.dtype, c.dims);
  char* to = static_cast<char*>(out->mutable_data());
  int64_t flat = 0;
  Status failure;
  ForEachIndex(c.dims, [&](const Dims& index) {
    int64_t at = 0;
    if (failure.ok()) failure = coordinates.Locate(index, flat, &at);
    if (!failure.ok()) return;
    std::memcpy(to + flat * element, x.as<char>() + at * element, element);
    ++flat;
  });
  if (!failure.ok()) return failure;
  return LiteralPtr(out);
}

Result<LiteralPtr> Scatter(const Case& c) {
  const Literal& x = *c.in[0];
  const size_t element = ElementBytes(x.dtype);
  if (element == 0) return NoDType(c.node, x.dtype);
  const Coordinates coordinates(c.node, c.in, 2);
  auto out = Literal::Copy(x.dtype, x.dims, x.data());
  if (c.node.reduce != ReduceKind::kNone) {
    BELAY_RETURN_IF_ERROR(ScatterReduce(c, coordinates, out.get()));
    return LiteralPtr(out);
  }
  char* to = static_cast<char*>(out->mutable_data());
  int64_t flat = 0;
  Status failure;
  ForEachIndex(c.in[1]->dims, [&](const Dims& index) {
    int64_t at = 0;
    if (failure.ok()) failure = coordinates.Locate(index, flat, &at);
    if (!failure.ok()) return;
    std::memcpy(to + at * element, c.in[1]->as<char>() + flat * element, element);
    ++flat;
  });
  if (!failure.ok()) return failure;
  return LiteralPtr(out);
}

}  // namespace belay::interpret
