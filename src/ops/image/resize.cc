// Resize by separable interpolation: along each dim a handful of source positions with weights.
#include <algorithm>
#include <cmath>

#include "ops/gradient.h"

namespace belay {
namespace {

struct Axis {
  int dim = 0;
  Dim in, out;
  double scale = 0;  // 0: out / in
  double roi_start = 0, roi_end = 1;
};

struct Options {
  std::string coordinates = "half_pixel", mode = "nearest", nearest = "round_prefer_floor";
  double cubic_a = -0.75, extrapolation = 0;
  bool exclude_outside = false, antialias = false;
};

Tensor F64(Builder& b, const Dim& d) { return Cast(b.FromDim(DType::kI64, d), DType::kF64); }

Tensor ScaleOf(Builder& b, const Axis& a) {
  return a.scale != 0 ? b.Scalar(DType::kF64, a.scale) : F64(b, a.out) / F64(b, a.in);
}

// The position in x for every position of the result, [out] in f64.
Tensor SourceOf(Builder& b, const Axis& a, const Options& o) {
  Tensor at = Cast(b.Iota(DType::kI64, {a.out}, 0), DType::kF64);
  Tensor scale = ScaleOf(b, a), in = F64(b, a.in);
  Tensor out = a.scale != 0 ? in * a.scale : F64(b, a.out);  // not rounded
  const std::string& mode = o.coordinates;
  if (mode == "half_pixel") return (at + 0.5) / scale - 0.5;
  if (mode == "asymmetric") return at / scale;
  if (mode == "tf_half_pixel_for_nn") return (at + 0.5) / scale;
  Tensor single = Equal(out, 1.0);
  if (mode == "pytorch_half_pixel") return Select(single, at * 0.0 - 0.5, (at + 0.5) / scale - 0.5);
  if (mode == "align_corners") {
    Tensor room = Select(single, out, out - 1.0);
    return Select(single, at * 0.0, at * (in - 1.0) / room);
  }
  if (mode == "half_pixel_symmetric") {
    Tensor offset = in * 0.5 * (1.0 - F64(b, a.out) / out);
    return offset + (at + 0.5) / scale - 0.5;
  }
  if (mode == "tf_crop_and_resize") {
    const double span = a.roi_end - a.roi_start;
    Tensor room = Select(single, out, out - 1.0);
    Tensor inside = Select(single, at * 0.0 + (in - 1.0) * (span / 2), at * ((in - 1.0) * span) / room);
    return inside + (in - 1.0) * a.roi_start;
  }
  Fail("coordinate_transformation_mode is '{}'", mode);
}

Tensor NearestIndex(const Tensor& at, const Options& o) {
  if (o.nearest == "floor") return Floor(at);
  if (o.nearest == "ceil") return Ceil(at);
  if (o.nearest == "round_prefer_ceil") return Floor(at + 0.5);
  if (o.nearest == "round_prefer_floor") return Ceil(at - 0.5);
  Fail("nearest_mode is '{}'", o.nearest);
}

Tensor CubicNear(const Tensor& d, double a) {  // |d| <= 1
  return (d * (a + 2) - (a + 3)) * d * d + 1.0;
}
Tensor CubicFar(const Tensor& d, double a) {  // 1 < |d| < 2
  return ((d * a - 5 * a) * d + 8 * a) * d - 4 * a;
}
Tensor Weight(const Tensor& distance, const Options& o) {
  Tensor d = Abs(distance);
  if (o.mode == "linear") return Max(1.0 - d, 0.0);
  Tensor far = Select(Less(d, 2.0), CubicFar(d, o.cubic_a), d * 0.0);
  return Select(LessEqual(d, 1.0), CubicNear(d, o.cubic_a), far);
}

struct Tap {
  Tensor index, weight;  // [out]: i64 in range, f64
};

std::vector<Tap> Taps(Builder& b, const Axis& a, const Options& o, const Tensor& at) {
  const double reach = o.mode == "linear" ? 1 : 2;
  double shrink = 1;
  if (o.antialias) {
    if (a.scale == 0 && !(a.in.IsConst() && a.out.IsConst())) {
      FailNotSupported("antialias with dynamic extents");
    }
    const double scale = a.scale != 0 ? a.scale : static_cast<double>(a.out.value()) / a.in.value();
    shrink = a.out.IsConst(0) ? 1 : std::min(scale, 1.0);
    constexpr double kMost = 1024;
    if (!(shrink * kMost >= 1)) FailNotSupported("antialias where dim {} shrinks by more than {}", a.dim, kMost);
  }
  const int first = static_cast<int>(std::floor(-reach / shrink)) + 1, end = 2 - first;
  Tensor low = Floor(at), fraction = at - low, last = b.FromDim(DType::kI64, a.in) - 1.0;
  Tensor base = Cast(low, DType::kI64);
  std::vector<Tap> taps;
  Tensor sum;
  for (int i = first; i < end; ++i) {
    Tensor index = base + static_cast<double>(i);
    Tensor weight = Weight((static_cast<double>(i) - fraction) * shrink, o);
    if (o.exclude_outside) {
      Tensor inside = And(GreaterEqual(index, 0.0), LessEqual(index, last));
      weight = Select(inside, weight, weight * 0.0);
    }
    sum = sum ? sum + weight : weight;
    taps.push_back({Min(Max(index, 0.0), last), weight});
  }
  if (o.exclude_outside || o.antialias) {
    for (Tap& tap : taps) tap.weight = tap.weight / sum;
  }
  return taps;
}

// What lies outside of x becomes the value that extrapolates.
Tensor Extrapolated(const Tensor& y, const Axis& a, const Options& o) {
  if (o.coordinates != "tf_crop_and_resize") return y;
  Builder& b = y.builder();
  Tensor at = SourceOf(b, a, o), last = b.FromDim(DType::kI64, a.in) - 1.0;
  Tensor outside = Or(Less(at, 0.0), Greater(at, Cast(last, DType::kF64)));
  return Select(AlongAxis(outside, a.dim, y.rank()), Full(b, y.shape(), y.dtype(), o.extrapolation), y);
}

Tensor ResizeAlong(const Tensor& x, const Axis& a, const Options& o) {
  Builder& b = x.builder();
  Tensor y;
  for (const Tap& tap : Taps(b, a, o, SourceOf(b, a, o))) {
    Tensor weight = AlongAxis(Cast(tap.weight, x.dtype()), a.dim, x.rank());
    Tensor part = GatherAxis(x, tap.index, a.dim, false) * weight;
    y = y ? y + part : part;
  }
  return Extrapolated(y, a, o);
}

// One look-up for all axes.
Tensor ResizeNearest(const Tensor& x, const std::vector<Axis>& axes, const Options& o) {
  if (axes.empty()) return x;
  Builder& b = x.builder();
  Shape shape = x.shape();
  for (const Axis& a : axes) shape[a.dim] = a.out;
  std::vector<Tensor> indices;
  std::vector<int> from = AxisRange(0, x.rank());
  for (const Axis& a : axes) {
    Tensor index = Cast(NearestIndex(SourceOf(b, a, o), o), DType::kI64);
    index = Min(Max(index, 0.0), b.FromDim(DType::kI64, a.in) - 1.0);
    indices.push_back(BroadcastTo(AlongAxis(index, a.dim, x.rank()), shape));
    from[a.dim] = -static_cast<int>(indices.size());
  }
  Tensor y = Gather(x, indices, from, shape);
  for (const Axis& a : axes) y = Extrapolated(y, a, o);
  return y;
}

Tensor ResizeAxes(const Tensor& x, const std::vector<Axis>& axes, const Options& o) {
  if (o.mode == "nearest") return ResizeNearest(x, axes, o);
  const DType dtype = x.dtype();
  Tensor y = IsFloat(dtype) ? x : Cast(x, DType::kF32);
  for (const Axis& a : axes) y = ResizeAlong(y, a, o);
  return Cast(y, dtype);
}

// floor(in * scale) for a symbolic extent: the scale as a fraction of small numbers.
Dim Scaled(const Dim& in, double scale) {
  if (in.IsConst()) return static_cast<int64_t>(std::floor(static_cast<double>(in.value()) * scale));
  for (int64_t q = 1; q <= 1024; ++q) {
    const double p = scale * static_cast<double>(q);
    if (std::abs(p - std::round(p)) > 1e-5) continue;
    return q == 1 ? in * Dim(std::llround(p)) : FloorDiv(in * Dim(std::llround(p)), q);
  }
  FailNotSupported("scale {} of a dynamic extent", scale);
}

void KeepAspectRatio(const std::string& policy, std::vector<Axis>* axes) {
  if (policy == "stretch") return;
  if (policy != "not_larger" && policy != "not_smaller") Fail("keep_aspect_ratio_policy is '{}'", policy);
  double scale = 0;
  for (const Axis& a : *axes) {
    if (!a.in.IsConst() || !a.out.IsConst()) FailNotSupported("{} with dynamic extents", policy);
    if (a.in.IsConst(0)) Fail("keep_aspect_ratio_policy is '{}', but dim {} has no elements", policy, a.dim);
    const double s = static_cast<double>(a.out.value()) / static_cast<double>(a.in.value());
    scale = scale == 0 ? s : policy == "not_larger" ? std::min(scale, s) : std::max(scale, s);
  }
  for (Axis& a : *axes) {
    a.scale = scale;
    a.out = static_cast<int64_t>(std::floor(scale * static_cast<double>(a.in.value()) + 0.5));
  }
}

std::vector<Axis> ReadAxes(Body& b, const Tensor& x) {
  std::vector<int64_t> dims = HiddenInts(b, "axes");
  if (dims.empty()) {
    for (int d = 0; d < x.rank(); ++d) dims.push_back(d);
  }
  const size_t count = dims.size();
  std::vector<double> scales, roi;
  std::vector<Dim> sizes;
  if (b.Has("scales") && !NumElements(b.Raw("scales").shape()).IsConst(0)) scales = b.ConstFloats("scales");
  if (b.Has("sizes") && !NumElements(b.Raw("sizes").shape()).IsConst(0)) sizes = b.Dims("sizes");
  if (b.Str("coordinate_transformation_mode") == "tf_crop_and_resize") roi = b.ConstFloats("roi");
  if (scales.empty() == sizes.empty()) Fail("exactly one of scales and sizes must be given");
  if ((scales.empty() ? sizes.size() : scales.size()) != count) {
    Fail("scales or sizes have {} elements, but needs {}", scales.empty() ? sizes.size() : scales.size(), count);
  }
  if (!roi.empty() && roi.size() != 2 * count) Fail("roi has {} elements, but needs {}", roi.size(), 2 * count);
  std::vector<Axis> axes;
  for (size_t i = 0; i < count; ++i) {
    Axis a;
    a.dim = NormalizeAxis(dims[i], x.rank(), "axes");
    a.in = x.dim(a.dim);
    if (!scales.empty()) {
      if (!(scales[i] > 0 && scales[i] < 0x1p31)) Fail("scales[{}] is {}, but must be positive", i, scales[i]);
      a.scale = scales[i];
    }
    a.out = scales.empty() ? sizes[i] : Scaled(a.in, scales[i]);
    if (b.builder().Assume(Less(a.out, 0), false)) Fail("dim {} would have {} elements", a.dim, a.out.ToString());
    if (!roi.empty()) {
      a.roi_start = roi[i];
      a.roi_end = roi[count + i];
    }
    axes.push_back(a);
  }
  if (!sizes.empty()) KeepAspectRatio(HiddenStr(b, "keep_aspect_ratio_policy", "stretch"), &axes);
  // What keeps its extent keeps its values.
  std::erase_if(axes, [&](const Axis& a) {
    return roi.empty() && (a.scale != 0 ? a.scale == 1 : a.in == a.out);
  });
  return axes;
}

std::string ModeName(const std::string& mode) {
  if (mode == "bilinear") return "linear";
  if (mode == "bicubic") return "cubic";
  if (mode != "nearest" && mode != "linear" && mode != "cubic") Fail("mode is '{}'", mode);
  return mode;
}

// These operators have no attribute for it; importers set one all the same.
std::string LayoutOf(const Body& b) {
  const std::string declared = b.Layout();
  return declared.empty() ? HiddenStr(b, "data_format", "NHWC") : declared;
}

// TensorFlow's resizes: size holds height and width.
Tensor ResizedImage(const Body& b, const Tensor& x, const std::vector<Dim>& size, Options o) {
  if (x.rank() != 4) Fail("x has rank {}, but needs 4", x.rank());
  const bool first = LayoutOf(b) == "NCHW";
  if (size.size() != 2) Fail("size has {} elements, but needs 2", size.size());
  const bool corners = b.Bool("align_corners"), centres = b.Bool("half_pixel_centers");
  o.coordinates = corners ? "align_corners"
                  : centres ? (o.mode == "nearest" ? "tf_half_pixel_for_nn" : "half_pixel")
                            : "asymmetric";
  o.nearest = corners ? "round_prefer_ceil" : "floor";
  std::vector<Axis> axes(2);
  for (int d = 0; d < 2; ++d) {
    axes[d].dim = (first ? 2 : 1) + d;
    axes[d].in = x.dim(axes[d].dim);
    axes[d].out = size[d];
  }
  return ResizeAxes(x, axes, o);
}

// The gradient of a resize of an image of height and width `size`, with dy's other extents.
Tensor ResizeGradient(Body& b, const Tensor& dy, const std::vector<Dim>& size, const Options& o) {
  if (dy.rank() != 4 || size.size() != 2) Fail("grads has rank {}, but needs 4", dy.rank());
  const int first = LayoutOf(b) == "NCHW" ? 2 : 1;
  Shape shape = dy.shape();
  const std::vector<Dim> out = {shape[first], shape[first + 1]};
  std::copy(size.begin(), size.end(), shape.begin() + first);
  Tensor x = Placeholder(b.builder(), dy.dtype(), shape);
  return Gradient(ResizedImage(b, x, out, o), dy, x);
}

Options Linear() {
  Options o;
  o.mode = "linear";
  return o;
}

void OnnxUpsample(OnnxNode& n) {
  ModelEdge scales;
  if (n.opset() >= 9 || (!n.HasAttr("scales") && n.HasInput(1))) {
    scales = n.Input(1);
  } else {
    std::vector<double> values = n.Floats("scales");
    if (values.empty()) values = {1, 1, n.Float("height_scale", 1), n.Float("width_scale", 1)};
    scales = n.Const(LiteralFromDoubles(DType::kF32, {static_cast<int64_t>(values.size())}, values));
  }
  n.Output(0, n.Emit("Resize", {n.Input(0), ModelEdge{}, scales},
                     {{"mode", n.Str("mode", "nearest")},
                      {"coordinate_transformation_mode", "asymmetric"},
                      {"nearest_mode", "floor"}}));
}

}  // namespace

BELAY_OP(Resize) {
  op.FromOnnx("Upsample", 1, OnnxUpsample).FromOnnx("Resize", 10, OnnxUpsample);
  op.FromOnnx("Resize", 11, [](OnnxNode& n) {
    AttrMap attrs = {
        {"coordinate_transformation_mode", n.Str("coordinate_transformation_mode", "half_pixel")},
        {"cubic_coeff_a", n.Float("cubic_coeff_a", -0.75)},
        {"exclude_outside", n.Int("exclude_outside", 0)},
        {"extrapolation_value", n.Float("extrapolation_value", 0)},
        {"mode", n.Str("mode", "nearest")},
        {"nearest_mode", n.Str("nearest_mode", "round_prefer_floor")},
        {"antialias", n.Int("antialias", 0)},
        {"keep_aspect_ratio_policy", n.Str("keep_aspect_ratio_policy", "stretch")}};
    if (n.HasAttr("axes")) attrs["axes"] = n.Ints("axes");
    n.Output(0, n.Emit("Resize", {n.Input(0), n.Input(1), n.Input(2), n.Input(3)}, attrs));
  });
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    Options o;
    o.coordinates = b.Str("coordinate_transformation_mode");
    o.mode = ModeName(b.Str("mode"));
    o.nearest = b.Str("nearest_mode");
    o.cubic_a = b.Float("cubic_coeff_a");
    o.extrapolation = b.Float("extrapolation_value");
    o.exclude_outside = b.Int("exclude_outside") != 0;
    o.antialias = HiddenInt(b, "antialias", 0) != 0 && o.mode != "nearest";
    Tensor x = o.mode == "nearest" ? b.Raw("x") : b.In("x");
    b.OutAs("y", ResizeAxes(x, ReadAxes(b, x), o), b.Raw("x").dtype());
  });
}

BELAY_OP(ResizeNearestNeighborV2) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    b.OutRaw("y", ResizedImage(b, b.Raw("x"), b.Dims("size"), Options()));
  });
}
BELAY_OP(ResizeBilinearV2) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("x");
    if (!IsFloat(x.dtype())) x = Cast(x, DType::kF32);
    b.OutRaw("y", Cast(ResizedImage(b, x, b.Dims("size"), Linear()), b.Type("dtype")));
  });
}

BELAY_OP(ResizeNearestNeighborV2Grad) {
  op.Dtypes("grads", kFloats).Computes([](Body& b) {
    b.Out("y", ResizeGradient(b, b.In("grads"), b.Dims("size"), Options()));
  });
}
BELAY_OP(ResizeBilinearV2Grad) {
  op.Dtypes("grads", kFloats).Computes([](Body& b) {
    Tensor image = b.Raw("original_image");
    if (image.rank() != 4) Fail("original_image has rank {}, but needs 4", image.rank());
    const int first = LayoutOf(b) == "NCHW" ? 2 : 1;
    b.Out("y", ResizeGradient(b, b.In("grads"), {image.dim(first), image.dim(first + 1)}, Linear()));
  });
}

}  // namespace belay
