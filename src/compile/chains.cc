#include "compile/chains.h"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include "graph/strided.h"

namespace belay {
namespace {

int64_t SecondLevelBytes() {
  constexpr int64_t kUnknown = 1 << 20;
  const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return bytes > 0 ? bytes : kUnknown;
}

bool IsOfBf16(const Node* product) { return product != nullptr && product->inputs[0]->type.dtype == DType::kBF16; }

bool IsKnown(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const Dim& d) { return d.IsConst() && d.value() > 0; });
}

// Of a step that reads the same pixels as it writes.
void ReadSamePixels(int64_t pixels, ChainStage* stage) {
  stage->in_rows = stage->out_rows = pixels;
  stage->in_columns = stage->out_columns = 1;
}

// The convolution reads the input by windows over its rows, and no more than the windows: other kernels than these
// copy whole strips of images.
bool ReadsByWindows(const Node& conv, int input, ChainStage* stage) {
  const Window& w = *conv.window;
  const Node* x = conv.inputs[0];
  if (IsMap(x, ScalarOp::kCast)) x = x->inputs[0];
  if (x->op != Op::kInput || x->index != input || conv.rank() != 4 || !w.pads_lo[0].IsConst()) return false;
  const bool pointwise = w.kernel[0] == 1 && w.kernel[1] == 1 && w.strides[0] == 1 && w.strides[1] == 1;
  if (w.groups == 1 && !pointwise) return false;
  const Shape &in = x->shape(), &out = conv.shape();
  if (!IsKnown(in) || !IsKnown(out)) return false;
  stage->read_channels = in[3].value();
  stage->in_rows = in[1].value();
  stage->in_columns = in[2].value();
  stage->out_rows = out[1].value();
  stage->out_columns = out[2].value();
  stage->stride = w.strides[0];
  stage->pad = w.pads_lo[0].value();
  stage->reach = (w.kernel[0] - 1) * w.dilations[0] + 1;
  return true;
}

// The input is the product's a, row by row, and nothing else.
bool ReadsRowsOfA(const Graph& fragment, const Node& product, int input, ChainStage* stage) {
  const Node* a = product.inputs[0];
  if (IsMap(a, ScalarOp::kCast)) a = a->inputs[0];
  const std::optional<StridedView> view = ViewOf(a);
  if (!view || view->base->op != Op::kInput || view->base->index != input) return false;
  if (!IsKnown(a->shape()) || !view->offset.IsConst(0) || UseCounts(fragment)[view->base->id] != 1) return false;
  const std::vector<Dim> dense = DenseStrides(a->shape());
  for (int d = 0; d < a->rank(); ++d) {
    if (!a->shape()[d].IsConst(1) && view->strides[d] != dense[d]) return false;
  }
  stage->read_channels = a->shape().back().value();
  ReadSamePixels(NumElements(a->shape()).value() / stage->read_channels, stage);
  return true;
}

// One value for each of the leading `kept` dims' points.
bool IsByRow(const Shape& shape, const Shape& full, size_t kept) {
  return kept < full.size() && shape.size() >= kept && std::equal(full.begin(), full.begin() + kept, shape.begin()) &&
         NumElements(shape) == NumElements(Shape(full.begin(), full.begin() + kept));
}

// The node works within rows, which are all dims of `full` behind the leading `*kept`; the first reduction sets these.
bool StaysInRows(const Node& n, const Shape& full, size_t* kept) {
  const Shape& in = n.inputs[0]->shape();
  switch (n.op) {
    case Op::kMap: return n.shape() == full || IsByRow(n.shape(), full, *kept);
    case Op::kReshape: return IsByRow(in, full, *kept) && IsByRow(n.shape(), full, *kept);
    case Op::kBroadcast: return IsByRow(in, full, *kept) && in.size() == full.size() && n.shape() == full;
    case Op::kReduce: break;
    default: return false;
  }
  const size_t rest = full.size() - n.axes.size();
  for (size_t k = 0; k < n.axes.size(); ++k) {
    if (n.axes[k] != static_cast<int>(rest + k)) return false;
  }
  if (in != full || (*kept != full.size() && *kept != rest)) return false;
  *kept = rest;
  return true;
}

// The fragment reduces rows of the input and makes rows of the result of them, each of its own.
bool ReadsItsRows(const Graph& fragment, int input, ChainStage* stage) {
  const Node* x = fragment.inputs[static_cast<size_t>(input)];
  const Shape& full = x->shape();
  if (!IsKnown(full)) return false;
  std::vector<char> depends(fragment.size(), 0);
  depends[x->id] = 1;
  size_t kept = full.size();
  for (const Node* n : TopologicalOrder(fragment)) {
    const bool reads = std::any_of(n->inputs.begin(), n->inputs.end(), [&](const Node* in) { return depends[in->id]; });
    if (!reads) continue;
    depends[n->id] = 1;
    if (!StaysInRows(*n, full, &kept)) return false;
  }
  if (kept == full.size()) return false;
  const int64_t rows = NumElements(Shape(full.begin(), full.begin() + kept)).value();
  stage->read_channels = NumElements(full).value() / rows;
  ReadSamePixels(rows, stage);
  return true;
}

class Finder {
 public:
  Finder(const Plan& plan, std::span<const KernelSpec> specs, int64_t cache_bytes)
      : plan_(plan), specs_(specs), cache_bytes_(cache_bytes > 0 ? cache_bytes : SecondLevelBytes()),
        reads_(plan.slots.size()) {
    for (const Step& step : plan.steps) {
      for (int slot : step.inputs) ++reads_[slot];
    }
  }

  // What a step may hand on at a time, so that it, what it was made from and the next step's result fit the cache.
  int64_t HandedBytes() const { return cache_bytes_ / 8; }

  std::vector<Chain> Run() const {
    std::vector<Chain> chains;
    for (int step = 0; step < static_cast<int>(plan_.steps.size());) {
      Chain chain = From(step);
      step = std::max(step + 1, chain.end_step());
      if (chain.stages.size() > 1) chains.push_back(std::move(chain));
    }
    return chains;
  }

  // True when the step behind `step` alone reads its result, by pixels, and it is so much that little would be in the
  // cache. Sets how it is read.
  bool HandsOver(int step, ChainStage* reader) const {
    if (step + 1 >= static_cast<int>(plan_.steps.size())) return false;
    const Step &from = plan_.steps[step], &to = plan_.steps[step + 1];
    if (!IsPlain(from) || !IsPlain(to)) return false;
    const int slot = from.outputs[0];
    const auto at = std::find(to.inputs.begin(), to.inputs.end(), slot);
    const Shape& shape = plan_.slots[slot].type.shape;
    if (reads_[slot] != 1 || at == to.inputs.end() || !IsKnown(shape)) return false;
    const int input = reader->image_input = static_cast<int>(at - to.inputs.begin());
    const Graph& fragment = *specs_[to.kernel].fragment;
    const Node* anchor = OnlyProduct(fragment);
    const bool by_windows = anchor && anchor->op == Op::kConv;
    const int64_t bytes = ByteSize(plan_.slots[slot].type.dtype, NumElements(shape).value());
    // Measured (docs/performance.md): less than this the last-level cache gives back as fast as it is used.
    const bool is_fast = by_windows || IsOfBf16(anchor) || IsOfBf16(OnlyProduct(*specs_[from.kernel].fragment));
    if (bytes <= (is_fast ? 2 : 8) * cache_bytes_) return false;
    if (by_windows) return ReadsByWindows(*anchor, input, reader);
    if (anchor) return ReadsRowsOfA(fragment, *anchor, input, reader);
    return ReadsItsRows(fragment, input, reader);
  }

 private:
  Chain From(int first) const {
    Chain chain;
    chain.first_step = first;
    int64_t held = 0;
    while (chain.end_step() < static_cast<int>(plan_.steps.size()) && chain.stages.size() < kMostStages) {
      ChainStage stage;
      if (!StageOf(plan_.steps[chain.end_step()], &stage)) break;
      if (!chain.stages.empty()) {
        ChainStage& below = chain.stages.back();
        if (!HandsOver(chain.end_step() - 1, &stage) || stage.read_channels != below.order.channels) break;
        const int64_t groups = GroupsToHold(below, stage);
        held += groups * below.GroupBytes();
        if (held > cache_bytes_ / 8 * 7) break;
        below.held_groups = groups;
      }
      chain.stages.push_back(stage);
    }
    return chain;
  }

  // What one group reads and what the next one reads again of it. Of windows twice as much: then what stays is moved to
  // the front once for as much that is new.
  static int64_t GroupsToHold(const ChainStage& below, const ChainStage& stage) {
    int64_t most = 0, again = 0, last = 0;
    for (int64_t g = 0; g < stage.groups; ++g) {
      const GroupRange read = GroupsRead(below, stage, g);
      most = std::max(most, read.end - read.begin);
      again = std::max(again, last - read.begin);
      last = read.end;
    }
    return std::min(below.groups, stage.reach > 1 ? 2 * most : most + again);
  }

  // Results in callers' buffers may lie in what earlier stages read.
  bool IsPlain(const Step& step) const {
    return step.kind == StepKind::kKernel && step.outputs.size() == 1 && step.binds.empty() &&
           step.inputs.size() < kMostStageBuffers && specs_[step.kernel].overwritten_input < 0 &&
           !specs_[step.kernel].place && plan_.slots[step.outputs[0]].kind == SlotKind::kTemp;
  }

  bool StageOf(const Step& step, ChainStage* stage) const {
    if (!IsPlain(step)) return false;
    const CompiledKernel& kernel = plan_.kernels[step.kernel];
    if (kernel.order.chunks == 0 || !kernel.chunks.IsConst()) return false;
    stage->order = kernel.order;
    stage->groups = kernel.chunks.value() / kernel.order.chunks;
    stage->pixel_bytes = ByteSize(plan_.slots[step.outputs[0]].type.dtype, kernel.order.channels);
    return true;
  }

  const Plan& plan_;
  std::span<const KernelSpec> specs_;
  const int64_t cache_bytes_;
  std::vector<int> reads_;  // by slot
};

}  // namespace

void PlanHandovers(const Plan& plan, std::span<KernelSpec> specs, int64_t cache_bytes) {
  const Finder finder(plan, specs, cache_bytes);
  for (int step = 0; step < static_cast<int>(plan.steps.size()); ++step) {
    ChainStage unused;
    if (!finder.HandsOver(step, &unused)) continue;
    for (int s : {step, step + 1}) specs[plan.steps[s].kernel].handed_bytes = finder.HandedBytes();
  }
}

std::vector<Chain> FindChains(const Plan& plan, std::span<const KernelSpec> specs, int64_t cache_bytes) {
  return Finder(plan, specs, cache_bytes).Run();
}

}  // namespace belay
