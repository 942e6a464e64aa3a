// The same memory as elements of another type.
#include "graph/narrow.h"
#include "ops/support.h"

namespace belay {
namespace {

DType UnsignedOf(int bits) {
  switch (bits) {
    case 16: return DType::kU16;
    case 32: return DType::kU32;
    case 64: return DType::kU64;
    default: return DType::kU8;
  }
}

// An element's bits as an unsigned number.
Tensor Code(const Tensor& x) {
  const int bits = BitWidth(x.dtype());
  Tensor code = Bitcast(x, UnsignedOf(bits));
  return bits < 8 ? And(code, static_cast<double>((1 << bits) - 1)) : code;
}

Tensor FromCode(const Tensor& code, DType dtype) {
  return IsSmallInt(dtype) ? CastNarrow(code, dtype) : Bitcast(code, dtype);
}

// Where part i of a wider element begins; low bits come first.
Tensor Places(Builder& b, DType dtype, int64_t parts, int bits) {
  return b.Iota(dtype, {parts}, 0) * static_cast<double>(bits);
}

Tensor SplitLast(const Tensor& x, DType dtype, bool keep_rank) {
  const int bits = BitWidth(dtype);
  const int64_t parts = BitWidth(x.dtype()) / bits;
  Tensor code = Unsqueeze(Code(x), {x.rank()});
  Tensor part = Cast(Map(ScalarOp::kShr, code, Places(x.builder(), code.dtype(), parts, bits)), UnsignedOf(bits));
  if (bits < 8) part = And(part, static_cast<double>((1 << bits) - 1));
  Tensor y = FromCode(part, dtype);
  if (!keep_rank) return y;
  if (x.rank() == 0) return Reshape(y, {parts});
  Shape shape = x.shape();
  shape.back() = shape.back() * Dim(parts);
  return Reshape(y, shape);
}

Tensor JoinLast(const Tensor& x, DType dtype, bool keep_rank) {
  const int bits = BitWidth(x.dtype());
  const int64_t parts = BitWidth(dtype) / bits;
  Builder& b = x.builder();
  if (x.rank() == 0) Fail("x is a scalar of {}, too few bits for {}", DTypeName(x.dtype()), DTypeName(dtype));
  const Dim last = x.dim(-1);
  if (!b.Assume(Equal(keep_rank ? Mod(last, parts) : last - Dim(parts), 0), true)) {
    Fail("the last dim of x has {} elements of {}, but {} make one of {}", last.ToString(), DTypeName(x.dtype()),
         parts, DTypeName(dtype));
  }
  Shape shape = x.shape();
  shape.back() = keep_rank ? FloorDiv(last, parts) : Dim(1);
  shape.push_back(parts);
  Tensor wide = Cast(Reshape(Code(x), shape), UnsignedOf(BitWidth(dtype)));
  Tensor moved = Map(ScalarOp::kShl, wide, Places(b, wide.dtype(), parts, bits));
  Tensor y = FromCode(Reduce(ReduceKind::kSum, moved, {x.rank()}), dtype);
  return keep_rank ? y : Squeeze(y, {x.rank() - 1});
}

bool HasBits(DType dtype) { return IsFloat(dtype) || IsInt(dtype) || dtype == DType::kBool || IsNarrow(dtype); }

void BitcastBody(Body& b) {
  Tensor x = b.Raw("x");
  const DType dtype = b.Type("type");
  if (!HasBits(x.dtype()) || !HasBits(dtype)) {
    FailNotSupported("from {} to {}", DTypeName(x.dtype()), DTypeName(dtype));
  }
  const int from = BitWidth(x.dtype()), to = BitWidth(dtype);
  const bool keep_rank = b.Bool("keep_dim");
  if (from == to) return b.OutRaw("y", FromCode(Code(x), dtype));
  if (HiddenInt(b, "same_width", 0)) {
    Fail("x is {} of {} bits, but to is {} of {}", DTypeName(x.dtype()), from, DTypeName(dtype), to);
  }
  if (std::max(from, to) % std::min(from, to)) {
    FailNotSupported("from {} of {} bits to {} of {}", DTypeName(x.dtype()), from, DTypeName(dtype), to);
  }
  b.OutRaw("y", from > to ? SplitLast(x, dtype, keep_rank) : JoinLast(x, dtype, keep_rank));
}

}  // namespace

// Without keep_dim the last dim appears or vanishes where widths differ, with it its extent changes.
BELAY_OP(Bitcast) {
  op.FromOnnx("BitCast", 26, [](OnnxNode& n) {
    n.Output(0, n.Emit("Bitcast", {n.Input(0)},
                       {{"type", OnnxDType(n.Int("to", 0))}, {"same_width", int64_t{1}}}));
  });
  op.Computes(BitcastBody);
}

}  // namespace belay
