// BELAY_REPORT: what the demo program used, and how real each was.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

class Usage : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("belay_usage_" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  // Lines of the report; empty when none was written.
  std::set<std::string> Run(const std::string& setting, const char* argument) {
    const std::string command = setting + " " + BELAY_USAGE_DEMO + " " + argument;
    EXPECT_EQ(system(command.c_str()), 0) << command;
    std::set<std::string> lines;
    std::ifstream in(folder_ / "report");
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
  }
  size_t Files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {})); }

  fs::path folder_;
};

TEST_F(Usage, CallsOptionsAndErrors) {
  const std::set<std::string> lines = Run("BELAY_REPORT=" + (folder_ / "report").string(), "");
  for (const char* line : {
           "kind\treality\tcount\tname\tremark",
           "call\tfull\t3\tge::Session::RemoveGraph(unsigned int)\t",
           "call\trefused\t3\tge::Session::ShardGraphsToFile(char const*) const\t",
           "call\tfull\t1\tge::GEFinalize()\t",
           "call\tfull\t1\taclrtSetDevice\t",
           "call\tno effect\t1\taclrtSetOpExecuteTimeOut\t",
           "call\trefused\t1\taclmdlLoadFromFile\t",
           "option\tno effect\t1\tge.jit_compile=2\tkernels are made while a graph is compiled",
           "option\tunknown\t3\tsome.client=a b\t",
           "option\trefused\t1\tge.insertOpFile=aipp.cfg\tpreprocessing of images (AIPP) is not built",
       }) {
    EXPECT_TRUE(lines.count(line)) << line;
  }
  bool told = false;
  for (const std::string& line : lines) {
    told = told || (line.starts_with("error\t\t1\tSession 1") && line.find("has no graph 7") != std::string::npos);
    EXPECT_EQ(line.find("GetName"), std::string::npos) << "a call of our own: " << line;
  }
  EXPECT_TRUE(told);
  EXPECT_EQ(Files(), 1u);
}

TEST_F(Usage, AForkedChildHasAFileOfItsOwn) {
  EXPECT_FALSE(Run("BELAY_REPORT=" + (folder_ / "report").string(), "fork").empty());
  EXPECT_EQ(Files(), 2u);
}

TEST_F(Usage, NothingIsWrittenWhenNotAskedFor) {
  EXPECT_TRUE(Run("BELAY_REPORT=", "").empty());
  EXPECT_TRUE(Run("", "").empty());
  EXPECT_EQ(Files(), 0u);
}

}  // namespace
