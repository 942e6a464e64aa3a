// Building graphs from operators, and the error rules of it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "array_ops.h"
#include "control_flow_ops.h"
#include "elewise_calculation_ops.h"
#include "functional_ops.h"
#include "nn_calculation_ops.h"
#include "nonlinear_fuc_ops.h"
#include "split_combination_ops.h"

namespace {

using namespace ge;  // NOLINT: the subject

std::vector<std::string> Names(const Graph& graph) {
  std::vector<std::string> names;
  for (const GNode& node : graph.GetAllNodes()) {
    AscendString name;
    EXPECT_EQ(node.GetName(name), GRAPH_SUCCESS);
    names.push_back(name.GetString());
  }
  return names;
}

TEST(Build, ConvolutionAndRelu) {
  op::Data data("data");
  op::Const weight("weight");
  op::Conv2D conv("conv");
  conv.set_input_x(data).set_input_filter(weight).set_attr_strides({1, 1, 1, 1});
  op::Relu relu("relu");
  relu.set_input_x_by_name(conv, "y");
  Graph graph("graph");
  EXPECT_FALSE(graph.IsValid());
  EXPECT_TRUE(graph.GetAllNodes().empty());
  graph.SetInputs({data}).SetOutputs(std::vector<Operator>{relu});
  EXPECT_TRUE(graph.IsValid());
  EXPECT_EQ(Names(graph), std::vector<std::string>({"data", "weight", "conv", "relu"}));
  EXPECT_EQ(graph.GetName(), "graph");
}

TEST(Build, GraphNeedsANameAndInputs) {
  Graph null(static_cast<const char*>(nullptr));
  AscendString name;
  EXPECT_EQ(null.GetName(name), GRAPH_FAILED);
  EXPECT_EQ(null.GetName(), "");
  op::Data data("data");
  EXPECT_EQ(null.AddOp(data), GRAPH_FAILED);
  EXPECT_FALSE(null.SetInputs({data}).IsValid());
  Graph graph("graph");
  graph.SetOutputs(std::vector<Operator>{data});  // before SetInputs: no effect
  EXPECT_FALSE(graph.SetInputs({}).IsValid());
  EXPECT_EQ(Graph::ConstructFromInputs({}, "g"), nullptr);
  EXPECT_NE(Graph::ConstructFromInputs({data}, "g"), nullptr);
}

TEST(Build, AddOpKeepsTheFirstOfAName) {
  Graph graph("graph");
  op::Relu first("a"), second("a");
  op::Data other("b");
  EXPECT_EQ(graph.AddOp(first), GRAPH_SUCCESS);
  EXPECT_EQ(graph.AddOp(second), GRAPH_FAILED);
  EXPECT_EQ(graph.AddOp(other), GRAPH_SUCCESS);
  Operator found;
  EXPECT_EQ(graph.FindOpByName("a", found), GRAPH_SUCCESS);
  EXPECT_EQ(found.GetOpType(), "Relu");
  EXPECT_EQ(graph.FindOpByName(std::string("c"), found), GRAPH_FAILED);
  std::vector<Operator> relus;
  EXPECT_EQ(graph.FindOpByType("Relu", relus), GRAPH_SUCCESS);
  EXPECT_EQ(relus.size(), 1u);
  std::vector<std::string> names;
  EXPECT_EQ(graph.GetAllOpName(names), GRAPH_SUCCESS);
  EXPECT_EQ(names, std::vector<std::string>({"a", "b"}));
  EXPECT_FALSE(graph.IsValid());
}

TEST(Build, WrongNamesChangeNothing) {
  op::Data data("data");
  op::Relu relu("relu");
  relu.SetInput("no_such_input", data);
  relu.SetInput("x", data, "no_such_output");
  relu.SetInput("x", data, 5u);
  op::Split split("split");
  split.create_dynamic_output_y(2);
  relu.SetInput("x", split);  // two outputs: which one?
  relu.SetInput("x", Operator());
  Graph graph("graph");
  graph.SetInputs({relu});
  EXPECT_EQ(Names(graph), std::vector<std::string>({"relu"}));
  EXPECT_TRUE(Operator().IsEmpty());
  AscendString name;
  EXPECT_EQ(Operator().GetName(name), GRAPH_FAILED);
}

TEST(Build, OperatorsThatWentOutOfScopeStay) {
  op::Data data("data");
  Graph graph("graph");
  {
    op::Relu inner("inner");
    inner.set_input_x(data);
    op::Relu outer("outer");
    outer.set_input_x(inner);
  }
  graph.SetInputs({data});
  EXPECT_EQ(Names(graph), std::vector<std::string>({"data", "inner", "outer"}));
}

// SetInputs sees what is linked when it is called, SetOutputs and SetTargets what was linked since.
TEST(Build, OutputsMayBeLinkedAfterSetInputs) {
  op::Data data("data");
  op::Relu first("first");
  first.set_input_x(data);
  Graph graph("graph");
  graph.SetInputs({data});
  const std::vector<GNode> before = graph.GetDirectNode();
  op::Const weight("weight");
  op::Add sum("sum");
  sum.set_input_x1(first).set_input_x2(weight);
  op::Relu last("last"), stranger("stranger"), target("target");
  last.set_input_x(sum);
  last.AddControlInput(weight);
  EXPECT_EQ(Names(graph), std::vector<std::string>({"data", "first"}));
  graph.SetOutputs(std::vector<Operator>{stranger, last});
  EXPECT_EQ(Names(graph), std::vector<std::string>({"data", "first", "weight", "sum", "last"}));
  target.set_input_x(first);
  graph.SetTargets({target});
  EXPECT_EQ(Names(graph).back(), "target");
  // Handles from before see the new edges, and no edge stands twice.
  const auto users = before[1].GetOutDataNodesAndPortIndexs(0);
  ASSERT_EQ(users.size(), 2u);
  AscendString name;
  EXPECT_EQ(users[0].first->GetName(name), GRAPH_SUCCESS);
  EXPECT_STREQ(name.GetString(), "sum");
  EXPECT_EQ(graph.GetDirectNode()[4].GetInControlNodes().size(), 1u);
  EXPECT_EQ(before[0].GetOutDataNodesAndPortIndexs(0).size(), 1u);
}

TEST(Build, ControlInputsOrder) {
  op::Data data("data");
  op::Relu first("first"), second("second");
  second.AddControlInput(first);
  second.set_input_x(data);
  first.set_input_x(data);
  Graph graph("graph");
  graph.SetInputs({data});
  EXPECT_EQ(Names(graph), std::vector<std::string>({"data", "first", "second"}));
}

TEST(Build, DynamicInputsStandInOrderOfDeclaration) {
  op::Data a("a"), b("b");
  op::Concat concat("concat");  // concat_dim is declared before or behind x
  concat.create_dynamic_input_x(2).set_dynamic_input_x(0, a).set_dynamic_input_x(1, b, "y");
  EXPECT_EQ(concat.GetDynamicInputNum("x"), 2);
  EXPECT_EQ(concat.GetDynamicInputNum("nothing"), 0);
  EXPECT_EQ(concat.GetInputsSize(), 3u);
  EXPECT_EQ(concat.update_dynamic_input_desc_x(1, TensorDesc(Shape({2}))), GRAPH_SUCCESS);
  EXPECT_EQ(concat.update_dynamic_input_desc_x(2, TensorDesc()), GRAPH_FAILED);
  EXPECT_EQ(concat.get_dynamic_input_desc_x(1).GetShape().GetDims(), std::vector<int64_t>({2}));
}

TEST(Build, LinkingHandsTheDescriptionOn) {
  op::Data data("data");
  EXPECT_EQ(data.update_output_desc_y(TensorDesc(Shape({2, 3}), FORMAT_NCHW, DT_INT8)), GRAPH_SUCCESS);
  op::Conv2D conv("conv");
  conv.set_input_x(data);
  EXPECT_EQ(conv.get_input_desc_x().GetDataType(), DT_INT8);
  TensorDesc desc;
  EXPECT_EQ(conv.TryGetInputDesc("bias", desc), GRAPH_FAILED);
  EXPECT_EQ(conv.update_input_desc_bias(TensorDesc()), GRAPH_SUCCESS);
  EXPECT_EQ(conv.TryGetInputDesc("bias", desc), GRAPH_SUCCESS);
  TensorDesc detached = data.get_output_desc_y();
  detached.SetDataType(DT_FLOAT);
  EXPECT_EQ(data.get_output_desc_y().GetDataType(), DT_INT8);
}

TEST(Build, ConstantsAreReadThroughLinks) {
  op::Const value("value");
  Tensor tensor(TensorDesc(Shape({1})), std::vector<uint8_t>(4, 7));
  value.set_attr_value(tensor);
  op::Relu relu("relu"), other("other");
  relu.set_input_x(value);
  other.set_input_x(relu);
  Tensor read;
  EXPECT_EQ(relu.GetInputConstData("x", read), GRAPH_SUCCESS);
  EXPECT_EQ(read.GetData()[0], 7);
  EXPECT_EQ(other.GetInputConstData("x", read), GRAPH_FAILED);
}

TEST(Build, Subgraphs) {
  op::If branch("branch");
  auto builder = [] {
    Graph inner("then");
    op::Data data("inner_data");
    inner.SetInputs({data}).SetOutputs(std::vector<Operator>{data});
    return inner;
  };
  branch.set_subgraph_builder_then_branch(builder);
  EXPECT_EQ(branch.get_subgraph_then_branch().GetName(), "then");
  EXPECT_FALSE(branch.get_subgraph_else_branch().IsValid());
  op::Data cond("cond");
  branch.set_input_cond(cond);
  Graph graph("graph");
  graph.SetInputs({cond});
  EXPECT_EQ(graph.GetDirectNode().size(), 2u);
  EXPECT_EQ(Names(graph), std::vector<std::string>({"cond", "branch", "inner_data"}));
  op::Case cases("case");
  cases.create_dynamic_subgraph_branches(2).set_dynamic_subgraph_builder_branches(1, builder);
  EXPECT_TRUE(cases.get_dynamic_subgraph_branches(1).IsValid());
  EXPECT_EQ(cases.get_dynamic_subgraph_builder_branches(2), nullptr);
}

TEST(Build, CopiesShareExceptCopyFrom) {
  op::Data data("data");
  Graph graph("graph");
  graph.SetInputs({data});
  Graph same = graph;
  Graph copy("copy");
  EXPECT_EQ(copy.CopyFrom(Graph("empty")), GRAPH_FAILED);
  EXPECT_EQ(copy.CopyFrom(graph), GRAPH_SUCCESS);
  EXPECT_EQ(copy.GetName(), "copy");
  data.set_attr_index(3);
  int64_t index = 0;
  EXPECT_EQ(same.GetAllNodes()[0].GetAttr("index", index), GRAPH_SUCCESS);
  EXPECT_EQ(index, 3);
  EXPECT_EQ(copy.GetAllNodes()[0].GetAttr("index", index), GRAPH_SUCCESS);
  EXPECT_EQ(index, 0);
}

TEST(Build, BreakConnectDropsLinks) {
  op::Data data("data");
  op::Relu relu("relu");
  relu.set_input_x(data);
  data.BreakConnect();
  Graph graph("graph");
  graph.SetInputs({data});
  EXPECT_EQ(Names(graph), std::vector<std::string>({"data"}));
}

TEST(Build, ManyOperatorsMergeAndDie) {
  op::Data data("data");
  Operator last = data;
  for (int i = 0; i < 20000; ++i) {
    op::Relu relu(std::to_string(i).c_str());
    relu.set_input_x(last);
    last = relu;
  }
  Graph graph("graph");
  graph.SetInputs({data});
  EXPECT_EQ(graph.GetDirectNode().size(), 20001u);
}

}  // namespace
