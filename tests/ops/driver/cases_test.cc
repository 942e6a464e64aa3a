// One test per .cases file.
#include <gtest/gtest.h>

#include <filesystem>

#include "graph/prototype.h"
#include "ops/driver/case_file.h"
#include "support/engine.h"

namespace belay {
namespace {

struct BuiltModel {
  std::shared_ptr<ModelGraph> model;
  Literals inputs;  // of the Data nodes
};

int AddSource(ModelGraph& model, const InputCase& in, bool known_extents, Literals* inputs) {
  ModelNode node;
  node.name = fmt::format("{}_{}", in.name, model.nodes.size());
  node.type = in.is_const ? "Const" : "Data";
  node.output_ports = {{"y", 0}};
  std::vector<int64_t> dims = in.value->dims;
  if (!known_extents && !in.fixed) dims.assign(dims.size(), -1);
  node.output_descs = {{in.value->dtype, 2, dims}};
  if (in.is_const) {
    node.attrs["value"] = in.value;
  } else {
    node.attrs["index"] = static_cast<int64_t>(inputs->size());
    inputs->push_back(in.value);
  }
  model.nodes.push_back(std::move(node));
  return static_cast<int>(model.nodes.size()) - 1;
}

BuiltModel Build(const OpCase& c, bool known_extents) {
  BuiltModel built{std::make_shared<ModelGraph>(), {}};
  ModelGraph& model = *built.model;
  ModelNode node;
  node.name = "op";
  node.type = c.op;
  node.attrs = c.attrs;
  std::map<std::string, int> instances;
  for (const InputCase& in : c.inputs) {
    node.inputs.push_back({AddSource(model, in, known_extents, &built.inputs), 0});
    node.input_ports.push_back({in.name, instances[in.name]++});
  }
  for (const PortProto& port : FindPrototype(c.op)->outputs) {
    auto it = c.outputs.find(port.name);
    const int count = port.kind == PortKind::kDynamic && it != c.outputs.end() ? it->second : 1;
    for (int i = 0; i < count; ++i) {
      node.output_ports.push_back({port.name, i});
      node.output_descs.push_back({});
    }
  }
  const int id = static_cast<int>(model.nodes.size()),
            outputs = static_cast<int>(node.output_ports.size());
  model.nodes.push_back(std::move(node));
  const bool only_golden = !c.golden.empty() && static_cast<int>(c.golden.size()) < outputs;
  const int wanted = only_golden    ? static_cast<int>(c.golden.size())
                     : c.reads >= 0 ? c.reads
                                    : outputs;
  for (int i = 0; i < wanted; ++i) model.outputs.push_back({id, i});
  return built;
}

std::string CheckAll(const Literals& got, const Literals& want, const Tolerance& tolerance) {
  if (got.size() != want.size())
    return fmt::format("has {} outputs, not {}", got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const std::string wrong = want[i] ? Compare(*got[i], *want[i], tolerance) : "";
    if (!wrong.empty()) return fmt::format("output {}: {}", i, wrong);
  }
  return "";
}

std::string CheckError(const OpCase& c) {
  const BuiltModel built = Build(c, true);
  const Result<Literals> engine = RunOnEngine(built.model, built.inputs);
  if (engine.ok()) return "succeeds, but should say: " + c.error;
  if (engine.status().ToString().find(c.error) != std::string::npos) return "";
  // The code stands first, the place between the two: "invalid argument: node 'op' (Relu): axis
  // ...".
  const size_t colon = c.error.find(": ");
  const bool both = colon != std::string::npos &&
                    engine.status().ToString().starts_with(c.error.substr(0, colon)) &&
                    engine.status().message().find(c.error.substr(colon + 2)) != std::string::npos;
  return both ? "" : "says: " + engine.status().ToString();
}

std::string CheckCase(const OpCase& c, bool known_extents) {
  const BuiltModel built = Build(c, known_extents);
  std::shared_ptr<const Graph> graph;
  const Result<Literals> reference = RunOnReference(*built.model, built.inputs, &graph);
  if (!reference.ok()) return "reference: " + reference.status().ToString();
  Tolerance tolerance = ToleranceFor(*graph);
  if (c.ulps >= 0) tolerance = {c.ulps, c.relative, 0};
  if (!c.golden.empty()) {
    const std::string wrong = CheckAll(*reference, c.golden, {2, 2e-7, 0});
    if (!wrong.empty()) return "reference against golden: " + wrong;
  }
  const Result<Literals> engine = RunOnEngine(built.model, built.inputs);
  if (!engine.ok()) return engine.status().ToString();
  return CheckAll(*engine, *reference, tolerance);
}

class CasesTest : public testing::Test {
 public:
  explicit CasesTest(std::string path) : path_(std::move(path)) {}
  void TestBody() override {
    const CaseFile file = ReadCaseFile(path_);
    for (const std::string& problem : file.problems) ADD_FAILURE() << path_ << ": " << problem;
    EXPECT_FALSE(file.cases.empty()) << path_ << " has no cases";
    for (const OpCase& c : file.cases) {
      if (!c.error.empty()) {
        Expect(c, "", CheckError(c));
        continue;
      }
      Expect(c, "", CheckCase(c, true));
      if (!c.static_only) Expect(c, " (extents unknown)", CheckCase(c, false));
    }
    RecordProperty("passed", passed_);
    RecordProperty("failed", failed_);
  }

 private:
  void Expect(const OpCase& c, const char* how, const std::string& wrong) {
    ++(wrong.empty() ? passed_ : failed_);
    EXPECT_TRUE(wrong.empty()) << path_ << ":" << c.line << ": " << c.text << how << ": " << wrong;
  }
  const std::string path_;
  int passed_ = 0, failed_ = 0;
};

}  // namespace

void RegisterCases(const std::string& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".cases") continue;
    const std::string path = entry.path().string();
    const std::string category = entry.path().parent_path().filename().string();
    const std::string name = entry.path().stem().string();
    testing::RegisterTest(category.c_str(), name.c_str(), nullptr, nullptr, path.c_str(), 1,
                          [path]() -> testing::Test* { return new CasesTest(path); });
  }
}

}  // namespace belay

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  belay::RegisterCases(BELAY_SOURCE_DIR "/tests/ops");
  return RUN_ALL_TESTS();
}
