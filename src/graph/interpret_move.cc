// Operations that only move elements: iota, views, pads, concatenation, indexing.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "graph/interpret_ops.h"
#include "graph/number.h"

namespace belay::interpret {
namespace {

// Bytes of one element; 0 for types that share bytes.
size_t ElementBytes(DType dtype) {
  const int bits = BitWidth(dtype);
  return bits % 8 ? 0 : static_cast<size_t>(bits / 8);
}

// The dimension besides the last whose neighbours lie closest in the source, if they lie closer than the last one's.
int NearDimension(const Dims& dims, const Dims& strides) {
  const int last = static_cast<int>(dims.size()) - 1;
  int near = last;
  for (int d = 0; d < last; ++d) {
    if (dims[d] > 1 && strides[d] != 0 && std::abs(strides[d]) < std::abs(strides[near])) near = d;
  }
  return near == last ? -1 : near;
}

// to[r * to_step + c] = from[r * row_step + c * column_step], in squares that stay in the first cache.
template <typename T>
void Transpose(const T* from, T* to, int64_t rows, int64_t columns, int64_t row_step, int64_t column_step,
               int64_t to_step) {
  constexpr int64_t kSide = 16;
  for (int64_t c0 = 0; c0 < columns; c0 += kSide) {
    for (int64_t r0 = 0; r0 < rows; r0 += kSide) {
      const int64_t c1 = std::min(c0 + kSide, columns), r1 = std::min(r0 + kSide, rows);
      for (int64_t r = r0; r < r1; ++r) {
        for (int64_t c = c0; c < c1; ++c) to[r * to_step + c] = from[r * row_step + c * column_step];
      }
    }
  }
}

template <typename T>
void CopyStridedAs(const Dims& dims, const Dims& strides, int64_t offset, const void* src,
                   void* dst) {
  const T* from = static_cast<const T*>(src);
  T* to = static_cast<T*>(dst);
  const int near = NearDimension(dims, strides), last = static_cast<int>(dims.size()) - 1;
  if (near < 0) return ForEachOffset(dims, strides, offset, [&](int64_t at) { *to++ = from[at]; });
  const Dims to_strides = DenseStrides(dims);
  Dims outer = dims;
  outer[near] = outer[last] = 1;
  ForEachIndex(outer, [&](const Dims& index) {
    int64_t at = offset, to_at = 0;
    for (int d = 0; d < last; ++d) {
      at += index[d] * strides[d];
      to_at += index[d] * to_strides[d];
    }
    Transpose(from + at, to + to_at, dims[near], dims[last], strides[near], strides[last], to_strides[near]);
  });
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
  const bool selects = node.op == Op::kMap && node.scalar == ScalarOp::kSelect;
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
  const Dims in_strides = DenseStrides(x.dims);
  Dims strides(c.dims.size());
  int64_t offset = 0;
  for (size_t d = 0; d < c.dims.size(); ++d) {
    if (c.node.op == Op::kTranspose) {
      strides[d] = in_strides[c.node.axes[d]];
    } else if (c.node.op == Op::kBroadcast) {
      strides[d] = x.dims[d] == 1 ? 0 : in_strides[d];
      if (x.dims[d] != 1 && x.dims[d] != c.dims[d]) {
        return InvalidArgument("extent {} of dim {} does not broadcast to {}", x.dims[d], d,
                               c.dims[d]);
      }
    } else {
      strides[d] = in_strides[d] * c.steps[d];
      offset += in_strides[d] * c.starts[d];
      const int64_t last = c.starts[d] + (c.dims[d] - 1) * c.steps[d];
      const bool outside =
          std::min(c.starts[d], last) < 0 || std::max(c.starts[d], last) >= x.dims[d];
      if (Count(c.dims) > 0 && outside) {
        return InvalidArgument("slice of dim {} from {} to {} leaves its {} elements", d,
                               c.starts[d], last, x.dims[d]);
      }
    }
  }
  auto out = Literal::Allocate(x.dtype, c.dims);
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
