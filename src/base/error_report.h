// What went wrong on this thread, in words: filled by every API family, taken by aclGetRecentErrMsg,
// GEGetErrorMsgV2 and GEGetWarningMsgV2.
#pragma once
#include <string>

namespace belay {

struct ErrorReport {
  std::string code;      // "E10062", "107002": what the first line starts with
  std::string sentence;  // "Graph 1 cannot run: it is compiled but not loaded"
  std::string what;      // the call and its arguments; these three may be empty
  std::string why;
  std::string todo;
};

// Adds to this thread's queue; the oldest reports go when there are many.
void ReportError(const ErrorReport& report);
// A sentence for TakeWarnings, which is also logged.
void ReportWarning(const std::string& sentence);
// All warnings of this thread since the last call, oldest first, a line each.
std::string TakeWarnings();
// All reports of this thread since the last call, newest first; empty when there are none.
std::string TakeErrorReports();

}  // namespace belay
