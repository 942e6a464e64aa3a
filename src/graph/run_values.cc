#include "graph/run_values.h"

#include <deque>
#include <unordered_map>

namespace belay {

struct RunValues::Tables {
  std::deque<std::string> texts;  // by number, less one
  std::unordered_map<std::string_view, int64_t> numbers;
  std::deque<RunSequence> sequences;  // by number, less one
};

RunValues::RunValues() = default;
RunValues::~RunValues() = default;

RunValues::Tables& RunValues::Made() {
  if (!tables_) tables_ = std::make_unique<Tables>();
  return *tables_;
}

namespace {

// The empty value is number 0.
template <typename T>
const T* Find(const std::deque<T>* table, int64_t number) {
  static const T* const empty = new T();
  if (number == 0) return empty;
  if (!table || number < 0 || number > static_cast<int64_t>(table->size())) return nullptr;
  return &(*table)[static_cast<size_t>(number - 1)];
}

}  // namespace

int64_t RunValues::AddText(std::string_view text) {
  if (text.empty()) return 0;
  Tables& tables = Made();
  auto known = tables.numbers.find(text);
  if (known != tables.numbers.end()) return known->second;
  tables.texts.emplace_back(text);
  const auto number = static_cast<int64_t>(tables.texts.size());
  tables.numbers.emplace(tables.texts.back(), number);
  return number;
}

const std::string* RunValues::FindText(int64_t number) const {
  return Find(tables_ ? &tables_->texts : nullptr, number);
}

int64_t RunValues::AddSequence(RunSequence sequence) {
  Made().sequences.push_back(std::move(sequence));
  return static_cast<int64_t>(tables_->sequences.size());
}

const RunSequence* RunValues::FindSequence(int64_t number) const {
  return Find(tables_ ? &tables_->sequences : nullptr, number);
}

}  // namespace belay
