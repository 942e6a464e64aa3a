// One illegal graph per rule, and what the verifier says.
#include <gtest/gtest.h>

#include "graph/graph.h"

namespace belay {
namespace {

struct Illegal {
  const char* text;
  const char* message;
};
class Verifier : public testing::TestWithParam<Illegal> {};

TEST_P(Verifier, SaysWhatIsWrong) {
  Result<std::unique_ptr<Graph>> graph = ParseGraph(GetParam().text);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  const Status status = VerifyGraph(**graph);
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_NE(status.message().find(GetParam().message), std::string::npos) << status.message();
}

INSTANTIATE_TEST_SUITE_P(
    All, Verifier,
    testing::Values(
        Illegal{"(x: f32[2], y: f32[3]) { z: f32[2] = add(x, y) return z }",
                "operand 1 has shape [3], the result [2]"},
        Illegal{"(x: f32[2], y: i32[2]) { z: f32[2] = add(x, y) return z }",
                "operands are f32 and i32"},
        Illegal{"(x: f32[2]) { z: f32[2] = add(x) return z }", "has 1 inputs"},
        Illegal{"(x: f32[2]) { z: f32[2] = lt(x, x) return z }",
                "the result is f32, but must be b"},
        Illegal{"(x: f32[2]) { z: f32[2] = select(x, x, x) return z }",
                "the condition is not bool"},
        Illegal{"(x: f32[2]) { z: i64[2] = bitcast(x) return z }", "a bitcast changes the width"},
        Illegal{"(x: f32[2,3]) { z: f32[3,2] = transpose(x) axes=[0,0] return z }",
                "no permutation"},
        Illegal{"(x: f32[2,3]) { z: f32[2,3] = transpose(x) axes=[1,0] return z }",
                "follow the permutation"},
        Illegal{"(x: f32[2]) { z: f32[4] = broadcast(x) return z }", "does not broadcast"},
        Illegal{"(x: f32[2]) { z: f16[2] = reshape(x) return z }", "changes the dtype"},
        Illegal{"(x: f32[4]) { z: f32[2] = slice(x) starts=[0] return z }",
                "starts and steps miss dims"},
        Illegal{"(x: f32[2,3], y: f32[2,4]) { z: f32[4,3] = concat(x, y) axes=[0] return z }",
                "a part has extent 4"},
        Illegal{"(x: f32[4], i: f32[2]) { z: f32[2] = gather(x, i) axes=[-1] return z }",
                "indices are f32"},
        Illegal{"(x: f32[4], i: i64[2]) { z: f32[2] = gather(x, i) axes=[-2] return z }",
                "axis -2 names neither"},
        Illegal{"(x: f32[4], i: i64[3]) { z: f32[2] = gather(x, i) axes=[-1] return z }",
                "another shape"},
        Illegal{
            "(x: f32[4], u: f16[2], i: i64[2]) { z: f32[4] = scatter(x, u, i) axes=[-1] return z }",
            "updates have another dtype"},
        Illegal{"(x: f32[2,3]) { z: f32[3] = reduce(x) kind=sum axes=[1] return z }",
                "follow the axes"},
        Illegal{"(x: f32[2,3]) { z: f32[2] = reduce(x) kind=sum axes=[2] return z }",
                "axis 2 is outside rank 2"},
        Illegal{"(x: f32[2,3]) { z: f32[2] = reduce(x) kind=argmax axes=[1] return z }",
                "another dtype"},
        Illegal{"(x: f32[2,3]) { z: f32[2] = reduce(x) axes=[1] return z }", "no kind"},
        Illegal{"(x: f32[2,3], y: f32[3,4]) { z: f32[2,5] = contract(x, y) return z }",
                "rows and columns"},
        Illegal{"(x: f32[1,4,4,2], w: f32[1,1,2,2]) { z: f32[1,4,4,2] = conv(x, w) return z }",
                "no window"},
        Illegal{"(x: f32[1,4,1], w: f32[1,1,1]) { z: f32[1,4,1] = conv(x, w) kernel=[1] strides=[1] dilations=[1] "
                "pads=[0] groups=1 fill=3 return z }",
                "only windows over bytes"},
        Illegal{"(c: b[], x: f32[2]) { z: f32[2] = if(c, x) types=[f32[2]] (x: f32[2]) { return x "
                "} return z }",
                "needs two subgraphs"},
        Illegal{"(x: f32[2], y: f32[3]) { return x store x = y }", "a store of f32[3] to input 0"},
        Illegal{"(x: f32[2], y: f32[2]) { return store x = y store x = x }", "stored to twice"},
        Illegal{"(x: f32[2]) { y: f32[2] = exp(x) home=x return store x = y }", "only a kernel"},
        Illegal{"(x: f32[2]) { y: f32[2] = fused(x) home=x (x: f32[2]) { a: f32[2] = slice(x) "
                "starts=[1] steps=[-1] return a } return store x = y }",
                "reads its home after writing"},
        Illegal{"(x: f32[2]) { y: f32[2] = fused(x) home=x (x: f32[2]) { a: f32[2] = exp(x) "
                "return a } return x store x = y }",
                "an output reads its home"},
        Illegal{"(x: f32[2]) { y: f32[2] = fused(x) home=x (x: f32[2]) { a: f32[2] = exp(x) "
                "return a } z: f32[2] = fused(x) (x: f32[2]) { a: f32[2] = exp(x) return a } "
                "return z store x = y }",
                "its home is read later"}));

TEST(VerifierLegal, AcceptsWhatItShould) {
  Result<std::unique_ptr<Graph>> graph = ParseGraph(
      "(x: f32[2,s0], i: i64[2,5]) {\n"
      "  t: f32[s0,2] = transpose(x) axes=[1,0]\n"
      "  c: f32[2,2] = contract(x, t)\n"
      "  g: f32[2,5] = gather(c, i) axes=[0,-1]\n"
      "  r: i64[2] = reduce(g) kind=argmax axes=[1]\n"
      "  return r\n}");
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_EQ(VerifyGraph(**graph).ToString(), "ok");
}

}  // namespace
}  // namespace belay
