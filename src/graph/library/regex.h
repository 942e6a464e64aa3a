// Regular expressions in RE2's syntax, matched in time linear in the text. Not built: Unicode classes (\pL) and
// \C; both are refused by name.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace belay {

class Regex {
 public:
  static Result<Regex> Parse(const std::string& pattern);
  // The whole text, from its first to its last character.
  bool FullMatch(const std::string& text) const;

  struct Range {
    char32_t first, last;
  };
  // Characters; a negated set holds all others.
  struct Set {
    std::vector<Range> ranges;
    bool negated = false, any_case = false;
    bool Holds(char32_t c) const;
  };
  enum class Op : uint8_t { kSet, kSplit, kJump, kAssert, kMatch };
  enum class Place : uint8_t { kTextStart, kTextEnd, kLineStart, kLineEnd, kWordBorder, kInsideOrOutside };
  struct Step {
    Op op;
    int to = 0, other = 0;  // kSplit, kJump: steps; kSet: index of the set
    Place place = Place::kTextStart;
  };

 private:
  std::vector<Step> steps_;
  std::vector<Set> sets_;
  friend class RegexCompiler;
};

}  // namespace belay
