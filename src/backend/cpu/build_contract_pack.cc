// Constant right-hand sides in panel order, made once at load.
#include <cstring>

#include "backend/cpu/build_contract_matrix.h"
#include "base/half.h"

namespace belay {
namespace {

struct Layout {
  DType from, to;
  std::vector<int64_t> batch, batch_strides;
  int64_t offset, k, n, k_stride, n_stride, nr;
};

template <typename To>
To ReadAs(const void* src, DType dtype, int64_t i) {
  switch (dtype) {
    case DType::kF32: return static_cast<To>(static_cast<const float*>(src)[i]);
    case DType::kF64: return static_cast<To>(static_cast<const double*>(src)[i]);
    case DType::kF16: return static_cast<To>(HalfToFloat(static_cast<const uint16_t*>(src)[i]));
    case DType::kBF16: return static_cast<To>(BFloatToFloat(static_cast<const uint16_t*>(src)[i]));
    case DType::kI8: return static_cast<To>(static_cast<const int8_t*>(src)[i]);
    case DType::kU8: return static_cast<To>(static_cast<const uint8_t*>(src)[i]);
    case DType::kBool: return static_cast<To>(static_cast<const uint8_t*>(src)[i] != 0);
    case DType::kI16: return static_cast<To>(static_cast<const int16_t*>(src)[i]);
    case DType::kU16: return static_cast<To>(static_cast<const uint16_t*>(src)[i]);
    case DType::kI32: return static_cast<To>(static_cast<const int32_t*>(src)[i]);
    case DType::kU32: return static_cast<To>(static_cast<const uint32_t*>(src)[i]);
    case DType::kI64: return static_cast<To>(static_cast<const int64_t*>(src)[i]);
    default: return static_cast<To>(static_cast<const uint64_t*>(src)[i]);
  }
}

template <typename To>
void PackMatrix(const Layout& l, const void* src, int64_t base, To* dst) {
  const bool plain = l.from == l.to && l.n_stride == 1;
  for (int64_t column = 0; column < l.n; column += l.nr) {
    const int64_t wide = std::min(l.nr, l.n - column);
    for (int64_t k = 0; k < l.k; ++k, dst += l.nr) {
      const int64_t at = base + k * l.k_stride + column * l.n_stride;
      if (plain) {
        std::memcpy(dst, static_cast<const To*>(src) + at, static_cast<size_t>(wide) * sizeof(To));
      } else {
        for (int64_t j = 0; j < wide; ++j) dst[j] = ReadAs<To>(src, l.from, at + j * l.n_stride);
      }
      for (int64_t j = wide; j < l.nr; ++j) dst[j] = To(0);
    }
  }
}

template <typename To>
void PackAll(const Layout& l, const void* src, void* dst) {
  const int64_t matrix = (l.n + l.nr - 1) / l.nr * l.nr * l.k;
  int64_t count = 1;
  for (int64_t extent : l.batch) count *= extent;
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = l.offset, rest = i;
    for (size_t d = l.batch.size(); d-- > 0; rest /= l.batch[d]) at += rest % l.batch[d] * l.batch_strides[d];
    PackMatrix(l, src, at, static_cast<To*>(dst) + i * matrix);
  }
}

void Pack(const Layout& l, const void* src, void* dst) {
  switch (l.to) {
    case DType::kF32: return PackAll<float>(l, src, dst);
    case DType::kF64: return PackAll<double>(l, src, dst);
    case DType::kI32: return PackAll<int32_t>(l, src, dst);
    default: return PackAll<int64_t>(l, src, dst);
  }
}

}  // namespace

PackRequest PackPanels(const MatrixProblem& p) {
  Layout l{p.b.dtype, p.acc, {}, {}, p.b.offset.value(), p.k.value(), p.n.value(),
           p.b.strides[p.batch.size()].value(), p.b.strides[p.batch.size() + 1].value(), p.tile.nr()};
  int64_t matrices = 1;
  std::string text;
  for (size_t d = 0; d < p.batch.size(); ++d) {
    if (p.b.strides[d].IsConst(0)) continue;  // the same panels for all
    l.batch.push_back(p.batch[d].value());
    l.batch_strides.push_back(p.b.strides[d].value());
    matrices *= l.batch.back();
    text += fmt::format("{}*{},", l.batch.back(), l.batch_strides.back());
  }
  PackRequest request;
  request.input = p.b.input;
  request.layout = fmt::format("panels {}->{} nr {} at {} batch [{}] k {}*{} n {}*{}", DTypeName(l.from),
                               DTypeName(l.to), l.nr, l.offset, text, l.k, l.k_stride, l.n, l.n_stride);
  request.bytes = matrices * ((l.n + l.nr - 1) / l.nr * l.nr) * l.k * ElementBytes(l.to);
  request.pack = [l](const void* src, void* dst) { Pack(l, src, dst); };
  return request;
}

}  // namespace belay
