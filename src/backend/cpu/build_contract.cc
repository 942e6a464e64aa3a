#include "backend/cpu/build_contract.h"

#include <algorithm>

#include "backend/cpu/build_contract_epilogue.h"
#include "backend/cpu/build_contract_matrix.h"
#include "backend/cpu/build_contract_rows.h"
#include "backend/cpu/build_conv.h"

namespace belay {
namespace {

using llvm::Value;

bool IsAccumulator(DType d) {
  return d == DType::kF32 || d == DType::kF64 || d == DType::kI32 || d == DType::kI64;
}

// a's operand with the dims that the epilogue keeps apart; the others are merged into rows.
struct ContractShape {
  MatrixOperand a, b;
  FoldedDims dims;
};

// True when dims [outer, rank-1) act as one dim of rows.
bool RowsMerge(const Node* anchor, const ContractShape& s, int outer) {
  const int rank = anchor->rank();
  if (!MergedStride(anchor->shape(), s.a.strides, outer, rank - 1)) return false;
  for (int d = outer; d < rank - 2; ++d) {
    if (!s.b.strides[d].IsConst(0) && !anchor->shape()[d].IsConst(1)) return false;
  }
  return true;
}

std::string AnalyzeContract(const Node* anchor, const Epilogue& epilogue, ContractShape* s) {
  std::optional<MatrixOperand> a = ResolveOperand(anchor->inputs[0]), b = ResolveOperand(anchor->inputs[1]);
  if (!a || !b) return "an operand is not a strided input";
  s->a = *a;
  s->b = *b;
  const Shape& shape = anchor->shape();
  int outer = static_cast<int>(shape.size()) - 2;
  while (outer > epilogue.UnmergedDims() && RowsMerge(anchor, *s, outer - 1)) --outer;
  s->dims.outer = outer;
  Dim rows = 1;
  for (size_t d = static_cast<size_t>(outer); d + 1 < shape.size(); ++d) rows = rows * shape[d];
  s->dims.extents.assign(shape.begin(), shape.begin() + outer);
  s->dims.extents.push_back(rows);
  s->dims.extents.push_back(shape.back());
  return "";
}

Status BuildMatrixContract(const KernelSpec& spec, const Node* anchor, const TargetRow& row, llvm::Module& module,
                           const std::string& symbol, KernelDraft* draft) {
  Epilogue epilogue(spec, anchor);
  epilogue.UseTable(spec, row);
  ContractShape s;
  std::string reason = AnalyzeContract(anchor, epilogue, &s);
  if (!reason.empty()) return NotSupported("contraction: {}", reason);
  epilogue.Fold(s.dims);
  const size_t outer = static_cast<size_t>(s.dims.outer);
  auto& a_strides = s.a.strides;
  const int rank = anchor->rank();
  a_strides[rank - 2] = *MergedStride(anchor->shape(), a_strides, s.dims.outer, rank - 1);
  for (MatrixOperand* o : {&s.a, &s.b}) o->strides.erase(o->strides.begin() + s.dims.outer, o->strides.end() - 2);
  MatrixProblem p;
  p.acc = anchor->type.dtype;
  p.batch.assign(s.dims.extents.begin(), s.dims.extents.begin() + s.dims.outer);
  p.m = s.dims.extents[outer];
  p.n = s.dims.extents[outer + 1];
  p.k = anchor->inputs[0]->shape().back();
  if (!p.k.IsConst()) p.k = anchor->inputs[1]->shape()[anchor->rank() - 2];
  p.b = s.b;
  p.b_constant = IsPackable(spec, s.b.input) && p.k.IsConst() && p.n.IsConst() && p.b.offset.IsConst();
  for (size_t d = 0; d < outer; ++d) {
    if (!p.b.strides[d].IsConst(0) && !p.batch[d].IsConst()) p.b_constant = false;
  }
  p.lifts_tiny = !spec.plain_sums;
  p.dot = ChooseDot(row, {s.a.dtype, p.b.dtype, p.acc, s.a.strides.back().IsConst(1),
                           p.b_constant || PacksByWords(p.b), p.b_constant, p.k});
  p.tile = ChooseTile(row, p);
  ChooseBlocks(&p, spec.handed_bytes);
  p.keeps_panels = spec.handed_bytes > 0;
  KernelFrame f(module, row, symbol, draft);
  f.TakesDenormalsAsZero(spec);
  std::unique_ptr<RowSource> rows;
  if (s.a.dtype == p.dot.a && s.a.strides.back().IsConst(1) && p.dot.FillsSteps(p.k)) {
    rows = std::make_unique<StridedRows>(s.a);
  } else {
    rows = std::make_unique<CopiedRows>(s.a);
  }
  draft->about = fmt::format("tile {}x{} of {}, K {}{}", p.tile.mr, p.tile.nr(), DotName(p.dot), p.k.ToString(),
                             epilogue.Describe());
  if (HasSmallColumns(p) || !p.b_constant) draft->order = OrderOfRows(p);
  return EmitMatrixKernel(f, p, *rows, epilogue, draft);
}

}  // namespace

bool IsPackable(const KernelSpec& spec, int input) {
  if (input >= static_cast<int>(spec.constant_inputs.size()) || !spec.constant_inputs[input]) return false;
  const Node* node = spec.fragment->inputs[input];
  return IsStatic(node->shape()) && UseCounts(*spec.fragment)[node->id] == 1;
}

bool CanBuildContract(const KernelSpec& spec) {
  const Node* anchor = OnlyProduct(*spec.fragment);
  if (anchor == nullptr || !IsAccumulator(anchor->type.dtype)) return false;
  if (!Epilogue::Check(*spec.fragment, anchor).empty()) return false;
  if (anchor->op == Op::kConv) {
    ConvShape shape;
    return AnalyzeConv(anchor, &shape).empty();
  }
  ContractShape shape;
  return AnalyzeContract(anchor, Epilogue(spec, anchor), &shape).empty();
}

Status BuildContract(const KernelSpec& spec, const TargetRow& row, llvm::Module& module,
                     const std::string& symbol, KernelDraft* draft) {
  const Node* anchor = OnlyProduct(*spec.fragment);
  if (anchor == nullptr) return NotSupported("a fragment without a single contraction or convolution");
  const std::string reason = Epilogue::Check(*spec.fragment, anchor);
  if (!reason.empty()) return NotSupported("epilogue: {}", reason);
  if (anchor->op == Op::kContract) return BuildMatrixContract(spec, anchor, row, module, symbol, draft);
  return BuildConv(spec, anchor, row, module, symbol, draft);
}

}  // namespace belay
