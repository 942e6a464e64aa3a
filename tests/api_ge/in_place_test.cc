// Graphs that write the caller's buffers: a cache of keys, overlapping buffers, and a training step on variables.
#include <cmath>
#include <numeric>
#include <random>

#include "api_ge/state_fixture.h"
#include "ge/ge_graph_compile_summary.h"
#include "matrix_calculation_ops.h"
#include "nn_training_ops.h"
#include "nonlinear_fuc_ops.h"
#include "reduce_ops.h"

namespace belay_test {
namespace {

class InPlace : public StateTest {
 protected:
  void Execute(ge::Session& session, uint32_t id, const std::vector<gert::Tensor>& in,
               std::vector<gert::Tensor> out) {
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, id, stream_, in, out), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  }
};

std::vector<float> Numbers(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> unit(-1, 1);
  std::vector<float> values(count);
  for (float& v : values) v = unit(random);
  return values;
}

constexpr int64_t kBatch = 2, kHeads = 3, kPlaces = 512, kDepth = 32;

// Scores of q against every cached key, after the new keys went to their places. The update's own output is used,
// or nobody uses it and the reader comes later.
ge::Graph KeyCache(int64_t steps, bool by_control_edge) {
  auto cache = MakeData("cache", 0, {kBatch, kHeads, kPlaces, kDepth});
  auto place = MakeData("place", 1, {kBatch}, ge::DT_INT64);
  auto key = MakeData("key", 2, {kBatch, kHeads, steps, kDepth});
  auto q = MakeData("q", 3, {kBatch, kHeads, 1, kDepth});
  auto update = Wire(ge::op::Scatter("update").set_attr_reduce("update").set_attr_axis(-2),
                     {{"var", cache}, {"indices", place}, {"updates", key}});
  auto scores = Wire(ge::op::BatchMatMul("scores").set_attr_adj_x2(true),
                     {{"x1", q}, {"x2", by_control_edge ? ge::Operator(cache) : ge::Operator(update)}});
  if (by_control_edge) scores.AddControlInput(update);
  return Built("cache", {cache, place, key, q}, {scores});
}

void CheckKeyCache(ge::Session& session, aclrtStream stream, int64_t steps) {
  const size_t head = kPlaces * kDepth;
  DeviceTensor cache{ge::DT_FLOAT, {kBatch, kHeads, kPlaces, kDepth}, 4}, place{ge::DT_INT64, {kBatch}, 8};
  DeviceTensor key{ge::DT_FLOAT, {kBatch, kHeads, steps, kDepth}, 4}, q{ge::DT_FLOAT, {kBatch, kHeads, 1, kDepth}, 4};
  DeviceTensor scores{ge::DT_FLOAT, {kBatch, kHeads, 1, kPlaces}, 4};
  std::vector<float> keys = Numbers(kBatch * kHeads * head, 1);
  cache.Set(keys);
  auto in = Views({&cache, &place, &key, &q}), out = Views({&scores});
  for (uint32_t turn = 0; turn < 3; ++turn) {
    const std::vector<int64_t> at = {40 + turn * 7, 300 - turn};
    const std::vector<float> fresh = Numbers(kBatch * kHeads * steps * kDepth, 10 + turn);
    const std::vector<float> query = Numbers(kBatch * kHeads * kDepth, 20 + turn);
    place.Set(at);
    key.Set(fresh);
    q.Set(query);
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream, in, out), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(aclrtSynchronizeStream(stream), ACL_SUCCESS);
    for (int64_t b = 0; b < kBatch; ++b) {
      for (int64_t h = 0; h < kHeads; ++h) {
        const auto from = fresh.begin() + (b * kHeads + h) * steps * kDepth;
        std::copy_n(from, steps * kDepth, keys.begin() + ((b * kHeads + h) * kPlaces + at[b]) * kDepth);
      }
    }
    EXPECT_EQ(cache.Get<float>(), keys);  // every byte, also those that stay
    const std::vector<float> got = scores.Get<float>();
    for (int64_t r = 0; r < kBatch * kHeads; ++r) {
      for (int64_t p = 0; p < kPlaces; ++p) {
        const float* k = &keys[(r * kPlaces + p) * kDepth];
        const double want = std::inner_product(k, k + kDepth, query.begin() + r * kDepth, 0.0);
        ASSERT_NEAR(got[r * kPlaces + p], want, 1e-4) << "row " << r << ", place " << p;
      }
    }
  }
}

TEST_F(InPlace, ACacheOfKeysStaysWhereItIs) {
  for (bool by_control_edge : {false, true}) {
    for (int64_t steps : {1, 5}) {
      ge::Session session(Options{});
      Load(session, 1, KeyCache(steps, by_control_edge), stream_);
      // No scratch for a copy of the cache, or of the keys spread over it.
      size_t scratch = 0;
      ASSERT_EQ(session.GetCompiledGraphSummary(1)->GetFeatureMemorySize(scratch), ge::SUCCESS);
      EXPECT_LT(scratch, static_cast<size_t>(kBatch * kHeads * kPlaces * kDepth * 4 / 8));
      CheckKeyCache(session, stream_, steps);
    }
  }
}

TEST_F(InPlace, ACacheOfKeysWithOpenExtents) {
  ge::Session session(Options{});
  Load(session, 1, KeyCache(-1, false), stream_);
  CheckKeyCache(session, stream_, 1);
  CheckKeyCache(session, stream_, 4);
}

// The output of the update is the graph's: given the cache's own buffer, nothing is copied; given another, all is.
TEST_F(InPlace, TheUpdatedCacheAsAnOutput) {
  ge::Session session(Options{});
  auto cache = MakeData("cache", 0, {8, 4});
  auto row = MakeData("row", 1, {1}, ge::DT_INT32);
  auto key = MakeData("key", 2, {1, 4});
  auto update =
      Wire(ge::op::ScatterUpdate("update"), {{"var", cache}, {"indices", row}, {"updates", key}});
  Load(session, 1, Built("cache", {cache, row, key}, {update}), stream_);
  DeviceTensor buffer{ge::DT_FLOAT, {8, 4}, 4}, at{ge::DT_INT32, {1}, 4}, fresh{ge::DT_FLOAT, {1, 4}, 4},
      other{ge::DT_FLOAT, {8, 4}, 4};
  std::vector<float> values = Numbers(32, 1);
  buffer.Set(values);
  at.Set<int32_t>({5});
  fresh.Set<float>({1, 2, 3, 4});
  std::copy_n(std::vector<float>{1, 2, 3, 4}.begin(), 4, values.begin() + 20);
  Execute(session, 1, Views({&buffer, &at, &fresh}), Views({&other}));
  EXPECT_EQ(buffer.Get<float>(), values);
  EXPECT_EQ(other.Get<float>(), values);
  at.Set<int32_t>({0});
  std::copy_n(std::vector<float>{1, 2, 3, 4}.begin(), 4, values.begin());
  Execute(session, 1, Views({&buffer, &at, &fresh}), Views({&buffer}));
  EXPECT_EQ(buffer.Get<float>(), values);
}

// Written through a view of the input, as a graph does that flattens the heads first.
TEST_F(InPlace, ThroughAView) {
  ge::Session session(Options{});
  auto cache = MakeData("cache", 0, {2, 3, 4});
  auto flat = Wire(ge::op::Reshape("flat"), {{"x", cache}, {"shape", MakeInts("shape", {2}, {6, 4})}});
  auto key = MakeData("key", 1, {2, 4});
  auto update = Wire(ge::op::ScatterUpdate("update"),
                     {{"var", flat}, {"indices", MakeInts("rows", {2}, {5, 1})}, {"updates", key}});
  ge::Graph graph = Built("view", {cache, key}, {Wire(ge::op::Relu("y"), {{"x", key}})});
  graph.SetTargets({update});
  Load(session, 1, graph, stream_);
  DeviceTensor buffer{ge::DT_FLOAT, {2, 3, 4}, 4}, fresh{ge::DT_FLOAT, {2, 4}, 4}, y{ge::DT_FLOAT, {2, 4}, 4};
  std::vector<float> values = Numbers(24, 1), rows = Numbers(8, 2);
  buffer.Set(values);
  fresh.Set(rows);
  Execute(session, 1, Views({&buffer, &fresh}), Views({&y}));
  std::copy_n(rows.begin(), 4, values.begin() + 20);
  std::copy_n(rows.begin() + 4, 4, values.begin() + 4);
  EXPECT_EQ(buffer.Get<float>(), values);
}

// a += b and b = 2 a, with one buffer for both or with the output over an input: as if all were apart.
TEST_F(InPlace, OverlappingBuffers) {
  ge::Session session(Options{});
  auto a = MakeData("a", 0, {4}), b = MakeData("b", 1, {4});
  auto add = Wire(ge::op::AssignAdd("add"), {{"ref", a}, {"value", b}});
  auto y = Wire(ge::op::Muls("y").set_attr_value(10), {{"x", b}});
  Load(session, 1, Built("overlap", {a, b}, {y, add}), stream_);
  DeviceTensor first{ge::DT_FLOAT, {4}, 4}, second{ge::DT_FLOAT, {4}, 4}, y1{ge::DT_FLOAT, {4}, 4},
      y2{ge::DT_FLOAT, {4}, 4};
  first.Set<float>({1, 2, 3, 4});
  Execute(session, 1, Views({&first, &first}), Views({&y1, &y2}));
  EXPECT_EQ(y1.Get<float>(), (std::vector<float>{10, 20, 30, 40}));
  EXPECT_EQ(y2.Get<float>(), (std::vector<float>{2, 4, 6, 8}));
  EXPECT_EQ(first.Get<float>(), (std::vector<float>{2, 4, 6, 8}));
  second.Set<float>({1, 1, 1, 1});
  Execute(session, 1, Views({&first, &second}), Views({&second, &first}));  // outputs over both inputs
  EXPECT_EQ(first.Get<float>(), (std::vector<float>{3, 5, 7, 9}));
  EXPECT_EQ(second.Get<float>(), (std::vector<float>{10, 10, 10, 10}));
  Execute(session, 1, Views({&first, &second}), Views({&first, &y2}));  // y over what is written: the output wins
  EXPECT_EQ(first.Get<float>(), (std::vector<float>{100, 100, 100, 100}));
  EXPECT_EQ(y2.Get<float>(), (std::vector<float>{13, 15, 17, 19}));
}

TEST_F(InPlace, AWrongIndexLeavesTheSessionUsable) {
  ge::Session session(Options{});
  Load(session, 1, KeyCache(1, false), stream_);
  DeviceTensor cache{ge::DT_FLOAT, {kBatch, kHeads, kPlaces, kDepth}, 4}, place{ge::DT_INT64, {kBatch}, 8};
  DeviceTensor key{ge::DT_FLOAT, {kBatch, kHeads, 1, kDepth}, 4}, q{ge::DT_FLOAT, {kBatch, kHeads, 1, kDepth}, 4};
  DeviceTensor scores{ge::DT_FLOAT, {kBatch, kHeads, 1, kPlaces}, 4};
  place.Set<int64_t>({3, kPlaces});
  auto in = Views({&cache, &place, &key, &q}), out = Views({&scores});
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS);
  EXPECT_NE(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  CheckKeyCache(session, stream_, 1);
}

// RunGraph with a tensor in device memory writes it there.
TEST_F(InPlace, RunGraphOnDeviceMemory) {
  ge::Session session(Options{});
  auto x = MakeData("x", 0, {3});
  auto add = Wire(ge::op::AssignAdd("add"), {{"ref", x}, {"value", MakeConst("c", {3}, {1, 2, 3})}});
  Add(session, 1, Built("add", {x}, {add}));
  DeviceTensor buffer{ge::DT_FLOAT, {3}, 4};
  buffer.Set<float>({10, 10, 10});
  ge::TensorDesc desc(ge::Shape(std::vector<int64_t>{3}), ge::FORMAT_ND, ge::DT_FLOAT);
  desc.SetPlacement(ge::kPlacementDevice);
  ge::Tensor tensor(desc);
  ASSERT_EQ(tensor.SetData(static_cast<uint8_t*>(buffer.data()), buffer.bytes(), [](uint8_t*) {}), ge::GRAPH_SUCCESS);
  EXPECT_EQ(RunOne(session, 1, {tensor}), (std::vector<float>{11, 12, 13}));
  EXPECT_EQ(buffer.Get<float>(), (std::vector<float>{11, 12, 13}));
}

constexpr int64_t kRows = 8, kIn = 4, kOut = 3;

// mean((x w + b - t)^2)
double Loss(const std::vector<double>& w, const std::vector<double>& b, const std::vector<float>& x,
            const std::vector<float>& t) {
  double sum = 0;
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t c = 0; c < kOut; ++c) {
      double y = b[c];
      for (int64_t k = 0; k < kIn; ++k) y += x[r * kIn + k] * w[k * kOut + c];
      sum += (y - t[r * kOut + c]) * (y - t[r * kOut + c]);
    }
  }
  return sum / (kRows * kOut);
}

// Finite differences of the loss.
std::vector<double> Slope(std::vector<double>* at, const std::function<double()>& loss) {
  std::vector<double> slope;
  for (double& v : *at) {
    const double kept = v, step = 1e-5;
    v = kept + step;
    const double up = loss();
    v = kept - step;
    slope.push_back((up - loss()) / (2 * step));
    v = kept;
  }
  return slope;
}

ge::Graph TrainingStep() {
  auto x = MakeData("x", 0, {kRows, kIn}), t = MakeData("t", 1, {kRows, kOut});
  auto w = MakeVariable("w", {kIn, kOut}), b = MakeVariable("b", {kOut});
  auto w_slot = MakeVariable("w_slot", {kIn, kOut}).set_attr_value(HostTensor({kIn, kOut}, std::vector<float>(12, 0)));
  auto b_slot = MakeVariable("b_slot", {kOut}).set_attr_value(HostTensor({kOut}, std::vector<float>(3, 0)));
  auto product = Wire(ge::op::MatMulV2("product"), {{"x1", x}, {"x2", w}});
  auto y = Wire(ge::op::Add("y"), {{"x1", product}, {"x2", b}});
  auto diff = Wire(ge::op::Sub("diff"), {{"x1", y}, {"x2", t}});
  auto loss = Wire(ge::op::ReduceMean("loss"),
                   {{"x", Wire(ge::op::Square("square"), {{"x", diff}})}, {"axes", MakeInts("axes", {2}, {0, 1})}});
  auto grad = Wire(ge::op::Muls("grad").set_attr_value(2.0f / (kRows * kOut)), {{"x", diff}});
  auto w_grad = Wire(ge::op::MatMulV2("w_grad").set_attr_transpose_x1(true), {{"x1", x}, {"x2", grad}});
  auto b_grad = Wire(ge::op::ReduceSum("b_grad"), {{"x", grad}, {"axes", MakeInts("rows", {1}, {0})}});
  auto lr = MakeConst("lr", {}, {0.125}), momentum = MakeConst("momentum", {}, {0.75});
  auto w_step = Wire(ge::op::ApplyMomentum("w_step"),
                     {{"var", w}, {"accum", w_slot}, {"lr", lr}, {"grad", w_grad}, {"momentum", momentum}});
  auto b_step = Wire(ge::op::ApplyMomentum("b_step"),
                     {{"var", b}, {"accum", b_slot}, {"lr", lr}, {"grad", b_grad}, {"momentum", momentum}});
  ge::Graph graph = Built("train", {x, t, w, b, w_slot, b_slot}, {loss});
  graph.SetTargets({w_step, b_step});
  return graph;
}

TEST_F(InPlace, AMomentumTrainingStep) {
  ge::Session session(Options{});
  const std::vector<float> x = Numbers(kRows * kIn, 1), t = Numbers(kRows * kOut, 2);
  const std::vector<float> w0 = Numbers(kIn * kOut, 3), b0 = Numbers(kOut, 4);
  Initialise(session, 1, "w", {kIn, kOut}, w0);
  Initialise(session, 2, "b", {kOut}, b0);
  Add(session, 3, TrainingStep());
  std::vector<double> w(w0.begin(), w0.end()), b(b0.begin(), b0.end()), w_slot(w.size()), b_slot(b.size());
  auto loss = [&] { return Loss(w, b, x, t); };
  auto advance = [](std::vector<double>* v, std::vector<double>* slot, const std::vector<double>& grad) {
    for (size_t i = 0; i < v->size(); ++i) {
      (*slot)[i] = 0.75 * (*slot)[i] + grad[i];
      (*v)[i] -= 0.125 * (*slot)[i];
    }
  };
  double first = 0, last = 0;
  for (int step = 0; step < 25; ++step) {
    const std::vector<float> got = RunOne(session, 3, {HostTensor({kRows, kIn}, x), HostTensor({kRows, kOut}, t)});
    ASSERT_EQ(got.size(), 1u);
    last = got[0];
    if (step == 0) first = last;
    EXPECT_NEAR(last, loss(), 1e-4) << step;
    const std::vector<double> w_grad = Slope(&w, loss), b_grad = Slope(&b, loss);
    advance(&w, &w_slot, w_grad);
    advance(&b, &b_slot, b_grad);
    const std::vector<float> have_w = Value(session, "w"), have_b = Value(session, "b");
    for (size_t i = 0; i < w.size(); ++i) ASSERT_NEAR(have_w[i], w[i], 1e-4) << step << ", " << i;
    for (size_t i = 0; i < b.size(); ++i) ASSERT_NEAR(have_b[i], b[i], 1e-4) << step << ", " << i;
  }
  EXPECT_LT(last, 0.5 * first);
}

}  // namespace
}  // namespace belay_test
