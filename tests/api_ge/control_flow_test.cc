// Branches, loops and calls built from GE operators with subgraphs, and what they write.
#include <functional>

#include "api_ge/state_fixture.h"
#include "functional_ops.h"

namespace belay_test {
namespace {

using ge::op::Data;

Data Argument(const char* name, int index) {
  Data data(name);
  data.set_attr_index(index);
  return data;
}

// A subgraph's builder from a function of its arguments.
using Body = std::function<std::vector<ge::Operator>(std::vector<Data>&)>;
std::function<ge::Graph()> Subgraph(const char* name, int arguments, Body body) {
  return [=] {
    std::vector<Data> data;
    std::vector<ge::Operator> inputs;
    for (int i = 0; i < arguments; ++i) data.push_back(Argument(("arg" + std::to_string(i)).c_str(), i));
    for (const Data& d : data) inputs.push_back(d);
    std::vector<ge::Operator> outputs = body(data);
    ge::Graph graph(name);
    graph.SetInputs(inputs).SetOutputs(outputs);
    return graph;
  };
}

ge::op::Muls Times(const ge::Operator& x, float factor, const char* name = "times") {
  return Wire(ge::op::Muls(name).set_attr_value(factor), {{"x", x}});
}

ge::op::Add Plus(const ge::Operator& x, const ge::Operator& y, const char* name = "plus") {
  return Wire(ge::op::Add(name), {{"x1", x}, {"x2", y}});
}

std::vector<ge::Operator> FirstIsPositive(std::vector<Data>& a) {
  return {Wire(ge::op::Greater("more"), {{"x1", a[0]}, {"x2", MakeConst("zero", {1}, {0})}})};
}

class ControlFlow : public StateTest {
 protected:
  static std::vector<float> Run(ge::Session& session, uint32_t id, const std::vector<ge::Tensor>& in) {
    return RunOne(session, id, in);
  }
  static ge::Tensor Int(int32_t value) {
    const ge::TensorDesc desc(ge::Shape(std::vector<int64_t>{}), ge::FORMAT_ND, ge::DT_INT32);
    return ge::Tensor(desc, reinterpret_cast<const uint8_t*>(&value), 4);
  }
};

template <typename If>
ge::Operator DoubledOrTripled(Data c, Data x) {
  auto choice = If("if").create_dynamic_input_input(1).create_dynamic_output_output(1);
  choice.set_input_cond(c).set_dynamic_input_input(0, x);
  choice.set_subgraph_builder_then_branch(
      Subgraph("then", 1, [](auto& a) { return std::vector<ge::Operator>{Times(a[0], 2)}; }));
  choice.set_subgraph_builder_else_branch(
      Subgraph("else", 1, [](auto& a) { return std::vector<ge::Operator>{Plus(Times(a[0], 2), a[0])}; }));
  return choice;
}

TEST_F(ControlFlow, IfTakesOneBranch) {
  for (bool stateless : {false, true}) {
    for (int64_t extent : {3, -1}) {
      ge::Session session(Options{});
      auto c = MakeData("c", 0, {}, ge::DT_INT32), x = MakeData("x", 1, {extent});
      const ge::Operator choice =
          stateless ? DoubledOrTripled<ge::op::StatelessIf>(c, x) : DoubledOrTripled<ge::op::If>(c, x);
      Add(session, 1, Built("if", {c, x}, {choice}));
      EXPECT_EQ(Run(session, 1, {Int(1), HostTensor({3}, {1, 2, 3})}), (std::vector<float>{2, 4, 6}));
      EXPECT_EQ(Run(session, 1, {Int(0), HostTensor({3}, {1, 2, 3})}), (std::vector<float>{3, 6, 9}));
      if (extent < 0) {
        EXPECT_EQ(Run(session, 1, {Int(7), HostTensor({2}, {1, -1})}), (std::vector<float>{2, -2}));
      }
    }
  }
}

// then: v += 1, else: nothing; also with the If inside another one.
TEST_F(ControlFlow, ABranchWritesAVariable) {
  for (bool nested : {false, true}) {
    ge::Session session(Options{});
    auto c = MakeData("c", 0, {}, ge::DT_INT32), x = MakeData("x", 1, {1});
    auto count = [](auto& a) {
      auto v = MakeVariable("v", {1}).set_attr_value(HostTensor({1}, {10}));
      auto add = Wire(ge::op::AssignAdd("add"), {{"ref", v}, {"value", a[a.size() - 1]}});
      return std::vector<ge::Operator>{Times(add, 1)};
    };
    auto keep = [](auto& a) { return std::vector<ge::Operator>{Times(a[a.size() - 1], 100)}; };
    auto branch = [=](const char* name) {
      auto choice = ge::op::If(name).create_dynamic_input_input(1).create_dynamic_output_output(1);
      choice.set_subgraph_builder_then_branch(Subgraph("then", 1, count));
      choice.set_subgraph_builder_else_branch(Subgraph("else", 1, keep));
      return choice;
    };
    auto choice = branch("if");
    if (nested) {
      choice = ge::op::If("outer").create_dynamic_input_input(2).create_dynamic_output_output(1);
      auto inner = [=](auto& a) {
        auto inside = branch("inner");
        inside.set_input_cond(a[0]).set_dynamic_input_input(0, a[1]);
        return std::vector<ge::Operator>{inside};
      };
      choice.set_subgraph_builder_then_branch(Subgraph("outer_then", 2, inner));
      choice.set_subgraph_builder_else_branch(Subgraph("outer_else", 2, inner));
      choice.set_input_cond(c).set_dynamic_input_input(0, c).set_dynamic_input_input(1, x);
    } else {
      choice.set_input_cond(c).set_dynamic_input_input(0, x);
    }
    Add(session, 1, Built("count", {c, x}, {choice}));
    EXPECT_EQ(Run(session, 1, {Int(1), HostTensor({1}, {2})}), (std::vector<float>{12})) << nested;
    EXPECT_EQ(Run(session, 1, {Int(0), HostTensor({1}, {2})}), (std::vector<float>{200})) << nested;
    EXPECT_EQ(Value(session, "v"), (std::vector<float>{12})) << nested;
    EXPECT_EQ(Run(session, 1, {Int(5), HostTensor({1}, {3})}), (std::vector<float>{15})) << nested;
    EXPECT_EQ(Value(session, "v"), (std::vector<float>{15})) << nested;
  }
}

TEST_F(ControlFlow, CaseTakesTheLastBranchForOtherIndices) {
  for (bool stateless : {false, true}) {
    ge::Session session(Options{});
    auto i = MakeData("i", 0, {}, ge::DT_INT32), x = MakeData("x", 1, {-1});
    std::vector<float> factors = {2, 3, 5, 7};
    auto fill = [&](auto choice) {
      choice.set_input_branch_index(i).set_dynamic_input_input(0, x);
      for (size_t k = 0; k < factors.size(); ++k) {
        const float factor = factors[k];
        choice.set_dynamic_subgraph_builder_branches(
            static_cast<uint32_t>(k), Subgraph("branch", 1, [factor](auto& a) {
              auto v = MakeVariable("taken", {1}).set_attr_value(HostTensor({1}, {0}));
              auto set = Wire(ge::op::Assign("set"), {{"ref", v}, {"value", MakeConst("f", {1}, {factor})}});
              auto y = Times(a[0], factor);
              y.AddControlInput(set);
              return std::vector<ge::Operator>{y};
            }));
      }
      return choice;
    };
    ge::Operator made;
    if (stateless) {
      made = fill(ge::op::StatelessCase("case").create_dynamic_input_input(1).create_dynamic_output_output(1)
                      .create_dynamic_subgraph_branches(4));
    } else {
      made = fill(ge::op::Case("case").create_dynamic_input_input(1).create_dynamic_output_output(1)
                      .create_dynamic_subgraph_branches(4));
    }
    Add(session, 1, Built("case", {i, x}, {made}));
    for (int32_t index : {0, 1, 2, 3, 4, -1}) {
      const float want = factors[index < 0 || index > 3 ? 3 : static_cast<size_t>(index)];
      EXPECT_EQ(Run(session, 1, {Int(index), HostTensor({2}, {1, -1})}), (std::vector<float>{want, -want})) << index;
      EXPECT_EQ(Value(session, "taken"), (std::vector<float>{want})) << index;
    }
  }
}

// while (x < limit) { x *= 2; turns += 1; }
TEST_F(ControlFlow, AWhileCountsItsTurnsInAVariable) {
  ge::Session session(Options{});
  auto x = MakeData("x", 0, {1}), limit = MakeData("limit", 1, {1});
  auto loop = ge::op::While("while").create_dynamic_input_input(2).create_dynamic_output_output(2);
  loop.set_dynamic_input_input(0, x).set_dynamic_input_input(1, limit);
  loop.set_subgraph_builder_cond(Subgraph("cond", 2, [](auto& a) {
    return std::vector<ge::Operator>{Wire(ge::op::Less("less"), {{"x1", a[0]}, {"x2", a[1]}})};
  }));
  loop.set_subgraph_builder_body(Subgraph("body", 2, [](auto& a) {
    auto v = MakeVariable("turns", {1}).set_attr_value(HostTensor({1}, {0}));
    auto add = Wire(ge::op::AssignAdd("add"), {{"ref", v}, {"value", MakeConst("one", {1}, {1})}});
    auto y = Times(a[0], 2);
    y.AddControlInput(add);
    return std::vector<ge::Operator>{y, Times(a[1], 1, "same")};
  }));
  Add(session, 1, Built("while", {x, limit}, {loop}));
  std::vector<ge::Tensor> out;
  ASSERT_EQ(session.RunGraph(1, {HostTensor({1}, {3}), HostTensor({1}, {40})}, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(Floats(out.at(0)), (std::vector<float>{48}));
  EXPECT_EQ(Value(session, "turns"), (std::vector<float>{4}));
  ASSERT_EQ(session.RunGraph(1, {HostTensor({1}, {50}), HostTensor({1}, {40})}, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(Floats(out.at(0)), (std::vector<float>{50}));
  EXPECT_EQ(Value(session, "turns"), (std::vector<float>{4}));
}

// What the loop's variable is outside is what its body updates in place.
TEST_F(ControlFlow, ALoopUpdatesWhatItIsGiven) {
  ge::Session session(Options{});
  auto n = MakeData("n", 0, {1});
  auto v = MakeVariable("v", {2}).set_attr_value(HostTensor({2}, {1, 2}));
  auto loop = ge::op::StatelessWhile("while").create_dynamic_input_input(2).create_dynamic_output_output(2);
  loop.set_dynamic_input_input(0, n).set_dynamic_input_input(1, v);
  loop.set_subgraph_builder_cond(Subgraph("cond", 2, FirstIsPositive));
  loop.set_subgraph_builder_body(Subgraph("body", 2, [](auto& a) {
    auto add = Wire(ge::op::AssignAdd("add"), {{"ref", a[1]}, {"value", a[1]}});
    return std::vector<ge::Operator>{
        Wire(ge::op::Sub("less"), {{"x1", a[0]}, {"x2", MakeConst("one", {1}, {1})}}), add};
  }));
  Add(session, 1, Built("while", {n, v}, {loop}));
  std::vector<ge::Tensor> out;
  ASSERT_EQ(session.RunGraph(1, {HostTensor({1}, {3})}, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(Floats(out.at(1)), (std::vector<float>{8, 16}));
  EXPECT_EQ(Value(session, "v"), (std::vector<float>{8, 16}));
}

TEST_F(ControlFlow, ForCountsUpAndDown) {
  ge::Session session(Options{});
  auto start = MakeData("start", 0, {}, ge::DT_INT32), limit = MakeData("limit", 1, {}, ge::DT_INT32),
       delta = MakeData("delta", 2, {}, ge::DT_INT32), x = MakeData("x", 3, {1});
  auto loop = ge::op::For("for").create_dynamic_input_input(1).create_dynamic_output_output(1);
  loop.set_input_start(start).set_input_limit(limit).set_input_delta(delta).set_dynamic_input_input(0, x);
  loop.set_subgraph_builder_body(Subgraph("body", 2, [](auto& a) {  // 10 x + i
    auto i = Wire(ge::op::Cast("cast").set_attr_dst_type(ge::DT_FLOAT), {{"x", a[0]}});
    return std::vector<ge::Operator>{Plus(Times(a[1], 10), i)};
  }));
  Add(session, 1, Built("for", {start, limit, delta, x}, {loop}));
  auto run = [&](int32_t from, int32_t to, int32_t by) {
    return Run(session, 1, {Int(from), Int(to), Int(by), HostTensor({1}, {0})});
  };
  EXPECT_EQ(run(1, 4, 1), (std::vector<float>{123}));
  EXPECT_EQ(run(5, 0, -2), (std::vector<float>{531}));
  EXPECT_EQ(run(4, 4, 1), (std::vector<float>{0}));
  EXPECT_EQ(run(4, 1, 1), (std::vector<float>{0}));
}

// The call writes the caller's device buffer through its argument.
TEST_F(ControlFlow, ACallWritesItsArgument) {
  ge::Session session(Options{});
  auto x = MakeData("x", 0, {2});
  auto inner = [](auto& a) {
    auto call = ge::op::StatefulPartitionedCall("inner").create_dynamic_input_args(1).create_dynamic_output_output(1);
    call.set_dynamic_input_args(0, a[0]);
    call.set_subgraph_builder_f(Subgraph("g", 1, [](auto& b) {
      return std::vector<ge::Operator>{
          Wire(ge::op::AssignAdd("add"), {{"ref", b[0]}, {"value", MakeConst("c", {2}, {1, 10})}})};
    }));
    return std::vector<ge::Operator>{Times(call, 3)};
  };
  auto call = ge::op::PartitionedCall("call").create_dynamic_input_args(1).create_dynamic_output_output(1);
  call.set_dynamic_input_args(0, x);
  call.set_subgraph_builder_f(Subgraph("f", 1, inner));
  Load(session, 1, Built("call", {x}, {call}), stream_);
  DeviceTensor buffer{ge::DT_FLOAT, {2}, 4}, y{ge::DT_FLOAT, {2}, 4};
  buffer.Set<float>({5, 6});
  auto in = Views({&buffer}), out = Views({&y});
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(y.Get<float>(), (std::vector<float>{18, 48}));
  EXPECT_EQ(buffer.Get<float>(), (std::vector<float>{6, 16}));
}

// while (n > 0) { n -= 1; x *= 2; v += 1; }, as its x
ge::Operator Doubled(ge::Operator n, ge::Operator x) {
  auto loop = ge::op::While("loop").create_dynamic_input_input(2).create_dynamic_output_output(2);
  loop.set_dynamic_input_input(0, n).set_dynamic_input_input(1, x);
  loop.set_subgraph_builder_cond(Subgraph("more", 2, FirstIsPositive));
  loop.set_subgraph_builder_body(Subgraph("body", 2, [](auto& a) {
    auto v = MakeVariable("turns", {1}).set_attr_value(HostTensor({1}, {0}));
    auto add = Wire(ge::op::AssignAdd("count"), {{"ref", v}, {"value", MakeConst("one", {1}, {1})}});
    auto less = Wire(ge::op::Sub("less"), {{"x1", a[0]}, {"x2", MakeConst("one", {1}, {1})}});
    less.AddControlInput(add);
    return std::vector<ge::Operator>{less, Times(a[1], 2)};
  }));
  ge::op::Muls y("doubled");
  y.set_attr_value(1);
  y.SetInput("x", loop, 1u);
  return y;
}

// A Case whose branch is an If whose branch calls a graph that loops and writes a variable.
TEST_F(ControlFlow, AllOfThemInsideEachOther) {
  const auto called = [](auto& a) { return std::vector<ge::Operator>{Doubled(a[0], a[1])}; };
  const auto calls = [=](auto& a) {
    auto call = ge::op::PartitionedCall("call").create_dynamic_input_args(2).create_dynamic_output_output(1);
    call.set_dynamic_input_args(0, a[0]).set_dynamic_input_args(1, a[1]);
    call.set_subgraph_builder_f(Subgraph("called", 2, called));
    return std::vector<ge::Operator>{call};
  };
  const auto triples = [](auto& a) { return std::vector<ge::Operator>{Times(a[1], 3)}; };
  const auto chooses = [=](auto& a) {
    auto choice = ge::op::If("if").create_dynamic_input_input(2).create_dynamic_output_output(1);
    choice.set_input_cond(a[0]).set_dynamic_input_input(0, a[1]).set_dynamic_input_input(1, a[2]);
    choice.set_subgraph_builder_then_branch(Subgraph("then", 2, calls));
    choice.set_subgraph_builder_else_branch(Subgraph("else", 2, triples));
    return std::vector<ge::Operator>{choice};
  };
  const auto sevenfold = [](auto& a) { return std::vector<ge::Operator>{Times(a[2], 7)}; };
  for (int64_t extent : {2, -1}) {
    ge::Session session(Options{});
    auto i = MakeData("i", 0, {}, ge::DT_INT32), c = MakeData("c", 1, {}, ge::DT_INT32);
    auto n = MakeData("n", 2, {1}), x = MakeData("x", 3, {extent});
    auto outer = ge::op::Case("case").create_dynamic_input_input(3).create_dynamic_output_output(1)
                     .create_dynamic_subgraph_branches(2);
    outer.set_input_branch_index(i).set_dynamic_input_input(0, c).set_dynamic_input_input(1, n)
        .set_dynamic_input_input(2, x);
    outer.set_dynamic_subgraph_builder_branches(0, Subgraph("chooses", 3, chooses));
    outer.set_dynamic_subgraph_builder_branches(1, Subgraph("sevenfold", 3, sevenfold));
    Add(session, 1, Built("all", {i, c, n, x}, {outer}));
    const auto run = [&](int32_t index, int32_t cond, float turns, std::vector<float> values) {
      const auto rows = static_cast<int64_t>(values.size());
      return Run(session, 1, {Int(index), Int(cond), HostTensor({1}, {turns}), HostTensor({rows}, values)});
    };
    EXPECT_EQ(run(0, 1, 3, {1, 5}), (std::vector<float>{8, 40}));
    EXPECT_EQ(Value(session, "turns"), (std::vector<float>{3}));
    EXPECT_EQ(run(0, 0, 3, {1, 5}), (std::vector<float>{3, 15}));
    EXPECT_EQ(run(1, 1, 3, {1, 5}), (std::vector<float>{7, 35}));
    EXPECT_EQ(run(0, 1, 0, {1, 5}), (std::vector<float>{1, 5}));
    if (extent < 0) {
      EXPECT_EQ(run(0, 1, 2, {1, 2, 3}), (std::vector<float>{4, 8, 12}));
    }
    EXPECT_EQ(Value(session, "turns"), (std::vector<float>{extent < 0 ? 5.0f : 3.0f}));
  }
}

TEST_F(ControlFlow, WhatIsRefused) {
  ge::Session session(Options{});
  auto x = MakeData("x", 0, {1});
  auto loop = ge::op::While("loop").create_dynamic_input_input(1).create_dynamic_output_output(1);
  loop.set_dynamic_input_input(0, x);
  loop.set_subgraph_builder_cond(Subgraph("cond", 1, [](auto& a) {
    return std::vector<ge::Operator>{Wire(ge::op::Assign("set"), {{"ref", a[0]}, {"value", MakeConst("c", {1}, {0})}})};
  }));
  loop.set_subgraph_builder_body(
      Subgraph("body", 1, [](auto& a) { return std::vector<ge::Operator>{Times(a[0], 2)}; }));
  Expect(session, 1, Built("cond", {x}, {loop}), {"loop", "a loop condition that writes memory"});

  auto y = MakeData("y", 0, {1});
  auto other = ge::op::While("other").create_dynamic_input_input(1).create_dynamic_output_output(1);
  other.set_dynamic_input_input(0, y);
  other.set_subgraph_builder_cond(Subgraph("cond", 1, [](auto& a) {
    return std::vector<ge::Operator>{Wire(ge::op::Less("l"), {{"x1", a[0]}, {"x2", MakeConst("c", {1}, {9})}})};
  }));
  other.set_subgraph_builder_body(Subgraph("body", 1, [](auto& a) {
    auto set = Wire(ge::op::AssignAdd("set"), {{"ref", a[0]}, {"value", MakeConst("c", {1}, {1})}});
    return std::vector<ge::Operator>{Times(set, 2)};
  }));
  Expect(session, 2, Built("body", {y}, {other}), {"other", "writes its input 0 and gives another value"});
}

}  // namespace
}  // namespace belay_test
