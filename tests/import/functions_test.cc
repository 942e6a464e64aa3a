#include "import/onnx/functions.h"

#include <gtest/gtest.h>

#include "import/model_writer.h"
#include "import/support.h"

namespace belay::onnx {
namespace {

using namespace belay::test;

TEST(Functions, NestedCallsAreInlinedWithTheirAttributes) {
  ImportResult result = ImportOnnxFile(ModelPath("functions.onnx"));
  ASSERT_TRUE(result.ok()) << result.status().message();
  const ModelGraph& graph = **result;
  EXPECT_EQ(CountType(graph, "LeakyRelu"), 2);
  EXPECT_EQ(CountType(graph, "Elu"), 2);
  EXPECT_EQ(CountType(graph, "Add"), 2);
  std::vector<std::string> names;
  for (const ModelNode& n : graph.nodes) {
    names.push_back(n.name);
    if (n.type == "LeakyRelu") {
      EXPECT_EQ(std::get<double>(n.attrs.at("negative_slope")), 0.25);
    }
    if (n.type == "Elu") {
      EXPECT_EQ(std::get<double>(n.attrs.at("alpha")), 0.5);
    }
    // `same` is Inner's input handed through: Add sees what LeakyRelu sees.
    if (n.type == "Add") {
      const ModelNode& elu = graph.nodes[n.inputs[0].node];
      ASSERT_EQ(elu.type, "Elu");
      const ModelEdge seen = graph.nodes[elu.inputs[0].node].inputs[0];
      ModelEdge handed = n.inputs[1];
      while (graph.nodes[handed.node].type == "Identity")
        handed = graph.nodes[handed.node].inputs[0];
      EXPECT_EQ(handed, seen);
    }
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end()) << "names repeat";
}

Function Calling(const std::string& name, const std::string& callee, int times) {
  Function f;
  f.domain = "d";
  f.name = name;
  f.inputs = {"a"};
  f.outputs = {"b"};
  for (int i = 0; i < times; ++i) {
    Node n;
    n.domain = "d";
    n.op = callee;
    n.inputs = {"a"};
    n.outputs = {i == 0 ? "b" : "c" + std::to_string(i)};
    f.nodes.push_back(n);
  }
  return f;
}

TEST(Functions, EndlessRecursionIsRefused) {
  Model model;
  model.functions.push_back(Calling("F", "F", 1));
  model.graph.nodes = Calling("", "F", 1).nodes;
  Status status = InlineFunctions(&model);
  ASSERT_FALSE(status.ok());
  EXPECT_HAS(status.message(), "deeper than");
}

TEST(Functions, ExponentialGrowthIsRefused) {
  Model model;
  for (int i = 0; i < 25; ++i) {
    model.functions.push_back(Calling("F" + std::to_string(i), "F" + std::to_string(i + 1), 4));
  }
  model.graph.nodes = Calling("", "F0", 1).nodes;
  Status status = InlineFunctions(&model);
  ASSERT_FALSE(status.ok());
  EXPECT_HAS(status.message(), "more than");
}

TEST(Functions, TooManyArgumentsAreRefused) {
  Model model;
  model.functions.push_back(Calling("F", "Relu", 1));
  model.graph.nodes = Calling("", "F", 1).nodes;
  model.graph.nodes[0].inputs = {"x", "y"};
  Status status = InlineFunctions(&model);
  ASSERT_FALSE(status.ok());
  EXPECT_HAS(status.message(), "with 2 inputs");
}

}  // namespace
}  // namespace belay::onnx
