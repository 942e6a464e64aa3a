// GeSessionExecuteGraphWithStreamAsync as a user of CANN calls it.
#include <atomic>
#include <cmath>
#include <string>
#include <thread>

#include "all_ops.h"
#include "ge/ge_api.h"
#include "api_ge/device_tensor.h"

namespace {

using belay_test::DeviceTensor;
using belay_test::Views;
using Options = std::map<ge::AscendString, ge::AscendString>;

ge::op::Data MakeData(const char* name, int index, std::vector<int64_t> dims, ge::DataType dtype = ge::DT_FLOAT) {
  ge::op::Data data(name);
  ge::TensorDesc desc(ge::Shape(dims), ge::FORMAT_ND, dtype);
  data.update_input_desc_x(desc);
  data.update_output_desc_y(desc);
  data.set_attr_index(index);
  return data;
}

// y = cast<f16>(relu(matmul(x, w) + b)), z = the same before the cast
ge::Graph Mlp(int64_t rows) {
  auto x = MakeData("x", 0, {rows, 3});
  auto w = MakeData("w", 1, {3, 2});
  auto b = MakeData("b", 2, {2});
  auto mm = ge::op::MatMulV2("mm").set_input_x1(x).set_input_x2(w);
  auto add = ge::op::Add("add").set_input_x1(mm).set_input_x2(b);
  auto relu = ge::op::Relu("relu").set_input_x(add);
  auto cast = ge::op::Cast("cast").set_input_x(relu).set_attr_dst_type(ge::DT_FLOAT16);
  ge::Graph graph("mlp");
  graph.SetInputs({x, w, b}).SetOutputs(std::vector<ge::Operator>{relu, cast});
  return graph;
}

class SeedCall : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(ge::GEInitialize(Options{{"ge.exec.deviceId", "0"}}), ge::SUCCESS);
    ASSERT_EQ(aclrtSetDevice(0), ACL_SUCCESS);
    ASSERT_EQ(aclrtCreateStream(&stream_), ACL_SUCCESS);
    (void)ge::GEGetErrorMsgV2();
  }
  void TearDown() override {
    EXPECT_EQ(aclrtDestroyStream(stream_), ACL_SUCCESS);
    EXPECT_EQ(ge::GEFinalize(), ge::SUCCESS);
    EXPECT_EQ(aclrtResetDevice(0), ACL_SUCCESS);
  }
  static void Load(ge::Session& session, uint32_t id, const ge::Graph& graph, aclrtStream stream) {
    ASSERT_EQ(session.AddGraph(id, graph), ge::SUCCESS) << ge::GEGetErrorMsgV2().GetString();
    ASSERT_EQ(session.CompileGraph(id), ge::SUCCESS) << ge::GEGetErrorMsgV2().GetString();
    ASSERT_EQ(GeSessionLoadGraph(session, id, Options{}, stream), ge::SUCCESS)
        << ge::GEGetErrorMsgV2().GetString();
  }
  // Checks that the call is refused and that the message holds all `words`.
  static void ExpectRefusal(ge::Status status, std::initializer_list<const char*> words) {
    EXPECT_NE(status, ge::SUCCESS);
    const std::string text = ge::GEGetErrorMsgV2().GetString();
    for (const char* word : words) EXPECT_NE(text.find(word), std::string::npos) << word << " in: " << text;
    EXPECT_NE(text.find("Do:"), std::string::npos) << text;
  }

  aclrtStream stream_ = nullptr;
};

struct MlpCall {
  DeviceTensor x{ge::DT_FLOAT, {2, 3}, 4}, w{ge::DT_FLOAT, {3, 2}, 4}, b{ge::DT_FLOAT, {2}, 4};
  DeviceTensor y{ge::DT_FLOAT, {2, 2}, 4}, z{ge::DT_FLOAT16, {2, 2}, 2};
  MlpCall() {
    x.Set<float>({1, 2, 3, -4, 5, -6});
    w.Set<float>({1, -1, 0.5f, 2, -2, 0.25f});
    b.Set<float>({10, -1});
  }
  std::vector<gert::Tensor> inputs() const { return Views({&x, &w, &b}); }
  std::vector<gert::Tensor> outputs() const { return Views({&y, &z}); }
  void ExpectResults() const {
    EXPECT_EQ(y.Get<float>(), (std::vector<float>{6, 2.75f, 20.5f, 11.5f}));
    EXPECT_EQ(z.Get<uint16_t>(), (std::vector<uint16_t>{0x4600, 0x4180, 0x4d20, 0x49c0}));
  }
};

TEST_F(SeedCall, ComputesMatMulAddReluCast) {
  ge::Session session(Options{});
  Load(session, 1, Mlp(2), stream_);
  MlpCall call;
  auto in = call.inputs(), out = call.outputs();
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS)
        << ge::GEGetErrorMsgV2().GetString();
    ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
    call.ExpectResults();
    EXPECT_EQ(out[0].GetAddr(), call.y.data());
  }
}

struct Gate {
  std::atomic<bool> open{false}, entered{false};
  static void Hold(void* arg) {
    auto* gate = static_cast<Gate*>(arg);
    gate->entered = true;
    while (!gate->open) std::this_thread::yield();
  }
};

TEST_F(SeedCall, ReturnsBeforeTheWorkIsDone) {
  ge::Session session(Options{});
  Load(session, 1, Mlp(2), stream_);
  MlpCall call;
  aclrtEvent event = nullptr;
  ASSERT_EQ(aclrtCreateEvent(&event), ACL_SUCCESS);
  Gate gate;
  ASSERT_EQ(aclrtLaunchHostFunc(stream_, Gate::Hold, &gate), ACL_SUCCESS);
  {
    auto in = call.inputs(), out = call.outputs();
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS);
    // The vectors die here: nothing of them may be touched after return.
  }
  ASSERT_EQ(aclrtRecordEvent(event, stream_), ACL_SUCCESS);
  while (!gate.entered) std::this_thread::yield();
  aclrtEventRecordedStatus status = ACL_EVENT_RECORDED_STATUS_COMPLETE;
  ASSERT_EQ(aclrtQueryEventStatus(event, &status), ACL_SUCCESS);
  EXPECT_EQ(status, ACL_EVENT_RECORDED_STATUS_NOT_READY);
  EXPECT_EQ(static_cast<const unsigned char*>(call.y.data())[0], 0xEE);
  gate.open = true;
  // Nobody synchronises: the worker finishes on its own.
  while (status != ACL_EVENT_RECORDED_STATUS_COMPLETE) {
    ASSERT_EQ(aclrtQueryEventStatus(event, &status), ACL_SUCCESS);
    std::this_thread::yield();
  }
  call.ExpectResults();
  EXPECT_EQ(aclrtDestroyEvent(event), ACL_SUCCESS);
}

TEST_F(SeedCall, AllocatesNullOutputs) {
  ge::Session session(Options{});
  Load(session, 1, Mlp(2), stream_);
  MlpCall call;
  auto in = call.inputs();
  std::vector<gert::Tensor> out(2);
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS)
      << ge::GEGetErrorMsgV2().GetString();
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  ASSERT_NE(out[0].GetAddr(), nullptr);
  EXPECT_EQ(out[0].GetDataType(), ge::DT_FLOAT);
  EXPECT_EQ(out[0].GetPlacement(), gert::kOnDeviceHbm);
  EXPECT_EQ(out[0].GetSize(), 16u);
  ASSERT_EQ(out[0].GetStorageShape().GetDimNum(), 2u);
  EXPECT_EQ(out[0].GetData<float>()[2], 20.5f);
  gert::TensorData shared;
  EXPECT_EQ(shared.ShareFrom(out[0].GetTensorData()), ge::GRAPH_SUCCESS);
  out.clear();
  EXPECT_EQ(static_cast<float*>(shared.GetAddr())[3], 11.5f);
}

TEST_F(SeedCall, DynamicRows) {
  ge::Session session(Options{});
  Load(session, 7, Mlp(-1), stream_);
  for (int64_t rows : {1, 5, 2, 0, 33}) {
    DeviceTensor x{ge::DT_FLOAT, {rows, 3}, 4}, w{ge::DT_FLOAT, {3, 2}, 4}, b{ge::DT_FLOAT, {2}, 4};
    std::vector<float> values;
    for (int64_t i = 0; i < rows * 3; ++i) values.push_back(static_cast<float>(i));
    x.Set(values);
    w.Set<float>({1, 2, 3, 4, 5, 6});
    b.Set<float>({0.5f, -1});
    auto in = Views({&x, &w, &b});
    std::vector<gert::Tensor> out(2);
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 7, stream_, in, out), ge::SUCCESS)
        << ge::GEGetErrorMsgV2().GetString();
    ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
    ASSERT_EQ(out[0].GetStorageShape().GetDim(0), rows);
    for (int64_t r = 0; r < rows; ++r) {
      const float* v = &values[r * 3];
      EXPECT_EQ(out[0].GetData<float>()[r * 2], v[0] + 3 * v[1] + 5 * v[2] + 0.5f);
      EXPECT_EQ(out[0].GetData<float>()[r * 2 + 1], 2 * v[0] + 4 * v[1] + 6 * v[2] - 1);
    }
  }
}

TEST_F(SeedCall, WrongUseIsRefusedByNameAndHarmsNothing) {
  ge::Session session(Options{});
  MlpCall call;
  auto in = call.inputs(), out = call.outputs();
  auto run = [&](uint32_t id) { return GeSessionExecuteGraphWithStreamAsync(session, id, stream_, in, out); };
  ExpectRefusal(run(9), {"no graph 9"});
  ASSERT_EQ(session.AddGraph(1, Mlp(2)), ge::SUCCESS);
  ExpectRefusal(run(1), {"neither compiled nor loaded"});
  ExpectRefusal(GeSessionLoadGraph(session, 1, Options{}, stream_), {"not compiled"});
  ASSERT_EQ(session.CompileGraph(1), ge::SUCCESS) << ge::GEGetErrorMsgV2().GetString();
  ExpectRefusal(run(1), {"compiled but not loaded", "mlp"});
  ASSERT_EQ(GeSessionLoadGraph(session, 1, Options{}, stream_), ge::SUCCESS);

  std::vector<gert::Tensor> two;
  two.push_back(call.x.View());
  two.push_back(call.w.View());
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, two, out), {"2 inputs", "has 3"});
  std::vector<gert::Tensor> one(1);
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, one), {"1 outputs", "has 2"});

  DeviceTensor half{ge::DT_FLOAT16, {2, 3}, 2}, wide{ge::DT_FLOAT, {2, 4}, 4}, small{ge::DT_FLOAT, {1}, 4};
  auto wrong_dtype = Views({&half, &call.w, &call.b});
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, wrong_dtype, out), {"'x'", "f16", "f32"});
  auto wrong_shape = Views({&wide, &call.w, &call.b});
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, wrong_shape, out), {"'x'", "[2,4]", "[2,3]"});
  auto short_output = Views({&small, &call.z});
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, short_output), {"output 0", "16 bytes"});

  float host[6] = {};
  auto host_input = call.inputs();
  host_input[0].MutableTensorData().SetAddr(host, nullptr);
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, host_input, out),
                {"host memory", "aclrtMalloc"});
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, nullptr, in, out), {"stream is null"});
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, host, in, out), {"not a live stream"});
  aclrtStream gone = nullptr;
  ASSERT_EQ(aclrtCreateStream(&gone), ACL_SUCCESS);
  ASSERT_EQ(aclrtDestroyStream(gone), ACL_SUCCESS);
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, gone, in, out), {"not a live stream"});

  ASSERT_EQ(run(1), ge::SUCCESS);
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  call.ExpectResults();
}

TEST_F(SeedCall, NotInitialised) {
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  ge::Session session(Options{});
  ExpectRefusal(session.CompileGraph(1), {"not initialised"});
  ASSERT_EQ(ge::GEInitialize(Options{}), ge::SUCCESS);
}

TEST_F(SeedCall, RemovedGraphsAndSessionsLetRunsFinish) {
  MlpCall removed, destroyed;
  Gate gate;
  auto session = std::make_unique<ge::Session>(Options{});
  Load(*session, 1, Mlp(2), stream_);
  Load(*session, 2, Mlp(2), stream_);
  ASSERT_EQ(aclrtLaunchHostFunc(stream_, Gate::Hold, &gate), ACL_SUCCESS);
  {
    auto in = removed.inputs(), out = removed.outputs();
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(*session, 1, stream_, in, out), ge::SUCCESS);
    auto in2 = destroyed.inputs(), out2 = destroyed.outputs();
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(*session, 2, stream_, in2, out2), ge::SUCCESS);
  }
  EXPECT_EQ(session->RemoveGraph(1), ge::SUCCESS);
  session.reset();
  gate.open = true;
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  removed.ExpectResults();
  destroyed.ExpectResults();
}

TEST_F(SeedCall, OneGraphOnSeveralStreamsFromSeveralThreads) {
  ge::Session session(Options{});
  Load(session, 1, Mlp(2), stream_);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&session] {
      ASSERT_EQ(aclrtSetDevice(0), ACL_SUCCESS);
      aclrtStream stream = nullptr;
      ASSERT_EQ(aclrtCreateStream(&stream), ACL_SUCCESS);
      {
        MlpCall call;
        auto in = call.inputs(), out = call.outputs();
        for (int i = 0; i < 50; ++i) {
          ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream, in, out), ge::SUCCESS);
        }
        ASSERT_EQ(aclrtSynchronizeStream(stream), ACL_SUCCESS);
        call.ExpectResults();
      }
      EXPECT_EQ(aclrtDestroyStream(stream), ACL_SUCCESS);
      EXPECT_EQ(aclrtResetDevice(0), ACL_SUCCESS);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(SeedCall, OrderWithCopiesAndOtherGraphs) {
  ge::Session session(Options{});
  auto x = MakeData("x", 0, {4});
  auto twice = ge::op::Add("twice").set_input_x1(x).set_input_x2(x);
  ge::Graph graph("double");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{twice});
  Load(session, 3, graph, stream_);
  DeviceTensor a{ge::DT_FLOAT, {4}, 4}, b{ge::DT_FLOAT, {4}, 4}, c{ge::DT_FLOAT, {4}, 4};
  const float start[4] = {1, 2, 3, 4};
  float end[4] = {};
  ASSERT_EQ(aclrtMemcpyAsync(a.data(), 16, start, 16, ACL_MEMCPY_HOST_TO_DEVICE, stream_), ACL_SUCCESS);
  auto in_a = Views({&a}), out_b = Views({&b}), in_b = Views({&b}), out_c = Views({&c});
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 3, stream_, in_a, out_b), ge::SUCCESS);
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 3, stream_, in_b, out_c), ge::SUCCESS);
  ASSERT_EQ(aclrtMemcpyAsync(end, 16, c.data(), 16, ACL_MEMCPY_DEVICE_TO_HOST, stream_), ACL_SUCCESS);
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(end[i], 4 * start[i]);
}

TEST_F(SeedCall, OutputInTheInputsMemory) {
  ge::Session session(Options{});
  auto x = MakeData("x", 0, {2, 2});
  auto w = MakeData("w", 1, {2, 2});
  auto mm = ge::op::MatMulV2("mm").set_input_x1(x).set_input_x2(w);
  ge::Graph graph("square");
  graph.SetInputs({x, w}).SetOutputs(std::vector<ge::Operator>{mm});
  Load(session, 4, graph, stream_);
  DeviceTensor a{ge::DT_FLOAT, {2, 2}, 4};
  a.Set<float>({1, 2, 3, 4});
  auto in = Views({&a, &a}), out = Views({&a});
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 4, stream_, in, out), ge::SUCCESS);
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(a.Get<float>(), (std::vector<float>{7, 10, 15, 22}));
}

TEST_F(SeedCall, RunGraphOnHostTensors) {
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(5, Mlp(2)), ge::SUCCESS);
  auto host = [](std::vector<int64_t> dims, std::vector<float> v) {
    ge::TensorDesc desc(ge::Shape(dims), ge::FORMAT_ND, ge::DT_FLOAT);
    return ge::Tensor(desc, reinterpret_cast<uint8_t*>(v.data()), v.size() * 4);
  };
  std::vector<ge::Tensor> in{host({2, 3}, {1, 2, 3, -4, 5, -6}), host({3, 2}, {1, -1, 0.5f, 2, -2, 0.25f}),
                             host({2}, {10, -1})};
  std::vector<ge::Tensor> out;
  ASSERT_EQ(session.RunGraph(5, in, out), ge::SUCCESS) << ge::GEGetErrorMsgV2().GetString();
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(reinterpret_cast<const float*>(out[0].GetData())[2], 20.5f);
}

}  // namespace
