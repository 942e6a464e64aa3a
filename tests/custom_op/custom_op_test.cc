// Operators in both styles, in static and dynamic graphs, in branches, on several streams.
#include "custom_op/run.h"
#include "functional_ops.h"
#include "math_ops.h"
#include "nonlinear_fuc_ops.h"

#include <atomic>
#include <cmath>
#include <thread>

namespace {

std::atomic<int> plus_inferences{0};

uint32_t CountedSameShape(gert::InferShapeContext* context) {
  ++plus_inferences;
  *context->GetOutputShape(0) = *context->GetInputShape(0);
  return ge::GRAPH_SUCCESS;
}
uint32_t SameType(gert::InferDataTypeContext* context) {
  return context->SetOutputDataType(0, context->GetInputDataType(0));
}
// y = x + add
uint32_t Plus(gert::OpExecuteContext* context) {
  const gert::Tensor* x = context->GetInputTensor(0);
  auto* y = const_cast<float*>(context->GetOutputTensor(0)->GetData<float>());
  const float add = *context->GetAttrs()->GetFloat(0);
  for (int64_t i = 0; i < x->GetShapeSize(); ++i) y[i] = x->GetData<float>()[i] + add;
  return ge::GRAPH_SUCCESS;
}

// Both orders of a pair, and how many elements it has.
uint32_t Halve(gert::OpExecuteContext* context) {
  const gert::Tensor* x = context->GetInputTensor(0);
  for (size_t k = 0; k < 2; ++k) {
    const gert::Tensor* y = context->GetOutputTensor(k);
    auto* to = const_cast<float*>(y->GetData<float>());
    for (int64_t i = 0; i < y->GetShapeSize(); ++i) to[i] = x->GetData<float>()[2 * i + static_cast<int64_t>(k)];
  }
  return ge::GRAPH_SUCCESS;
}

// What a built-in operator is to do instead.
uint32_t Negate(gert::OpExecuteContext* context) {
  const gert::Tensor* x = context->GetInputTensor(0);
  auto* y = const_cast<float*>(context->GetOutputTensor(0)->GetData<float>());
  for (int64_t i = 0; i < x->GetShapeSize(); ++i) y[i] = -x->GetData<float>()[i];
  return ge::GRAPH_SUCCESS;
}

uint32_t SeeType(gert::OpExecuteContext* context) {
  const gert::Tensor* x = context->GetInputTensor(0);
  auto* y = const_cast<uint8_t*>(context->GetOutputTensor(0)->GetData<uint8_t>());
  y[0] = x->GetData<uint8_t>()[0];
  y[1] = static_cast<uint8_t>(context->GetInputDesc(0)->GetDataType());
  return ge::GRAPH_SUCCESS;
}

}  // namespace

namespace ge {

REG_OP(TestType)
    .INPUT(x, TensorType({DT_FLOAT8_E5M2, DT_INT4}))
    .OUTPUT(y, TensorType({DT_FLOAT8_E5M2, DT_INT4}))
    .OP_END_FACTORY_REG(TestType)

REG_OP(TestPlus)
    .INPUT(x, TensorType({DT_FLOAT}))
    .OUTPUT(y, TensorType({DT_FLOAT}))
    .ATTR(add, Float, 1.0)
    .OP_END_FACTORY_REG(TestPlus)

REG_OP(TestHalves)
    .INPUT(x, TensorType({DT_FLOAT}))
    .OUTPUT(even, TensorType({DT_FLOAT}))
    .OUTPUT(odd, TensorType({DT_FLOAT}))
    .OP_END_FACTORY_REG(TestHalves)

IMPLEMT_COMMON_INFERFUNC(InferHalves) {
  std::vector<int64_t> dims = op.GetInputDescByName("x").GetShape().GetDims();
  if (dims.size() != 1 || dims[0] % 2 != 0) return GRAPH_FAILED;
  for (const char* name : {"even", "odd"}) {
    TensorDesc desc = op.GetOutputDescByName(name);
    desc.SetShape(Shape(std::vector<int64_t>{dims[0] / 2}));
    desc.SetDataType(DT_FLOAT);
    if (op.UpdateOutputDesc(name, desc) != GRAPH_SUCCESS) return GRAPH_FAILED;
  }
  return GRAPH_SUCCESS;
}
COMMON_INFER_FUNC_REG(TestHalves, InferHalves)

}  // namespace ge

IMPL_OP(TestPlus).InferShape(CountedSameShape).InferDataType(SameType).OpExecuteFunc(Plus);
IMPL_OP(TestType).InferShape(CountedSameShape).OpExecuteFunc(SeeType);
IMPL_OP(TestHalves).OpExecuteFunc(Halve);
// A type of the table that Belay does not compute, and one that it does.
IMPL_OP(Bucketize).InferShape(CountedSameShape).OpExecuteFunc(Negate);
IMPL_OP(HardShrink).InferShape(CountedSameShape).OpExecuteFunc(Negate);

namespace belay_test {
namespace {

TEST_F(CustomOpTest, NewStyle) {
  const auto y = RunOnce(OneNode(ge::op::TestPlus("node").set_attr_add(2.5f), {{{2, 2}}}), {F32({2, 2}, {1, 2, 3, 4})});
  ASSERT_EQ(y.size(), 1u);
  EXPECT_EQ(Dims(y[0]), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(Floats(y[0]), (std::vector<float>{3.5, 4.5, 5.5, 6.5}));
}

TEST_F(CustomOpTest, DefaultsOfAttributes) {
  EXPECT_EQ(Floats(RunOnce(OneNode(Make("TestPlus"), {{{1}}}), {F32({1}, {4})})[0]), std::vector<float>{5});
}

TEST_F(CustomOpTest, ClassicStyleWithTwoOutputs) {
  const auto y = RunOnce(OneNode(Make("TestHalves"), {{{4}}}), {F32({4}, {1, 2, 3, 4})});
  ASSERT_EQ(y.size(), 2u);
  EXPECT_EQ(Floats(y[0]), (std::vector<float>{1, 3}));
  EXPECT_EQ(Floats(y[1]), (std::vector<float>{2, 4}));
}

// More extents than a graph may have variants: one formula serves them all.
TEST_F(CustomOpTest, OneVariantForAllExtents) {
  ge::Session session(Options{});
  const uint32_t plus = Add(session, OneNode(Make("TestPlus"), {{{-1, -1}}}));
  const uint32_t halves = Add(session, OneNode(Make("TestHalves"), {{{-1}}}));
  for (int64_t n = 1; n <= 80; ++n) {
    const auto y = Run(session, plus, {F32({n, 1}, std::vector<float>(n, 1))});
    EXPECT_EQ(Dims(y[0]), (std::vector<int64_t>{n, 1}));
    EXPECT_EQ(Floats(y[0]), std::vector<float>(n, 2));
    const auto z = Run(session, halves, {F32({2 * n}, std::vector<float>(2 * n, 3))});
    EXPECT_EQ(Floats(z[1]), std::vector<float>(n, 3));
  }
}

// A steady call does not ask again.
TEST_F(CustomOpTest, InferenceIsAskedForNewExtentsOnly) {
  ge::Session session(Options{});
  const uint32_t id = Add(session, OneNode(Make("TestPlus"), {{{-1}}}));
  (void)Run(session, id, {F32({3}, {1, 2, 3})});
  const int before = plus_inferences;
  for (int i = 0; i < 5; ++i) (void)Run(session, id, {F32({3}, {1, 2, 3})});
  EXPECT_EQ(plus_inferences, before);
  (void)Run(session, id, {F32({5}, {1, 2, 3, 4, 5})});
  EXPECT_EQ(plus_inferences, before + 1);
}

TEST_F(CustomOpTest, BetweenBuiltInOperators) {
  auto x = MakeData("x", 0, {-1});
  auto abs = ge::op::Abs("abs").set_input_x(x);
  auto plus = ge::op::TestPlus("plus").set_input_x(abs);
  auto sqrt = ge::op::Sqrt("sqrt").set_input_x(plus);
  ge::Graph graph("chain");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{sqrt});
  EXPECT_EQ(Floats(RunOnce(graph, {F32({3}, {-3, 8, -15})})[0]), (std::vector<float>{2, 3, 4}));
}

TEST_F(CustomOpTest, InsideABranchAndALoop) {
  auto condition = MakeData("condition", 0, {}, ge::DT_BOOL);
  auto x = MakeData("x", 1, {-1});
  ge::op::If branch("branch");
  branch.set_input_cond(condition).create_dynamic_input_input(1).set_dynamic_input_input(0, x);
  branch.create_dynamic_output_output(1);
  auto branch_of = [](float add) {
    return [add] {
      auto argument = MakeData("argument", 0, {-1});
      auto plus = ge::op::TestPlus("plus").set_input_x(argument).set_attr_add(add);
      ge::Graph graph(add > 0 ? "then" : "else");
      graph.SetInputs({argument}).SetOutputs(std::vector<ge::Operator>{plus});
      return graph;
    };
  };
  branch.set_subgraph_builder_then_branch(branch_of(10)).set_subgraph_builder_else_branch(branch_of(-10));
  ge::Graph graph("choose");
  graph.SetInputs({condition, x}).SetOutputs(std::vector<ge::Operator>{branch});
  ge::Session session(Options{});
  const uint32_t id = Add(session, graph);
  for (uint8_t taken : {1, 0}) {
    const auto y = Run(session, id, {TensorOf<uint8_t>({}, {taken}, ge::DT_BOOL), F32({2}, {1, 2})});
    EXPECT_EQ(Floats(y[0]), taken ? (std::vector<float>{11, 12}) : (std::vector<float>{-9, -8}));
  }
}

TEST_F(CustomOpTest, TypesOfTheTable) {
  ge::op::Bucketize bucketize("node");
  bucketize.set_attr_boundaries({1.f});
  EXPECT_EQ(Floats(RunOnce(OneNode(bucketize, {{{2}}}), {F32({2}, {1, -2})})[0]), (std::vector<float>{-1, 2}));
  EXPECT_EQ(Floats(RunOnce(OneNode(ge::op::HardShrink("node"), {{{2}}}), {F32({2}, {1, -2})})[0]),
            (std::vector<float>{-1, 2}));
}

// Bytes as they are, with the type that was declared; elements that share bytes are refused.
TEST_F(CustomOpTest, SmallFloats) {
  const auto y = RunOnce(OneNode(Make("TestType"), {{{2}, ge::DT_FLOAT8_E5M2}}),
                         {TensorOf<uint8_t>({2}, {0x3c, 0x40}, ge::DT_FLOAT8_E5M2)});
  EXPECT_EQ(y[0].GetTensorDesc().GetDataType(), ge::DT_FLOAT8_E5M2);
  EXPECT_EQ(y[0].GetData()[0], 0x3c);
  EXPECT_EQ(y[0].GetData()[1], 35);  // the number of the type, which the kernel saw
  ExpectNoCompile(OneNode(Make("TestType"), {{{2}, ge::DT_INT4}}), {"'node'", "i4"});
}

TEST_F(CustomOpTest, OnSeveralStreamsAtOnce) {
  ge::Session session(Options{});
  Load(session, 9, OneNode(Make("TestPlus"), {{{-1}}}), stream_);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&session, t] {
      ASSERT_EQ(aclrtSetDevice(0), ACL_SUCCESS);
      aclrtStream stream = nullptr;
      ASSERT_EQ(aclrtCreateStream(&stream), ACL_SUCCESS);
      const int64_t n = 10 + t;
      DeviceTensor x(ge::DT_FLOAT, {n}, 4), y(ge::DT_FLOAT, {n}, 4);
      for (int round = 0; round < 50; ++round) {
        x.Set(std::vector<float>(n, static_cast<float>(round)));
        auto in = Views({&x}), out = Views({&y});
        ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 9, stream, in, out), ge::SUCCESS) << TakeErrors();
        ASSERT_EQ(aclrtSynchronizeStream(stream), ACL_SUCCESS);
        EXPECT_EQ(y.Get<float>(), std::vector<float>(n, static_cast<float>(round + 1)));
      }
      EXPECT_EQ(aclrtDestroyStream(stream), ACL_SUCCESS);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(CustomOpTest, SavedGraphsFindTheirOperators) {
  ge::GraphBuffer buffer;
  ASSERT_EQ(OneNode(ge::op::TestPlus("node").set_attr_add(3.f), {{{2}}}).SaveToMem(buffer), ge::GRAPH_SUCCESS);
  ge::Graph loaded("loaded");
  ASSERT_EQ(loaded.LoadFromMem(buffer), ge::GRAPH_SUCCESS);
  EXPECT_EQ(Floats(RunOnce(loaded, {F32({2}, {1, 2})})[0]), (std::vector<float>{4, 5}));
}

TEST_F(CustomOpTest, FactoryAndDefinitions) {
  EXPECT_TRUE(ge::OperatorFactory::IsExistOp("TestPlus"));
  std::vector<ge::AscendString> types;
  ASSERT_EQ(ge::OperatorFactory::GetOpsTypeList(types), ge::GRAPH_SUCCESS);
  EXPECT_NE(std::find(types.begin(), types.end(), ge::AscendString("TestPlus")), types.end());
  using Names = std::vector<std::pair<ge::AscendString, ge::AscendString>>;
  Names inputs, outputs, attrs;
  ASSERT_EQ(GetRegisteredIrDef("TestHalves", inputs, outputs, attrs), ge::SUCCESS);
  EXPECT_EQ(inputs, (Names{{"x", "required"}}));
  EXPECT_EQ(outputs, (Names{{"even", "required"}, {"odd", "required"}}));
  EXPECT_TRUE(attrs.empty());
  ASSERT_EQ(GetRegisteredIrDef("TestPlus", inputs, outputs, attrs), ge::SUCCESS);
  EXPECT_EQ(attrs, (Names{{"add", "Float"}}));
  EXPECT_NE(GetRegisteredIrDef("NoSuchOperator", inputs, outputs, attrs), ge::SUCCESS);
  EXPECT_NE(GetRegisteredIrDef(nullptr, inputs, outputs, attrs), ge::SUCCESS);
}

}  // namespace
}  // namespace belay_test
