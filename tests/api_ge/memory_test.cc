// CompiledGraphSummary, the user's memory for constants and scratch, external allocators.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "api_ge/ge_fixture.h"
#include "matrix_calculation_ops.h"
#include "nn_calculation_ops.h"
#include "nn_norm_ops.h"
#include "reduce_ops.h"

namespace belay_test {
namespace {

ge::op::Const Weights(const char* name, std::vector<int64_t> dims, float value) {
  int64_t count = 1;
  for (int64_t d : dims) count *= d;
  return ge::op::Const(name).set_attr_value(HostTensor(dims, std::vector<float>(count, value)));
}

// y = softmax(x . w) . w; constants and scratch are needed.
ge::Graph TwoLayers(std::vector<int64_t> dims) {
  auto x = MakeData("x", 0, dims);
  auto w = Weights("w", {16, 16}, 0.5f);
  auto a = ge::op::MatMulV2("a").set_input_x1(x).set_input_x2(w);
  auto s = ge::op::SoftmaxV2("s").set_input_x(a);
  auto b = ge::op::MatMulV2("b").set_input_x1(s).set_input_x2(w);
  ge::Graph graph("layers");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{b});
  return graph;
}

class Memory : public GeTest {
 protected:
  void SetUp() override {
    GeTest::SetUp();
    x = std::make_unique<DeviceTensor>(ge::DT_FLOAT, std::vector<int64_t>{32, 16}, 4);
    y = std::make_unique<DeviceTensor>(ge::DT_FLOAT, std::vector<int64_t>{32, 16}, 4);
  }
  void TearDown() override {
    x.reset();
    y.reset();
    GeTest::TearDown();
  }
  struct Sizes {
    size_t constants = 0, feature = 0;
  };
  Sizes SizesOf(ge::Session& session, uint32_t id) {
    Sizes sizes;
    ge::CompiledGraphSummaryPtr summary = session.GetCompiledGraphSummary(id);
    EXPECT_NE(summary, nullptr);
    if (!summary) return sizes;
    EXPECT_EQ(summary->GetConstMemorySize(sizes.constants), ge::SUCCESS);
    EXPECT_EQ(summary->GetFeatureMemorySize(sizes.feature), ge::SUCCESS);
    return sizes;
  }
  void Run(ge::Session& session, uint32_t id) {
    auto in = Views({x.get()}), out = Views({y.get()});
    x->Set(std::vector<float>(32 * 16, 1.0f));
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, id, stream_, in, out), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  }
  void RunLayers(ge::Session& session, uint32_t id) {
    Run(session, id);
    for (float v : y->Get<float>()) ASSERT_FLOAT_EQ(v, 0.5f);
  }
  std::unique_ptr<DeviceTensor> x, y;
};

TEST_F(Memory, SummaryOfAStaticGraph) {
  ge::Session session(Options{});
  Compile(session, 1, TwoLayers({32, 16}));
  ge::CompiledGraphSummaryPtr summary = session.GetCompiledGraphSummary(1);
  ASSERT_NE(summary, nullptr);
  EXPECT_TRUE(summary->IsStatic());
  size_t constants = 0, feature = 0, fixed = 1, refreshable = 0, streams = 0;
  EXPECT_EQ(summary->GetConstMemorySize(constants), ge::SUCCESS);
  EXPECT_GE(constants, 1024u);
  EXPECT_EQ(summary->GetFeatureMemorySize(feature), ge::SUCCESS);
  EXPECT_GT(feature, 0u);
  EXPECT_EQ(summary->GetFixedFeatureMemorySize(fixed), ge::SUCCESS);
  EXPECT_EQ(fixed, 0u);
  EXPECT_EQ(summary->GetRefreshableFeatureMemorySize(refreshable), ge::SUCCESS);
  EXPECT_EQ(refreshable, feature);
  EXPECT_EQ(summary->GetStreamNum(streams), ge::SUCCESS);
  EXPECT_EQ(streams, 1u);
  size_t events = 1;
  EXPECT_EQ(summary->GetEventNum(events), ge::SUCCESS);
  EXPECT_EQ(events, 0u);
  const std::vector<ge::FeatureMemoryPtr> kinds = summary->GetAllFeatureMemoryTypeSize();
  ASSERT_EQ(kinds.size(), 1u);
  EXPECT_EQ(kinds[0]->GetType(), ge::MemoryType::MEMORY_TYPE_DEFAULT);
  EXPECT_EQ(kinds[0]->GetSize(), feature);
  EXPECT_FALSE(kinds[0]->IsFixed());
  std::map<std::string, std::map<int32_t, std::vector<std::pair<int64_t, int64_t>>>> shards;
  ExpectRefusal(summary->GetInputShardMethod(shards), {"GetInputShardMethod", "not supported"});
  bool can_refresh = true;
  EXPECT_EQ(summary->GetFeatureMemoryBaseRefreshable(can_refresh), ge::SUCCESS);
  EXPECT_FALSE(can_refresh);
  std::vector<ge::Shape> shapes;
  std::vector<ge::DataType> dtypes;
  ASSERT_EQ(summary->GetOutputShapes(shapes), ge::SUCCESS);
  ASSERT_EQ(summary->GetOutputDtypes(dtypes), ge::SUCCESS);
  ASSERT_EQ(shapes.size(), 1u);
  EXPECT_EQ(shapes[0].GetDims(), (std::vector<int64_t>{32, 16}));
  EXPECT_EQ(dtypes, (std::vector<ge::DataType>{ge::DT_FLOAT}));
}

TEST_F(Memory, SummaryOfADynamicGraph) {
  ge::Session session(Options{});
  Compile(session, 1, TwoLayers({-1, 16}));
  ge::CompiledGraphSummaryPtr summary = session.GetCompiledGraphSummary(1);
  ASSERT_NE(summary, nullptr);
  EXPECT_FALSE(summary->IsStatic());
  size_t size = 1;
  EXPECT_EQ(summary->GetFixedFeatureMemorySize(size), ge::SUCCESS);
  EXPECT_EQ(size, 0u);
  bool refreshable = false;
  std::vector<ge::Shape> shapes;
  std::vector<ge::DataType> dtypes;
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  ExpectRefusal(summary->GetFeatureMemorySize(size), {"GetFeatureMemorySize", "not static"});
  ExpectRefusal(summary->GetConstMemorySize(size), {"not static"});
  ExpectRefusal(summary->GetRefreshableFeatureMemorySize(size), {"not static"});
  ExpectRefusal(summary->GetFeatureMemoryBaseRefreshable(refreshable), {"not static"});
  ExpectRefusal(summary->GetOutputShapes(shapes), {"not static"});
  ExpectRefusal(summary->GetOutputDtypes(dtypes), {"not static"});
  ExpectRefusal(summary->GetIOIndexesWithSameAddr(pairs), {"not static"});
  EXPECT_TRUE(summary->GetAllFeatureMemoryTypeSize().empty());
  EXPECT_EQ(summary->GetStreamNum(size), ge::SUCCESS);
  EXPECT_EQ(size, 1u);
  EXPECT_EQ(summary->GetEventNum(size), ge::SUCCESS);
  EXPECT_EQ(size, 0u);
  EXPECT_EQ(session.SetGraphFixedFeatureMemoryBase(1, nullptr, 0), ge::SUCCESS) << TakeErrors();
  ExpectRefusal(session.UpdateGraphFeatureMemoryBase(1, x->data(), 64), {"IsStatic"});
}

TEST_F(Memory, TheUsersMemoryHoldsConstantsAndScratch) {
  ge::Session session(Options{});
  Compile(session, 1, TwoLayers({32, 16}));
  const Sizes need = SizesOf(session, 1);
  DeviceTensor constants{ge::DT_UINT8, {static_cast<int64_t>(need.constants)}, 1};
  DeviceTensor feature{ge::DT_UINT8, {static_cast<int64_t>(need.feature)}, 1};
  ExpectRefusal(session.SetGraphConstMemoryBase(1, nullptr, need.constants), {"null"});
  ExpectRefusal(session.SetGraphConstMemoryBase(1, constants.data(), need.constants - 1), {"constant memory"});
  ExpectRefusal(session.UpdateGraphFeatureMemoryBase(1, feature.data(), need.feature - 1), {"feature memory"});
  std::vector<uint8_t> host(need.constants + 64);
  const uintptr_t aligned = (reinterpret_cast<uintptr_t>(host.data()) + 63) / 64 * 64;
  ExpectRefusal(session.SetGraphConstMemoryBase(1, reinterpret_cast<void*>(aligned), need.constants),
                {"device memory"});
  ASSERT_EQ(session.SetGraphConstMemoryBase(1, constants.data(), need.constants), ge::SUCCESS) << TakeErrors();
  ExpectRefusal(session.SetGraphConstMemoryBase(1, constants.data(), need.constants), {"already"});
  ASSERT_EQ(session.UpdateGraphFeatureMemoryBase(1, feature.data(), need.feature), ge::SUCCESS) << TakeErrors();
  ExpectRefusal(session.SetGraphFixedFeatureMemoryBase(1, nullptr, 0), {"do not go together"});
  ASSERT_EQ(GeSessionLoadGraph(session, 1, Options{}, stream_), ge::SUCCESS);
  RunLayers(session, 1);
  // The scratch was written, and the weights are read where the user put them.
  EXPECT_NE(feature.Get<uint8_t>(), std::vector<uint8_t>(need.feature, 0xEE));
  std::memset(constants.data(), 0, need.constants);
  auto in = Views({x.get()}), out = Views({y.get()});
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS);
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(y->Get<float>(), std::vector<float>(32 * 16, 0.0f));
  ExpectRefusal(session.SetGraphConstMemoryBase(1, constants.data(), need.constants), {"loaded"});
  ExpectRefusal(session.UpdateGraphFeatureMemoryBase(1, feature.data(), need.feature), {"not refreshable"});
}

// Device memory that ends where a page begins which nobody may touch, with a pattern before it.
class GuardedMemory {
 public:
  explicit GuardedMemory(size_t bytes) : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))), bytes_(bytes) {
    EXPECT_EQ(aclrtMalloc(&block_, bytes + 3 * page_, ACL_MEM_MALLOC_HUGE_FIRST), ACL_SUCCESS);
    auto* first = static_cast<uint8_t*>(block_);
    guard_ = reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(first) + bytes + page_ - 1) / page_ * page_);
    front_ = static_cast<size_t>(data() - first);
    std::memset(first, kPattern, front_ + bytes);
    EXPECT_EQ(mprotect(guard_, page_, PROT_NONE), 0);
  }
  ~GuardedMemory() {
    for (size_t i = 0; i < front_; ++i) EXPECT_EQ(static_cast<uint8_t*>(block_)[i], kPattern);
    EXPECT_EQ(mprotect(guard_, page_, PROT_READ | PROT_WRITE), 0);
    EXPECT_EQ(aclrtFree(block_), ACL_SUCCESS);
  }
  uint8_t* data() const { return guard_ - bytes_; }
  // How many bytes still hold the pattern.
  size_t Untouched() const { return static_cast<size_t>(std::count(data(), data() + bytes_, kPattern)); }

  static constexpr uint8_t kPattern = 0xC3;

 private:
  const size_t page_, bytes_;
  void* block_ = nullptr;
  uint8_t* guard_ = nullptr;
  size_t front_ = 0;
};

TEST_F(Memory, TheSizesAreWhatIsUsed) {
  ge::Session session(Options{{"ge.featureBaseRefreshable", "1"}});
  Compile(session, 1, TwoLayers({32, 16}));
  const Sizes need = SizesOf(session, 1);
  EXPECT_EQ(need.constants % 64, 0u);
  EXPECT_EQ(need.feature % 64, 0u);
  GuardedMemory constants(need.constants), feature(need.feature), other(need.feature);
  ASSERT_EQ(session.SetGraphConstMemoryBase(1, constants.data(), need.constants), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(session.UpdateGraphFeatureMemoryBase(1, feature.data(), need.feature), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(constants.Untouched(), need.constants);
  ASSERT_EQ(GeSessionLoadGraph(session, 1, Options{}, stream_), ge::SUCCESS) << TakeErrors();
  // One tail of 64 bytes may be read and is not written; everything else holds weights.
  EXPECT_LE(constants.Untouched(), 64u);
  const std::vector<uint8_t> weights(constants.data(), constants.data() + need.constants);
  RunLayers(session, 1);
  EXPECT_LE(feature.Untouched(), 64u + need.feature / 16);
  std::memset(feature.data(), 0xFF, need.feature);  // NaN wherever a run would trust what an earlier one left
  RunLayers(session, 1);
  ASSERT_EQ(session.UpdateGraphFeatureMemoryBase(1, other.data(), need.feature), ge::SUCCESS) << TakeErrors();
  RunLayers(session, 1);
  EXPECT_LT(other.Untouched(), need.feature);
  EXPECT_EQ(weights, std::vector<uint8_t>(constants.data(), constants.data() + need.constants));
}

// A convolution with odd extents, a bias and a softmax; constants of several sizes.
ge::Graph Convolved() {
  auto x = MakeData("x", 0, {2, 9, 7, 3});
  std::vector<float> weights(3 * 3 * 3 * 5);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = 0.01f * static_cast<float>(i % 17) - 0.05f;
  auto w = ge::op::Const("w").set_attr_value(HostTensor({3, 3, 3, 5}, weights));
  auto bias = Weights("bias", {5}, 0.25f), shift = Weights("shift", {1}, -1);
  auto conv = ge::op::Conv2D("conv").set_input_x(x).set_input_filter(w).set_input_bias(bias)
                  .set_attr_strides({1, 2, 1, 1}).set_attr_pads({1, 1, 1, 1}).set_attr_data_format("NHWC");
  auto s = ge::op::SoftmaxV2("s").set_input_x(conv);
  const std::vector<int64_t> axes = {1};
  auto sum = ge::op::ReduceSumD("sum").set_input_x(s).set_attr_axes(axes);
  auto y = ge::op::Add("y").set_input_x1(sum).set_input_x2(shift);
  ge::Graph graph("convolved");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{y});
  return graph;
}

// The engine's own memory and the user's, between pages that nobody may touch, give the same bytes.
TEST_F(Memory, TheUsersMemoryIsAsGoodAsTheEngines) {
  ge::Session session(Options{{"ge.featureBaseRefreshable", "1"}});
  Load(session, 1, Convolved(), stream_);
  Compile(session, 2, Convolved());
  const Sizes need = SizesOf(session, 2);
  size_t refreshable = 0;
  ASSERT_EQ(session.GetCompiledGraphSummary(2)->GetRefreshableFeatureMemorySize(refreshable), ge::SUCCESS);
  DeviceTensor image{ge::DT_FLOAT, {2, 9, 7, 3}, 4}, own{ge::DT_FLOAT, {2, 7, 5}, 4}, users{ge::DT_FLOAT, {2, 7, 5}, 4};
  std::vector<float> pixels(2 * 9 * 7 * 3);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i % 13) - 6;
  image.Set(pixels);
  auto in = Views({&image}), own_out = Views({&own}), users_out = Views({&users});
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, own_out), ge::SUCCESS) << TakeErrors();
  GuardedMemory constants(need.constants), first(refreshable), second(refreshable);
  ASSERT_EQ(session.SetGraphConstMemoryBase(2, constants.data(), need.constants), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(GeSessionLoadGraph(session, 2, Options{}, stream_), ge::SUCCESS) << TakeErrors();
  EXPECT_LE(constants.Untouched(), 64u + need.constants / 64);
  for (GuardedMemory* scratch : {&first, &second, &first}) {
    std::memset(scratch->data(), 0xFF, refreshable);
    ExpectRefusal(session.UpdateGraphRefreshableFeatureMemoryBase(2, scratch->data(), refreshable - 1), {"feature"});
    ASSERT_EQ(session.UpdateGraphRefreshableFeatureMemoryBase(2, scratch->data(), refreshable), ge::SUCCESS)
        << TakeErrors();
    users.Set(std::vector<float>(70, -1));
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 2, stream_, in, users_out), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
    EXPECT_EQ(users.Get<float>(), own.Get<float>());
  }
}

// Runs with the user's scratch take turns, whichever stream they are on.
TEST_F(Memory, OneScratchServesManyStreams) {
  ge::Session session(Options{});
  Compile(session, 1, TwoLayers({32, 16}));
  const Sizes need = SizesOf(session, 1);
  GuardedMemory feature(need.feature);
  ASSERT_EQ(session.UpdateGraphFeatureMemoryBase(1, feature.data(), need.feature), ge::SUCCESS);
  ASSERT_EQ(GeSessionLoadGraph(session, 1, Options{}, stream_), ge::SUCCESS);
  constexpr int kStreams = 4;
  std::vector<aclrtStream> streams(kStreams);
  std::vector<std::unique_ptr<DeviceTensor>> results;
  x->Set(std::vector<float>(32 * 16, 1.0f));
  for (aclrtStream& stream : streams) {
    ASSERT_EQ(aclrtCreateStream(&stream), ACL_SUCCESS);
    results.push_back(std::make_unique<DeviceTensor>(ge::DT_FLOAT, std::vector<int64_t>{32, 16}, 4));
  }
  for (int round = 0; round < 20; ++round) {
    for (int s = 0; s < kStreams; ++s) {
      auto in = Views({x.get()}), out = Views({results[s].get()});
      ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, streams[s], in, out), ge::SUCCESS) << TakeErrors();
    }
  }
  for (int s = 0; s < kStreams; ++s) {
    ASSERT_EQ(aclrtSynchronizeStream(streams[s]), ACL_SUCCESS);
    EXPECT_EQ(results[s]->Get<float>(), std::vector<float>(32 * 16, 0.5f));
    EXPECT_EQ(aclrtDestroyStream(streams[s]), ACL_SUCCESS);
  }
}

TEST_F(Memory, ARefreshableBaseMayChange) {
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, TwoLayers({32, 16}), Options{{"ge.featureBaseRefreshable", "1"}}), ge::SUCCESS);
  ASSERT_EQ(session.CompileGraph(1), ge::SUCCESS);
  ASSERT_EQ(GeSessionLoadGraph(session, 1, Options{}, stream_), ge::SUCCESS);
  const size_t need = SizesOf(session, 1).feature;
  for (int i = 0; i < 3; ++i) {
    DeviceTensor feature{ge::DT_UINT8, {static_cast<int64_t>(need)}, 1};
    ASSERT_EQ(session.UpdateGraphRefreshableFeatureMemoryBase(1, feature.data(), need), ge::SUCCESS) << TakeErrors();
    RunLayers(session, 1);
    EXPECT_NE(feature.Get<uint8_t>(), std::vector<uint8_t>(need, 0xEE));
  }
}

class CountingAllocator : public ge::Allocator {
 public:
  ge::MemBlock* Malloc(size_t size) override {
    if (refuse) return nullptr;
    void* data = nullptr;
    if (aclrtMalloc(&data, size, ACL_MEM_MALLOC_HUGE_FIRST) != ACL_SUCCESS) return nullptr;
    ++made;
    auto* block = new ge::MemBlock(*this, data, size);
    live.insert(block);
    return block;
  }
  void Free(ge::MemBlock* block) override {
    EXPECT_EQ(live.erase(block), 1u);
    EXPECT_EQ(aclrtFree(block->GetAddr()), ACL_SUCCESS);
    delete block;
  }
  std::set<ge::MemBlock*> live;
  int made = 0;
  bool refuse = false;
};

TEST_F(Memory, NullOutputsComeFromTheStreamsAllocator) {
  ge::Session session(Options{});
  auto allocator = std::make_shared<CountingAllocator>();
  ExpectRefusal(session.RegisterExternalAllocator(nullptr, allocator), {"stream is null"});
  ExpectRefusal(session.RegisterExternalAllocator(stream_, nullptr), {"allocator is null"});
  ASSERT_EQ(session.RegisterExternalAllocator(stream_, allocator), ge::SUCCESS);
  Load(session, 1, Twice({-1}), stream_);
  Load(session, 2, FindNonZero(), stream_);
  DeviceTensor six{ge::DT_FLOAT, {6}, 4};
  six.Set<float>({0, 5, 0, 0, -1, 2});
  auto in = Views({&six});
  for (uint32_t id : {1, 2}) {
    std::vector<gert::Tensor> out(1);
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, id, stream_, in, out), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
    ASSERT_EQ(allocator->live.size(), 1u);
    EXPECT_EQ((*allocator->live.begin())->GetAddr(), out[0].GetAddr());
    if (id == 1) {
      EXPECT_EQ(out[0].GetData<float>()[1], 10.0f);
    } else {
      EXPECT_EQ(out[0].GetData<int64_t>()[1], 4);
    }
    gert::TensorData shared;
    ASSERT_EQ(shared.ShareFrom(out[0].GetTensorData()), ge::GRAPH_SUCCESS);
    out.clear();
    EXPECT_EQ(allocator->live.size(), 1u);
    EXPECT_EQ(shared.Free(), ge::GRAPH_SUCCESS);
    EXPECT_EQ(allocator->live.size(), 0u);
  }
  allocator->refuse = true;
  std::vector<gert::Tensor> out(1);
  ExpectRefusal(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), {"external allocator"});
  ASSERT_EQ(session.UnregisterExternalAllocator(stream_), ge::SUCCESS);
  EXPECT_EQ(session.UnregisterExternalAllocator(stream_), ge::SUCCESS);
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS);
  EXPECT_EQ(allocator->made, 2);
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
}

// x . w, where w's memory tells when it is given back.
ge::Graph TellingProduct(int64_t rows, std::shared_ptr<bool> freed) {
  auto* values = new float[16 * 16];
  std::fill(values, values + 16 * 16, 0.5f);
  ge::Tensor w(ge::TensorDesc(ge::Shape(std::vector<int64_t>{16, 16}), ge::FORMAT_ND, ge::DT_FLOAT));
  EXPECT_EQ(w.SetData(reinterpret_cast<uint8_t*>(values), 16 * 16 * 4, [freed](uint8_t* data) {
    delete[] reinterpret_cast<float*>(data);
    *freed = true;
  }), ge::GRAPH_SUCCESS);
  auto x = MakeData("x", 0, {rows, 16});
  auto product = ge::op::MatMulV2("product").set_input_x1(x).set_input_x2(ge::op::Const("w").set_attr_value(w));
  ge::Graph graph("product");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{product});
  return graph;
}

TEST_F(Memory, WeightsLieInThePlanAlone) {
  const auto is_static = std::make_shared<bool>(false), is_dynamic = std::make_shared<bool>(false);
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, TellingProduct(32, is_static)), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(session.AddGraph(2, TellingProduct(-1, is_dynamic)), ge::SUCCESS) << TakeErrors();
  const ge::Graph kept = TwoLayers({32, 16});
  ASSERT_EQ(session.AddGraph(3, kept), ge::SUCCESS) << TakeErrors();
  for (uint32_t id : {1, 2, 3}) {
    ASSERT_EQ(session.CompileGraph(id), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(GeSessionLoadGraph(session, id, {}, stream_), ge::SUCCESS) << TakeErrors();
  }
  EXPECT_TRUE(*is_static);
  EXPECT_FALSE(*is_dynamic);  // other extents may need it
  for (uint32_t id : {1, 2}) {
    Run(session, id);
    EXPECT_EQ(y->Get<float>(), std::vector<float>(32 * 16, 8.0f));
  }
  ge::AscendString json;
  EXPECT_EQ(GeSessionGraphDebugJSONPrint(session, 1, 0, json), ge::SUCCESS) << TakeErrors();
  EXPECT_NE(std::string(json.GetString()).find("f32[16,16]"), std::string::npos) << json.GetString();
  char folder[] = "/tmp/belay_memory_XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  EXPECT_NE(session.SaveGraphsToPb(folder), ge::SUCCESS);
  const std::string error = TakeErrors();
  EXPECT_NE(error.find("raph 1 is compiled, and its ge::Graph is gone"), std::string::npos) << error;
  ASSERT_EQ(session.RemoveGraph(1), ge::SUCCESS);
  EXPECT_EQ(session.SaveGraphsToPb(folder), ge::SUCCESS) << TakeErrors();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace belay_test
