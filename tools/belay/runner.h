// One model through the public API: parse, add, compile, load, execute on a stream.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "array.h"

namespace belay::tool {

struct RunnerOptions {
  std::string precision = "origin";                    // or bf16
  std::map<std::string, std::vector<int64_t>> shapes;  // fixes extents of inputs
  bool progress = false;                               // a line on stderr while it compiles
};

struct RunnerTimes {
  double parse_s = 0, compile_s = 0, load_s = 0;
};

class Runner {
 public:
  ~Runner();
  // `model` is a file name, or a model's bytes when from_memory.
  static Result<std::unique_ptr<Runner>> Make(const std::string& model, bool from_memory,
                                              size_t outputs, const RunnerOptions& options);
  const RunnerTimes& times() const { return times_; }
  // Copies to device memory; one array per graph input that is fed, in the model's order.
  Status SetInputs(const std::vector<Array>& inputs);
  // Puts one run on the stream. The first one lets the engine allocate the outputs, later ones reuse them.
  Status Launch();
  Status Synchronize();
  Result<std::vector<Array>> Outputs();
  Result<std::string> DebugJson();  // GeSessionGraphDebugJSONPrint's

 private:
  struct State;
  Runner();
  Status Start(const std::string& model, bool from_memory, const RunnerOptions& options);
  std::unique_ptr<State> state_;
  RunnerTimes times_;
};

// Before calls of a Runner on another thread than the one that made it.
Status EnterThread();
// GEInitialize once; must come before the first Runner.
Status InitializeEngine(int threads);
void FinalizeEngine();

}  // namespace belay::tool
