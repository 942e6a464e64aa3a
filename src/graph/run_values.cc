#include "graph/run_values.h"

#include <deque>
#include <unordered_map>

namespace belay {

struct RunValues::Tables {
  std::deque<std::string> texts;  // by number, less one
  std::unordered_map<std::string_view, int64_t> numbers;
};

RunValues::RunValues() = default;
RunValues::~RunValues() = default;

int64_t RunValues::AddText(std::string_view text) {
  if (text.empty()) return 0;
  if (!tables_) tables_ = std::make_unique<Tables>();
  auto known = tables_->numbers.find(text);
  if (known != tables_->numbers.end()) return known->second;
  tables_->texts.emplace_back(text);
  const auto number = static_cast<int64_t>(tables_->texts.size());
  tables_->numbers.emplace(tables_->texts.back(), number);
  return number;
}

const std::string* RunValues::FindText(int64_t number) const {
  static const std::string* const empty = new std::string();
  if (number == 0) return empty;
  if (!tables_ || number < 0 || number > static_cast<int64_t>(tables_->texts.size())) return nullptr;
  return &tables_->texts[static_cast<size_t>(number - 1)];
}

}  // namespace belay
