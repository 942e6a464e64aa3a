// What the ge/ headers offer without a session: prototypes by name, tensor lists, refusals.
#include <gtest/gtest.h>

#include <string>

#include "ge/ge_api.h"
#include "ge/ge_ir_build.h"
#include "graph/operator_factory.h"

namespace {

using Names = std::vector<std::pair<ge::AscendString, ge::AscendString>>;

TEST(IrDef, NamesAndKinds) {
  Names inputs, outputs, attrs;
  ASSERT_EQ(GetRegisteredIrDef("Concat", inputs, outputs, attrs), ge::SUCCESS);
  ASSERT_EQ(inputs.size(), 2u);
  EXPECT_STREQ(inputs[1].first.GetString(), "x");
  EXPECT_STREQ(inputs[1].second.GetString(), "dynamic");
  EXPECT_STREQ(outputs.at(0).second.GetString(), "required");
  EXPECT_STREQ(attrs.at(0).first.GetString(), "N");
  EXPECT_STREQ(attrs.at(0).second.GetString(), "Int");
  EXPECT_EQ(GetRegisteredIrDef("NoSuchOp", inputs, outputs, attrs), ge::FAILED);
  EXPECT_EQ(GetRegisteredIrDef(nullptr, inputs, outputs, attrs), ge::FAILED);
}

TEST(ContinuousTensorList, OneBuffer) {
  ge::ContinuousTensorList list({ge::TensorDesc(ge::Shape({3})), ge::TensorDesc(ge::Shape({2, 2}))});
  EXPECT_EQ(list.GetBuffer(), nullptr);
  ASSERT_EQ(list.Initialize(), ge::GRAPH_SUCCESS);
  EXPECT_EQ(list.GetSizeList(), std::vector<size_t>({12, 16}));
  ASSERT_EQ(list.GetTensorList().size(), 2u);
  EXPECT_EQ(list.GetTensorList()[1].GetData(), list.GetDataList()[1]);
  EXPECT_LE(list.GetDataList()[1] + 16, static_cast<const uint8_t*>(list.GetBuffer()) + list.GetBufferSize());
  ge::Tensor kept = list.GetTensorList()[0];
  EXPECT_EQ(list.Finalize(), ge::GRAPH_SUCCESS);
  kept.GetData()[0] = 1;  // still there
  ge::ContinuousTensorList unknown({ge::TensorDesc(ge::Shape({-1}))});
  EXPECT_EQ(unknown.Initialize(), ge::GRAPH_PARAM_INVALID);
}

TEST(DataFlowInfo, KeepsItsValues) {
  ge::DataFlowInfo info;
  info.SetStartTime(4);
  info.SetFlowFlags(static_cast<uint32_t>(ge::DataFlowFlag::DATA_FLOW_FLAG_EOS));
  EXPECT_EQ(info.GetStartTime(), 4u);
  EXPECT_EQ(info.GetFlowFlags(), 1u);
  int value = 7, read = 0;
  EXPECT_EQ(info.SetUserData(&value, sizeof(value), 8), ge::SUCCESS);
  EXPECT_EQ(info.GetUserData(&read, sizeof(read), 8), ge::SUCCESS);
  EXPECT_EQ(read, 7);
  EXPECT_EQ(info.SetUserData(&value, sizeof(value), 62), ge::FAILED);
  EXPECT_EQ(info.GetUserData(nullptr, 1), ge::FAILED);
}

TEST(OfflineBuild, RefusesAndSaysWhatToDo) {
  std::map<ge::AscendString, ge::AscendString> options;
  EXPECT_EQ(ge::aclgrphBuildInitialize(options), ge::GRAPH_FAILED);
  const std::string text = ge::GEGetErrorMsgV2().GetString();
  EXPECT_NE(text.find("aclgrphBuildInitialize is not supported yet"), std::string::npos) << text;
  EXPECT_NE(text.find("ge::Session"), std::string::npos) << text;
  int32_t major = 0, minor = 1, patch = 1;
  EXPECT_EQ(ge::aclgrphGetIRVersion(&major, &minor, &patch), ge::GRAPH_SUCCESS);
  EXPECT_EQ(major * 100 + minor * 10 + patch, 100);
  EXPECT_EQ(ge::aclgrphGetIRVersion(nullptr, &minor, &patch), ge::GRAPH_PARAM_INVALID);
}

TEST(AddGraph, OneObjectHasOneId) {
  ASSERT_EQ(ge::GEInitialize(std::map<ge::AscendString, ge::AscendString>()), ge::SUCCESS);
  {
    ge::Graph graph("graph");
    graph.SetInputs({ge::OperatorFactory::CreateOperator("x", "Data")});
    ge::Session session(std::map<ge::AscendString, ge::AscendString>{});
    ge::Session other(std::map<ge::AscendString, ge::AscendString>{});
    EXPECT_EQ(session.AddGraph(1, graph), ge::SUCCESS);
    EXPECT_EQ(session.AddGraph(1, graph), ge::SUCCESS);  // ignored
    EXPECT_EQ(session.AddGraph(2, graph), ge::FAILED);
    EXPECT_EQ(other.AddGraph(1, graph), ge::FAILED);
    const std::string text = ge::GEGetErrorMsgV2().GetString();
    EXPECT_NE(text.find("added already"), std::string::npos) << text;
    EXPECT_EQ(session.RemoveGraph(1), ge::SUCCESS);
    EXPECT_EQ(other.AddGraph(1, graph), ge::SUCCESS);
    EXPECT_EQ(session.AddGraph(3, ge::Graph("empty")), ge::FAILED);
  }
  EXPECT_EQ(ge::GEFinalize(), ge::SUCCESS);
}

TEST(Errors, HaveTexts) {
  EXPECT_EQ(ge::StatusFactory::Instance()->GetErrDesc(ge::SUCCESS), "Success");
  EXPECT_EQ(ge::StatusFactory::Instance()->GetErrDesc(ge::FAILED), "Failed");
  EXPECT_EQ(ge::StatusFactory::Instance()->GetErrDesc(12345), "");
  ge::ErrorNoRegisterar own(12345, "own");
  EXPECT_EQ(ge::StatusFactory::Instance()->GetErrDesc(12345), "own");
}

}  // namespace
