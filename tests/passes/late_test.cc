// What fold-constants leaves for later: it has the values of an evaluation at once, and a name that tells it apart.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <set>

#include "compile/passes/passes.h"
#include "graph/builder.h"
#include "graph/interpret.h"

namespace belay {
namespace {

constexpr int64_t kRows = 150, kColumns = 170;  // 102 KB

LiteralPtr Ramp(std::vector<int64_t> dims, double first) {
  int64_t count = 1;
  for (int64_t d : dims) count *= d;
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(first + static_cast<double>(i % 997) / 8);
  return LiteralFromDoubles(DType::kF32, std::move(dims), values);
}

using Formula = std::function<Tensor(const Tensor& w, const Tensor& factors)>;

// The constant that the formula becomes.
LiteralPtr Folded(const Formula& formula, double first = 1, LiteralPtr* at_once = nullptr) {
  Graph graph;
  Builder b(&graph);
  graph.outputs = {formula(b.Constant(Ramp({kRows, kColumns}, first)), b.Constant(Ramp({kColumns}, 2))).node()};
  if (at_once) *at_once = (*Interpret(graph, {}))[0];
  const std::unique_ptr<Graph> folded = FoldConstants(graph);
  EXPECT_EQ(folded->outputs[0]->op, Op::kConst);
  return folded->outputs[0]->literal;
}

const Formula kFormulas[] = {
    [](const Tensor& w, const Tensor&) { return Transpose(w, {1, 0}); },
    [](const Tensor& w, const Tensor&) { return Transpose(Reshape(w, {kRows, 10, 17}), {1, 0, 2}); },
    [](const Tensor& w, const Tensor&) { return Transpose(Reshape(w, {kRows, 10, 17}), {2, 0, 1}); },
    [](const Tensor& w, const Tensor& factors) { return w * factors; },
    [](const Tensor& w, const Tensor& factors) { return w + factors; },
    [](const Tensor& w, const Tensor& factors) { return factors - w; },
    [](const Tensor& w, const Tensor& factors) { return w - factors; },
    [](const Tensor& w, const Tensor& factors) { return Transpose(w * factors, {1, 0}); },
    [](const Tensor& w, const Tensor& factors) { return Transpose(w * factors, {1, 0}) * 3.0; },
    [](const Tensor& w, const Tensor& factors) { return Transpose(w * factors, {1, 0}) * 4.0; },
};

TEST(Late, ValuesAreThoseOfAnEvaluationAtOnce) {
  for (size_t i = 0; i < std::size(kFormulas); ++i) {
    LiteralPtr wanted;
    const LiteralPtr folded = Folded(kFormulas[i], 1, &wanted);
    ASSERT_TRUE(folded->late) << i;
    ASSERT_EQ(folded->dims, wanted->dims) << i;
    const LiteralPtr held = Held(folded);
    EXPECT_EQ(std::memcmp(held->data(), wanted->data(), static_cast<size_t>(wanted->ByteSize())), 0) << i;
    EXPECT_EQ(folded->data(), held->data()) << i;
  }
}

TEST(Late, NamesTellFormulasAndOperandsApart) {
  std::set<ContentHash> names;
  for (const Formula& formula : kFormulas) {
    for (double first : {1.0, 5.0}) {
      const ContentHash name = HashOf(*Folded(formula, first));
      EXPECT_TRUE(names.insert(name).second);
      EXPECT_EQ(HashOf(*Folded(formula, first)), name);
    }
  }
}

TEST(Late, ReshapesShareTheBytes) {
  const LiteralPtr flat = Folded([](const Tensor& w, const Tensor& factors) {
    return Reshape(w * factors, {kRows * kColumns});
  });
  ASSERT_TRUE(flat->late);
  EXPECT_EQ(HashOf(*flat), HashOf(*Folded(kFormulas[3])));
  EXPECT_EQ(flat->dims, std::vector<int64_t>{kRows * kColumns});
}

}  // namespace
}  // namespace belay
