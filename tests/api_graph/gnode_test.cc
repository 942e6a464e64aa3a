// GNode and the editing of graphs.
#include "graph/gnode.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "array_ops.h"
#include "elewise_calculation_ops.h"
#include "graph/attr_value.h"
#include "nonlinear_fuc_ops.h"

namespace {

using namespace ge;  // NOLINT: the subject

class GNodeTest : public testing::Test {
 protected:
  void SetUp() override {
    a_ = graph_.AddNodeByOp(op::Data("a"));
    b_ = graph_.AddNodeByOp(op::Data("b"));
    add_ = graph_.AddNodeByOp(op::Add("add"));
    ASSERT_EQ(graph_.AddDataEdge(a_, 0, add_, 0), GRAPH_SUCCESS);
    ASSERT_EQ(graph_.AddDataEdge(b_, 0, add_, 1), GRAPH_SUCCESS);
  }
  static std::string NameOf(const GNode& node) {
    AscendString name;
    return node.GetName(name) == GRAPH_SUCCESS ? name.GetString() : "?";
  }

  Graph graph_{"graph"};
  GNode a_, b_, add_;
};

TEST_F(GNodeTest, Edges) {
  EXPECT_TRUE(graph_.IsValid());
  auto source = add_.GetInDataNodesAndPortIndexs(1);
  ASSERT_NE(source.first, nullptr);
  EXPECT_EQ(NameOf(*source.first), "b");
  EXPECT_EQ(source.second, 0);
  EXPECT_EQ(add_.GetInDataNodesAndPortIndexs(2).second, -1);
  auto users = a_.GetOutDataNodesAndPortIndexs(0);
  ASSERT_EQ(users.size(), 1u);
  EXPECT_EQ(NameOf(*users[0].first), "add");
  EXPECT_EQ(users[0].second, 0);
}

TEST_F(GNodeTest, BadEdgesAreRefused) {
  EXPECT_EQ(graph_.AddDataEdge(a_, 0, add_, 0), GRAPH_FAILED);  // occupied
  EXPECT_EQ(graph_.AddDataEdge(a_, 1, add_, 0), GRAPH_FAILED);
  EXPECT_EQ(graph_.AddDataEdge(a_, 0, add_, 2), GRAPH_FAILED);
  Graph other("other");
  GNode stranger = other.AddNodeByOp(op::Relu("relu"));
  EXPECT_EQ(graph_.AddDataEdge(a_, 0, stranger, 0), GRAPH_FAILED);
  GNode empty;
  EXPECT_EQ(graph_.AddControlEdge(empty, add_), GRAPH_FAILED);
  AscendString name;
  EXPECT_EQ(graph_.AddNodeByOp(Operator()).GetName(name), GRAPH_FAILED);
}

TEST_F(GNodeTest, RemoveEdge) {
  EXPECT_EQ(graph_.RemoveEdge(a_, 0, add_, 1), GRAPH_FAILED);
  EXPECT_EQ(graph_.RemoveEdge(a_, 0, add_, 0), GRAPH_SUCCESS);
  EXPECT_EQ(add_.GetInDataNodesAndPortIndexs(0).first, nullptr);
  EXPECT_EQ(graph_.AddControlEdge(a_, add_), GRAPH_SUCCESS);
  EXPECT_EQ(add_.GetInControlNodes().size(), 1u);
  EXPECT_EQ(a_.GetOutControlNodes().size(), 1u);
  EXPECT_EQ(graph_.RemoveEdge(a_, -1, add_, 0), GRAPH_FAILED);
  EXPECT_EQ(graph_.RemoveEdge(a_, -1, add_, -1), GRAPH_SUCCESS);
  EXPECT_TRUE(add_.GetInControlNodes().empty());
}

TEST_F(GNodeTest, RemovedNodesAreUnlinked) {
  EXPECT_EQ(graph_.RemoveNode(a_), GRAPH_SUCCESS);
  EXPECT_EQ(graph_.RemoveNode(a_), GRAPH_FAILED);
  EXPECT_EQ(graph_.GetDirectNode().size(), 2u);
  EXPECT_EQ(add_.GetInDataNodesAndPortIndexs(0).first, nullptr);
  EXPECT_EQ(NameOf(a_), "a");  // the handle outlives its place in the graph
}

TEST_F(GNodeTest, HandlesKeepTheGraph) {
  GNode node;
  {
    Graph local("local");
    GNode data = local.AddNodeByOp(op::Data("data"));
    node = local.AddNodeByOp(op::Relu("relu"));
    ASSERT_EQ(local.AddDataEdge(data, 0, node, 0), GRAPH_SUCCESS);
  }
  EXPECT_EQ(NameOf(*node.GetInDataNodesAndPortIndexs(0).first), "data");
}

TEST_F(GNodeTest, AttributesAndDescriptions) {
  int64_t number = 5;
  AscendString key("key");
  EXPECT_FALSE(add_.HasAttr(key));
  EXPECT_EQ(add_.SetAttr(key, number), GRAPH_SUCCESS);
  EXPECT_TRUE(add_.HasAttr(key));
  float real = 0;
  EXPECT_EQ(add_.GetAttr(key, real), GRAPH_FAILED);
  TensorDesc desc;
  EXPECT_EQ(add_.UpdateOutputDesc(0, TensorDesc(Shape({4}))), GRAPH_SUCCESS);
  EXPECT_EQ(add_.GetOutputDesc(0, desc), GRAPH_SUCCESS);
  EXPECT_EQ(desc.GetShape().GetDim(0), 4);
  EXPECT_EQ(add_.GetOutputDesc(1, desc), GRAPH_FAILED);
  int32_t index = 0;
  EXPECT_EQ(add_.GetInputIndexByName("x2", index), GRAPH_SUCCESS);
  EXPECT_EQ(index, 1);
  EXPECT_EQ(add_.GetOutputIndexByName("x2", index), GRAPH_FAILED);
  EXPECT_EQ(GNode().SetAttr(key, number), GRAPH_FAILED);
}

}  // namespace
