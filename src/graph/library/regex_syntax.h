// A pattern's syntax tree, between regex_parse.cc and regex.cc.
#pragma once
#include <string>
#include <vector>

#include "graph/library/regex.h"

namespace belay {

struct RegexPiece {
  enum class Kind : uint8_t { kEmpty, kSet, kAssert, kConcat, kAlternate, kRepeat } kind = Kind::kEmpty;
  Regex::Set set;
  Regex::Place place = Regex::Place::kTextStart;
  std::vector<RegexPiece> parts;
  int least = 0, most = 0;  // kRepeat; most -1: any number
};

// What is wrong with a pattern; never leaves Regex::Parse.
struct RegexError {
  Status status;
};

constexpr char32_t kNoCharacter = 0xffffffff;

inline bool IsRegexWord(char32_t c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

RegexPiece ParseRegex(const std::string& pattern);

}  // namespace belay
