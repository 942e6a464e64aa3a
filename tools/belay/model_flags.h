// Flags that `run` and `bench` share, and the inputs and shapes that follow from them.
#pragma once
#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "pb.h"
#include "runner.h"

namespace belay::tool {

struct ModelFlags {
  std::string model;
  std::vector<std::string> inputs;  // NAME=FILE.npy|zeros|random:SEED
  std::vector<std::string> shapes;  // NAME=1x3x224x224
  bool dynamic = false;
  int threads = 0;
  std::string precision = "origin";

  void Add(CLI::App* command);
};

// A model ready to run with the inputs that the flags ask for.
struct PreparedModel {
  ModelInfo info;
  std::unique_ptr<Runner> runner;
  double load_s = 0;  // everything from the program's start to the first possible run
};
Result<PreparedModel> Prepare(const ModelFlags& flags, bool progress);

// "1x3x224x224", or "scalar".
Result<std::vector<int64_t>> ParseShape(const std::string& name, const std::string& text);

// Prints a message as this program's last word; its exit status.
int Fail(const Status& status);

}  // namespace belay::tool
