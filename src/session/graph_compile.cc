#include "session/graph_compile.h"

#include "compile/pipeline.h"
#include "compile/variables.h"
#include "session/graph_settings.h"

namespace belay {
namespace {

std::vector<InputSignature> Signatures(const std::vector<const ModelNode*>& inputs) {
  std::vector<InputSignature> out;
  for (const ModelNode* node : inputs) {
    const ModelDesc desc = node->output_descs.empty() ? ModelDesc{} : node->output_descs[0];
    out.push_back({node->name, desc.dtype, desc.dims});
  }
  return out;
}

}  // namespace

Result<std::shared_ptr<LoadedGraph>> CompileModel(const std::string& name, const ModelGraph& user_model,
                                                  const OptionMap& options, const std::string& title,
                                                  VariableStore* variables) {
  auto model = std::make_shared<ModelGraph>(user_model);
  BELAY_TRY(GraphSettings settings, ApplyOptions(options, model.get()));
  BELAY_TRY(std::vector<const ModelNode*> inputs, ModelInputs(*model));
  CompileOptions base;
  base.precision = settings.precision;
  base.plain_sums = settings.plain_sums;
  base.disabled_passes = settings.disabled_passes;
  base.dump_name = name.empty() ? "graph" : name;
  VariantCompiler variants = [model, base](const std::vector<std::vector<int64_t>>& dims,
                                           const std::map<int, LiteralPtr>& contents,
                                           const std::set<int>& readable,
                                           std::vector<int>* needs) -> Result<std::shared_ptr<const Plan>> {
    CompileOptions variant = base;
    variant.lower.input_dims = dims;
    variant.lower.input_contents = contents;
    variant.lower.readable_inputs = readable;
    BELAY_TRY(Compiled compiled, Compile(*model, variant));
    *needs = compiled.needs_contents;
    return compiled.plan;
  };
  std::vector<int> ignored;
  std::vector<InputSignature> signatures = Signatures(inputs);
  if (settings.hints.empty() && !settings.gears.rows.empty()) {
    std::vector<std::vector<int64_t>> declared;
    for (const InputSignature& input : signatures) declared.push_back(input.dims);
    settings.hints = GearDims(settings.gears, declared, settings.gears.rows[0]);
  }
  BELAY_TRY(std::shared_ptr<const Plan> plan, variants(settings.hints, {}, {}, &ignored));
  BELAY_TRY(std::vector<VariableDecl> declared, CollectVariables(*model));
  BELAY_TRY(std::vector<std::shared_ptr<Variable>> bound, variables->Bind(declared, title));
  auto graph = std::make_shared<LoadedGraph>(name, std::move(signatures), model->outputs.size(), std::move(plan),
                                             std::move(variants), std::move(bound));
  BELAY_RETURN_IF_ERROR(graph->UseGears(std::move(settings.gears)));
  return graph;
}

}  // namespace belay
