// aclgrphParseONNX and aclgrphParseONNXFromMem as a client calls them.
#include "parser/onnx_parser.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "backend/file_hashes.h"
#include "ge/ge_api.h"
#include "import/model_writer.h"

namespace {

using namespace belay::test;
using Params = std::map<ge::AscendString, ge::AscendString>;

// r = relu(x + w), n = neg(r)
std::string Model(const char* op = "Relu") {
  GraphWriter graph;
  graph.Input(ValueBytes("x:0", 1, {-1, 3})).Input(ValueBytes("unused", 7, {}));
  graph.Output(ValueBytes("n", 1, {-1, 3}));
  graph.Initializer(FloatTensor("w", {3}, {1, 2, 3}));
  graph.Node(NodeBytes("Add", {"x:0", "w"}, {"s"}, {}, "sum"));
  graph.Node(NodeBytes(op, {"s"}, {"r"}, {}, "act"));
  graph.Node(NodeBytes("Neg", {"r"}, {"n"}, {}, "neg"));
  return ModelBytes(graph, 14);
}

ge::graphStatus ParseBytes(const std::string& bytes, const Params& params, ge::Graph* graph) {
  return ge::aclgrphParseONNXFromMem(bytes.data(), bytes.size(), params, *graph);
}
std::string ErrorText() { return ge::GEGetErrorMsgV2().GetString(); }

std::vector<std::string> NodeTypes(const ge::Graph& graph) {
  std::vector<std::string> types;
  for (const ge::GNode& node : graph.GetDirectNode()) {
    ge::AscendString type;
    EXPECT_EQ(node.GetType(type), ge::GRAPH_SUCCESS);
    types.push_back(type.GetString());
  }
  std::sort(types.begin(), types.end());
  return types;
}

ge::TensorDesc DataDesc(const ge::Graph& graph, const char* name) {
  for (const ge::GNode& node : graph.GetDirectNode()) {
    ge::AscendString own;
    (void)node.GetName(own);
    ge::TensorDesc desc;
    if (own == name && node.GetOutputDesc(0, desc) == ge::GRAPH_SUCCESS) return desc;
  }
  ADD_FAILURE() << "no node " << name;
  return ge::TensorDesc();
}

TEST(Parser, FromMemory) {
  ge::Graph graph("mine");
  ASSERT_EQ(ParseBytes(Model(), {}, &graph), ge::GRAPH_SUCCESS) << ErrorText();
  EXPECT_TRUE(graph.IsValid());
  ge::AscendString name;
  ASSERT_EQ(graph.GetName(name), ge::GRAPH_SUCCESS);
  EXPECT_STREQ(name.GetString(), "mine");
  EXPECT_EQ(NodeTypes(graph),
            (std::vector<std::string>{"Add", "Const", "Data", "Data", "Neg", "Relu"}));
  const ge::TensorDesc x = DataDesc(graph, "x:0");
  EXPECT_EQ(x.GetDataType(), ge::DT_FLOAT);
  EXPECT_EQ(x.GetShape().GetDims(), (std::vector<int64_t>{-1, 3}));
}

TEST(Parser, FromAFile) {
  TempDir dir;
  const std::string path = dir.Write("m.onnx", Model());
  ge::Graph graph("mine");
  EXPECT_EQ(ge::aclgrphParseONNX(path.c_str(), {}, graph), ge::GRAPH_SUCCESS) << ErrorText();
  EXPECT_EQ(NodeTypes(graph).size(), 6u);
  EXPECT_NE(ge::aclgrphParseONNX((path + "x").c_str(), {}, graph), ge::GRAPH_SUCCESS);
  EXPECT_NE(ErrorText().find("m.onnxx"), std::string::npos);
}

TEST(Parser, Shapes) {
  ge::Graph graph("g");
  // A name that ends like an extent, and a scalar without one.
  ASSERT_EQ(ParseBytes(Model(), {{"input_shape", "unused;x:0:4,3"}}, &graph), ge::GRAPH_SUCCESS)
      << ErrorText();
  EXPECT_EQ(DataDesc(graph, "x:0").GetShape().GetDims(), (std::vector<int64_t>{4, 3}));
  EXPECT_NE(ParseBytes(Model(), {{"input_shape", "x:0:4,4"}}, &graph), ge::GRAPH_SUCCESS);
  EXPECT_NE(ErrorText().find("fixes it at 3"), std::string::npos);
}

TEST(Parser, OutNodesAndName) {
  ge::Graph graph("g");
  const Params params = {{"ge.outputNodeName", "act:0"}, {"output", "renamed"}};
  ASSERT_EQ(ParseBytes(Model(), params, &graph), ge::GRAPH_SUCCESS) << ErrorText();
  ge::AscendString name;
  (void)graph.GetName(name);
  EXPECT_STREQ(name.GetString(), "renamed");
  EXPECT_NE(ParseBytes(Model(), {{"ge.outputNodeName", "act:x"}}, &graph), ge::GRAPH_SUCCESS);
  EXPECT_NE(ErrorText().find("NAME:NUMBER"), std::string::npos);
}

TEST(Parser, WrongUse) {
  ge::Graph graph("g");
  EXPECT_EQ(ge::aclgrphParseONNX(nullptr, {}, graph), ge::GRAPH_PARAM_INVALID);
  EXPECT_EQ(ge::aclgrphParseONNXFromMem(nullptr, 5, {}, graph), ge::GRAPH_PARAM_INVALID);
  EXPECT_EQ(ge::aclgrphParseONNXFromMem("x", 0, {}, graph), ge::GRAPH_PARAM_INVALID);
  EXPECT_EQ(ParseBytes(Model(), {{"no_such_key", "1"}}, &graph), ge::GRAPH_PARAM_INVALID);
  EXPECT_NE(ErrorText().find("no_such_key"), std::string::npos);
  EXPECT_EQ(ParseBytes(Model(), {{ge::AscendString(), "1"}}, &graph), ge::GRAPH_PARAM_INVALID);
  EXPECT_EQ(ParseBytes(Model(), {{"is_input_adjust_hw_layout", "true"}}, &graph),
            ge::GRAPH_PARAM_INVALID);
  EXPECT_NE(ParseBytes("not a model", {}, &graph), ge::GRAPH_SUCCESS);
  EXPECT_FALSE(ErrorText().empty());
}

TEST(Parser, AFailureLeavesTheGraphAlone) {
  ge::Graph graph("g");
  ASSERT_EQ(ParseBytes(Model(), {}, &graph), ge::GRAPH_SUCCESS);
  (void)ErrorText();
  EXPECT_EQ(ParseBytes(Model("Unheard"), {}, &graph), ge::GRAPH_FAILED);
  const std::string text = ErrorText();
  EXPECT_NE(text.find("1 operator missing: Unheard (node act)"), std::string::npos) << text;
  EXPECT_EQ(NodeTypes(graph).size(), 6u);
}

// y = x * w, with 17 MiB of w.
std::string LargeModel(float weight) {
  constexpr int64_t kRows = 17 << 8, kColumns = 1 << 10;
  GraphWriter graph;
  graph.Input(ValueBytes("x", 1, {1, kRows})).Output(ValueBytes("y", 1, {1, kColumns}));
  graph.Initializer(FloatTensor("w", {kRows, kColumns}, std::vector<float>(kRows * kColumns, weight)));
  graph.Node(NodeBytes("MatMul", {"x", "w"}, {"y"}, {}, "product"));
  return ModelBytes(graph, 14);
}

// Large tensors are read when the graph is compiled.
TEST(Parser, AFileThatChangesBeforeItsGraphIsCompiled) {
  ASSERT_EQ(ge::GEInitialize(Params()), ge::SUCCESS);
  {
    TempDir dir;
    ge::Session session{Params()};
    const std::string path = dir.Write("m.onnx", LargeModel(1));
    ge::Graph kept("kept"), lost("lost");
    ASSERT_EQ(ge::aclgrphParseONNX(path.c_str(), {}, kept), ge::GRAPH_SUCCESS) << ErrorText();
    std::filesystem::remove(path);
    ASSERT_EQ(session.AddGraph(1, kept), ge::SUCCESS);
    EXPECT_EQ(session.CompileGraph(1), ge::SUCCESS) << ErrorText();
    (void)dir.Write("m.onnx", LargeModel(2));
    ASSERT_EQ(ge::aclgrphParseONNX(path.c_str(), {}, lost), ge::GRAPH_SUCCESS) << ErrorText();
    (void)dir.Write("m.onnx", "short");
    ASSERT_EQ(session.AddGraph(2, lost), ge::SUCCESS);
    EXPECT_NE(session.CompileGraph(2), ge::SUCCESS);
    EXPECT_NE(ErrorText().find("m.onnx was changed after it was parsed"), std::string::npos) << ErrorText();
    (void)dir.Write("m.onnx", LargeModel(2));
    EXPECT_EQ(session.CompileGraph(2), ge::SUCCESS) << ErrorText();  // it is what it was
  }
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
}

// A parser has no session, so that GEInitialize's options say where hashes of files are kept.
TEST(Parser, OptionsOfTheProcessHoldForTheCache) {
  ASSERT_EQ(ge::GEInitialize(Params{{"ge.op_compiler_cache_mode", "disable"}}), ge::SUCCESS);
  EXPECT_EQ(belay::ProcessCache().mode, belay::CodeCacheMode::kDisable);
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  EXPECT_EQ(belay::ProcessCache().mode, belay::CodeCacheMode::kEnable);
  ASSERT_EQ(ge::GEInitialize(Params{{"ge.op_compiler_cache_dir", "/somewhere"}}), ge::SUCCESS);
  EXPECT_EQ(belay::ProcessCache().dir, "/somewhere/kernel_cache");
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  EXPECT_EQ(belay::ProcessCache().dir, "");
}

}  // namespace
