// The life of process, session and graph: one test per rule.
#include <atomic>
#include <memory>
#include <thread>

#include "api_ge/ge_fixture.h"

namespace belay_test {
namespace {

using Tensors = std::vector<ge::Tensor>;

class Lifecycle : public GeTest {
 protected:
  void SetUp() override {
    GeTest::SetUp();
    x_ = std::make_unique<DeviceTensor>(ge::DT_FLOAT, std::vector<int64_t>{4}, 4);
    y_ = std::make_unique<DeviceTensor>(ge::DT_FLOAT, std::vector<int64_t>{4}, 4);
  }
  void TearDown() override {
    x_.reset();
    y_.reset();
    GeTest::TearDown();
  }
  void ExpectTwice(const Tensors& out) {
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(Floats(out[0]), (std::vector<float>{2, 4, 6, 8}));
  }
  ge::Status Execute(ge::Session& session, uint32_t id) {
    auto in = Views({x_.get()}), out = Views({y_.get()});
    return GeSessionExecuteGraphWithStreamAsync(session, id, stream_, in, out);
  }
  ge::Status LoadOnly(ge::Session& session, uint32_t id) {
    return GeSessionLoadGraph(session, id, Options{}, stream_);
  }
  const Tensors in_{HostTensor({4}, {1, 2, 3, 4})};
  Tensors out_;
  std::unique_ptr<DeviceTensor> x_, y_;
};

// --- the process ---

TEST_F(Lifecycle, InitializeAgainIsGoodAndChangesNothing) {
  EXPECT_EQ(ge::GEInitialize(Options{{"ge.exec.precision_mode_v2", "no such mode"}}), ge::SUCCESS);
  EXPECT_EQ(ge::GEInitialize(std::map<std::string, std::string>{}), ge::SUCCESS);
}

TEST_F(Lifecycle, NullKeysAndValuesAreRefused) {
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  const ge::AscendString null;
  ExpectRefusal(ge::GEInitialize(Options{{null, "0"}}), {"null"});
  ExpectRefusal(ge::GEInitialize(Options{{"ge.exec.deviceId", null}}), {"null", "ge.exec.deviceId"});
  ASSERT_EQ(ge::GEInitialize(Options{}), ge::SUCCESS);
  EXPECT_EQ(ge::Session(Options{{"ge.graphRunMode", null}}).GetSessionId(), 0u);
  (void)TakeErrors();
  ge::Session session(Options{});
  ExpectRefusal(session.AddGraph(1, Twice({4}), Options{{null, "0"}}), {"null"});
  Compile(session, 1, Twice({4}));
  ExpectRefusal(GeSessionLoadGraph(session, 1, Options{{null, "0"}}, stream_), {"null"});
}

TEST_F(Lifecycle, FinalizeEndsSessionsAndAllowsANewStart) {
  ge::Session session(Options{});
  Load(session, 1, Twice({4}), stream_);
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  EXPECT_EQ(ge::GEFinalize(), ge::SUCCESS);
  ExpectRefusal(Execute(session, 1), {"not initialised"});
  ASSERT_EQ(ge::GEInitialize(Options{}), ge::SUCCESS);
  ExpectRefusal(Execute(session, 1), {"ended by GEFinalize"});
  ge::Session next(Options{});
  Load(next, 1, Twice({4}), stream_);
  EXPECT_EQ(Execute(next, 1), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
}  // the old session's destructor runs after GEFinalize and does no harm

// --- sessions ---

TEST_F(Lifecycle, SessionsBeforeTheStartFailEveryCall) {
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  ge::Session session(Options{});
  EXPECT_EQ(session.GetSessionId(), 0u);
  DeviceTensor memory{ge::DT_UINT8, {64}, 1};
  std::vector<gert::Tensor> fast;
  ge::AscendString json;
  const auto refused = [&](ge::Status status) { ExpectRefusal(status, {"not initialised"}); };
  refused(session.AddGraph(1, Twice({4})));
  refused(session.AddGraphWithCopy(1, Twice({4})));
  refused(session.CompileGraph(1));
  refused(session.BuildGraph(1, Tensors{}));
  refused(session.RunGraph(1, in_, out_));
  refused(session.RunGraphAsync(1, in_, nullptr));
  refused(session.RunGraphWithStreamAsync(1, stream_, in_, out_));
  refused(session.RemoveGraph(1));
  refused(LoadOnly(session, 1));
  refused(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, {}, fast));
  refused(GeSessionGraphDebugJSONPrint(session, 1, 0, json));
  refused(session.SetGraphConstMemoryBase(1, memory.data(), 64));
  refused(session.UpdateGraphFeatureMemoryBase(1, memory.data(), 64));
  refused(session.UpdateGraphRefreshableFeatureMemoryBase(1, memory.data(), 64));
  refused(session.SetGraphFixedFeatureMemoryBase(1, memory.data(), 64));
  refused(session.RegisterExternalAllocator(stream_, nullptr));
  refused(session.UnregisterExternalAllocator(stream_));
  EXPECT_EQ(session.GetCompiledGraphSummary(1), nullptr);
  EXPECT_FALSE(session.IsGraphNeedRebuild(1));
  ASSERT_EQ(ge::GEInitialize(Options{}), ge::SUCCESS);
}

TEST_F(Lifecycle, IdsOfSessionsAreUnique) {
  ge::Session a(Options{}), b(std::map<std::string, std::string>{});
  EXPECT_NE(a.GetSessionId(), 0u);
  EXPECT_NE(a.GetSessionId(), b.GetSessionId());
}

// --- graphs: one test per row of the table of calls ---

TEST_F(Lifecycle, AddGraphNeedsAGraph) {
  ge::Session session(Options{});
  ExpectRefusal(session.AddGraph(1, ge::Graph("empty")), {"empty"});
  ExpectRefusal(session.AddGraphWithCopy(1, ge::Graph("empty")), {"empty"});
}

TEST_F(Lifecycle, ARepeatedIdKeepsTheFirstGraph) {
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, Twice({4})), ge::SUCCESS);
  EXPECT_EQ(session.AddGraph(1, Twice({5})), ge::SUCCESS);
  ASSERT_EQ(session.RunGraph(1, in_, out_), ge::SUCCESS) << TakeErrors();
  ExpectTwice(out_);
}

TEST_F(Lifecycle, AGraphIsAddedOnce) {
  ge::Session session(Options{}), other(Options{});
  const ge::Graph graph = Twice({4});
  ASSERT_EQ(session.AddGraph(1, graph), ge::SUCCESS);
  ExpectRefusal(session.AddGraph(2, graph), {"added already"});
  ExpectRefusal(other.AddGraph(1, graph), {"added already"});
  ASSERT_EQ(session.RemoveGraph(1), ge::SUCCESS);
  EXPECT_EQ(other.AddGraph(1, graph), ge::SUCCESS) << TakeErrors();
}

TEST_F(Lifecycle, AddGraphSeesLaterChangesAndACopyDoesNot) {
  ge::Session session(Options{});
  auto x = MakeData("x", 0, {4});
  auto sum = ge::op::Add("sum").set_input_x1(x).set_input_x2(x);
  auto square = ge::op::Mul("square").set_input_x1(x).set_input_x2(x);
  ge::Graph graph("changing");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{sum});
  ASSERT_EQ(session.AddGraph(1, graph), ge::SUCCESS);
  ASSERT_EQ(session.AddGraphWithCopy(2, graph), ge::SUCCESS);
  graph.SetOutputs(std::vector<ge::Operator>{square});
  ASSERT_EQ(session.RunGraph(2, in_, out_), ge::SUCCESS) << TakeErrors();
  ExpectTwice(out_);
  ASSERT_EQ(session.RunGraph(1, in_, out_), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(Floats(out_.at(0)), (std::vector<float>{1, 4, 9, 16}));
}

TEST_F(Lifecycle, AddGraphWithCopyNeedsAFreeId) {
  ge::Session session(Options{});
  const ge::Graph graph = Twice({4});
  ASSERT_EQ(session.AddGraphWithCopy(1, graph), ge::SUCCESS);
  ExpectRefusal(session.AddGraphWithCopy(1, graph), {"graph 1 already"});
  EXPECT_EQ(session.AddGraphWithCopy(2, graph, Options{}), ge::SUCCESS) << TakeErrors();
}

TEST_F(Lifecycle, UnknownIds) {
  ge::Session session(Options{});
  std::vector<gert::Tensor> fast;
  ge::AscendString json;
  const auto never = [](ge::Status, Tensors&) { ADD_FAILURE(); };
  EXPECT_EQ(session.RunGraph(9, in_, out_), ge::GE_GRAPH_GRAPH_NOT_EXIST);
  EXPECT_EQ(session.BuildGraph(9, in_), ge::GE_GRAPH_GRAPH_NOT_EXIST);
  EXPECT_EQ(session.RunGraphAsync(9, in_, never), ge::GE_GRAPH_GRAPH_NOT_EXIST);
  EXPECT_EQ(session.RunGraphWithStreamAsync(9, stream_, in_, out_), ge::GE_GRAPH_GRAPH_NOT_EXIST);
  (void)TakeErrors();
  ExpectRefusal(session.CompileGraph(9), {"no graph 9"});
  ExpectRefusal(session.RemoveGraph(9), {"no graph 9"});
  ExpectRefusal(LoadOnly(session, 9), {"no graph 9"});
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 9, stream_, {}, fast), {"no graph 9"});
  ExpectRefusal(GeSessionGraphDebugJSONPrint(session, 9, 0, json), {"no graph 9"});
  EXPECT_EQ(session.GetCompiledGraphSummary(9), nullptr);
  EXPECT_FALSE(session.IsGraphNeedRebuild(9));
}

TEST_F(Lifecycle, SummaryAndLoadNeedACompiledGraph) {
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, Twice({4})), ge::SUCCESS);
  EXPECT_EQ(session.GetCompiledGraphSummary(1), nullptr);
  EXPECT_NE(TakeErrors().find("call CompileGraph first"), std::string::npos);
  ExpectRefusal(LoadOnly(session, 1), {"not compiled"});
  ASSERT_EQ(session.CompileGraph(1), ge::SUCCESS);
  const ge::CompiledGraphSummaryPtr first = session.GetCompiledGraphSummary(1);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(session.GetCompiledGraphSummary(1), first);
  EXPECT_EQ(LoadOnly(session, 1), ge::SUCCESS);
}

TEST_F(Lifecycle, ExecuteNeedsALoadedGraph) {
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, Twice({4})), ge::SUCCESS);
  ExpectRefusal(Execute(session, 1), {"neither compiled nor loaded"});
  ASSERT_EQ(session.CompileGraph(1), ge::SUCCESS);
  ExpectRefusal(Execute(session, 1), {"compiled but not loaded"});
  ASSERT_EQ(LoadOnly(session, 1), ge::SUCCESS);
  x_->Set<float>({1, 2, 3, 4});
  ASSERT_EQ(Execute(session, 1), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(y_->Get<float>(), (std::vector<float>{2, 4, 6, 8}));
}

TEST_F(Lifecycle, ExecuteNeedsAStreamOfAcl) {
  ge::Session session(Options{});
  Load(session, 1, Twice({4}), stream_);
  auto in = Views({x_.get()}), out = Views({y_.get()});
  int local = 0;
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, nullptr, in, out), {"stream is null"});
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, &local, in, out), {"not a live stream"});
  ExpectRefusal(session.RunGraphWithStreamAsync(1, nullptr, in_, out_), {"stream is null"});
}

TEST_F(Lifecycle, CompileGraphAndRunGraphExcludeEachOther) {
  ge::Session session(Options{});
  const ge::Graph compiled = Twice({4}), built = Twice({4});
  ASSERT_EQ(session.AddGraph(1, compiled), ge::SUCCESS);
  ASSERT_EQ(session.CompileGraph(1), ge::SUCCESS);
  EXPECT_EQ(session.CompileGraph(1), ge::SUCCESS);
  ExpectRefusal(session.RunGraph(1, in_, out_), {"compiled by CompileGraph"});
  ExpectRefusal(session.BuildGraph(1, in_), {"compiled by CompileGraph"});
  ASSERT_EQ(session.AddGraph(2, built), ge::SUCCESS);
  ASSERT_EQ(session.BuildGraph(2, in_), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(session.BuildGraph(2, in_), ge::SUCCESS);
  ExpectRefusal(session.CompileGraph(2), {"built by RunGraph"});
  ExpectRefusal(LoadOnly(session, 2), {"built by RunGraph"});
  ExpectRefusal(Execute(session, 2), {"built by RunGraph"});
  ASSERT_EQ(session.RunGraph(2, in_, out_), ge::SUCCESS) << TakeErrors();
  ExpectTwice(out_);
  // A removed graph starts again, on either way.
  ASSERT_EQ(session.RemoveGraph(2), ge::SUCCESS);
  ASSERT_EQ(session.AddGraph(2, built), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(session.CompileGraph(2), ge::SUCCESS);
}

TEST_F(Lifecycle, RunGraphWithStreamAsyncWorksOnBothWays) {
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, Twice({4})), ge::SUCCESS);
  Compile(session, 2, Twice({4}));
  Load(session, 3, Twice({4}), stream_);
  x_->Set<float>({1, 2, 3, 4});
  ge::Tensor in(ge::TensorDesc(ge::Shape(std::vector<int64_t>{4}), ge::FORMAT_ND, ge::DT_FLOAT));
  ASSERT_EQ(in.SetData(static_cast<uint8_t*>(x_->data()), x_->bytes(), [](uint8_t*) {}), ge::GRAPH_SUCCESS);
  for (uint32_t id : {1, 2, 3}) {
    Tensors out;
    ASSERT_EQ(session.RunGraphWithStreamAsync(id, stream_, {in}, out), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
    ExpectTwice(out);
  }
}

TEST_F(Lifecycle, AFailedCompilationLeavesTheGraphAdded) {
  ge::Session session(Options{});
  auto x = MakeData("x", 0, {4}), z = MakeData("z", 1, {3});
  auto y = ge::op::Add("bad").set_input_x1(x).set_input_x2(z);
  ge::Graph graph("bad");
  graph.SetInputs({x, z}).SetOutputs(std::vector<ge::Operator>{y});
  ASSERT_EQ(session.AddGraph(1, graph), ge::SUCCESS);
  ExpectRefusal(session.CompileGraph(1), {"'bad'", "graph 1"});
  ExpectRefusal(LoadOnly(session, 1), {"not compiled"});
  ExpectRefusal(session.RunGraph(1, in_, out_), {"'bad'"});
  EXPECT_EQ(session.RemoveGraph(1), ge::SUCCESS);
}

TEST_F(Lifecycle, AQueuedRunOutlivesItsGraph) {
  ge::Session session(Options{});
  std::atomic<bool> open{false};
  std::atomic<int> good{0};
  const auto hold = [&](ge::Status, Tensors&) {
    while (!open) std::this_thread::yield();
  };
  const auto count = [&](ge::Status status, Tensors& out) {
    good += status == ge::SUCCESS && Floats(out.at(0)) == std::vector<float>{2, 4, 6, 8};
  };
  ASSERT_EQ(session.AddGraph(1, Twice({4})), ge::SUCCESS);
  ASSERT_EQ(session.RunGraphAsync(1, in_, hold), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(session.RunGraphAsync(1, in_, count), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(session.RemoveGraph(1), ge::SUCCESS);
  EXPECT_EQ(session.RunGraphAsync(1, in_, count), ge::GE_GRAPH_GRAPH_NOT_EXIST);
  ASSERT_EQ(session.AddGraph(1, Twice({4})), ge::SUCCESS);
  ASSERT_EQ(session.RunGraphAsync(1, in_, count), ge::SUCCESS) << TakeErrors();
  open = true;
  while (good < 2) std::this_thread::yield();
  (void)TakeErrors();
}

TEST_F(Lifecycle, MemorySettersNeedACompiledGraph) {
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, Twice({4})), ge::SUCCESS);
  ASSERT_EQ(session.AddGraph(2, Twice({4})), ge::SUCCESS);
  ASSERT_EQ(session.BuildGraph(2, in_), ge::SUCCESS) << TakeErrors();
  DeviceTensor memory{ge::DT_UINT8, {4096}, 1};
  for (const auto& [id, why] : {std::pair<uint32_t, const char*>{1, "not compiled"}, {2, "built by RunGraph"}}) {
    ExpectRefusal(session.SetGraphConstMemoryBase(id, memory.data(), 4096), {why});
    ExpectRefusal(session.UpdateGraphFeatureMemoryBase(id, memory.data(), 4096), {why});
    ExpectRefusal(session.UpdateGraphRefreshableFeatureMemoryBase(id, memory.data(), 4096), {why});
    ExpectRefusal(session.SetGraphFixedFeatureMemoryBase(id, memory.data(), 4096), {why});
    ExpectRefusal(session.SetGraphFixedFeatureMemoryBaseWithType(id, ge::MemoryType::MEMORY_TYPE_DEFAULT,
                                                                 memory.data(), 4096), {why});
  }
}

// --- threads ---

TEST_F(Lifecycle, ManySessionsInManyThreads) {
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 4; ++round) {
        ge::Session session(Options{});
        const float factor = static_cast<float>(t + 1);
        const Tensors in{HostTensor({4}, {factor, 2 * factor, 3 * factor, 4 * factor})};
        Tensors out;
        std::atomic<int> called{0};
        if (session.AddGraph(1, Twice({4})) != ge::SUCCESS || session.RunGraph(1, in, out) != ge::SUCCESS) continue;
        if (Floats(out.at(0)).at(3) != 8 * factor) continue;
        const auto done = [&](ge::Status status, Tensors& later) {
          called += status == ge::SUCCESS && Floats(later.at(0)).at(0) == 2 * factor;
        };
        if (session.RunGraphAsync(1, in, done) != ge::SUCCESS) continue;
        while (called == 0) std::this_thread::yield();
        ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 24);
}

TEST_F(Lifecycle, OneSessionInManyThreads) {
  ge::Session session(Options{});
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      ASSERT_EQ(aclrtSetDevice(0), ACL_SUCCESS);
      aclrtStream stream = nullptr;
      ASSERT_EQ(aclrtCreateStream(&stream), ACL_SUCCESS);
      for (int round = 0; round < 4; ++round) {
        DeviceTensor x{ge::DT_FLOAT, {4}, 4}, y{ge::DT_FLOAT, {4}, 4};
        x.Set<float>({1, 2, 3, static_cast<float>(t)});
        auto in = Views({&x}), out = Views({&y});
        const bool ran = session.AddGraph(t, Twice({4})) == ge::SUCCESS && session.CompileGraph(t) == ge::SUCCESS &&
                         GeSessionLoadGraph(session, t, Options{}, stream) == ge::SUCCESS &&
                         GeSessionExecuteGraphWithStreamAsync(session, t, stream, in, out) == ge::SUCCESS &&
                         session.RemoveGraph(t) == ge::SUCCESS && aclrtSynchronizeStream(stream) == ACL_SUCCESS;
        good += ran && y.Get<float>()[3] == 2 * static_cast<float>(t);
      }
      EXPECT_EQ(aclrtDestroyStream(stream), ACL_SUCCESS);
      EXPECT_EQ(aclrtResetDevice(0), ACL_SUCCESS);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 24);
}

}  // namespace
}  // namespace belay_test
