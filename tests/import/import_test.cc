#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "graph/op_record.h"
#include "import/model_writer.h"
#include "import/support.h"

namespace belay {
namespace {

using namespace belay::test;

std::string AddModel(int64_t opset = 13, int64_t ir = 8) {
  GraphWriter graph;
  graph.Input(ValueBytes("x", 1, {2, -1}))
      .Input(ValueBytes("y", 1, {2, 3}))
      .Output(ValueBytes("z", 1, {2, -1}));
  graph.Node(NodeBytes("Add", {"x", "y"}, {"z"}, {}, "sum"));
  return ModelBytes(graph, opset, ir);
}

TEST(Import, InputsNodesOutputs) {
  ImportResult result = ImportBytes(AddModel());
  ASSERT_TRUE(result.ok()) << result.status().message();
  const ModelGraph& graph = **result;
  const ModelNode* x = FindNode(graph, "x");
  const ModelNode* y = FindNode(graph, "y");
  const ModelNode* sum = FindNode(graph, "sum");
  ASSERT_TRUE(x && y && sum);
  EXPECT_EQ(x->type, "Data");
  EXPECT_EQ(std::get<int64_t>(x->attrs.at("index")), 0);
  EXPECT_EQ(std::get<int64_t>(y->attrs.at("index")), 1);
  EXPECT_EQ(x->output_descs[0].dtype, DType::kF32);
  EXPECT_EQ(x->output_descs[0].dims, (std::vector<int64_t>{2, -1}));
  EXPECT_EQ(sum->type, "Add");
  EXPECT_EQ(sum->origin, "ONNX node sum (Add)");
  ASSERT_EQ(sum->input_ports.size(), 2u);
  EXPECT_EQ(sum->input_ports[0].name, "x1");
  EXPECT_EQ(graph.output_names, std::vector<std::string>{"z"});
  EXPECT_EQ(&graph.nodes[graph.outputs[0].node], sum);
}

TEST(Import, UnusedAndUnrankedInputsStay) {
  GraphWriter graph;
  graph.Input(ValueBytes("unused", 7, {}))
      .Input(ValueBytes("x", 1, {}, false))
      .Output(ValueBytes("y", 1, {}, false));
  graph.Node(NodeBytes("Relu", {"x"}, {"y"}));
  ImportResult result = ImportBytes(ModelBytes(graph, 14));
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(CountType(**result, "Data"), 2);
  EXPECT_EQ(FindNode(**result, "unused")->output_descs[0].dims, std::vector<int64_t>{});
  EXPECT_EQ(FindNode(**result, "x")->output_descs[0].dims, std::vector<int64_t>{-2});
  EXPECT_EQ(std::get<int64_t>(FindNode(**result, "x")->attrs.at("index")), 1);
}

TEST(Import, AllMissingOperatorsAtOnce) {
  GraphWriter branch, graph;
  branch.Node(NodeBytes("Inside", {"x"}, {"b"}, {}, "deep")).Output(ValueBytes("b", 1, {2}));
  graph.Input(ValueBytes("x", 1, {2})).Output(ValueBytes("y", 1, {2}));
  graph.Node(NodeBytes("Foo", {"x"}, {"t"}, {}, "a"));
  graph.Node(NodeBytes("Relu", {"t"}, {"u"}));
  graph.Node(NodeBytes("Foo", {"u"}, {"v"}, {}, "b"));
  graph.Node(NodeBytes("FusedGelu", {"v"}, {"w"}, {}, "", "com.microsoft"));
  graph.Node(NodeBytes("Bar", {"w"}, {"y"}, {MessageAttr("then_branch", 6, 5, branch.bytes)}));
  std::string more;
  pbf_writer(more).add_message(8, OpsetBytes(1, "com.microsoft"));
  ImportResult result = ImportBytes(ModelBytes(graph, 13, 8, more));
  const std::string message = Refusal(result, Code::kNotSupported);
  EXPECT_EQ(message,
            "4 operators missing: Bar (node y), Foo (node a, b), Inside (node deep), "
            "com.microsoft::FusedGelu (node w)");
}

// Refusals of nodes behind one another, in a branch, and of an input and an output; the values between are declared.
GraphWriter ManyProblems() {
  GraphWriter branch, graph;
  branch.Node(NodeBytes("Cast", {"x"}, {"b"}, {FloatAttr("to", 1)}, "deep")).Output(ValueBytes("b", 1, {2}));
  graph.Input(ValueBytes("x", 1, {2})).Input(ValueBytes("c", 9, {})).Input(ValueBytes("odd", 77, {2}));
  graph.Output(ValueBytes("y", 1, {2})).Output(ValueBytes("nowhere", 1, {2}));
  graph.Node(NodeBytes("Foo", {"x"}, {"t"}, {}, "a"));
  graph.Node(NodeBytes("Softmax", {"t"}, {"u"}, {FloatAttr("axis", 1)}, "s"));
  graph.Node(NodeBytes("Gemm", {"u", "absent"}, {"v"}, {}, "g"));
  graph.Node(NodeBytes("If", {"c"}, {"y"}, {MessageAttr("then_branch", 6, 5, branch.bytes),
                                            MessageAttr("else_branch", 6, 5, branch.bytes)}, "i"));
  return graph;
}

TEST(Import, AllProblemsAtOnce) {
  const std::string bytes = ModelBytes(ManyProblems().Add(13, ValueBytes("t", 1, {2})), 13);
  const std::string message = Refusal(ImportBytes(bytes), Code::kNotSupported);
  EXPECT_HAS(message, "1 operator missing: Foo (node a); 5 more problems: ");
  Problems problems;
  OnnxImportOptions options;
  options.problems = &problems;
  ASSERT_TRUE(ImportBytes(bytes, options).ok());
  std::vector<std::string> texts;
  for (const Problem& p : problems.all()) texts.push_back(p.Text());
  EXPECT_EQ(texts, (std::vector<std::string>{
                       "ONNX node a (Foo): the operator is missing",
                       "input 'odd' has element type 77, which is unknown",
                       "ONNX node s (Softmax): attribute axis is not an int",
                       "ONNX node g (Gemm): value 'absent' is made by no node before its use",
                       "ONNX node i (If): ONNX node deep (Cast): attribute to is not an int",
                       "value 'nowhere' is made by no node before its use"}));
}

// What follows an unknown value is not blamed for it.
TEST(Import, WhatFollowsTheUnknownIsNotBlamed) {
  GraphWriter graph;
  graph.Input(ValueBytes("x", 1, {2})).Output(ValueBytes("y", 1, {}, false));
  graph.Node(NodeBytes("Foo", {"x"}, {"t"}, {}, "a"));
  graph.Node(NodeBytes("Squeeze", {"t", "absent"}, {"y"}, {}, "b"));
  Problems problems;
  OnnxImportOptions options;
  options.problems = &problems;
  ASSERT_TRUE(ImportBytes(ModelBytes(graph, 13), options).ok());
  ASSERT_EQ(problems.size(), 1);
  EXPECT_EQ(problems.unchecked, std::vector<std::string>{"ONNX node b (Squeeze)"});
}

TEST(Import, ACycleIsNamed) {
  GraphWriter graph;
  graph.Input(ValueBytes("x", 1, {2})).Output(ValueBytes("y", 1, {2}));
  graph.Node(NodeBytes("Add", {"x", "z"}, {"y"}, {}, "first"));
  graph.Node(NodeBytes("Relu", {"y"}, {"z"}, {}, "second"));
  EXPECT_EQ(Refusal(ImportBytes(ModelBytes(graph, 14)), Code::kInvalidArgument),
            "ONNX node first (Add): value 'z' is made by ONNX node second (Relu), which stands behind its use: "
            "a cycle, or nodes out of order");
}

TEST(Import, ANodesErrorNamesTheNode) {
  GraphWriter graph;
  graph.Input(ValueBytes("x", 1, {2})).Output(ValueBytes("y", 1, {2}));
  graph.Node(NodeBytes("Relu", {"absent"}, {"y"}, {}, "act"));
  EXPECT_EQ(Refusal(ImportBytes(ModelBytes(graph, 14)), Code::kInvalidArgument),
            "ONNX node act (Relu): value 'absent' is made by no node before its use");
}

TEST(Import, InitializersAreConstantsAndOnlyUsedOnesAreRead) {
  GraphWriter graph;
  graph.Input(ValueBytes("x", 1, {2}))
      .Input(ValueBytes("w", 1, {2}))
      .Output(ValueBytes("y", 1, {2}));
  graph.Initializer(FloatTensor("w", {2}, {3, 4}));
  graph.Initializer(ExternalTensor("never", 1, {2}, {{"location", "/nowhere"}}));
  graph.Node(NodeBytes("Mul", {"x", "w"}, {"y"}));
  const std::string bytes = ModelBytes(graph, 14);
  ImportResult result = ImportBytes(bytes);
  ASSERT_TRUE(result.ok()) << result.status().message();
  const ModelNode* w = FindNode(**result, "w");
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->type, "Const");
  EXPECT_EQ(LiteralToDoubles(*std::get<LiteralPtr>(w->attrs.at("value"))),
            (std::vector<double>{3, 4}));
  EXPECT_EQ(CountType(**result, "Data"), 1);

  OnnxImportOptions options;
  options.fed_initializers = {"w"};
  result = ImportBytes(bytes, options);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(FindNode(**result, "w")->type, "Data");
  EXPECT_EQ(std::get<int64_t>(FindNode(**result, "w")->attrs.at("index")), 1);
}

TEST(Import, GivenShapes) {
  OnnxImportOptions options;
  options.input_shape_text = "x:2,7";
  ImportResult result = ImportBytes(AddModel(), options);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(FindNode(**result, "x")->output_descs[0].dims, (std::vector<int64_t>{2, 7}));
  const std::pair<const char*, const char*> kWrong[] = {
      {"x:3,7", "fixes it at 2"},
      {"x:2", "rank 1"},
      {"q:2", "'q'"},
      {"x:2,a", "expected NAME"},
      {"x:2,-5", "expected NAME"},
      {"x:", "expected NAME"},
      {"q", "no such input"},
      {"x:2,99999999999", "expected NAME"},
  };
  for (const auto& [text, part] : kWrong) {
    options.input_shape_text = text;
    result = ImportBytes(AddModel(), options);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_HAS(result.status().message(), part);
  }
}

TEST(Import, ShapesOfNamesWithColonsAndScalars) {
  GraphWriter graph;
  graph.Input(ValueBytes("in/x:0", 1, {-1, -1}))
      .Input(ValueBytes("sr:1", 7, {}))
      .Output(ValueBytes("y", 1, {-1, -1}));
  graph.Node(NodeBytes("Relu", {"in/x:0"}, {"y"}));
  OnnxImportOptions options;
  options.input_shape_text = "sr:1;in/x:0:2,3;";
  ImportResult result = ImportBytes(ModelBytes(graph, 14), options);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(FindNode(**result, "in/x:0")->output_descs[0].dims, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(FindNode(**result, "sr:1")->output_descs[0].dims, std::vector<int64_t>{});
}

TEST(Import, OutNodesReplaceTheOutputs) {
  GraphWriter graph;
  graph.Input(ValueBytes("x", 1, {2})).Output(ValueBytes("z", 1, {2}));
  graph.Node(NodeBytes("Relu", {"x"}, {"y"}, {}, "act"))
      .Node(NodeBytes("Neg", {"y"}, {"z"}, {}, "neg"));
  OnnxImportOptions options;
  options.out_nodes = {{"act", 0}};
  ImportResult result = ImportBytes(ModelBytes(graph, 14), options);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ((*result)->output_names, std::vector<std::string>{"y"});
  options.out_nodes = {{"act", 1}};
  EXPECT_HAS(Refusal(ImportBytes(ModelBytes(graph, 14), options), Code::kInvalidArgument),
             "has 1 outputs");
  options.out_nodes = {{"nobody", 0}};
  EXPECT_HAS(Refusal(ImportBytes(ModelBytes(graph, 14), options), Code::kNotFound), "nobody");
}

TEST(Import, EveryOpsetAndIrVersion) {
  for (int64_t opset = 7; opset <= kNewestOnnxOpset; ++opset) {
    EXPECT_TRUE(ImportBytes(AddModel(opset)).ok()) << opset;
  }
  for (int64_t ir = 3; ir <= kNewestOnnxIr; ++ir)
    EXPECT_TRUE(ImportBytes(AddModel(13, ir)).ok()) << ir;
  EXPECT_HAS(Refusal(ImportBytes(AddModel(kNewestOnnxOpset + 1)), Code::kNotSupported), "opset 29");
  EXPECT_HAS(Refusal(ImportBytes(AddModel(13, 99)), Code::kNotSupported), "IR version 99");
  EXPECT_HAS(Refusal(ImportBytes(AddModel(0)), Code::kInvalidArgument), "no opset");
  EXPECT_HAS(Refusal(ImportBytes(AddModel(13, 0)), Code::kInvalidArgument), "no IR version");
}

// The same operator in two opsets: before 13 Softmax works on a matrix made of its axes.
TEST(Import, RulesFollowTheOpset) {
  GraphWriter graph;
  graph.Input(ValueBytes("x", 1, {2, 3, 4})).Output(ValueBytes("y", 1, {2, 3, 4}));
  graph.Node(NodeBytes("Softmax", {"x"}, {"y"}, {IntAttr("axis", 1)}, "soft"));
  ImportResult old = ImportBytes(ModelBytes(graph, 11)), fresh = ImportBytes(ModelBytes(graph, 13));
  ASSERT_TRUE(old.ok()) << old.status().message();
  ASSERT_TRUE(fresh.ok()) << fresh.status().message();
  const ModelNode* before = FindNode(**old, "soft");
  const ModelNode* after = FindNode(**fresh, "soft");
  ASSERT_TRUE(before && after);
  EXPECT_FALSE(before->type == after->type && before->attrs == after->attrs);
}

TEST(Import, ConstantNodesCostNothingUntilUsed) {
  GraphWriter graph;
  graph.Input(ValueBytes("x", 1, {2, 3})).Output(ValueBytes("y", 1, {-1}));
  graph.Node(NodeBytes("Constant", {}, {"shape"},
                       {MessageAttr("value", 5, 4, Int64Tensor("", {1}, {-1}))}));
  graph.Node(NodeBytes("Constant", {}, {"unused"}, {FloatAttr("value_float", 3)}));
  graph.Node(NodeBytes("Reshape", {"x", "shape"}, {"y"}));
  ImportResult result = ImportBytes(ModelBytes(graph, 13));
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(CountType(**result, "Const"), 1);
}

TEST(Import, AnOutputThatIsAnInputOrAConstant) {
  GraphWriter graph;
  graph.Input(ValueBytes("x", 1, {2}))
      .Output(ValueBytes("x", 1, {2}))
      .Output(ValueBytes("c", 1, {1}));
  graph.Initializer(FloatTensor("c", {1}, {5}));
  ImportResult result = ImportBytes(ModelBytes(graph, 13));
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ((*result)->nodes[(*result)->outputs[0].node].type, "Data");
  EXPECT_EQ((*result)->nodes[(*result)->outputs[1].node].type, "Const");
}

TEST(Import, ValuesMadeTwiceAreRefused) {
  GraphWriter graph;
  graph.Input(ValueBytes("x", 1, {2})).Output(ValueBytes("y", 1, {2}));
  graph.Node(NodeBytes("Relu", {"x"}, {"y"})).Node(NodeBytes("Neg", {"x"}, {"y"}));
  EXPECT_HAS(Refusal(ImportBytes(ModelBytes(graph, 14)), Code::kInvalidArgument), "made twice");
}

}  // namespace
}  // namespace belay
