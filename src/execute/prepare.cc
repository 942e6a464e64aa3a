#include "execute/prepare.h"

#include <algorithm>

namespace belay {
namespace {

constexpr double kParallelNs = 6000;  // below this a second thread costs more than it brings
constexpr int64_t kAlign = 64;

// Greedy best fit, biggest first: each temp goes to the lowest gap among those alive at the same time.
int64_t AssignOffsets(const Plan& plan, const std::vector<int64_t>& bytes, std::vector<int64_t>* offsets) {
  std::vector<int> order;
  for (size_t i = 0; i < plan.slots.size(); ++i) {
    if (plan.slots[i].kind == SlotKind::kTemp) order.push_back(static_cast<int>(i));
  }
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    return bytes[a] != bytes[b] ? bytes[a] > bytes[b] : a < b;
  });
  std::vector<int> placed;  // by offset
  int64_t total = 0;
  for (int s : order) {
    const Slot& slot = plan.slots[s];
    const int64_t need = (bytes[s] + kAlign - 1) / kAlign * kAlign;
    int64_t best = -1, best_gap = 0, end = 0;
    for (int p : placed) {
      const Slot& other = plan.slots[p];
      if (other.last_step < slot.first_step || slot.last_step < other.first_step) continue;
      const int64_t gap = (*offsets)[p] - end;
      if (gap >= need && (best < 0 || gap < best_gap)) {
        best = end;
        best_gap = gap;
      }
      const int64_t other_end = (*offsets)[p] + (bytes[p] + kAlign - 1) / kAlign * kAlign;
      end = std::max(end, other_end);
    }
    (*offsets)[s] = best >= 0 ? best : end;
    total = std::max(total, (*offsets)[s] + need);
    auto at = std::upper_bound(placed.begin(), placed.end(), s,
                               [&](int x, int y) { return (*offsets)[x] < (*offsets)[y]; });
    placed.insert(at, s);
  }
  return total;
}

}  // namespace

std::vector<int64_t> EvaluateShape(const Shape& shape, const std::vector<int64_t>& symbols) {
  std::vector<int64_t> dims;
  for (const Dim& d : shape) dims.push_back(d.Evaluate(symbols));
  return dims;
}

int64_t EvaluateBytes(const TensorType& type, const std::vector<int64_t>& symbols) {
  // More than any machine has, and few enough for sums over a plan: allocating it says that memory is out.
  constexpr int64_t kMostElements = int64_t{1} << 48;
  int64_t count = 1;
  bool too_many = false;
  for (const Dim& d : type.shape) {
    const int64_t extent = d.Evaluate(symbols);
    if (extent <= 0) return 0;
    too_many = too_many || extent > kMostElements / count;
    if (!too_many) count *= extent;
  }
  return ByteSize(type.dtype, too_many ? kMostElements : count);
}

int64_t OutputBytes(const Plan& plan, size_t output, const std::vector<int64_t>& symbols) {
  return EvaluateBytes(plan.slots[plan.output_slots[output]].type, symbols);
}

PreparedStep PrepareStep(const Plan& plan, const Step& step, const std::vector<int64_t>& symbols) {
  PreparedStep prepared;
  if (step.kind != StepKind::kKernel) return prepared;
  const CompiledKernel& kernel = plan.kernels[step.kernel];
  for (const Dim& d : kernel.params) prepared.params.push_back(d.Evaluate(symbols));
  prepared.chunks = kernel.chunks.Evaluate(symbols);
  prepared.parallel = prepared.chunks > 1 &&
                      static_cast<double>(prepared.chunks) * kernel.ns_per_chunk > kParallelNs;
  return prepared;
}

std::shared_ptr<const Prepared> Prepare(const Plan& plan, std::vector<int64_t> symbols) {
  auto out = std::make_shared<Prepared>();
  symbols.resize(plan.symbols.size(), 0);
  out->symbols = std::move(symbols);
  for (const TensorType& type : plan.outputs) {
    out->output_dims.push_back(EvaluateShape(type.shape, out->symbols));
  }
  if (plan.runs_stepwise) return out;
  for (const Slot& slot : plan.slots) out->slot_bytes.push_back(EvaluateBytes(slot.type, out->symbols));
  out->slot_offset.assign(plan.slots.size(), 0);
  out->arena_bytes = AssignOffsets(plan, out->slot_bytes, &out->slot_offset);
  for (const Step& step : plan.steps) out->steps.push_back(PrepareStep(plan, step, out->symbols));
  return out;
}

std::string PrintMemoryMap(const Plan& plan, const Prepared& prepared) {
  std::string text = fmt::format("arena {} bytes\n", prepared.arena_bytes);
  for (size_t s = 0; s < plan.slots.size() && !plan.runs_stepwise; ++s) {
    const Slot& slot = plan.slots[s];
    if (slot.kind != SlotKind::kTemp) continue;
    text += fmt::format("  %{} {} bytes at {}, steps {}..{}, {}\n", s, prepared.slot_bytes[s],
                        prepared.slot_offset[s], slot.first_step, slot.last_step,
                        ToString(slot.type));
  }
  return text;
}

}  // namespace belay
