// belay check: what a model asks for that Belay does not do, all at once, before anything runs.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "compile/pipeline.h"
#include "import/onnx/importer.h"
#include "model_flags.h"

namespace belay::tool {
namespace {

struct CheckFlags {
  std::string model;
  std::vector<std::string> shapes;
  bool json = false;
};

Result<OnnxImportOptions> ImportOptions(const CheckFlags& flags) {
  OnnxImportOptions options;
  for (const std::string& pair : flags.shapes) {
    const size_t equals = pair.rfind('=');  // names may hold one, shapes do not
    if (equals == std::string::npos) return InvalidArgument("--shape {}: expected NAME=1x3x224x224", pair);
    const std::string name = pair.substr(0, equals);
    BELAY_TRY(options.input_shapes[name], ParseShape(name, pair.substr(equals + 1)));
  }
  return options;
}

void Add(const Status& status, Problems* problems) {
  if (!status.ok()) problems->Add({"", "", "", status.message(), status.code()});
}

// As parsing, adding and compiling in a session would do it. A refused part leaves the rest to be looked at.
void Check(const std::string& model, OnnxImportOptions options, Problems* problems) {
  options.problems = problems;
  Result<std::shared_ptr<ModelGraph>> graph = ImportOnnxFile(model, options);
  if (!graph.ok()) {
    if (problems->empty()) Add(graph.status(), problems);
    return;
  }
  CompileOptions compile;
  compile.lower.problems = problems;
  (void)Lower(**graph, compile.lower);
  if (!problems->empty()) return;
  compile.lower.problems = nullptr;
  Add(Compile(**graph, compile).status(), problems);
}

void Print(const std::string& model, const Problems& problems) {
  for (const Problem& p : problems.all()) std::printf("%s\n", p.Text().c_str());
  if (problems.unlisted() > 0) std::printf("and %lld more\n", static_cast<long long>(problems.unlisted()));
  for (const std::string& node : problems.deferred) {
    std::printf("note: %s is decided by the contents or extents of a call\n", node.c_str());
  }
  for (const std::string& node : problems.unchecked) {
    std::printf("note: %s follows those and could not be looked at\n", node.c_str());
  }
  const long long count = static_cast<long long>(problems.size()) + problems.unlisted();
  if (count == 0) {
    std::printf("%s: compiles\n", model.c_str());
  } else {
    std::printf("%s: %lld problem%s\n", model.c_str(), count, count == 1 ? "" : "s");
  }
}

void PrintJson(const std::string& model, const Problems& problems) {
  nlohmann::ordered_json all;
  all["model"] = model;
  all["compiles"] = problems.empty();
  all["problems"] = nlohmann::ordered_json::array();
  for (const Problem& p : problems.all()) {
    all["problems"].push_back({{"kind", p.missing_operator ? "missing operator" : CodeName(p.code)},
                               {"node", p.node}, {"op", p.op}, {"where", p.where}, {"what", p.what}});
  }
  all["unlisted"] = problems.unlisted();
  all["deferred"] = problems.deferred;
  all["unchecked"] = problems.unchecked;
  // Names are any bytes.
  std::printf("%s\n", all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

int Run(const CheckFlags& flags) {
  Result<OnnxImportOptions> options = ImportOptions(flags);
  if (!options.ok()) return Fail(options.status());
  Problems problems;
  Check(flags.model, *options, &problems);
  flags.json ? PrintJson(flags.model, problems) : Print(flags.model, problems);
  return problems.empty() ? 0 : 1;
}

}  // namespace

void AddCheck(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("check", "say all that keeps a model from compiling; nothing runs");
  auto flags = std::make_shared<CheckFlags>();
  command->add_option("model", flags->model, "the .onnx file")->required();
  command->add_option("--shape", flags->shapes, "NAME=1x3x224x224: extents to fix");
  command->add_flag("--json", flags->json, "one line of JSON");
  command->callback([=] { *exit_code = Run(*flags); });
}

}  // namespace belay::tool
