// Tensors made from a few numbers: identity matrices, windows and filter banks of signal processing.
#include <algorithm>
#include <cmath>

#include "ops/support.h"

namespace belay {
namespace {

constexpr double kTwoPi = 6.283185307179586;

// a[0] - a[1] cos(t) + a[2] cos(2 t) with t = 2 pi k / size, in f64: at the ends most digits cancel.
OnnxRuleFn CosineWindow(std::vector<double> a) {
  return [a](OnnxNode& n) {
    auto scalar = [&](double value) { return n.ConstScalar(DType::kF64, value); };
    auto cast = [&](ModelEdge x, DType dtype) { return n.Emit("Cast", {x}, {{"dst_type", GeType(dtype)}}); };
    ModelEdge size = cast(n.Input(0), DType::kI64), zero = n.Const(LiteralFromInts(DType::kI64, {}, {0}));
    ModelEdge at = n.Emit("Range", {zero, size, n.Const(LiteralFromInts(DType::kI64, {}, {1}))});
    ModelEdge period = cast(size, DType::kF64);
    if (!n.Int("periodic", 1)) period = n.Emit("Maximum", {n.Emit("Sub", {period, scalar(1)}), scalar(1)});
    ModelEdge t = n.Emit("Mul", {cast(at, DType::kF64), n.Emit("RealDiv", {scalar(kTwoPi), period})});
    ModelEdge y = n.Emit("Sub", {scalar(a[0]), n.Emit("Mul", {scalar(a[1]), n.Emit("Cos", {t})})});
    if (a.size() > 2) {
      ModelEdge twice = n.Emit("Cos", {n.Emit("Mul", {t, scalar(2)})});
      y = n.Emit("Add", {y, n.Emit("Mul", {scalar(a[2]), twice})});
    }
    n.Output(0, cast(y, OnnxDType(n.Int("output_datatype", 1))));
  };
}

double MelOf(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double HertzOf(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

// Triangles over the bins of a spectrum, their corners at equal distances on the mel scale and moved to
// the nearest bin below.
std::vector<double> MelFilters(int64_t filters, int64_t dft_length, double sample_rate, double low, double high) {
  const int64_t bins = dft_length / 2 + 1;
  std::vector<double> corner(filters + 2);
  const double first = MelOf(low), step = (MelOf(high) - first) / static_cast<double>(filters + 2);
  for (int64_t i = 0; i < filters + 2; ++i) {
    const double hertz = HertzOf(first + step * static_cast<double>(i));
    corner[i] = std::floor(static_cast<double>(dft_length + 1) * hertz / sample_rate);
  }
  std::vector<double> weights(bins * filters, 0.0);
  for (int64_t f = 0; f < filters; ++f) {
    const double left = corner[f], peak = corner[f + 1], right = corner[f + 2];
    for (int64_t bin = 0; bin < bins; ++bin) {
      const double at = static_cast<double>(bin);
      double& w = weights[bin * filters + f];
      if (at == peak) w = 1;
      if (at >= left && at < peak) w = (at - left) / (peak - left);
      if (at > peak && at < right) w = (right - at) / (right - peak);
    }
  }
  return weights;
}

void MelBody(Body& b) {
  auto one = [&](const char* input) {
    const std::vector<double> value = b.ConstFloats(input);
    if (value.size() != 1) Fail("{} has {} elements, but must have one", input, value.size());
    return value[0];
  };
  const auto filters = static_cast<int64_t>(one("num_mel_bins")), length = static_cast<int64_t>(one("dft_length"));
  const double rate = one("sample_rate");
  if (filters < 1 || length < 1 || filters > (1 << 24) / length || rate <= 0) {
    Fail("{} filters over a spectrum of {} samples at {} Hz", filters, length, rate);
  }
  const double low = one("lower_edge_hertz"), high = one("upper_edge_hertz");
  const std::vector<double> weights = MelFilters(filters, length, rate, low, high);
  b.OutAs("output", b.builder().Constant(LiteralFromDoubles(DType::kF64, {length / 2 + 1, filters}, weights)),
          b.Type("output_datatype"));
}

}  // namespace

// 1 where the column is the row plus k.
BELAY_OP(OnnxEyeLike) {
  op.FromOnnx("EyeLike", 9, [](OnnxNode& n) {
    AttrMap attrs = {{"k", n.Int("k", 0)}};
    if (n.HasAttr("dtype")) attrs["dtype"] = OnnxDType(n.Int("dtype", 0));
    n.Output(0, n.Emit("OnnxEyeLike", {n.Input(0)}, attrs));
  });
  op.Computes([](Body& b) {
    Tensor x = b.Raw("input");
    if (x.rank() != 2) Fail("input has rank {}, but must be a matrix", x.rank());
    Builder& builder = b.builder();
    Tensor diagonal = builder.Iota(DType::kI64, x.shape(), 0) + builder.ScalarInt(DType::kI64, b.Int("k"));
    const DType dtype = b.Type("dtype");
    b.OutAs("output", Equal(builder.Iota(DType::kI64, x.shape(), 1), diagonal),
            dtype == DType::kUndefined ? x.dtype() : dtype);
  });
}

BELAY_OP(OnnxMelWeightMatrix) {
  op.FromOnnx("HannWindow", 17, CosineWindow({0.5, 0.5}));
  op.FromOnnx("HammingWindow", 17, CosineWindow({25.0 / 46, 21.0 / 46}));
  op.FromOnnx("BlackmanWindow", 17, CosineWindow({0.42, 0.5, 0.08}));
  op.FromOnnx("MelWeightMatrix", 17, [](OnnxNode& n) {
    std::vector<ModelEdge> inputs;
    for (int i = 0; i < 5; ++i) inputs.push_back(n.Input(i));
    n.Output(0, n.Emit("OnnxMelWeightMatrix", inputs,
                       {{"output_datatype", OnnxDType(n.Int("output_datatype", 1))}}));
  });
  op.Computes(MelBody);
}

}  // namespace belay
