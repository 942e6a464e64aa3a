#include "backend/cpu/build_contract_dot.h"

#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>

#include "backend/cpu/build_contract_matrix.h"

namespace belay {
namespace {

using llvm::Value;
namespace Intr = llvm::Intrinsic;

bool IsByte(DType d) { return d == DType::kI8 || d == DType::kU8; }

llvm::Type* Vector(llvm::Type* element, int bytes) {
  return llvm::FixedVectorType::get(element, static_cast<unsigned>(bytes * 8) / element->getScalarSizeInBits());
}

// The instruction of the row's vector width.
Intr::ID Of(const TargetRow& row, Intr::ID bytes16, Intr::ID bytes32, Intr::ID bytes64) {
  return row.vector_bytes == 64 ? bytes64 : row.vector_bytes == 32 ? bytes32 : bytes16;
}

Value* EmitI16Pairs(KernelFrame& f, Value* x, Value* y, Value* sum) {
  auto& b = f.b;
  if (f.row.int8_dot) {
    Intr::ID id =
        Of(f.row, Intr::x86_avx512_vpdpwssd_128, Intr::x86_avx512_vpdpwssd_256, Intr::x86_avx512_vpdpwssd_512);
    return b.CreateIntrinsic(id, {}, {sum, x, y});
  }
  llvm::Type* pairs = Vector(b.getInt16Ty(), f.row.vector_bytes);
  Intr::ID id = Of(f.row, Intr::x86_sse2_pmadd_wd, Intr::x86_avx2_pmadd_wd, Intr::x86_avx512_pmaddw_d_512);
  return b.CreateAdd(sum, b.CreateIntrinsic(id, {}, {b.CreateBitCast(x, pairs), b.CreateBitCast(y, pairs)}));
}

Value* EmitBytes(KernelFrame& f, const MatrixDot& dot, Value* x, Value* y, Value* sum) {
  Intr::ID id = Of(f.row, Intr::x86_avx512_vpdpbusd_128, Intr::x86_avx512_vpdpbusd_256, Intr::x86_avx512_vpdpbusd_512);
  if (dot.b == DType::kU8) std::swap(x, y);  // the unsigned side comes first
  return f.b.CreateIntrinsic(id, {}, {sum, x, y});
}

Value* EmitBf16Pairs(KernelFrame& f, Value* x, Value* y, Value* sum) {
  auto& b = f.b;
  llvm::Type* pairs = Vector(b.getBFloatTy(), f.row.vector_bytes);
  return b.CreateIntrinsic(Intr::x86_avx512bf16_dpbf16ps_512, {},
                           {sum, b.CreateBitCast(x, pairs), b.CreateBitCast(y, pairs)});
}

}  // namespace

MatrixDot ChooseDot(const TargetRow& row, const DotOperands& o) {
  const MatrixDot plain{DotKind::kMultiplyAdd, o.acc, o.acc};
  if (!row.x86 || !o.a_runs || !o.b_runs) return plain;
  if (o.acc == DType::kF32 && o.a == DType::kBF16 && o.b == DType::kBF16 && row.bf16_dot) {
    if (row.amx) return {DotKind::kBf16Tiles, o.a, o.b, 2, false, kTileWords};
    return {DotKind::kBf16Pairs, o.a, o.b, 2};
  }
  if (o.acc != DType::kI32 || !IsByte(o.a) || !IsByte(o.b)) return plain;
  const bool flips = o.a == o.b;
  const bool vectors = row.int8_dot && (!flips || (o.a == DType::kI8 && o.b_constant));
  // Half-empty tiles cost more, with what it takes to store and to load their sums, than vectors that stay in
  // registers. (Pairs of bf16 take several times as long as tiles for any k.)
  const bool fills_tiles = !o.k.IsConst() || o.k.value() > 4 * kTileWords / 2;
  if (row.amx && (fills_tiles || !vectors)) return {DotKind::kByteTiles, o.a, o.b, 4, false, kTileWords};
  if (vectors) return {DotKind::kBytes, o.a, o.b, 4, flips};
  return {DotKind::kI16Pairs, DType::kI16, DType::kI16, 2};
}

Value* EmitDot(KernelFrame& f, const MatrixDot& dot, DType acc, Value* x, Value* y, Value* sum) {
  switch (dot.kind) {
    case DotKind::kI16Pairs: return EmitI16Pairs(f, x, y, sum);
    case DotKind::kBytes: return EmitBytes(f, dot, x, y, sum);
    case DotKind::kBf16Pairs: return EmitBf16Pairs(f, x, y, sum);
    default: return EmitMultiplyAdd(f, acc, x, y, sum);
  }
}

void EmitTileDot(KernelFrame& f, const MatrixDot& dot, int sums, int rows, int columns) {
  const auto tile = [&](int number) { return f.b.getInt8(static_cast<uint8_t>(number)); };
  const bool a_signed = dot.a == DType::kI8, b_signed = dot.b == DType::kI8;
  Intr::ID id = dot.kind == DotKind::kBf16Tiles ? Intr::x86_tdpbf16ps
                : a_signed                      ? (b_signed ? Intr::x86_tdpbssd : Intr::x86_tdpbsud)
                                                : (b_signed ? Intr::x86_tdpbusd : Intr::x86_tdpbuud);
  f.b.CreateIntrinsic(id, {}, {tile(sums), tile(rows), tile(columns)});
}

const char* DotName(const MatrixDot& dot) {
  switch (dot.kind) {
    case DotKind::kI16Pairs: return "i16 pairs";
    case DotKind::kBytes: return dot.flips_a ? "signed bytes" : "bytes";
    case DotKind::kBf16Pairs: return "bf16 pairs";
    case DotKind::kByteTiles: return "byte tiles";
    case DotKind::kBf16Tiles: return "bf16 tiles";
    default: return "multiply-add";
  }
}

}  // namespace belay
