// Where a result's extents come from: formulas, one call's extents, contents of inputs, and what data decide.
#include "custom_op/run.h"
#include "reduce_ops.h"

#include <atomic>
#include <numeric>
#include <thread>

namespace {

float* Out(gert::OpExecuteContext* context, size_t k = 0) {
  return const_cast<float*>(context->GetOutputTensor(k)->GetData<float>());
}

// Writes 0, 1, 2, ...
uint32_t Count(gert::OpExecuteContext* context) {
  float* y = Out(context);
  for (int64_t i = 0; i < context->GetOutputTensor(0)->GetShapeSize(); ++i) y[i] = static_cast<float>(i);
  return ge::GRAPH_SUCCESS;
}

// One row per divisor of the extent: no formula gives that.
uint32_t DivisorShape(gert::InferShapeContext* context) {
  const int64_t n = context->GetInputShape(0)->GetDim(0);
  int64_t divisors = 0;
  for (int64_t d = 1; d <= n; ++d) divisors += n % d == 0;
  *context->GetOutputShape(0) = {divisors};
  return ge::GRAPH_SUCCESS;
}

// The first input joined with all parts, then cut in windows of 3 with stride 2.
uint32_t JoinShape(gert::InferShapeContext* context) {
  int64_t sum = context->GetInputShape(0)->GetDim(0);
  const gert::AnchorInstanceInfo* parts = context->GetIrInputInstanceInfo(1);
  for (size_t i = 0; i < parts->GetInstanceNum(); ++i) sum += context->GetDynamicInputShape(1, i)->GetDim(0);
  if (context->GetOptionalInputShape(2) != nullptr) sum += context->GetOptionalInputShape(2)->GetDim(0);
  *context->GetOutputShape(0) = {sum};
  return ge::GRAPH_SUCCESS;
}
uint32_t Join(gert::OpExecuteContext* context) {
  float* y = Out(context);
  auto copy = [&y](const gert::Tensor* t) {
    if (t != nullptr) y = std::copy_n(t->GetData<float>(), t->GetShapeSize(), y);
  };
  copy(context->GetInputTensor(0));
  for (size_t i = 0; context->GetDynamicInputTensor(1, i) != nullptr; ++i) copy(context->GetDynamicInputTensor(1, i));
  copy(context->GetOptionalInputTensor(2));
  return ge::GRAPH_SUCCESS;
}

// floor((n - 3) / 2) + 1 windows, rows and columns swapped, and a rank of one more.
uint32_t WindowShape(gert::InferShapeContext* context) {
  const gert::Shape* x = context->GetInputShape(0);
  if (x->GetDim(0) < 3) return ge::GRAPH_FAILED;
  *context->GetOutputShape(0) = {x->GetDim(1), (x->GetDim(0) - 3) / 2 + 1, 2};
  return ge::GRAPH_SUCCESS;
}

// The contents of `shape` are the result's shape.
uint32_t ShapeFromContents(gert::InferShapeContext* context) {
  const gert::Tensor* shape = context->GetInputTensor(1);
  const int32_t* dims = shape->GetData<int32_t>();
  if (dims == nullptr) return ge::GRAPH_FAILED;
  context->GetOutputShape(0)->SetDimNum(0);
  for (int64_t i = 0; i < shape->GetShapeSize(); ++i) context->GetOutputShape(0)->AppendDim(dims[i]);
  return ge::GRAPH_SUCCESS;
}

// Sorts the instances of a dynamic output by size.
uint32_t CutShape(gert::InferShapeContext* context) {
  const int64_t n = context->GetInputShape(0)->GetDim(0);
  const auto outputs = static_cast<int64_t>(context->GetComputeNodeOutputNum());
  for (int64_t k = 0; k < outputs; ++k) *context->GetOutputShape(static_cast<size_t>(k)) = {n, k + 1};
  return ge::GRAPH_SUCCESS;
}
uint32_t Cut(gert::OpExecuteContext* context) {
  for (size_t k = 0; context->GetDynamicOutputTensor(0, k) != nullptr; ++k) {
    std::fill_n(Out(context, k), context->GetOutputTensor(k)->GetShapeSize(), static_cast<float>(k));
  }
  return ge::GRAPH_SUCCESS;
}

}  // namespace

namespace ge {

#define ONE_TO_ONE(Type)               \
  REG_OP(Type)                         \
      .INPUT(x, TensorType({DT_FLOAT})) \
      .OUTPUT(y, TensorType({DT_FLOAT})) \
      .OP_END_FACTORY_REG(Type)

ONE_TO_ONE(TestDivisors)
ONE_TO_ONE(TestWindows)

REG_OP(TestJoin)
    .INPUT(x, TensorType({DT_FLOAT}))
    .DYNAMIC_INPUT(parts, TensorType({DT_FLOAT}))
    .OPTIONAL_INPUT(last, TensorType({DT_FLOAT}))
    .OUTPUT(y, TensorType({DT_FLOAT}))
    .OP_END_FACTORY_REG(TestJoin)

REG_OP(TestFill)
    .INPUT(x, TensorType({DT_FLOAT}))
    .INPUT(shape, TensorType({DT_INT32}))
    .OUTPUT(y, TensorType({DT_FLOAT}))
    .OP_END_FACTORY_REG(TestFill)

REG_OP(TestClassicFill)
    .INPUT(x, TensorType({DT_FLOAT}))
    .INPUT(shape, TensorType({DT_INT32}))
    .OUTPUT(y, TensorType({DT_FLOAT}))
    .OP_END_FACTORY_REG(TestClassicFill)

REG_OP(TestRepeat)
    .INPUT(x, TensorType({DT_FLOAT}))
    .INPUT(times, TensorType({DT_INT32}))
    .OUTPUT(y, TensorType({DT_FLOAT}))
    .OP_END_FACTORY_REG(TestRepeat)

REG_OP(TestCut)
    .INPUT(x, TensorType({DT_FLOAT}))
    .DYNAMIC_OUTPUT(y, TensorType({DT_FLOAT}))
    .OP_END_FACTORY_REG(TestCut)

namespace {

graphStatus SetShape(Operator& op, const std::vector<int64_t>& dims) {
  TensorDesc y = op.GetOutputDescByName("y");
  y.SetShape(Shape(dims));
  y.SetDataType(DT_FLOAT);
  return op.UpdateOutputDesc("y", y);
}

}  // namespace

// Fails as long as it is not told the contents.
IMPLEMT_COMMON_INFERFUNC(InferClassicFill) {
  Tensor shape;
  if (op.GetInputConstData("shape", shape) != GRAPH_SUCCESS) return GRAPH_FAILED;
  const auto* dims = reinterpret_cast<const int32_t*>(shape.GetData());
  return SetShape(op, std::vector<int64_t>(dims, dims + shape.GetSize() / 4));
}
COMMON_INFER_FUNC_REG(TestClassicFill, InferClassicFill)

// Leaves the extent open as long as it is not told the contents.
IMPLEMT_COMMON_INFERFUNC(InferRepeat) {
  Tensor times;
  const int64_t n = op.GetInputDescByName("x").GetShape().GetDim(0);
  if (op.GetInputConstData("times", times) != GRAPH_SUCCESS) return SetShape(op, {-1});
  return SetShape(op, {n * *reinterpret_cast<const int32_t*>(times.GetData())});
}
COMMON_INFER_FUNC_REG(TestRepeat, InferRepeat)

}  // namespace ge

IMPL_OP(TestDivisors).InferShape(DivisorShape).OpExecuteFunc(Count);
IMPL_OP(TestWindows).InferShape(WindowShape).OpExecuteFunc(Count);
IMPL_OP(TestJoin).InferShape(JoinShape).OpExecuteFunc(Join);
IMPL_OP(TestFill).InferShape(ShapeFromContents).InputsDataDependency({1}).OpExecuteFunc(Count);
IMPL_OP(TestClassicFill).OpExecuteFunc(Count);
IMPL_OP(TestRepeat).OpExecuteFunc(Count);
IMPL_OP(TestCut).InferShape(CutShape).OpExecuteFunc(Cut);

namespace belay_test {
namespace {

using Ints = std::vector<int64_t>;

ge::Tensor Zeros(int64_t n) { return F32({n}, std::vector<float>(n, 0)); }

TEST_F(CustomOpTest, WithoutAFormulaACallGetsItsOwnVariant) {
  ge::Session session(Options{});
  const uint32_t id = Add(session, OneNode(Make("TestDivisors"), {{{-1}}}));
  EXPECT_EQ(Dims(Run(session, id, {Zeros(12)})[0]), Ints{6});
  EXPECT_EQ(Dims(Run(session, id, {Zeros(7)})[0]), Ints{2});
  EXPECT_EQ(Floats(Run(session, id, {Zeros(12)})[0]), (std::vector<float>{0, 1, 2, 3, 4, 5}));
}

// A graph keeps 128 variants; the one used longest ago makes room, whoever still runs it.
TEST_F(CustomOpTest, VariantsComeAndGo) {
  ge::Session session(Options{});
  Load(session, 9, OneNode(Make("TestDivisors"), {{{-1}}}), stream_);
  aclrtStream other = nullptr;
  ASSERT_EQ(aclrtCreateStream(&other), ACL_SUCCESS);
  DeviceTensor x(ge::DT_FLOAT, {512}, 4), early(ge::DT_FLOAT, {6}, 4), y(ge::DT_FLOAT, {64}, 4);
  const auto run = [&](int64_t n, DeviceTensor& result, aclrtStream stream) {
    auto in = Views({&x}), out = Views({&result});
    in[0].MutableStorageShape() = in[0].MutableOriginShape() = gert::Shape({n});
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 9, stream, in, out), ge::SUCCESS) << TakeErrors();
  };
  const std::vector<float> divisors_of_12{0, 1, 2, 3, 4, 5};
  std::atomic<bool> open{false};
  const auto wait = [](void* flag) {
    while (!*static_cast<std::atomic<bool>*>(flag)) std::this_thread::yield();
  };
  run(12, early, other);
  ASSERT_EQ(aclrtSynchronizeStream(other), ACL_SUCCESS);
  early.Set(std::vector<float>(6, -1));
  ASSERT_EQ(aclrtLaunchHostFunc(other, wait, &open), ACL_SUCCESS);
  run(12, early, other);  // queued while its variant goes
  for (int64_t n = 100; n < 300; ++n) run(n, y, stream_);
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  std::map<ge::AscendString, std::vector<ge::AscendString>> infos;
  ASSERT_EQ(ge::GEStreamAllocationSummaryGetStringInfos(*session.GetCompiledGraphSummary(9), infos), ge::SUCCESS);
  EXPECT_EQ(infos.begin()->second.size(), 128u);
  open = true;
  ASSERT_EQ(aclrtSynchronizeStream(other), ACL_SUCCESS);
  EXPECT_EQ(early.Get<float>(), divisors_of_12);
  early.Set(std::vector<float>(6, -1));
  run(12, early, other);  // and is made again
  ASSERT_EQ(aclrtSynchronizeStream(other), ACL_SUCCESS);
  EXPECT_EQ(early.Get<float>(), divisors_of_12);
  EXPECT_EQ(aclrtDestroyStream(other), ACL_SUCCESS);
}

TEST_F(CustomOpTest, SpecialisedVariantsKnowTheExtentDownstream) {
  auto x = MakeData("x", 0, {-1});
  auto divisors = Make("TestDivisors").SetInput("x", x);
  const std::vector<int64_t> axes = {0};
  auto sum = ge::op::ReduceSumD("sum").set_input_x(divisors).set_attr_axes(axes);
  ge::Graph graph("g");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{sum});
  EXPECT_EQ(Floats(RunOnce(graph, {Zeros(12)})[0]), std::vector<float>{15});
}

TEST_F(CustomOpTest, WindowsHaveAFormula) {
  ge::Session session(Options{});
  const uint32_t id = Add(session, OneNode(Make("TestWindows"), {{{-1, -1}}}));
  for (int64_t n = 3; n < 75; ++n) {
    const auto y = Run(session, id, {F32({n, 2}, std::vector<float>(2 * n, 0))});
    ASSERT_EQ(Dims(y[0]), (Ints{2, (n - 3) / 2 + 1, 2}));
  }
}

TEST_F(CustomOpTest, OptionalAndDynamicInputs) {
  for (bool last : {true, false}) {
    ge::op::TestJoin join("join");
    join.create_dynamic_input_parts(2);
    std::vector<ge::Operator> data;
    for (int i = 0; i < (last ? 4 : 3); ++i) {
      data.push_back(MakeData(("data" + std::to_string(i)).c_str(), i, {-1}));
    }
    join.set_input_x(data[0]).set_dynamic_input_parts(0, data[1]).set_dynamic_input_parts(1, data[2]);
    if (last) join.set_input_last(data[3]);
    ge::Graph graph("join");
    graph.SetInputs(data).SetOutputs(std::vector<ge::Operator>{join});
    std::vector<ge::Tensor> inputs = {F32({1}, {1}), F32({2}, {2, 3}), F32({1}, {4}), F32({2}, {5, 6})};
    inputs.resize(data.size());
    std::vector<float> all = {1, 2, 3, 4, 5, 6};
    all.resize(last ? 6 : 4);
    EXPECT_EQ(Floats(RunOnce(graph, inputs)[0]), all);
  }
}

TEST_F(CustomOpTest, DynamicOutputs) {
  ge::op::TestCut cut("cut");
  cut.create_dynamic_output_y(3);
  auto x = MakeData("x", 0, {-1});
  cut.set_input_x(x);
  ge::Graph graph("cut");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{cut});
  const auto y = RunOnce(graph, {Zeros(2)});
  ASSERT_EQ(y.size(), 3u);
  EXPECT_EQ(Dims(y[2]), (Ints{2, 3}));
  EXPECT_EQ(Floats(y[1]), std::vector<float>(4, 1));
}

TEST_F(CustomOpTest, ContentsOfConstants) {
  for (const char* type : {"TestFill", "TestClassicFill"}) {
    auto x = MakeData("x", 0, {1});
    auto shape = ge::op::Const("shape").set_attr_value(I32({2}, {3, 2}));
    auto fill = Make(type).SetInput("x", x).SetInput("shape", shape);
    ge::Graph graph("fill");
    graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{fill});
    EXPECT_EQ(Dims(RunOnce(graph, {Zeros(1)})[0]), (Ints{3, 2})) << type;
  }
}

// A variant for the contents of the call.
TEST_F(CustomOpTest, ContentsOfGraphInputs) {
  for (const char* type : {"TestFill", "TestClassicFill"}) {
    ge::Session session(Options{});
    const uint32_t id = Add(session, OneNode(Make(type), {{{-1}}, {{-1}, ge::DT_INT32}}));
    EXPECT_EQ(Dims(Run(session, id, {Zeros(1), I32({2}, {3, 2})})[0]), (Ints{3, 2})) << type;
    EXPECT_EQ(Dims(Run(session, id, {Zeros(1), I32({2}, {4, 1})})[0]), (Ints{4, 1})) << type;
    EXPECT_EQ(Dims(Run(session, id, {Zeros(1), I32({3}, {1, 1, 5})})[0]), (Ints{1, 1, 5})) << type;
  }
}

// What the graph itself knows of the contents is handed on: no variant per extent.
TEST_F(CustomOpTest, ContentsThatAreExtents) {
  auto x = MakeData("x", 0, {-1, -1});
  auto shape = ge::op::Shape("shape").set_input_x(x);
  auto first = ge::op::Data("first").set_attr_index(1);
  first.update_output_desc_y(ge::TensorDesc(ge::Shape(Ints{1}), ge::FORMAT_ND, ge::DT_FLOAT));
  auto fill = Make("TestFill").SetInput("x", first).SetInput("shape", shape);
  ge::Graph graph("fill");
  graph.SetInputs({x, first}).SetOutputs(std::vector<ge::Operator>{fill});
  ge::Session session(Options{});
  const uint32_t id = Add(session, graph);
  for (int64_t n = 1; n < 70; ++n) {
    const auto y = Run(session, id, {F32({n, 2}, std::vector<float>(2 * n, 0)), Zeros(1)});
    ASSERT_EQ(Dims(y[0]), (Ints{n, 2}));
  }
}

// Contents that are computed: the function is asked while the graph runs.
TEST_F(CustomOpTest, ContentsOnlyARunKnows) {
  auto x = MakeData("x", 0, {-1});
  auto a = MakeData("a", 1, {1}, ge::DT_INT32), b = MakeData("b", 2, {1}, ge::DT_INT32);
  auto times = ge::op::Mul("times").set_input_x1(a).set_input_x2(b);
  auto repeat = Make("TestRepeat").SetInput("x", x).SetInput("times", times);
  auto abs = ge::op::Neg("neg").set_input_x(repeat);
  ge::Graph graph("repeat");
  graph.SetInputs({x, a, b}).SetOutputs(std::vector<ge::Operator>{abs});
  ge::Session session(Options{});
  const uint32_t id = Add(session, graph);
  EXPECT_EQ(Floats(Run(session, id, {Zeros(1), I32({1}, {2}), I32({1}, {2})})[0]), (std::vector<float>{0, -1, -2, -3}));
  EXPECT_EQ(Floats(Run(session, id, {Zeros(2), I32({1}, {1}), I32({1}, {1})})[0]), (std::vector<float>{0, -1}));
  EXPECT_EQ(Dims(Run(session, id, {Zeros(2), I32({1}, {0}), I32({1}, {1})})[0]), Ints{0});
}

// Extents that data decide: behind NonZero every extent comes up in the run.
TEST_F(CustomOpTest, BehindNonZero) {
  auto x = MakeData("x", 0, {6});
  auto positions = ge::op::NonZero("positions").set_input_x(x);
  auto floats = ge::op::Cast("floats").set_input_x(positions).set_attr_dst_type(ge::DT_FLOAT);
  auto divisors = Make("TestDivisors").SetInput("x", floats);
  ge::Graph graph("g");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{divisors});
  ge::Session session(Options{});
  const uint32_t id = Add(session, graph);
  EXPECT_EQ(Dims(Run(session, id, {F32({6}, {1, 1, 0, 1, 0, 1})})[0]), Ints{3});
  EXPECT_EQ(Dims(Run(session, id, {F32({6}, {1, 1, 1, 1, 1, 1})})[0]), Ints{4});
}

TEST_F(CustomOpTest, EmptyTensors) {
  ge::Session session(Options{});
  const uint32_t id = Add(session, OneNode(Make("TestJoin"), {{{-1}}}));
  EXPECT_EQ(Dims(Run(session, id, {Zeros(0)})[0]), Ints{0});
  EXPECT_EQ(Dims(Run(session, id, {Zeros(2)})[0]), Ints{2});
}

TEST_F(CustomOpTest, RankIsKnownAtTheCall) {
  ge::Session session(Options{});
  const uint32_t id = Add(session, OneNode(Make("TestJoin"), {{{-2}}}));
  EXPECT_EQ(Dims(Run(session, id, {Zeros(5)})[0]), Ints{5});
}

}  // namespace
}  // namespace belay_test
