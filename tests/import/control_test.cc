// Subgraphs and what they take from outside.
#include <gtest/gtest.h>

#include "import/support.h"

namespace belay {
namespace {

using namespace belay::test;

std::map<int64_t, std::string> DataByIndex(const ModelGraph& graph) {
  std::map<int64_t, std::string> names;
  for (const ModelNode& n : graph.nodes) {
    if (n.type != "Data") continue;
    const int64_t index = std::get<int64_t>(n.attrs.at("index"));
    EXPECT_EQ(names.count(index), 0u) << "two Data nodes are number " << index;
    names[index] = n.name;
  }
  return names;
}

TEST(Control, BranchesTakeTheSameCaptures) {
  ImportResult result = ImportOnnxFile(ModelPath("control.onnx"));
  ASSERT_TRUE(result.ok()) << result.status().message();
  const ModelNode* outer = FindNode(**result, "outer_if");
  ASSERT_NE(outer, nullptr);
  ASSERT_EQ(outer->subgraphs.size(), 2u);
  const ModelGraph& yes = *outer->subgraphs.at("then_branch").at(0);
  const ModelGraph& no = *outer->subgraphs.at("else_branch").at(0);
  // `then` uses c2 and x, one of them only in its own inner graph; `else` uses z; w is a constant and no argument.
  const std::map<int64_t, std::string> names = DataByIndex(yes);
  EXPECT_EQ(names.size(), 3u);
  EXPECT_EQ(DataByIndex(no), names);
  std::vector<std::string> passed;
  for (size_t i = 1; i < outer->inputs.size(); ++i)
    passed.push_back((*result)->nodes[outer->inputs[i].node].name);
  ASSERT_EQ(passed.size(), 3u);
  for (size_t i = 0; i < passed.size(); ++i)
    EXPECT_EQ(names.at(static_cast<int64_t>(i)), passed[i]);
  EXPECT_EQ(CountType(yes, "Const"), 0);
  EXPECT_EQ(CountType(no, "Const"), 1);

  const ModelNode* inner = FindNode(yes, "inner_if");
  ASSERT_NE(inner, nullptr);
  const ModelGraph& deepest = *inner->subgraphs.at("then_branch").at(0);
  EXPECT_EQ(DataByIndex(deepest).size(), 1u);
  EXPECT_EQ(DataByIndex(deepest), DataByIndex(*inner->subgraphs.at("else_branch").at(0)));
  EXPECT_EQ(CountType(deepest, "Const"), 1);
  ASSERT_EQ(deepest.outputs.size(), 1u);
  EXPECT_EQ(deepest.nodes[deepest.outputs[0].node].type, "Mul");
}

TEST(Control, ALoopsBodyHasItsFormalInputsFirst) {
  ImportResult result = ImportOnnxFile(ModelPath("control.onnx"));
  ASSERT_TRUE(result.ok()) << result.status().message();
  const ModelNode* loop = FindNode(**result, "loop");
  ASSERT_NE(loop, nullptr);
  ASSERT_EQ(loop->subgraphs.size(), 1u);
  const ModelGraph& body = *loop->subgraphs.begin()->second.at(0);
  const std::map<int64_t, std::string> want = {{0, "i"}, {1, "going"}, {2, "acc"}, {3, "z"}};
  EXPECT_EQ(DataByIndex(body), want);
  // acc declares nothing in the body: it has the type of what the loop is given.
  const ModelNode* acc = FindNode(body, "acc");
  ASSERT_NE(acc, nullptr);
  EXPECT_EQ(acc->output_descs[0].dtype, DType::kF32);
  EXPECT_EQ(acc->output_descs[0].dims, std::vector<int64_t>{-1});
}

}  // namespace
}  // namespace belay
