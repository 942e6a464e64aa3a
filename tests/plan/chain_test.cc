// Steps that run together, a few rows at a time: the same bytes as one after the other.
#include <cmath>
#include <numeric>

#include "base/thread_pool.h"
#include "compile/pipeline.h"
#include "graph/builder.h"
#include "gtest/gtest.h"
#include "support/engine.h"

namespace belay {
namespace {

struct Depthwise {
  int64_t kernel, stride, pad, dilation;
};
struct Network {
  int64_t images, rows, columns, channels;
  std::vector<Depthwise> blocks;  // each: 1x1 to twice the channels, depthwise, 1x1 back
};

LiteralPtr Waves(const std::vector<int64_t>& dims, double step) {
  std::vector<double> values(static_cast<size_t>(
      std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<int64_t>())));
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(step * static_cast<double>(i));
  return LiteralFromDoubles(DType::kF32, dims, values);
}

Tensor Layer(Builder& b, const Tensor& x, int64_t outputs, const Depthwise& d, bool depthwise) {
  const int64_t channels = x.dim(-1).value(), groups = depthwise ? channels : 1;
  Window w;
  w.kernel = {d.kernel, d.kernel};
  w.strides = {d.stride, d.stride};
  w.dilations = {d.dilation, d.dilation};
  w.pads_lo = {Dim(d.pad), Dim(d.pad)};
  w.groups = groups;
  const LiteralPtr filter = Waves({d.kernel, d.kernel, channels / groups, outputs}, 0.7 + 0.01 * d.kernel);
  return Max(Conv(x, b.Constant(filter), w, {Dim(d.pad), Dim(d.pad)}, DType::kF32), -0.1);
}

std::shared_ptr<Graph> Make(const Network& n) {
  auto graph = std::make_shared<Graph>();
  Builder b(graph.get());
  Tensor x = b.Wrap(graph->AddInput(0, {DType::kF32, {n.images, n.rows, n.columns, n.channels}}));
  for (const Depthwise& d : n.blocks) {
    Tensor y = Layer(b, x, 2 * n.channels, {1, 1, 0, 1}, false);
    y = Layer(b, y, 2 * n.channels, d, true);
    x = Layer(b, y, n.channels, {1, 1, 0, 1}, false);
  }
  graph->outputs = {Sum(x, {1}).node()};
  graph->output_names = {"sums"};
  return graph;
}

std::vector<char> Bytes(const std::vector<LiteralPtr>& literals) {
  std::vector<char> bytes;
  for (const LiteralPtr& l : literals) {
    const char* data = static_cast<const char*>(l->data());
    bytes.insert(bytes.end(), data, data + l->ByteSize());
  }
  return bytes;
}

// Compiled as chains of at least so many steps; the same bytes as step by step.
void CheckTogether(const std::shared_ptr<Graph>& graph, const std::vector<LiteralPtr>& inputs, int64_t cache_bytes,
                   size_t fewest_steps, Precision precision = Precision::kOrigin) {
  CompileOptions options;
  options.precision = precision;
  options.cache_bytes = cache_bytes;
  const auto together = CompileGraph(*graph, options);
  options.disabled_passes = {"chains"};
  const auto apart = CompileGraph(*graph, options);
  ASSERT_TRUE(together.ok() && apart.ok());
  EXPECT_TRUE((*apart)->chains.empty());
  size_t steps = 0;
  for (const Chain& chain : (*together)->chains) steps += chain.stages.size();
  EXPECT_GE(steps, fewest_steps) << PrintPlan(**together);
  for (const Chain& chain : (*together)->chains) {
    const std::string& note = (*together)->steps[static_cast<size_t>(chain.first_step)].note;
    EXPECT_NE(note.find("runs by rows with the next step"), std::string::npos) << note;
  }
  const auto want = RunPlan(*apart, inputs);
  ASSERT_TRUE(want.ok()) << want.status().ToString();
  for (int threads : {1, 2, 3, 4}) {
    SetThreadCount(threads);
    const auto got = RunPlan(*together, inputs);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    EXPECT_EQ(Bytes(*got), Bytes(*want)) << threads << " threads";
  }
  SetThreadCount(2);
}

void CheckTogether(const Network& n, int64_t cache_bytes, size_t fewest_steps) {
  CheckTogether(Make(n), {Waves({n.images, n.rows, n.columns, n.channels}, 0.37)}, cache_bytes, fewest_steps);
}

struct Attention {
  int64_t groups, queries_a_group, rows, keys, depth;
  bool masked = false;
};

// Keys and values come from a product each, whose place in the order is free.
std::shared_ptr<Graph> Make(const Attention& a) {
  auto graph = std::make_shared<Graph>();
  Builder b(graph.get());
  const int64_t heads = a.groups * a.queries_a_group;
  const Tensor q = b.Wrap(graph->AddInput(0, {DType::kF32, {heads, a.rows, a.depth}}));
  const Tensor memory = b.Wrap(graph->AddInput(1, {DType::kF32, {a.groups, a.keys, a.depth}}));
  const auto projected = [&](double step) {
    const Tensor x = MatMul(memory, b.Constant(Waves({1, a.depth, a.depth}, step)), DType::kF32);
    const Tensor each = BroadcastTo(Reshape(x, {a.groups, 1, a.keys, a.depth}),
                                    {a.groups, a.queries_a_group, a.keys, a.depth});
    return Reshape(each, {heads, a.keys, a.depth});
  };
  Tensor scores = MatMul(q, Transpose(projected(0.3), {0, 2, 1}), DType::kF32) * 0.125;
  if (a.masked) {
    const Tensor row = b.Iota(DType::kI32, {heads, a.rows, a.keys}, 1);
    const Tensor column = b.Iota(DType::kI32, {heads, a.rows, a.keys}, 2);
    const Tensor low = b.Full({heads, a.rows, a.keys}, b.Scalar(DType::kF32, -1e9));
    scores = Select(Map(ScalarOp::kGe, row, column), scores, low);
  }
  const Tensor powers = Exp(scores - BroadcastTo(MaxOver(scores, {2}), {heads, a.rows, a.keys}));
  const Tensor weights = powers / BroadcastTo(Sum(powers, {2}), {heads, a.rows, a.keys});
  const Tensor result = MatMul(weights, projected(0.7), DType::kF32);
  graph->outputs = {Sum(result, {1}).node()};
  graph->output_names = {"sums"};
  return graph;
}

void CheckTogether(const Attention& a, int64_t cache_bytes, Precision precision = Precision::kOrigin) {
  const std::vector<LiteralPtr> inputs = {Waves({a.groups * a.queries_a_group, a.rows, a.depth}, 0.37),
                                          Waves({a.groups, a.keys, a.depth}, 0.11)};
  CheckTogether(Make(a), inputs, cache_bytes, 3, precision);
}

TEST(Chain, Attention) {
  CheckTogether(Attention{1, 4, 384, 256, 64}, 128 << 10);
  CheckTogether(Attention{4, 1, 397, 197, 40}, 128 << 10);
  CheckTogether(Attention{2, 3, 501, 167, 17}, 128 << 10);
  CheckTogether(Attention{2, 2, 399, 200, 64, true}, 128 << 10);
  CheckTogether(Attention{1, 2, 411, 643, 24, true}, 250 << 10);
  CheckTogether(Attention{1, 2, 500, 1100, 64}, 400 << 10);  // more keys than one block of a sum
  CheckTogether(Attention{3, 2, 330, 257, 33, false}, 96 << 10, Precision::kF16);
  CheckTogether(Attention{2, 2, 600, 400, 64, true}, 192 << 10, Precision::kBF16);
  CheckTogether(Attention{1, 8, 400, 400, 64}, 900 << 10, Precision::kBF16);  // f32 would stay apart
}

TEST(Chain, SameBytesAsStepByStep) {
  CheckTogether(Network{1, 230, 64, 16, {{3, 1, 1, 1}}}, 700 << 10, 2);
  CheckTogether(Network{3, 133, 57, 16, {{3, 2, 1, 1}, {5, 1, 2, 1}}}, 1000 << 10, 2);
  CheckTogether(Network{2, 150, 70, 16, {{3, 1, 0, 1}, {3, 1, 2, 2}}}, 1000 << 10, 2);
  CheckTogether(Network{8, 48, 50, 24, {{5, 2, 2, 1}, {3, 1, 1, 1}}}, 800 << 10, 2);
}

TEST(Chain, GroupsReadCoverTheWindow) {
  // Two images of 7 rows by 5 to 4 rows by 3: groups of one row each, read three at stride 2 with a pad of 1.
  ChainStage below, stage;
  below.order = {1, 5, 70};
  stage.order = {1, 3, 24};
  stage.in_rows = 7;
  stage.in_columns = 5;
  stage.out_rows = 4;
  stage.out_columns = 3;
  stage.stride = 2;
  stage.pad = 1;
  stage.reach = 3;
  const std::vector<std::pair<int64_t, int64_t>> want = {{0, 2}, {1, 4},  {3, 6},   {5, 7},
                                                         {7, 9}, {8, 11}, {10, 13}, {12, 14}};
  for (int64_t g = 0; g < 8; ++g) {
    const GroupRange read = GroupsRead(below, stage, g);
    EXPECT_EQ(std::pair(read.begin, read.end), want[static_cast<size_t>(g)]) << g;
  }
}

// Groups that begin anew with every image, and may end short of a whole one.
TEST(Chain, SpansOfImages) {
  ChainStage below, stage;
  below.order = {2, 10, 35};  // an image of 7 by 5: groups of 10, 10, 10 and 5 pixels
  stage.order = {1, 35, 35};
  stage.in_rows = stage.out_rows = 7;
  stage.in_columns = stage.out_columns = 5;
  EXPECT_EQ(FirstPixel(below, 3), 30);
  EXPECT_EQ(FirstPixel(below, 4), 35);
  const GroupRange second = GroupsRead(below, stage, 1);
  EXPECT_EQ(second.begin, 4);
  EXPECT_EQ(second.end, 8);
}

}  // namespace
}  // namespace belay
