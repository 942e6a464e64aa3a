// Formulas found behind numbers, and calls of a node's own function.
#include "graph/shape_formula.h"

#include <gtest/gtest.h>

#include "graph/interpret.h"
#include "graph/library.h"

namespace belay {
namespace {

class Formula : public ::testing::Test {
 protected:
  Formula() {
    for (int i = 0; i < 3; ++i) graph_.symbols.push_back({"s", 0, i});
  }
  Dim S(int id) const { return Dim::Symbol(id); }
  std::vector<std::vector<int64_t>> Samples() const { return SampleExtents(graph_, {0, 1, 2}); }
  // What is found for the extent that `truth` computes from the symbols.
  std::string Find(const std::vector<Shape>& shapes, const std::function<int64_t(int64_t, int64_t, int64_t)>& truth) {
    std::vector<int64_t> wanted;
    for (const auto& s : Samples()) wanted.push_back(truth(s[0], s[1], s[2]));
    std::optional<Dim> found = FindFormula(shapes, Samples(), wanted);
    return found ? found->ToString() : "none";
  }

  Graph graph_;
};

TEST_F(Formula, Simple) {
  const std::vector<Shape> shapes = {{S(0), 3}, {S(1), S(2)}};
  EXPECT_EQ(Find(shapes, [](auto, auto, auto) { return 7; }), "7");
  EXPECT_EQ(Find(shapes, [](auto, auto b, auto) { return b; }), "s1");
  EXPECT_EQ(Find(shapes, [](auto a, auto, auto) { return 2 * a - 3; }), (Dim(2) * S(0) - Dim(3)).ToString());
  EXPECT_EQ(Find(shapes, [](auto a, auto, auto c) { return a * c + 1; }), (S(0) * S(2) + Dim(1)).ToString());
  EXPECT_EQ(Find(shapes, [](auto a, auto b, auto) { return a + b; }), (S(0) + S(1)).ToString());
  EXPECT_EQ(Find(shapes, [](auto a, auto b, auto) { return std::max(a, b); }), Max(S(0), S(1)).ToString());
}

TEST_F(Formula, Combined) {
  const std::vector<Shape> shapes = {{S(0), 4}, {S(1), S(2)}, {S(2)}};
  EXPECT_EQ(Find(shapes, [](auto a, auto b, auto c) { return a + b + c; }), (S(0) + S(1) + S(2)).ToString());
  const std::vector<Shape> one = {{S(0), S(1), S(2)}};
  EXPECT_EQ(Find(one, [](auto a, auto b, auto c) { return 3 * a * b * c; }),
            (Dim(3) * S(0) * S(1) * S(2)).ToString());
}

// Whatever its form, it has the right value at extents that were not asked for.
TEST_F(Formula, Quotients) {
  using Truth = std::function<int64_t(int64_t)>;
  const Truth truths[] = {
      [](int64_t n) { return n / 2; }, [](int64_t n) { return (n + 15) / 16 * 16; },
      [](int64_t n) { return (n + 2 - 3) / 2 + 1; }, [](int64_t n) { return 3 * ((n + 3) / 4) + 1; }};
  for (const Truth& truth : truths) {
    std::vector<int64_t> wanted;
    for (const auto& s : Samples()) wanted.push_back(truth(s[0]));
    std::optional<Dim> found = FindFormula({{S(0)}}, Samples(), wanted);
    ASSERT_TRUE(found.has_value());
    for (int64_t n = 1; n < 200; ++n) EXPECT_EQ(found->Evaluate({n, 0, 0}), truth(n)) << found->ToString();
  }
}

TEST_F(Formula, None) {
  EXPECT_EQ(Find({{S(0)}}, [](auto a, auto, auto) { return a * a % 7; }), "none");
  EXPECT_EQ(Find({{S(0)}}, [](auto, auto b, auto) { return b; }), "none");
}

TEST_F(Formula, SamplesKeepGuards) {
  graph_.guards.push_back({Equal(S(0), S(1)), true});
  const auto samples = Samples();
  ASSERT_GE(samples.size(), 3u);
  for (const auto& s : samples) EXPECT_EQ(s[0], s[1]);
}

TEST_F(Formula, HintsComeFirst) {
  for (int i = 0; i < 3; ++i) graph_.symbols[i].hint = 10 + i;
  EXPECT_EQ(Samples()[0], (std::vector<int64_t>{10, 11, 12}));
}

TEST(Guards, ATestStandsForTheCondition) {
  Guard guard;
  guard.test = std::make_shared<const std::function<bool(const std::vector<int64_t>&)>>(
      [](const std::vector<int64_t>& s) { return s[0] == 3; });
  EXPECT_TRUE(guard.Holds({3}));
  EXPECT_FALSE(guard.Holds({4}));
}

TEST(Calls, RunANodesOwnFunction) {
  Graph graph;
  Node* x = graph.AddInput(0, {DType::kF32, {2}});
  Node* call = graph.Add(Op::kCall, {x}, {DType::kF32, {2}});
  call->callee = "mine";
  call->call_types = {call->type};
  call->function = std::make_shared<const LibraryFn>([](LibraryCall& c) {
    for (int i = 0; i < 2; ++i) c.outputs[0].as<float>()[i] = 2 * c.inputs[0].as<float>()[i];
    return OkStatus();
  });
  graph.outputs = {call};
  auto y = Interpret(graph, {LiteralFromDoubles(DType::kF32, {2}, {1, 2})});
  ASSERT_TRUE(y.ok());
  EXPECT_EQ(LiteralToDoubles(*(*y)[0]), (std::vector<double>{2, 4}));
}

}  // namespace
}  // namespace belay
