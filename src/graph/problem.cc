#include "graph/problem.h"

#include <map>

namespace belay {
namespace {

constexpr size_t kNodesShown = 4;
constexpr size_t kProblemsShown = 16;

const char* Plural(size_t n) { return n == 1 ? "" : "s"; }

// "2 operators missing: Bar (node y), Foo (node a, b)"
std::string MissingText(const std::vector<Problem>& all) {
  std::map<std::string, std::vector<std::string>> nodes;
  for (const Problem& p : all) {
    if (p.missing_operator) nodes[p.op].push_back(p.node);
  }
  if (nodes.empty()) return "";
  std::string text;
  for (const auto& [op, names] : nodes) {
    text += fmt::format("{}{} (node ", text.empty() ? "" : ", ", op);
    for (size_t i = 0; i < names.size() && i < kNodesShown; ++i) text += (i ? ", " : "") + names[i];
    if (names.size() > kNodesShown) text += fmt::format(" and {} more", names.size() - kNodesShown);
    text += ")";
  }
  return fmt::format("{} operator{} missing: {}", nodes.size(), Plural(nodes.size()), text);
}

}  // namespace

std::string Problem::Text() const {
  if (missing_operator) return fmt::format("{}: the operator is missing", where.empty() ? op : where);
  return where.empty() ? what : where + ": " + what;
}

void Problems::Add(Problem problem) {
  const std::string text = problem.Text();
  if (!known_.insert(text).second) return;
  bytes_ += text.size();
  if (all_.size() >= kMost || (bytes_ > kMostBytes && !all_.empty())) {
    known_.erase(text);
    ++unlisted_;
    return;
  }
  all_.push_back(std::move(problem));
}

void Problems::Truncate(size_t size) {
  while (all_.size() > size) {
    known_.erase(all_.back().Text());
    all_.pop_back();
  }
}

Status Problems::ToStatus() const {
  if (all_.empty()) return OkStatus();
  std::string text = MissingText(all_), others;
  size_t count = 0;
  for (const Problem& p : all_) {
    if (p.missing_operator || ++count > kProblemsShown) continue;
    others += (others.empty() ? "" : "; ") + p.Text();
  }
  if (count > kProblemsShown) others += fmt::format("; and {} more", count - kProblemsShown);
  if (!text.empty() && count > 0) {
    text += fmt::format("; {} more problem{}: {}", count, Plural(count), others);
  } else if (count > 1) {
    text = fmt::format("{} problems: {}", count, others);
  } else if (count == 1) {
    text = others;
  }
  return Status(all_[0].code, text);
}

}  // namespace belay
