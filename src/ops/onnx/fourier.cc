// Fourier transforms of ONNX, whose complex numbers are pairs in a last dim of 2.
#include <cmath>
#include <numbers>

#include "ops/support.h"

namespace belay {
namespace {

struct Spectrum {
  bool inverse = false, onesided = false;
  bool Hermitian() const { return inverse && onesided; }  // half a spectrum in, a real signal out
};

constexpr int64_t kLargestMatrix = 300000;  // elements; longer transforms are fast ones

// The transform as a real matrix [in * in_parts, out * out_parts], its angles exact modulo the length.
LiteralPtr TransformMatrix(const Spectrum& s, int64_t n, int64_t in, int64_t in_parts, int64_t out, int64_t out_parts,
                           DType dtype) {
  const int64_t columns = out * out_parts;
  std::vector<double> m(in * in_parts * columns);
  for (int64_t i = 0; i < in; ++i) {
    double scale = s.inverse ? 1 / static_cast<double>(n) : 1;
    if (s.Hermitian() && i > 0 && 2 * i != n) scale *= 2;  // what the other half repeats
    for (int64_t k = 0; k < out; ++k) {
      const double turn = static_cast<double>(i * k % n) / static_cast<double>(n) * (s.inverse ? 1 : -1);
      const double c = std::cos(2 * std::numbers::pi * turn) * scale;
      const double d = std::sin(2 * std::numbers::pi * turn) * scale;
      double* re = &m[i * in_parts * columns + k * out_parts];
      re[0] = c;
      if (out_parts == 2) re[1] = d;
      if (in_parts == 2) re[columns] = -d;
      if (in_parts == 2 && out_parts == 2) re[columns + 1] = c;
    }
  }
  return LiteralFromDoubles(dtype, {in * in_parts, columns}, m);
}

// x [..., signal, 1 or 2] along its last but one dim, cut or padded with zeros to the length n.
Tensor Transformed(const Tensor& x, const Dim& n, const Spectrum& s) {
  const int rank = x.rank();
  Builder& b = x.builder();
  const bool complex = b.Assume(Equal(x.dim(-1), 2), !s.onesided || s.inverse);
  if (!complex && !b.Assume(Equal(x.dim(-1), 1), true)) {
    Fail("the last extent is {}, but must be 1 for real or 2 for complex numbers", x.dim(-1).ToString());
  }
  if (s.onesided && s.inverse != complex) Fail("onesided takes {} numbers", s.inverse ? "complex" : "real");
  const int64_t in_parts = complex ? 2 : 1, out_parts = s.Hermitian() ? 1 : 2;
  const Dim half = FloorDiv(n, 2) + Dim(1), in = s.Hermitian() ? half : n;
  const Dim out = s.onesided && !s.inverse ? half : n;
  std::vector<Dim> lo(rank, Dim(0)), hi = lo;
  hi[rank - 2] = in - x.dim(-2);
  Tensor signal = Pad(x, lo, hi, b.Scalar(x.dtype(), 0));
  Shape shape = x.shape();
  Dim rows(1);
  for (int d = 0; d < rank - 2; ++d) rows = rows * shape[d];
  shape[rank - 2] = out;
  shape[rank - 1] = out_parts;
  const double elements = n.IsConst() ? double(in.value()) * double(out.value()) * double(in_parts * out_parts) : 0;
  if (n.IsConst() && elements <= kLargestMatrix) {
    Tensor matrix = b.Constant(TransformMatrix(s, n.value(), in.value(), in_parts, out.value(), out_parts, x.dtype()));
    return Reshape(MatMul(Reshape(signal, {rows, in * Dim(in_parts)}), matrix, x.dtype()), shape);
  }
  const std::vector<CallAttr> attrs = {{"inverse", s.inverse}, {"hermitian", s.Hermitian()}};
  Tensor y = Call("fourier", {Reshape(signal, {rows, in, Dim(in_parts)})},
                  {{x.dtype(), {rows, out, Dim(out_parts)}}}, attrs)[0];
  return Reshape(y, shape);
}

Dim OneDim(const Body& b, const char* input) {
  const std::vector<Dim> value = b.Dims(input);
  if (value.size() != 1) Fail("{} has {} elements, but must have one", input, value.size());
  return value[0];
}

void DftBody(Body& b) {
  Tensor x = b.In("input");
  const int rank = x.rank();
  if (rank < 2) Fail("input has rank {}, but needs a signal and its parts", rank);
  int64_t given = b.Int("axis");
  if (b.Has("axis")) {
    const Dim axis = OneDim(b, "axis");
    if (!axis.IsConst()) FailNotSupported("an axis that depends on extents");
    given = axis.value();
  }
  const int axis = NormalizeAxis(given, rank, "axis");
  if (axis == rank - 1) Fail("axis is {}, where the parts of complex numbers are", given);
  const Spectrum s = {b.Int("inverse") != 0, b.Int("onesided") != 0};
  Dim n = s.Hermitian() ? (x.dim(axis) - Dim(1)) * Dim(2) : x.dim(axis);
  if (b.Has("dft_length")) n = OneDim(b, "dft_length");
  if (n.IsConst() && n.value() < 1) Fail("the length of the transform is {}", n.value());
  b.Out("output", MoveAxis(Transformed(MoveAxis(x, axis, rank - 2), n, s), rank - 2, axis));
}

// Frames of n samples, each `step` after the last.
void StftBody(Body& b) {
  Tensor x = b.In("signal");
  if (x.rank() != 3) Fail("signal has rank {}, but needs 3", x.rank());
  const std::vector<int64_t> step = b.ConstInts("frame_step");
  if (step.size() != 1 || step[0] < 1) Fail("frame_step must be one positive number");
  Tensor window = b.Has("window") ? Cast(b.In("window"), x.dtype()) : Tensor();
  if (window && window.rank() != 1) Fail("window has rank {}, but needs 1", window.rank());
  Dim n = window ? window.dim(0) : x.dim(1);
  if (b.Has("frame_length")) n = OneDim(b, "frame_length");
  if (n.IsConst() && n.value() < 1) Fail("frame_length is {}", n.value());
  Builder& builder = b.builder();
  const Dim frames = Max(FloorDiv(x.dim(1) - n, step[0]) + Dim(1), 0);
  Tensor at = builder.Iota(DType::kI64, {frames, Dim(1)}, 0) * static_cast<double>(step[0]) +
              builder.Iota(DType::kI64, {Dim(1), n}, 1);
  Tensor framed = GatherAxis(x, at, 1, false);
  if (window) framed = framed * Reshape(BroadcastTo(window, {n}), {n, Dim(1)});
  b.Out("output", Transformed(framed, n, {false, b.Int("onesided") != 0}));
}

void EmitWithAxis(OnnxNode& n, int64_t axis) {
  std::vector<ModelEdge> inputs;
  for (int i = 0; i < n.input_count(); ++i) inputs.push_back(n.Input(i));
  n.Output(0, n.Emit("OnnxDFT", inputs,
                     {{"axis", axis}, {"inverse", n.Int("inverse", 0)}, {"onesided", n.Int("onesided", 0)}}));
}

}  // namespace

BELAY_OP(OnnxDFT) {
  op.FromOnnx("DFT", 17, [](OnnxNode& n) { EmitWithAxis(n, n.Int("axis", 1)); });
  op.FromOnnx("DFT", 20, [](OnnxNode& n) { EmitWithAxis(n, -2); });
  op.Dtypes("input", kFloats).Computes(DftBody);
}

BELAY_OP(OnnxSTFT) {
  op.FromOnnx("STFT", 17).Dtypes("signal", kFloats).Computes(StftBody);
}

}  // namespace belay
