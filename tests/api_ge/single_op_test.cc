// What ge_ir_build.h has beside building models: graphs of one operator, marks on operators, graphs as text.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <protozero/pbf_writer.hpp>
#include <sstream>

#include "api_ge/state_fixture.h"
#include "ge/ge_ir_build.h"
#include "matrix_calculation_ops.h"

namespace belay_test {
namespace {

ge::TensorDesc Desc(std::vector<int64_t> dims, ge::DataType type = ge::DT_FLOAT) {
  return ge::TensorDesc(ge::Shape(dims), ge::FORMAT_ND, type);
}

class IrBuild : public StateTest {
 protected:
  void SetUp() override {
    StateTest::SetUp();
    folder_ = (std::filesystem::temp_directory_path() / "belay_ir_build_XXXXXX").string();
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    StateTest::TearDown();
  }
  std::string File(const std::string& text) {
    const std::string path = folder_ + "/file";
    std::ofstream(path) << text;
    return path;
  }
  std::vector<float> Run(const ge::Graph& graph, const std::vector<ge::Tensor>& in) {
    ge::Session session(Options{});
    Add(session, 1, graph);
    return RunOne(session, 1, in);
  }
  std::string folder_;
};

TEST_F(IrBuild, OneOperatorFromDescriptions) {
  ge::Graph add("add"), concat("concat"), conv("conv"), scaled("scaled");
  ASSERT_EQ(ge::aclgrphGenerateForOp("Add", {Desc({2}), Desc({2})}, {Desc({2})}, add), ge::GRAPH_SUCCESS);
  EXPECT_EQ(Run(add, {HostTensor({2}, {1, 2}), HostTensor({2}, {10, 20})}), (std::vector<float>{11, 22}));
  ge::AscendString name;
  EXPECT_EQ(add.GetName(name), ge::GRAPH_SUCCESS);
  EXPECT_STREQ(name.GetString(), "add");
  // A dynamic input takes what the others leave; open extents stay open.
  ASSERT_EQ(ge::aclgrphGenerateForOp("AddN", {Desc({-1}), Desc({-1}), Desc({-1})}, {Desc({-1})}, concat),
            ge::GRAPH_SUCCESS) << TakeErrors();
  const ge::Tensor one = HostTensor({3}, {1, 2, 3});
  EXPECT_EQ(Run(concat, {one, one, one}), (std::vector<float>{3, 6, 9}));
  // What a description holds is a constant; an undefined one leaves an optional input out.
  ge::TensorDesc weight = Desc({2, 1});
  auto data = std::make_unique<uint8_t[]>(8);
  const float values[2] = {3, 4};
  std::memcpy(data.get(), values, 8);
  weight.SetConstData(std::move(data), 8);
  ASSERT_EQ(ge::aclgrphGenerateForOp("MatMulV2", {Desc({1, 2}), weight, Desc({}, ge::DT_UNDEFINED)}, {Desc({1, 1})},
                                     scaled), ge::GRAPH_SUCCESS) << TakeErrors();
  EXPECT_EQ(Run(scaled, {HostTensor({1, 2}, {1, 2})}), std::vector<float>{11});
}

TEST_F(IrBuild, WhatIsNoSingleOperator) {
  ge::Graph graph("g");
  ExpectRefusal(ge::aclgrphGenerateForOp("NoSuchType", {}, {}, graph), {"NoSuchType"});
  ExpectRefusal(ge::aclgrphGenerateForOp(ge::AscendString(), {}, {}, graph), {"operator type ''"});
  ExpectRefusal(ge::aclgrphGenerateForOp("Relu", {Desc({2}), Desc({2})}, {Desc({2})}, graph), {"2 inputs", "has 1"});
  ExpectRefusal(ge::aclgrphGenerateForOp("Relu", {Desc({2})}, {Desc({2}), Desc({2})}, graph), {"2 outputs", "has 1"});
  EXPECT_FALSE(graph.IsValid());
}

TEST_F(IrBuild, OperatorsFromAFile) {
  const std::string path = File(R"([
    {"op": "Cast", "name": "to_float", "input_desc": [{"type": "int32", "shape": [2], "format": "ND"}],
     "output_desc": [{"type": "float"}], "attr": [{"name": "dst_type", "type": "int", "value": 0}]},
    {"op": "ReduceSumD", "input_desc": [{"type": "DT_FLOAT", "shape": [2, 2], "format": "ND"}],
     "output_desc": [{"type": "float32", "shape": [2]}],
     "attr": [{"name": "axes", "type": "list_int", "value": [0]},
              {"name": "keep_dims", "type": "bool", "value": false}]}
  ])");
  std::vector<ge::Graph> graphs;
  ASSERT_EQ(ge::aclgrphGenerateForOp(path.c_str(), graphs), ge::GRAPH_SUCCESS) << TakeErrors();
  ASSERT_EQ(graphs.size(), 2u);
  const int32_t whole[2] = {3, -4};
  const ge::Tensor in(Desc({2}, ge::DT_INT32), reinterpret_cast<const uint8_t*>(whole), 8);
  EXPECT_EQ(Run(graphs[0], {in}), (std::vector<float>{3, -4}));
  EXPECT_EQ(Run(graphs[1], {HostTensor({2, 2}, {1, 2, 3, 4})}), (std::vector<float>{4, 6}));
}

TEST_F(IrBuild, BadFilesOfOperators) {
  std::vector<ge::Graph> graphs;
  const auto expect = [&](const char* text, std::initializer_list<const char*> words) {
    ExpectRefusal(ge::aclgrphGenerateForOp(File(text).c_str(), graphs), words);
  };
  ExpectRefusal(ge::aclgrphGenerateForOp((folder_ + "/none").c_str(), graphs), {"/none", "cannot be read"});
  expect("{", {"no JSON list"});
  expect("7", {"no JSON list"});
  expect(R"([{"op": "Relu", "input_desc": [{"type": "float", "shape": [2]}], "output_desc": []}, {"name": "x"}])",
         {"operator 1", "'op'"});
  expect(R"([{"op": "Relu", "input_desc": [{"type": "float33"}]}])", {"operator 0", "float33"});
  expect(R"([{"op": "Relu", "input_desc": [{"type": "float", "format": "XYZ"}]}])", {"format 'XYZ'"});
  expect(R"([{"op": "Relu", "attr": [{"name": "a", "type": "tuple", "value": 1}]}])", {"attribute 'a'", "tuple"});
  expect(R"([{"op": "Relu", "attr": [{"name": "a", "type": "int", "value": "one"}]}])", {"operator 0"});
  expect(R"([3])", {"operator 0"});
  EXPECT_TRUE(graphs.empty());
}

// 1 + 2^-12 is no float16.
TEST_F(IrBuild, ListedOperatorsKeepTheirDtype) {
  const float fine = 1 + 0x1p-12f;
  const auto run = [&](const char* listed) {
    auto a = MakeData("a", 0, {1, 1}), b = MakeData("b", 1, {1, 1});
    auto first = Wire(ge::op::MatMulV2("first"), {{"x1", a}, {"x2", b}});
    auto second = Wire(ge::op::MatMulV2("second"), {{"x1", a}, {"x2", b}});
    ge::Graph graph = Built("products", {a, b}, {first, second});
    if (*listed) {
      EXPECT_EQ(ge::aclgrphSetOpAttr(graph, ge::ATTR_TYPE_KEEP_DTYPE, File(listed).c_str()), ge::GRAPH_SUCCESS)
          << TakeErrors();
    }
    ge::Session session(Options{{"ge.exec.precision_mode_v2", "mixed_float16"}});
    Add(session, 1, graph);
    std::vector<ge::Tensor> out;
    EXPECT_EQ(session.RunGraph(1, {HostTensor({1, 1}, {fine}), HostTensor({1, 1}, {1})}, out), ge::SUCCESS);
    return std::vector<float>{Floats(out.at(0)).at(0), Floats(out.at(1)).at(0)};
  };
  EXPECT_EQ(run(""), (std::vector<float>{1, 1}));
  EXPECT_EQ(run("second\n"), (std::vector<float>{1, fine}));
  EXPECT_EQ(run("  first \r\n\nsecond"), (std::vector<float>{fine, fine}));
  EXPECT_EQ(run("OpType::MatMulV2"), (std::vector<float>{fine, fine}));
}

TEST_F(IrBuild, MarksAreSetOnWhatIsListed) {
  ge::Graph graph = Twice({2}), empty("empty");
  ASSERT_EQ(ge::aclgrphSetOpAttr(graph, ge::ATTR_TYPE_WEIGHT_COMPRESS, File("add").c_str()), ge::GRAPH_SUCCESS);
  int64_t mark = 0;
  EXPECT_EQ(graph.GetDirectNode()[1].GetAttr("_weight_compress", mark), ge::GRAPH_SUCCESS);
  EXPECT_EQ(mark, 1);
  EXPECT_FALSE(ge::GNode(graph.GetDirectNode()[0]).HasAttr("_weight_compress"));
  const auto keep = ge::ATTR_TYPE_KEEP_DTYPE;
  ExpectRefusal(ge::aclgrphSetOpAttr(graph, keep, File("add\nsub").c_str()), {"'sub'", "no such operator"});
  EXPECT_FALSE(ge::GNode(graph.GetDirectNode()[1]).HasAttr("_keep_dtype"));
  ExpectRefusal(ge::aclgrphSetOpAttr(graph, keep, nullptr), {"null"});
  ExpectRefusal(ge::aclgrphSetOpAttr(graph, keep, "/no/such/file"), {"cannot be read"});
  ExpectRefusal(ge::aclgrphSetOpAttr(empty, keep, File("add").c_str()), {"empty"});
  ExpectRefusal(ge::aclgrphSetOpAttr(graph, static_cast<ge::aclgrphAttrType>(9), File("add").c_str()), {"9"});
}

TEST_F(IrBuild, GraphsAsText) {
  auto x = MakeData("x", 0, {2, -1});
  auto y = Wire(ge::op::Add("y\"\n"), {{"x1", x}, {"x2", MakeConst("c", {1}, {1})}});
  y.AddControlInput(x);
  y.SetAttr("real", 0.5f);
  y.SetAttr("flags", std::vector<bool>{true, false});
  y.SetAttr("lists", std::vector<std::vector<int64_t>>{{1, 2}});
  const ge::Graph graph = Built("sample", {x}, {y});
  const std::string path = folder_ + "/dump.txt";
  ASSERT_EQ(ge::aclgrphDumpGraph(graph, path.c_str(), path.size()), ge::GRAPH_SUCCESS) << TakeErrors();
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  for (const char* part :
       {"graph {\n  name: \"sample\"\n", "  op {\n    name: \"x\"\n    type: \"Data\"\n", "name: \"y\\\"\\012\"",
        "    input: \"x:0\"\n    input: \"c:0\"\n    input: \"x:-1\"\n", "dim: 2\n        dim: -1\n", "f: 0.5\n",
        "          b: true\n          b: false\n", "list_list_i {\n            list_i: 1\n            list_i: 2\n",
        "data: \"\\000\\000\\200?\"", "layout: \"ND\""}) {
    EXPECT_NE(text.str().find(part), std::string::npos) << part << "\nin:\n" << text.str();
  }
  ExpectRefusal(ge::aclgrphDumpGraph(graph, path.c_str(), path.size() - 1), {"characters"});
  ExpectRefusal(ge::aclgrphDumpGraph(graph, nullptr, 0), {"null"});
  ExpectRefusal(ge::aclgrphDumpGraph(ge::Graph("empty"), path.c_str(), path.size()), {"empty"});
  ExpectRefusal(ge::aclgrphDumpGraph(graph, "/no/such/folder/file", 20), {"cannot be written"});
}

// Kept bytes of attributes that this library does not read: a graph that is a number, and one deep inside others.
TEST_F(IrBuild, WhateverAFileHoldsIsPrinted) {
  std::string deep;
  for (int level = 0; level < 20000; ++level) {
    std::string outer;
    protozero::pbf_writer(outer).add_message(level % 3 == 0 ? 13 : level % 3 == 1 ? 10 : 6, deep);
    deep = outer.size() < 4000000 ? outer : deep;
  }
  std::string odd;
  protozero::pbf_writer(odd).add_int64(13, 5);
  std::string bytes;
  {
    protozero::pbf_writer model(bytes);
    protozero::pbf_writer graph(model, 7);
    protozero::pbf_writer op(graph, 6);
    op.add_string(1, "x");
    op.add_string(2, "Data");
    for (const auto& [name, value] : {std::pair("odd", odd), std::pair("deep", deep)}) {
      protozero::pbf_writer entry(op, 10);
      entry.add_string(1, name);
      entry.add_message(2, value);
    }
  }
  ge::Graph graph("g");
  ASSERT_EQ(graph.LoadFromSerializedModelArray(bytes.data(), bytes.size()), ge::GRAPH_SUCCESS) << TakeErrors();
  const std::string path = folder_ + "/dump.txt";
  ASSERT_EQ(ge::aclgrphDumpGraph(graph, path.c_str(), path.size()), ge::GRAPH_SUCCESS) << TakeErrors();
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_NE(text.str().find("      value {\n        13: 5\n"), std::string::npos);
}

}  // namespace
}  // namespace belay_test
