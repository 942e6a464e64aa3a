// Concatenations whose operands are written where they lie: the same bytes as copied.
#include <algorithm>
#include <functional>

#include "backend/backend.h"
#include "base/thread_pool.h"
#include "compile/pipeline.h"
#include "graph/builder.h"
#include "gtest/gtest.h"
#include "support/engine.h"

namespace belay {
namespace {

LiteralPtr Some(const std::vector<int64_t>& dims, uint64_t seed, DType dtype = DType::kF32) {
  return RandomLiteral(dtype, dims, dtype == DType::kF32 ? -1 : -9, dtype == DType::kF32 ? 1 : 9, seed);
}

Tensor Convolution(Builder& b, const Tensor& x, int64_t kernel, int64_t inputs, int64_t outputs, int64_t groups = 1,
                   DType dtype = DType::kF32) {
  Window w;
  w.kernel = {kernel, kernel};
  w.strides = w.dilations = {1, 1};
  w.pads_lo = {Dim(kernel / 2), Dim(kernel / 2)};
  w.groups = groups;
  const Tensor filter = b.Constant(Some({kernel, kernel, inputs / groups, outputs}, 3, dtype));
  return Conv(x, filter, w, {Dim(kernel / 2), Dim(kernel / 2)}, dtype == DType::kF32 ? dtype : DType::kI32);
}

Tensor Maximum(const Tensor& x) {
  Window w;
  w.kernel = {3, 3};
  w.strides = w.dilations = {1, 1};
  w.pads_lo = {Dim(1), Dim(1)};
  return Pool(ReduceKind::kMax, x, w, {Dim(1), Dim(1)}, false);
}

using NetFn = std::function<Tensor(Builder&, const Tensor&)>;

std::unique_ptr<Graph> Net(const Shape& shape, const NetFn& net, DType dtype = DType::kF32) {
  auto graph = std::make_unique<Graph>();
  Builder b(graph.get());
  graph->outputs = {net(b, b.Wrap(graph->AddInput(0, {dtype, shape}))).node()};
  graph->output_names = {"y"};
  return graph;
}

int PartsOf(const Plan& plan) {
  return static_cast<int>(std::count_if(plan.steps.begin(), plan.steps.end(), [](const Step& s) { return s.part; }));
}

// `parts` steps write a part of a concatenation.
void CheckBytes(const Graph& graph, const LiteralPtr& input, int parts) {
  CompileOptions options;
  const auto placed = CompileGraph(graph, options);
  options.backend = &RefBackend();
  const auto interpreted = CompileGraph(graph, options);
  options.backend = nullptr;
  options.disabled_passes = {"place-parts"};
  const auto copied = CompileGraph(graph, options);
  ASSERT_TRUE(placed.ok() && interpreted.ok() && copied.ok());
  EXPECT_EQ(PartsOf(**placed), parts) << PrintPlan(**placed);
  EXPECT_EQ(PartsOf(**interpreted), parts);
  EXPECT_EQ(PartsOf(**copied), 0);
  const auto want = RunPlan(*copied, {input});
  ASSERT_TRUE(want.ok()) << want.status().ToString();
  for (int threads : {1, 2, 3}) {
    SetThreadCount(threads);
    const auto got = RunPlan(*placed, {input});
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    EXPECT_EQ(Compare(*(*got)[0], *(*want)[0], {}), "") << threads << " threads\n" << PrintPlan(**placed);
  }
  SetThreadCount(2);
  const auto reference = RunPlan(*interpreted, {input});
  ASSERT_TRUE(reference.ok()) << reference.status().ToString();
  EXPECT_EQ(Compare(*(*reference)[0], *(*want)[0], {.relative = 1e-4}), "") << PrintPlan(**placed);
}

void CheckNet(const std::vector<int64_t>& dims, const NetFn& net, int parts) {
  CheckBytes(*Net(Shape(dims.begin(), dims.end()), net), Some(dims, 5), parts);
}

// A stage of YOLO: halves of a product, the second one through layers that each join what is concatenated.
TEST(PlaceParts, WhatOthersReadToo) {
  const NetFn net = [](Builder& b, const Tensor& x) {
    const Tensor a = Max(Convolution(b, x, 1, 48, 64), 0);
    const Tensor half = Slice(a, 3, 32, 32);
    const Tensor c = Max(Convolution(b, half, 3, 32, 32), 0) + half;
    const Tensor d = Max(Convolution(b, Convolution(b, c, 3, 32, 32, 32), 1, 32, 32), 0) + c;
    return Convolution(b, Concat({Slice(a, 3, 0, 32), half, c, d}, 3), 1, 128, 40);
  };
  CheckNet({1, 21, 30, 48}, net, 3);
  CheckNet({2, 7, 9, 48}, net, 3);
}

TEST(PlaceParts, KernelsOfEveryKind) {
  const auto joined = [](auto make) {
    return [=](Builder& b, const Tensor& x) {
      const Tensor y = make(b, x);
      return Max(Concat({Exp(Sum(x, {3}, true) * 0.01) * x, y}, 3), 0.1) * 2.0;
    };
  };
  const std::vector<int64_t> dims = {2, 24, 21, 32};
  CheckNet(dims, joined([](Builder& b, const Tensor& x) { return Convolution(b, x, 1, 32, 16); }), 2);
  CheckNet(dims, joined([](Builder& b, const Tensor& x) { return Convolution(b, x, 3, 32, 64); }), 2);  // Winograd
  CheckNet(dims, joined([](Builder& b, const Tensor& x) { return Convolution(b, x, 5, 32, 32, 32); }), 2);
  CheckNet(dims, joined([](Builder& b, const Tensor& x) { return Convolution(b, x, 3, 32, 48, 4); }), 2);
  CheckNet(dims, joined([](Builder&, const Tensor& x) { return Maximum(x); }), 2);
  CheckNet(dims, joined([](Builder& b, const Tensor& x) {
    return Reshape(MatMul(Reshape(x, {1008, 32}), b.Constant(Some({32, 80}, 4)), DType::kF32), {2, 24, 21, 80});
  }), 2);
}

TEST(PlaceParts, Bytes) {
  const NetFn net = [](Builder& b, const Tensor& x) {
    const auto layer = [&](const Tensor& from, int64_t kernel, int64_t inputs, int64_t groups) {
      return Cast(Min(Max(Convolution(b, from, kernel, inputs, 64, groups, DType::kI8), -90), 90), DType::kI8);
    };
    const Tensor a = layer(x, 1, 48, 1), c = layer(a, 3, 64, 64), d = layer(c, 3, 64, 1);
    return Convolution(b, Concat({a, c, d}, 3), 1, 192, 40, 1, DType::kI8);
  };
  CheckBytes(*Net({1, 15, 14, 48}, net, DType::kI8), Some({1, 15, 14, 48}, 5, DType::kI8), 3);
}

// Rows of a matrix behind those of another, as a class token before its patches.
TEST(PlaceParts, Rows) {
  const auto net = [](Builder& b, const Tensor& x) {
    const auto product = [&](uint64_t seed) { return MatMul(x, b.Constant(Some({32, 32}, seed)), DType::kF32); };
    const Tensor all = Concat({Max(product(4), 0.25), Sum(Exp(x), {1}, true), product(7)}, 1);
    return MatMul(all, b.Constant(Some({32, 8}, 6)), DType::kF32);
  };
  CheckNet({1, 19, 32}, net, 3);
  CheckNet({3, 19, 32}, net, 0);  // rows of several matrices are not evenly spaced
}

TEST(PlaceParts, WhatHasNoPlaceIsCopied) {
  // twice the same operand
  CheckNet({1, 9, 8, 16}, [](Builder& b, const Tensor& x) {
    const Tensor y = Convolution(b, x, 1, 16, 16);
    return Exp(Convolution(b, Concat({y, y}, 3), 1, 32, 16));
  }, 0);
  // the input itself, and a result that another reads under another shape
  CheckNet({1, 9, 8, 16}, [](Builder& b, const Tensor& x) {
    const Tensor y = Convolution(b, x, 1, 16, 16), z = Convolution(b, y, 3, 16, 16);
    const Tensor e = Exp(Reshape(y, {1, 9, 128}));
    return Convolution(b, Concat({x, y, z}, 3), 1, 48, 16) + Reshape(e / Sum(e, {2}), {1, 9, 8, 16});
  }, 0);
  // one that is copied beside two that are written there
  CheckNet({1, 9, 8, 16}, [](Builder& b, const Tensor& x) {
    const Tensor y = Convolution(b, x, 1, 16, 16), z = Convolution(b, y, 3, 16, 16);
    return Convolution(b, Concat({y, x, z}, 3), 1, 48, 16);
  }, 3);
  // rows that share lines of the cache
  CheckNet({1, 9, 8, 16}, [](Builder& b, const Tensor& x) {
    return Convolution(b, Concat({Convolution(b, x, 1, 16, 24), Convolution(b, x, 3, 16, 24)}, 3), 1, 48, 16);
  }, 0);
  // an output of the graph
  CheckNet({1, 9, 8, 16}, [](Builder& b, const Tensor& x) {
    return Concat({Convolution(b, x, 1, 16, 16), Convolution(b, x, 3, 16, 16)}, 3);
  }, 0);
  // a concatenation is no part of another
  CheckNet({1, 9, 8, 16}, [](Builder& b, const Tensor& x) {
    const Tensor y = Convolution(b, x, 1, 16, 16), z = Convolution(b, y, 3, 16, 16);
    const Tensor both = Concat({y, z}, 3);
    return Convolution(b, Concat({both, Convolution(b, both, 1, 32, 16)}, 3), 1, 48, 16);
  }, 4);
}

TEST(PlaceParts, OpenExtents) {
  auto graph = std::make_unique<Graph>();
  for (int d = 0; d < 2; ++d) graph->symbols.push_back({"s" + std::to_string(d), 0, d + 1, -1});
  Builder b(graph.get());
  const Tensor x = b.Wrap(graph->AddInput(0, {DType::kF32, {1, Dim::Symbol(0), Dim::Symbol(1), 16}}));
  const Tensor y = Max(Convolution(b, x, 3, 16, 32), 0), z = Convolution(b, y, 1, 32, 16);
  graph->outputs = {Convolution(b, Concat({y, Maximum(y), z}, 3), 1, 80, 16).node()};
  graph->output_names = {"y"};
  CheckBytes(*graph, Some({1, 13, 18, 16}, 5), 3);
}

TEST(PlaceParts, OpenRows) {
  auto graph = std::make_unique<Graph>();
  graph->symbols.push_back({"s0", 0, 1, -1});
  Builder b(graph.get());
  const Tensor x = b.Wrap(graph->AddInput(0, {DType::kF32, {1, Dim::Symbol(0), 16}}));
  const auto product = [&](uint64_t seed) { return MatMul(x, b.Constant(Some({16, 40}, seed)), DType::kF32); };
  const Tensor all = Concat({product(3), Exp(product(4)), product(5) * 2.0}, 1);
  graph->outputs = {MatMul(all, b.Constant(Some({40, 8}, 6)), DType::kF32).node()};
  graph->output_names = {"y"};
  CheckBytes(*graph, Some({1, 13, 16}, 5), 3);
}

}  // namespace
}  // namespace belay
