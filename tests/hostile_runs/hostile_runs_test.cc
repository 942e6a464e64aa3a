// Models that the fuzzer found (tools/fuzz, `run`), or of a kind with such, each once the end of a process that
// imported, compiled and ran it, or kept it busy for minutes. Those in models/ are refused now, those in runnable/ run.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "run_graph.h"

namespace {

void RunAll(const char* folder, bool runs) {
  int files = 0;
  const std::filesystem::path here = BELAY_SOURCE_DIR "/tests/hostile_runs";
  for (const auto& entry : std::filesystem::directory_iterator(here / folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    EXPECT_FALSE(bytes.empty());
    EXPECT_EQ(belay::fuzz::RunOnnx(bytes), runs) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0);
}

TEST(HostileRuns, AreRefused) { RunAll("models", false); }
TEST(HostileRuns, Run) { RunAll("runnable", true); }

}  // namespace
