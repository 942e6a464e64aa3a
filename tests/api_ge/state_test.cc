// Variables and operators that write their inputs.
#include <numeric>

#include "api_ge/state_fixture.h"
#include "matrix_calculation_ops.h"
#include "no_op.h"
#include "nonlinear_fuc_ops.h"
#include "resource_variable_ops.h"

namespace belay_test {
namespace {

class State : public StateTest {};

TEST_F(State, ACounterCounts) {
  ge::Session session(Options{});
  Initialise(session, 1, "count", {1}, {5});
  auto count = MakeVariable("count", {1});
  auto add = Wire(ge::op::AssignAdd("add"), {{"ref", count}, {"value", MakeConst("step", {1}, {2})}});
  Add(session, 2, Built("counter", {count}, {add}));
  for (float want : {7.f, 9.f, 11.f}) EXPECT_EQ(RunOne(session, 2, {}), (std::vector<float>{want}));
  EXPECT_EQ(Value(session, "count"), (std::vector<float>{11}));
}

TEST_F(State, AnInitialValueIsAnAttribute) {
  ge::Session session(Options{});
  auto v = MakeVariable("v", {2}).set_attr_value(HostTensor({2}, {3, 4}));
  auto y = Wire(ge::op::Muls("y"), {{"x", v}}).set_attr_value(2);
  Add(session, 1, Built("read", {v}, {y}));
  EXPECT_EQ(RunOne(session, 1, {}), (std::vector<float>{6, 8}));
  // A graph that comes later finds the variable as it is.
  auto again = MakeVariable("v", {2}).set_attr_value(HostTensor({2}, {0, 0}));
  auto add = Wire(ge::op::AssignSub("sub"), {{"var", again}, {"value", MakeConst("one", {2}, {1, 1})}});
  Add(session, 2, Built("count", {again}, {add}));
  EXPECT_EQ(RunOne(session, 2, {}), (std::vector<float>{2, 3}));
  EXPECT_EQ(RunOne(session, 1, {}), (std::vector<float>{4, 6}));
}

TEST_F(State, ReadersSeeWhatWasWrittenBeforeThem) {
  ge::Session session(Options{});
  auto v = MakeVariable("v", {1}).set_attr_value(HostTensor({1}, {10}));
  auto before = Wire(ge::op::Muls("before"), {{"x", v}}).set_attr_value(2);
  auto add = Wire(ge::op::AssignAdd("add"), {{"ref", v}, {"value", MakeConst("one", {1}, {1})}});
  auto through = Wire(ge::op::Muls("through"), {{"x", add}}).set_attr_value(2);
  auto after = Wire(ge::op::Muls("after"), {{"x", v}}).set_attr_value(3);
  after.AddControlInput(add);
  Add(session, 1, Built("order", {v}, {before, through, after}));
  std::vector<ge::Tensor> out;
  for (float now : {10.f, 11.f, 12.f}) {
    ASSERT_EQ(session.RunGraph(1, {}, out), ge::SUCCESS) << TakeErrors();
    EXPECT_EQ(Floats(out.at(0)), (std::vector<float>{2 * now}));
    EXPECT_EQ(Floats(out.at(1)), (std::vector<float>{2 * now + 2}));
    EXPECT_EQ(Floats(out.at(2)), (std::vector<float>{3 * now + 3}));
  }
}

TEST_F(State, ANoOpStandsBetween) {
  ge::Session session(Options{});
  auto v = MakeVariable("v", {1}).set_attr_value(HostTensor({1}, {10}));
  auto add = Wire(ge::op::AssignAdd("add"), {{"ref", v}, {"value", MakeConst("one", {1}, {1})}});
  auto nothing = ge::op::NoOp("nothing");
  nothing.AddControlInput(add);
  auto after = Wire(ge::op::Muls("after"), {{"x", v}}).set_attr_value(3);
  after.AddControlInput(nothing);
  Add(session, 1, Built("order", {v}, {after}));
  for (float now : {11.f, 12.f}) EXPECT_EQ(RunOne(session, 1, {}), (std::vector<float>{3 * now}));
}

TEST_F(State, WritersWithoutAnOrderBothCount) {
  ge::Session session(Options{});
  auto v = MakeVariable("v", {1}).set_attr_value(HostTensor({1}, {0}));
  auto a = Wire(ge::op::AssignAdd("a"), {{"ref", v}, {"value", MakeConst("one", {1}, {1})}});
  auto b = Wire(ge::op::AssignAdd("b"), {{"ref", v}, {"value", MakeConst("ten", {1}, {10})}});
  auto x = MakeData("x", 0, {1});
  auto y = Wire(ge::op::Relu("y"), {{"x", x}});
  ge::Graph graph = Built("both", {v, x}, {y});
  graph.SetTargets({a, b});
  Add(session, 1, graph);
  EXPECT_EQ(RunOne(session, 1, {HostTensor({1}, {-1})}), (std::vector<float>{0}));
  EXPECT_EQ(Value(session, "v"), (std::vector<float>{11}));
}

TEST_F(State, TwoVariablesChangePlaces) {
  ge::Session session(Options{});
  auto a = MakeVariable("a", {2}).set_attr_value(HostTensor({2}, {1, 2}));
  auto b = MakeVariable("b", {2}).set_attr_value(HostTensor({2}, {3, 4}));
  auto to_a = Wire(ge::op::Assign("to_a"), {{"ref", a}, {"value", b}});
  auto to_b = Wire(ge::op::Assign("to_b"), {{"ref", b}, {"value", a}});
  ge::Graph graph = Built("swap", {a, b}, {});
  graph.SetTargets({to_a, to_b});
  Add(session, 1, graph);
  std::vector<ge::Tensor> out;
  ASSERT_EQ(session.RunGraph(1, {}, out), ge::SUCCESS) << TakeErrors();
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(Value(session, "a"), (std::vector<float>{3, 4}));
  EXPECT_EQ(Value(session, "b"), (std::vector<float>{1, 2}));
}

TEST_F(State, GraphsOfASessionShareAndSessionsDoNot) {
  ge::Session one(Options{}), two(Options{});
  for (ge::Session* session : {&one, &two}) {
    Initialise(*session, 1, "w", {2, 2}, {1, 2, 3, 4});
    auto w = MakeVariable("w", {2, 2});
    auto x = MakeData("x", 0, {1, 2});
    Add(*session, 2, Built("use", {x, w}, {Wire(ge::op::MatMulV2("mm"), {{"x1", x}, {"x2", w}})}));
  }
  auto w = MakeVariable("w", {2, 2});
  auto x = MakeData("x", 0, {2, 2});
  Add(one, 3, Built("update", {x, w}, {Wire(ge::op::Assign("set"), {{"ref", w}, {"value", x}})}));
  EXPECT_EQ(RunOne(one, 3, {HostTensor({2, 2}, {0, 1, 1, 0})}), (std::vector<float>{0, 1, 1, 0}));
  EXPECT_EQ(RunOne(one, 2, {HostTensor({1, 2}, {5, 7})}), (std::vector<float>{7, 5}));
  EXPECT_EQ(RunOne(two, 2, {HostTensor({1, 2}, {5, 7})}), (std::vector<float>{26, 38}));
  EXPECT_EQ(one.RemoveGraph(3), ge::SUCCESS);
  EXPECT_EQ(Value(one, "w"), (std::vector<float>{0, 1, 1, 0}));
}

TEST_F(State, RunsOnAStreamAreOrdered) {
  ge::Session session(Options{});
  auto v = MakeVariable("v", {1024}).set_attr_value(HostTensor({1024}, std::vector<float>(1024, 0)));
  auto x = MakeData("x", 0, {1024});
  auto add = Wire(ge::op::AssignAdd("add"), {{"ref", v}, {"value", x}});
  Load(session, 1, Built("sum", {x, v}, {add}), stream_);
  DeviceTensor ones{ge::DT_FLOAT, {1024}, 4}, y{ge::DT_FLOAT, {1024}, 4};
  ones.Set(std::vector<float>(1024, 1));
  auto in = Views({&ones}), out = Views({&y});
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS) << TakeErrors();
  }
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(y.Get<float>(), std::vector<float>(1024, 100));
}

TEST_F(State, RefusedByName) {
  ge::Session session(Options{});
  Initialise(session, 1, "w", {2}, {1, 2});
  auto other = MakeVariable("w", {3});
  Expect(session, 2, Built("shape", {other}, {Wire(ge::op::Relu("y"), {{"x", other}})}),
         {"variable 'w' is f32[3] here, but f32[2] in graph 1 'init_w'"});
  auto ints = MakeVariable("w", {2}, ge::DT_INT32);
  Expect(session, 3, Built("dtype", {ints}, {Wire(ge::op::Relu("y"), {{"x", ints}})}), {"variable 'w' is i32[2] here"});
  auto open = MakeVariable("open", {-1});
  Expect(session, 4, Built("open", {open}, {Wire(ge::op::Relu("y"), {{"x", open}})}),
         {"open", "extents must be known"});
  auto w = MakeVariable("w", {2});
  auto wrong = Wire(ge::op::Assign("set"), {{"ref", w}, {"value", MakeConst("c", {3}, {1, 2, 3})}});
  Expect(session, 5, Built("assign", {w}, {wrong}), {"set", "input ref is f32[2], but its new value is f32[3]"});
  auto value = MakeVariable("v", {2}).set_attr_value(HostTensor({3}, {1, 2, 3}));
  Expect(session, 6, Built("value", {value}, {Wire(ge::op::Relu("y"), {{"x", value}})}), {"attribute value is f32[3]"});
}

TEST_F(State, NoValueYet) {
  ge::Session session(Options{});
  auto v = MakeVariable("late", {1});
  Add(session, 1, Built("read", {v}, {Wire(ge::op::Muls("y"), {{"x", v}}).set_attr_value(1)}));
  std::vector<ge::Tensor> out;
  ExpectRefusal(session.RunGraph(1, {}, out), {"variable 'late' has no value yet"});
  ExpectRefusal(session.GetVariables(std::vector<ge::AscendString>{"late"}, out), {"late", "no value yet"});
  ExpectRefusal(session.GetVariables(std::vector<ge::AscendString>{"none"}, out), {"no variable 'none'", "late"});
  ExpectRefusal(session.GetVariables(std::vector<ge::AscendString>{nullptr}, out), {"name of variable 0"});
  Initialise(session, 2, "late", {1}, {8});
  EXPECT_EQ(RunOne(session, 1, {}), (std::vector<float>{8}));
}

TEST_F(State, ResourceHandles) {
  ge::Session session(Options{});
  auto make = [] {
    return ge::op::VarHandleOp("handle").set_attr_shared_name("r").set_attr_dtype(ge::DT_FLOAT).set_attr_shape({2});
  };
  auto handle = make();
  auto assign = Wire(ge::op::AssignVariableOp("assign").set_attr_dtype(ge::DT_FLOAT),
                     {{"resource", handle}, {"value", MakeConst("c", {2}, {1, 2})}});
  auto add = Wire(ge::op::AssignAddVariableOp("add").set_attr_dtype(ge::DT_FLOAT),
                  {{"resource", handle}, {"value", MakeConst("d", {2}, {10, 10})}});
  add.AddControlInput(assign);
  auto read = Wire(ge::op::ReadVariableOp("read"), {{"x", handle}});
  read.AddControlInput(add);
  Add(session, 1, Built("handles", {handle}, {read}));
  EXPECT_EQ(RunOne(session, 1, {}), (std::vector<float>{11, 12}));
  EXPECT_EQ(Value(session, "r"), (std::vector<float>{11, 12}));
}

}  // namespace
}  // namespace belay_test
