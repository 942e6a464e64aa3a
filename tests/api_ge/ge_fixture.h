// What the tests of the GE interface share: an initialised engine with a stream, and small graphs.
#pragma once
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "api_ge/device_tensor.h"
#include "array_ops.h"
#include "elewise_calculation_ops.h"
#include "ge/ge_api.h"
#include "selection_ops.h"

namespace belay_test {

using Options = std::map<ge::AscendString, ge::AscendString>;

inline ge::op::Data MakeData(const char* name, int index, std::vector<int64_t> dims,
                             ge::DataType dtype = ge::DT_FLOAT) {
  ge::op::Data data(name);
  ge::TensorDesc desc(ge::Shape(dims), ge::FORMAT_ND, dtype);
  data.update_input_desc_x(desc);
  data.update_output_desc_y(desc);
  data.set_attr_index(index);
  return data;
}

// y = x + x
inline ge::Graph Twice(std::vector<int64_t> dims, const char* name = "twice") {
  auto x = MakeData("x", 0, dims);
  auto y = ge::op::Add("add").set_input_x1(x).set_input_x2(x);
  ge::Graph graph(name);
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{y});
  return graph;
}

// Rows of x [4,2] by indices [2]: wrong indices are found while it runs.
inline ge::Graph PickRows() {
  auto x = MakeData("x", 0, {4, 2});
  auto i = MakeData("i", 1, {2}, ge::DT_INT32);
  ge::Tensor axis(ge::TensorDesc(ge::Shape(std::vector<int64_t>{1}), ge::FORMAT_ND, ge::DT_INT32),
                  std::vector<uint8_t>(4, 0));
  auto a = ge::op::Const("axis").set_attr_value(axis);
  auto y = ge::op::GatherV2("pick").set_input_x(x).set_input_indices(i).set_input_axis(a);
  ge::Graph graph("pick");
  graph.SetInputs({x, i}).SetOutputs(std::vector<ge::Operator>{y});
  return graph;
}

// Coordinates of what is not 0 in x [6]: the number of rows depends on the data.
inline ge::Graph FindNonZero() {
  auto x = MakeData("x", 0, {6});
  auto y = ge::op::NonZero("nonzero").set_input_x(x);
  ge::Graph graph("positions");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{y});
  return graph;
}

inline ge::Tensor HostTensor(std::vector<int64_t> dims, std::vector<float> values) {
  ge::TensorDesc desc(ge::Shape(dims), ge::FORMAT_ND, ge::DT_FLOAT);
  return ge::Tensor(desc, reinterpret_cast<uint8_t*>(values.data()), values.size() * 4);
}

inline std::vector<float> Floats(const ge::Tensor& t) {
  const auto* data = reinterpret_cast<const float*>(t.GetData());
  return std::vector<float>(data, data + t.GetSize() / 4);
}

inline std::string TakeErrors() { return ge::GEGetErrorMsgV2().GetString(); }

class GeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(ge::GEInitialize(Options{{"ge.exec.deviceId", "0"}}), ge::SUCCESS);
    ASSERT_EQ(aclrtSetDevice(0), ACL_SUCCESS);
    ASSERT_EQ(aclrtCreateStream(&stream_), ACL_SUCCESS);
    (void)TakeErrors();
  }
  void TearDown() override {
    EXPECT_EQ(aclrtDestroyStream(stream_), ACL_SUCCESS);
    EXPECT_EQ(ge::GEFinalize(), ge::SUCCESS);
    EXPECT_EQ(aclrtResetDevice(0), ACL_SUCCESS);
  }
  static void Compile(ge::Session& session, uint32_t id, const ge::Graph& graph) {
    ASSERT_EQ(session.AddGraph(id, graph), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(session.CompileGraph(id), ge::SUCCESS) << TakeErrors();
  }
  static void Load(ge::Session& session, uint32_t id, const ge::Graph& graph, aclrtStream stream) {
    Compile(session, id, graph);
    ASSERT_EQ(GeSessionLoadGraph(session, id, Options{}, stream), ge::SUCCESS) << TakeErrors();
  }
  // Checks that the call is refused and that the report holds all `words`.
  static void ExpectRefusal(ge::Status status, std::initializer_list<const char*> words) {
    EXPECT_NE(status, ge::SUCCESS);
    const std::string text = TakeErrors();
    for (const char* word : words) EXPECT_NE(text.find(word), std::string::npos) << word << " in: " << text;
  }

  aclrtStream stream_ = nullptr;
};

}  // namespace belay_test
