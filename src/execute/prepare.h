// Prepared: a plan's formulas evaluated for one set of extents.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "plan/plan.h"

namespace belay {

struct PreparedStep {
  std::vector<int64_t> params;
  int64_t chunks = 0;
  bool parallel = false;  // enough work for more than one thread
};

struct Prepared {
  std::vector<int64_t> symbols;
  std::vector<int64_t> slot_bytes;
  std::vector<int64_t> slot_offset;  // kTemp: in the arena
  int64_t arena_bytes = 0;
  std::vector<PreparedStep> steps;   // empty where the plan runs stepwise
  std::vector<std::vector<int64_t>> output_dims;
};

PreparedStep PrepareStep(const Plan& plan, const Step& step, const std::vector<int64_t>& symbols);
std::vector<int64_t> EvaluateShape(const Shape& shape, const std::vector<int64_t>& symbols);
int64_t EvaluateBytes(const TensorType& type, const std::vector<int64_t>& symbols);
int64_t OutputBytes(const Plan& plan, size_t output, const std::vector<int64_t>& symbols);
// `symbols` holds the extents of inputs; the rest are bound while the plan runs.
std::shared_ptr<const Prepared> Prepare(const Plan& plan, std::vector<int64_t> symbols);
// The arena as text, one line per temporary: bytes, offset, the steps it lives through.
std::string PrintMemoryMap(const Plan& plan, const Prepared& prepared);

}  // namespace belay
