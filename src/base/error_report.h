// What went wrong on this thread, in words: filled by every API family, taken by aclGetRecentErrMsg and
// GEGetErrorMsgV2.
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
// All reports of this thread since the last call, newest first; empty when there are none.
std::string TakeErrorReports();

}  // namespace belay
