// Matrix products and convolutions: floats accumulate in double, integers wrap at the end.
#include "graph/interpret_ops.h"
#include "graph/number.h"

namespace belay::interpret {
namespace {

template <typename Acc>
std::vector<Acc> LoadAll(const Literal& x) {
  if constexpr (std::is_same_v<Acc, double>) {
    return LiteralToDoubles(x);
  } else {
    const std::vector<int64_t> ints = LiteralToInts(x);
    return {ints.begin(), ints.end()};
  }
}

template <typename Acc>
void MultiplyMatrices(const Case& c, const std::vector<Acc>& a, const std::vector<Acc>& b,
                      std::vector<Acc>* out) {
  const size_t rank = c.dims.size();
  const int64_t m = c.dims[rank - 2], n = c.dims[rank - 1], k = c.in[0]->dims[rank - 1];
  const int64_t batch = Count(Dims(c.dims.begin(), c.dims.end() - 2));
  for (int64_t g = 0; g < batch; ++g) {
    for (int64_t i = 0; i < m; ++i) {
      Acc* row = out->data() + (g * m + i) * n;
      for (int64_t p = 0; p < k; ++p) {
        const Acc lhs = a[(g * m + i) * k + p];
        const Acc* rhs = b.data() + (g * k + p) * n;
        for (int64_t j = 0; j < n; ++j) row[j] += lhs * rhs[j];
      }
    }
  }
}

struct ConvShape {
  Dims spatial, out_spatial;
  int64_t channels, out_channels, groups;
};

// One output position: all of its channels, accumulated in `acc`.
template <typename Acc>
void ConvolvePosition(const Case& c, const ConvShape& s, const Acc* image, const Acc* w,
                      const Dims& position, Acc* acc) {
  const Window& window = *c.node.window;
  const int64_t in_group = s.channels / s.groups, out_group = s.out_channels / s.groups;
  int64_t tap = -1;
  ForEachIndex(window.kernel, [&](const Dims& k) {
    ++tap;
    int64_t at = 0;
    bool inside = true;
    for (size_t d = 0; d < s.spatial.size() && inside; ++d) {
      const int64_t p = position[d] * window.strides[d] - c.pads_lo[d] + k[d] * window.dilations[d];
      inside = p >= 0 && p < s.spatial[d];
      at = at * s.spatial[d] + p;
    }
    if (!inside && window.fill == 0) return;
    for (int64_t g = 0; g < s.groups; ++g) {
      for (int64_t i = 0; i < in_group; ++i) {
        const Acc v = inside ? image[at * s.channels + g * in_group + i] : static_cast<Acc>(window.fill);
        const Acc* filter = w + (tap * in_group + i) * s.out_channels + g * out_group;
        Acc* to = acc + g * out_group;
        for (int64_t o = 0; o < out_group; ++o) to[o] += v * filter[o];
      }
    }
  });
}

template <typename Acc>
void Convolve(const Case& c, const std::vector<Acc>& x, const std::vector<Acc>& w,
              std::vector<Acc>* out) {
  const Dims& in = c.in[0]->dims;
  ConvShape s{Dims(in.begin() + 1, in.end() - 1), Dims(c.dims.begin() + 1, c.dims.end() - 1),
              in.back(), c.dims.back(), c.node.window->groups};
  const int64_t image = Count(s.spatial) * s.channels;
  Acc* acc = out->data();
  for (int64_t n = 0; n < c.dims[0]; ++n) {
    ForEachIndex(s.out_spatial, [&](const Dims& position) {
      ConvolvePosition(c, s, x.data() + n * image, w.data(), position, acc);
      acc += s.out_channels;
    });
  }
}

template <typename Acc>
LiteralPtr Run(const Case& c) {
  const std::vector<Acc> a = LoadAll<Acc>(*c.in[0]), b = LoadAll<Acc>(*c.in[1]);
  std::vector<Acc> out(static_cast<size_t>(Count(c.dims)), Acc{0});
  if (c.node.op == Op::kContract) {
    MultiplyMatrices(c, a, b, &out);
  } else {
    Convolve(c, a, b, &out);
  }
  if constexpr (std::is_same_v<Acc, double>) {
    return LiteralFromDoubles(c.node.type.dtype, c.dims, out);
  } else {
    return LiteralFromInts(c.node.type.dtype, c.dims, {out.begin(), out.end()});
  }
}

}  // namespace

Result<LiteralPtr> Contract(const Case& c) {
  for (const LiteralPtr& x : c.in) {
    if (!IsFloat(x->dtype) && !IsInt(x->dtype)) return NoDType(c.node, x->dtype);
  }
  // uint64_t wraps without undefined behaviour.
  return IsFloat(c.node.type.dtype) ? Run<double>(c) : Run<uint64_t>(c);
}

Result<LiteralPtr> Conv(const Case& c) { return Contract(c); }

}  // namespace belay::interpret
