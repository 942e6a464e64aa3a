// Session: the calls that compile, load and run by themselves; what a compiled graph tells.
#include <dlfcn.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "api_ge/ge_fixture.h"
#include "hcom_ops.h"
#include "matrix_calculation_ops.h"

// old_abi.cc; texts holds what GEGetWarningMsg and GEGetErrorMsg gave it.
extern "C" int RunWithOldStrings(const ge::Graph* graph, const std::vector<ge::Tensor>* inputs,
                                 std::vector<ge::Tensor>* outputs, char* texts, size_t size);

namespace belay_test {
namespace {

class SessionTest : public GeTest {
 protected:
  const std::vector<ge::Tensor> in_{HostTensor({4}, {1, 2, 3, 4})};
  const std::vector<float> twice_{2, 4, 6, 8};
};

TEST_F(SessionTest, RunGraphAsyncCallsBackOnceFromAnotherThread) {
  std::atomic<int> good{0}, bad{0};
  std::atomic<bool> elsewhere{true};
  const std::thread::id here = std::this_thread::get_id();
  {
    ge::Session session(Options{});
    ASSERT_EQ(session.AddGraph(1, Twice({4})), ge::SUCCESS);
    const std::vector<ge::Tensor> wrong{HostTensor({3}, {1, 2, 3})};
    const auto done = [&](ge::Status status, std::vector<ge::Tensor>& out) {
      if (std::this_thread::get_id() == here) elsewhere = false;
      if (status != ge::SUCCESS) {
        bad += out.empty();
      } else {
        good += Floats(out.at(0)) == twice_;
      }
    };
    for (int i = 0; i < 10; ++i) ASSERT_EQ(session.RunGraphAsync(1, in_, done), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(session.RunGraphAsync(1, wrong, done), ge::SUCCESS);
    EXPECT_EQ(session.RunGraphAsync(1, in_, nullptr), ge::SUCCESS) << TakeErrors();
  }  // the session's end waits for what it took
  EXPECT_EQ(good, 10);
  EXPECT_EQ(bad, 1);
  EXPECT_TRUE(elsewhere);
}

TEST_F(SessionTest, RunGraphOfOneSessionDoesNotQueue) {
  ge::Session session(Options{});
  auto x = MakeData("x", 0, {600, 600});
  auto a = ge::op::MatMulV2("a").set_input_x1(x).set_input_x2(x);
  auto b = ge::op::MatMulV2("b").set_input_x1(a).set_input_x2(x);
  ge::Graph graph("slow");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{b});
  ASSERT_EQ(session.AddGraph(1, graph), ge::SUCCESS);
  const std::vector<ge::Tensor> in{HostTensor({600, 600}, std::vector<float>(600 * 600, 0.01f))};
  std::atomic<int> busy{0}, ran{0}, other{0};
  for (int round = 0; round < 50 && busy == 0; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        std::vector<ge::Tensor> out;
        const ge::Status status = session.RunGraph(1, in, out);
        ++(status == ge::SUCCESS ? ran : status == ge::GE_SESS_ALREADY_RUNNING ? busy : other);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_GT(ran, 0);
  EXPECT_GT(busy, 0);
  EXPECT_EQ(other, 0);
}

// 1 + 2^-9 is a float32 and a float16, but not a bfloat16.
TEST_F(SessionTest, PrecisionModeRoundsOperandsOfContractions) {
  const float fine = 1 + 0x1p-9f, finer = 1 + 0x1p-12f;
  const std::vector<ge::Tensor> in{HostTensor({1, 2}, {fine, finer}), HostTensor({2, 1}, {1, 1})};
  const auto run = [&](const char* mode) {
    auto a = MakeData("a", 0, {1, 2}), b = MakeData("b", 1, {2, 1});
    ge::Session session(Options{{"ge.exec.precision_mode_v2", mode}});
    ge::Graph graph("product");
    auto y = ge::op::MatMulV2("y").set_input_x1(a).set_input_x2(b);
    graph.SetInputs({a, b}).SetOutputs(std::vector<ge::Operator>{y});
    std::vector<ge::Tensor> out;
    if (session.GetSessionId() == 0) return -1.0f;
    EXPECT_EQ(session.AddGraph(1, graph), ge::SUCCESS);
    const ge::Status status = session.RunGraph(1, in, out);
    return status == ge::SUCCESS ? Floats(out.at(0)).at(0) : -1.0f;
  };
  EXPECT_EQ(run("origin"), fine + finer);
  EXPECT_EQ(run("mixed_float16"), fine + 1);
  EXPECT_EQ(run("mixed_bfloat16"), 2.0f);
  EXPECT_EQ(run("cube_hif8"), -1.0f);
  EXPECT_NE(TakeErrors().find("'cube_hif8'"), std::string::npos);
}

TEST_F(SessionTest, RunGraphWithStreamAsync) {
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, Twice({4})), ge::SUCCESS);
  Compile(session, 2, Twice({4}));
  DeviceTensor x{ge::DT_FLOAT, {4}, 4}, y{ge::DT_FLOAT, {4}, 4};
  x.Set<float>({1, 2, 3, 4});
  const auto at = [](DeviceTensor& t) {
    ge::Tensor tensor(ge::TensorDesc(ge::Shape(std::vector<int64_t>{4}), ge::FORMAT_ND, ge::DT_FLOAT));
    EXPECT_EQ(tensor.SetData(static_cast<uint8_t*>(t.data()), t.bytes(), [](uint8_t*) {}), ge::GRAPH_SUCCESS);
    return tensor;
  };
  for (uint32_t id : {1, 2}) {
    const std::vector<ge::Tensor> in{at(x)};
    std::vector<ge::Tensor> given{at(y)}, made;
    ASSERT_EQ(session.RunGraphWithStreamAsync(id, stream_, in, given), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(session.RunGraphWithStreamAsync(id, stream_, in, made), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
    EXPECT_EQ(y.Get<float>(), twice_);
    EXPECT_EQ(given[0].GetData(), static_cast<uint8_t*>(y.data()));
    ASSERT_EQ(made.size(), 1u);
    EXPECT_EQ(Floats(made[0]), twice_);
    EXPECT_EQ(made[0].GetTensorDesc().GetShape().GetDims(), (std::vector<int64_t>{4}));
  }
  std::vector<ge::Tensor> out;
  ExpectRefusal(session.RunGraphWithStreamAsync(1, nullptr, {at(x)}, out), {"stream is null"});
}

// A client that finds an address unchanged changes the shape of its tensor and not the size.
TEST_F(SessionTest, RunGraphWithStreamAsyncTrustsTheMemoryNotTheSize) {
  ge::Session session(Options{});
  Compile(session, 1, Twice({-1}));
  DeviceTensor x{ge::DT_FLOAT, {8}, 4};
  x.Set<float>({1, 2, 3, 4, 5, 6, 7, 8});
  ge::Tensor in(ge::TensorDesc(ge::Shape(std::vector<int64_t>{4}), ge::FORMAT_ND, ge::DT_FLOAT));
  ASSERT_EQ(in.SetData(static_cast<uint8_t*>(x.data()), 16, [](uint8_t*) {}), ge::GRAPH_SUCCESS);
  std::vector<ge::Tensor> out;
  ASSERT_EQ(session.RunGraphWithStreamAsync(1, stream_, {in}, out), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(in.SetShapeDim(0, 8), ge::GRAPH_SUCCESS);
  out.clear();
  ASSERT_EQ(session.RunGraphWithStreamAsync(1, stream_, {in}, out), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(Floats(out.at(0)), (std::vector<float>{2, 4, 6, 8, 10, 12, 14, 16}));
  ASSERT_EQ(in.SetShapeDim(0, 1 << 20), ge::GRAPH_SUCCESS);
  out.clear();
  ExpectRefusal(session.RunGraphWithStreamAsync(1, stream_, {in}, out), {"4194304 bytes", "ends after"});
}

// Sizes come in host memory, where the tensors' placement is the one they have by default.
TEST_F(SessionTest, RunGraphWithStreamAsyncReadsSizesOnTheHost) {
  auto x = MakeData("x", 0, {-1}), n = MakeData("n", 1, {1}, ge::DT_INT64);
  const ge::TensorDesc number(ge::Shape(std::vector<int64_t>{1}), ge::FORMAT_ND, ge::DT_INT64);
  auto from = ge::op::Const("from").set_attr_value(ge::Tensor(number, std::vector<uint8_t>(8, 0)));
  auto first = ge::op::Slice("first").set_input_x(x).set_input_offsets(from).set_input_size(n);
  ge::Graph graph("first");
  graph.SetInputs({x, n}).SetOutputs(std::vector<ge::Operator>{first});
  ge::Session session(Options{});
  Compile(session, 1, graph);
  DeviceTensor data{ge::DT_FLOAT, {8}, 4};
  data.Set<float>({1, 2, 3, 4, 5, 6, 7, 8});
  ge::Tensor in(ge::TensorDesc(ge::Shape(std::vector<int64_t>{8}), ge::FORMAT_ND, ge::DT_FLOAT));
  ASSERT_EQ(in.SetData(static_cast<uint8_t*>(data.data()), 32, [](uint8_t*) {}), ge::GRAPH_SUCCESS);
  for (int64_t size : {3, 8, 1, 5}) {
    const std::vector<ge::Tensor> inputs{in, ge::Tensor(number, reinterpret_cast<uint8_t*>(&size), sizeof size)};
    std::vector<ge::Tensor> out;
    ASSERT_EQ(session.RunGraphWithStreamAsync(1, stream_, inputs, out), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
    EXPECT_EQ(out.at(0).GetTensorDesc().GetShape().GetDims(), std::vector<int64_t>{size});
    EXPECT_EQ(Floats(out[0]).back(), static_cast<float>(size));
  }
}

// The call copies what lies on the host, so the caller may change it at once; what it calls a device's must be one's.
TEST_F(SessionTest, RunGraphWithStreamAsyncCopiesHostInputs) {
  ge::Session session(Options{});
  Compile(session, 1, Twice({-1}));
  Compile(session, 2, Twice({4}));
  Load(session, 3, Twice({4}, "with"), stream_);
  ASSERT_EQ(GeSessionLoadGraph(session, 3, Options{{"ge.exec.hostInputIndexes", "0"}}, stream_), ge::SUCCESS);
  std::vector<float> host{1, 2, 3, 4};
  ge::Tensor in(ge::TensorDesc(ge::Shape(std::vector<int64_t>{4}), ge::FORMAT_ND, ge::DT_FLOAT));
  ASSERT_EQ(in.SetData(reinterpret_cast<uint8_t*>(host.data()), 16, [](uint8_t*) {}), ge::GRAPH_SUCCESS);
  for (uint32_t id : {1, 3}) {
    for (float factor : {1.0f, 10.0f}) {
      host = {factor, 2 * factor, 3 * factor, 4 * factor};
      std::vector<ge::Tensor> out;
      ASSERT_EQ(session.RunGraphWithStreamAsync(id, stream_, {in}, out), ge::SUCCESS) << TakeErrors();
      host = {-1, -1, -1, -1};
      ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
      EXPECT_EQ(Floats(out.at(0)), (std::vector<float>{2 * factor, 4 * factor, 6 * factor, 8 * factor}));
    }
  }
  std::vector<ge::Tensor> out;
  ExpectRefusal(session.RunGraphWithStreamAsync(2, stream_, {in}, out), {"host", "hostInputIndexes"});
  ge::TensorDesc desc = in.GetTensorDesc();
  desc.SetPlacement(ge::kPlacementDevice);
  ASSERT_EQ(in.SetTensorDesc(desc), ge::GRAPH_SUCCESS);
  ExpectRefusal(session.RunGraphWithStreamAsync(1, stream_, {in}, out), {"'x'", "host memory"});
}

// A process that a launcher started as one of several is not the only rank.
TEST_F(SessionTest, CollectivesAreOfOneRank) {
  const auto all_reduce = [] {
    auto x = MakeData("x", 0, {4});
    auto y = ge::op::HcomAllReduce("sum").set_input_x(x).set_attr_reduction("sum").set_attr_group("hccl_world_group");
    ge::Graph graph("all_reduce");
    graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{y});
    return graph;
  };
  ge::Session session(Options{});
  std::vector<ge::Tensor> out;
  ASSERT_EQ(session.AddGraph(1, all_reduce()), ge::SUCCESS);
  ASSERT_EQ(session.RunGraph(1, in_, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(Floats(out.at(0)), Floats(in_[0]));
  uint32_t id = 2;
  for (const char* name : {"RANK_SIZE", "WORLD_SIZE"}) {
    ASSERT_EQ(setenv(name, "8", 1), 0);
    ASSERT_EQ(session.AddGraph(id, all_reduce()), ge::SUCCESS);
    ExpectRefusal(session.CompileGraph(id++), {"'sum'", "more than one rank", name});
    ASSERT_EQ(setenv(name, "1", 1), 0);
    ASSERT_EQ(session.AddGraph(id, all_reduce()), ge::SUCCESS);
    EXPECT_EQ(session.CompileGraph(id++), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(unsetenv(name), 0);
  }
}

TEST_F(SessionTest, ContinuousTensorList) {
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, Twice({4})), ge::SUCCESS);
  ge::ContinuousTensorList list(std::vector<ge::TensorDesc>{in_[0].GetTensorDesc()});
  ASSERT_EQ(list.Initialize(), ge::GRAPH_SUCCESS);
  std::memcpy(list.GetDataList()[0], in_[0].GetData(), 16);
  std::vector<ge::Tensor> out;
  ASSERT_EQ(session.RunGraph(1, list, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(Floats(out.at(0)), twice_);
}

TEST_F(SessionTest, DebugJson) {
  ge::Session session(Options{});
  Compile(session, 1, Twice({4}));
  Compile(session, 2, Twice({-1}, "open"));
  ge::AscendString text;
  ASSERT_EQ(session.AddGraph(3, Twice({4})), ge::SUCCESS);
  ExpectRefusal(GeSessionGraphDebugJSONPrint(session, 3, 0, text), {"not compiled"});
  ASSERT_EQ(GeSessionGraphDebugJSONPrint(session, 1, 0, text), ge::SUCCESS) << TakeErrors();
  const auto json = nlohmann::json::parse(text.GetString());
  EXPECT_EQ(json["name"], "twice");
  EXPECT_EQ(json["static"], true);
  EXPECT_GT(json["constant_bytes"], 0);
  ASSERT_EQ(json["variants"].size(), 1u);
  const auto& plan = json["variants"][0];
  EXPECT_EQ(plan["inputs"][0]["name"], "x");
  EXPECT_EQ(plan["inputs"][0]["shape"], nlohmann::json({4}));
  EXPECT_EQ(plan["outputs"][0]["dtype"], "f32");
  ASSERT_EQ(plan["steps"].size(), 1u);
  EXPECT_EQ(plan["steps"][0]["node"], "add");
  EXPECT_EQ(plan["steps"][0]["nodes"], nlohmann::json({"add"}));
  EXPECT_NE(plan["steps"][0]["body"].get<std::string>().find(" = add("), std::string::npos);
  EXPECT_EQ(plan["slots"][0]["bytes"], 16);
  EXPECT_EQ(plan["arena_bytes"], 0);
  const auto& nodes = json["model"]["nodes"];
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[1]["type"], "Add");
  EXPECT_EQ(nodes[1]["outputs"], nlohmann::json({"f32[4]"}));
  EXPECT_EQ(json["model"]["outputs"], nlohmann::json({{1, 0}}));
  const int written = plan["steps"][0]["writes"][0];
  EXPECT_EQ(plan["slots"][written]["kind"], "output");
  ASSERT_EQ(GeSessionGraphDebugJSONPrint(session, 2, 0xFFFF, text), ge::SUCCESS) << TakeErrors();
  const auto open = nlohmann::json::parse(text.GetString());
  EXPECT_EQ(open["static"], false);
  EXPECT_TRUE(open["variants"][0]["inputs"][0]["shape"][0].is_string());
}

// A variant takes open extents of x and y for equal and has one name for them; others get variants or are refused.
TEST_F(SessionTest, OpenExtentsThatHaveToBeEqual) {
  auto x = MakeData("x", 0, {-1, 2}), y = MakeData("y", 1, {-1, 2});
  auto bent = ge::op::Abs("bent").set_input_x(y);
  auto z = ge::op::Add("z").set_input_x1(x).set_input_x2(bent);
  ge::Graph graph("sum");
  graph.SetInputs({x, y}).SetOutputs(std::vector<ge::Operator>{z});
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, graph), ge::SUCCESS);
  std::vector<ge::Tensor> out;
  const auto rows = [](std::vector<float> values) {
    const auto count = static_cast<int64_t>(values.size() / 2);
    return HostTensor({count, 2}, std::move(values));
  };
  ASSERT_EQ(session.RunGraph(1, {rows({1, 2, 3, 4}), rows({-5, 6, 7, -8})}, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(Floats(out.at(0)), (std::vector<float>{6, 8, 10, 12}));
  ge::AscendString text;
  ASSERT_EQ(GeSessionGraphDebugJSONPrint(session, 1, 0, text), ge::SUCCESS) << TakeErrors();
  auto json = nlohmann::json::parse(text.GetString());
  ASSERT_EQ(json["variants"].size(), 1u);
  ASSERT_EQ(json["variants"][0]["steps"].size(), 1u);
  EXPECT_EQ(json["variants"][0]["steps"][0]["body"].get<std::string>().find("reshape"), std::string::npos);
  ASSERT_EQ(session.RunGraph(1, {rows({1, 2, 3, 4}), rows({-5, 6})}, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(Floats(out.at(0)), (std::vector<float>{6, 8, 8, 10}));
  ExpectRefusal(session.RunGraph(1, {rows({1, 2, 3, 4, 5, 6}), rows({1, 2, 3, 4})}, out),
                {"'z'", "[s0,2] and [s1,2]", "(s0: dim 0 of 'x', here 3; s1: dim 0 of 'y', here 2)"});
  ASSERT_EQ(session.RunGraph(1, {rows({1, 2, 3, 4, 5, 6}), rows({1, 2, 3, 4, 5, 6})}, out), ge::SUCCESS);
  EXPECT_EQ(Floats(out.at(0)), (std::vector<float>{2, 4, 6, 8, 10, 12}));
  ASSERT_EQ(GeSessionGraphDebugJSONPrint(session, 1, 0, text), ge::SUCCESS) << TakeErrors();
  json = nlohmann::json::parse(text.GetString());
  EXPECT_EQ(json["variants"].size(), 2u);
}

TEST_F(SessionTest, StreamsOfAGraphAsText) {
  ge::Session session(Options{});
  Compile(session, 1, Twice({4}));
  std::map<ge::AscendString, std::vector<ge::AscendString>> infos;
  const ge::CompiledGraphSummaryPtr summary = session.GetCompiledGraphSummary(1);
  ASSERT_NE(summary, nullptr);
  ASSERT_EQ(ge::GEStreamAllocationSummaryGetStringInfos(*summary, infos), ge::SUCCESS);
  ASSERT_EQ(infos.size(), 1u);
  ASSERT_EQ(infos["twice"].size(), 1u);
  EXPECT_STREQ(infos["twice"][0].GetString(), "variant 0: stream 0, 0 events, 1 steps: add");
  void* library = dlopen("libge_runner.so", RTLD_NOW);
  ASSERT_NE(library, nullptr);
  for (const char* name : {"GeSessionLoadGraph", "GeSessionExecuteGraphWithStreamAsync", "GetRegisteredIrDef",
                           "GEStreamAllocationSummaryGetStringInfos", "GeSessionGraphDebugJSONPrint"}) {
    EXPECT_NE(dlsym(library, name), nullptr) << name;
  }
  EXPECT_EQ(dlclose(library), 0);
}

TEST_F(SessionTest, RegisteredIrDef) {
  using Names = std::vector<std::pair<ge::AscendString, ge::AscendString>>;
  Names inputs, outputs, attrs;
  ASSERT_EQ(GetRegisteredIrDef("ConcatV2", inputs, outputs, attrs), ge::SUCCESS);
  EXPECT_EQ(inputs, (Names{{"x", "dynamic"}, {"concat_dim", "required"}}));
  EXPECT_EQ(outputs, (Names{{"y", "required"}}));
  EXPECT_EQ(attrs, (Names{{"N", "Int"}}));
  EXPECT_NE(GetRegisteredIrDef("NoSuchOperator", inputs, outputs, attrs), ge::SUCCESS);
  EXPECT_NE(TakeErrors().find("NoSuchOperator"), std::string::npos);
  EXPECT_NE(GetRegisteredIrDef(nullptr, inputs, outputs, attrs), ge::SUCCESS);
}

TEST_F(SessionTest, BothLayoutsOfStrings) {
  char texts[4096] = "";
  std::vector<ge::Tensor> out;
  auto x = MakeData("x", 0, {4});
  auto y = ge::op::Add("y").set_input_x1(x).set_input_x2(x);
  ge::op::Summary("a name too long for the small strings of either layout").set_input_x(y);
  ge::Graph graph("twice");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{y});
  ASSERT_EQ(RunWithOldStrings(&graph, &in_, &out, texts, sizeof texts), 0) << texts << TakeErrors();
  EXPECT_EQ(Floats(out.at(0)), twice_);
  for (const char* word : {"a key of some client", "'ge.no'", "ge.graphRunMode", "GetVariables", "added already"}) {
    EXPECT_NE(std::string(texts).find(word), std::string::npos) << word << " in: " << texts;
  }
  using Strings = std::map<std::string, std::string>;
  ge::Session session(Strings{{"ge.graphRunMode", "0"}});
  ASSERT_EQ(session.AddGraph(1, graph, Strings{{"ge.jit_compile", "1"}}), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(session.RunGraph(1, in_, out), ge::SUCCESS) << TakeErrors();
  EXPECT_NE(session.AddGraph(2, Twice({4}), Strings{{"ge.jit_compile", "9"}}), ge::SUCCESS);
  EXPECT_NE(ge::GEGetErrorMsg().find("ge.jit_compile"), std::string::npos);
}

}  // namespace
}  // namespace belay_test
