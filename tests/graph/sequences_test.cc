#include "base/sequences.h"

#include <gtest/gtest.h>

#include <cstring>

#include "graph/element_type.h"
#include "graph/run_values.h"

namespace belay {
namespace {

std::vector<uint8_t> Numbers(const std::vector<int64_t>& numbers) {
  std::vector<uint8_t> bytes(numbers.size() * 8);
  if (!bytes.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

bool Unpacks(const std::vector<uint8_t>& bytes) {
  PackedSequence sequence;
  return UnpackSequence(bytes.data(), bytes.size(), &sequence);
}

TEST(Sequences, PackedAsTheHeaderSays) {
  PackedSequence sequence{true, {{DType::kU8, {3}, "abc"}}};
  std::vector<uint8_t> expected = Numbers({1, 1, 4, 1, 3, 3});
  for (char c : {'a', 'b', 'c', '\0', '\0', '\0', '\0', '\0'}) expected.push_back(static_cast<uint8_t>(c));
  EXPECT_EQ(PackSequence(sequence), expected);
  PackedSequence read;
  ASSERT_TRUE(UnpackSequence(expected.data(), expected.size(), &read));
  EXPECT_TRUE(read.optional);
  ASSERT_EQ(read.elements.size(), 1u);
  EXPECT_EQ(read.elements[0].dtype, DType::kU8);
  EXPECT_EQ(read.elements[0].dims, (std::vector<int64_t>{3}));
  EXPECT_EQ(read.elements[0].bytes, "abc");
}

TEST(Sequences, HostileBytesAreRefused) {
  EXPECT_TRUE(Unpacks(Numbers({0, 0})));
  EXPECT_FALSE(Unpacks({}));
  EXPECT_FALSE(Unpacks(Numbers({0})));
  EXPECT_FALSE(Unpacks(Numbers({2, 0})));                                  // no such kind
  EXPECT_FALSE(Unpacks(Numbers({0, -1})));                                 // a negative count
  EXPECT_FALSE(Unpacks(Numbers({0, INT64_MAX})));                          // more elements than bytes
  EXPECT_FALSE(Unpacks(Numbers({1, 2, 4, 0, 1, 0, 4, 0, 1, 0})));          // two values of an optional
  EXPECT_FALSE(Unpacks(Numbers({0, 1, 0, 65, 0, 0})));                     // rank 65
  EXPECT_FALSE(Unpacks(Numbers({0, 1, 9, 1, 2, 8, 0})));                   // two i64 in 8 bytes
  EXPECT_FALSE(Unpacks(Numbers({0, 1, 9, 1, 1, 16, 0})));                  // bytes that are not there
  EXPECT_FALSE(Unpacks(Numbers({0, 1, 9, 2, INT64_MAX, INT64_MAX, 8, 0})));
  EXPECT_FALSE(Unpacks(Numbers({0, 1, 9, 1, -1, 8, 0})));
  EXPECT_FALSE(Unpacks(Numbers({0, 1, 28, 0, 8, 0})));                     // no dtype
  EXPECT_FALSE(Unpacks(Numbers({0, 1, 300, 0, 8, 0})));
}

TEST(RunValues, SequencesHaveNumbersOfTheirOwn) {
  RunValues values;
  RunSequence sequence;
  sequence.elements.push_back({DType::kI64, LiteralFromInts(DType::kI64, {1}, {5})});
  const int64_t first = values.AddSequence(sequence), second = values.AddSequence(sequence);
  EXPECT_NE(first, second);
  EXPECT_EQ(values.FindSequence(first)->elements[0].value, values.FindSequence(second)->elements[0].value);
  EXPECT_TRUE(values.FindSequence(0)->elements.empty());
  EXPECT_EQ(values.FindSequence(3), nullptr);
  EXPECT_EQ(values.FindSequence(-1), nullptr);
}

ElementTypePtr Type(const ElementType& type) { return std::make_shared<ElementType>(type); }

TEST(ElementTypes, JoinToWhatHoldsOfBoth) {
  const ElementTypePtr none = Type({}), one = Type({false, DType::kF32, 1}), two = Type({false, DType::kF32, 2});
  EXPECT_TRUE(SameElements(JoinElements(none, one), one));
  EXPECT_TRUE(SameElements(JoinElements(one, none), one));
  EXPECT_EQ(JoinElements(one, two)->rank, ElementType::kAnyRank);
  EXPECT_EQ(JoinElements(one, Type({false, DType::kI32, 1})), nullptr);
  EXPECT_EQ(JoinElements(one, nullptr), nullptr);
  const ElementTypePtr optional = Type({true, DType::kResource, 0, one});
  EXPECT_TRUE(SameElements(JoinElements(optional, one), optional));
  EXPECT_EQ(JoinElements(two, optional)->element->rank, ElementType::kAnyRank);
  EXPECT_EQ(JoinElements(Type({true, DType::kF32, 1}), one), nullptr);
}

TEST(ElementTypes, TravelAsNumbers) {
  const ElementTypePtr type = Type({true, DType::kResource, 0, Type({false, DType::kF16, -1})});
  EXPECT_EQ(EncodeElement(type), (std::vector<int64_t>{1, 23, 0, 0, 1, -1}));
  EXPECT_TRUE(SameElements(DecodeElement(EncodeElement(type)), type));
  EXPECT_EQ(DecodeElement({}), nullptr);
  EXPECT_EQ(DecodeElement({0, 0, 1 << 20})->rank, ElementType::kAnyRank);
}

}  // namespace
}  // namespace belay
