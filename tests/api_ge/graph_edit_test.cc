// Graphs made and changed by nodes and edges: what they compute, and which call tells of their errors.
#include "api_ge/state_fixture.h"
#include "functional_ops.h"
#include "graph/attr_value.h"
#include "graph/graph_buffer.h"
#include "nonlinear_fuc_ops.h"

namespace belay_test {
namespace {

std::string NameOf(const ge::GNode& node) {
  ge::AscendString name;
  return node.GetName(name) == ge::GRAPH_SUCCESS ? name.GetString() : "?";
}

class GraphEdit : public StateTest {
 protected:
  // (x - y), by nodes.
  void SetUp() override {
    StateTest::SetUp();
    x_ = graph_.AddNodeByOp(MakeData("x", 0, {2}));
    y_ = graph_.AddNodeByOp(MakeData("y", 1, {2}));
    sub_ = graph_.AddNodeByOp(sub_op_);
    ASSERT_EQ(graph_.AddDataEdge(x_, 0, sub_, 0), ge::GRAPH_SUCCESS);
    ASSERT_EQ(graph_.AddDataEdge(y_, 0, sub_, 1), ge::GRAPH_SUCCESS);
    graph_.SetOutputs(std::vector<ge::Operator>{sub_op_});
  }
  static std::vector<float> Run(const ge::Graph& graph, const std::vector<ge::Tensor>& in) {
    ge::Session session(Options{});
    Add(session, 1, graph);
    return RunOne(session, 1, in);
  }
  // The refusal comes from the call that compiles, by whichever way.
  static void ExpectNoCompile(const ge::Graph& graph, const std::vector<ge::Tensor>& in,
                              std::initializer_list<const char*> words) {
    ge::Session session(Options{});
    Add(session, 1, graph);
    ExpectRefusal(session.CompileGraph(1), words);
    std::vector<ge::Tensor> out;
    ExpectRefusal(session.RunGraph(1, in, out), words);
    ExpectRefusal(session.BuildGraph(1, in), words);
  }
  const std::vector<ge::Tensor> in_{HostTensor({2}, {1, 7}), HostTensor({2}, {10, 3})};
  ge::op::Sub sub_op_{"sub"};
  ge::Graph graph_{"edited"};
  ge::GNode x_, y_, sub_;
};

TEST_F(GraphEdit, NodesAndEdgesRun) {
  EXPECT_EQ(Run(graph_, in_), (std::vector<float>{-9, 4}));
  ge::GNode relu = graph_.AddNodeByOp(ge::op::Relu("relu"));
  // x goes through relu from now on.
  ASSERT_EQ(graph_.RemoveEdge(x_, 0, sub_, 0), ge::GRAPH_SUCCESS);
  ASSERT_EQ(graph_.AddDataEdge(x_, 0, relu, 0), ge::GRAPH_SUCCESS);
  ASSERT_EQ(graph_.AddDataEdge(relu, 0, sub_, 0), ge::GRAPH_SUCCESS);
  EXPECT_EQ(Run(graph_, {HostTensor({2}, {-5, 7}), in_[1]}), (std::vector<float>{-10, 4}));
}

TEST_F(GraphEdit, ControlEdgesOrderWrites) {
  for (bool after : {false, true}) {
    ge::Graph graph("order");
    ge::GNode v = graph.AddNodeByOp(MakeVariable("v", {1}).set_attr_value(HostTensor({1}, {5})));
    ge::GNode one = graph.AddNodeByOp(MakeConst("one", {1}, {1}));
    ge::op::Muls out_op = ge::op::Muls("read").set_attr_value(1);
    ge::op::AssignAdd write_op("add");
    ge::GNode add = graph.AddNodeByOp(write_op), read = graph.AddNodeByOp(out_op);
    ASSERT_EQ(graph.AddDataEdge(v, 0, add, 0), ge::GRAPH_SUCCESS);
    ASSERT_EQ(graph.AddDataEdge(one, 0, add, 1), ge::GRAPH_SUCCESS);
    ASSERT_EQ(graph.AddDataEdge(v, 0, read, 0), ge::GRAPH_SUCCESS);
    ASSERT_EQ(after ? graph.AddControlEdge(add, read) : graph.AddControlEdge(read, add), ge::GRAPH_SUCCESS);
    graph.SetOutputs(std::vector<ge::Operator>{out_op});
    graph.SetTargets({write_op});
    EXPECT_EQ(Run(graph, {}), std::vector<float>{after ? 6.0f : 5.0f});
  }
}

TEST_F(GraphEdit, CyclesAreToldWhenItIsCompiled) {
  ge::GNode first = graph_.AddNodeByOp(ge::op::Relu("first")), second = graph_.AddNodeByOp(ge::op::Relu("second"));
  ASSERT_EQ(graph_.AddDataEdge(first, 0, second, 0), ge::GRAPH_SUCCESS);
  ASSERT_EQ(graph_.AddDataEdge(second, 0, first, 0), ge::GRAPH_SUCCESS);
  ExpectNoCompile(graph_, in_, {"cycle through node", "(Relu)"});
  ASSERT_EQ(graph_.RemoveEdge(second, 0, first, 0), ge::GRAPH_SUCCESS);
  ASSERT_EQ(graph_.AddDataEdge(x_, 0, first, 0), ge::GRAPH_SUCCESS);
  EXPECT_EQ(Run(graph_, in_), (std::vector<float>{-9, 4}));
  ASSERT_EQ(graph_.AddControlEdge(second, first), ge::GRAPH_SUCCESS);
  ExpectNoCompile(graph_, in_, {"cycle"});
  // Of operators, too.
  auto x = MakeData("x", 0, {2});
  ge::op::Add a("a"), b("b");
  a.set_input_x1(x).set_input_x2(b);
  b.set_input_x1(a).set_input_x2(x);
  ExpectNoCompile(Built("loop", {x}, {b}), {in_[0]}, {"cycle through node", "(Add)"});
}

TEST_F(GraphEdit, TypesAreCheckedWhenItIsCompiled) {
  auto x = MakeData("x", 0, {2}), b = MakeData("b", 1, {3});
  auto pick = Wire(ge::op::GatherV2("pick"), {{"x", x}, {"indices", x}, {"axis", MakeInts("axis", {1}, {0})}});
  ExpectNoCompile(Built("types", {x}, {pick}), {in_[0]}, {"'pick'", "indices is f32"});
  ExpectNoCompile(Built("shapes", {x, b}, {Wire(ge::op::Add("sum"), {{"x1", x}, {"x2", b}})}), in_, {"'sum'"});
  ExpectNoCompile(Built("missing", {x}, {Wire(ge::op::Add("half"), {{"x1", x}})}), {in_[0]}, {"'half'", "x2"});
}

TEST_F(GraphEdit, ACopyIsAlone) {
  ge::Graph copy("copy");
  ASSERT_EQ(copy.CopyFrom(graph_), ge::GRAPH_SUCCESS);
  std::vector<ge::GNode> nodes = copy.GetDirectNode();
  ASSERT_EQ(nodes.size(), 3u);
  // y - x in the copy
  ASSERT_EQ(copy.RemoveEdge(nodes[0], 0, nodes[2], 0), ge::GRAPH_SUCCESS);
  ASSERT_EQ(copy.RemoveEdge(nodes[1], 0, nodes[2], 1), ge::GRAPH_SUCCESS);
  ASSERT_EQ(copy.AddDataEdge(nodes[1], 0, nodes[2], 0), ge::GRAPH_SUCCESS);
  ASSERT_EQ(copy.AddDataEdge(nodes[0], 0, nodes[2], 1), ge::GRAPH_SUCCESS);
  EXPECT_EQ(copy.AddDataEdge(x_, 0, nodes[2], 0), ge::GRAPH_FAILED);  // a node of the other graph
  EXPECT_EQ(Run(copy, in_), (std::vector<float>{9, -4}));
  EXPECT_EQ(Run(graph_, in_), (std::vector<float>{-9, 4}));
}

TEST_F(GraphEdit, SubgraphsAreGraphs) {
  auto c = MakeData("c", 0, {}, ge::DT_BOOL), x = MakeData("x", 1, {2});
  const auto times = [](float factor, const char* name) {
    return [=] {
      ge::op::Data argument("argument");
      argument.set_attr_index(0);
      return Built(name, {argument}, {Wire(ge::op::Muls("times").set_attr_value(factor), {{"x", argument}})});
    };
  };
  auto choice = ge::op::If("if").create_dynamic_input_input(1).create_dynamic_output_output(1);
  choice.set_input_cond(c).set_dynamic_input_input(0, x);
  choice.set_subgraph_builder_then_branch(times(2, "two")).set_subgraph_builder_else_branch(times(3, "three"));
  const ge::Graph graph = Built("choice", {c, x}, {choice});
  EXPECT_EQ(graph.GetDirectNode().size(), 3u);
  EXPECT_EQ(graph.GetAllNodes().size(), 7u);
  const ge::GNode node = graph.GetDirectNode()[2];
  std::vector<ge::GraphPtr> inner;
  ASSERT_EQ(node.GetALLSubgraphs(inner), ge::GRAPH_SUCCESS);
  ASSERT_EQ(inner.size(), 2u);
  ge::GraphPtr other;
  ASSERT_EQ(node.GetSubgraph(1, other), ge::GRAPH_SUCCESS);
  EXPECT_EQ(node.GetSubgraph(2, inner[0]), ge::GRAPH_FAILED);
  ge::AscendString name;
  ASSERT_EQ(other->GetName(name), ge::GRAPH_SUCCESS);
  EXPECT_STREQ(name.GetString(), "three");
  // What is changed there is what runs.
  for (ge::GNode& inside : other->GetDirectNode()) {
    float factor = 5;
    if (NameOf(inside) != "times") continue;
    EXPECT_EQ(inside.SetAttr("value", factor), ge::GRAPH_SUCCESS);
  }
  for (const auto& [condition, want] : {std::pair<uint8_t, float>{1, 2}, {0, 5}}) {
    const ge::TensorDesc flag(ge::Shape(std::vector<int64_t>{}), ge::FORMAT_ND, ge::DT_BOOL);
    ge::Graph run("run");
    ASSERT_EQ(run.CopyFrom(graph), ge::GRAPH_SUCCESS);
    EXPECT_EQ(Run(run, {ge::Tensor(flag, &condition, 1), HostTensor({2}, {1, 10})}),
              (std::vector<float>{want, 10 * want}));
  }
}

template <typename T>
void ExpectKept(const ge::GNode& node, const char* name, T value) {
  T have{};
  EXPECT_EQ(node.GetAttr(name, have), ge::GRAPH_SUCCESS) << name;
  EXPECT_EQ(have, value) << name;
}

TEST_F(GraphEdit, AttributesOfAllTypesAreSaved) {
  const auto set = [&](const char* name, auto value) {
    EXPECT_EQ(sub_.SetAttr(name, value), ge::GRAPH_SUCCESS) << name;
  };
  using Texts = std::vector<ge::AscendString>;
  using Ints = std::vector<int64_t>;
  set("int", int64_t{-7});
  set("float", 0.25f);
  set("bool", true);
  set("text", ge::AscendString("some text"));
  set("type", ge::DT_BF16);
  set("tensor", HostTensor({2}, {1, 2}));
  set("ints", Ints{1, -2});
  set("floats", std::vector<float>{0.5f, -1});
  set("bools", std::vector<bool>{true, false, true});
  set("texts", Texts{"a", "bc", ""});
  set("types", std::vector<ge::DataType>{ge::DT_INT8, ge::DT_FLOAT});
  set("tensors", std::vector<ge::Tensor>{HostTensor({1}, {3}), HostTensor({0}, {})});
  set("lists", std::vector<Ints>{{1, 2}, {}, {3}});
  set("bytes", ge::OpBytes{0, 255, 7});
  set("none", Ints{});
  auto any = ge::AttrValue::CreateFrom<ge::AttrValue::INT>(11);
  set("any", any);
  ge::GraphBuffer buffer;
  ASSERT_EQ(graph_.SaveToMem(buffer), ge::GRAPH_SUCCESS);
  ge::Graph loaded("loaded");
  ASSERT_EQ(loaded.LoadFromSerializedModelArray(buffer.GetData(), buffer.GetSize()), ge::GRAPH_SUCCESS);
  EXPECT_EQ(Run(loaded, in_), (std::vector<float>{-9, 4}));
  for (const ge::GNode& node : {sub_, loaded.GetDirectNode()[2]}) {
    ASSERT_EQ(NameOf(node), "sub");
    ExpectKept(node, "int", int64_t{-7});
    ExpectKept(node, "int", int32_t{-7});
    ExpectKept(node, "float", 0.25f);
    ExpectKept(node, "bool", true);
    ExpectKept(node, "text", ge::AscendString("some text"));
    ExpectKept(node, "type", ge::DT_BF16);
    ExpectKept(node, "ints", Ints{1, -2});
    ExpectKept(node, "floats", std::vector<float>{0.5f, -1});
    ExpectKept(node, "bools", std::vector<bool>{true, false, true});
    ExpectKept(node, "texts", Texts{"a", "bc", ""});
    ExpectKept(node, "types", std::vector<ge::DataType>{ge::DT_INT8, ge::DT_FLOAT});
    ExpectKept(node, "lists", std::vector<Ints>{{1, 2}, {}, {3}});
    ExpectKept(node, "bytes", ge::OpBytes{0, 255, 7});
    ExpectKept(node, "none", Ints{});
    ExpectKept(node, "any", int64_t{11});
    ge::Tensor tensor;
    std::vector<ge::Tensor> tensors;
    ASSERT_EQ(node.GetAttr("tensor", tensor), ge::GRAPH_SUCCESS);
    EXPECT_EQ(Floats(tensor), (std::vector<float>{1, 2}));
    ASSERT_EQ(node.GetAttr("tensors", tensors), ge::GRAPH_SUCCESS);
    ASSERT_EQ(tensors.size(), 2u);
    EXPECT_EQ(Floats(tensors[0]), std::vector<float>{3});
    EXPECT_EQ(tensors[1].GetTensorDesc().GetShape().GetDims(), std::vector<int64_t>{0});
    uint32_t negative = 0;
    EXPECT_EQ(node.GetAttr("int", negative), ge::GRAPH_FAILED);
  }
}

}  // namespace
}  // namespace belay_test
