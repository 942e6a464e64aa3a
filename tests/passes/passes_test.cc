// One test per .test file. Cases are separated by lines of '---'; the file's name is the pass's.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "compile/pipeline.h"

namespace belay {
namespace {

// Numbers its nodes in order, so that equal graphs print alike.
std::unique_ptr<Graph> Renumber(const Graph& graph) {
  std::unique_ptr<Graph> out = RewriteGraph(graph, nullptr);
  for (const auto& node : out->nodes()) {
    for (auto& sub : node->subgraphs) sub = Renumber(*sub);
  }
  return out;
}
std::string Canonical(const Graph& graph) { return PrintGraph(*Renumber(graph)); }

std::string Trim(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\n"), last = text.find_last_not_of(" \t\n");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

std::vector<std::string> SplitCases(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> cases(1);
  for (std::string line; std::getline(in, line);) {
    if (line == "---") {
      cases.emplace_back();
    } else if (line.empty() || line[0] != '#') {
      cases.back() += line + "\n";
    }
  }
  return cases;
}

class PassTest : public testing::Test {
 public:
  PassTest(std::string path, const PassEntry& pass) : path_(std::move(path)), pass_(pass) {}

  void TestBody() override {
    int number = 0;
    for (const std::string& text : SplitCases(path_)) {
      SCOPED_TRACE(fmt::format("{}, case {}", path_, ++number));
      Check(text);
    }
  }

 private:
  void Check(const std::string& text) {
    const size_t arrow = text.find("=>");
    ASSERT_NE(arrow, std::string::npos) << "no '=>' in\n" << text;
    Result<std::unique_ptr<Graph>> before = ParseGraph(text.substr(0, arrow));
    ASSERT_TRUE(before.ok()) << before.status().ToString();
    ASSERT_EQ(VerifyGraph(**before).ToString(), "ok");
    const std::unique_ptr<Graph> made = pass_.run(**before);
    EXPECT_EQ(VerifyGraph(*made).ToString(), "ok");
    const std::string expected = Trim(text.substr(arrow + 2));
    if (expected == "same") {
      EXPECT_EQ(Canonical(*made), Canonical(**before));
      return;
    }
    Result<std::unique_ptr<Graph>> after = ParseGraph(expected);
    ASSERT_TRUE(after.ok()) << after.status().ToString();
    EXPECT_EQ(Canonical(*made), Canonical(**after));
  }

  const std::string path_;
  const PassEntry pass_;
};

}  // namespace

// A pass without a file fails.
void RegisterPasses(const std::string& folder) {
  for (const PassEntry& pass : PassTable()) {
    const std::string name = pass.name;
    if (name[name.size() - 2] == '-') continue;  // simplify-2: a later turn of another entry
    std::string file = name;
    std::replace(file.begin(), file.end(), '-', '_');
    const std::string path = folder + "/" + file + ".test";
    testing::RegisterTest("Passes", file.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [path, pass]() -> testing::Test* { return new PassTest(path, pass); });
  }
}

}  // namespace belay

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  belay::RegisterPasses(BELAY_SOURCE_DIR "/tests/passes");
  return RUN_ALL_TESTS();
}
