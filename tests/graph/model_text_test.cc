// Users' graphs as text: every kind of attribute, names that need quoting, subgraphs, edges of all kinds.
#include "graph/model_text.h"

#include <gtest/gtest.h>

#include "graph/proto_text.h"

namespace belay {
namespace {

TEST(ProtoText, QuotesBytesAndKeepsNumbers) {
  ProtoText w;
  {
    const auto outer = w.Open("a");
    w.Bytes("s", std::string_view("q\"\\\n\0\xc3\xa9~", 8));
    w.Float("f", 0.1f);
    w.Float("n", -__builtin_nan(""));
    w.Float("i", -__builtin_inf());
    w.Int("l", INT64_MIN);
    w.Bool("b", true);
  }
  EXPECT_EQ(w.Take(),
            "a {\n  s: \"q\\\"\\\\\\n\\000\\303\\251~\"\n  f: 0.10000000149011612\n  n: nan\n  i: -inf\n"
            "  l: -9223372036854775808\n  b: true\n}\n");
}

// x, and a node of many attributes that reads it, and another, left out in the middle.
ModelGraph Example() {
  ModelGraph model;
  model.name = "g";
  ModelNode x;
  x.name = "x";
  x.type = "Data";
  x.attrs["index"] = int64_t{0};
  x.output_ports = {{"y", 0}};
  x.output_descs = {{DType::kF16, 0, {2, -1}}};
  ModelNode op;
  op.name = "op";
  op.type = "ConcatV2";
  op.inputs = {{0, 0}, {-1, 0}, {0, 0}};
  op.input_ports = {{"x", 0}, {"x", 1}, {"concat_dim", 0}};
  op.control_inputs = {0};
  op.output_ports = {{"y", 0}};
  op.output_descs.resize(1);
  op.attrs["float"] = 0.5;
  op.attrs["flags"] = std::vector<bool>{true, false};
  op.attrs["lists"] = std::vector<std::vector<int64_t>>{{1, 2}, {}};
  op.attrs["type"] = DType::kBF16;
  op.attrs["value"] = LiteralFromInts(DType::kI8, {2}, {1, -1});
  op.attrs["words"] = std::vector<std::string>{"a", "b"};
  auto inner = std::make_shared<ModelGraph>(model);
  model.nodes = {x, op};
  inner->nodes = {x};
  inner->outputs = {{0, 0}};
  model.nodes[1].subgraphs["body"] = {inner};
  model.outputs = {{1, 0}};
  return model;
}

bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ModelText, GeForm) {
  const std::string text = GeModelText(Example(), ModelDetail::kFull);
  for (const char* part :
       {"name: \"g\"\nversion: 1\ngraph {\n  name: \"g\"\n  input: \"x:0\"\n  output: \"op:0\"\n",
        "    input: \"x:0\"\n    input: \"\"\n    input: \"x:0\"\n    input: \"x:-1\"\n",
        "key: \"float\"\n      value {\n        f: 0.5\n",
        "list {\n          b: true\n          b: false\n          val_type: VT_LIST_BOOL\n",
        "list_list_int {\n          list_list_i {\n            list_i: 1\n            list_i: 2\n          }\n"
        "          list_list_i {\n          }\n",
        "dt: 27\n", "dtype: DT_INT8\n            shape {\n              dim: 2\n", "data: \"\\001\\377\"\n",
        "s: \"a\"\n          s: \"b\"\n          val_type: VT_LIST_STRING\n",
        "input_desc {\n      name: \"x0\"\n      dtype: DT_FLOAT16\n",
        "input_desc {\n      name: \"x1\"\n      dtype: DT_UNDEFINED\n", "layout: \"NCHW\"\n",
        "subgraph_name: \"g_1\"\n", "graph {\n  name: \"g_1\"\n"}) {
    EXPECT_TRUE(Has(text, part)) << part << "\nin\n" << text;
  }
  EXPECT_FALSE(Has(GeModelText(Example(), ModelDetail::kNoData), "data: "));
  const std::string nodes = GeModelText(Example(), ModelDetail::kNodes);
  EXPECT_FALSE(Has(nodes, "attr") || Has(nodes, "desc"));
}

TEST(ModelText, OnnxForm) {
  const std::string text = OnnxModelText(Example(), ModelDetail::kFull);
  for (const char* part :
       {"input: \"x:0\"\n    input: \"\"\n    input: \"x:0\"\n    output: \"op:0\"\n    name: \"op\"\n",
        "domain: \"ge\"\n",
        "name: \"control_inputs\"\n      type: STRINGS\n      strings: \"x\"\n", "type: FLOAT\n      f: 0.5\n",
        "type: INTS\n      ints: 1\n      ints: 0\n", "strings: \"[1,2]\"\n      strings: \"[]\"\n", "s: \"DT_BF16\"\n",
        "dims: 2\n        data_type: 3\n        raw_data: \"\\001\\377\"\n",
        "name: \"body\"\n      type: GRAPH\n      g {\n", "name: \"op/body/x:0\"\n",
        "elem_type: 10\n        shape {\n          dim {\n            dim_value: 2\n          }\n          dim {\n"
        "            dim_param: \"?\"\n"}) {
    EXPECT_TRUE(Has(text, part)) << part << "\nin\n" << text;
  }
  EXPECT_TRUE(Has(OnnxModelText(Example(), ModelDetail::kNoData), "type: STRING\n      s: \"i8[2]\"\n"));
}

TEST(ModelText, ForPeople) {
  EXPECT_EQ(AttrText(std::vector<std::vector<int64_t>>{{1, 2}, {}}), "[[1,2],[]]");
  EXPECT_EQ(AttrText(std::vector<bool>{true, false}), "[true,false]");
  EXPECT_EQ(AttrText(LiteralFromInts(DType::kI8, {2}, {1, -1})), "i8[2]");
  EXPECT_EQ(DescText({DType::kF32, 2, {2, -1}}), "f32[2,?]");
  EXPECT_EQ(DescText({DType::kF32, 2, {-2}}), "f32[...]");
}

}  // namespace
}  // namespace belay
