// Matrix products.
#include "ops/support.h"

namespace belay {
namespace {

void CheckNoOffset(const Body& b) {
  if (b.Int("offset_x") != 0) FailNotSupported("offset_x {} (only 0)", b.Int("offset_x"));
  if (b.Has("offset_w")) FailNotSupported("the input offset_w");
}

Tensor AsMatrix(const Tensor& x, bool transposed, int vector_axis) {
  if (x.rank() == 0) Fail("a scalar cannot be multiplied as a matrix");
  if (x.rank() == 1) return Unsqueeze(x, {vector_axis});
  return transposed ? SwapLast(x) : x;
}

// x1 @ x2 by NumPy's rules; vectors count as one row or one column that vanishes.
Tensor Product(const Tensor& x1, const Tensor& x2, bool transpose_x1, bool transpose_x2) {
  const DType dtype = x1.dtype();
  if (dtype != x2.dtype()) {
    Fail("x1 is {}, but x2 is {}", DTypeName(dtype), DTypeName(x2.dtype()));
  }
  Tensor y = MatMul(AsMatrix(x1, transpose_x1, 0), AsMatrix(x2, transpose_x2, 1),
                    AccumulatorOf(dtype));
  if (dtype == DType::kU32 || dtype == DType::kU64) y = Cast(y, dtype);
  if (x2.rank() == 1) y = Squeeze(y, {y.rank() - 1});
  if (x1.rank() == 1) y = Squeeze(y, {y.rank() - (x2.rank() == 1 ? 1 : 2)});
  return y;
}

void MatMulBody(Body& b, const char* transpose_x1, const char* transpose_x2) {
  Tensor y = Product(b.Raw("x1"), b.Raw("x2"), b.Bool(transpose_x1), b.Bool(transpose_x2));
  if (FindInput(*FindPrototype(b.node().type), "bias") >= 0 && b.Has("bias")) {
    y = y + Cast(b.In("bias"), y.dtype());
  }
  b.Out("y", y);
}

const std::vector<DType>& MatMulDtypes() {
  static const std::vector<DType> dtypes = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64,
                                            DType::kI8,  DType::kU8,  DType::kI32,  DType::kI64,
                                            DType::kU32, DType::kU64, DType::kI16,  DType::kU16};
  return dtypes;
}

}  // namespace

BELAY_OP(MatMul) {
  op.Dtypes("x1", MatMulDtypes()).Dtypes("x2", MatMulDtypes()).Computes([](Body& b) {
    MatMulBody(b, "transpose_x1", "transpose_x2");
  });
}

BELAY_OP(MatMulV2) {
  // alpha * A' * B' + beta * C
  op.FromOnnx("Gemm", 1, [](OnnxNode& n) {
    const double alpha = n.Float("alpha", 1), beta = n.Float("beta", 1);
    ModelEdge y = n.Emit("MatMulV2", {n.Input(0), n.Input(1)},
                         {{"transpose_x1", n.Int("transA", 0) != 0},
                          {"transpose_x2", n.Int("transB", 0) != 0}});
    if (alpha != 1) y = n.Emit("Muls", {y}, {{"value", alpha}});
    if (n.HasInput(2) && beta != 0) {
      ModelEdge c = n.Input(2);
      if (beta != 1) c = n.Emit("Muls", {c}, {{"value", beta}});
      y = n.Emit("Add", {y, c});
    }
    n.Output(0, y);
  });
  op.Dtypes("x1", MatMulDtypes()).Dtypes("x2", MatMulDtypes()).Computes([](Body& b) {
    CheckNoOffset(b);
    MatMulBody(b, "transpose_x1", "transpose_x2");
  });
}

BELAY_OP(BatchMatMul) {
  op.Dtypes("x1", MatMulDtypes()).Dtypes("x2", MatMulDtypes()).Computes([](Body& b) {
    MatMulBody(b, "adj_x1", "adj_x2");
  });
}

BELAY_OP(BatchMatMulV2) {
  op.FromOnnx("MatMul", 1).FromOnnx("MatMulInteger", 10, [](OnnxNode& n) {
    auto centred = [&](int input, int zero) {
      ModelEdge x = n.Emit("Cast", {n.Input(input)}, {{"dst_type", GeType(DType::kI32)}});
      if (!n.HasInput(zero)) return x;
      ModelEdge z = n.Emit("Cast", {n.Input(zero)}, {{"dst_type", GeType(DType::kI32)}});
      // A zero point per row of A is a column.
      if (zero == 2 && n.InputRank(zero) == 1) z = n.Emit("Unsqueeze", {z}, {{"axes", std::vector<int64_t>{1}}});
      return n.Emit("Sub", {x, z});
    };
    n.Output(0, n.Emit("BatchMatMulV2", {centred(0, 2), centred(1, 3)}));
  });
  op.Dtypes("x1", MatMulDtypes()).Dtypes("x2", MatMulDtypes()).Computes([](Body& b) {
    CheckNoOffset(b);
    MatMulBody(b, "adj_x1", "adj_x2");
  });
}

}  // namespace belay
