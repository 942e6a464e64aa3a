#include "base/error_report.h"

#include <fmt/format.h>

#include <deque>

#include "base/log.h"
#include "base/usage.h"

namespace belay {
namespace {

constexpr size_t kMaxReports = 32;

thread_local bool queue_gone = false;  // static destructors run after this thread's

struct Queue {
  std::deque<std::string> texts, warnings;
  ~Queue() { queue_gone = true; }
};
thread_local Queue queue;

std::string Format(const ErrorReport& report) {
  std::string text = fmt::format("{}: {}.\n", report.code, report.sentence);
  if (!report.what.empty()) text += fmt::format("  What:  {}\n", report.what);
  if (!report.why.empty()) text += fmt::format("  Why:   {}\n", report.why);
  if (!report.todo.empty()) text += fmt::format("  Do:    {}\n", report.todo);
  return text;
}

}  // namespace

void ReportError(const ErrorReport& report) {
  if (queue_gone) return;
  CountError(report.why.empty() ? report.sentence : report.sentence + " (" + report.why + ")");
  std::string text = Format(report);
  BELAY_LOG(Error, "{}", text);
  queue.texts.push_front(std::move(text));
  if (queue.texts.size() > kMaxReports) queue.texts.pop_back();
}

void ReportWarning(const std::string& sentence) {
  if (queue_gone) return;
  BELAY_LOG(Warning, "{}", sentence);
  queue.warnings.push_back(sentence);
  if (queue.warnings.size() > kMaxReports) queue.warnings.pop_front();
}

std::string TakeWarnings() {
  std::string all;
  if (queue_gone) return all;
  for (const std::string& text : queue.warnings) all += text + "\n";
  queue.warnings.clear();
  return all;
}

std::string TakeErrorReports() {
  std::string all;
  if (queue_gone) return all;
  for (const std::string& text : queue.texts) all += text;
  queue.texts.clear();
  return all;
}

}  // namespace belay
