// Random graphs through the whole pipeline against the interpreter, and the pipeline against itself
// with one pass left out. --graphs=N --first=SEED for more than CI runs; --digest prints what the
// outputs' bytes are.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "compile/pipeline.h"
#include "graph/interpret.h"
#include "random/generator.h"
#include "support/engine.h"

namespace belay {
namespace {

int graph_count = 100;
uint64_t first_seed = 1;

std::string CheckOutputs(const RandomGraph& random, const Result<Literals>& got,
                         const Literals& want) {
  if (!got.ok()) return got.status().ToString();
  for (size_t i = 0; i < want.size(); ++i) {
    // The worst case of long chains is far from what happens: errors stay near the steps of the
    // numbers.
    double magnitude = 1;
    for (double v : LiteralToDoubles(*want[i]))
      magnitude = std::isfinite(v) ? std::max(magnitude, std::fabs(v)) : magnitude;
    const Tolerance tolerance{
        0, 0, std::min(random.allowed_errors[i], 16 * random.grains[i] * magnitude)};
    const std::string wrong = Compare(*(*got)[i], *want[i], tolerance);
    if (!wrong.empty()) return fmt::format("output {}: {}", i, wrong);
  }
  return "";
}

bool GuardsHold(const Graph& graph, const std::vector<int64_t>& extents) {
  for (const Guard& g : graph.guards) {
    if ((g.condition.Evaluate(extents) != 0) != g.expected) return false;
  }
  return true;
}

// Other extents that keep equal ones equal and 1 as it is.
std::vector<int64_t> Grown(std::vector<int64_t> extents, int64_t by) {
  for (int64_t& e : extents) e = e == 1 ? 1 : e + by;
  return extents;
}

// What is wrong with the compiled graph at these extents; empty when nothing.
std::string CheckPlan(const RandomGraph& random, const std::shared_ptr<const Plan>& plan,
                      const std::vector<int64_t>& extents, uint64_t seed) {
  const Literals inputs = RandomInputs(random, extents, seed);
  const Result<Literals> want = Interpret(*random.graph, inputs, extents);
  if (!want.ok()) return "reference: " + want.status().ToString();
  Literals after;
  Result<Literals> got = RunPlan(plan, inputs, &after);
  if (!got.ok()) return got.status().ToString();
  std::vector<char> stored(inputs.size(), 0);
  for (const Store& s : random.graph->stores) {
    got->push_back(after[s.input]);
    stored[s.input] = 1;
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string wrong = stored[i] ? "" : Compare(*after[i], *inputs[i], {});
    if (!wrong.empty()) return fmt::format("input {}, which nothing writes: {}", i, wrong);
  }
  return CheckOutputs(random, got, *want);
}

std::string CheckSeed(uint64_t seed, Backend& backend, const std::vector<std::string>& without) {
  const RandomGraph random = GenerateGraph(seed, seed % 16 == 0);
  Status legal = VerifyGraph(*random.graph);
  if (!legal.ok()) return legal.ToString();
  CompileOptions options;
  options.backend = &backend;
  options.disabled_passes = without;
  const Result<std::shared_ptr<const Plan>> plan = CompileGraph(*random.graph, options);
  if (!plan.ok()) return plan.status().ToString();
  std::string wrong = CheckPlan(random, *plan, random.extents, seed);
  const std::vector<int64_t> grown = Grown(random.extents, 1 + static_cast<int64_t>(seed % 9));
  if (wrong.empty() && !grown.empty() && GuardsHold(*random.graph, grown)) {
    wrong = CheckPlan(random, *plan, grown, seed + 1);
    if (!wrong.empty()) wrong = "with other extents: " + wrong;
  }
  return wrong.empty() ? "" : wrong + "\n" + PrintGraph(*random.graph);
}

TEST(RandomGraphs, TheCpuAgreesWithTheInterpreter) {
  for (int i = 0; i < graph_count; ++i) {
    const uint64_t seed = first_seed + static_cast<uint64_t>(i);
    EXPECT_EQ(CheckSeed(seed, CpuBackend(), {}), "") << "seed " << seed;
  }
}

// Interpreted kernels: what a pass does shows without compiling each variant.
TEST(RandomGraphs, EveryPassCanBeLeftOut) {
  for (int i = 0; i < graph_count; ++i) {
    const uint64_t seed = first_seed + static_cast<uint64_t>(i);
    if (seed % 16 == 0) continue;
    EXPECT_EQ(CheckSeed(seed, RefBackend(), {}), "") << "seed " << seed << " with all passes";
    for (const PassEntry& pass : PassTable()) {
      EXPECT_EQ(CheckSeed(seed, RefBackend(), {pass.name}), "")
          << "seed " << seed << " without " << pass.name;
    }
  }
}

// One line per graph: the same on every number of threads.
int PrintDigests() {
  for (int i = 0; i < graph_count; ++i) {
    const uint64_t seed = first_seed + static_cast<uint64_t>(i);
    const RandomGraph random = GenerateGraph(seed, true);
    const Result<std::shared_ptr<const Plan>> plan = CompileGraph(*random.graph);
    if (!plan.ok()) return std::fprintf(stderr, "%s\n", plan.status().ToString().c_str()), 1;
    const Result<Literals> out = RunPlan(*plan, RandomInputs(random, random.extents, seed));
    if (!out.ok()) return std::fprintf(stderr, "%s\n", out.status().ToString().c_str()), 1;
    uint64_t hash = 1469598103934665603u;
    for (const LiteralPtr& x : *out) {
      for (int64_t b = 0; b < x->ByteSize(); ++b)
        hash = (hash ^ x->as<uint8_t>()[b]) * 1099511628211u;
    }
    std::printf("%llu %016llx\n", static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(hash));
  }
  return 0;
}

}  // namespace
}  // namespace belay

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  bool digest = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--graphs=", 9) == 0) belay::graph_count = std::atoi(argv[i] + 9);
    if (std::strncmp(argv[i], "--first=", 8) == 0)
      belay::first_seed = std::strtoull(argv[i] + 8, nullptr, 10);
    digest = digest || std::strcmp(argv[i], "--digest") == 0;
  }
  return digest ? belay::PrintDigests() : RUN_ALL_TESTS();
}
