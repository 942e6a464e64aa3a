// Pooling over windows of 2 or 3 spatial dims.
#include <cmath>

#include "ops/window.h"

namespace belay {
namespace {

struct PoolSetup {
  Tensor x;  // channels-last
  bool channels_first = false;
  Window window;
  Pads pads;
};

PoolSetup Setup(Body& b, const Tensor& input, const std::string& format,
                const std::vector<int64_t>& dilations, const std::string& padding,
                const std::vector<int64_t>& explicit_pads) {
  PoolSetup s;
  s.channels_first = ChannelsFirst(format, input.rank());
  s.x = ToChannelsLast(input, s.channels_first);
  const int spatial = s.x.rank() - 2;
  s.window.kernel = SpatialEntries(b.Ints("ksize"), s.channels_first, spatial, "ksize");
  s.window.strides = SpatialEntries(b.Ints("strides"), s.channels_first, spatial, "strides");
  s.window.dilations = dilations.empty()
                           ? std::vector<int64_t>(spatial, 1)
                           : SpatialEntries(dilations, s.channels_first, spatial, "dilations");
  if (padding == "SAME") {
    s.pads = SamePads(s.x, s.window.kernel, s.window.strides, s.window.dilations, true);
  } else if (padding == "VALID") {
    s.pads = ExplicitPads({}, spatial, "pads");
  } else if (padding == "CALCULATED") {
    s.pads = PadsOf(b, s.x, s.window.kernel, s.window.strides, s.window.dilations, explicit_pads);
  } else {
    Fail("the padding mode is '{}', but must be SAME, VALID or CALCULATED", padding);
  }
  s.window.pads_lo = s.pads.lo;
  return s;
}

void OutPooled(Body& b, const PoolSetup& s, const Tensor& y) {
  b.Out("y", FromChannelsLast(y, s.channels_first));
}

void MaxPoolOut(Body& b, const PoolSetup& s, bool ceil_mode) {
  OutPooled(b, s, Pool(ReduceKind::kMax, s.x, s.window, s.pads.hi, ceil_mode));
}

Tensor CeilDivInts(const Tensor& x, int64_t d) {
  return d == 1 ? x : FloorDiv(x + static_cast<double>(d - 1), static_cast<double>(d));
}

// How many cells the windows along one spatial dim cover: [out] i64. With pads counted, the cells
// between the pads' ends count; windows may still reach past them in ceil mode.
Tensor CellsAlong(const PoolSetup& s, int d, const Dim& out, bool count_pads) {
  Builder& b = s.x.builder();
  const Dim n = s.x.dim(d + 1);
  const Dim first = count_pads ? s.pads.lo[d] * Dim(-1) : Dim(0);
  const Dim last = count_pads ? n + s.pads.hi[d] : n;
  const int64_t dilation = s.window.dilations[d], reach = (s.window.kernel[d] - 1) * dilation + 1;
  Tensor start = b.Iota(DType::kI64, {out}, 0) * static_cast<double>(s.window.strides[d]) -
                 b.FromDim(DType::kI64, s.pads.lo[d]);
  Tensor skipped = CeilDivInts(Max(b.FromDim(DType::kI64, first) - start, 0.0), dilation);
  Tensor end = Min(b.FromDim(DType::kI64, last) - start, static_cast<double>(reach));
  return Max(CeilDivInts(end, dilation) - skipped, 1.0);
}

bool NoPads(const Pads& pads) {
  for (size_t d = 0; d < pads.lo.size(); ++d) {
    if (!pads.lo[d].IsConst(0) || !pads.hi[d].IsConst(0)) return false;
  }
  return true;
}

Tensor Average(const PoolSetup& s, bool ceil_mode, bool count_pads, int64_t divisor) {
  Tensor sum = Pool(ReduceKind::kSum, s.x, s.window, s.pads.hi, ceil_mode);
  if (divisor != 0) return divisor == 1 ? sum : sum / static_cast<double>(divisor);
  int64_t area = 1;
  for (int64_t k : s.window.kernel) area *= k;
  if (!ceil_mode && (count_pads || NoPads(s.pads))) return sum * (1.0 / static_cast<double>(area));
  Tensor count;
  for (int d = 0; d + 2 < s.x.rank(); ++d) {
    Tensor cells = AlongAxis(CellsAlong(s, d, sum.dim(d + 1), count_pads), d + 1, s.x.rank());
    count = count ? count * cells : cells;
  }
  return sum / Cast(count, sum.dtype());
}

void GlobalOut(Body& b, ReduceKind kind) {
  Tensor x = b.In("x");
  const bool first = ChannelsFirst(b.Str("data_format"), x.rank());
  const std::vector<int> axes = first ? AxisRange(2, x.rank()) : AxisRange(1, x.rank() - 1);
  b.Out("y", kind == ReduceKind::kMax ? MaxOver(x, axes) : Mean(x, axes));
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
    if (deep) n.Fail("indices of 3-D pooling are not supported");
    p.attrs["ceil_mode"] = ceil_mode != 0;
    p.attrs["dilation"] = p.window.dilations;
    p.attrs["flat_index"] = int64_t{1};
    p.attrs["column_major"] = n.Int("storage_order", 0);
    p.attrs.erase("data_format");
    std::vector<ModelEdge> y = n.EmitN("MaxPoolWithArgmaxV1", {x}, p.attrs, 0);
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
    MaxPoolOut(b, Setup(b, b.In("x"), b.Str("data_format"), HiddenInts(b, "dilations"),
                        b.Str("padding_mode"), b.Ints("pads")),
               b.Bool("ceil_mode"));
  });
}

BELAY_OP(MaxPool) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    MaxPoolOut(b, Setup(b, b.In("x"), b.Str("data_format"), {}, b.Str("padding"), {}), false);
  });
}

BELAY_OP(MaxPool3D) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    MaxPoolOut(b, Setup(b, b.In("x"), b.Str("data_format"), b.Ints("dilation"), b.Str("padding"),
                        b.Ints("pads")),
               b.Int("ceil_mode") != 0);
  });
}

// argmax: the position within the image, row by row. ONNX counts over the whole tensor.
BELAY_OP(MaxPoolWithArgmaxV1) {
  op.Dtypes("x", kNumbers).Computes([](Body& b) {
    Tensor input = b.In("x");
    PoolSetup s = Setup(b, input, "NCHW", b.Ints("dilation"), "CALCULATED", b.Ints("pads"));
    const bool ceil_mode = b.Bool("ceil_mode");
    MaxPoolOut(b, s, ceil_mode);
    Tensor at = Pool(ReduceKind::kArgMax, s.x, s.window, s.pads.hi, ceil_mode);
    at = FromChannelsLast(at, true);
    Builder& builder = b.builder();
    if (HiddenInt(b, "column_major", 0)) {
      Tensor width = builder.FromDim(DType::kI64, input.dim(3));
      Tensor height = builder.FromDim(DType::kI64, input.dim(2));
      at = Mod(at, width) * height + FloorDiv(at, width);
    }
    if (!HiddenInt(b, "flat_index", 0)) return b.OutRaw("argmax", Cast(at, DType::kI32));
    Tensor image = builder.Iota(DType::kI64, {input.dim(0), Dim(1), Dim(1), Dim(1)}, 0) *
                       builder.FromDim(DType::kI64, input.dim(1)) +
                   builder.Iota(DType::kI64, {Dim(1), input.dim(1), Dim(1), Dim(1)}, 1);
    b.OutRaw("argmax", at + image * builder.FromDim(DType::kI64, input.dim(2) * input.dim(3)));
  });
}

BELAY_OP(AvgPoolV2) {
  op.FromOnnx("AveragePool", 1, [](OnnxNode& n) {
    n.Output(0, EmitAverage(n, n.Input(0), n.Int("count_include_pad", 0) != 0, 0));
  });
  op.FromOnnx("LpPool", 1, OnnxLpPool);
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    if (b.Bool("global_pooling")) return GlobalOut(b, ReduceKind::kSum);
    PoolSetup s = Setup(b, b.In("x"), b.Str("data_format"), HiddenInts(b, "dilations"),
                        b.Str("padding_mode"), b.Ints("pads"));
    OutPooled(b, s, Average(s, b.Bool("ceil_mode"), !b.Bool("exclusive"), b.Int("divisor_override")));
  });
}

BELAY_OP(AvgPool) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    PoolSetup s = Setup(b, b.In("x"), b.Str("data_format"), {}, b.Str("padding"), {});
    OutPooled(b, s, Average(s, false, false, 0));
  });
}

BELAY_OP(AvgPool3D) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    PoolSetup s = Setup(b, b.In("x"), b.Str("data_format"), HiddenInts(b, "dilations"), "CALCULATED",
                        b.Ints("pads"));
    OutPooled(b, s, Average(s, b.Bool("ceil_mode"), b.Bool("count_include_pad"),
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

// Equal parts of each extent: window i covers floor(i*n/out) to ceil((i+1)*n/out).
BELAY_OP(AdaptiveAvgPool2d) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    const std::vector<int64_t> out = b.Ints("output_size");
    if (out.size() != 2) Fail("output_size has {} entries, but needs 2", out.size());
    for (int d = 0; d < 2; ++d) {
      const int axis = x.rank() - 2 + d;
      if (!x.dim(axis).IsConst()) FailNotSupported("adaptive pooling of dynamic extents");
      const int64_t n = x.dim(axis).value();
      std::vector<Tensor> parts;
      for (int64_t i = 0; i < out[d]; ++i) {
        const int64_t first = i * n / out[d], end = ((i + 1) * n + out[d] - 1) / out[d];
        parts.push_back(Mean(Slice(x, axis, first, end - first), {axis}));
      }
      x = Concat(parts, axis);
    }
    b.Out("y", x);
  });
}

}  // namespace belay
