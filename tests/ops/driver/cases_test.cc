// One test per .cases file.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "ops/driver/model.h"
#include "support/engine.h"

namespace belay {
namespace {

std::string CheckAll(const Literals& got, const Literals& want, const Tolerance& tolerance) {
  if (got.size() != want.size())
    return fmt::format("has {} outputs, not {}", got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const std::string wrong = want[i] ? Compare(*got[i], *want[i], tolerance) : "";
    if (!wrong.empty()) return fmt::format("output {}: {}", i, wrong);
  }
  return "";
}

// A golden -0.0 is one: comparisons take any zero for it.
std::string CheckZeros(const Literals& got, const Literals& golden) {
  for (size_t i = 0; i < golden.size(); ++i) {
    if (!golden[i] || !IsFloat(golden[i]->dtype)) continue;
    const std::vector<double> a = LiteralToDoubles(*got.at(i)), b = LiteralToDoubles(*golden[i]);
    for (size_t k = 0; k < b.size(); ++k) {
      if (b[k] == 0 && std::signbit(b[k]) && !std::signbit(a[k])) {
        return fmt::format("output {}: element {} is {}, not -0", i, k, a[k]);
      }
    }
  }
  return "";
}

// What the run left in the memory of the inputs that are no constants.
std::string CheckAfter(const OpCase& c, const Literals& got, const Literals& want, const Tolerance& tolerance) {
  for (size_t i = 0; i < want.size(); ++i) {
    const std::string wrong = Compare(*got[i], *want[i], tolerance);
    if (!wrong.empty()) return fmt::format("input {} after the run: {}", i, wrong);
  }
  size_t next = 0;
  for (const InputCase& in : c.inputs) {
    auto it = c.golden_after.find(in.name);
    if (in.is_const || it == c.golden_after.end()) {
      next += !in.is_const;
      continue;
    }
    const std::string wrong = Compare(*want[next++], *it->second, {2, 2e-7, 0});
    if (!wrong.empty()) return fmt::format("input {} after the run, against golden: {}", in.name, wrong);
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
  Literals left, expected_left;
  const Result<Literals> reference = RunOnReference(*built.model, built.inputs, &graph, &expected_left);
  if (!reference.ok()) return "reference: " + reference.status().ToString();
  Tolerance tolerance = ToleranceFor(*graph);
  if (c.ulps >= 0) tolerance = {c.ulps, c.relative, 0};
  if (!c.golden.empty()) {
    const Tolerance written = c.ulps >= 0 ? tolerance : Tolerance{2, 2e-7, 0};
    std::string wrong = CheckAll(*reference, c.golden, written);
    if (wrong.empty()) wrong = CheckZeros(*reference, c.golden);
    if (!wrong.empty()) return "reference against golden: " + wrong;
  }
  const Result<Literals> engine = RunOnEngine(built.model, built.inputs, &left);
  if (!engine.ok()) return engine.status().ToString();
  std::string wrong = CheckAll(*engine, *reference, tolerance);
  if (wrong.empty()) wrong = CheckZeros(*engine, c.golden);
  return wrong.empty() ? CheckAfter(c, left, expected_left, tolerance) : wrong;
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
