// Gears: graphs whose open extents take listed values only.
#include <algorithm>
#include <numeric>

#include "api_ge/ge_fixture.h"
#include "matrix_calculation_ops.h"
#include "nonlinear_fuc_ops.h"

namespace belay_test {
namespace {

// y = a . b with [rows, inner] and [inner, columns].
ge::Graph Product(std::vector<int64_t> a_dims, std::vector<int64_t> b_dims) {
  auto a = MakeData("a", 0, a_dims), b = MakeData("b", 1, b_dims);
  auto y = ge::op::MatMulV2("y").set_input_x1(a).set_input_x2(b);
  ge::Graph graph("product");
  graph.SetInputs({a, b}).SetOutputs(std::vector<ge::Operator>{y});
  return graph;
}

ge::Graph Relu(std::vector<int64_t> dims) {
  auto x = MakeData("image", 0, dims);
  auto y = ge::op::Relu("y").set_input_x(x);
  ge::Graph graph("relu");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{y});
  return graph;
}

ge::Tensor Count(std::vector<int64_t> dims) {
  const int64_t count = std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<int64_t>());
  std::vector<float> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), -3.0f);
  return HostTensor(dims, values);
}

std::vector<float> ProductOf(const std::vector<float>& a, const std::vector<float>& b, int64_t m, int64_t k,
                             int64_t n) {
  std::vector<float> y(static_cast<size_t>(m * n));
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t l = 0; l < k; ++l) y[i * n + j] += a[i * k + l] * b[l * n + j];
    }
  }
  return y;
}

class Gears : public GeTest {
 protected:
  ge::Status Run(ge::Session& session, const std::vector<ge::Tensor>& in) {
    out_.clear();
    return session.RunGraph(1, in, out_);
  }
  void RunProduct(ge::Session& session, int64_t m, int64_t k, int64_t n) {
    const std::vector<ge::Tensor> in{Count({m, k}), Count({k, n})};
    ASSERT_EQ(Run(session, in), ge::SUCCESS) << TakeErrors();
    EXPECT_EQ(out_.at(0).GetTensorDesc().GetShape().GetDims(), (std::vector<int64_t>{m, n}));
    EXPECT_EQ(Floats(out_[0]), ProductOf(Floats(in[0]), Floats(in[1]), m, k, n));
  }
  std::vector<ge::Tensor> out_;
};

TEST_F(Gears, DimsInTheOrderOfInputShape) {
  // The row is (b's rows, b's columns, a's columns): b is named first.
  const Options gears{{"ge.inputShape", "b:-1,-1;a:2,-1"}, {"ge.dynamicDims", "3,1,3;8,16,8;5,4,5"},
                      {"ge.dynamicNodeType", "1"}};
  for (bool on_graph : {true, false}) {
    ge::Session session(on_graph ? Options{} : gears);
    ASSERT_EQ(session.AddGraph(1, Product({-1, -1}, {-1, -1}), on_graph ? gears : Options{}), ge::SUCCESS);
    RunProduct(session, 2, 3, 1);
    RunProduct(session, 2, 5, 4);
    RunProduct(session, 2, 8, 16);
    RunProduct(session, 2, 3, 1);
    ExpectRefusal(Run(session, {Count({2, 3}), Count({3, 4})}),
                  {"'b' dimension 0 is 3", "'b' dimension 1 is 4", "'a' dimension 1 is 3",
                   "ge.dynamicDims=3,1,3;8,16,8;5,4,5"});
    ExpectRefusal(Run(session, {Count({3, 3}), Count({3, 1})}), {"'a'", "[3,3]", "[2,-1]"});
    RunProduct(session, 2, 5, 4);  // the session is as good as before
  }
}

TEST_F(Gears, OnAStream) {
  ge::Session session(Options{{"ge.dynamicDims", "2;4"}, {"ge.dynamicNodeType", "1"}});
  Load(session, 1, Twice({-1}), stream_);
  EXPECT_FALSE(session.GetCompiledGraphSummary(1)->IsStatic());
  DeviceTensor two{ge::DT_FLOAT, {2}, 4}, three{ge::DT_FLOAT, {3}, 4}, y{ge::DT_FLOAT, {4}, 4};
  two.Set<float>({1, 2});
  auto in = Views({&two}), bad = Views({&three}), out = Views({&y});
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(y.Get<float>()[1], 4.0f);
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, bad, out),
                {"'x' dimension 0 is 3", "gears of ge.dynamicDims=2;4"});
}

TEST_F(Gears, BatchesAreSharedByAllInputs) {
  ge::Session session(Options{{"ge.dynamicBatchSize", "1,2,8"}});
  auto a = MakeData("a", 0, {-1, 3}), b = MakeData("b", 1, {-1, 3}), c = MakeData("c", 2, {3});
  auto sum = ge::op::Add("sum").set_input_x1(a).set_input_x2(b);
  auto y = ge::op::Add("y").set_input_x1(sum).set_input_x2(c);
  ge::Graph graph("sum");
  graph.SetInputs({a, b, c}).SetOutputs(std::vector<ge::Operator>{y});
  ASSERT_EQ(session.AddGraph(1, graph), ge::SUCCESS);
  for (int64_t batch : {8, 1, 2}) {
    const std::vector<ge::Tensor> in{Count({batch, 3}), Count({batch, 3}), Count({3})};
    ASSERT_EQ(Run(session, in), ge::SUCCESS) << TakeErrors();
    EXPECT_EQ(Floats(out_.at(0)).at(static_cast<size_t>(batch * 3 - 1)), static_cast<float>(2 * (batch * 3 - 4) - 1));
  }
  ExpectRefusal(Run(session, {Count({3, 3}), Count({3, 3}), Count({3})}),
                {"'a' dimension 0 is 3", "ge.dynamicBatchSize=1,2,8"});
  ExpectRefusal(Run(session, {Count({1, 3}), Count({2, 3}), Count({3})}), {"'b' dimension 0 is 2"});
}

TEST_F(Gears, SizesOfImages) {
  const std::pair<const char*, std::vector<int64_t>> layouts[] = {{"NCHW", {1, 3, -1, -1}}, {"NHWC", {1, -1, -1, 3}}};
  for (const auto& [format, dims] : layouts) {
    ge::Session session(Options{{"ge.dynamicImageSize", "4,6;8,2"}, {"input_format", format}});
    ASSERT_EQ(session.AddGraph(1, Relu(dims)), ge::SUCCESS);
    const int height = dims[1] == 3 ? 2 : 1;
    const auto image = [&, shape = dims](int64_t h, int64_t w) {
      std::vector<int64_t> d = shape;
      d[static_cast<size_t>(height)] = h;
      d[static_cast<size_t>(height) + 1] = w;
      return Count(d);
    };
    for (const auto& [h, w] : {std::pair<int64_t, int64_t>{4, 6}, {8, 2}}) {
      const ge::Tensor in = image(h, w);
      ASSERT_EQ(Run(session, {in}), ge::SUCCESS) << TakeErrors();
      std::vector<float> want = Floats(in);
      for (float& v : want) v = std::max(v, 0.0f);
      EXPECT_EQ(Floats(out_.at(0)), want);
    }
    ExpectRefusal(Run(session, {image(4, 2)}), {"'image'", "is 4", "is 2", "ge.dynamicImageSize=4,6;8,2"});
  }
}

TEST_F(Gears, WhatCannotBeGears) {
  ge::Session session(Options{});
  uint32_t id = 0;
  const auto compile = [&](std::vector<int64_t> a, std::vector<int64_t> b, const Options& options) {
    ++id;
    EXPECT_EQ(session.AddGraph(id, Product(a, b), options), ge::SUCCESS) << TakeErrors();
    return session.CompileGraph(id);
  };
  const std::vector<int64_t> open{-1, 4}, closed{4, 4};
  ExpectRefusal(compile(open, closed, {{"ge.dynamicDims", "1;2"}}), {"ge.dynamicNodeType"});
  const Options dims{{"ge.dynamicNodeType", "1"}, {"ge.dynamicDims", "1;2"}};
  ExpectRefusal(compile({-1, -1}, closed, dims), {"1 values per gear", "2 open extents"});
  ExpectRefusal(compile(closed, closed, dims), {"0 open extents"});
  ExpectRefusal(compile({-2}, closed, dims), {"says nothing of dimension 0", "'a'"});
  Options one = dims;
  one["ge.dynamicDims"] = "3";
  ExpectRefusal(compile(open, closed, one), {"1 gears", "2 to 100"});
  Options unnamed = dims;
  unnamed["ge.inputShape"] = "a:-1,4";
  ExpectRefusal(compile(open, {4, -1}, unnamed), {"dimension 1 of input 'b'", "ge.inputShape"});
  ExpectRefusal(compile(open, closed, {{"ge.dynamicBatchSize", "1,2"}, {"ge.dynamicImageSize", "1,2;3,4"}}),
                {"exclude each other"});
  ExpectRefusal(compile({4, -1}, closed, {{"ge.dynamicBatchSize", "1,2"}}), {"dimension 1 of input 'a'"});
  ExpectRefusal(session.AddGraph(99, Product(open, closed), Options{{"ge.dynamicNodeType", "0"}}), {"dataset"});
}

TEST_F(Gears, AHundred) {
  std::string rows;
  for (int i = 1; i <= 100; ++i) rows += (i > 1 ? ";" : "") + std::to_string(i);
  ge::Session session(Options{{"ge.dynamicDims", rows.c_str()}, {"ge.dynamicNodeType", "1"}});
  ASSERT_EQ(session.AddGraph(1, Twice({-1})), ge::SUCCESS);
  for (int64_t n : {1, 37, 100}) {
    ASSERT_EQ(Run(session, {Count({n})}), ge::SUCCESS) << TakeErrors();
    EXPECT_EQ(Floats(out_.at(0)).back(), static_cast<float>(2 * (n - 4)));
  }
  ExpectRefusal(Run(session, {Count({101})}), {"is 101"});
}

TEST_F(Gears, BuildGraphChecksAndCompiles) {
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, Product({-1, 4}, {4, 4})), ge::SUCCESS);
  const auto info = [](ge::DataType type, std::vector<int64_t> dims) {
    return ge::InputTensorInfo{static_cast<uint32_t>(type), dims, nullptr, 0};
  };
  using Infos = std::vector<ge::InputTensorInfo>;
  ExpectRefusal(session.BuildGraph(1, Infos{info(ge::DT_FLOAT, {2, 4})}), {"1 inputs", "has 2"});
  ExpectRefusal(session.BuildGraph(1, Infos{info(ge::DT_FLOAT16, {2, 4}), info(ge::DT_FLOAT, {4, 4})}), {"f16", "f32"});
  ExpectRefusal(session.BuildGraph(1, Infos{info(ge::DT_FLOAT, {2, 5}), info(ge::DT_FLOAT, {4, 4})}),
                {"'a'", "[2,5]", "[-1,4]"});
  ASSERT_EQ(session.BuildGraph(1, Infos{info(ge::DT_FLOAT, {2, 4}), info(ge::DT_FLOAT, {4, 4})}), ge::SUCCESS)
      << TakeErrors();
  EXPECT_EQ(session.BuildGraph(1, Infos{info(ge::DT_FLOAT, {9, 9})}), ge::SUCCESS);  // built already
  RunProduct(session, 2, 4, 4);
}

}  // namespace
}  // namespace belay_test
