// Constant right-hand sides in panel order, made once at load.
#include <algorithm>

#include "backend/cpu/build_contract_matrix.h"
#include "backend/cpu/tiny_weights.h"
#include "base/half.h"

namespace belay {
namespace {

struct Layout {
  DType from, to;
  int64_t group, step;             // elements of k in a word; a tap has whole steps of words
  bool corrected;                  // panels begin with -128 times the columns' sums
  bool lifts_tiny;
  std::vector<int64_t> batch, batch_strides;
  int64_t offset, taps, depth, n;  // depth: elements of k in one tap
  int64_t k_stride, n_stride, nr;

  int64_t TapWords() const { return (depth + group * step - 1) / (group * step) * step; }
  int64_t PanelWords() const { return (taps * TapWords() + (corrected ? 1 : 0)) * nr; }
  int64_t Panels() const { return (n + nr - 1) / nr; }
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

// One line of a panel, `wide` columns of it: words of elements k, k + 1, ... of a tap, zeros behind its depth.
template <typename To, typename Read>
void PackLine(const Layout& l, int64_t k, int64_t wide, const Read& read, To* dst) {
  const int64_t valid = std::clamp<int64_t>(l.depth - k, 0, l.group);
  for (int64_t j = 0; j < wide; ++j) {
    for (int64_t e = 0; e < valid; ++e) dst[j * l.group + e] = read(e, j);
    for (int64_t e = valid; e < l.group; ++e) dst[j * l.group + e] = To(0);
  }
  std::fill(dst + wide * l.group, dst + l.nr * l.group, To(0));
}

template <typename To>
void PackPanel(const Layout& l, const void* src, int64_t base, int64_t wide, To* dst) {
  for (int64_t tap = 0; tap < l.taps; ++tap) {
    for (int64_t k = 0; k < l.TapWords() * l.group; k += l.group, dst += l.nr * l.group) {
      const int64_t at = base + (tap * l.depth + k) * l.k_stride;
      if (l.from == l.to) {
        const To* from = static_cast<const To*>(src) + at;
        if (l.group == 1 && l.n_stride == 1) {
          std::fill(std::copy_n(from, wide, dst), dst + l.nr, To(0));
          continue;
        }
        PackLine(l, k, wide, [&](int64_t e, int64_t j) { return from[e * l.k_stride + j * l.n_stride]; }, dst);
      } else {
        PackLine(l, k, wide, [&](int64_t e, int64_t j) {
          return ReadAs<To>(src, l.from, at + e * l.k_stride + j * l.n_stride);
        }, dst);
      }
    }
  }
}

void WriteCorrections(const Layout& l, const void* src, int64_t base, int64_t wide, int32_t* dst) {
  for (int64_t j = 0; j < l.nr; ++j) {
    int32_t sum = 0;
    for (int64_t k = 0; k < l.taps * l.depth && j < wide; ++k) {
      sum += ReadAs<int32_t>(src, l.from, base + k * l.k_stride + j * l.n_stride);
    }
    dst[j] = -128 * sum;
  }
}

template <typename To>
void PackAll(const Layout& l, const void* src, void* dst) {
  int64_t count = 1;
  for (int64_t extent : l.batch) count *= extent;
  const int64_t word = static_cast<int64_t>(sizeof(To)) * l.group;
  auto* out = static_cast<char*>(dst);
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = l.offset, rest = i;
    for (size_t d = l.batch.size(); d-- > 0; rest /= l.batch[d]) at += rest % l.batch[d] * l.batch_strides[d];
    for (int64_t column = 0; column < l.n; column += l.nr, out += l.PanelWords() * word) {
      const int64_t base = at + column * l.n_stride, wide = std::min(l.nr, l.n - column);
      char* words = out;
      if (l.corrected) {
        WriteCorrections(l, src, base, wide, reinterpret_cast<int32_t*>(out));
        words += l.nr * word;
      }
      PackPanel(l, src, base, wide, reinterpret_cast<To*>(words));
      if (l.lifts_tiny) LiftTinyWeights(reinterpret_cast<float*>(words), l.taps * l.TapWords() * l.nr);
    }
  }
}

void Pack(const Layout& l, const void* src, void* dst) {
  switch (l.to) {
    case DType::kF32: return PackAll<float>(l, src, dst);
    case DType::kF64: return PackAll<double>(l, src, dst);
    case DType::kI32: return PackAll<int32_t>(l, src, dst);
    case DType::kBF16: return PackAll<uint16_t>(l, src, dst);  // from the same, bit by bit
    case DType::kI16: return PackAll<int16_t>(l, src, dst);
    case DType::kI8:
    case DType::kU8: return PackAll<uint8_t>(l, src, dst);
    default: return PackAll<int64_t>(l, src, dst);
  }
}

}  // namespace

PackRequest PackPanels(const MatrixProblem& p) {
  Layout l{p.b.dtype, p.dot.b, p.dot.group, p.dot.step, p.dot.flips_a,
           p.lifts_tiny && p.dot.b == DType::kF32, {}, {}, p.b.offset.value(), p.taps, p.k.value() / p.taps,
           p.n.value(), p.b.strides[p.batch.size()].value(), p.b.strides[p.batch.size() + 1].value(), p.tile.nr()};
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
  request.layout =
      fmt::format("panels {}->{} group {}*{}{}{} nr {} at {} batch [{}] k {}x{}*{} n {}*{}", DTypeName(l.from),
                  DTypeName(l.to), l.group, l.step, l.corrected ? " corrected" : "",
                  l.lifts_tiny ? " lifted" : "", l.nr, l.offset, text, l.taps, l.depth, l.k_stride, l.n,
                  l.n_stride);
  request.bytes = matrices * l.Panels() * l.PanelWords() * l.group * ElementBytes(l.to);
  request.pack = [l](const void* src, void* dst) { Pack(l, src, dst); };
  return request;
}

}  // namespace belay
