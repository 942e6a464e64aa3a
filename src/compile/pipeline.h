// Graph in, Plan out: the table of passes and what follows them.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "compile/lower.h"
#include "plan/plan.h"

namespace belay {

// What contractions and convolutions of f32 may take as operands; sums stay f32.
enum class Precision : uint8_t { kOrigin, kBF16, kF16 };

struct CompileOptions {
  Backend* backend = nullptr;             // nullptr: the CPU's
  std::vector<std::string> disabled_passes;  // by name; BELAY_DISABLE=a,b adds to them
  Precision precision = Precision::kOrigin;
  bool plain_sums = false;                // see KernelSpec; disabled_passes may say "winograd" as well
  CodeCacheOptions code_cache;
  LowerOptions lower;
  int64_t cache_bytes = 0;                // of a core, for chains (compile/chains.h); 0: this machine's
  std::string dump_name = "graph";        // files of BELAY_DUMP are named after it
};

// needs_*: as in Lowered, with a null plan.
struct Compiled {
  std::shared_ptr<const Plan> plan;
  std::vector<int> needs_contents;
  bool needs_extents = false;
};

Result<Compiled> Compile(const ModelGraph& model, const CompileOptions& options = {});
// From a core graph on; the graph stays as it is.
Result<std::shared_ptr<const Plan>> CompileGraph(const Graph& graph, const CompileOptions& options = {});

// True when the options or BELAY_DISABLE name the pass.
bool IsDisabled(const CompileOptions& options, const std::string& pass);

struct PassEntry {
  const char* name;
  std::unique_ptr<Graph> (*run)(const Graph&);
  Precision only = Precision::kOrigin;  // not kOrigin: runs under this precision only
};
const std::vector<PassEntry>& PassTable();

// A plan from a fused graph (compile/plan_builder.cc).
Result<std::shared_ptr<const Plan>> BuildPlan(const Graph& fused, const CompileOptions& options);

}  // namespace belay
