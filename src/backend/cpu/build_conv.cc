#include "backend/cpu/build_conv.h"

#include <algorithm>

#include "backend/cpu/build_contract_matrix.h"
#include "backend/cpu/build_contract_rows.h"
#include "backend/cpu/build_conv_rows.h"
#include "graph/strided.h"

namespace belay {
namespace {

constexpr int64_t kFewWords = 12;

// A pointwise convolution's operand with its pixels as rows; empty where they are not evenly spaced.
std::optional<MatrixOperand> AsRows(const ConvShape& s, const MatrixOperand& operand, int outer) {
  const std::optional<Dim> row = MergedStride(s.node->shape(), operand.strides, outer, s.spatial + 1);
  if (!row) return std::nullopt;
  MatrixOperand a = operand;
  a.strides.assign(operand.strides.begin(), operand.strides.begin() + outer);
  a.strides.push_back(*row);
  a.strides.push_back(operand.strides.back());
  return a;
}

std::unique_ptr<RowSource> MakeRows(const ConvShape& s, const MatrixProblem& p, int outer) {
  const Dim& channels = s.group_channels;
  const bool in_place = s.x.dtype == p.dot.a && p.dot.FillsSteps(channels);
  if (in_place && IsPointwise(*s.node)) {
    if (const std::optional<MatrixOperand> a = AsRows(s, s.x, outer)) return std::make_unique<StridedRows>(*a);
  }
  const bool few = channels.IsConst() && channels.value() < kFewWords * p.dot.group;
  if (few || !in_place || p.dot.Tiled()) return MakeWindowRows(s, p.m);
  return MakeTableRows(s, p.m);
}

// The run of rows in the image, if any: by single taps, or by rows of the window.
int64_t ChooseImageRows(const ConvShape& s, MatrixProblem* p) {
  if (!p->dot.Tiled()) return ImageRunOfVectors(s, *p);
  if (const int64_t run = ImageRun(s, *p); run != 0) return run;
  MatrixProblem joined = *p;
  int64_t words = 0;
  joined.joined_taps = JoinedTaps(s, *p, &words);
  if (joined.joined_taps == 0) return 0;
  joined.dot.step = static_cast<int>(words);
  const int64_t run = ImageRun(s, joined);
  if (run != 0) *p = joined;
  return run;
}

// The extents of a convolution whose first `outer` dims are batch, behind the groups if there are several.
void SetExtents(const ConvShape& s, int outer, MatrixProblem* p) {
  const Shape& out = s.node->shape();
  p->batch.assign(out.begin(), out.begin() + outer);
  p->m = 1;
  for (int d = outer; d < s.spatial + 1; ++d) p->m = p->m * out[d];
  const Dim image = NumElements(Shape(out.begin() + 1, out.end() - 1));
  if (outer == 0 && image.IsConst()) p->image_rows = image.value();
  p->n = s.outputs;
  p->b = s.w;
  const Dim n_stride = s.w.strides.back();
  p->b.strides.assign(static_cast<size_t>(outer), Dim(0));
  p->b.strides.push_back(*MergedStride(s.node->inputs[1]->shape(), s.w.strides, 0, s.spatial + 1));
  p->b.strides.push_back(n_stride);
  if (s.window->groups == 1) return;
  p->n = Dim(s.outputs.value() / s.window->groups);
  p->batch.insert(p->batch.begin(), Dim(s.window->groups));
  p->b.strides.insert(p->b.strides.begin(), n_stride * p->n);
}

}  // namespace

std::string AnalyzeConv(const Node* node, ConvShape* s) {
  s->node = node;
  s->window = node->window.get();
  s->spatial = node->rank() - 2;
  if (s->spatial < 1) return "no spatial dims";
  const Node* image = node->inputs[0];
  if (const std::optional<GatedImage> gated = FindGate(*node)) {
    s->gate = ResolveOperand(gated->gate);
    if (!s->gate) return "the gate is not a strided input";
    image = gated->pixels;
  }
  std::optional<MatrixOperand> x = ResolveOperand(image), w = ResolveOperand(node->inputs[1]);
  if (!x || !w) return "an operand is not a strided input";
  s->x = *x;
  s->w = *w;
  s->channels = node->inputs[0]->shape().back();
  const Shape& weights = node->inputs[1]->shape();
  s->group_channels = weights[s->spatial];
  s->outputs = weights[s->spatial + 1];
  s->planes = !s->x.strides.back().IsConst(1) && !s->channels.IsConst(1);
  if (s->planes && !ReadsPlanes(*node)) return "channels are not consecutive";
  s->taps = 1;
  for (int64_t k : s->window->kernel) s->taps *= k;
  if (s->window->groups != 1 && !s->outputs.IsConst()) return "groups of unknown size";
  if (!MergedStride(weights, s->w.strides, 0, s->spatial + 1)) return "the filter is not evenly strided";
  return "";
}

Status BuildConv(const KernelSpec& spec, const Node* anchor, const TargetRow& row, llvm::Module& module,
                 const std::string& symbol, KernelDraft* draft) {
  ConvShape s;
  const std::string reason = AnalyzeConv(anchor, &s);
  if (!reason.empty()) return NotSupported("convolution: {}", reason);
  if (IsDepthwise(s)) return BuildDepthwise(spec, s, row, module, symbol, draft);
  const bool as_it_lies = !s.planes && !s.gate;
  if (as_it_lies && PrefersLanesOfPixels(s, row)) return BuildLanesOfPixels(spec, s, row, module, symbol, draft);
  if (as_it_lies && PrefersWinograd(spec, s, row)) return BuildWinograd(spec, s, row, module, symbol, draft);
  MatrixProblem p;
  p.acc = anchor->type.dtype;
  p.k = s.group_channels * Dim(s.taps);
  p.b_constant = IsPackable(spec, s.w.input) && p.k.IsConst() && s.outputs.IsConst() && s.w.offset.IsConst();
  p.lifts_tiny = !spec.plain_sums;
  p.dot = ChooseDot(row, {s.x.dtype, s.w.dtype, p.acc, true, p.b_constant || PacksByWords(s.w), p.b_constant, p.k});
  Epilogue epilogue(spec, anchor);
  epilogue.UseTable(spec, row);
  FoldedDims dims;
  dims.outer = epilogue.UnmergedDims();
  while (s.gate && !(AsRows(s, s.x, dims.outer) && AsRows(s, *s.gate, dims.outer))) ++dims.outer;
  const int64_t run = IsPointwise(*s.node) || dims.outer > 1 ? 0 : ChooseImageRows(s, &p);
  if (run != 0) dims.outer = 1;
  epilogue.Fold(dims);
  SetExtents(s, dims.outer, &p);
  if (s.gate) p.factors = AsRows(s, *s.gate, dims.outer);
  if (s.window->groups != 1) epilogue.SplitColumns(s.window->groups);
  p.tile = ChooseTile(row, p, run);
  std::unique_ptr<RowSource> rows = run != 0 ? MakeImageRows(s, p) : MakeRows(s, p, dims.outer);
  p.taps = rows->taps();
  ChooseBlocks(&p);
  KernelFrame f(module, row, symbol, draft);
  f.TakesDenormalsAsZero(spec);
  const std::string joined = p.joined_taps == 1 ? "" : fmt::format(" in rows of {}", p.joined_taps);
  const std::string depth = p.k.ToString() + (s.gate ? ", gated" : "");
  draft->about = fmt::format("conv tile {}x{} of {}, taps {}{}, K {}{}", p.tile.mr, p.tile.nr(), DotName(p.dot), s.taps,
                             joined, depth, epilogue.Describe());
  if (s.window->groups == 1 && HasSmallColumns(p)) draft->order = OrderOfRows(p);
  return EmitMatrixKernel(f, p, *rows, epilogue, draft);
}

}  // namespace belay
