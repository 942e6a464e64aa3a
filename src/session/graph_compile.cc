#include "session/graph_compile.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <stdexcept>

#include "base/thread_pool.h"
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

void CollectLate(const ModelGraph& model, std::vector<LateBytes*>* late) {
  const auto add = [&](const LiteralPtr& literal) {
    if (literal && literal->late) late->push_back(literal->late.get());
  };
  for (const ModelNode& node : model.nodes) {
    for (const auto& [name, value] : node.attrs) {
      if (const auto* one = std::get_if<LiteralPtr>(&value)) add(*one);
      const auto* list = std::get_if<std::vector<LiteralPtr>>(&value);
      if (list) std::for_each(list->begin(), list->end(), add);
    }
    for (const auto& [name, graphs] : node.subgraphs) {
      for (const auto& sub : graphs) CollectLate(*sub, late);
    }
  }
}

// For a model that outlives this call: its file is the user's again.
void PinContents(const ModelGraph& model) {
  std::vector<LateBytes*> late;
  CollectLate(model, &late);
  std::mutex mutex;
  std::exception_ptr failure;
  auto pin = [&](int64_t begin, int64_t end) noexcept {
    for (int64_t i = begin; i < end; ++i) {
      try {
        late[static_cast<size_t>(i)]->Pin();
      } catch (...) {
        std::lock_guard<std::mutex> lock(mutex);
        failure = std::current_exception();
      }
    }
  };
  auto call = [](void* arg, int64_t begin, int64_t end) { (*static_cast<decltype(pin)*>(arg))(begin, end); };
  ParallelFor(static_cast<int64_t>(late.size()), call, &pin);
  if (failure) std::rethrow_exception(failure);
}

// Constants become their descriptions.
void DropContents(ModelGraph* model) {
  const auto description = [](const LiteralPtr& literal) -> LiteralPtr {
    if (!literal) return nullptr;
    auto bare = std::make_shared<Literal>();
    bare->dtype = literal->dtype;
    bare->dims = literal->dims;
    return bare;
  };
  for (ModelNode& node : model->nodes) {
    for (auto& [name, value] : node.attrs) {
      if (auto* one = std::get_if<LiteralPtr>(&value)) *one = description(*one);
      auto* list = std::get_if<std::vector<LiteralPtr>>(&value);
      for (size_t i = 0; list && i < list->size(); ++i) (*list)[i] = description((*list)[i]);
    }
    for (auto& [name, graphs] : node.subgraphs) {
      for (auto& sub : graphs) {
        sub = std::make_shared<ModelGraph>(*sub);
        DropContents(sub.get());
      }
    }
  }
}

}  // namespace

Result<CompiledModel> CompileModel(const std::string& name, const ModelGraph& user_model, const OptionMap& options,
                                   const std::string& title, const std::shared_ptr<GraphDump>& dump,
                                   VariableStore* variables) try {
  if (dump) dump->Write(DumpStage::kBegin, user_model);
  auto model = std::make_shared<ModelGraph>(user_model);
  BELAY_TRY(GraphSettings settings, ApplyOptions(options, model.get()));
  BELAY_TRY(std::vector<const ModelNode*> inputs, ModelInputs(*model));
  CompileOptions base;
  base.precision = settings.precision;
  base.plain_sums = settings.plain_sums;
  base.disabled_passes = settings.disabled_passes;
  base.code_cache = settings.code_cache;
  base.dump_name = name.empty() ? "graph" : name;
  ModelTypes types;
  base.lower.types = &types;  // of the first variant
  auto compile = [model, dump](CompileOptions variant, const std::vector<std::vector<int64_t>>& dims,
                               const std::map<int, LiteralPtr>& contents, const std::set<int>& readable,
                               std::vector<int>* needs) -> Result<std::shared_ptr<const Plan>> {
    variant.lower.input_dims = dims;
    variant.lower.input_contents = contents;
    variant.lower.readable_inputs = readable;
    BELAY_TRY(Compiled compiled, Compile(*model, variant));
    *needs = compiled.needs_contents;
    if (dump && variant.lower.types) dump->Write(DumpStage::kInferred, *WithTypes(*model, *variant.lower.types));
    if (dump && compiled.plan) dump->WritePlan(variant.dump_name, *compiled.plan);
    return compiled.plan;
  };
  std::vector<int> ignored;
  std::vector<InputSignature> signatures = Signatures(inputs);
  if (settings.hints.empty() && !settings.gears.rows.empty()) {
    std::vector<std::vector<int64_t>> declared;
    for (const InputSignature& input : signatures) declared.push_back(input.dims);
    settings.hints = GearDims(settings.gears, declared, settings.gears.rows[0]);
  }
  BELAY_TRY(std::shared_ptr<const Plan> plan, compile(base, settings.hints, {}, {}, &ignored));
  base.lower.types = nullptr;
  VariantCompiler variants = [compile, base](auto&&... call) { return compile(base, call...); };
  BELAY_TRY(std::vector<VariableDecl> declared, CollectVariables(*model));
  BELAY_TRY(std::vector<std::shared_ptr<Variable>> bound, variables->Bind(declared, title));
  auto graph = std::make_shared<LoadedGraph>(name, std::move(signatures), model->outputs.size(), std::move(plan),
                                             std::move(variants), std::move(bound));
  BELAY_RETURN_IF_ERROR(graph->UseGears(std::move(settings.gears)));
  std::shared_ptr<ModelGraph> typed = WithTypes(*model, types);
  if (graph->IsStatic()) DropContents(typed.get());
  else PinContents(*model);
  return CompiledModel{std::move(graph), std::move(typed)};
} catch (const std::runtime_error& lost) {  // late contents that cannot be had any more
  return FailedPrecondition("{}", lost.what());
}

}  // namespace belay
