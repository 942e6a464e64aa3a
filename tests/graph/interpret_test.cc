// The interpreter against numbers worked out by hand: it judges everything else, so nothing of ours
// judges it.
#include "graph/interpret.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace belay {
namespace {

LiteralPtr F(std::vector<int64_t> dims, const std::vector<double>& values,
             DType dtype = DType::kF32) {
  return LiteralFromDoubles(dtype, std::move(dims), values);
}
LiteralPtr I(std::vector<int64_t> dims, const std::vector<int64_t>& values,
             DType dtype = DType::kI64) {
  return LiteralFromInts(dtype, std::move(dims), values);
}

Result<std::vector<LiteralPtr>> Evaluate(const std::string& text,
                                         const std::vector<LiteralPtr>& inputs) {
  Result<std::unique_ptr<Graph>> graph = ParseGraph(text);
  if (!graph.ok()) return graph.status();
  return Interpret(**graph, inputs);
}

void ExpectNumbers(const std::string& text, const std::vector<LiteralPtr>& inputs,
                   const std::vector<double>& want) {
  const Result<std::vector<LiteralPtr>> out = Evaluate(text, inputs);
  ASSERT_TRUE(out.ok()) << out.status().ToString() << "\n" << text;
  const std::vector<double> got = LiteralToDoubles(*(*out)[0]);
  ASSERT_EQ(got.size(), want.size()) << text;
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(want[i])) {
      EXPECT_TRUE(std::isnan(got[i])) << text << " element " << i << " is " << got[i];
    } else {
      EXPECT_EQ(got[i], want[i]) << text << " element " << i;
    }
  }
}

std::string Unary(const std::string& op, const std::string& from, const std::string& to, int n) {
  return fmt::format("(x: {0}[{3}]) {{ y: {1}[{3}] = {2}(x) return y }}", from, to, op, n);
}
std::string Binary(const std::string& op, const std::string& from, const std::string& to, int n) {
  return fmt::format("(x: {0}[{3}], y: {0}[{3}]) {{ z: {1}[{3}] = {2}(x, y) return z }}", from, to,
                     op, n);
}

// Larger than the squares that transpositions are copied by; each element says where it was.
TEST(Interpret, EveryElementOfAViewMovesToItsPlace) {
  const std::vector<int64_t> dims = {5, 18, 3, 37};
  std::vector<int64_t> axes = {0, 1, 2, 3};
  std::vector<int64_t> numbers(5 * 18 * 3 * 37);
  for (DType dtype : {DType::kU8, DType::kU16, DType::kI32, DType::kI64}) {
    const int64_t numbers_of_type = dtype == DType::kU8 ? 251 : 1 << 16;
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int64_t>(i) % numbers_of_type;
    const LiteralPtr x = I(dims, numbers, dtype);
    do {
      std::vector<int64_t> to(4);
      for (int d = 0; d < 4; ++d) to[d] = dims[axes[d]];
      const auto out = Evaluate(
          fmt::format("(x: {0}[5,18,3,37]) {{ y: {0}[{1}] = transpose(x) axes=[{2}] return y }}", DTypeName(dtype),
                      fmt::join(to, ","), fmt::join(axes, ",")), {x});
      ASSERT_TRUE(out.ok()) << out.status().ToString();
      const std::vector<int64_t> got = LiteralToInts(*(*out)[0]);
      ASSERT_EQ(got.size(), numbers.size());
      for (size_t i = 0; i < got.size(); ++i) {
        int64_t index[4], rest = static_cast<int64_t>(i);
        for (int d = 3; d >= 0; rest /= to[d--]) index[axes[d]] = rest % to[d];
        const int64_t want = ((index[0] * 18 + index[1]) * 3 + index[2]) * 37 + index[3];
        ASSERT_EQ(got[i], want % numbers_of_type) << fmt::format("axes {} element {}", fmt::join(axes, ","), i);
      }
    } while (std::next_permutation(axes.begin(), axes.end()));
  }
}

// Maps spread what a broadcast repeats themselves, some elements at a time: more than one part, and rows that end in
// the middle of one.
TEST(Interpret, AMapReadsWhatABroadcastRepeats) {
  const std::vector<int64_t> dims = {7, 5, 3, 101};
  std::vector<int64_t> numbers(7 * 5 * 3 * 101);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int64_t>(i % 1000);
  for (DType dtype : {DType::kF16, DType::kF32, DType::kF64, DType::kI16, DType::kI64}) {
    const LiteralPtr x = LiteralFromDoubles(dtype, dims, std::vector<double>(numbers.begin(), numbers.end()));
    for (int repeated = 0; repeated < 16; ++repeated) {
      std::vector<int64_t> small = dims;
      int64_t count = 1;
      for (int d = 0; d < 4; ++d) {
        if (repeated >> d & 1) small[d] = 1;
        count *= small[d];
      }
      std::vector<double> values(count);
      for (int64_t i = 0; i < count; ++i) values[i] = static_cast<double>(i % 17);
      const auto out = Evaluate(
          fmt::format("(x: {0}[7,5,3,101], s: {0}[{1}]) {{ b: {0}[7,5,3,101] = broadcast(s) y: {0}[7,5,3,101] = "
                      "sub(b, x) return y }}",
                      DTypeName(dtype), fmt::join(small, ",")),
          {x, LiteralFromDoubles(dtype, small, values)});
      ASSERT_TRUE(out.ok()) << out.status().ToString();
      const std::vector<double> got = LiteralToDoubles(*(*out)[0]);
      for (size_t i = 0; i < got.size(); ++i) {
        int64_t at = 0, index[4], rest = static_cast<int64_t>(i);
        for (int d = 3; d >= 0; rest /= dims[d--]) index[d] = rest % dims[d];
        for (int d = 0; d < 4; ++d) at = at * small[d] + (small[d] == 1 ? 0 : index[d]);
        ASSERT_EQ(got[i], values[at] - static_cast<double>(numbers[i]))
            << fmt::format("[{}] element {}", fmt::join(small, ","), i);
      }
    }
  }
}

TEST(Interpret, IntegersWrapAndNeverTrap) {
  ExpectNumbers(Binary("add", "i8", "i8", 2),
                {I({2}, {127, -128}, DType::kI8), I({2}, {1, -1}, DType::kI8)}, {-128, 127});
  ExpectNumbers(Binary("mul", "u8", "u8", 1), {I({1}, {200}, DType::kU8), I({1}, {2}, DType::kU8)},
                {144});
  ExpectNumbers(Binary("div", "i32", "i32", 4),
                {I({4}, {7, -7, 5, INT32_MIN}, DType::kI32), I({4}, {2, 2, 0, -1}, DType::kI32)},
                {3, -3, 0, INT32_MIN});
  ExpectNumbers(Binary("floordiv", "i64", "i64", 3), {I({3}, {7, -7, -7}), I({3}, {-2, 2, -2})},
                {-4, -4, 3});
  ExpectNumbers(Binary("mod", "i64", "i64", 4), {I({4}, {7, -7, 7, 7}), I({4}, {3, 3, -3, 0})},
                {1, 2, -2, 0});
  ExpectNumbers(Binary("fmod", "i64", "i64", 3), {I({3}, {7, -7, 7}), I({3}, {3, 3, -3})},
                {1, -1, 1});
  ExpectNumbers(Binary("pow", "i64", "i64", 4), {I({4}, {3, 2, -1, 2}), I({4}, {4, -1, -3, 0})},
                {81, 0, -1, 1});
  ExpectNumbers(Binary("shl", "i8", "i8", 3),
                {I({3}, {1, 1, 3}, DType::kI8), I({3}, {7, 8, -1}, DType::kI8)}, {-128, 0, 0});
  ExpectNumbers(Binary("shr", "i32", "i32", 2),
                {I({2}, {-8, -8}, DType::kI32), I({2}, {1, 40}, DType::kI32)}, {-4, -1});
  ExpectNumbers(Binary("lt", "u64", "b", 1), {I({1}, {-1}, DType::kU64), I({1}, {1}, DType::kU64)},
                {0});
}

TEST(Interpret, FloatsFollowTheNanRules) {
  const LiteralPtr a = F({4}, {NAN, 1, -1, 2}), b = F({4}, {1, NAN, 3, -5});
  ExpectNumbers(Binary("max", "f32", "f32", 4), {a, b}, {NAN, NAN, 3, 2});
  ExpectNumbers(Binary("min", "f32", "f32", 4), {a, b}, {NAN, NAN, -1, -5});
  ExpectNumbers(Binary("eq", "f32", "b", 4), {a, a}, {0, 1, 1, 1});
  ExpectNumbers(Binary("ne", "f32", "b", 4), {a, a}, {1, 0, 0, 0});
  ExpectNumbers(Unary("sign", "f32", "f32", 4), {a}, {NAN, 1, -1, 1});
  ExpectNumbers(Unary("round", "f32", "f32", 4), {F({4}, {0.5, 1.5, 2.5, -0.5})}, {0, 2, 2, 0});
  ExpectNumbers(Unary("isinf", "f32", "b", 4), {F({4}, {INFINITY, 0, -INFINITY, NAN})},
                {1, 0, 1, 0});
  ExpectNumbers("(x: f32[3]) { y: f32[] = reduce(x) kind=max axes=[0] return y }",
                {F({3}, {1, NAN, 5})}, {NAN});
}

TEST(Interpret, CastsTruncateSaturateAndWrap) {
  const LiteralPtr x = F({5}, {1.9, -1.9, 300, NAN, -1e30});
  ExpectNumbers(Unary("cast", "f32", "i8", 5), {x}, {1, -1, 127, 0, -128});
  ExpectNumbers(Unary("cast", "f32", "u8", 5), {x}, {1, 0, 255, 0, 0});
  ExpectNumbers(Unary("cast", "f32", "b", 5), {x}, {1, 1, 1, 1, 1});
  ExpectNumbers(Unary("cast", "i32", "i8", 2), {I({2}, {300, -129}, DType::kI32)}, {44, 127});
  // 1 + 2^-11 lies between two f16 and goes to the even one, 1 + 3 * 2^-11 up; a hair above the
  // middle goes up.
  ExpectNumbers(Unary("cast", "f64", "f16", 3),
                {F({3}, {1 + 0x1p-11, 1 + 0x1.8p-10, 1 + 0x1p-11 + 0x1p-40}, DType::kF64)},
                {1, 1 + 0x1p-9, 1 + 0x1p-10});
}

TEST(Interpret, ViewsMoveElements) {
  const LiteralPtr x = F({2, 3}, {0, 1, 2, 3, 4, 5});
  ExpectNumbers("(x: f32[2,3]) { y: f32[3,2] = transpose(x) axes=[1,0] return y }", {x},
                {0, 3, 1, 4, 2, 5});
  ExpectNumbers("(x: f32[2,3]) { y: f32[2,2] = slice(x) starts=[1,2] steps=[-1,-2] return y }", {x},
                {5, 3, 2, 0});
  ExpectNumbers("(x: f32[2,1]) { y: f32[2,2] = broadcast(x) return y }", {F({2, 1}, {7, 8})},
                {7, 7, 8, 8});
  ExpectNumbers("(x: f32[2], f: f32[]) { y: f32[6] = pad(x, f) starts=[1] steps=[2] return y }",
                {F({2}, {1, 2}), F({}, {9})}, {9, 1, 9, 2, 9, 9});
  ExpectNumbers("(x: f32[3], f: f32[]) { y: f32[1] = pad(x, f) starts=[-1] steps=[1] return y }",
                {F({3}, {1, 2, 3}), F({}, {9})}, {2});
  ExpectNumbers("(x: f32[2,1], y: f32[2,2]) { z: f32[2,3] = concat(x, y) axes=[1] return z }",
                {F({2, 1}, {1, 2}), F({2, 2}, {3, 4, 5, 6})}, {1, 3, 4, 2, 5, 6});
  ExpectNumbers("() { y: i64[2,3] = iota() axes=[1] return y }", {}, {0, 1, 2, 0, 1, 2});
}

TEST(Interpret, SymbolsTakeTheirValuesFromTheInputs) {
  ExpectNumbers("(x: f32[s0]) { d: i64[2] = dims() starts=[s0,2*s0+1] return d }",
                {F({5}, {0, 0, 0, 0, 0})}, {5, 11});
}

TEST(Interpret, IndexingReadsAndWritesByCoordinates) {
  ExpectNumbers("(x: f32[2,3], i: i64[2,2]) { y: f32[2,2] = gather(x, i) axes=[0,-1] return y }",
                {F({2, 3}, {0, 1, 2, 3, 4, 5}), I({2, 2}, {2, 0, 1, 1})}, {2, 0, 4, 4});
  const std::string scatter =
      "(x: f32[3], u: f32[2], i: i64[2]) {{ y: f32[3] = scatter(x, u, i){} axes=[-1] return y }}";
  const std::vector<LiteralPtr> in = {F({3}, {1, 2, 3}), F({2}, {10, 20}), I({2}, {1, 1})};
  ExpectNumbers(fmt::format(fmt::runtime(scatter), ""), in, {1, 20, 3});
  ExpectNumbers(fmt::format(fmt::runtime(scatter), " kind=sum"), in, {1, 32, 3});
  ExpectNumbers(fmt::format(fmt::runtime(scatter), " kind=max"), in, {1, 20, 3});
}

TEST(Interpret, AnIndexOutsideIsAnErrorThatNamesBoth) {
  const Result<std::vector<LiteralPtr>> out =
      Evaluate("(x: f32[3], i: i64[1]) { y: f32[1] = gather(x, i) axes=[-1] return y }",
               {F({3}, {1, 2, 3}), I({1}, {3})});
  ASSERT_FALSE(out.ok());
  EXPECT_NE(out.status().message().find("index 3 is outside axis 0 with extent 3"),
            std::string::npos)
      << out.status().message();
}

TEST(Interpret, ReductionsAndScans) {
  const LiteralPtr x = F({2, 3}, {1, 5, 5, 4, 2, 4});
  ExpectNumbers("(x: f32[2,3]) { y: f32[3] = reduce(x) kind=sum axes=[0] return y }", {x},
                {5, 7, 9});
  ExpectNumbers("(x: f32[2,3]) { y: f32[] = reduce(x) kind=prod axes=[0,1] return y }", {x}, {800});
  ExpectNumbers("(x: f32[2,3]) { y: i64[2] = reduce(x) kind=argmax axes=[1] return y }", {x},
                {1, 0});
  ExpectNumbers("(x: f32[2,3]) { y: i64[2] = reduce(x) kind=argmax flags=4 axes=[1] return y }",
                {x}, {2, 2});
  ExpectNumbers("(x: i8[3]) { y: i8[] = reduce(x) kind=sum axes=[0] return y }",
                {I({3}, {100, 100, 1}, DType::kI8)}, {-55});
  ExpectNumbers("(x: f32[0]) { y: f32[] = reduce(x) kind=max axes=[0] return y }", {F({0}, {})},
                {-INFINITY});
  ExpectNumbers("(x: f32[3]) { y: f32[3] = scan(x) kind=sum axes=[0] return y }",
                {F({3}, {1, 2, 3})}, {1, 3, 6});
  ExpectNumbers("(x: f32[3]) { y: f32[3] = scan(x) kind=sum flags=1 axes=[0] return y }",
                {F({3}, {1, 2, 3})}, {0, 1, 3});
  ExpectNumbers("(x: f32[3]) { y: f32[3] = scan(x) kind=sum flags=2 axes=[0] return y }",
                {F({3}, {1, 2, 3})}, {6, 5, 3});
}

TEST(Interpret, ContractionsAndWindows) {
  ExpectNumbers("(a: f32[2,2], b: f32[2,2]) { y: f32[2,2] = contract(a, b) return y }",
                {F({2, 2}, {1, 2, 3, 4}), F({2, 2}, {5, 6, 7, 8})}, {19, 22, 43, 50});
  // A 2-wide filter over [1,2,3,4] with a zero in front.
  ExpectNumbers(
      "(x: f32[1,4,1], w: f32[2,1,1]) { y: f32[1,4,1] = conv(x, w) kernel=[2] strides=[1] "
      "dilations=[1] "
      "pads=[1] groups=1 return y }",
      {F({1, 4, 1}, {1, 2, 3, 4}), F({2, 1, 1}, {10, 1})}, {1, 12, 23, 34});
  // Cells outside x count as 7.
  ExpectNumbers(
      "(x: u8[1,3,1], w: i8[3,1,1]) { y: i32[1,3,1] = conv(x, w) kernel=[3] strides=[1] dilations=[1] pads=[1] "
      "groups=1 fill=7 return y }",
      {LiteralFromInts(DType::kU8, {1, 3, 1}, {1, 2, 250}), LiteralFromInts(DType::kI8, {3, 1, 1}, {1, -1, 2})},
      {10, 499, -234});
  // Depthwise: two channels, a filter each.
  ExpectNumbers(
      "(x: f32[1,2,2], w: f32[2,1,2]) { y: f32[1,1,2] = conv(x, w) kernel=[2] strides=[1] "
      "dilations=[1] "
      "pads=[0] groups=2 return y }",
      {F({1, 2, 2}, {1, 2, 3, 4}), F({2, 1, 2}, {1, 10, 1, 10})}, {4, 60});
  ExpectNumbers(
      "(x: f32[1,4,1]) { y: f32[1,2,1] = pool(x) kind=max kernel=[3] strides=[2] dilations=[1] "
      "pads=[1] "
      "groups=1 return y }",
      {F({1, 4, 1}, {-1, -2, -3, -4})}, {-1, -2});
  ExpectNumbers(
      "(x: f32[1,4,1]) { y: i64[1,2,1] = pool(x) kind=argmax kernel=[2] strides=[2] dilations=[1] "
      "pads=[0] "
      "groups=1 return y }",
      {F({1, 4, 1}, {1, 2, 4, 3})}, {1, 2});
}

TEST(Interpret, ControlFlowRunsOneBranchAndEndsLoops) {
  const std::string choose =
      "(c: b[], x: f32[1]) { z: f32[1] = if(c, x) types=[f32[1]] (x: f32[1]) { y: f32[1] = neg(x) "
      "return y }"
      " (x: f32[1]) { return x } return z }";
  ExpectNumbers(choose, {I({}, {1}, DType::kBool), F({1}, {3})}, {-3});
  ExpectNumbers(choose, {I({}, {0}, DType::kBool), F({1}, {3})}, {3});
  ExpectNumbers(
      "(x: i64[]) { z: i64[] = while(x) types=[i64[]]"
      " (x: i64[]) { l: i64[] = const() value=[100] c: b[] = lt(x, l) return c }"
      " (x: i64[]) { y: i64[] = add(x, x) return y } return z }",
      {I({}, {3})}, {192});
}

TEST(Interpret, RefusesInputsThatDoNotFit) {
  const Result<std::vector<LiteralPtr>> out =
      Evaluate("(x: f32[2]) { return x }", {F({3}, {1, 2, 3})});
  ASSERT_FALSE(out.ok());
  EXPECT_NE(out.status().message().find("f32[3], but must be f32[2]"), std::string::npos)
      << out.status().message();
}

}  // namespace
}  // namespace belay
