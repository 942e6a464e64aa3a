// Attributes of operators: kinds, defaults, narrow types, text of types; the factory.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "all_ops.h"
#include "graph/attr_value.h"
#include "graph/operator_factory.h"

namespace {

using namespace ge;  // NOLINT: the subject

TEST(Attrs, DefaultsComeFromThePrototype) {
  op::Conv2D conv("conv");
  EXPECT_EQ(conv.get_attr_groups(), 1);
  EXPECT_EQ(conv.get_attr_dilations(), std::vector<int64_t>({1, 1, 1, 1}));
  EXPECT_EQ(conv.get_attr_data_format(), "NHWC");
  EXPECT_TRUE(conv.get_attr_pads().empty());  // required and unset
  std::vector<int64_t> pads;
  EXPECT_EQ(conv.GetAttr("pads", pads), GRAPH_FAILED);
  conv.set_attr_pads({1, 1, 1, 1}).set_attr_data_format("NCHW");
  EXPECT_EQ(conv.GetAttr("pads", pads), GRAPH_SUCCESS);
  EXPECT_EQ(pads.size(), 4u);
  AscendString format;
  EXPECT_EQ(conv.get_attr_data_format(format), GRAPH_SUCCESS);
  EXPECT_STREQ(format.GetString(), "NCHW");
}

TEST(Attrs, KindsDoNotMix) {
  Operator op("name", "Type");
  op.SetAttr("i", int64_t{1} << 40).SetAttr("f", 2.5f).SetAttr("b", true).SetAttr("s", "text");
  int32_t small = 7;
  int64_t big = 0;
  float real = 0;
  std::string text;
  EXPECT_EQ(op.GetAttr("i", small), GRAPH_FAILED);
  EXPECT_EQ(small, 7);
  EXPECT_EQ(op.GetAttr("i", big), GRAPH_SUCCESS);
  EXPECT_EQ(op.GetAttr("f", big), GRAPH_FAILED);
  EXPECT_EQ(op.GetAttr("f", real), GRAPH_SUCCESS);
  EXPECT_EQ(op.GetAttr("s", text), GRAPH_SUCCESS);
  EXPECT_EQ(text, "text");
  EXPECT_EQ(op.GetAttr("missing", text), GRAPH_FAILED);
  EXPECT_EQ(op.GetAttr(static_cast<const char*>(nullptr), big), GRAPH_FAILED);
}

TEST(Attrs, ListsOfEveryKind) {
  Operator op("name", "Type");
  op.SetAttr("ints", {1, 2}).SetAttr("texts", std::vector<std::string>{"a", "b"});
  op.SetAttr("bools", std::vector<bool>{true, false}).SetAttr("type", DT_BF16);
  op.SetAttr("lists", std::vector<std::vector<int64_t>>{{1}, {}});
  std::vector<int32_t> ints;
  EXPECT_EQ(op.GetAttr("ints", ints), GRAPH_SUCCESS);
  EXPECT_EQ(ints, std::vector<int32_t>({1, 2}));
  std::vector<AscendString> texts;
  EXPECT_EQ(op.GetAttr("texts", texts), GRAPH_SUCCESS);
  EXPECT_STREQ(texts.at(1).GetString(), "b");
  DataType type = DT_FLOAT;
  EXPECT_EQ(op.GetAttr("type", type), GRAPH_SUCCESS);
  EXPECT_EQ(type, DT_BF16);
  std::map<AscendString, AscendString> types;
  EXPECT_EQ(op.GetAllAttrNamesAndTypes(types), GRAPH_SUCCESS);
  EXPECT_STREQ(types["lists"].GetString(), "VT_LIST_LIST_INT");
  EXPECT_STREQ(types["bools"].GetString(), "VT_LIST_BOOL");
  EXPECT_EQ(op.GetAllAttrNamesAndTypes().at("type"), "VT_DATA_TYPE");
}

TEST(Attrs, AttrValueHoldsOneOfThem) {
  Operator op("name", "Type");
  op.SetAttr("i", int64_t{4});
  AttrValue value;
  ASSERT_EQ(op.GetAttr("i", value), GRAPH_SUCCESS);
  int64_t number = 0;
  EXPECT_EQ(value.GetValue<AttrValue::INT>(number), GRAPH_SUCCESS);
  EXPECT_EQ(number, 4);
  std::string text;
  EXPECT_EQ(value.GetValue<AttrValue::STR>(text), GRAPH_FAILED);
  op.SetAttr("copy", value);
  EXPECT_EQ(op.GetAttr("copy", number), GRAPH_SUCCESS);
}

TEST(Attrs, OfPorts) {
  op::Relu relu("relu");
  relu.SetInputAttr("x", "label", "in").SetOutputAttr(0, "rank", int64_t{3});
  AscendString label;
  int64_t rank = 0;
  EXPECT_EQ(relu.GetInputAttr(0, "label", label), GRAPH_SUCCESS);
  EXPECT_STREQ(label.GetString(), "in");
  EXPECT_EQ(relu.GetOutputAttr("y", "rank", rank), GRAPH_SUCCESS);
  EXPECT_EQ(rank, 3);
  EXPECT_EQ(relu.GetInputAttr(1, "label", label), GRAPH_FAILED);
}

TEST(Attrs, RequiredOnesAreVerified) {
  op::Conv2D conv("conv");
  EXPECT_EQ(conv.VerifyAllAttr(), GRAPH_FAILED);
  conv.set_attr_pads({0, 0, 0, 0}).set_attr_strides({1, 1, 1, 1});
  EXPECT_EQ(conv.VerifyAllAttr(), GRAPH_SUCCESS);
}

TEST(Factory, KnowsEveryBuiltInType) {
  std::vector<AscendString> types;
  ASSERT_EQ(OperatorFactory::GetOpsTypeList(types), GRAPH_SUCCESS);
  EXPECT_GE(types.size(), 1855u);
  for (const AscendString& type : types) {
    Operator op = OperatorFactory::CreateOperator("name", type.GetString());
    EXPECT_FALSE(op.IsEmpty()) << type.GetString();
  }
  EXPECT_TRUE(OperatorFactory::IsExistOp("MatMulV2"));
  EXPECT_FALSE(OperatorFactory::IsExistOp("NoSuchOp"));
  EXPECT_FALSE(OperatorFactory::IsExistOp(static_cast<const char*>(nullptr)));
  EXPECT_TRUE(OperatorFactory::CreateOperator("name", "NoSuchOp").IsEmpty());
}

TEST(Factory, MakesWhatTheGeneratedClassMakes) {
  Operator made = OperatorFactory::CreateOperator("conv", "Conv2D");
  op::Conv2D written("conv");
  EXPECT_EQ(made.GetInputsSize(), written.GetInputsSize());
  EXPECT_EQ(made.GetOutputsSize(), written.GetOutputsSize());
  std::map<AscendString, AscendString> a, b;
  EXPECT_EQ(made.GetAllIrAttrNamesAndTypes(a), GRAPH_SUCCESS);
  EXPECT_EQ(written.GetAllIrAttrNamesAndTypes(b), GRAPH_SUCCESS);
  EXPECT_EQ(a, b);
  EXPECT_STREQ(a["pads"].GetString(), "ListInt");
  EXPECT_STREQ(a["groups"].GetString(), "VT_INT");
  // torchair probes optional inputs this way
  EXPECT_EQ(made.UpdateInputDesc("bias", TensorDesc()), GRAPH_SUCCESS);
  EXPECT_EQ(made.UpdateInputDesc("no_such_input", TensorDesc()), GRAPH_FAILED);
}

}  // namespace

// A program's own operator.
namespace ge {
REG_OP(BelayTestOwn)
    .INPUT(x, TensorType({DT_FLOAT}))
    .DYNAMIC_OUTPUT(y, TensorType::ALL())
    .ATTR(names, ListString, {"a", "b"})
    .ATTR(pairs, ListListInt, {{1, 2}, {3}})
    .ATTR(kind, Type, DT_INT8)
    .REQUIRED_ATTR(scale, Float)
    .OP_END_FACTORY_REG(BelayTestOwn)

IMPLEMT_INFERFUNC(BelayTestOwn, InferOwn) {
  return op.update_dynamic_output_desc_y(0, op.get_input_desc_x());
}
INFER_FUNC_REG(BelayTestOwn, InferOwn)
}  // namespace ge

namespace {

TEST(Factory, TakesAProgramsOwnOperator) {
  ASSERT_TRUE(OperatorFactory::IsExistOp("BelayTestOwn"));
  Operator op = OperatorFactory::CreateOperator("own", "BelayTestOwn");
  std::vector<std::string> names;
  EXPECT_EQ(op.GetAttr("names", names), GRAPH_SUCCESS);
  EXPECT_EQ(names, std::vector<std::string>({"a", "b"}));
  op::BelayTestOwn own("own");
  EXPECT_EQ(own.get_attr_pairs().size(), 2u);
  EXPECT_EQ(own.get_attr_kind(), DT_INT8);
  own.create_dynamic_output_y(1);
  own.update_input_desc_x(TensorDesc(Shape({4})));
  EXPECT_EQ(own.InferShapeAndType(), GRAPH_SUCCESS);
  EXPECT_EQ(own.get_dynamic_output_desc_y(0).GetShape().GetDims(), std::vector<int64_t>({4}));
  EXPECT_EQ(op::Relu("relu").InferShapeAndType(), GRAPH_FAILED);
}

}  // namespace
