// Graphs of one node, and runs of them through a session.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api_ge/ge_fixture.h"
#include "graph/operator_factory.h"
#include "graph/operator_reg.h"
#include "register/op_impl_registry.h"

namespace belay_test {

// data0, data1, ... are inputs by index.
struct InputDesc {
  std::vector<int64_t> dims;
  ge::DataType dtype = ge::DT_FLOAT;
};

inline ge::Graph OneNode(ge::Operator op, const std::vector<InputDesc>& inputs, const char* name = "one") {
  std::vector<ge::Operator> data;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string data_name = "data" + std::to_string(i);
    data.push_back(MakeData(data_name.c_str(), static_cast<int>(i), inputs[i].dims, inputs[i].dtype));
    op.SetInput(static_cast<uint32_t>(i), data.back(), 0);
  }
  ge::Graph graph(name);
  graph.SetInputs(data).SetOutputs(std::vector<ge::Operator>{op});
  return graph;
}

inline ge::Operator Make(const char* type) { return ge::OperatorFactory::CreateOperator("node", type); }

template <typename T>
ge::Tensor TensorOf(std::vector<int64_t> dims, std::vector<T> values, ge::DataType dtype) {
  ge::TensorDesc desc(ge::Shape(dims), ge::FORMAT_ND, dtype);
  return ge::Tensor(desc, reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T));
}
inline ge::Tensor F32(std::vector<int64_t> dims, std::vector<float> values) {
  return TensorOf<float>(std::move(dims), std::move(values), ge::DT_FLOAT);
}
inline ge::Tensor I32(std::vector<int64_t> dims, std::vector<int32_t> values) {
  return TensorOf<int32_t>(std::move(dims), std::move(values), ge::DT_INT32);
}

inline std::vector<int64_t> Dims(const ge::Tensor& t) { return t.GetTensorDesc().GetShape().GetDims(); }

class CustomOpTest : public GeTest {
 protected:
  // Adds the graph under the next id.
  uint32_t Add(ge::Session& session, const ge::Graph& graph) {
    const uint32_t id = next_id_++;
    EXPECT_EQ(session.AddGraph(id, graph), ge::SUCCESS) << TakeErrors();
    return id;
  }
  static std::vector<ge::Tensor> Run(ge::Session& session, uint32_t id, const std::vector<ge::Tensor>& inputs) {
    std::vector<ge::Tensor> outputs;
    EXPECT_EQ(session.RunGraph(id, inputs, outputs), ge::SUCCESS) << TakeErrors();
    return outputs;
  }
  std::vector<ge::Tensor> RunOnce(const ge::Graph& graph, const std::vector<ge::Tensor>& inputs) {
    ge::Session session(Options{});
    return Run(session, Add(session, graph), inputs);
  }
  // The graph is refused when it is compiled.
  void ExpectNoCompile(const ge::Graph& graph, std::initializer_list<const char*> words) {
    ge::Session session(Options{});
    const uint32_t id = Add(session, graph);
    ExpectRefusal(session.CompileGraph(id), words);
  }

 private:
  uint32_t next_id_ = 1;
};

}  // namespace belay_test
