// What goes wrong in a program's functions, and in how it uses its operators: told with the node's name, and all
// else goes on.
#include "custom_op/run.h"
#include "nonlinear_fuc_ops.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace {

int32_t mood = 0;  // what the functions below do: 0 well, 1 fail, 2 throw, 3 throw something odd

uint32_t InMood() {
  if (mood == 2) throw std::runtime_error("out of breath");
  if (mood == 3) throw 7;
  return mood == 1 ? ge::GRAPH_PARAM_INVALID : ge::GRAPH_SUCCESS;
}

uint32_t SameShape(gert::InferShapeContext* context) {
  *context->GetOutputShape(0) = *context->GetInputShape(0);
  return ge::GRAPH_SUCCESS;
}
uint32_t MoodyShape(gert::InferShapeContext* context) {
  (void)SameShape(context);
  return InMood();
}
uint32_t MoodyType(gert::InferDataTypeContext* context) {
  if (mood == 4) return context->SetOutputDataType(0, ge::DT_UNDEFINED);
  (void)context->SetOutputDataType(0, ge::DT_FLOAT);
  return InMood();
}
uint32_t MoodyKernel(gert::OpExecuteContext* context) {
  auto* y = const_cast<float*>(context->GetOutputTensor(0)->GetData<float>());
  for (int64_t i = 0; i < context->GetOutputTensor(0)->GetShapeSize(); ++i) y[i] = 7;
  return InMood();
}
uint32_t NoRank(gert::InferShapeContext* context) {
  *context->GetOutputShape(0) = {-2};
  return ge::GRAPH_SUCCESS;
}
uint32_t OpenShape(gert::InferShapeContext* context) {
  *context->GetOutputShape(0) = {-1};
  return ge::GRAPH_SUCCESS;
}

}  // namespace

namespace ge {

#define MOODY(Type)                      \
  REG_OP(Type)                           \
      .INPUT(x, TensorType({DT_FLOAT}))  \
      .OUTPUT(y, TensorType({DT_FLOAT})) \
      .OP_END_FACTORY_REG(Type)

MOODY(TestMoodyShape)
MOODY(TestMoodyType)
MOODY(TestMoodyKernel)
MOODY(TestMoodyClassic)
MOODY(TestVerified)
MOODY(TestNoRank)
MOODY(TestOpenShape)
MOODY(TestNoKernel)
MOODY(TestNoInference)

REG_OP(TestPair)
    .INPUT(a, "T")
    .INPUT(b, "T")
    .OUTPUT(y, "T")
    .OUTPUT(flag, TensorType({DT_BOOL}))
    .REQUIRED_ATTR(mode, Int)
    .DATATYPE(T, TensorType({DT_FLOAT, DT_INT32}))
    .OP_END_FACTORY_REG(TestPair)

IMPLEMT_COMMON_INFERFUNC(MoodyInference) {
  TensorDesc desc = op.GetInputDescByName("x");
  (void)op.UpdateOutputDesc("y", desc);
  return InMood();
}
COMMON_INFER_FUNC_REG(TestMoodyClassic, MoodyInference)
COMMON_INFER_FUNC_REG(TestVerified, MoodyInference)
IMPLEMT_VERIFIER(TestVerified, VerifyExtent) {
  return op.get_input_desc_x().GetShape().GetDim(0) > 2 ? GRAPH_SUCCESS : GRAPH_INVALID_IR_DEF;
}
VERIFY_FUNC_REG(TestVerified, VerifyExtent)

}  // namespace ge

IMPL_OP(TestMoodyShape).InferShape(MoodyShape).OpExecuteFunc(MoodyKernel);
IMPL_OP(TestMoodyType).InferShape(SameShape).InferDataType(MoodyType).OpExecuteFunc(MoodyKernel);
IMPL_OP(TestMoodyKernel).InferShape(SameShape).OpExecuteFunc(MoodyKernel);
IMPL_OP(TestMoodyClassic).OpExecuteFunc(MoodyKernel);
IMPL_OP(TestVerified).OpExecuteFunc(MoodyKernel);
IMPL_OP(TestNoRank).InferShape(NoRank).OpExecuteFunc(MoodyKernel);
IMPL_OP(TestOpenShape).InferShape(OpenShape).OpExecuteFunc(MoodyKernel);
IMPL_OP(TestNoKernel).InferShape(SameShape);
IMPL_OP(TestNoInference).OpExecuteFunc(MoodyKernel);

namespace {

uint32_t PairShape(gert::InferShapeContext* context) {
  *context->GetOutputShape(0) = *context->GetInputShape(0);
  *context->GetOutputShape(1) = {1};
  return ge::GRAPH_SUCCESS;
}
uint32_t Pair(gert::OpExecuteContext* context) {
  const bool typed = context->GetOutputDesc(0)->GetDataType() == ge::DT_INT32 &&
                     context->GetOutputTensor(1)->GetDataType() == ge::DT_BOOL;
  *const_cast<bool*>(context->GetOutputTensor(1)->GetData<bool>()) = typed;
  return ge::GRAPH_SUCCESS;
}

}  // namespace
IMPL_OP(TestPair).InferShape(PairShape).OpExecuteFunc(Pair);

namespace belay_test {
namespace {

// A node of a type that nobody knows, linked by order only.
ge::Graph WithNobody() {
  ge::Operator nobody("node", "TestNobody");
  auto x = MakeData("x", 0, {2});
  auto y = ge::op::Relu("relu").set_input_x(x);
  nobody.AddControlInput(y);
  ge::Graph graph("g");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{y});
  return graph;
}

class CustomOpErrors : public CustomOpTest {
 protected:
  void TearDown() override {
    mood = 0;
    CustomOpTest::TearDown();
  }
};

TEST_F(CustomOpErrors, InferenceFails) {
  mood = 1;
  ExpectNoCompile(OneNode(Make("TestMoodyShape"), {{{2}}}),
                  {"node 'node' (TestMoodyShape)", "shape inference", "50331649"});
  ExpectNoCompile(OneNode(Make("TestMoodyType"), {{{2}}}), {"TestMoodyType", "data type inference", "50331649"});
  ExpectNoCompile(OneNode(Make("TestMoodyClassic"), {{{2}}}), {"TestMoodyClassic", "inference function", "50331649"});
}

TEST_F(CustomOpErrors, InferenceThrows) {
  mood = 2;
  ExpectNoCompile(OneNode(Make("TestMoodyShape"), {{{2}}}), {"shape inference", "out of breath"});
  ExpectNoCompile(OneNode(Make("TestMoodyType"), {{{2}}}), {"data type inference", "out of breath"});
  ExpectNoCompile(OneNode(Make("TestMoodyClassic"), {{{2}}}), {"inference function", "out of breath"});
  mood = 3;
  ExpectNoCompile(OneNode(Make("TestMoodyShape"), {{{2}}}), {"threw an exception"});
}

TEST_F(CustomOpErrors, VerificationFails) {
  ExpectNoCompile(OneNode(Make("TestVerified"), {{{2}}}), {"'node'", "verification function", "50331646"});
  EXPECT_EQ(RunOnce(OneNode(Make("TestVerified"), {{{3}}}), {F32({3}, {0, 0, 0})}).size(), 1u);
}

TEST_F(CustomOpErrors, InferenceGivesNoType) {
  mood = 4;
  ExpectNoCompile(OneNode(Make("TestMoodyType"), {{{2}}}), {"'node'", "no data type"});
}

// In a dynamic graph the function may fail for one call, and the next is fine.
TEST_F(CustomOpErrors, InferenceFailsForOneCall) {
  ge::Session session(Options{});
  const uint32_t id = Add(session, OneNode(Make("TestMoodyShape"), {{{-1}}}));
  EXPECT_EQ(Floats(Run(session, id, {F32({2}, {1, 2})})[0]), (std::vector<float>{7, 7}));
  mood = 1;
  std::vector<ge::Tensor> none;
  ExpectRefusal(session.RunGraph(id, {F32({3}, {1, 2, 3})}, none), {"'node'", "50331649"});
  mood = 0;
  EXPECT_EQ(Floats(Run(session, id, {F32({3}, {1, 2, 3})})[0]), (std::vector<float>{7, 7, 7}));
}

// The kernel's failure is the stream's, and only that run's.
TEST_F(CustomOpErrors, KernelFailsOnTheStream) {
  ge::Session session(Options{});
  Load(session, 1, OneNode(Make("TestMoodyKernel"), {{{2}}}), stream_);
  DeviceTensor x(ge::DT_FLOAT, {2}, 4), y(ge::DT_FLOAT, {2}, 4);
  const char* const texts[] = {"", "the kernel failed with status 50331649",
                               "the kernel threw an exception: out of breath", "the kernel threw an exception"};
  for (int32_t m : {1, 2, 3}) {
    mood = m;
    auto in = Views({&x}), out = Views({&y});
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS) << TakeErrors();
    EXPECT_NE(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
    const std::string text = TakeErrors();
    EXPECT_NE(text.find("node 'node': TestMoodyKernel: "), std::string::npos) << text;
    EXPECT_NE(text.find(texts[m]), std::string::npos) << text;
    mood = 0;
    in = Views({&x}), out = Views({&y});
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS) << TakeErrors();
    EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
    EXPECT_EQ(y.Get<float>(), (std::vector<float>{7, 7}));
  }
}

TEST_F(CustomOpErrors, ShapesNobodyKnows) {
  ExpectNoCompile(OneNode(Make("TestNoRank"), {{{2}}}), {"'node'", "no rank"});
  ge::Session session(Options{});
  const uint32_t id = Add(session, OneNode(Make("TestOpenShape"), {{{2}}}));
  std::vector<ge::Tensor> none;
  ExpectRefusal(session.RunGraph(id, {F32({2}, {1, 2})}, none), {"'node'", "does not give the extents of output 0"});
}

TEST_F(CustomOpErrors, WhatIsNotRegistered) {
  ExpectNoCompile(OneNode(Make("TestNoKernel"), {{{2}}}), {"TestNoKernel", "no kernel", "OpExecuteFunc"});
  ExpectNoCompile(OneNode(Make("TestNoInference"), {{{2}}}), {"output y has no shape", "InferShape"});
  ExpectNoCompile(WithNobody(), {"TestNobody (no such GE operator)", "(node node)"});
}

// A library that cannot be opened is told where its operator is missed, and only there.
TEST_F(CustomOpErrors, LibrariesThatDoNotOpen) {
  const std::string folder = testing::TempDir() + "/belay_custom_op_test";
  std::filesystem::create_directories(folder + "/op_proto");
  std::ofstream(folder + "/op_proto/libcust_op_proto.so") << "no library";
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  setenv("ASCEND_CUSTOM_OPP_PATH", ("/no/such/folder::" + folder).c_str(), 1);
  EXPECT_EQ(ge::GEInitialize(Options{}), ge::SUCCESS);
  EXPECT_EQ(TakeErrors(), "");
  ExpectNoCompile(WithNobody(), {"nothing is registered for TestNobody", "libcust_op_proto.so' cannot be opened"});
  EXPECT_EQ(Floats(RunOnce(OneNode(Make("TestMoodyKernel"), {{{1}}}), {F32({1}, {0})})[0]), std::vector<float>{7});
  unsetenv("ASCEND_CUSTOM_OPP_PATH");
  std::filesystem::remove_all(folder);
}

// Without a function the described output does.
TEST_F(CustomOpErrors, DescriptionsStandIn) {
  ge::op::TestNoInference op("node");
  ASSERT_EQ(op.update_output_desc_y(ge::TensorDesc(ge::Shape({3}), ge::FORMAT_ND, ge::DT_FLOAT)), ge::GRAPH_SUCCESS);
  EXPECT_EQ(Floats(RunOnce(OneNode(op, {{{2}}}), {F32({2}, {1, 2})})[0]), (std::vector<float>{7, 7, 7}));
}

TEST_F(CustomOpErrors, TypesOfThePrototype) {
  ExpectNoCompile(OneNode(Make("TestMoodyKernel"), {{{2}, ge::DT_INT32}}), {"'node'", "input x is i32", "f32"});
  auto pair = [](ge::DataType a, ge::DataType b) {
    return OneNode(ge::op::TestPair("node").set_attr_mode(1), {{{1}, a}, {{1}, b}});
  };
  ExpectNoCompile(pair(ge::DT_FLOAT, ge::DT_INT32), {"inputs a and b share the type T", "f32", "i32"});
  ExpectNoCompile(pair(ge::DT_BOOL, ge::DT_BOOL), {"input a is b,", "f32"});
  // The symbol decides y, its only type flag.
  const auto y = RunOnce(pair(ge::DT_INT32, ge::DT_INT32), {I32({1}, {1}), I32({1}, {2})});
  EXPECT_EQ(y[0].GetTensorDesc().GetDataType(), ge::DT_INT32);
  EXPECT_EQ(y[1].GetTensorDesc().GetDataType(), ge::DT_BOOL);
  EXPECT_EQ(*y[1].GetData(), 1);
}

TEST_F(CustomOpErrors, RequiredAttributesAndInputs) {
  ExpectNoCompile(OneNode(Make("TestPair"), {{{1}}, {{1}}}), {"attribute mode is required"});
  ExpectNoCompile(OneNode(ge::op::TestPair("node").set_attr_mode(1), {{{1}}}), {"input b is required"});
}

}  // namespace
}  // namespace belay_test
