// ge::Graph to the engine's ModelGraph and back.
#include "api/graph/model_bridge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "array_ops.h"
#include "control_flow_ops.h"
#include "elewise_calculation_ops.h"
#include "functional_ops.h"
#include "nn_calculation_ops.h"
#include "nonlinear_fuc_ops.h"

namespace {

using belay::DType;
using belay::ModelGraph;
using belay::ModelNode;
using ge::Operator;
using ge::TensorDesc;
namespace op = ge::op;

const ModelNode& Node(const ModelGraph& model, const std::string& name) {
  return *std::find_if(model.nodes.begin(), model.nodes.end(),
                       [&](const ModelNode& node) { return node.name == name; });
}

op::Data Input(const char* name, std::vector<int64_t> dims) {
  op::Data data(name);
  data.update_output_desc_y(TensorDesc(ge::Shape(dims), ge::FORMAT_NCHW, ge::DT_FLOAT));
  return data;
}

ge::Graph ConvGraph() {
  op::Data data = Input("data", {1, 3, -1, 8});
  op::Const weight("weight");
  weight.set_attr_value(ge::Tensor(TensorDesc(ge::Shape({4, 3, 1, 1})), std::vector<uint8_t>(48, 1)));
  op::Conv2D conv("conv");
  conv.set_input_x(data).set_input_filter(weight).set_attr_strides({1, 1, 1, 1});
  op::Relu relu("relu");
  relu.set_input_x(conv);
  ge::Graph graph("graph");
  graph.SetInputs({data}).SetOutputs(std::vector<Operator>{relu});
  return graph;
}

TEST(Bridge, NodesEdgesAndAttributes) {
  auto result = belay::ModelFromGraph(ConvGraph());
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  const ModelGraph& model = **result;
  ASSERT_EQ(model.nodes.size(), 4u);
  const ModelNode& conv = Node(model, "conv");
  EXPECT_EQ(conv.type, "Conv2D");
  ASSERT_EQ(conv.inputs.size(), 4u);
  EXPECT_EQ(model.nodes[conv.inputs[0].node].name, "data");
  EXPECT_EQ(model.nodes[conv.inputs[1].node].name, "weight");
  EXPECT_EQ(conv.inputs[2].node, -1);
  EXPECT_EQ(conv.input_ports[2].name, "bias");
  EXPECT_EQ(conv.attrs.size(), 1u);  // defaults stay with the prototype
  EXPECT_EQ(std::get<std::vector<int64_t>>(conv.attrs.at("strides")).size(), 4u);
  const ModelNode& data = Node(model, "data");
  EXPECT_EQ(data.output_descs[0].dims, std::vector<int64_t>({1, 3, -1, 8}));
  EXPECT_EQ(data.output_descs[0].dtype, DType::kF32);
  EXPECT_EQ(std::get<int64_t>(data.attrs.at("index")), 0);
  const auto& literal = std::get<belay::LiteralPtr>(Node(model, "weight").attrs.at("value"));
  EXPECT_EQ(literal->dims, std::vector<int64_t>({4, 3, 1, 1}));
  EXPECT_EQ(literal->as<uint8_t>()[47], 1);
  ASSERT_EQ(model.outputs.size(), 1u);
  EXPECT_EQ(model.nodes[model.outputs[0].node].name, "relu");
}

TEST(Bridge, LiteralsOutliveTheirTensor) {
  belay::LiteralPtr literal;
  {
    ge::Graph graph = ConvGraph();
    auto result = belay::ModelFromGraph(graph);
    ASSERT_TRUE(result.ok());
    literal = std::get<belay::LiteralPtr>(Node(**result, "weight").attrs.at("value"));
    ge::Tensor tensor;
    ASSERT_EQ(graph.GetAllNodes()[1].GetAttr("value", tensor), ge::GRAPH_SUCCESS);
    tensor.ResetData().reset();
  }
  EXPECT_EQ(literal->as<uint8_t>()[0], 1);
}

TEST(Bridge, InputsByIndexElseBySetInputs) {
  op::Data a = Input("a", {1}), b = Input("b", {1});
  op::Add add("add");
  add.set_input_x1(a).set_input_x2(b);
  ge::Graph graph("graph");
  graph.SetInputs({b, a}).SetOutputs(std::vector<Operator>{add});
  auto index = [&](const char* name) {
    auto result = belay::ModelFromGraph(graph);
    return std::get<int64_t>(Node(**result, name).attrs.at("index"));
  };
  EXPECT_EQ(index("b"), 0);
  EXPECT_EQ(index("a"), 1);
  a.set_attr_index(0);
  b.set_attr_index(1);
  EXPECT_EQ(index("a"), 0);
  EXPECT_EQ(index("b"), 1);
}

TEST(Bridge, OutputsPortByPort) {
  op::Data data = Input("data", {4});
  op::Relu relu("relu");
  relu.set_input_x(data);
  ge::Graph graph("graph");
  graph.SetInputs({data});
  graph.SetOutputs({{relu, std::vector<size_t>{0, 7}}, {data, std::vector<size_t>{}}});
  auto result = belay::ModelFromGraph(graph);
  ASSERT_TRUE(result.ok());
  ASSERT_EQ((*result)->outputs.size(), 2u);  // port 7 is left out
  graph.SetOutputs({{data, std::string("y")}, {relu, std::string("none")}});
  EXPECT_EQ((*belay::ModelFromGraph(graph))->outputs.size(), 1u);
  graph.SetOutputs(std::vector<Operator>{op::Relu("stranger"), relu});
  EXPECT_EQ((*belay::ModelFromGraph(graph))->outputs.size(), 1u);
}

TEST(Bridge, RefusesWhatItCannotSay) {
  EXPECT_EQ(belay::ModelFromGraph(ge::Graph("empty")).status().code(),
            belay::Code::kFailedPrecondition);
  op::Const short_data("short");
  short_data.set_attr_value(ge::Tensor(TensorDesc(ge::Shape({4})), std::vector<uint8_t>(4)));
  ge::Graph graph("graph");
  graph.SetInputs({short_data});
  const belay::Status status = belay::ModelFromGraph(graph).status();
  EXPECT_EQ(status.code(), belay::Code::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "node 'short' (Const): attribute 'value': a constant has 4 bytes of data, but its "
            "description needs 16");
  op::Cast cast("cast");
  cast.SetAttr("dst_type", ge::DT_VARIANT);
  graph.SetInputs({cast});
  EXPECT_EQ(belay::ModelFromGraph(graph).status().code(), belay::Code::kNotSupported);
}

TEST(Bridge, RepeatedNamesAreTold) {
  op::Data data = Input("same", {1});
  op::Relu relu("same");
  relu.set_input_x(data);
  ge::Graph graph("graph");
  graph.SetInputs({data});
  auto result = belay::ModelFromGraph(graph);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ((*result)->nodes[0].name, "same");
  EXPECT_EQ((*result)->nodes[1].name, "same_1");
}

TEST(Bridge, SubgraphsAndStrings) {
  op::Data cond = Input("cond", {});
  op::If branch("branch");
  branch.set_input_cond(cond);
  branch.set_subgraph_builder_then_branch([] {
    op::Const text("text");
    ge::Tensor tensor(TensorDesc(ge::Shape({2}), ge::FORMAT_ND, ge::DT_STRING));
    tensor.SetData(std::vector<std::string>{"ab", ""});
    text.set_attr_value(tensor);
    ge::Graph inner("inner");
    inner.SetInputs({text}).SetOutputs(std::vector<Operator>{text});
    return inner;
  });
  ge::Graph graph("graph");
  graph.SetInputs({cond});
  auto result = belay::ModelFromGraph(graph);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  const auto& inner = Node(**result, "branch").subgraphs.at("then_branch").at(0);
  const auto& literal = std::get<belay::LiteralPtr>(inner->nodes.at(0).attrs.at("value"));
  EXPECT_EQ(*literal->strings, std::vector<std::string>({"ab", ""}));
}

TEST(Bridge, ThereAndBackIsTheSame) {
  auto first = belay::ModelFromGraph(ConvGraph());
  ASSERT_TRUE(first.ok());
  ge::Graph graph = belay::GraphFromModel(*first);
  EXPECT_TRUE(graph.IsValid());
  auto second = belay::ModelFromGraph(graph);
  ASSERT_TRUE(second.ok());
  ASSERT_EQ((*first)->nodes.size(), (*second)->nodes.size());
  for (size_t i = 0; i < (*first)->nodes.size(); ++i) {
    const ModelNode& a = (*first)->nodes[i];
    const ModelNode& b = (*second)->nodes[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.inputs, b.inputs);
    EXPECT_EQ(a.attrs.size(), b.attrs.size());
    EXPECT_EQ(a.output_descs[0].dims, b.output_descs[0].dims);
  }
  EXPECT_EQ((*first)->outputs, (*second)->outputs);
}

TEST(Bridge, TypesThatOnlyOnnxHasSurvive) {
  auto model = std::make_shared<ModelGraph>();
  ModelNode constant;
  constant.name = "c";
  constant.type = "Const";
  constant.output_ports = {{"y", 0}};
  constant.output_descs = {{}};
  const uint8_t packed[2] = {0x21, 0x03};
  constant.attrs["value"] = belay::LiteralPtr(belay::Literal::Copy(DType::kU4, {3}, packed));
  constant.attrs["types"] = std::vector<DType>{DType::kF8E5M2FNUZ, DType::kBF16};
  model->nodes.push_back(constant);
  model->outputs = {{0, 0}};
  auto back = belay::ModelFromGraph(belay::GraphFromModel(model));
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  const ModelNode& node = (*back)->nodes.at(0);
  const auto& literal = std::get<belay::LiteralPtr>(node.attrs.at("value"));
  EXPECT_EQ(literal->dtype, DType::kU4);
  EXPECT_EQ(literal->as<uint8_t>()[1], 0x03);
  EXPECT_EQ(node.attrs.at("types"), constant.attrs["types"]);
}

TEST(Bridge, AGraphIsClaimedOnce) {
  ge::Graph graph = ConvGraph();
  ge::Graph same = graph;
  std::shared_ptr<void> claim = belay::ClaimGraph(graph);
  EXPECT_NE(claim, nullptr);
  EXPECT_EQ(belay::ClaimGraph(same), nullptr);
  ge::Graph copy("copy");
  EXPECT_EQ(copy.CopyFrom(graph), ge::GRAPH_SUCCESS);
  EXPECT_NE(belay::ClaimGraph(copy), nullptr);
  claim.reset();
  EXPECT_NE(belay::ClaimGraph(same), nullptr);
}

}  // namespace
