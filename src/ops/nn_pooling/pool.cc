// Pooling over windows of 2 or 3 spatial dims.
#include <cmath>

#include "ops/pooling.h"

namespace belay {
namespace {

void OutPooled(Body& b, const PoolSetup& s, const Tensor& y) {
  b.Out("y", FromChannelsLast(y, s.channels_first));
}

// Whether one spatial dim after the other, the last one first, compares much less than whole windows do.
bool IsLargeWindow(const Window& w) {
  double whole = 1, by_dims = 0, rows = 1;  // rows: per final one, while dim d is pooled
  for (size_t d = 0; d < w.kernel.size(); ++d) {
    const auto kernel = static_cast<double>(w.kernel[d]);
    whole *= kernel;
    by_dims += kernel * rows;
    rows *= static_cast<double>(w.strides[d]);
  }
  return 2 * by_dims < whole;  // each dim's result goes through memory
}

Tensor LargestOf(const PoolSetup& s, bool ceil_mode) {
  if (!IsLargeWindow(s.window)) return Pool(ReduceKind::kMax, s.x, s.window, s.pads.hi, ceil_mode);
  Tensor y = s.x;
  for (size_t d = s.window.kernel.size(); d-- > 0;) {
    const std::vector<int64_t> ones(s.window.kernel.size(), 1);
    Window along{ones, ones, ones, std::vector<Dim>(ones.size(), Dim(0))};
    std::vector<Dim> pads_hi = along.pads_lo;
    along.kernel[d] = s.window.kernel[d];
    along.strides[d] = s.window.strides[d];
    along.dilations[d] = s.window.dilations[d];
    along.pads_lo[d] = s.window.pads_lo[d];
    pads_hi[d] = s.pads.hi[d];
    y = Pool(ReduceKind::kMax, y, along, pads_hi, ceil_mode);
  }
  return y;
}

void MaxPoolOut(Body& b, const PoolSetup& s, bool ceil_mode) { OutPooled(b, s, LargestOf(s, ceil_mode)); }

void GlobalOut(Body& b, ReduceKind kind) {
  Tensor x = b.In("x");
  const std::vector<int> axes = SpatialAxes(b.Str("data_format"), x.rank());
  b.Out("y", kind == ReduceKind::kMax ? MaxOver(x, axes) : Mean(x, axes));
}

// Places counted with the first dim running fastest.
Tensor ColumnMajor(const Tensor& places, const PoolSetup& s) {
  Builder& b = places.builder();
  Tensor rest = places, out;
  for (int d = s.x.rank() - 2; d >= 1; --d) {
    Dim weight(1);
    for (int e = 1; e < d; ++e) weight = weight * s.x.dim(e);
    Tensor extent = b.FromDim(DType::kI64, s.x.dim(d));
    Tensor part = Mod(rest, extent) * b.FromDim(DType::kI64, weight);
    out = out ? out + part : part;
    rest = FloorDiv(rest, extent);
  }
  return out;
}

// argmax: the place within the image, row by row. ONNX counts over the whole tensor.
void MaxPoolWithPlaces(Body& b, const PoolSetup& s, DType dtype) {
  const bool ceil_mode = b.Bool("ceil_mode");
  MaxPoolOut(b, s, ceil_mode);
  Tensor at = Pool(ReduceKind::kArgMax, s.x, s.window, s.pads.hi, ceil_mode);
  if (HiddenInt(b, "column_major", 0)) at = ColumnMajor(at, s);
  at = FromChannelsLast(at, s.channels_first);
  if (!HiddenInt(b, "flat_index", 0)) return b.OutRaw("argmax", Cast(at, dtype));
  Builder& builder = b.builder();
  const int rank = s.x.rank();
  Shape images(rank, Dim(1)), channels = images, spatial(s.x.shape().begin() + 1, s.x.shape().end() - 1);
  images[0] = s.x.dim(0);
  channels[1] = s.x.dim(-1);
  Tensor image = builder.Iota(DType::kI64, images, 0) * builder.FromDim(DType::kI64, s.x.dim(-1)) +
                 builder.Iota(DType::kI64, channels, 1);
  b.OutRaw("argmax", at + image * builder.FromDim(DType::kI64, NumElements(spatial)));
}

// One entry per dim stands for both of its edges.
std::vector<int64_t> BothEdges(const std::vector<int64_t>& pads) {
  std::vector<int64_t> edges;
  for (int64_t pad : pads) edges.insert(edges.end(), 2, pad);
  return edges;
}

void MaxPoolWithNumberedPlaces(Body& b) {
  const int64_t dtype = b.Int("dtype");
  if (dtype != 3 && dtype != 9) Fail("dtype is {}, but must be 3 (i32) or 9 (i64)", dtype);
  Tensor x = b.In("x");
  std::vector<int64_t> pads = b.Ints("pads");
  if (static_cast<int>(pads.size()) == x.rank() - 2) pads = BothEdges(pads);
  MaxPoolWithPlaces(b, SetupPool(b, x, b.Str("data_format"), b.Ints("dilation"), "CALCULATED", pads),
                    static_cast<DType>(dtype));
}

struct OnnxPool {
  OnnxWindow window;
  AttrMap attrs;
};

OnnxPool ReadPool(OnnxNode& n) {
  OnnxPool p;
  const std::vector<int64_t> kernel = n.Ints("kernel_shape");
  if (kernel.empty()) n.Fail("attribute kernel_shape is required");
  p.window = ReadOnnxWindow(n, kernel);
  p.attrs = {{"ksize", p.window.kernel},
             {"strides", p.window.strides},
             {"pads", p.window.pads},
             {"data_format", p.window.format}};
  if (p.window.auto_pad != "NOTSET") p.attrs["auto_pad"] = p.window.auto_pad;
  return p;
}

ModelEdge EmitAverage(OnnxNode& n, ModelEdge x, bool count_pads, int64_t divisor) {
  OnnxPool p = ReadPool(n);
  p.attrs["ceil_mode"] = n.Int("ceil_mode", 0) != 0;
  p.attrs["divisor_override"] = divisor;
  if (n.HasAttr("dilations")) p.attrs["dilations"] = p.window.dilations;
  const bool deep = p.window.spatial == 3;
  if (deep) {
    p.attrs["count_include_pad"] = count_pads;
  } else {
    p.attrs["padding_mode"] = "CALCULATED";
    p.attrs["exclusive"] = !count_pads;
  }
  return p.window.Narrow(n, n.Emit(deep ? "AvgPool3D" : "AvgPoolV2", {p.window.Widen(n, x)}, p.attrs));
}

void OnnxMaxPool(OnnxNode& n) {
  OnnxPool p = ReadPool(n);
  const bool deep = p.window.spatial == 3;
  const int64_t ceil_mode = n.Int("ceil_mode", 0);
  ModelEdge x = p.window.Widen(n, n.Input(0));
  if (n.HasOutput(1)) {
    p.attrs["ceil_mode"] = ceil_mode != 0;
    p.attrs["dilation"] = p.window.dilations;
    p.attrs["flat_index"] = int64_t{1};
    p.attrs["column_major"] = n.Int("storage_order", 0);
    if (!deep) {
      for (const char* name : {"ksize", "strides", "dilation"}) {
        auto& entries = std::get<std::vector<int64_t>>(p.attrs[name]);
        entries.erase(entries.begin(), entries.begin() + 2);
      }
      p.attrs["edge_pads"] = p.window.pads;
      p.attrs.erase("data_format");
    }
    std::vector<ModelEdge> y = n.EmitN(deep ? "MaxPool3DWithArgmaxV2" : "MaxPoolWithArgmaxV1", {x}, p.attrs, 0);
    n.Output(0, p.window.Narrow(n, y[0]));
    return n.Output(1, p.window.Narrow(n, y[1]));
  }
  if (deep) {
    p.attrs["padding"] = "CALCULATED";
    p.attrs["ceil_mode"] = ceil_mode;
    p.attrs["dilation"] = p.window.dilations;
  } else {
    p.attrs["padding_mode"] = "CALCULATED";
    p.attrs["ceil_mode"] = ceil_mode != 0;
    if (n.HasAttr("dilations")) p.attrs["dilations"] = p.window.dilations;
  }
  n.Output(0, p.window.Narrow(n, n.Emit(deep ? "MaxPool3D" : "MaxPoolV3", {x}, p.attrs)));
}

// (sum |x|^p) ^ (1/p)
void OnnxLpPool(OnnxNode& n) {
  const double p = n.opset() < 2 ? n.Float("p", 2) : static_cast<double>(n.Int("p", 2));
  const DType dtype = n.InputDType(0) == DType::kUndefined ? DType::kF32 : n.InputDType(0);
  ModelEdge x = n.Emit("Pow", {n.Emit("Abs", {n.Input(0)}), n.ConstScalar(dtype, p)});
  ModelEdge sum = EmitAverage(n, x, true, 1);
  n.Output(0, n.Emit("Pow", {sum, n.ConstScalar(dtype, 1 / p)}));
}

}  // namespace

BELAY_OP(MaxPoolV3) {
  op.FromOnnx("MaxPool", 1, OnnxMaxPool).Dtypes("x", kNumbers).Computes([](Body& b) {
    if (b.Bool("global_pooling")) return GlobalOut(b, ReduceKind::kMax);
    MaxPoolOut(b, SetupPool(b, b.In("x"), b.Str("data_format"), HiddenInts(b, "dilations"),
                        b.Str("padding_mode"), b.Ints("pads")),
               b.Bool("ceil_mode"));
  });
}

BELAY_OP(MaxPool) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    MaxPoolOut(b, SetupPool(b, b.In("x"), b.Str("data_format"), {}, b.Str("padding"), {}), false);
  });
}

BELAY_OP(MaxPool3D) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    MaxPoolOut(b, SetupPool(b, b.In("x"), b.Str("data_format"), b.Ints("dilation"), b.Str("padding"),
                        b.Ints("pads")),
               b.Int("ceil_mode") != 0);
  });
}

// x is NCHW, but the attributes are [1, height, width, 1], pads included. ONNX pads each edge by itself.
BELAY_OP(MaxPoolWithArgmaxV1) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    Tensor x = b.In("x");
    if (x.rank() != 4) Fail("x has rank {}, but must be NCHW", x.rank());
    std::vector<int64_t> pads = HiddenInts(b, "edge_pads");
    if (pads.empty()) pads = BothEdges(SpatialEntries(b.Ints("pads"), false, 2, "pads"));
    MaxPoolWithPlaces(b, SetupPool(b, x, true, false, b.Ints("dilation"), "CALCULATED", pads), DType::kI32);
  });
}
BELAY_OP(MaxPoolWithArgmaxV3) {
  op.Dtypes("x", kNumbers).Computes(MaxPoolWithNumberedPlaces);
}
BELAY_OP(MaxPool3DWithArgmaxV2) {
  op.Dtypes("x", kNumbers).Computes(MaxPoolWithNumberedPlaces);
}

BELAY_OP(AvgPoolV2) {
  op.FromOnnx("AveragePool", 1, [](OnnxNode& n) {
    n.Output(0, EmitAverage(n, n.Input(0), n.Int("count_include_pad", 0) != 0, 0));
  });
  op.FromOnnx("LpPool", 1, OnnxLpPool);
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    if (b.Bool("global_pooling")) return GlobalOut(b, ReduceKind::kSum);
    PoolSetup s = SetupPool(b, b.In("x"), b.Str("data_format"), HiddenInts(b, "dilations"),
                        b.Str("padding_mode"), b.Ints("pads"));
    OutPooled(b, s, AveragePool(s, b.Bool("ceil_mode"), !b.Bool("exclusive"), b.Int("divisor_override")));
  });
}

BELAY_OP(AvgPool) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    PoolSetup s = SetupPool(b, b.In("x"), b.Str("data_format"), {}, b.Str("padding"), {});
    OutPooled(b, s, AveragePool(s, false, false, 0));
  });
}

BELAY_OP(AvgPool3D) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    PoolSetup s = SetupPool(b, b.In("x"), b.Str("data_format"), HiddenInts(b, "dilations"), "CALCULATED",
                        b.Ints("pads"));
    OutPooled(b, s, AveragePool(s, b.Bool("ceil_mode"), b.Bool("count_include_pad"),
                            b.Int("divisor_override")));
  });
}

BELAY_OP(GlobalAveragePool) {
  op.FromOnnx("GlobalAveragePool").Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    if (x.rank() < 3) Fail("x has rank {}, but needs spatial dims after batch and channels", x.rank());
    b.Out("y", Mean(x, AxisRange(2, x.rank())));
  });
}

BELAY_OP(GlobalLpPool) {
  op.FromOnnx("GlobalLpPool", 1, [](OnnxNode& n) {
    const double p = n.opset() < 2 ? n.Float("p", 2) : static_cast<double>(n.Int("p", 2));
    n.Output(0, n.Emit("GlobalLpPool", {n.Input(0)}, {{"p", p}}));
  });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    const double p = b.Float("p");
    b.Out("y", Pow(Sum(Pow(Abs(x), p), AxisRange(2, x.rank())), 1 / p));
  });
}

BELAY_OP(AdaptiveAvgPool2d) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    b.Out("y", AdaptiveAverage(b.In("x"), b.Ints("output_size")));
  });
}

}  // namespace belay
