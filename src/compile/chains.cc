#include "compile/chains.h"

#include <unistd.h>

#include <algorithm>

namespace belay {
namespace {

int64_t SecondLevelBytes() {
  constexpr int64_t kUnknown = 1 << 20;
  const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return bytes > 0 ? bytes : kUnknown;
}

const Node* FindConv(const Graph& fragment) {
  for (const auto& n : fragment.nodes()) {
    if (n->op == Op::kConv) return n.get();
  }
  return nullptr;
}

// The fragment's input that the convolution's images come from, or -1.
int ImageInput(const Node& conv) {
  const Node* x = conv.inputs[0];
  if (x->op == Op::kMap && x->scalar == ScalarOp::kCast) x = x->inputs[0];
  return x->op == Op::kInput ? x->index : -1;
}

// True where a kernel reads the pixels of its windows and no others: other kernels copy whole strips of images.
bool ReadsOnlyItsWindows(const Node& conv) {
  const Window& w = *conv.window;
  return w.groups > 1 || (w.kernel[0] == 1 && w.kernel[1] == 1 && w.strides[0] == 1 && w.strides[1] == 1);
}

bool IsKnown(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const Dim& d) { return d.IsConst() && d.value() > 0; });
}

class Finder {
 public:
  Finder(const Plan& plan, std::span<const KernelSpec> specs, int64_t cache_bytes)
      : plan_(plan), specs_(specs), cache_bytes_(cache_bytes), reads_(plan.slots.size()) {
    for (const Step& step : plan.steps) {
      for (int slot : step.inputs) ++reads_[slot];
    }
  }

  std::vector<Chain> Run() const {
    std::vector<Chain> chains;
    for (int step = 0; step < static_cast<int>(plan_.steps.size());) {
      Chain chain = From(step);
      step = std::max(step + 1, chain.end_step());
      if (chain.stages.size() > 1) chains.push_back(std::move(chain));
    }
    return chains;
  }

 private:
  Chain From(int first) const {
    Chain chain;
    chain.first_step = first;
    int64_t held = 0;
    while (chain.end_step() < static_cast<int>(plan_.steps.size()) && chain.stages.size() < kMostStages) {
      const Step& step = plan_.steps[chain.end_step()];
      ChainStage stage;
      if (!StageOf(step, &stage)) break;
      if (!chain.stages.empty()) {
        ChainStage& below = chain.stages.back();
        if (!HandsOver(plan_.steps[chain.end_step() - 1].outputs[0], step, stage)) break;
        const int64_t groups = GroupsToHold(below, stage);
        held += groups * below.GroupBytes();
        if (held > cache_bytes_ / 8 * 7) break;
        below.held_groups = groups;
      }
      chain.stages.push_back(stage);
    }
    return chain;
  }

  // True when `step` alone reads the slot, as its images, and it is so much that hardly any would be in the cache.
  bool HandsOver(int slot, const Step& step, const ChainStage& stage) const {
    const Slot& handed = plan_.slots[slot];
    const int64_t bytes = ByteSize(handed.type.dtype, NumElements(handed.type.shape).value());
    if (!ReadsOnlyItsWindows(*FindConv(*specs_[step.kernel].fragment))) return false;
    return step.inputs[static_cast<size_t>(stage.image_input)] == slot && reads_[slot] == 1 && bytes > 2 * cache_bytes_;
  }

  // Twice what one group reads: then what stays is moved to the front once for as much that is new.
  static int64_t GroupsToHold(const ChainStage& below, const ChainStage& stage) {
    int64_t most = 0;
    for (int64_t g = 0; g < stage.groups; ++g) {
      const GroupRange read = GroupsRead(below, stage, g);
      most = std::max(most, read.end - read.begin);
    }
    return std::min(2 * most, below.groups);
  }

  // Results in callers' buffers may lie in what earlier stages read.
  bool StageOf(const Step& step, ChainStage* stage) const {
    if (step.kind != StepKind::kKernel || step.outputs.size() != 1 || !step.binds.empty()) return false;
    if (step.inputs.size() >= kMostStageBuffers) return false;
    const Slot& result = plan_.slots[step.outputs[0]];
    const CompiledKernel& kernel = plan_.kernels[step.kernel];
    const KernelSpec& spec = specs_[step.kernel];
    const Node* conv = FindConv(*spec.fragment);
    if (conv == nullptr || conv->rank() != 4 || kernel.order.chunks == 0 || spec.overwritten_input >= 0) return false;
    const Shape &in = conv->inputs[0]->shape(), &out = conv->shape();
    const Window& w = *conv->window;
    const int image_input = ImageInput(*conv);
    if (result.kind != SlotKind::kTemp || image_input < 0) return false;
    if (!IsKnown(in) || !IsKnown(out) || !w.pads_lo[0].IsConst() || !kernel.chunks.IsConst()) return false;
    stage->order = kernel.order;
    stage->groups = kernel.chunks.value() / kernel.order.chunks;
    stage->pixel_bytes = ByteSize(result.type.dtype, out[3].value());
    stage->image_input = image_input;
    stage->in_rows = in[1].value();
    stage->in_columns = in[2].value();
    stage->out_rows = out[1].value();
    stage->out_columns = out[2].value();
    stage->stride = w.strides[0];
    stage->pad = w.pads_lo[0].value();
    stage->reach = (w.kernel[0] - 1) * w.dilations[0] + 1;
    return true;
  }

  const Plan& plan_;
  std::span<const KernelSpec> specs_;
  const int64_t cache_bytes_;
  std::vector<int> reads_;  // by slot
};

}  // namespace

std::vector<Chain> FindChains(const Plan& plan, std::span<const KernelSpec> specs, int64_t cache_bytes) {
  return Finder(plan, specs, cache_bytes > 0 ? cache_bytes : SecondLevelBytes()).Run();
}

}  // namespace belay
