#include "ops/driver/value.h"

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "support/engine.h"
#include "support/sequence.h"

namespace belay {
namespace {

template <typename Fn>
std::vector<std::string> Split(const std::string& text, Fn separates) {
  std::vector<std::string> out;
  std::string word;
  int depth = 0;
  bool quoted = false;
  for (char c : text) {
    if (c == '"') quoted = !quoted;
    if (c == '[') ++depth;
    if (c == ']') --depth;
    if (depth == 0 && !quoted && separates(c)) {
      out.push_back(word);
      word.clear();
    } else {
      word += c;
    }
  }
  out.push_back(word);
  return out;
}

// Nested lists of numbers or, where `texts` takes them, of texts in quotes.
class NumberReader {
 public:
  explicit NumberReader(const std::string& text, std::vector<std::string>* texts = nullptr)
      : at_(text.c_str()), texts_(texts) {}

  bool Read(std::vector<double>* values, std::vector<int64_t>* dims) {
    values_ = values;
    dims_ = dims;
    if (!Item(0)) return false;
    Skip();
    return *at_ == '\0';
  }

 private:
  void Skip() {
    while (std::isspace(static_cast<unsigned char>(*at_))) ++at_;
  }
  bool Item(size_t depth) {
    Skip();
    return *at_ == '[' ? List(depth) : Number(depth);
  }
  bool List(size_t depth) {
    ++at_;
    if (dims_->size() == depth) dims_->push_back(-1);
    if (dims_->size() <= depth) return false;
    int64_t count = 0;
    for (Skip(); *at_ != ']'; Skip()) {
      if (count++ && *at_++ != ',') return false;
      if (!Item(depth + 1)) return false;
    }
    ++at_;
    int64_t& extent = (*dims_)[depth];
    if (extent >= 0 && extent != count) return false;
    extent = count;
    return true;
  }
  bool Number(size_t depth) {
    if (dims_->size() != depth) return false;
    if (texts_) return Text();
    for (const char* word : {"true", "false"}) {
      const size_t n = std::strlen(word);
      if (std::strncmp(at_, word, n) == 0) {
        at_ += n;
        values_->push_back(word[0] == 't');
        return true;
      }
    }
    char* end = nullptr;
    const double v = std::strtod(at_, &end);
    if (end == at_) return false;
    at_ = end;
    values_->push_back(v);
    return true;
  }

  bool Text() {
    const char* end = *at_ == '"' ? std::strchr(at_ + 1, '"') : nullptr;
    if (!end) return false;
    texts_->emplace_back(at_ + 1, end);
    at_ = end + 1;
    return true;
  }

  const char* at_;
  std::vector<std::string>* texts_;
  std::vector<double>* values_ = nullptr;
  std::vector<int64_t>* dims_ = nullptr;
};

std::string Unquote(const std::string& text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// The items of "[a,b]"; a bare item is a list of one.
std::vector<std::string> Items(const std::string& text) {
  const bool list = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  const std::string inner = Trim(list ? text.substr(1, text.size() - 2) : text);
  if (inner.empty()) return {};
  std::vector<std::string> items = SplitAt(inner, ',');
  for (std::string& item : items) item = Trim(item);
  return items;
}

// "[f32:[1,2],f32:[3]]"; an optional has a '?' before it.
Result<LiteralPtr> ParseSequence(const std::string& text) {
  const bool optional = !text.empty() && text[0] == '?';
  std::vector<LiteralPtr> elements;
  for (const std::string& item : Items(text.substr(optional))) {
    BELAY_TRY(LiteralPtr element, ParseTensor(item, DType::kF32));
    elements.push_back(std::move(element));
  }
  return SequenceLiteral(elements, optional);
}

Result<AttrValue> ParseOne(const std::string& type, const std::string& text) {
  if (type == "String") return AttrValue(Unquote(text));
  if (type == "Type") {
    DType dtype;
    if (!ParseDType(text, &dtype)) return InvalidArgument("'{}' is no dtype", text);
    return AttrValue(dtype);
  }
  if (type == "Bool") return AttrValue(text == "true");
  if (type == "Tensor") {
    BELAY_TRY(LiteralPtr literal, ParseTensor(text, DType::kF32));
    return AttrValue(literal);
  }
  char* end = nullptr;
  const AttrValue v = type == "Int" ? AttrValue(int64_t{std::strtoll(text.c_str(), &end, 10)})
                                    : AttrValue(std::strtod(text.c_str(), &end));
  if (text.empty() || *end) return InvalidArgument("'{}' is no number", text);
  return v;
}

template <typename T>
Result<AttrValue> ParseList(const std::string& type, const std::string& text) {
  std::vector<T> out;
  for (const std::string& item : Items(text)) {
    BELAY_TRY(AttrValue value, ParseOne(type, item));
    out.push_back(std::get<T>(value));
  }
  return AttrValue(std::move(out));
}

}  // namespace

std::string Trim(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

std::vector<std::string> SplitWords(const std::string& text) {
  std::vector<std::string> out;
  for (std::string& word : Split(text, [](char c) { return c == ' ' || c == '\t'; })) {
    if (!word.empty()) out.push_back(std::move(word));
  }
  return out;
}

std::vector<std::string> SplitAt(const std::string& text, char separator) {
  return Split(text, [separator](char c) { return c == separator; });
}

Result<LiteralPtr> ParseTensor(const std::string& text, DType fallback) {
  DType dtype = fallback;
  std::string body = text;
  const size_t colon = text.find(':');
  if (colon != std::string::npos) {
    if (!ParseDType(text.substr(0, colon), &dtype))
      return InvalidArgument("'{}' has no known dtype", text);
    body = text.substr(colon + 1);
  }
  if (dtype == DType::kResource) return ParseSequence(body);
  std::vector<double> values;
  std::vector<std::string> texts;
  std::vector<int64_t> dims;
  const bool is_text = dtype == DType::kString;
  if (!NumberReader(body, is_text ? &texts : nullptr).Read(&values, &dims)) {
    return InvalidArgument("'{}' is no tensor", text);
  }
  for (int64_t& d : dims) d = d < 0 ? 0 : d;
  if (is_text) return LiteralFromTexts(dims, std::move(texts));
  if (dtype != DType::kC64) return LiteralFromDoubles(dtype, dims, values);
  if (dims.empty() || dims.back() != 2) {
    return InvalidArgument("'{}' does not end in pairs of numbers", text);
  }
  return ComplexFromPairs(*LiteralFromDoubles(DType::kF32, dims, values));
}

bool ParseType(const std::string& text, DType* dtype, std::vector<int64_t>* dims) {
  const size_t open = text.find('[');
  if (open == std::string::npos || open == 0 || text.back() != ']') return false;
  if (!ParseDType(text.substr(0, open), dtype)) return false;
  dims->clear();
  for (const std::string& item : Items(text.substr(open)))
    dims->push_back(std::strtoll(item.c_str(), nullptr, 10));
  return true;
}

Result<std::vector<int64_t>> ParseExtents(const std::string& text) {
  std::vector<int64_t> dims;
  if (text == "s") return dims;
  for (const std::string& item : SplitAt(text, 'x')) {
    char* end = nullptr;
    dims.push_back(std::strtoll(item.c_str(), &end, 10));
    if (item.empty() || *end) return InvalidArgument("'{}' is no shape", text);
  }
  return dims;
}

Result<AttrValue> ParseAttr(const std::string& type, const std::string& text) {
  if (type == "ListInt") return ParseList<int64_t>("Int", text);
  if (type == "ListFloat") return ParseList<double>("Float", text);
  if (type == "ListBool") return ParseList<bool>("Bool", text);
  if (type == "ListString") return ParseList<std::string>("String", text);
  if (type == "ListType") return ParseList<DType>("Type", text);
  if (type != "ListListInt") return ParseOne(type, text);
  std::vector<std::vector<int64_t>> out;
  for (const std::string& item : Items(text)) {
    BELAY_TRY(AttrValue row, ParseList<int64_t>("Int", item));
    out.push_back(std::get<std::vector<int64_t>>(row));
  }
  return AttrValue(std::move(out));
}

}  // namespace belay
