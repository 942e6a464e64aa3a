// Steps that write over an operand: the same bytes as beside it.
#include <algorithm>
#include <functional>

#include "base/thread_pool.h"
#include "compile/pipeline.h"
#include "graph/builder.h"
#include "gtest/gtest.h"
#include "support/engine.h"

namespace belay {
namespace {

using LayerFn = std::function<Tensor(Builder&, const Tensor&)>;

LiteralPtr Some(const std::vector<int64_t>& dims, uint64_t seed) {
  return RandomLiteral(DType::kF32, dims, -1, 1, seed);
}

LayerFn Convolution(int64_t kernel, int64_t inputs, int64_t outputs, int64_t groups = 1) {
  return [=](Builder& b, const Tensor& x) {
    Window w;
    w.kernel = {kernel, kernel};
    w.strides = w.dilations = {1, 1};
    w.pads_lo = {Dim(kernel / 2), Dim(kernel / 2)};
    w.groups = groups;
    const Tensor filter = b.Constant(Some({kernel, kernel, inputs / groups, outputs}, 3));
    return Conv(x, filter, w, {Dim(kernel / 2), Dim(kernel / 2)}, DType::kF32);
  };
}

LayerFn Product(int64_t depth) {
  return [=](Builder& b, const Tensor& x) { return MatMul(x, b.Constant(Some({depth, depth}, 4)), DType::kF32); };
}

LayerFn Maximum() {
  return [](Builder&, const Tensor& x) {
    Window w;
    w.kernel = {3, 3};
    w.strides = w.dilations = {1, 1};
    w.pads_lo = {Dim(1), Dim(1)};
    return Pool(ReduceKind::kMax, x, w, {Dim(1), Dim(1)}, false);
  };
}

// r = exp(x); y = max(layer(layer(r)) + r, 0.1); what is returned comes from y, and from r as well if it is `kept`.
std::unique_ptr<Graph> Residual(const Shape& shape, const LayerFn& layer, bool kept) {
  auto graph = std::make_unique<Graph>();
  Builder b(graph.get());
  const Tensor r = Exp(b.Wrap(graph->AddInput(0, {DType::kF32, shape})));
  const Tensor y = Max(layer(b, layer(b, r)) + r, 0.1);
  graph->outputs = {Sum(layer(b, y), {1}).node()};
  graph->output_names = {"sums"};
  if (kept) {
    graph->outputs.push_back(Sum(r, {0}).node());
    graph->output_names.push_back("kept");
  }
  return graph;
}

int Overwriting(const Plan& plan) {
  int count = 0;
  for (const Step& step : plan.steps) {
    for (int slot : step.outputs) count += std::count(step.inputs.begin(), step.inputs.end(), slot);
  }
  return count;
}

void CheckBytes(const std::vector<int64_t>& dims, const LayerFn& layer, Precision precision = Precision::kOrigin) {
  const auto graph = Residual(Shape(dims.begin(), dims.end()), layer, false);
  CompileOptions options;
  options.precision = precision;
  const auto over = CompileGraph(*graph, options);
  options.disabled_passes = {"overwrite"};
  const auto beside = CompileGraph(*graph, options);
  ASSERT_TRUE(over.ok() && beside.ok());
  EXPECT_EQ(Overwriting(**over), 1) << PrintPlan(**over);
  EXPECT_EQ(Overwriting(**beside), 0);
  const Literals inputs = {Some(dims, 5)};
  const auto want = RunPlan(*beside, inputs);
  ASSERT_TRUE(want.ok()) << want.status().ToString();
  for (int threads : {1, 2, 3}) {
    SetThreadCount(threads);
    const auto got = RunPlan(*over, inputs);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    EXPECT_EQ(Compare(*(*got)[0], *(*want)[0], {}), "") << threads << " threads\n" << PrintPlan(**over);
  }
  SetThreadCount(2);
}

TEST(Overwrite, SameBytesAsBeside) {
  CheckBytes({2, 23, 17, 48}, Convolution(1, 48, 48));       // a product of pixels by filters
  CheckBytes({1, 30, 34, 64}, Convolution(3, 64, 64));       // Winograd
  CheckBytes({1, 23, 17, 48}, Convolution(3, 48, 48, 48));   // depthwise
  CheckBytes({1, 40, 37, 16}, Convolution(5, 16, 16));
  CheckBytes({1, 23, 17, 48}, Convolution(3, 48, 48, 4));    // groups
  CheckBytes({1, 23, 17, 48}, Maximum());
  CheckBytes({37, 80}, Product(80));
  CheckBytes({1, 80}, Product(80));
  CheckBytes({19, 1904}, Product(1904));                     // sums in several blocks of k
  CheckBytes({2, 23, 17, 64}, Convolution(1, 64, 64), Precision::kBF16);
  CheckBytes({1, 23, 28, 64}, Convolution(3, 64, 64), Precision::kBF16);
}

TEST(Overwrite, NoRowsThatEndWithinALine) {
  const auto plan = CompileGraph(*Residual({2, 23, 17, 40}, Convolution(1, 40, 40), false), {});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(Overwriting(**plan), 0) << PrintPlan(**plan);
}

TEST(Overwrite, WhatIsReadLaterStays) {
  const auto graph = Residual({1, 23, 17, 48}, Convolution(1, 48, 48), true);
  const auto plan = CompileGraph(*graph, {});
  ASSERT_TRUE(plan.ok());
  const int last = static_cast<int>((*plan)->steps.size()) - 1;
  const int r = (*plan)->steps[0].outputs[0];
  EXPECT_EQ((*plan)->slots[r].last_step, last) << PrintPlan(**plan);
  for (int i = 1; i < last; ++i) EXPECT_NE((*plan)->steps[i].outputs[0], r) << PrintPlan(**plan);
}

// The first stage of a chain still reads what the last one would write over.
TEST(Overwrite, StepsOfChainsStay) {
  const auto graph = Residual({1, 230, 64, 16}, Convolution(1, 16, 16), false);
  CompileOptions options;
  options.cache_bytes = 450 << 10;
  const auto plan = CompileGraph(*graph, options);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ((*plan)->chains.size(), 1u) << PrintPlan(**plan);
  EXPECT_EQ(Overwriting(**plan), 0) << PrintPlan(**plan);
}

}  // namespace
}  // namespace belay
