#include <gtest/gtest.h>

#include "graph/graph.h"
#include "random/generator.h"

namespace belay {
namespace {

std::string Canonical(const Graph& graph) { return PrintGraph(*RewriteGraph(graph, nullptr)); }

TEST(Text, WhatIsPrintedReadsBack) {
  int whole = 0;
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    const std::string text = Canonical(*GenerateGraph(seed, false).graph);
    if (text.find("elements>") != std::string::npos)
      continue;  // a constant that is not printed whole
    Result<std::unique_ptr<Graph>> read = ParseGraph(text);
    ASSERT_TRUE(read.ok()) << read.status().ToString() << "\n" << text;
    EXPECT_EQ(Canonical(**read), text);
    ++whole;
  }
  EXPECT_GT(whole, 40);
}

TEST(Text, SymbolsAreBoundToTheirFirstInput) {
  Result<std::unique_ptr<Graph>> graph =
      ParseGraph("(x: f32[2,s1], y: f32[s0,s1]) { return x, y }");
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  ASSERT_EQ((*graph)->symbols.size(), 2u);
  EXPECT_EQ((*graph)->symbols[0].input, 1);
  EXPECT_EQ((*graph)->symbols[0].dim, 0);
  EXPECT_EQ((*graph)->symbols[1].input, 0);
  EXPECT_EQ((*graph)->symbols[1].dim, 1);
}

TEST(Text, CallsAndSubgraphsReadBack) {
  const std::string text =
      "(x0: f32[4], x1: b[]) {\n"
      "  v2: f32[s0] = call.some_function(x0) types=[f32[s0],i64[2*s0+1]] binds=[0] mode=3\n"
      "  v3: i64[2*s0+1] = get(v2) index=1\n"
      "  v4: f32[4] = if(x1, x0) types=[f32[4]]\n"
      "    (x0: f32[4]) {\n      v1: f32[4] = neg(x0)\n      return v1\n    }\n"
      "    (x0: f32[4]) {\n      return x0\n    }\n"
      "  return v3, v4\n}";
  Result<std::unique_ptr<Graph>> graph = ParseGraph(text);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_EQ(PrintGraph(**graph), text);
}

TEST(Text, StoresReadBack) {
  const std::string text =
      "(x0: f32[4]) {\n"
      "  v1: f32[4] = fused(x0)\n"
      "    (x0: f32[4]) {\n      v1: f32[4] = exp(x0)\n      return v1\n    }\n"
      "  v2: f32[4] = fused(x0) home=x0 after=[v1]\n"
      "    (x0: f32[4]) {\n      v1: f32[4] = neg(x0)\n      return v1\n    }\n"
      "  return v1\n"
      "  store x0 = v2\n}";
  Result<std::unique_ptr<Graph>> graph = ParseGraph(text);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_EQ(PrintGraph(**graph), text);
  EXPECT_EQ(VerifyGraph(**graph).ToString(), "ok");
}

struct BadText {
  const char* text;
  const char* message;
};
class TextErrors : public testing::TestWithParam<BadText> {};
TEST_P(TextErrors, AreNamed) {
  Result<std::unique_ptr<Graph>> graph = ParseGraph(GetParam().text);
  ASSERT_FALSE(graph.ok());
  EXPECT_NE(graph.status().message().find(GetParam().message), std::string::npos)
      << graph.status().message();
}
INSTANTIATE_TEST_SUITE_P(
    All, TextErrors,
    testing::Values(
        BadText{"", "expected '('"}, BadText{"(x: f33[2]) { return x }", "unknown dtype f33"},
        BadText{"(x: f32[2]) { return y }", "nothing is called y"},
        BadText{"(x: f32[2]) {\n y: f32[2] = frob(x)\n return y }",
                "line 2: unknown operation frob"},
        BadText{"(x: f32[2]) { return x } x", "text after the graph"},
        BadText{"() { c: f32[3] = const() value=[1,2] return c }", "another number of elements"},
        BadText{"() { c: f32[300] = const() value=<300 elements> return c }", "not printed whole"},
        BadText{"(x: f32[s99999999]) { return x }", "symbol's number"},
        BadText{"(x: f32[2]) { y: f32[] = reduce(x) kind=average axes=[0] return y }",
                "unknown kind average"}));

}  // namespace
}  // namespace belay
