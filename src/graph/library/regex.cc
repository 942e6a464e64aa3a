#include "graph/library/regex.h"

#include <algorithm>

#include "graph/library/regex_syntax.h"
#include "graph/library/text.h"

namespace belay {
namespace {

using Piece = RegexPiece;

constexpr size_t kMaxSteps = 200000;

char32_t OtherCase(char32_t c) {
  if (c >= 'a' && c <= 'z') return c - 32;
  return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

}  // namespace

bool Regex::Set::Holds(char32_t c) const {
  const auto inside = [&](char32_t x) {
    return std::any_of(ranges.begin(), ranges.end(), [x](const Range& r) { return x >= r.first && x <= r.last; });
  };
  return (inside(c) || (any_case && inside(OtherCase(c)))) != negated;
}

class RegexCompiler {
 public:
  explicit RegexCompiler(Regex* regex) : steps_(regex->steps_), sets_(regex->sets_) {}

  void Run(const Piece& piece) {
    Emit(piece);
    Add({Regex::Op::kMatch});
  }

 private:
  int Add(Regex::Step step) {
    if (steps_.size() >= kMaxSteps) {
      throw RegexError{NotSupported("its repetitions give more than {} steps", kMaxSteps)};
    }
    steps_.push_back(step);
    return static_cast<int>(steps_.size()) - 1;
  }
  int Here() const { return static_cast<int>(steps_.size()); }

  void Emit(const Piece& piece) {
    switch (piece.kind) {
      case Piece::Kind::kEmpty: return;
      case Piece::Kind::kSet:
        sets_.push_back(piece.set);
        Add({Regex::Op::kSet, static_cast<int>(sets_.size()) - 1});
        return;
      case Piece::Kind::kAssert: Add({Regex::Op::kAssert, 0, 0, piece.place}); return;
      case Piece::Kind::kConcat:
        for (const Piece& part : piece.parts) Emit(part);
        return;
      case Piece::Kind::kAlternate: return EmitAlternatives(piece);
      case Piece::Kind::kRepeat: return EmitRepeat(piece);
    }
  }

  void EmitAlternatives(const Piece& piece) {
    std::vector<int> ends;
    for (size_t i = 0; i < piece.parts.size(); ++i) {
      const bool last = i + 1 == piece.parts.size();
      const int split = last ? -1 : Add({Regex::Op::kSplit, Here() + 1});
      Emit(piece.parts[i]);
      if (last) break;
      ends.push_back(Add({Regex::Op::kJump}));
      steps_[split].other = Here();
    }
    for (int end : ends) steps_[end].to = Here();
  }

  void EmitRepeat(const Piece& piece) {
    const Piece& part = piece.parts[0];
    for (int i = 0; i < piece.least; ++i) Emit(part);
    if (piece.most < 0) {
      const int split = Add({Regex::Op::kSplit, Here() + 1});
      Emit(part);
      Add({Regex::Op::kJump, split});
      steps_[split].other = Here();
      return;
    }
    std::vector<int> splits;
    for (int i = piece.least; i < piece.most; ++i) {
      splits.push_back(Add({Regex::Op::kSplit, Here() + 1}));
      Emit(part);
    }
    for (int split : splits) steps_[split].other = Here();
  }

  std::vector<Regex::Step>& steps_;
  std::vector<Regex::Set>& sets_;
};

Result<Regex> Regex::Parse(const std::string& pattern) {
  try {
    Regex regex;
    RegexCompiler(&regex).Run(ParseRegex(pattern));
    return regex;
  } catch (RegexError& e) {
    return std::move(e.status).Context(fmt::format("the pattern '{}'", pattern));
  }
}

namespace {

bool Holds(Regex::Place place, char32_t before, char32_t after) {
  const bool border = (before != kNoCharacter && IsRegexWord(before)) != (after != kNoCharacter && IsRegexWord(after));
  switch (place) {
    case Regex::Place::kTextStart: return before == kNoCharacter;
    case Regex::Place::kTextEnd: return after == kNoCharacter;
    case Regex::Place::kLineStart: return before == kNoCharacter || before == '\n';
    case Regex::Place::kLineEnd: return after == kNoCharacter || after == '\n';
    case Regex::Place::kWordBorder: return border;
    case Regex::Place::kInsideOrOutside: return !border;
  }
  return false;
}

// The steps that can be next, each once.
class Threads {
 public:
  explicit Threads(size_t steps) : seen_(steps, 0) {}

  void Clear() {
    ++generation_;
    list_.clear();
  }
  void Follow(const std::vector<Regex::Step>& steps, int start, char32_t before, char32_t after) {
    open_.push_back(start);
    while (!open_.empty()) {
      const int at = open_.back();
      open_.pop_back();
      if (seen_[at] == generation_) continue;
      seen_[at] = generation_;
      const Regex::Step& step = steps[at];
      switch (step.op) {
        case Regex::Op::kSplit: open_.push_back(step.other); [[fallthrough]];
        case Regex::Op::kJump: open_.push_back(step.to); break;
        case Regex::Op::kAssert:
          if (Holds(step.place, before, after)) open_.push_back(at + 1);
          break;
        default: list_.push_back(at);
      }
    }
  }
  const std::vector<int>& list() const { return list_; }

 private:
  std::vector<int> list_, open_;
  std::vector<uint64_t> seen_;
  uint64_t generation_ = 1;
};

}  // namespace

bool Regex::FullMatch(const std::string& text) const {
  const std::vector<char32_t> codes = CodePoints(text);
  const auto code = [&](size_t i) { return i < codes.size() ? codes[i] : kNoCharacter; };
  Threads now(steps_.size()), next(steps_.size());
  now.Follow(steps_, 0, kNoCharacter, code(0));
  for (size_t i = 0; i < codes.size() && !now.list().empty(); ++i) {
    next.Clear();
    for (int at : now.list()) {
      const Step& step = steps_[at];
      if (step.op == Op::kSet && sets_[step.to].Holds(codes[i])) next.Follow(steps_, at + 1, codes[i], code(i + 1));
    }
    std::swap(now, next);
  }
  return std::any_of(now.list().begin(), now.list().end(), [&](int at) { return steps_[at].op == Op::kMatch; });
}

// {x, pattern} -> bool
Status LibraryTextMatch(LibraryCall& call) {
  BELAY_TRY(std::vector<const std::string*> texts, TextsOf(call, 0));
  BELAY_TRY(std::vector<const std::string*> pattern, TextsOf(call, 1));
  BELAY_TRY(Regex regex, Regex::Parse(*pattern[0]));
  for (size_t i = 0; i < texts.size(); ++i) call.outputs[0].as<uint8_t>()[i] = regex.FullMatch(*texts[i]);
  return OkStatus();
}

}  // namespace belay
