// Quantisation: y = saturate(round(x / scale) + zero point) and back.
#include "base/narrow.h"
#include "ops/quant.h"

namespace belay {
namespace {

DType QuantType(const Body& b) {
  const DType dtype = b.Type("dst_type");
  if (dtype != DType::kI8 && dtype != DType::kU8 && dtype != DType::kI4) {
    FailNotSupported("dst_type {}", DTypeName(dtype));
  }
  return dtype;
}

// Each entry of `value` serves a block of indices along the axis of input 0.
ModelEdge AlongBlocks(OnnxNode& n, ModelEdge value, int64_t axis, int64_t block) {
  const AttrMap wide = {{"dtype", GeType(DType::kI64)}};
  ModelEdge extent = n.Emit("GatherV2", {n.Emit("Shape", {n.Input(0)}, wide), n.ConstScalar(DType::kI64, axis),
                                         n.ConstInts({0})});
  ModelEdge index = n.Emit("Range", {n.ConstScalar(DType::kI64, 0), extent, n.ConstScalar(DType::kI64, 1)});
  ModelEdge number = n.Emit("FloorDiv", {index, n.ConstScalar(DType::kI64, static_cast<double>(block))});
  return n.Emit("GatherV2", {value, number, n.ConstInts({axis})});
}

// scale or zero point of ONNX: a scalar, one per index of `axis`, or one per block of these.
ModelEdge AlongOnnxAxis(OnnxNode& n, ModelEdge value, int value_rank) {
  if (value_rank == 0) return value;
  const int rank = n.InputRank(0);
  const int64_t block = n.Int("block_size", 0);
  if (rank < 0 || (block ? value_rank != rank : value_rank != 1)) {
    n.Fail(block ? "blocked scales need the rank of the input, which must be known"
                 : "only scales of rank 0 or 1 are supported, for an input of known rank");
  }
  int64_t axis = n.Int("axis", 1);
  // A vector of one element serves any axis, the default among them, which a vector lacks.
  if (axis < -rank || (block && axis >= rank)) {
    n.Fail(fmt::format("attribute axis is {}, but the rank is {}", axis, rank));
  }
  if (axis < 0) axis += rank;
  if (block < 0) n.Fail(fmt::format("attribute block_size is {}, but must be positive", block));
  if (block) return AlongBlocks(n, value, axis, block);
  std::vector<int64_t> added;
  for (int64_t d = 1; d < rank - axis; ++d) added.push_back(d);
  return added.empty() ? value : n.Emit("Unsqueeze", {value}, {{"axes", added}});
}

ModelEdge ToType(OnnxNode& n, ModelEdge x, DType dtype) {
  return n.Emit("Cast", {x}, {{"dst_type", GeType(dtype)}});
}

void CheckScaleRank(OnnxNode& n) {
  // One element in a vector counts as a scalar for any axis.
  if (n.InputRank(1) < 0) n.Fail("the rank of the scale is not known");
}

DType QuantizedType(OnnxNode& n) {
  DType dtype = n.HasInput(2) ? n.InputDType(2) : DType::kUndefined;
  if (n.Int("output_dtype", 0)) dtype = OnnxDType(n.Int("output_dtype", 0));
  if (dtype == DType::kUndefined) dtype = DType::kU8;
  if (!IsInt(dtype) && !IsNarrow(dtype)) n.Fail(fmt::format("quantised type {} is not supported", DTypeName(dtype)));
  return dtype;
}

ModelEdge SaturatedTo(OnnxNode& n, ModelEdge x, DType dtype) {
  ModelEdge clipped = n.Emit("ClipByValue", {x, n.ConstScalar(DType::kF32, LowestOf(dtype)),
                                             n.ConstScalar(DType::kF32, HighestOf(dtype))});
  return ToType(n, clipped, dtype);
}

ModelEdge Quantized(OnnxNode& n, ModelEdge x, ModelEdge scale, ModelEdge zero, DType dtype) {
  const bool to_integer = IsInt(dtype) || IsSmallInt(dtype);
  ModelEdge y = n.Emit("RealDiv", {ToType(n, x, DType::kF32), ToType(n, scale, DType::kF32)});
  if (to_integer) y = n.Emit("Rint", {y});
  if (zero.node >= 0) y = n.Emit("Add", {y, ToType(n, zero, DType::kF32)});
  if (to_integer) return SaturatedTo(n, y, dtype);
  return n.Emit("Cast", {y}, {{"dst_type", GeType(dtype)}, {"saturate", n.Int("saturate", 1)}});
}

ModelEdge Dequantized(OnnxNode& n, ModelEdge x, ModelEdge scale, ModelEdge zero) {
  ModelEdge y = ToType(n, x, DType::kF32);
  if (zero.node >= 0) y = n.Emit("Sub", {y, ToType(n, zero, DType::kF32)});
  return n.Emit("Mul", {y, scale});
}

void OnnxQuantize(OnnxNode& n) {
  CheckScaleRank(n);
  const int rank = n.InputRank(1);
  ModelEdge zero = n.HasInput(2) ? AlongOnnxAxis(n, n.Input(2), rank) : ModelEdge{};
  n.Output(0, Quantized(n, n.Input(0), AlongOnnxAxis(n, n.Input(1), rank), zero, QuantizedType(n)));
}

void OnnxDequantize(OnnxNode& n) {
  CheckScaleRank(n);
  const int rank = n.InputRank(1);
  ModelEdge zero = n.HasInput(2) ? AlongOnnxAxis(n, n.Input(2), rank) : ModelEdge{};
  ModelEdge scale = AlongOnnxAxis(n, n.Input(1), rank);
  ModelEdge y = Dequantized(n, n.Input(0), ToType(n, scale, DType::kF32), zero);
  n.Output(0, n.Emit("CastLike", {y, n.Input(1)}));
}

// u8 over [min(x, 0), max(x, 0)].
void OnnxDynamicQuantize(OnnxNode& n) {
  ModelEdge x = n.Input(0), none = n.ConstInts({}), zero = n.ConstScalar(DType::kF32, 0);
  const AttrMap all = {{"empty_axes_is_all", int64_t{1}}};
  ModelEdge low = n.Emit("Minimum", {n.Emit("ReduceMin", {x, none}, all), zero});
  ModelEdge high = n.Emit("Maximum", {n.Emit("ReduceMax", {x, none}, all), zero});
  ModelEdge scale = n.Emit("RealDiv", {n.Emit("Sub", {high, low}), n.ConstScalar(DType::kF32, 255)});
  ModelEdge point = n.Emit("Rint", {n.Emit("RealDiv", {n.Emit("Neg", {low}), scale})});
  ModelEdge zero_point = SaturatedTo(n, point, DType::kU8);
  n.Output(0, Quantized(n, x, scale, zero_point, DType::kU8));
  if (n.HasOutput(1)) n.Output(1, scale);
  if (n.HasOutput(2)) n.Output(2, zero_point);
}

void OnnxQLinearMatMul(OnnxNode& n) {
  auto column = [&](ModelEdge e, int input, int rank) {  // one per row of A is a column
    return rank == 1 && input == 0 ? n.Emit("Unsqueeze", {e}, {{"axes", std::vector<int64_t>{1}}}) : e;
  };
  ModelEdge scale = column(n.Input(1), 0, n.InputRank(1)), zero = column(n.Input(2), 0, n.InputRank(2));
  ModelEdge a = Dequantized(n, n.Input(0), scale, zero);
  ModelEdge b = Dequantized(n, n.Input(3), n.Input(4), n.Input(5));
  ModelEdge y = n.Emit("BatchMatMulV2", {ToType(n, a, DType::kF32), ToType(n, b, DType::kF32)});
  n.Output(0, Quantized(n, y, n.Input(6), n.Input(7), n.InputDType(7)));
}

}  // namespace

BELAY_OP(AscendQuant) {
  op.FromOnnx("QuantizeLinear", 10, OnnxQuantize).FromOnnx("DynamicQuantizeLinear", 11, OnnxDynamicQuantize);
  op.FromOnnx("QLinearMatMul", 10, OnnxQLinearMatMul);
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    double scale = b.Float("scale");
    if (b.Bool("sqrt_mode")) scale *= scale;
    Tensor y = Rounded(b.In("x") * scale + b.Float("offset"), b.Str("round_mode"));
    b.OutRaw("y", Saturated(y, QuantType(b)));
  });
}

BELAY_OP(AscendAntiQuant) {
  op.FromOnnx("DequantizeLinear", 10, OnnxDequantize);
  op.Dtypes("x", kIntegers).Computes([](Body& b) {
    double scale = b.Float("scale");
    if (b.Bool("sqrt_mode")) scale *= scale;
    Tensor x = Cast(b.Raw("x"), DType::kF32);
    b.OutAs("y", (x + b.Float("offset")) * scale, b.Type("dtype"));
  });
}

BELAY_OP(AscendQuantV2) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    const int axis = NormalizeAxis(b.Int("axis"), x.rank(), "axis");
    auto spread = [&](const Tensor& t) { return t.rank() <= 1 ? AlongAxis(Cast(t, x.dtype()), axis, x.rank()) : t; };
    Tensor scale = spread(b.In("scale"));
    if (b.Bool("sqrt_mode")) scale = Square(scale);
    Tensor y = x * scale;
    if (b.Has("offset")) y = y + spread(b.In("offset"));
    b.OutRaw("y", Saturated(Rounded(y, b.Str("round_mode")), QuantType(b)));
  });
}

}  // namespace belay
