// Back from quantised numbers, and quantisation by given scales.
#include <algorithm>
#include <cmath>

#include "ops/quant.h"

namespace belay {
namespace {

// One number for all, or one per channel: the last dim's, else dim 1's.
Tensor AlongChannels(const Tensor& t, const Tensor& x) {
  Builder& b = x.builder();
  const Dim count = NumElements(t.shape());
  if (b.Assume(Equal(count, 1), false)) return Reshape(t, {});
  if (x.rank() > 0 && b.Assume(Equal(count, x.dim(-1)), true))
    return AlongAxis(t, x.rank() - 1, x.rank());
  if (x.rank() > 2 && b.Assume(Equal(count, x.dim(1)), true)) return AlongAxis(t, 1, x.rank());
  Fail("there are {} scales for channels of shape {}", count.ToString(), ToString(x.shape()));
}

Tensor ScaleFactor(const Body& b, const Tensor& scale) {
  return b.Bool("sqrt_mode") ? Square(scale) : scale;
}

DType FloatType(const Body& b, const char* attr) {
  const DType dtype = b.Type(attr);
  if (!IsFloat(dtype)) Fail("{} is {}, but must be a float", attr, DTypeName(dtype));
  return dtype;
}

DType QuantisedType(const Body& b) {
  const std::string name = b.Str("dtype");
  if (name == "torch.qint8") return DType::kI8;
  if (name == "torch.quint8") return DType::kU8;
  if (name == "torch.qint32") return DType::kI32;
  FailNotSupported("dtype '{}' (only torch.qint8, torch.quint8 and torch.qint32)", name);
}

// How many values an integer dtype has besides one.
double Span(DType dtype) { return HighestOf(dtype) - LowestOf(dtype); }

Tensor Dequantised(const Tensor& x, const Tensor& low, const Tensor& high,
                   const std::string& mode) {
  const DType dtype = x.dtype();
  const double lowest = LowestOf(dtype);
  Tensor v = Cast(x, DType::kF32);
  if (mode == "MIN_COMBINED") {
    if (lowest < 0) v = v + (Span(dtype) + 1) / 2;
    return low + v * ((high - low) / Span(dtype));
  }
  // Of 2^bits steps between the bounds, the last one is cut off.
  if (mode == "MIN_FIRST") return low + (v - lowest) * ((high - low) / Span(dtype));
  if (mode == "SCALED") {
    Tensor scale = high / HighestOf(dtype);
    if (lowest < 0) scale = Max(low / lowest, scale);
    return v * scale;
  }
  Fail("mode is '{}', but must be MIN_COMBINED, MIN_FIRST or SCALED", mode);
}

}  // namespace

BELAY_OP(AscendDequant) {
  op.Dtypes("x", {DType::kI32}).Computes([](Body& b) {
    Tensor x = Cast(b.Raw("x"), DType::kF32);
    Tensor y = x * AlongChannels(ScaleFactor(b, UnpackedParameters(b.Raw("deq_scale")).scale), x);
    b.OutAs("y", b.Bool("relu_flag") ? Relu(y) : y, FloatType(b, "dtype"));
  });
}

// (x + offset) * scale
BELAY_OP(AscendAntiQuantV2) {
  op.Dtypes("x", {DType::kI8, DType::kI4}).Dtypes("scale", kFloats).Computes([](Body& b) {
    Tensor y = Cast(b.Raw("x"), DType::kF32);
    if (b.Has("offset")) y = y + AlongChannels(b.In("offset"), y);
    b.OutAs("y", y * AlongChannels(ScaleFactor(b, b.In("scale")), y), FloatType(b, "dst_type"));
  });
}

// round(x / scale) + zero point
BELAY_OP(Quantize) {
  op.Dtypes("x", kFloats).Dtypes("scales", kFloats).Computes([](Body& b) {
    Tensor x = b.In("x");
    const DType dtype = QuantisedType(b);
    auto spread = [&](const char* name) {
      Tensor t = Cast(b.Raw(name), x.dtype());
      if (x.builder().Assume(Equal(NumElements(t.shape()), 1), false)) return Reshape(t, {});
      return AlongAxis(t, NormalizeAxis(b.Int("axis"), x.rank(), "axis"), x.rank());
    };
    Tensor y = Round(x / spread("scales"));
    if (b.Has("zero_points")) y = y + spread("zero_points");
    b.OutRaw("y", Saturated(y, dtype));
  });
}

// TensorFlow's: the numbers of x's dtype spread over [min_range, max_range].
BELAY_OP(Dequantize) {
  op.Dtypes("x", {DType::kI8, DType::kU8, DType::kI16, DType::kU16, DType::kI32})
      .Computes([](Body& b) {
        b.OutRaw("y", Dequantised(b.Raw("x"), b.In("min_range"), b.In("max_range"), b.Str("mode")));
      });
}

}  // namespace belay
