// Narrow numbers: the scalar conversions against numbers from the formats' definitions, the maps that graphs
// use against the scalar ones over every code, every half and everything near a rounding boundary.
#include "graph/narrow.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "base/half.h"
#include "graph/interpret.h"

namespace belay {
namespace {

constexpr double kInf = HUGE_VAL, kNan = NAN;

const std::vector<DType> kSmallFloats = {DType::kF8E4M3,     DType::kF8E5M2, DType::kF8E4M3FNUZ, DType::kF8E5M2FNUZ,
                                         DType::kF6E2M3,     DType::kF6E3M2, DType::kF4E2M1,     DType::kF8E8M0};
const std::vector<DType> kSmallInts = {DType::kI4, DType::kU4, DType::kI2, DType::kU2, DType::kU1};

struct Golden {
  DType dtype;
  int code;
  double value;
};
const Golden kGoldens[] = {
    {DType::kF8E4M3, 0x7e, 448},      {DType::kF8E4M3, 0x08, 0x1p-6},      {DType::kF8E4M3, 0x01, 0x1p-9},
    {DType::kF8E4M3, 0xb8, -1},       {DType::kF8E4M3, 0x7f, kNan},        {DType::kF8E5M2, 0x7b, 57344},
    {DType::kF8E5M2, 0x7c, kInf},     {DType::kF8E5M2, 0xfc, -kInf},       {DType::kF8E5M2, 0x7d, kNan},
    {DType::kF8E5M2, 0x01, 0x1p-16},  {DType::kF8E4M3FNUZ, 0x7f, 240},     {DType::kF8E4M3FNUZ, 0x80, kNan},
    {DType::kF8E4M3FNUZ, 0x01, 0x1p-10}, {DType::kF8E5M2FNUZ, 0xff, -57344}, {DType::kF8E5M2FNUZ, 0x80, kNan},
    {DType::kF6E2M3, 0x1f, 7.5},      {DType::kF6E2M3, 0x21, -0.125},      {DType::kF6E3M2, 0x1f, 28},
    {DType::kF6E3M2, 0x01, 0.0625},   {DType::kF4E2M1, 0x7, 6},            {DType::kF4E2M1, 0x9, -0.5},
    {DType::kF8E8M0, 0, 0x1p-127},    {DType::kF8E8M0, 254, 0x1p127},      {DType::kF8E8M0, 255, kNan},
    {DType::kI4, 0x8, -8},            {DType::kU4, 0xf, 15},               {DType::kI2, 0x3, -1},
    {DType::kU2, 0x3, 3},             {DType::kU1, 1, 1},
};

TEST(Narrow, CodesHaveTheValuesOfTheFormats) {
  for (const Golden& g : kGoldens) {
    const double value = NarrowToDouble(g.dtype, static_cast<uint8_t>(g.code));
    if (std::isnan(g.value)) {
      EXPECT_TRUE(std::isnan(value)) << DTypeName(g.dtype) << " " << g.code << " is " << value;
    } else {
      EXPECT_EQ(value, g.value) << DTypeName(g.dtype) << " " << g.code;
      const uint8_t kept = static_cast<uint8_t>(g.code & ((1 << BitWidth(g.dtype)) - 1));
      EXPECT_EQ(DoubleToNarrow(g.dtype, value, {.saturate = false}), kept) << DTypeName(g.dtype);
    }
  }
}

TEST(Narrow, RoundsHalfToEvenAndSaturatesAsAsked) {
  const NarrowRounding open{.saturate = false};
  EXPECT_EQ(DoubleToNarrow(DType::kF8E4M3, 464), 0x7e);        // a tie with 480, which is not there
  EXPECT_EQ(DoubleToNarrow(DType::kF8E4M3, 464, open), 0x7e);  // to the even one
  EXPECT_EQ(DoubleToNarrow(DType::kF8E4M3, 464.01, open), 0x7f);
  EXPECT_EQ(DoubleToNarrow(DType::kF8E4M3, 1.0625), 0x38);     // between 1 and 1.125
  EXPECT_EQ(DoubleToNarrow(DType::kF8E4M3, 1.0625 + 0x1p-40), 0x39);
  EXPECT_EQ(DoubleToNarrow(DType::kF8E5M2, -kInf), 0xfb);
  EXPECT_EQ(DoubleToNarrow(DType::kF8E5M2, -1e9, open), 0xfc);
  EXPECT_EQ(DoubleToNarrow(DType::kF8E4M3FNUZ, -1e-9), 0);     // there is no -0
  EXPECT_EQ(DoubleToNarrow(DType::kF8E4M3FNUZ, kInf, open), 0x80);
  EXPECT_EQ(DoubleToNarrow(DType::kF4E2M1, kNan), 0x8);
  EXPECT_EQ(DoubleToNarrow(DType::kF4E2M1, 0.25), 0);
  EXPECT_EQ(DoubleToNarrow(DType::kF4E2M1, 0.75), 2);
  EXPECT_EQ(DoubleToNarrow(DType::kF8E8M0, 1.1), 128);         // up
  EXPECT_EQ(DoubleToNarrow(DType::kF8E8M0, 1.5, {true, E8M0Rounding::kNearest}), 128);
  EXPECT_EQ(DoubleToNarrow(DType::kF8E8M0, 1.4, {true, E8M0Rounding::kNearest}), 127);
  EXPECT_EQ(DoubleToNarrow(DType::kF8E8M0, 1.9, {true, E8M0Rounding::kDown}), 127);
  EXPECT_EQ(DoubleToNarrow(DType::kF8E8M0, 0), 0);
  EXPECT_EQ(DoubleToNarrow(DType::kF8E8M0, 0, {false, E8M0Rounding::kNearest}), 255);
}

LiteralPtr AllCodes(DType dtype) {
  const int64_t n = int64_t{1} << BitWidth(dtype);
  std::vector<int64_t> codes(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) codes[i] = i;
  return Packed(*LiteralFromInts(DType::kU8, {n}, codes), dtype);
}

// The map that graphs use, on the interpreter; a graph input, so that nothing folds.
LiteralPtr CastByMaps(const LiteralPtr& x, DType dtype, NarrowRounding rounding) {
  Graph graph;
  Builder b(&graph);
  const Shape shape(x->dims.begin(), x->dims.end());
  Tensor y = CastNarrow(b.Wrap(graph.AddInput(0, {x->dtype, shape})), dtype, rounding);
  graph.outputs = {y.node()};
  EXPECT_TRUE(VerifyGraph(graph).ok());
  Result<std::vector<LiteralPtr>> out = Interpret(graph, {x});
  EXPECT_TRUE(out.ok()) << out.status().ToString();
  return out.ok() ? (*out)[0] : nullptr;
}

TEST(Narrow, MapsDecodeEveryCode) {
  for (const auto* list : {&kSmallFloats, &kSmallInts}) {
    for (DType dtype : *list) {
      const LiteralPtr codes = AllCodes(dtype);
      for (DType wide : {DType::kF32, DType::kF64}) {
        const std::vector<double> got = LiteralToDoubles(*CastByMaps(codes, wide, {}));
        for (size_t i = 0; i < got.size(); ++i) {
          const double want = NarrowToDouble(dtype, static_cast<uint8_t>(i));
          const bool same = std::isnan(want) ? std::isnan(got[i])
                                             : got[i] == want && std::signbit(got[i]) == std::signbit(want);
          EXPECT_TRUE(same) << DTypeName(dtype) << " code " << i << " is " << got[i] << ", not " << want;
        }
      }
    }
  }
}

// Every half, and what lies within two steps of f32 around each number of the type and each middle of two.
std::vector<double> Probes(DType dtype) {
  std::vector<double> out;
  for (int h = 0; h < 65536; ++h) out.push_back(HalfToFloat(static_cast<uint16_t>(h)));
  std::vector<double> numbers;
  for (int code = 0; code < 1 << BitWidth(dtype); ++code) {
    const double v = NarrowToDouble(dtype, static_cast<uint8_t>(code));
    if (std::isfinite(v)) numbers.push_back(v);
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.push_back(2 * numbers.back());
  for (size_t i = 0; i < numbers.size(); ++i) {
    const double next = i + 1 < numbers.size() ? numbers[i + 1] : numbers[i];
    for (double v : {numbers[i], (numbers[i] + next) / 2}) {
      const auto bits = std::bit_cast<uint32_t>(static_cast<float>(v));
      for (uint32_t step = 0; step < 5; ++step) out.push_back(std::bit_cast<float>(bits + step - 2));
    }
  }
  out.insert(out.end(), {0.0, -0.0, kInf, -kInf, kNan, 3.4e38, -3.4e38, 1e-45, 0x1p-127, 0x1.8p-127, 0x1p-126});
  return out;
}

void ExpectEncoded(DType dtype, DType from, const std::vector<double>& probes, NarrowRounding rounding) {
  const auto n = static_cast<int64_t>(probes.size());
  const LiteralPtr x = LiteralFromDoubles(from, {n}, probes);
  const std::vector<double> exact = LiteralToDoubles(*x);
  const LiteralPtr got = Unpacked(*CastByMaps(x, dtype, rounding));
  const int mask = (1 << BitWidth(dtype)) - 1;
  int wrong = 0;
  for (int64_t i = 0; i < n && wrong < 5; ++i) {
    const uint8_t code = got->as<uint8_t>()[i] & mask, want = DoubleToNarrow(dtype, exact[i], rounding);
    const bool both_nan = std::isnan(NarrowToDouble(dtype, code)) && std::isnan(NarrowToDouble(dtype, want));
    if (code == want || both_nan) continue;
    ++wrong;
    ADD_FAILURE() << DTypeName(dtype) << " from " << DTypeName(from) << " " << exact[i] << " is code " << int{code}
                  << ", not " << int{want} << (rounding.saturate ? "" : ", not saturated");
  }
}

TEST(Narrow, MapsEncodeAsTheScalarConversion) {
  for (DType dtype : kSmallFloats) {
    for (bool saturate : {true, false}) {
      ExpectEncoded(dtype, DType::kF32, Probes(dtype), {saturate, E8M0Rounding::kUp});
    }
  }
  for (E8M0Rounding mode : {E8M0Rounding::kDown, E8M0Rounding::kNearest}) {
    ExpectEncoded(DType::kF8E8M0, DType::kF32, Probes(DType::kF8E8M0), {true, mode});
    ExpectEncoded(DType::kF8E8M0, DType::kF32, Probes(DType::kF8E8M0), {false, mode});
  }
  for (DType dtype : kSmallInts) {
    std::vector<double> whole;
    for (int i = -300; i <= 300; ++i) whole.push_back(i);
    for (DType from : {DType::kF32, DType::kI32, DType::kI64, DType::kF16}) ExpectEncoded(dtype, from, whole, {});
  }
}

// A double just above a tie is not a tie, though its f32 is.
TEST(Narrow, WideSourcesAreRoundedOnce) {
  std::vector<double> probes;
  for (double v : {1.0625, -1.0625, 1.1875, 464.0, 0x1p-10, 0x1.8p-9}) {
    for (double nudge : {0x1p-45, -0x1p-45}) probes.push_back(v + v * nudge);
  }
  for (DType dtype : kSmallFloats) ExpectEncoded(dtype, DType::kF64, probes, {});
  ExpectEncoded(DType::kF8E5M2, DType::kI32, {9, 10, 11, 13, 36864, 36863, 36865, 1 << 30, -77777}, {});
}

TEST(Narrow, PackingIsABitStream) {
  for (DType dtype : {DType::kI4, DType::kU4, DType::kI2, DType::kU2, DType::kF4E2M1, DType::kF6E3M2}) {
    for (int64_t n : {0, 1, 2, 3, 7, 8, 13}) {
      std::vector<int64_t> codes(static_cast<size_t>(n));
      for (int64_t i = 0; i < n; ++i) codes[i] = (i * 29 + 5) & ((1 << BitWidth(dtype)) - 1);
      const LiteralPtr x = Packed(*LiteralFromInts(DType::kU8, {n}, codes), dtype);
      const LiteralPtr bytes = Literal::Copy(DType::kU8, {x->ByteSize()}, x->data());
      Graph graph;
      Builder b(&graph);
      Tensor read = Unpack(b.Wrap(graph.AddInput(0, {DType::kU8, {x->ByteSize()}})), dtype, {n});
      graph.outputs = {read.node(), Pack(read).node()};
      Result<std::vector<LiteralPtr>> out = Interpret(graph, {bytes});
      ASSERT_TRUE(out.ok()) << out.status().ToString();
      EXPECT_EQ(LiteralToDoubles(*(*out)[0]), LiteralToDoubles(*x)) << DTypeName(dtype) << " x " << n;
      EXPECT_EQ(LiteralToInts(*(*out)[1]), LiteralToInts(*bytes)) << DTypeName(dtype) << " x " << n;
    }
  }
}

TEST(Narrow, ArithmeticIsRefused) {
  Graph graph;
  Builder b(&graph);
  Tensor x = b.Wrap(graph.AddInput(0, {DType::kF8E4M3, {4}}));
  EXPECT_THROW(x + x, OpError);
  EXPECT_THROW(Sum(x, {0}), OpError);
  EXPECT_THROW(Scan(ReduceKind::kSum, x, 0, false, false), OpError);
  EXPECT_THROW(Call("top_k", {x}, {x.node()->type}, {}), OpError);
  EXPECT_NO_THROW(Concat({x, x}, 0));
}

}  // namespace
}  // namespace belay
