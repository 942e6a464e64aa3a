// Models that the fuzzer found (tools/fuzz, `run`), each once the end of a process that imported, compiled and ran it:
// now they are refused.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "run_graph.h"

namespace {

TEST(HostileRuns, WhatWasFoundOnce) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(BELAY_SOURCE_DIR "/tests/hostile_runs/models")) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    EXPECT_FALSE(bytes.empty());
    EXPECT_FALSE(belay::fuzz::RunOnnx(bytes)) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
