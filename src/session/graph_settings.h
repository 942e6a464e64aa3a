// What the options of a graph change about it, before and while it is compiled.
#pragma once
#include <string>
#include <vector>

#include "base/status.h"
#include "compile/pipeline.h"
#include "execute/gears.h"
#include "graph/model.h"
#include "session/options.h"

namespace belay {

struct GraphSettings {
  Precision precision = Precision::kOrigin;
  bool plain_sums = false;  // see KernelSpec
  std::vector<std::string> disabled_passes;
  CodeCacheOptions code_cache;
  std::vector<std::vector<int64_t>> hints;  // extents of every input, or empty
  Gears gears;
};

// Writes input shapes, outputs and output dtypes into the model.
Result<GraphSettings> ApplyOptions(const OptionMap& options, ModelGraph* model);

}  // namespace belay
