// What RE2 has and Python has not, and what must be refused; tests/onnx_numpy compares the rest with Python.
#include "graph/library/regex.h"

#include <gtest/gtest.h>

namespace belay {
namespace {

bool Matches(const std::string& pattern, const std::string& text) {
  Result<Regex> regex = Regex::Parse(pattern);
  EXPECT_TRUE(regex.ok()) << regex.status().ToString();
  return regex.ok() && (*regex).FullMatch(text);
}

TEST(Regex, SyntaxOfRe2Alone) {
  EXPECT_TRUE(Matches(R"(a\Q.*\Eb)", "a.*b"));
  EXPECT_FALSE(Matches(R"(a\Q.*\Eb)", "axxb"));
  EXPECT_TRUE(Matches(R"([[:alpha:]]+[[:^digit:]])", "abc-"));
  EXPECT_FALSE(Matches(R"([[:alpha:]]+[[:^digit:]])", "abc1"));
  EXPECT_TRUE(Matches(R"(\x{65e5}\z)", "\u65e5"));
  EXPECT_TRUE(Matches(R"((?P<a>x)(?<b>y)(?:z))", "xyz"));
  EXPECT_TRUE(Matches(R"((?i:A)b)", "ab"));
  EXPECT_FALSE(Matches(R"((?i:A)b)", "aB"));
  EXPECT_TRUE(Matches(R"((?im)^a$(?s:.)B)", "A\nb"));
  EXPECT_TRUE(Matches(R"((?U)a+)", "aa"));
  EXPECT_TRUE(Matches("a{,2}", "a{,2}"));  // no repetition: it has no lower bound
}

TEST(Regex, TextIsUtf8AndBytesOutsideAreCharactersOfTheirOwn) {
  EXPECT_TRUE(Matches("..", "\u00e9\u65e5"));
  EXPECT_TRUE(Matches("[\u00e0-\u00ef]", "\u00e9"));
  EXPECT_TRUE(Matches("..", "\xff\xfe"));
}

TEST(Regex, TimeIsLinear) {
  const std::string many(20000, 'a');
  EXPECT_FALSE(Matches("(a*)*(a*)*(a|aa)*b", many));
  EXPECT_TRUE(Matches("(a?){500}a{500}", std::string(500, 'a')));
}

TEST(Regex, WhatIsWrongIsSaid) {
  const std::pair<const char*, const char*> cases[] = {
      {"(a", "a group is not closed"},       {"a)", "unexpected ) at 1"},
      {"*a", "nothing to repeat at 0"},      {"a**", "a repetition of a repetition"},
      {"[a", "a class is not closed"},       {"[b-a]", "a range of a class runs backwards"},
      {R"(\)", "the pattern ends with \\"},  {R"(\1)", "refers to a group"},
      {R"(\y)", "the escape \\y is unknown"}, {"a{1001}", "not between 0 and 1000"},
      {"(a{1000}){1000}", "more than 200000 steps"}, {"[[:foo:]]", "the class [:foo:] is unknown"},
      {R"(\pL)", "\\p"},                     {R"(\x{110000})", "beyond the last character"},
      {"(?z)", "an unknown flag"},
  };
  for (const auto& [pattern, text] : cases) {
    Result<Regex> regex = Regex::Parse(pattern);
    ASSERT_FALSE(regex.ok()) << pattern;
    EXPECT_NE(regex.status().message().find(text), std::string::npos) << regex.status().message();
  }
  EXPECT_FALSE(Regex::Parse(std::string(5000, '(')).ok());
}

}  // namespace
}  // namespace belay
