// RE2's syntax.
#include <algorithm>

#include "graph/library/regex_syntax.h"
#include "graph/library/text.h"

namespace belay {
namespace {

using Piece = RegexPiece;

constexpr int kMaxRepeat = 1000;  // RE2's
constexpr int kMaxDepth = 500;
constexpr char32_t kLastCode = 0x10ffff;

struct NamedSet {
  const char* name;
  std::vector<Regex::Range> ranges;
};

const std::vector<NamedSet>& NamedSets() {
  static const auto* const sets = new std::vector<NamedSet>{
      {"d", {{'0', '9'}}},
      {"s", {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}},
      {"w", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
      {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
      {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
      {"ascii", {{0, 0x7f}}},
      {"blank", {{'\t', '\t'}, {' ', ' '}}},
      {"cntrl", {{0, 0x1f}, {0x7f, 0x7f}}},
      {"digit", {{'0', '9'}}},
      {"graph", {{'!', '~'}}},
      {"lower", {{'a', 'z'}}},
      {"print", {{' ', '~'}}},
      {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
      {"space", {{'\t', '\r'}, {' ', ' '}}},
      {"upper", {{'A', 'Z'}}},
      {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
      {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
  };
  return *sets;
}

const std::vector<Regex::Range>* FindNamed(const std::string& name) {
  for (const NamedSet& set : NamedSets()) {
    if (name == set.name) return &set.ranges;
  }
  return nullptr;
}

std::vector<Regex::Range> Complement(std::vector<Regex::Range> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Regex::Range> out;
  char32_t next = 0;
  for (const Regex::Range& r : ranges) {
    if (r.first > next) out.push_back({next, r.first - 1});
    next = std::max<char32_t>(next, r.last + 1);
  }
  if (next <= kLastCode) out.push_back({next, kLastCode});
  return out;
}

struct Flags {
  bool any_case = false, many_lines = false, dot_takes_newline = false;
};

template <typename... Args>
[[noreturn]] void Refuse(fmt::format_string<Args...> format, Args&&... args) {
  throw RegexError{InvalidArgument(format, std::forward<Args>(args)...)};
}

class Parser {
 public:
  explicit Parser(const std::string& pattern) : codes_(CodePoints(pattern)) {}

  Piece Run() {
    Piece whole = Alternatives(0);
    if (at_ < codes_.size()) Refuse("unexpected ) at {}", at_);
    return whole;
  }

 private:
  bool More() const { return at_ < codes_.size(); }
  char32_t Peek(size_t ahead = 0) const { return at_ + ahead < codes_.size() ? codes_[at_ + ahead] : kNoCharacter; }
  bool Take(char32_t c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }

  Piece Alternatives(int depth) {
    if (depth > kMaxDepth) Refuse("groups nest deeper than {}", kMaxDepth);
    Piece out;
    out.kind = Piece::Kind::kAlternate;
    do {
      out.parts.push_back(Sequence(depth));
    } while (Take('|'));
    return out.parts.size() == 1 ? std::move(out.parts[0]) : out;
  }

  Piece Sequence(int depth) {
    Piece out;
    out.kind = Piece::Kind::kConcat;
    while (More() && Peek() != '|' && Peek() != ')') {
      if (Peek() == '\\' && Peek(1) == 'Q') {
        Quoted(&out);
        continue;
      }
      out.parts.push_back(Repeated(Atom(depth)));
    }
    return out;
  }

  void Quoted(Piece* out) {
    at_ += 2;
    while (More()) {
      if (Peek() == '\\' && Peek(1) == 'E') {
        at_ += 2;
        return;
      }
      out->parts.push_back(Literal(codes_[at_++]));
    }
  }

  Piece Repeated(Piece atom) {
    bool repeated = false;
    for (;;) {
      int least = 0, most = -1;
      if (Peek() == '*') {
        ++at_;
      } else if (Peek() == '+') {
        least = 1;
        ++at_;
      } else if (Peek() == '?') {
        most = 1;
        ++at_;
      } else if (!Counts(&least, &most)) {
        return atom;
      }
      if (repeated) Refuse("a repetition of a repetition at {}", at_ - 1);
      repeated = true;
      Take('?');  // which of several matches is meant does not matter for a whole one
      Piece out;
      out.kind = Piece::Kind::kRepeat;
      out.least = least;
      out.most = most;
      out.parts.push_back(std::move(atom));
      atom = std::move(out);
    }
  }

  // "{n}", "{n,}", "{n,m}"; anything else that starts with a brace is text.
  bool Counts(int* least, int* most) {
    if (Peek() != '{') return false;
    const size_t start = at_++;
    const int low = Number();
    int high = low;
    if (low >= 0 && Take(',')) high = Peek() == '}' ? -1 : Number();
    const bool bad = low < 0 || (high < 0 && codes_[at_ - 1] != ',') || !Take('}');
    if (bad) {
      at_ = start;
      return false;
    }
    if (low > kMaxRepeat || high > kMaxRepeat || (high >= 0 && high < low)) {
      Refuse("the repetition at {} is not between 0 and {}", start, kMaxRepeat);
    }
    *least = low;
    *most = high;
    return true;
  }
  int Number() {
    int value = -1;
    while (Peek() >= '0' && Peek() <= '9') {
      value = std::min(std::max(value, 0) * 10 + static_cast<int>(codes_[at_++] - '0'), 1000000);
    }
    return value;
  }

  Piece Literal(char32_t c) { return OfSet({{c, c}}); }
  Piece OfSet(std::vector<Regex::Range> ranges, bool negated = false) {
    Piece out;
    out.kind = Piece::Kind::kSet;
    out.set = {std::move(ranges), negated, flags_.any_case};
    return out;
  }
  static Piece At(Regex::Place place) {
    Piece out;
    out.kind = Piece::Kind::kAssert;
    out.place = place;
    return out;
  }

  Piece Atom(int depth) {
    const char32_t c = codes_[at_++];
    switch (c) {
      case '(': return Group(depth);
      case '[': return Class();
      case '.': return OfSet(flags_.dot_takes_newline ? Complement({}) : Complement({{'\n', '\n'}}));
      case '^': return At(flags_.many_lines ? Regex::Place::kLineStart : Regex::Place::kTextStart);
      case '$': return At(flags_.many_lines ? Regex::Place::kLineEnd : Regex::Place::kTextEnd);
      case '*':
      case '+':
      case '?': Refuse("nothing to repeat at {}", at_ - 1);
      case '\\': return Escape();
      default: return Literal(c);
    }
  }

  Piece Group(int depth) {
    const Flags outer = flags_;
    if (Take('?')) {
      if (Take('P') || Peek() == '<') {
        if (!Take('<')) Refuse("an unknown group at {}", at_);
        while (More() && Peek() != '>') ++at_;
        if (!Take('>')) Refuse("the name of a group does not end");
      } else if (GroupFlags()) {
        return Piece();  // "(?i)": for what follows
      }
    }
    Piece inner = Alternatives(depth + 1);
    if (!Take(')')) Refuse("a group is not closed");
    flags_ = outer;
    return inner;
  }

  // True when the group is only flags.
  bool GroupFlags() {
    bool on = true;
    for (; More(); ++at_) {
      switch (Peek()) {
        case 'i': flags_.any_case = on; break;
        case 'm': flags_.many_lines = on; break;
        case 's': flags_.dot_takes_newline = on; break;
        case 'U': break;
        case '-': on = false; break;
        case ':': ++at_; return false;
        case ')': ++at_; return true;
        default: Refuse("an unknown flag of a group at {}", at_);
      }
    }
    Refuse("a group is not closed");
  }

  Piece Escape() {
    if (!More()) Refuse("the pattern ends with \\");
    switch (Peek()) {
      case 'A': ++at_; return At(Regex::Place::kTextStart);
      case 'z': ++at_; return At(Regex::Place::kTextEnd);
      case 'b': ++at_; return At(Regex::Place::kWordBorder);
      case 'B': ++at_; return At(Regex::Place::kInsideOrOutside);
      default: break;
    }
    std::vector<Regex::Range> ranges;
    if (ClassEscape(&ranges)) return OfSet(std::move(ranges));
    return Literal(CharacterEscape());
  }

  // \d, \W and their like.
  bool ClassEscape(std::vector<Regex::Range>* ranges) {
    const char32_t c = Peek();
    if (c == 'p' || c == 'P' || c == 'C') throw RegexError{NotSupported("\\{}", static_cast<char>(c))};
    const bool negated = c == 'D' || c == 'S' || c == 'W';
    if (!negated && c != 'd' && c != 's' && c != 'w') return false;
    ++at_;
    const std::vector<Regex::Range>& named = *FindNamed(std::string(1, static_cast<char>(negated ? c + 32 : c)));
    const std::vector<Regex::Range> added = negated ? Complement(named) : named;
    ranges->insert(ranges->end(), added.begin(), added.end());
    return true;
  }

  char32_t CharacterEscape() {
    const char32_t c = codes_[at_++];
    switch (c) {
      case 'n': return '\n';
      case 't': return '\t';
      case 'r': return '\r';
      case 'f': return '\f';
      case 'v': return '\v';
      case 'a': return '\a';
      case 'x': return Hexadecimal();
      default: break;
    }
    if (c >= '0' && c <= '7') {
      char32_t value = c - '0';
      if (c != '0' && !(Peek() >= '0' && Peek() <= '7')) {
        Refuse("\\{} refers to a group, which is not possible", static_cast<uint32_t>(value));
      }
      for (int k = 0; k < 2 && Peek() >= '0' && Peek() <= '7'; ++k) value = value * 8 + (codes_[at_++] - '0');
      return value;
    }
    if (IsRegexWord(c) && c != '_') Refuse("the escape \\{} is unknown", static_cast<char>(c));
    return c;
  }

  char32_t Hexadecimal() {
    const bool braces = Take('{');
    char32_t value = 0;
    int digits = 0;
    for (; braces || digits < 2; ++digits, ++at_) {
      const char32_t c = Peek();
      const int digit = c >= '0' && c <= '9'   ? static_cast<int>(c - '0')
                        : c >= 'a' && c <= 'f' ? static_cast<int>(c - 'a' + 10)
                        : c >= 'A' && c <= 'F' ? static_cast<int>(c - 'A' + 10)
                                               : -1;
      if (digit < 0) break;
      value = value * 16 + static_cast<char32_t>(digit);
      if (value > kLastCode) Refuse("\\x is beyond the last character");
    }
    if (digits == 0 || (!braces && digits < 2) || (braces && !Take('}'))) Refuse("\\x needs hexadecimal digits");
    return value;
  }

  Piece Class() {
    std::vector<Regex::Range> ranges;
    const bool negated = Take('^');
    bool first = true;
    while (first || Peek() != ']') {
      if (!More()) Refuse("a class is not closed");
      first = false;
      if (Peek() == '[' && Peek(1) == ':') {
        NamedClass(&ranges);
        continue;
      }
      if (Peek() == '\\') {
        ++at_;
        if (!More()) Refuse("the pattern ends with \\");
        if (ClassEscape(&ranges)) continue;
        --at_;
      }
      const char32_t low = ClassCharacter();
      char32_t high = low;
      if (Peek() == '-' && Peek(1) != ']' && Peek(1) != kNoCharacter) {
        ++at_;
        high = ClassCharacter();
        if (high < low) Refuse("a range of a class runs backwards");
      }
      ranges.push_back({low, high});
    }
    ++at_;
    return OfSet(std::move(ranges), negated);
  }
  char32_t ClassCharacter() {
    const char32_t c = codes_[at_++];
    if (c != '\\') return c;
    if (!More()) Refuse("the pattern ends with \\");
    return CharacterEscape();
  }

  // "[:alpha:]", "[:^alpha:]"
  void NamedClass(std::vector<Regex::Range>* ranges) {
    at_ += 2;
    const bool negated = Take('^');
    std::string name;
    while (More() && Peek() != ':') AppendUtf8(codes_[at_++], &name);
    const std::vector<Regex::Range>* named = name == "d" || name == "s" || name == "w" ? nullptr : FindNamed(name);
    if (!named || !Take(':') || !Take(']')) Refuse("the class [:{}:] is unknown", name);
    const std::vector<Regex::Range> added = negated ? Complement(*named) : *named;
    ranges->insert(ranges->end(), added.begin(), added.end());
  }

  const std::vector<char32_t> codes_;
  size_t at_ = 0;
  Flags flags_;
};

}  // namespace

RegexPiece ParseRegex(const std::string& pattern) { return Parser(pattern).Run(); }

}  // namespace belay
