// Options: every key of the table, what bad values are told, which scope wins, and what the working ones do.
#include "session/options.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "api_ge/ge_fixture.h"
#include "base/error_report.h"
#include "matrix_calculation_ops.h"
#include "nn_calculation_ops.h"
#include "session/option_values.h"

namespace belay_test {
namespace {

// A value that fits a pattern of the table.
std::string Example(const std::string& pattern) {
  static const std::map<std::string, std::string> kForms = {
      {"*", "x y"},        {"int", "-7"},          {"bytes", "31 * (1024UL * 1024UL)"},
      {"key", "a_B-9"},    {"folder", "/"},        {"indexes", "0;3"},
      {"pairs", "0,1|2,0"}, {"sizes", "1,2,4"},    {"gears", "1,224;2,224"},
      {"shapes", "x:1,-1;y:"}, {"hints", "0:[2, 3];1:[]"}, {"outputs", "a:0;b:c:1"},
  };
  auto form = kForms.find(pattern);
  if (form != kForms.end()) return form->second;
  if (pattern.starts_with("text:")) return std::string(static_cast<size_t>(std::atoi(pattern.c_str() + 5)), 't');
  if (pattern.starts_with("int:")) return pattern.substr(4, pattern.find("..") - 4);
  return pattern;
}

std::vector<std::string> Patterns(const char* list) {
  return *list ? belay::SplitText(list, ',') : std::vector<std::string>();
}

TEST(OptionTable, EveryKeyTakesWhatItSays) {
  ASSERT_GT(belay::kOptionCount, 250u);
  for (size_t i = 0; i < belay::kOptionCount; ++i) {
    const belay::OptionRow& row = belay::kOptionTable[i];
    EXPECT_LT(i == 0 ? "" : belay::kOptionTable[i - 1].key, std::string(row.key));
    EXPECT_TRUE(belay::CheckOptions({{row.key, ""}}).ok()) << row.key;
    bool any = false;
    for (const char* good : {row.works, row.ignored}) {
      for (const std::string& pattern : Patterns(good)) {
        any = any || pattern == "*" || pattern.starts_with("text:");
        const belay::Status status = belay::CheckOptions({{row.key, Example(pattern)}});
        EXPECT_TRUE(status.ok()) << row.key << ": " << status.message();
      }
    }
    for (const std::string& pattern : Patterns(row.refused)) {
      any = any || pattern == "*";
      const belay::Status status = belay::CheckOptions({{row.key, Example(pattern)}});
      EXPECT_EQ(status.code(), belay::Code::kNotSupported) << row.key << ": " << status.message();
      EXPECT_NE(status.message().find(row.key), std::string::npos) << status.message();
    }
    if (any) continue;
    const belay::Status status = belay::CheckOptions({{row.key, "never this, nor;that|"}});
    EXPECT_EQ(status.code(), belay::Code::kInvalidArgument) << row.key;
    EXPECT_NE(status.message().find(row.key), std::string::npos) << status.message();
    for (const std::string& word : Patterns(row.works)) {
      if (Example(word) != word) continue;
      EXPECT_NE(status.message().find(word), std::string::npos) << status.message();
    }
  }
}

TEST(OptionTable, FormsOfValues) {
  using belay::CheckOptions;
  const std::pair<const char*, const char*> bad[] = {
      {"ge.exec.hostInputIndexes", "0;-1"},     {"ge.exec.hostInputIndexes", "0;;1"},
      {"ge.exec.outputReuseInputMemIndexes", "0"}, {"ge.dynamicDims", "1,2;3"},
      {"ge.dynamicDims", "0,1;2,2"},            {"ge.dynamicBatchSize", "1;2"},
      {"ge.inputShape", "1,2"},                 {"ge.inputShape", "x:1,-2"},
      {"ge.inputHintShape", "0:2,3"},           {"ge.inputHintShape", "x:[2]"},
      {"ge.outputNodeName", "node"},            {"ge.opDebugLevel", "5"},
      {"ge.opDebugLevel", "-1"},                {"ge.opDebugLevel", "1x"},
      {"ge.graphMaxParallelModelNum", "0"},     {"ge.graphMemoryMaxSize", "much"},
      {"ge.graph_key", "a/b"},                  {"ge.graph_compiler_cache_dir", "/no/such/folder"},
  };
  for (const auto& [key, value] : bad) {
    EXPECT_EQ(CheckOptions({{key, value}}).code(), belay::Code::kInvalidArgument) << key << " = " << value;
  }
  EXPECT_EQ(CheckOptions({{"ge.exec.jobId", std::string(129, 'j')}}).code(), belay::Code::kInvalidArgument);
  const auto hints = belay::ParseHints("0:[2, 3]; 1:[]");
  ASSERT_TRUE(hints.ok());
  EXPECT_EQ(hints->at(0), (std::vector<int64_t>{2, 3}));
  EXPECT_TRUE(hints->at(1).empty());
  const auto shapes = belay::ParseShapes("scope:x:1,-1;y:");
  ASSERT_TRUE(shapes.ok());
  EXPECT_EQ(shapes->at(0).first, "scope:x");
  EXPECT_EQ(shapes->at(0).second, (std::vector<int64_t>{1, -1}));
  EXPECT_TRUE(shapes->at(1).second.empty());
}

TEST(OptionTable, PrecisionModesExcludeEachOther) {
  const belay::OptionMap both{{"ge.exec.precision_mode", "force_fp32"}, {"ge.exec.precision_mode_v2", "origin"}};
  EXPECT_EQ(belay::CheckOptions(both).code(), belay::Code::kInvalidArgument);
  const belay::OptionMap merged = belay::MergeOptions({{"ge.exec.precision_mode_v2", "fp16"}, {"a", "1"}},
                                                      {{"ge.exec.precision_mode", "force_fp32"}, {"a", ""}});
  EXPECT_EQ(merged, (belay::OptionMap{{"ge.exec.precision_mode", "force_fp32"}, {"a", "1"}}));
}

class OptionsTest : public GeTest {};

TEST_F(OptionsTest, UnknownKeysLeaveAWarning) {
  (void)ge::GEGetWarningMsgV2();
  ge::Session session(Options{{"frozenInput", "0,0"}, {"ge.jit_compile", "2"}});
  EXPECT_NE(session.GetSessionId(), 0u);
  const std::string text = ge::GEGetWarningMsg();
  EXPECT_NE(text.find("'frozenInput'"), std::string::npos) << text;
  EXPECT_EQ(text.find("jit_compile"), std::string::npos) << text;
  EXPECT_STREQ(ge::GEGetWarningMsgV2().GetString(), "");
  EXPECT_EQ(TakeErrors(), "");
}

TEST_F(OptionsTest, EveryScopeChecks) {
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  ExpectRefusal(ge::GEInitialize(Options{{"ge.graphRunMode", "2"}}), {"'ge.graphRunMode'", "'2'", "0, 1"});
  ExpectRefusal(ge::Session(Options{}).RemoveGraph(1), {"not initialised"});
  ExpectRefusal(ge::GEInitialize(Options{{"ge.autoTuneMode", "GA"}}), {"must be empty"});
  ASSERT_EQ(ge::GEInitialize(Options{{"ge.autoTuneMode", ""}}), ge::SUCCESS);
  EXPECT_EQ(ge::GEInitialize(Options{{"ge.graphRunMode", "2"}}), ge::SUCCESS);  // ignored: initialised already
  ge::Session bad(Options{{"ge.featureBaseRefreshable", "yes"}});
  EXPECT_EQ(bad.GetSessionId(), 0u);
  ExpectRefusal(bad.AddGraph(1, Twice({4})), {"does not exist"});
  ge::Session session(Options{});
  ExpectRefusal(session.AddGraph(1, Twice({4}), Options{{"ge.insertOpFile", "aipp.cfg"}}),
                {"'ge.insertOpFile'", "not supported"});
  Compile(session, 2, Twice({4}));
  ExpectRefusal(GeSessionLoadGraph(session, 2, Options{{"ge.exec.hostInputIndexes", "a"}}, stream_), {"indexes"});
  ExpectRefusal(GeSessionLoadGraph(session, 2, Options{{"ge.exec.hostInputIndexes", "3"}}, stream_), {"input 3"});
  ge::Session nowhere(Options{{"ge.session_device_id", "64"}});
  EXPECT_EQ(nowhere.GetSessionId(), 0u);
  EXPECT_NE(TakeErrors().find("device 64 does not exist"), std::string::npos);
}

TEST_F(OptionsTest, ASessionBindsItsDevice) {
  ASSERT_EQ(aclrtDestroyStream(stream_), ACL_SUCCESS);
  ASSERT_EQ(aclrtResetDevice(0), ACL_SUCCESS);
  int32_t device = -1;
  EXPECT_NE(aclrtGetDevice(&device), ACL_SUCCESS);
  {
    ge::Session session(Options{});
    EXPECT_EQ(aclrtGetDevice(&device), ACL_SUCCESS);
    EXPECT_EQ(device, 0);
    aclrtContext own = nullptr, now = nullptr;
    ASSERT_EQ(aclrtCreateContext(&own, 0), ACL_SUCCESS);
    ge::Session second(Options{});
    EXPECT_EQ(aclrtGetCurrentContext(&now), ACL_SUCCESS);
    EXPECT_EQ(now, own);  // a thread keeps the context it has
    ASSERT_EQ(aclrtDestroyContext(own), ACL_SUCCESS);
  }
  EXPECT_NE(aclrtGetDevice(&device), ACL_SUCCESS);
  ASSERT_EQ(aclrtSetDevice(0), ACL_SUCCESS);
  ASSERT_EQ(aclrtCreateStream(&stream_), ACL_SUCCESS);
}

// The product of 1 + 2^-9 and 1: which mode was in force.
float Product(ge::Session& session, const Options& graph_options) {
  auto a = MakeData("a", 0, {1, 1}), b = MakeData("b", 1, {1, 1});
  auto y = ge::op::MatMulV2("y").set_input_x1(a).set_input_x2(b);
  ge::Graph graph("product");
  graph.SetInputs({a, b}).SetOutputs(std::vector<ge::Operator>{y});
  EXPECT_EQ(session.AddGraph(7, graph, graph_options), ge::SUCCESS) << TakeErrors();
  std::vector<ge::Tensor> out;
  const std::vector<ge::Tensor> in{HostTensor({1, 1}, {1 + 0x1p-9f}), HostTensor({1, 1}, {1})};
  EXPECT_EQ(session.RunGraph(7, in, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(session.RemoveGraph(7), ge::SUCCESS);
  return out.empty() ? 0.0f : Floats(out[0]).at(0);
}

TEST_F(OptionsTest, GraphBeforeSessionBeforeEngine) {
  const float fine = 1 + 0x1p-9f;
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  ASSERT_EQ(ge::GEInitialize(Options{{"ge.exec.precision_mode_v2", "mixed_bfloat16"}}), ge::SUCCESS);
  {
    ge::Session engine(Options{}), own(Options{{"ge.exec.precision_mode", "must_keep_origin_dtype"}});
    EXPECT_EQ(Product(engine, {}), 1.0f);
    EXPECT_EQ(Product(own, {}), fine);
    EXPECT_EQ(Product(own, {{"ge.exec.precision_mode", "allow_fp32_to_bf16"}}), 1.0f);
    EXPECT_EQ(Product(own, {{"ge.exec.precision_mode_v2", "mixed_bfloat16"}}), 1.0f);
    EXPECT_EQ(Product(engine, {{"ge.exec.precision_mode_v2", "origin"}}), fine);
  }
}

TEST_F(OptionsTest, OldPrecisionModes) {
  const std::pair<const char*, float> modes[] = {
      {"force_fp32", 1 + 0x1p-9f},          {"must_keep_origin_dtype", 1 + 0x1p-9f}, {"force_fp16", 1 + 0x1p-9f},
      {"allow_mix_precision", 1 + 0x1p-9f}, {"allow_mix_precision_bf16", 1.0f},      {"allow_fp32_to_bf16", 1.0f}};
  ge::Session session(Options{});
  for (const auto& [mode, value] : modes) {
    EXPECT_EQ(Product(session, {{"ge.exec.precision_mode", mode}}), value) << mode;
  }
}

// A 3x3 convolution of 32 channels whose filter is constant; numbers by a fixed formula.
std::vector<float> Convolved(ge::Session& session, const Options& graph_options) {
  const auto numbers = [](int64_t n, int64_t step) {
    std::vector<float> out(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) out[static_cast<size_t>(i)] = static_cast<float>(i * step % 1009) / 1009 - 0.5f;
    return out;
  };
  auto x = MakeData("x", 0, {1, 32, 24, 24});
  x.update_output_desc_y(ge::TensorDesc(ge::Shape({1, 32, 24, 24}), ge::FORMAT_NCHW, ge::DT_FLOAT));
  ge::Tensor filter = HostTensor({48, 32, 3, 3}, numbers(48 * 32 * 9, 77));
  filter.SetFormat(ge::FORMAT_NCHW);
  auto w = ge::op::Const("w").set_attr_value(filter);
  w.update_output_desc_y(filter.GetTensorDesc());
  auto y = ge::op::Conv2D("y").set_input_x(x).set_input_filter(w).set_attr_strides({1, 1, 1, 1})
               .set_attr_pads({1, 1, 1, 1}).set_attr_data_format("NCHW");
  ge::Graph graph("conv");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{y});
  EXPECT_EQ(session.AddGraph(8, graph, graph_options), ge::SUCCESS) << TakeErrors();
  std::vector<ge::Tensor> out;
  EXPECT_EQ(session.RunGraph(8, {HostTensor({1, 32, 24, 24}, numbers(32 * 576, 331))}, out), ge::SUCCESS)
      << TakeErrors();
  EXPECT_EQ(session.RemoveGraph(8), ge::SUCCESS);
  return out.empty() ? std::vector<float>() : Floats(out[0]);
}

TEST_F(OptionsTest, HighPrecisionSumsPlainly) {
  ge::Session session(Options{});
  const auto with = [&](const char* mode) { return Convolved(session, {{"ge.opSelectImplmode", mode}}); };
  const std::vector<float> usual = Convolved(session, {}), plain = with("high_precision");
  EXPECT_EQ(usual, with("high_performance"));
  EXPECT_EQ(plain, with("high_precision_for_all"));
  ASSERT_EQ(plain.size(), usual.size());
  EXPECT_NE(plain, usual);
  float largest = 0, apart = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    largest = std::max(largest, std::fabs(plain[i]));
    apart = std::max(apart, std::fabs(plain[i] - usual[i]));
  }
  EXPECT_LE(apart, 2e-5f * largest);
}

// A number by constant weights 1 and 1e-40.
std::vector<float> ByTinyWeights(ge::Session& session, const Options& graph_options, float number) {
  auto x = MakeData("x", 0, {1, 1});
  auto w = ge::op::Const("w").set_attr_value(HostTensor({1, 2}, {1, 1e-40f}));
  auto y = ge::op::MatMulV2("y").set_input_x1(x).set_input_x2(w);
  ge::Graph graph("tiny");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{y});
  EXPECT_EQ(session.AddGraph(9, graph, graph_options), ge::SUCCESS) << TakeErrors();
  std::vector<ge::Tensor> out;
  EXPECT_EQ(session.RunGraph(9, {HostTensor({1, 1}, {number})}, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(session.RemoveGraph(9), ge::SUCCESS);
  return out.empty() ? std::vector<float>() : Floats(out[0]);
}

TEST_F(OptionsTest, HighPrecisionKeepsTinyOperands) {
  ge::Session session(Options{});
  const Options precise = {{"ge.opSelectImplmode", "high_precision"}};
  EXPECT_EQ(ByTinyWeights(session, {}, 1), (std::vector<float>{1, 0x1p-100f}));
  EXPECT_EQ(ByTinyWeights(session, precise, 1), (std::vector<float>{1, 1e-40f}));
  EXPECT_EQ(ByTinyWeights(session, precise, 2e-40f), (std::vector<float>{2e-40f, 0}));
}

// Kernels are kept below the folder that the graph, the session or the engine names.
TEST_F(OptionsTest, KernelsAreKeptOnDisk) {
  std::string root = testing::TempDir() + "belay_options_XXXXXX";
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  const std::string usual = std::getenv("BELAY_CACHE") ? std::getenv("BELAY_CACHE") : "";
  ASSERT_EQ(setenv("BELAY_CACHE", (root + "/usual").c_str(), 1), 0);
  const auto files = [&](const std::string& folder) {
    std::error_code none;
    const auto entries = std::filesystem::directory_iterator(root + "/" + folder, none);
    return none ? -1 : std::distance(begin(entries), end(entries));
  };
  ge::Session session(Options{{"ge.op_compiler_cache_dir", (root + "/session").c_str()}});
  const std::string own = root + "/graph";
  const auto compile = [&](const char* mode, const char* dir) {
    const Options options{{"ge.op_compiler_cache_mode", mode}, {"ge.op_compiler_cache_dir", dir}};
    EXPECT_EQ(session.AddGraph(1, Twice({4}), options), ge::SUCCESS) << TakeErrors();
    std::vector<ge::Tensor> out;
    EXPECT_EQ(session.RunGraph(1, {HostTensor({4}, {1, 2, 3, 4})}, out), ge::SUCCESS) << TakeErrors();
    EXPECT_EQ(Floats(out.at(0)), (std::vector<float>{2, 4, 6, 8}));
    EXPECT_EQ(session.RemoveGraph(1), ge::SUCCESS);
  };
  compile("disable", "");
  EXPECT_EQ(files("session"), -1);
  compile("", "");
  EXPECT_EQ(files("session/kernel_cache"), 1);
  compile("force", own.c_str());
  EXPECT_EQ(files("graph/kernel_cache"), 1);
  {
    ge::Session plain(Options{});
    EXPECT_EQ(plain.AddGraph(1, Twice({5})), ge::SUCCESS);
    EXPECT_EQ(plain.CompileGraph(1), ge::SUCCESS) << TakeErrors();
  }
  EXPECT_EQ(files("usual/kernels"), 1);
  EXPECT_EQ(files("session/kernel_cache"), 1);
  if (usual.empty()) unsetenv("BELAY_CACHE");
  else setenv("BELAY_CACHE", usual.c_str(), 1);
  std::filesystem::remove_all(root);
}

TEST_F(OptionsTest, RunFlagZeroCompilesOnly) {
  ge::Session session(Options{{"ge.runFlag", "0"}});
  Compile(session, 1, Twice({4}));
  EXPECT_EQ(GeSessionLoadGraph(session, 1, Options{}, stream_), ge::SUCCESS);
  DeviceTensor x{ge::DT_FLOAT, {4}, 4}, y{ge::DT_FLOAT, {4}, 4};
  auto in = Views({&x}), out = Views({&y});
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), {"ge.runFlag is 0"});
  ASSERT_EQ(session.AddGraph(2, Twice({4})), ge::SUCCESS);
  std::vector<ge::Tensor> none;
  ExpectRefusal(session.RunGraph(2, {HostTensor({4}, {1, 2, 3, 4})}, none), {"ge.runFlag is 0"});
}

TEST_F(OptionsTest, HostInputsAreCopiedByTheCall) {
  ge::Session session(Options{});
  Compile(session, 1, Twice({4}));
  ASSERT_EQ(GeSessionLoadGraph(session, 1, Options{{"ge.exec.hostInputIndexes", "0"}}, stream_), ge::SUCCESS);
  DeviceTensor x{ge::DT_FLOAT, {4}, 4}, y{ge::DT_FLOAT, {4}, 4};
  float host[4] = {1, 2, 3, 4};
  auto in = Views({&x}), out = Views({&y});
  for (bool says_host : {true, false}) {
    in[0].MutableTensorData().SetAddr(host, nullptr);
    in[0].SetPlacement(says_host ? gert::kOnHost : gert::kOnDeviceHbm);
    for (int round = 0; round < 3; ++round) {
      std::fill(host, host + 4, static_cast<float>(round));
      ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS) << TakeErrors();
      std::fill(host, host + 4, -1.0f);  // the call has its own copy
      ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
      EXPECT_EQ(y.Get<float>(), std::vector<float>(4, 2.0f * static_cast<float>(round)));
    }
  }
  x.Set<float>({1, 2, 3, 4});
  auto device = Views({&x});
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, device, out), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(y.Get<float>(), (std::vector<float>{2, 4, 6, 8}));
}

TEST_F(OptionsTest, HostPlacementOfDynamicGraphs) {
  ge::Session session(Options{});
  Load(session, 1, Twice({-1}), stream_);
  Load(session, 2, Twice({4}), stream_);
  DeviceTensor x{ge::DT_FLOAT, {4}, 4}, y{ge::DT_FLOAT, {4}, 4};
  float host[4] = {1, 2, 3, 4};
  auto in = Views({&x}), out = Views({&y});
  in[0].MutableTensorData().SetAddr(host, nullptr);
  in[0].SetPlacement(gert::kOnHost);
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(y.Get<float>(), (std::vector<float>{2, 4, 6, 8}));
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 2, stream_, in, out), {"host", "hostInputIndexes"});
}

TEST_F(OptionsTest, OutputsAndTheirDtypes) {
  auto x = MakeData("x", 0, {4});
  auto a = ge::op::Add("a").set_input_x1(x).set_input_x2(x);
  auto b = ge::op::Mul("b").set_input_x1(a).set_input_x2(a);
  ge::Graph graph("chain");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{b});
  ge::Session session(Options{});
  const Options options{{"ge.outputNodeName", "b:0;a:0"}, {"ge.outputDatatype", "INT32"}};
  ASSERT_EQ(session.AddGraph(1, graph, options), ge::SUCCESS) << TakeErrors();
  std::vector<ge::Tensor> out;
  ASSERT_EQ(session.RunGraph(1, {HostTensor({4}, {1, 2, 3, -4})}, out), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].GetTensorDesc().GetDataType(), ge::DT_INT32);
  const auto* first = reinterpret_cast<const int32_t*>(out[0].GetData());
  EXPECT_EQ(std::vector<int32_t>(first, first + 4), (std::vector<int32_t>{4, 16, 36, 64}));
  const auto* second = reinterpret_cast<const int32_t*>(out[1].GetData());
  EXPECT_EQ(std::vector<int32_t>(second, second + 4), (std::vector<int32_t>{2, 4, 6, -8}));
  for (const char* wrong : {"c:0", "a:1"}) {
    ASSERT_EQ(session.AddGraphWithCopy(2, graph, Options{{"ge.outputNodeName", wrong}}), ge::SUCCESS);
    ExpectRefusal(session.CompileGraph(2), {"ge.outputNodeName", "node"});
    ASSERT_EQ(session.RemoveGraph(2), ge::SUCCESS);
  }
}

TEST_F(OptionsTest, ConstantFoldingCanBeSwitchedOff) {
  const auto constants = [&](const Options& options) {
    std::vector<float> values(4096);  // smaller sums are folded while the graph is built
    std::iota(values.begin(), values.end(), 0.0f);
    auto x = MakeData("x", 0, {4096});
    auto a = ge::op::Const("a").set_attr_value(HostTensor({4096}, values));
    values[0] = 5;
    auto b = ge::op::Const("b").set_attr_value(HostTensor({4096}, values));
    auto sum = ge::op::Add("sum").set_input_x1(a).set_input_x2(b);
    auto y = ge::op::Add("y").set_input_x1(x).set_input_x2(sum);
    ge::Graph graph("folds");
    graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{y});
    ge::Session session(Options{});
    size_t size = 0;
    EXPECT_EQ(session.AddGraph(1, graph, options), ge::SUCCESS);
    EXPECT_EQ(session.CompileGraph(1), ge::SUCCESS) << TakeErrors();
    EXPECT_EQ(session.GetCompiledGraphSummary(1)->GetConstMemorySize(size), ge::SUCCESS);
    return size;
  };
  const size_t folded = constants({}), plain = constants({{"ge.oo.constantFolding", "false"}});
  EXPECT_GE(plain, folded + 4096 * 4);
  EXPECT_EQ(constants({{"ge.disableOptimizations", "RemoveSameConstPass,ConstantFoldingPass"}}), plain);
  EXPECT_EQ(constants({{"ge.disableOptimizations", "RemoveSameConstPass"}}), folded);
}

TEST_F(OptionsTest, InputShapesAndHints) {
  ge::Session session(Options{});
  const auto add = [&](uint32_t id, std::vector<int64_t> dims, const Options& options) {
    EXPECT_EQ(session.AddGraph(id, Twice(dims), options), ge::SUCCESS) << TakeErrors();
    return session.CompileGraph(id);
  };
  ASSERT_EQ(add(1, {-1, 2}, {{"ge.inputShape", "x:3,2"}}), ge::SUCCESS) << TakeErrors();
  EXPECT_TRUE(session.GetCompiledGraphSummary(1)->IsStatic());
  ASSERT_EQ(add(2, {-1, 2}, {{"ge.inputHintShape", "0:[3, 2]"}}), ge::SUCCESS) << TakeErrors();
  EXPECT_FALSE(session.GetCompiledGraphSummary(2)->IsStatic());
  ExpectRefusal(add(3, {4, 2}, {{"ge.inputShape", "x:3,2"}}), {"ge.inputShape", "'x'", "[3,2]", "[4,2]"});
  ExpectRefusal(add(4, {-1}, {{"ge.inputShape", "z:3"}}), {"'z'", "no input"});
  ExpectRefusal(add(5, {4, 2}, {{"ge.inputHintShape", "0:[4, 3]"}}), {"ge.inputHintShape", "[4,3]", "[4,2]"});
  ASSERT_EQ(add(6, {-2}, {{"ge.inputHintShape", "0:[3, 2]"}}), ge::SUCCESS) << TakeErrors();
}

TEST_F(OptionsTest, TheSummaryListsSharedMemory) {
  ge::Session session(Options{{"ge.exec.outputReuseInputMemIndexes", "0,0"}});
  Load(session, 1, Twice({4}), stream_);
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  ASSERT_EQ(session.GetCompiledGraphSummary(1)->GetIOIndexesWithSameAddr(pairs), ge::SUCCESS);
  EXPECT_EQ(pairs, (std::vector<std::pair<uint32_t, uint32_t>>{{0, 0}}));
  DeviceTensor x{ge::DT_FLOAT, {4}, 4};
  x.Set<float>({1, 2, 3, 4});
  auto in = Views({&x}), out = Views({&x});
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(x.Get<float>(), (std::vector<float>{2, 4, 6, 8}));
}

TEST_F(OptionsTest, ConstantsOfTheSessionStayThere) {
  ge::Session session(Options{{"ge.constLifecycle", "session"}});
  Compile(session, 1, Twice({4}));
  DeviceTensor memory{ge::DT_UINT8, {4096}, 1};
  ExpectRefusal(session.SetGraphConstMemoryBase(1, memory.data(), 4096), {"ge.constLifecycle"});
}

}  // namespace
}  // namespace belay_test
