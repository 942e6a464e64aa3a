// DUMP_GE_GRAPH in a program: limits by options, variants made by calls, and failures that leave the session as it was.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "api_ge/ge_fixture.h"

namespace belay_test {
namespace {

namespace fs = std::filesystem;

class DumpTest : public GeTest {
 protected:
  void SetUp() override {
    GeTest::SetUp();
    char name[] = "/tmp/belay_dump_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    setenv("DUMP_GE_GRAPH", "2", 1);
    setenv("DUMP_GRAPH_PATH", name, 1);
    (void)ge::GEGetWarningMsgV2();
  }
  void TearDown() override {
    unsetenv("DUMP_GE_GRAPH");
    unsetenv("DUMP_GRAPH_LEVEL");
    unsetenv("DUMP_GRAPH_PATH");
    fs::remove_all(folder_);
    GeTest::TearDown();
  }
  // Files whose name holds `part`.
  int Count(const std::string& part) const {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      count += entry.is_regular_file() && entry.path().filename().string().find(part) != std::string::npos;
    }
    return count;
  }
  // Adds and compiles; the warnings.
  std::string Warnings(const Options& options, uint32_t id = 1) {
    ge::Session session(Options{});
    EXPECT_EQ(session.AddGraph(id, Twice({4}), options), ge::SUCCESS) << TakeErrors();
    EXPECT_EQ(session.CompileGraph(id), ge::SUCCESS) << TakeErrors();
    return ge::GEGetWarningMsgV2().GetString();
  }

  fs::path folder_;
};

TEST_F(DumpTest, NamesSayGraphAndStage) {
  EXPECT_EQ(Warnings({}, 27), "");
  EXPECT_EQ(Count("_graph_27_PreRunBegin"), 2);
  EXPECT_EQ(Count("_graph_27_PreRunAfterInferShape"), 2);
  EXPECT_EQ(Count("_graph_27_Build"), 3);
  setenv("DUMP_GE_GRAPH", "", 1);
  EXPECT_EQ(Warnings({}, 28), "");
  EXPECT_EQ(Count("_graph_28_"), 0);
}

TEST_F(DumpTest, OptionsLimitFiles) {
  const auto warns = [this](const Options& options, uint32_t id, const char* part) {
    const std::string warnings = Warnings(options, id);
    EXPECT_NE(warnings.find(part), std::string::npos) << warnings;
  };
  warns({{"ge.maxDumpFileNum", "3"}}, 1, "graph 1 is dumped no further: ge.maxDumpFileNum allows 3");
  EXPECT_EQ(Count("_graph_1_"), 3);
  warns({{"ge.maxDumpOpNum", "1"}}, 2, "it has 2 nodes, but ge.maxDumpOpNum is 1");
  EXPECT_EQ(Count("_graph_2_"), 0);
  warns({{"ge.maxDumpFileSize", "10 * (5UL)"}}, 3, "ge.maxDumpFileSize is 50");
  EXPECT_EQ(Count("_graph_3_"), 0);
  EXPECT_EQ(Warnings({{"ge.maxDumpFileNum", "0"}, {"ge.maxDumpFileSize", "1000000"}}, 4), "");
  EXPECT_EQ(Count("_graph_4_"), 7);
}

TEST_F(DumpTest, EveryVariantIsDumped) {
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, Twice({-2})), ge::SUCCESS);
  std::vector<ge::Tensor> out;
  ASSERT_EQ(session.RunGraph(1, {HostTensor({4}, {1, 2, 3, 4})}, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(Count("_Build.txt"), 1);
  ASSERT_EQ(session.RunGraph(1, {HostTensor({2, 2}, {1, 2, 3, 4})}, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(Count("_Build.txt"), 2);
}

TEST_F(DumpTest, FailuresLeaveTheSession) {
  std::ofstream(folder_ / "file") << "not a folder";
  setenv("DUMP_GRAPH_PATH", (folder_ / "file").c_str(), 1);
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, Twice({4})), ge::SUCCESS);
  std::vector<ge::Tensor> out;
  ASSERT_EQ(session.RunGraph(1, {HostTensor({4}, {1, 2, 3, 4})}, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(Floats(out.at(0)), (std::vector<float>{2, 4, 6, 8}));
  const std::string warnings = ge::GEGetWarningMsgV2().GetString();
  EXPECT_NE(warnings.find("graph 1 is dumped no further"), std::string::npos) << warnings;
  EXPECT_EQ(std::count(warnings.begin(), warnings.end(), '\n'), 1) << warnings;
}

}  // namespace
}  // namespace belay_test
