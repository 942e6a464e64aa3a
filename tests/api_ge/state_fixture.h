// Variables and constants for tests of graphs with a state.
#pragma once
#include "api_ge/ge_fixture.h"
#include "state_ops.h"

namespace belay_test {

inline ge::op::Variable MakeVariable(const char* name, std::vector<int64_t> dims,
                                     ge::DataType dtype = ge::DT_FLOAT) {
  ge::op::Variable variable(name);
  variable.update_output_desc_y(ge::TensorDesc(ge::Shape(dims), ge::FORMAT_ND, dtype));
  return variable;
}

template <typename T = float>
ge::op::Const MakeConst(const char* name, std::vector<int64_t> dims, std::vector<T> values,
                        ge::DataType dtype = ge::DT_FLOAT) {
  const ge::TensorDesc desc(ge::Shape(dims), ge::FORMAT_ND, dtype);
  const ge::Tensor tensor(desc, reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T));
  return ge::op::Const(name).set_attr_value(tensor);
}

inline ge::op::Const MakeInts(const char* name, std::vector<int64_t> dims, std::vector<int32_t> values) {
  return MakeConst<int32_t>(name, std::move(dims), std::move(values), ge::DT_INT32);
}

// The operator with its inputs, which may be temporaries.
template <typename Op>
Op Wire(Op op, std::initializer_list<std::pair<const char*, ge::Operator>> inputs) {
  for (const auto& [port, source] : inputs) op.SetInput(port, source);
  return op;
}

inline ge::Graph Built(const char* name, std::vector<ge::Operator> inputs, std::vector<ge::Operator> outputs) {
  ge::Graph graph(name);
  graph.SetInputs(inputs).SetOutputs(outputs);
  return graph;
}

class StateTest : public GeTest {
 protected:
  static void Add(ge::Session& session, uint32_t id, const ge::Graph& graph) {
    ASSERT_EQ(session.AddGraph(id, graph), ge::SUCCESS) << TakeErrors();
  }
  // Runs a graph that assigns a constant to the variable.
  static void Initialise(ge::Session& session, uint32_t id, const char* name, std::vector<int64_t> dims,
                         std::vector<float> values) {
    auto v = MakeVariable(name, dims);
    auto set = Wire(ge::op::Assign("set"), {{"ref", v}, {"value", MakeConst("initial", dims, values)}});
    Add(session, id, Built((std::string("init_") + name).c_str(), {v}, {set}));
    EXPECT_EQ(RunOne(session, id, {}), values);
  }
  static std::vector<float> RunOne(ge::Session& session, uint32_t id, const std::vector<ge::Tensor>& in) {
    std::vector<ge::Tensor> out;
    EXPECT_EQ(session.RunGraph(id, in, out), ge::SUCCESS) << TakeErrors();
    return out.empty() ? std::vector<float>{} : Floats(out[0]);
  }
  static std::vector<float> Value(ge::Session& session, const char* name) {
    std::vector<ge::Tensor> values;
    EXPECT_EQ(session.GetVariables(std::vector<ge::AscendString>{name}, values), ge::SUCCESS) << TakeErrors();
    return values.empty() ? std::vector<float>{} : Floats(values[0]);
  }
  // The graph is refused when it is built.
  static void Expect(ge::Session& session, uint32_t id, const ge::Graph& graph,
                     std::initializer_list<const char*> words) {
    Add(session, id, graph);
    ExpectRefusal(session.BuildGraph(id, std::vector<ge::Tensor>{}), words);
  }
};

}  // namespace belay_test
