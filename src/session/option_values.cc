#include "session/option_values.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace belay {
namespace {

std::string Trim(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Result<int64_t> ParseInt(const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != 0 || errno != 0) return InvalidArgument("'{}' is not a whole number", text);
  return value;
}

// Numbers of at least `least`; an empty text has none.
Result<std::vector<int64_t>> ParseInts(const std::string& text, char separator, int64_t least) {
  std::vector<int64_t> values;
  if (text.empty()) return values;
  for (const std::string& part : SplitText(text, separator)) {
    BELAY_TRY(const int64_t value, ParseInt(part));
    if (value < least) return InvalidArgument("{} is less than {}", value, least);
    values.push_back(value);
  }
  return values;
}

Result<int> ParseIndex(const std::string& text) {
  BELAY_TRY(const int64_t value, ParseInt(text));
  if (value < 0 || value > INT32_MAX) return InvalidArgument("{} is not an index", value);
  return static_cast<int>(value);
}

// "name:rest" at the last colon.
Result<std::pair<std::string, std::string>> SplitName(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return InvalidArgument("'{}' has no name before a colon", text);
  return std::pair<std::string, std::string>(text.substr(0, colon), text.substr(colon + 1));
}

}  // namespace

std::vector<std::string> SplitText(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(Trim(text.substr(at, end - at)));
    at = end + 1;
  }
  return parts;
}

Result<int64_t> ParseBytes(const std::string& text) {
  std::string product = text;
  std::erase_if(product, [](char c) { return c == ' ' || c == '(' || c == ')' || c == 'U' || c == 'L'; });
  int64_t bytes = 1;
  for (const std::string& factor : SplitText(product, '*')) {
    char* end = nullptr;
    const int64_t value = std::strtoll(factor.c_str(), &end, 10);
    if (factor.empty() || *end != 0) return InvalidArgument("'{}' is not a number of bytes", text);
    if (__builtin_mul_overflow(bytes, value, &bytes)) bytes = INT64_MAX;
  }
  return bytes;
}

Result<std::vector<int>> ParseIndexes(const std::string& text) {
  BELAY_TRY(const std::vector<int64_t> values, ParseInts(text, text.find(';') == std::string::npos ? ',' : ';', 0));
  return std::vector<int>(values.begin(), values.end());
}

Result<std::vector<std::pair<int, int>>> ParsePairs(const std::string& text) {
  std::vector<std::pair<int, int>> pairs;
  for (const std::string& part : SplitText(text, '|')) {
    const std::vector<std::string> sides = SplitText(part, ',');
    if (sides.size() != 2) return InvalidArgument("'{}' is not a pair", part);
    BELAY_TRY(const int first, ParseIndex(sides[0]));
    BELAY_TRY(const int second, ParseIndex(sides[1]));
    pairs.emplace_back(first, second);
  }
  return pairs;
}

Result<std::vector<std::vector<int64_t>>> ParseGears(const std::string& text) {
  std::vector<std::vector<int64_t>> rows;
  for (const std::string& part : SplitText(text, ';')) {
    BELAY_TRY(std::vector<int64_t> row, ParseInts(part, ',', 1));
    if (row.empty()) return InvalidArgument("a row is empty");
    if (!rows.empty() && row.size() != rows[0].size()) {
      return InvalidArgument("row '{}' has {} values, but the first has {}", part, row.size(), rows[0].size());
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<NamedShapes> ParseShapes(const std::string& text) {
  NamedShapes shapes;
  for (const std::string& part : SplitText(text, ';')) {
    BELAY_TRY(const auto named, SplitName(part));
    BELAY_TRY(std::vector<int64_t> dims, ParseInts(named.second, ',', -1));
    shapes.emplace_back(named.first, std::move(dims));
  }
  return shapes;
}

Result<std::map<int, std::vector<int64_t>>> ParseHints(const std::string& text) {
  std::map<int, std::vector<int64_t>> hints;
  for (const std::string& part : SplitText(text, ';')) {
    BELAY_TRY(const auto named, SplitName(part));
    BELAY_TRY(const int index, ParseIndex(named.first));
    const std::string list = Trim(named.second);
    if (list.size() < 2 || list.front() != '[' || list.back() != ']') {
      return InvalidArgument("'{}' is not a list in brackets", named.second);
    }
    BELAY_TRY(hints[index], ParseInts(Trim(list.substr(1, list.size() - 2)), ',', 0));
  }
  return hints;
}

Result<std::vector<std::pair<std::string, int>>> ParseOutputs(const std::string& text) {
  std::vector<std::pair<std::string, int>> outputs;
  for (const std::string& part : SplitText(text, ';')) {
    BELAY_TRY(const auto named, SplitName(part));
    BELAY_TRY(const int index, ParseIndex(named.second));
    outputs.emplace_back(named.first, index);
  }
  return outputs;
}

}  // namespace belay
