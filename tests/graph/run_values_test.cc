#include "graph/run_values.h"

#include <gtest/gtest.h>

#include "base/texts.h"

namespace belay {
namespace {

TEST(RunValues, EqualTextsHaveEqualNumbersAndStayInPlace) {
  RunValues values;
  EXPECT_EQ(values.AddText(""), 0);
  const int64_t a = values.AddText("a");
  const std::string* kept = values.FindText(a);
  for (int i = 0; i < 5000; ++i) values.AddText("text " + std::to_string(i));
  EXPECT_EQ(values.AddText("a"), a);
  EXPECT_EQ(values.FindText(a), kept);
  EXPECT_EQ(*kept, "a");
  EXPECT_EQ(*values.FindText(0), "");
  EXPECT_EQ(values.FindText(5002), nullptr);
  EXPECT_EQ(values.FindText(-1), nullptr);
  EXPECT_EQ(RunValues().FindText(1), nullptr);
}

TEST(Texts, PackedAsCannLaysThemOut) {
  const std::vector<uint8_t> bytes = PackTexts({"ab", ""});
  EXPECT_EQ(bytes, (std::vector<uint8_t>{32, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,    // "ab"
                                         35, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // ""
                                         'a', 'b', 0, 0}));
  std::vector<std::string_view> texts;
  ASSERT_TRUE(UnpackTexts(bytes.data(), bytes.size(), 2, &texts));
  EXPECT_EQ(texts, (std::vector<std::string_view>{"ab", ""}));
}

TEST(Texts, HeadsThatPointOutsideAreRefused) {
  std::vector<uint8_t> bytes = PackTexts({"ab"});
  std::vector<std::string_view> texts;
  EXPECT_FALSE(UnpackTexts(bytes.data(), bytes.size(), 2, &texts));
  EXPECT_FALSE(UnpackTexts(bytes.data(), 15, 1, &texts));
  bytes[8] = 200;  // the length
  EXPECT_FALSE(UnpackTexts(bytes.data(), bytes.size(), 1, &texts));
  bytes[8] = 2;
  bytes[7] = 0x80;  // a negative offset
  EXPECT_FALSE(UnpackTexts(bytes.data(), bytes.size(), 1, &texts));
  EXPECT_TRUE(UnpackTexts(nullptr, 0, 0, &texts));
}

}  // namespace
}  // namespace belay
