#include "compile/pipeline.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "base/dump.h"
#include "compile/passes/passes.h"

namespace belay {

const std::vector<PassEntry>& PassTable() {
  static const auto* const table = new std::vector<PassEntry>{
      {"unify-extents", UnifyExtents},       // first: what is equal has to look so
      {"simplify", Simplify},                // records emit plainly and leave the obvious to this
      {"hoist-invariants", HoistInvariants},  // before folding: bodies get their constants, hoisted products fold here
      {"fold-dequantize", FoldDequantize},   // while weights are bytes still
      {"fold-constants", FoldConstants},     // weights get their kernel order, shape chains vanish
      {"sink-transposes", SinkTransposes},   // after folding: constant operands are free to turn
      {"fold-constants-2", FoldConstants},   // the constants that were turned
      {"fold-scale", FoldScale},             // batch norm factors stand beside their convolution only now
      {"fold-quantize", FoldQuantize},       // after folding: factors and terms are constants
      {"fold-constants-3", FoldConstants},   // weights times factors, factors over scales
      {"fold-affine", FoldAffine},           // the constants that are left, and not what is rounded to bytes
      {"fold-constants-4", FoldConstants},   // what filters make of terms
      {"fold-affine-2", FoldAffine},         // is a term among others
      {"round-to-bf16", RoundToBf16, Precision::kBF16},  // after all factors are in: weights are rounded once
      {"round-to-f16", RoundToF16, Precision::kF16},
      {"fold-constants-5", FoldConstants},   // weights that were rounded
      {"simplify-2", Simplify},              // what the moves made equal
      {"split-reductions", SplitReductions},  // when maps lie as they stay: rows end in channels
      {"fuse", Fuse},                        // from here on nodes are kernels
      {"round-addends", RoundAddends, Precision::kBF16},  // which of two products' kernels adds is decided only now
      {"place-stores", PlaceStores},         // last: only a kernel can write in place
  };
  return *table;
}

bool IsDisabled(const CompileOptions& options, const std::string& pass) {
  std::vector<std::string> list = options.disabled_passes;
  if (const char* env = std::getenv("BELAY_DISABLE")) {
    std::stringstream text(env);
    for (std::string item; std::getline(text, item, ',');) list.push_back(item);
  }
  return std::find(list.begin(), list.end(), pass) != list.end();
}

Result<std::shared_ptr<const Plan>> CompileGraph(const Graph& graph, const CompileOptions& options) {
  std::unique_ptr<Graph> current;
  const Graph* at = &graph;
  int number = 0;
  for (const PassEntry& pass : PassTable()) {
    ++number;
    if (pass.only != Precision::kOrigin && pass.only != options.precision) continue;
    const bool is_fuse = std::string_view(pass.name) == "fuse";
    if (IsDisabled(options, pass.name) && !is_fuse) continue;
    std::unique_ptr<Graph> next = pass.run(*at);
    current = std::move(next);
    at = current.get();
#ifndef NDEBUG
    Status legal = VerifyGraph(*at);
    if (!legal.ok()) return Internal("after pass {}: {}", pass.name, legal.message());
#endif
    if (Dumping()) DumpText(options.dump_name, fmt::format("{:02}-{}", number, pass.name), PrintGraph(*at));
  }
  BELAY_TRY(std::shared_ptr<const Plan> plan, BuildPlan(*at, options));
  if (Dumping()) DumpText(options.dump_name, "plan", PrintPlan(*plan));
  return plan;
}

Result<Compiled> Compile(const ModelGraph& model, const CompileOptions& options) {
  BELAY_TRY(Lowered lowered, Lower(model, options.lower));
  Compiled compiled;
  if (!lowered.graph) {
    compiled.needs_contents = lowered.needs_contents;
    compiled.needs_extents = lowered.needs_extents;
    return compiled;
  }
  if (Dumping()) DumpText(options.dump_name, "00-lowered", PrintGraph(*lowered.graph));
  BELAY_TRY(std::shared_ptr<const Plan> plan, CompileGraph(*lowered.graph, options));
  auto complete = std::make_shared<Plan>(*plan);
  for (auto& [index, literal] : options.lower.input_contents) {
    if (!lowered.symbolic_inputs.count(index)) complete->fixed_inputs.emplace_back(index, literal);
  }
  complete->inputs = lowered.inputs;
  complete->outputs = lowered.outputs;
  complete->output_names = model.output_names;
  compiled.plan = std::move(complete);
  return compiled;
}

}  // namespace belay
